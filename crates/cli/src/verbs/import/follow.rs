//! `--follow`: rows of standard input are stored as they come, each within about a second.
//!
//! ```text
//! standard input ─▶ rows ─▶ block under way ─ full, or a second old ─▶ sender ─▶ POST /v1/imports
//! ```
//!
//! The reader goes on while the sender waits for the server, until two blocks are full. Types must be known before, by
//! `--type` or as the fields have them. Batches have the numbers that an import of the whole file gives them, so what was
//! followed is not stored again when it is followed or imported once more.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use indicatif::ProgressBar;

use super::Target;
use super::batches::{Batches, Block, stored_rows};
use super::flags::{CsvFlags, TimeFlags};
use super::prepare::{
    add_row, batches, check_columns, check_row, declare_longs, going_on, known, namespace,
    with_long_remedy,
};
use super::report;
use super::rows::Rows;
use super::scan::{Known, Scan, declared, no_device};
use super::send::{Patience, STOP_INTERVAL, Shared};
use super::source::decoded;
use crate::csv_text::Record;
use crate::failure::Failure;

/// Rows wait so long for others that are sent with them.
const FLUSH_INTERVAL: Duration = Duration::from_secs(1);
/// Bytes read at once.
const CHUNK_BYTES: usize = 64 << 10;
/// Chunks that wait to be read.
const WAITING_CHUNKS: usize = 4;
/// Full blocks that wait to be sent: with this many, no more rows are read.
const WAITING_BLOCKS: usize = 2;

/// Stores rows as they come.
pub(super) fn import(target: &Target<'_>, flags: &CsvFlags, times: &TimeFlags) -> Result<()> {
    if flags.csv.as_deref() != Some("-") {
        return Err(Failure::usage("--follow reads standard input")
            .remedy("tail -n +1 -f FILE | iobeam import --csv - --follow")
            .into());
    }
    let bar = ProgressBar::hidden();
    let shared = Shared::new((target, &bar), !flags.allow_repeat, Patience::Endless);
    let mut rows = Rows::open(decoded(input(&shared.stop), flags.encoding)?, flags, times)?;
    check_columns(target, &rows, flags)?;
    let space = namespace(target)?;
    let known = known(target, flags, &space);
    let scanned = declared(&rows, &known)?;
    declare_longs(target, &space, &rows, &scanned)?;
    let between = Between::new(batches(target, flags, &rows, &scanned)?);
    let read = thread::scope(|scope| {
        scope.spawn(|| between.send_all(&shared));
        let read = read_all((&mut rows, &scanned, &known), &shared, &between);
        between.end();
        read
    });
    let (progress, sent) = shared.end();
    sent.and(read).map_err(|error| {
        let error = with_long_remedy(error, &space, &rows, &scanned);
        going_on(error, &progress, None)
    })?;
    report::done(target, &progress)
}

/// Reads rows to the end of the input. What came before a row that cannot be stored is stored.
fn read_all(
    (rows, scanned, known): (&mut Rows, &Scan, &Known<'_>),
    shared: &Shared<'_>,
    between: &Between,
) -> Result<()> {
    let mut record = Record::default();
    while rows.read(&mut record)? {
        if known.needs_device && !rows.layout.has_device(&record) {
            return Err(no_device(record.line).into());
        }
        // A row is added as a whole, or nothing of it.
        check_row(rows, &record, scanned)?;
        let Some(mut held) = between.with_room(shared) else { break };
        if let Some(full) = add_row(rows, &record, scanned, &mut held.batches)? {
            held.full.push_back(full);
            between.changed.notify_all();
        }
    }
    Ok(())
}

/// What is between the reader and the sender.
struct Between {
    held: Mutex<Held>,
    /// A block is full or was taken, or the input has ended.
    changed: Condvar,
}

struct Held {
    batches: Batches,
    /// Full blocks, which go before the rows of `batches`.
    full: VecDeque<Block>,
    has_ended: bool,
}

impl Between {
    fn new(batches: Batches) -> Self {
        let held = Held { batches, full: VecDeque::new(), has_ended: false };
        Self { held: Mutex::new(held), changed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a row may be added; nothing when something failed.
    fn with_room(&self, shared: &Shared<'_>) -> Option<MutexGuard<'_, Held>> {
        let mut held = self.lock();
        while !shared.is_stopped() {
            if held.full.len() < WAITING_BLOCKS {
                return Some(held);
            }
            let waited = self.changed.wait_timeout(held, STOP_INTERVAL);
            held = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        None
    }

    /// No more rows come.
    fn end(&self) {
        self.lock().has_ended = true;
        self.changed.notify_all();
    }

    /// Sends what comes until the input has ended or something fails.
    fn send_all(&self, shared: &Shared<'_>) {
        while !shared.is_stopped() {
            let idle = |held: &mut Held| held.full.is_empty() && !held.has_ended;
            let waited = self.changed.wait_timeout_while(self.lock(), FLUSH_INTERVAL, idle);
            let mut held = waited.unwrap_or_else(PoisonError::into_inner).0;
            let (full, has_ended) = (held.full.pop_front(), held.has_ended);
            let block = match full {
                Some(full) => Ok(Some(full)),
                None if has_ended => held.batches.take(),
                None => {
                    drop(held);
                    self.under_way(shared)
                }
            };
            match block {
                Ok(Some(block)) => {
                    self.changed.notify_all();
                    shared.send(&block);
                }
                Ok(None) if has_ended => return,
                Ok(None) => {}
                Err(error) => shared.fail(error),
            }
        }
    }

    /// The rows of the block under way, unless they are the beginning of what is stored: a cut there would be one that
    /// the server does not know. It is asked while the reader goes on.
    fn under_way(&self, shared: &Shared<'_>) -> Result<Option<Block>> {
        let begun = self.lock().batches.under_way();
        let Some((stream, _)) = begun else { return Ok(None) };
        let stored = stored_rows(&*shared.known(stream)?);
        let mut held = self.lock();
        let is_new = |(of, rows): ([u8; 16], usize)| of == stream && rows >= stored;
        if held.full.is_empty() && held.batches.under_way().is_some_and(is_new) {
            return held.batches.take();
        }
        Ok(None)
    }
}

/// Standard input, which ends when something failed.
fn input(stop: &Arc<AtomicBool>) -> Box<dyn Read> {
    let (sender, chunks) = sync_channel(WAITING_CHUNKS);
    // It is not waited for: it may sit in a read for ever.
    thread::spawn(move || {
        let mut from = io::stdin();
        loop {
            let mut chunk = vec![0; CHUNK_BYTES];
            let read = from.read(&mut chunk).map(|length| {
                chunk.truncate(length);
                chunk
            });
            let is_last = read.as_ref().map_or(true, Vec::is_empty);
            if sender.send(read).is_err() || is_last {
                return;
            }
        }
    });
    Box::new(Input { chunks, stop: Arc::clone(stop), chunk: Vec::new(), given: 0 })
}

struct Input {
    chunks: Receiver<io::Result<Vec<u8>>>,
    stop: Arc<AtomicBool>,
    chunk: Vec<u8>,
    /// What of the chunk was given away.
    given: usize,
}

impl Read for Input {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.given == self.chunk.len() {
            match self.chunks.recv_timeout(STOP_INTERVAL) {
                Ok(chunk) => (self.chunk, self.given) = (chunk?, 0),
                Err(RecvTimeoutError::Timeout) if !self.stop.load(Ordering::Relaxed) => continue,
                Err(_) => return Ok(0),
            }
            if self.chunk.is_empty() {
                return Ok(0);
            }
        }
        let left = &self.chunk[self.given..];
        let length = left.len().min(into.len());
        into[..length].copy_from_slice(&left[..length]);
        self.given += length;
        Ok(length)
    }
}
