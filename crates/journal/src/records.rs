//! Reads records back, from a place on.
//!
//! What is read is what was synced when the reading began: an iterator owns its files, and neither appending nor
//! forgetting disturbs it.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;

use crate::Seq;
use crate::disk::DiskFile;
use crate::error::JournalError;
use crate::record::{HEADER, Header};
use crate::segment::{Run, Salt, Segment};

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its place.
    pub seq: Seq,
    /// What kind of record it is, as was said when it was appended.
    pub kind: u8,
    /// What was appended.
    pub payload: Vec<u8>,
}

/// Records in order. Where some were damaged, the sequence numbers have a gap.
#[derive(Debug)]
pub struct Records {
    runs: VecDeque<Stretch>,
    from: u64,
    loaded: Option<Loaded>,
}

#[derive(Debug)]
struct Stretch {
    path: Arc<PathBuf>,
    file: Arc<dyn DiskFile>,
    salt: Salt,
    run: Run,
}

#[derive(Debug)]
struct Loaded {
    stretch: Stretch,
    bytes: Vec<u8>,
    at: usize,
}

impl Records {
    pub(crate) fn new<'a>(segments: impl Iterator<Item = &'a Segment>, from: Seq) -> Self {
        let mut runs = VecDeque::new();
        for segment in segments.filter(|segment| segment.last() >= from.0) {
            let path = Arc::new(segment.path.clone());
            let wanted = segment.runs.iter().filter(|run| run.last >= from.0);
            runs.extend(wanted.map(|run| Stretch {
                path: Arc::clone(&path),
                file: Arc::clone(&segment.file),
                salt: segment.label.salt,
                run: *run,
            }));
        }
        Self { runs, from: from.0, loaded: None }
    }

    fn load(&mut self) -> Option<Result<(), JournalError>> {
        let stretch = self.runs.pop_front()?;
        let mut bytes = vec![0; (stretch.run.end - stretch.run.offset) as usize];
        let read = stretch.file.read_at(&mut bytes, stretch.run.offset);
        let result = match read {
            Ok(length) => {
                bytes.truncate(length);
                self.loaded = Some(Loaded { stretch, bytes, at: 0 });
                Ok(())
            }
            Err(source) => Err(JournalError::io("read", &stretch.path, source)),
        };
        Some(result)
    }
}

impl Loaded {
    /// The next record; `None` at the end.
    fn next(&mut self, seq_hint: u64) -> Option<Result<Record, JournalError>> {
        if self.at >= self.bytes.len() {
            return None;
        }
        let offset = self.stretch.run.offset + self.at as u64;
        let damaged = |seq| {
            let path = PathBuf::clone(&self.stretch.path);
            Some(Err(JournalError::Damaged { path, offset, seq }))
        };
        let Some(head) = Header::read(&self.bytes[self.at..], self.stretch.salt) else {
            let answer = damaged(seq_hint);
            self.at = self.bytes.len();
            return answer;
        };
        let start = self.at + HEADER;
        let payload = self.bytes.get(start..start + head.length as usize);
        let answer = match payload.filter(|payload| head.matches(payload)) {
            Some(payload) => {
                let (seq, kind) = (Seq(head.seq), head.kind);
                Some(Ok(Record { seq, kind, payload: payload.to_vec() }))
            }
            None => damaged(head.seq),
        };
        self.at += head.stride();
        answer
    }
}

impl Iterator for Records {
    type Item = Result<Record, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some(loaded) = &mut self.loaded else {
                match self.load()? {
                    Ok(()) => continue,
                    Err(error) => return Some(Err(error)),
                }
            };
            match loaded.next(self.from.max(loaded.stretch.run.first)) {
                Some(Ok(record)) if record.seq.0 < self.from => {}
                Some(Ok(record)) => {
                    self.from = record.seq.0 + 1;
                    return Some(Ok(record));
                }
                Some(Err(error)) => return Some(Err(error)),
                None => self.loaded = None,
            }
        }
    }
}
