//! Which numbers of each stream of batches came.
//!
//! ```text
//! stream ─▶ came: [1..=40] [42..=57]      41 was refused or is on its way: it is new when it comes
//!           last: {57: fingerprint, time, ...}  two senders under one stream id are told apart
//! ```
//!
//! Numbers may come in any order. A stream with very many gaps loses sight of the lowest: what lies there is neither
//! taken for new nor for a repeat.

use std::collections::{HashMap, VecDeque};

use iobeam_model::{BatchId, ProjectId};

use super::take;

/// Stretches remembered of a stream.
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

/// What is remembered of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Print {
    fingerprint: u32,
    at: u32,
}

/// The layouts of what is saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// Fingerprints without times.
    First,
    /// With the time of each.
    Timed,
}

/// All streams.
#[derive(Debug)]
pub(super) struct Streams {
    at_most: usize,
    streams: HashMap<(ProjectId, [u8; 16]), Stream>,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Stream {
    /// Stretches of numbers that came, first and last, ascending, with gaps between them.
    came: Vec<(u64, u64)>,
    /// Nothing is known of numbers below this one.
    floor: u64,
    /// Of the last numbers that came: their fingerprints, and when they came, the oldest first.
    prints: VecDeque<(u64, Print)>,
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
        stream.find(id.counter, fingerprint)
    }

    pub(super) fn note(&mut self, project: ProjectId, id: BatchId, fingerprint: u32, at: u32) {
        let key = (project, id.stream);
        if self.streams.len() >= self.at_most && !self.streams.contains_key(&key) {
            self.drop_silent();
        }
        self.streams.entry(key).or_default().note(id.counter, fingerprint, at);
    }

    /// When a batch came that is a repeat now: then, or earlier, by the receipts' time.
    pub(super) fn came_by(&self, project: ProjectId, id: BatchId) -> Option<u32> {
        self.streams.get(&(project, id.stream)).map(|stream| stream.came_by(id.counter))
    }

    /// The numbers of a stream that came, each with when it came at the latest; of many the highest.
    pub(super) fn numbers(&self, project: ProjectId, stream: [u8; 16]) -> Vec<(u64, u32)> {
        let Some(stream) = self.streams.get(&(project, stream)) else { return Vec::new() };
        let numbers = stream.came.iter().rev().flat_map(|(first, last)| (*first..=*last).rev());
        numbers.take(STRETCHES).map(|number| (number, stream.came_by(number))).collect()
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
            for (first, last) in &stream.came {
                bytes.extend(first.to_le_bytes());
                bytes.extend(last.to_le_bytes());
            }
            bytes.push(stream.prints.len() as u8);
            for (counter, Print { fingerprint, at }) in &stream.prints {
                bytes.extend(counter.to_le_bytes());
                bytes.extend(fingerprint.to_le_bytes());
                bytes.extend(at.to_le_bytes());
            }
        }
    }

    pub(super) fn read(&mut self, bytes: &mut &[u8], layout: Layout) -> Option<()> {
        for _ in 0..u64::from_le_bytes(take(bytes)?) {
            let project = ProjectId::new(u32::from_le_bytes(take(bytes)?))?;
            let id = take(bytes)?;
            let at = u32::from_le_bytes(take(bytes)?);
            let floor = u64::from_le_bytes(take(bytes)?);
            let mut stream = Stream { floor, at, ..Stream::default() };
            for _ in 0..u16::from_le_bytes(take(bytes)?) {
                let (first, last) = (take(bytes)?, take(bytes)?);
                stream.came.push((u64::from_le_bytes(first), u64::from_le_bytes(last)));
            }
            let [prints] = take(bytes)?;
            for _ in 0..prints {
                let counter = u64::from_le_bytes(take(bytes)?);
                let fingerprint = u32::from_le_bytes(take(bytes)?);
                let at = match layout {
                    Layout::First => at,
                    Layout::Timed => u32::from_le_bytes(take(bytes)?),
                };
                stream.prints.push_back((counter, Print { fingerprint, at }));
            }
            self.streams.insert((project, id), stream);
        }
        Some(())
    }
}

impl Stream {
    /// The stretch that holds a number, or where one that does would stand.
    fn stretch(&self, counter: u64) -> Result<usize, usize> {
        let at = self.came.partition_point(|(_, last)| *last < counter);
        match self.came.get(at) {
            Some((first, _)) if *first <= counter => Ok(at),
            _ => Err(at),
        }
    }

    fn find(&self, counter: u64, fingerprint: u32) -> Found {
        if self.stretch(counter).is_ok() {
            let print = self.prints.iter().find(|(noted, _)| *noted == counter);
            let same = print.is_none_or(|(_, print)| print.fingerprint == fingerprint);
            return if same { Found::Repeat } else { Found::Reused };
        }
        if counter < self.floor { Found::Forgotten } else { Found::New }
    }

    /// When a number came, or a time after it.
    fn came_by(&self, counter: u64) -> u32 {
        let print = self.prints.iter().find(|(noted, _)| *noted == counter);
        // What is not among the last ones came before them.
        let print = print.or_else(|| self.prints.front());
        print.map_or(self.at, |(_, print)| print.at)
    }

    fn note(&mut self, counter: u64, fingerprint: u32, at: u32) {
        self.at = self.at.max(at);
        // What comes again came last now.
        self.prints.retain(|(noted, _)| *noted != counter);
        if self.prints.len() == PRINTS {
            self.prints.pop_front();
        }
        self.prints.push_back((counter, Print { fingerprint, at }));
        let Err(place) = self.stretch(counter) else { return };
        let follows = place > 0 && self.came[place - 1].1.checked_add(1) == Some(counter);
        let precedes =
            self.came.get(place).is_some_and(|next| counter.checked_add(1) == Some(next.0));
        match (follows, precedes) {
            (true, true) => {
                self.came[place - 1].1 = self.came[place].1;
                self.came.remove(place);
            }
            (true, false) => self.came[place - 1].1 = counter,
            (false, true) => self.came[place].0 = counter,
            (false, false) => self.came.insert(place, (counter, counter)),
        }
        if self.came.len() > STRETCHES {
            self.floor = self.came.remove(0).1.saturating_add(1);
        }
    }

    fn strike(&mut self, counter: u64) {
        self.prints.retain(|(noted, _)| *noted != counter);
        let Ok(place) = self.stretch(counter) else { return };
        let (first, last) = self.came[place];
        self.came.remove(place);
        if counter < last {
            self.came.insert(place, (counter + 1, last));
        }
        if first < counter {
            self.came.insert(place, (first, counter - 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_in_any_order_are_known_as_a_set_knows_them(
            steps in prop::collection::vec((0u64..40, any::<bool>()), 0..200)
        ) {
            let mut stream = Stream::default();
            let mut known = BTreeSet::new();
            for (counter, note) in steps {
                if note {
                    stream.note(counter, 7, 0);
                    known.insert(counter);
                } else {
                    stream.strike(counter);
                    known.remove(&counter);
                }
                for counter in 0..41 {
                    let expected = if known.contains(&counter) { Found::Repeat } else { Found::New };
                    prop_assert_eq!(stream.find(counter, 7), expected);
                }
                prop_assert!(stream.came.windows(2).all(|pair| pair[0].1 + 1 < pair[1].0));
            }
        }
    }

    #[test]
    fn the_ends_of_the_number_range_are_numbers_like_others() {
        let mut stream = Stream::default();
        for counter in [u64::MAX, 0, u64::MAX - 1, 1] {
            stream.note(counter, 1, 0);
        }
        assert_eq!(stream.came, [(0, 1), (u64::MAX - 1, u64::MAX)]);
        stream.strike(u64::MAX);
        assert_eq!(stream.find(u64::MAX, 1), Found::New);
    }

    #[test]
    fn other_rows_under_the_same_number_are_noticed() {
        let mut stream = Stream::default();
        stream.note(5, 111, 0);
        assert_eq!(stream.find(5, 112), Found::Reused);
    }

    #[test]
    fn a_stream_of_gaps_forgets_its_lowest_numbers_and_says_so() {
        let mut stream = Stream::default();
        (0..=STRETCHES as u64).for_each(|step| stream.note(10 + step * 2, 0, 0));
        assert_eq!(stream.find(10, 0), Found::Forgotten);
        assert_eq!(stream.find(9, 0), Found::Forgotten);
        assert_eq!(stream.find(11, 0), Found::New);
        assert_eq!(stream.find(12, 0), Found::Repeat);
    }

    #[test]
    fn of_too_many_streams_the_longest_silent_go() {
        let mut streams = Streams::new(32);
        let project = ProjectId::new(1).expect("positive");
        for number in 0..33u8 {
            let id = BatchId { stream: [number; 16], counter: 1 };
            streams.note(project, id, 0, u32::from(number));
        }
        assert_eq!(streams.len(), 30);
        assert!(!streams.streams.contains_key(&(project, [2; 16])));
        assert!(streams.streams.contains_key(&(project, [3; 16])));
    }
}
