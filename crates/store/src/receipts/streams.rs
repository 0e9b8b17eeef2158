//! Which numbers of each stream of batches came.
//!
//! ```text
//! stream ─▶ came: [1..=40] [42..=57]      41 was refused or is on its way: it is new when it comes
//!           last: {57: fingerprint, ...}  two senders under one stream id are told apart
//! ```
//!
//! Numbers may come in any order. A stream with very many gaps loses sight of the lowest: what lies there is neither
//! taken for new nor for a repeat. Not so that of a file's block, which may have as many cuts as rows: there each number
//! means all rows up to it, so of numbers between which nothing was deleted the lower one is let go.
//!
//! Of streams named by content it is known of each number that is known after which deletion it came.

use std::collections::{HashMap, VecDeque};

use iobeam_model::{BatchId, ProjectId};

use super::take;

/// Stretches remembered of a stream: 12 KiB at most.
const STRETCHES: usize = 512;
/// Fingerprints remembered of a stream.
const PRINTS: usize = 16;

/// What is known of a batch's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// It did not come yet.
    New,
    /// It came.
    Repeat,
    /// It came with other rows.
    Reused,
    /// Too long ago to tell.
    Forgotten,
}

/// Numbers that follow one another and came between the same two deletions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stretch {
    first: u64,
    last: u64,
    /// The first record behind the last deletion before they came; 0 in streams that are not named by content.
    since: u64,
}

/// The layouts of what is saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// Fingerprints without times.
    First,
    /// With the time of each.
    Timed,
    /// Fingerprints without times, stretches with the record since which they are there.
    Recorded,
}

/// All streams.
#[derive(Debug)]
pub(super) struct Streams {
    at_most: usize,
    streams: HashMap<(ProjectId, [u8; 16]), Stream>,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Stream {
    /// Stretches of numbers that came, ascending.
    came: Vec<Stretch>,
    /// Nothing is known of numbers below this one.
    floor: u64,
    /// Of the last numbers that came: their fingerprints, the oldest first.
    prints: VecDeque<(u64, u32)>,
    /// When the last one came.
    at: u32,
}

impl Streams {
    pub(super) fn new(at_most: usize) -> Self {
        Self { at_most: at_most.max(1), streams: HashMap::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.streams.len()
    }

    pub(super) fn find(&self, project: ProjectId, id: BatchId, fingerprint: u32) -> Found {
        let Some(stream) = self.streams.get(&(project, id.stream)) else { return Found::New };
        stream.find(id, fingerprint)
    }

    /// A batch came: when, and since which record no rows were deleted.
    pub(super) fn note(
        &mut self,
        project: ProjectId,
        id: BatchId,
        fingerprint: u32,
        (at, since): (u32, u64),
    ) {
        let key = (project, id.stream);
        if self.streams.len() >= self.at_most && !self.streams.contains_key(&key) {
            self.drop_silent();
        }
        self.streams.entry(key).or_default().note(id, fingerprint, (at, since));
    }

    /// Of a batch named by content that came: since which record. No deletion lies in between.
    pub(super) fn came_since(&self, project: ProjectId, id: BatchId) -> Option<u64> {
        let stream = self.streams.get(&(project, id.stream))?;
        stream.stretch(id.counter).ok().map(|place| stream.came[place].since)
    }

    /// The numbers of a stream that came, each with the record since which it is there; of many the highest.
    pub(super) fn numbers(&self, project: ProjectId, stream: [u8; 16]) -> Vec<(u64, u64)> {
        let Some(stream) = self.streams.get(&(project, stream)) else { return Vec::new() };
        let numbers = |stretch: &Stretch| {
            let since = stretch.since;
            (stretch.first..=stretch.last).rev().map(move |number| (number, since))
        };
        stream.came.iter().rev().flat_map(numbers).take(STRETCHES).collect()
    }

    pub(super) fn strike(&mut self, project: ProjectId, id: BatchId) {
        if let Some(stream) = self.streams.get_mut(&(project, id.stream)) {
            stream.strike(id.counter);
        }
    }

    /// Drops the sixteenth part of the streams that was silent longest: rare, and so not on each new stream.
    fn drop_silent(&mut self) {
        let mut times: Vec<u32> = self.streams.values().map(|stream| stream.at).collect();
        let at = (times.len() / 16).min(times.len() - 1);
        let (_, limit, _) = times.select_nth_unstable(at);
        let limit = *limit;
        let mut excess = at + 1;
        self.streams.retain(|_, stream| {
            let goes = stream.at <= limit && excess > 0;
            excess -= usize::from(goes);
            !goes
        });
    }

    pub(super) fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend((self.streams.len() as u64).to_le_bytes());
        for ((project, id), stream) in &self.streams {
            bytes.extend(project.get().to_le_bytes());
            bytes.extend(id);
            bytes.extend(stream.at.to_le_bytes());
            bytes.extend(stream.floor.to_le_bytes());
            bytes.extend((stream.came.len() as u16).to_le_bytes());
            for Stretch { first, last, since } in &stream.came {
                bytes.extend(first.to_le_bytes());
                bytes.extend(last.to_le_bytes());
                bytes.extend(since.to_le_bytes());
            }
            bytes.push(stream.prints.len() as u8);
            for (counter, fingerprint) in &stream.prints {
                bytes.extend(counter.to_le_bytes());
                bytes.extend(fingerprint.to_le_bytes());
            }
        }
    }

    /// Reads what a former process saved when this record was the last. Earlier layouts do not say between which deletions
    /// a batch came: it counts as having come after all of them, so that none of its rows is stored twice.
    pub(super) fn read(&mut self, bytes: &mut &[u8], layout: Layout, saved: u64) -> Option<()> {
        for _ in 0..u64::from_le_bytes(take(bytes)?) {
            let project = ProjectId::new(u32::from_le_bytes(take(bytes)?))?;
            let id = take(bytes)?;
            let is_content = (BatchId { stream: id, counter: 0 }).is_content();
            let at = u32::from_le_bytes(take(bytes)?);
            let floor = u64::from_le_bytes(take(bytes)?);
            let mut stream = Stream { floor, at, ..Stream::default() };
            for _ in 0..u16::from_le_bytes(take(bytes)?) {
                let (first, last) = (take(bytes)?, take(bytes)?);
                let (first, last) = (u64::from_le_bytes(first), u64::from_le_bytes(last));
                let since = match layout {
                    Layout::First | Layout::Timed if is_content => saved,
                    Layout::First | Layout::Timed => 0,
                    Layout::Recorded => u64::from_le_bytes(take(bytes)?),
                };
                stream.came.push(Stretch { first, last, since });
            }
            let [prints] = take(bytes)?;
            for _ in 0..prints {
                let counter = u64::from_le_bytes(take(bytes)?);
                stream.prints.push_back((counter, u32::from_le_bytes(take(bytes)?)));
                if layout == Layout::Timed {
                    take::<4>(bytes)?;
                }
            }
            self.streams.insert((project, id), stream);
        }
        Some(())
    }
}

impl Stream {
    /// The stretch that holds a number, or where one that does would stand.
    fn stretch(&self, counter: u64) -> Result<usize, usize> {
        let at = self.came.partition_point(|stretch| stretch.last < counter);
        match self.came.get(at) {
            Some(stretch) if stretch.first <= counter => Ok(at),
            _ => Err(at),
        }
    }

    fn find(&self, id: BatchId, fingerprint: u32) -> Found {
        let counter = id.counter;
        if self.stretch(counter).is_ok() {
            // A number of a block means all rows up to it, whichever of them came under it.
            let print = self.prints.iter().find(|(noted, _)| *noted == counter);
            let print = print.filter(|_| !id.is_of_block());
            let same = print.is_none_or(|(_, noted)| *noted == fingerprint);
            return if same { Found::Repeat } else { Found::Reused };
        }
        if counter < self.floor && !id.is_of_block() { Found::Forgotten } else { Found::New }
    }

    fn note(&mut self, id: BatchId, fingerprint: u32, (at, since): (u32, u64)) {
        self.at = self.at.max(at);
        if !id.is_of_block() {
            // What comes again came last now.
            self.prints.retain(|(noted, _)| *noted != id.counter);
            if self.prints.len() == PRINTS {
                self.prints.pop_front();
            }
            self.prints.push_back((id.counter, fingerprint));
        }
        self.place(id, if id.is_content() { since } else { 0 });
    }

    /// Puts a number among those that came.
    fn place(&mut self, id: BatchId, since: u64) {
        let counter = id.counter;
        if let Ok(place) = self.stretch(counter) {
            if self.came[place].since == since {
                return;
            }
            self.take_out(counter);
        }
        let place = self.came.partition_point(|stretch| stretch.last < counter);
        let follows = self.came[..place].last().is_some_and(|before| {
            before.since == since && before.last.checked_add(1) == Some(counter)
        });
        let precedes = self
            .came
            .get(place)
            .is_some_and(|next| next.since == since && counter.checked_add(1) == Some(next.first));
        match (follows, precedes) {
            (true, true) => {
                self.came[place - 1].last = self.came[place].last;
                self.came.remove(place);
            }
            (true, false) => self.came[place - 1].last = counter,
            (false, true) => self.came[place].first = counter,
            (false, false) => {
                // Before it is there: were it struck out again, what it took the place of would be missed.
                while self.came.len() >= STRETCHES {
                    self.let_one_go(id.is_of_block());
                }
                let place = self.came.partition_point(|stretch| stretch.last < counter);
                self.came.insert(place, Stretch { first: counter, last: counter, since });
            }
        }
    }

    /// Makes room for a stretch. `of_block`: the numbers say up to which row a block is stored.
    fn let_one_go(&mut self, of_block: bool) {
        if !of_block {
            self.floor = self.came.remove(0).last.saturating_add(1);
            return;
        }
        // The next number means its rows as well, and the same deletions came after both. The one goes whose neighbours
        // are closest, so that those that stay are spread over the block.
        let same = self.came.windows(2).enumerate().filter(|(_, two)| two[0].since == two[1].since);
        let before = |place: usize| place.checked_sub(1).map_or(0, |before| self.came[before].last);
        let closest = same.min_by_key(|(place, two)| two[1].last - before(*place));
        // With as many deletions as numbers: which rows of the lowest were deleted is not known any more, but no row is
        // stored twice.
        let place = closest.map_or(0, |(place, _)| place);
        self.came.remove(place);
    }

    fn strike(&mut self, counter: u64) {
        self.prints.retain(|(noted, _)| *noted != counter);
        self.take_out(counter);
    }

    fn take_out(&mut self, counter: u64) {
        let Ok(place) = self.stretch(counter) else { return };
        let Stretch { first, last, since } = self.came.remove(place);
        if counter < last {
            self.came.insert(place, Stretch { first: counter + 1, last, since });
        }
        if first < counter {
            self.came.insert(place, Stretch { first, last: counter - 1, since });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// A number of a device's stream.
    fn of_device(counter: u64) -> BatchId {
        BatchId { stream: [7; 16], counter }
    }

    /// A number that says that so many rows of a block are stored.
    fn of_block(rows: u64) -> BatchId {
        let hash = rows.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - BatchId::HASH_BITS);
        BatchId { stream: BatchId::content_stream(1), counter: rows << BatchId::HASH_BITS | hash }
    }

    proptest! {
        #[test]
        fn numbers_in_any_order_are_known_as_a_set_knows_them(
            steps in prop::collection::vec((0u64..40, any::<bool>()), 0..200)
        ) {
            let mut stream = Stream::default();
            let mut known = BTreeSet::new();
            for (counter, note) in steps {
                if note {
                    stream.note(of_device(counter), 7, (0, 0));
                    known.insert(counter);
                } else {
                    stream.strike(counter);
                    known.remove(&counter);
                }
                for counter in 0..41 {
                    let expected = if known.contains(&counter) { Found::Repeat } else { Found::New };
                    prop_assert_eq!(stream.find(of_device(counter), 7), expected);
                }
                prop_assert!(stream.came.windows(2).all(|pair| pair[0].last + 1 < pair[1].first));
            }
        }
    }

    #[test]
    fn the_ends_of_the_number_range_are_numbers_like_others() {
        let mut stream = Stream::default();
        for counter in [u64::MAX, 0, u64::MAX - 1, 1] {
            stream.note(of_device(counter), 1, (0, 0));
        }
        let came: Vec<_> = stream.came.iter().map(|came| (came.first, came.last)).collect();
        assert_eq!(came, [(0, 1), (u64::MAX - 1, u64::MAX)]);
        stream.strike(u64::MAX);
        assert_eq!(stream.find(of_device(u64::MAX), 1), Found::New);
    }

    #[test]
    fn other_rows_under_the_same_number_are_noticed() {
        let mut stream = Stream::default();
        stream.note(of_device(5), 111, (0, 0));
        assert_eq!(stream.find(of_device(5), 112), Found::Reused);
    }

    #[test]
    fn a_stream_of_gaps_forgets_its_lowest_numbers_and_says_so() {
        let mut stream = Stream::default();
        (0..=STRETCHES as u64).for_each(|step| stream.note(of_device(10 + step * 2), 0, (0, 0)));
        assert_eq!(stream.find(of_device(10), 0), Found::Forgotten);
        assert_eq!(stream.find(of_device(9), 0), Found::Forgotten);
        assert_eq!(stream.find(of_device(11), 0), Found::New);
        assert_eq!(stream.find(of_device(12), 0), Found::Repeat);
    }

    #[test]
    fn of_a_block_with_very_many_cuts_each_number_is_known_or_new_and_so_are_deletions_in_between()
    {
        let mut stream = Stream::default();
        // A deletion after each 100 rows.
        let since = |rows: u64| rows / 100;
        for rows in 1..=5_000 {
            stream.note(of_block(rows), 0, (1, since(rows)));
            assert_eq!(stream.find(of_block(rows), 0), Found::Repeat, "the last one is known");
        }
        assert!(stream.came.len() <= STRETCHES);
        let last = (0..50).map(|deletion| deletion * 100 + 99).chain([5_000]);
        for rows in last {
            let place = stream.stretch(of_block(rows).counter).expect("known");
            assert_eq!(stream.came[place].since, since(rows), "{rows}");
        }
        let rows = |stretch: &Stretch| stretch.last >> BatchId::HASH_BITS;
        for two in stream.came.windows(2) {
            assert!(rows(&two[1]) - rows(&two[0]) < 50, "{} and {}", rows(&two[0]), rows(&two[1]));
        }
        for rows in 1..=6_000 {
            assert_ne!(stream.find(of_block(rows), 0), Found::Forgotten, "{rows}");
        }
    }

    #[test]
    fn a_number_of_a_block_is_the_same_whichever_of_its_rows_come_under_it() {
        let mut stream = Stream::default();
        stream.note(of_block(7), 111, (0, 0));
        assert_eq!(stream.find(of_block(7), 112), Found::Repeat);
        // Those that an earlier version noted do not count either.
        stream.prints.push_back((of_block(7).counter, 111));
        assert_eq!(stream.find(of_block(7), 112), Found::Repeat);
    }

    #[test]
    fn numbers_by_content_between_which_rows_were_deleted_are_told_apart() {
        let mut stream = Stream::default();
        let id = |counter| BatchId { stream: BatchId::content_stream(1), counter };
        (0..40).for_each(|counter| stream.note(id(counter), 0, (5, 0)));
        assert_eq!(stream.came.len(), 1);
        // All are sent again after a deletion.
        (0..20).for_each(|counter| stream.note(id(counter), 0, (9, 8)));
        let times: Vec<_> =
            stream.came.iter().map(|came| (came.first, came.last, came.since)).collect();
        assert_eq!(times, [(0, 19, 8), (20, 39, 0)]);
    }

    #[test]
    fn of_too_many_streams_the_longest_silent_go() {
        let mut streams = Streams::new(32);
        let project = ProjectId::new(1).expect("positive");
        for number in 0..33u8 {
            let id = BatchId { stream: [number; 16], counter: 1 };
            streams.note(project, id, 0, (u32::from(number), 0));
        }
        assert_eq!(streams.len(), 30);
        assert!(!streams.streams.contains_key(&(project, [2; 16])));
        assert!(streams.streams.contains_key(&(project, [3; 16])));
    }
}
