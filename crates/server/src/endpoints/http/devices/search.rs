//! Devices as people look for them: `GET /v1/devices` with a search, a filter, an order or counts.
//!
//! ```text
//! ?search=pump&state=stale&sort=-last_seen&offset=50&count=50&facets=true
//!   ─▶ {"devices":[{..,"state":"stale"}],"total":123,"types":[{"device_type":"pump","count":120},..],"states":{"online":7,..}}
//! ```
//!
//! Without any of these parameters the list is as it always was.

use iobeam_catalog::{
    Device, DeviceOrder, DeviceSearch, DeviceState, FoundDevices, Page, Patience,
};
use iobeam_wire::v1::DeviceObject;
use serde::Serialize;

use super::{DeviceQuery, shown};
use crate::config::Config;
use crate::core::api_error::ApiError;

/// A page of devices.
#[derive(Serialize)]
pub(super) struct FoundReply {
    /// The page.
    pub(super) devices: Vec<DeviceObject>,
    total: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    types: Option<Vec<TypeCount>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    states: Option<StateCounts>,
}

#[derive(Serialize)]
struct TypeCount {
    device_type: Option<String>,
    count: u64,
}

#[derive(Serialize)]
struct StateCounts {
    online: u64,
    stale: u64,
    offline: u64,
    never_seen: u64,
}

/// What is searched for; `None` when the list is to be as it always was.
pub(super) fn search(query: &DeviceQuery) -> Result<Option<DeviceSearch>, ApiError> {
    let DeviceQuery { search, r#type, state, sort, facets, .. } = query;
    let is_search = search.is_some() || r#type.is_some() || state.is_some() || sort.is_some();
    if !is_search && facets.is_none() {
        return Ok(None);
    }
    let sort = sort.as_deref().unwrap_or_default();
    let (descending, order) = match sort.strip_prefix('-') {
        Some(order) => (true, order),
        None => (false, sort),
    };
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    Ok(Some(DeviceSearch {
        text: given(search),
        kind: given(r#type),
        state: given(state).as_deref().map(state_named).transpose()?,
        order: order_named(order)?,
        descending,
        page: Page { offset: query.offset.unwrap_or(0), count: query.count },
    }))
}

/// From when on a device counts as stale and as offline.
pub(super) fn patience(config: &Config) -> Patience {
    Patience {
        stale_after: config.devices.stale_after,
        offline_after: config.devices.offline_after,
    }
}

/// The reply; counts only where they are wanted.
pub(super) fn reply(found: FoundDevices, with_counts: bool) -> FoundReply {
    let FoundDevices { devices, total, types, states } = found;
    let of = |state| states.get(&state).copied().unwrap_or(0);
    let states = StateCounts {
        online: of(DeviceState::Online),
        stale: of(DeviceState::Stale),
        offline: of(DeviceState::Offline),
        never_seen: of(DeviceState::NeverSeen),
    };
    let mut types: Vec<TypeCount> =
        types.into_iter().map(|(device_type, count)| TypeCount { device_type, count }).collect();
    // Those that most devices are of come first; the sort keeps the rest by name.
    types.sort_by_key(|one| std::cmp::Reverse(one.count));
    FoundReply {
        devices: devices.into_iter().map(with_state).collect(),
        total,
        types: with_counts.then_some(types),
        states: with_counts.then_some(states),
    }
}

/// The device as the API shows it, and how long ago it was heard of.
pub(super) fn with_state((device, state): (Device, DeviceState)) -> DeviceObject {
    DeviceObject { state: Some(name_of(state).to_owned()), ..shown(device) }
}

const fn name_of(state: DeviceState) -> &'static str {
    match state {
        DeviceState::Online => "online",
        DeviceState::Stale => "stale",
        DeviceState::Offline => "offline",
        DeviceState::NeverSeen => "never_seen",
    }
}

fn state_named(name: &str) -> Result<DeviceState, ApiError> {
    // Names that states had before are still understood.
    let name = match name {
        "late" => "stale",
        "silent" => "offline",
        "never" => "never_seen",
        name => name,
    };
    let states =
        [DeviceState::Online, DeviceState::Stale, DeviceState::Offline, DeviceState::NeverSeen];
    states.into_iter().find(|state| name_of(*state) == name).ok_or_else(|| {
        ApiError::parameter(
            "state",
            format!("'{name}' is none of online, stale, offline, never_seen"),
        )
    })
}

fn order_named(name: &str) -> Result<DeviceOrder, ApiError> {
    Ok(match name {
        "" | "created" => DeviceOrder::Created,
        "id" => DeviceOrder::Id,
        "name" => DeviceOrder::Name,
        "type" => DeviceOrder::Type,
        "last_seen" => DeviceOrder::LastSeen,
        other => {
            return Err(ApiError::parameter(
                "sort",
                format!(
                    "'{other}' is none of name, id, type, created, last_seen; a '-' before it turns the order round"
                ),
            ));
        }
    })
}
