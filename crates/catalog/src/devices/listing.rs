//! Devices as people look for them: by a part of a name, by type, by when they were last heard of.
//!
//! ```text
//! all of the project ─ search, type, state ─▶ those meant ─ order ─▶ page          from memory, in one pass
//!                          └─▶ how many of each type and state, each without its own filter
//! ```
//!
//! Only what the page shows is put in order and copied: the first page of a hundred thousand devices costs one look at
//! each.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::time::Duration;

use iobeam_model::{DeviceId, ProjectId, Timestamp};

use super::Page;
use crate::database::{Catalog, KnownDevice};
use crate::error::CatalogError;
use crate::record::Device;

/// How long ago a device was heard of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DeviceState {
    /// A moment ago.
    Online,
    /// Longer ago than it should be.
    Stale,
    /// Too long ago.
    Offline,
    /// It never sent anything.
    NeverSeen,
}

/// From when on a device counts as stale, and as offline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Online up to this long.
    pub stale_after: Duration,
    /// Stale up to this long, and offline then.
    pub offline_after: Duration,
}

/// By what a listing is ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceOrder {
    /// When it was registered.
    #[default]
    Created,
    /// Its id.
    Id,
    /// Its name, as people count: `pump 2` before `pump 10`. One whose name was made up stands where its id would.
    Name,
    /// Its type.
    Type,
    /// When it was last heard of; never comes before all times.
    LastSeen,
}

/// Which devices, and how.
#[derive(Clone, Debug, Default)]
pub struct DeviceSearch {
    /// A text that occurs in the id or in the name, in any letter case.
    pub text: Option<String>,
    /// Devices of this type.
    pub kind: Option<String>,
    /// Devices in this state.
    pub state: Option<DeviceState>,
    /// By what they are ordered; those alike by id.
    pub order: DeviceOrder,
    /// Whether the order is turned round.
    pub descending: bool,
    /// Which part of them.
    pub page: Page,
}

/// What a search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundDevices {
    /// The page.
    pub devices: Vec<(Device, DeviceState)>,
    /// How many there are on all pages.
    pub total: u64,
    /// How many of each type the search finds, whatever its type; those without a type under `None`.
    pub types: BTreeMap<Option<String>, u64>,
    /// How many in each state the search finds, whatever its state.
    pub states: BTreeMap<DeviceState, u64>,
}

impl Patience {
    /// The state of a device that was last heard of then.
    pub fn state(self, last_seen: Option<Timestamp>, now: Timestamp) -> DeviceState {
        let Some(seen) = last_seen else { return DeviceState::NeverSeen };
        let age = now.micros().saturating_sub(seen.micros());
        let within = |limit: Duration| i128::from(age) <= limit.as_micros() as i128;
        match () {
            () if within(self.stale_after) => DeviceState::Online,
            () if within(self.offline_after) => DeviceState::Stale,
            () => DeviceState::Offline,
        }
    }
}

/// A device that is meant, without a copy.
struct Meant<'m> {
    id: &'m str,
    known: &'m KnownDevice,
    last_seen: Option<Timestamp>,
    state: DeviceState,
}

impl Meant<'_> {
    /// The name that somebody gave it, or else its id.
    fn called(&self) -> &str {
        if super::is_made_up(&self.known.name) { self.id } else { &self.known.name }
    }
}

impl Catalog {
    /// The devices that a search means. From memory.
    ///
    /// # Errors
    /// Never, unless what is in memory makes no sense.
    pub fn search_devices(
        &self,
        project: ProjectId,
        search: &DeviceSearch,
        patience: Patience,
    ) -> Result<FoundDevices, CatalogError> {
        let now = self.now();
        let text = search.text.as_deref().map(str::trim).filter(|text| !text.is_empty());
        let text = text.map(str::to_lowercase);
        let all = self.mirror().devices.read();
        let mut types: BTreeMap<Option<&str>, u64> = BTreeMap::new();
        let mut states = BTreeMap::new();
        let mut meant = Vec::new();
        for (id, known) in all.get(&project).into_iter().flatten() {
            if let Some(text) = &text
                && !holds(id, text)
                && !holds(&known.name, text)
            {
                continue;
            }
            let last_seen = known.last_seen.get();
            let state = patience.state(last_seen, now);
            let of_kind = search.kind.is_none() || known.kind.as_deref() == search.kind.as_deref();
            let in_state = search.state.is_none_or(|wanted| wanted == state);
            if in_state {
                *types.entry(known.kind.as_deref()).or_default() += 1;
            }
            if of_kind {
                *states.entry(state).or_default() += 1;
            }
            if of_kind && in_state {
                meant.push(Meant { id, known, last_seen, state });
            }
        }
        let total = meant.len() as u64;
        let types =
            types.into_iter().map(|(kind, count)| (kind.map(String::from), count)).collect();
        let devices: Result<_, CatalogError> =
            page(&mut meant, search).iter().map(|one| one.copied(project)).collect();
        Ok(FoundDevices { devices: devices?, total, types, states })
    }
}

impl Meant<'_> {
    fn copied(&self, project: ProjectId) -> Result<(Device, DeviceState), CatalogError> {
        let id: DeviceId = self.id.parse().map_err(|error: iobeam_model::NameError| {
            CatalogError::invalid("device_id", error.to_string())
        })?;
        let KnownDevice { name, kind, created, .. } = self.known;
        let device = Device {
            id,
            project,
            name: name.to_string(),
            kind: kind.as_deref().map(String::from),
            created: *created,
            last_seen: self.last_seen,
        };
        Ok((device, self.state))
    }
}

/// The part that is wanted, in order; what stands before and after it is only parted from it.
fn page<'p, 'm>(meant: &'p mut [Meant<'m>], search: &DeviceSearch) -> &'p [Meant<'m>] {
    let whole = meant.len();
    let from = usize::try_from(search.page.offset).unwrap_or(usize::MAX).min(whole);
    let count = search.page.count.map_or(whole, |count| usize::try_from(count).unwrap_or(whole));
    let to = from.saturating_add(count).min(whole);
    let order = |a: &Meant<'_>, b: &Meant<'_>| {
        let ordering = compare(search.order, a, b);
        let ordering = if search.descending { ordering.reverse() } else { ordering };
        ordering.then_with(|| a.id.cmp(b.id))
    };
    if from == to {
        return &[];
    }
    if to < whole {
        meant.select_nth_unstable_by(to, order);
    }
    let wanted = &mut meant[..to];
    if from > 0 {
        wanted.select_nth_unstable_by(from, order);
    }
    wanted[from..].sort_unstable_by(order);
    &wanted[from..]
}

fn compare(order: DeviceOrder, a: &Meant<'_>, b: &Meant<'_>) -> Ordering {
    match order {
        DeviceOrder::Created => a.known.created.cmp(&b.known.created),
        DeviceOrder::Id => as_people_count(a.id, b.id),
        DeviceOrder::Name => as_people_count(a.called(), b.called()),
        DeviceOrder::Type => a.known.kind.cmp(&b.known.kind),
        DeviceOrder::LastSeen => a.last_seen.cmp(&b.last_seen),
    }
}

/// In any letter case, and digits as the number they make.
fn as_people_count(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        let (Some(one), Some(other)) = (a.chars().next(), b.chars().next()) else {
            return a.len().cmp(&b.len());
        };
        if one.is_ascii_digit() && other.is_ascii_digit() {
            let (x, y) = (number(&mut a), number(&mut b));
            // Of numbers without leading zeros the longer one is the larger one.
            match x.len().cmp(&y.len()).then_with(|| x.cmp(y)) {
                Ordering::Equal => continue,
                unequal => return unequal,
            }
        }
        // Most names are ASCII throughout, and nothing is spent on them that only others need.
        let small = if one.is_ascii() && other.is_ascii() {
            one.to_ascii_lowercase().cmp(&other.to_ascii_lowercase())
        } else {
            one.to_lowercase().cmp(other.to_lowercase())
        };
        match small {
            Ordering::Equal => {
                a = &a[one.len_utf8()..];
                b = &b[other.len_utf8()..];
            }
            unequal => return unequal,
        }
    }
}

/// Takes the digits off the beginning, and gives them without leading zeros.
fn number<'t>(text: &mut &'t str) -> &'t str {
    let end = text.find(|sign: char| !sign.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    *text = rest;
    digits.trim_start_matches('0')
}

/// Whether the text, which is in small letters, occurs in this one in any letter case.
fn holds(whole: &str, text: &str) -> bool {
    if !whole.is_ascii() {
        return whole.to_lowercase().contains(text);
    }
    let (whole, text) = (whole.as_bytes(), text.as_bytes());
    let first = text.first().copied().unwrap_or_default();
    whole
        .windows(text.len())
        .any(|part| part[0].to_ascii_lowercase() == first && part.eq_ignore_ascii_case(text))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_text_is_found_as_if_both_were_in_small_letters(
            whole in "[A-Za-zÄß0-9 _-]{0,12}", text in "[A-Za-zä0-9]{1,3}",
        ) {
            let text = text.to_lowercase();
            prop_assert_eq!(holds(&whole, &text), whole.to_lowercase().contains(&text));
        }

        #[test]
        fn the_order_of_names_is_an_order(
            a in "[a-cA-C0-9é]{0,6}", b in "[a-cA-C0-9é]{0,6}", c in "[a-cA-C0-9é]{0,6}",
        ) {
            prop_assert_eq!(as_people_count(&a, &b), as_people_count(&b, &a).reverse());
            if as_people_count(&a, &b).is_le() && as_people_count(&b, &c).is_le() {
                prop_assert!(as_people_count(&a, &c).is_le(), "{a} {b} {c}");
            }
        }
    }

    #[test]
    fn names_are_ordered_as_people_count() {
        let mut names = ["pump 10", "Pump 2", "pump 02b", "alarm", "pump", "Zähler 1", "pump 2a"];
        names.sort_by(|a, b| as_people_count(a, b));
        let ordered = ["alarm", "pump", "Pump 2", "pump 2a", "pump 02b", "pump 10", "Zähler 1"];
        assert_eq!(names, ordered);
    }
}
