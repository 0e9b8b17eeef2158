//! `--follow`: rows of standard input are stored as they come, each within about a second.
//!
//! ```text
//! standard input ─▶ rows ─▶ block under way ─ full ──────▶ sender ─▶ POST /v1/imports
//!                                └────────── each second ──┘
//! ```
//!
//! Types must be known before, by `--type` or as the fields have them. Batches have the numbers that an import of the
//! whole file gives them, so what was followed is not stored again when it is followed or imported once more.

use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use indicatif::ProgressBar;

use super::Target;
use super::batches::{Batches, Block, rows_up_to};
use super::flags::{CsvFlags, TimeFlags};
use super::prepare::{
    add_row, batches, check_columns, declare_longs, going_on, known, namespace, with_long_remedy,
};
use super::report;
use super::rows::Rows;
use super::scan::{Known, Scan, declared, no_device};
use super::send::{Shared, known_numbers};
use super::source::decoded;
use crate::csv_text::Record;
use crate::failure::Failure;

/// Rows wait so long for others that are sent with them.
const FLUSH_INTERVAL: Duration = Duration::from_secs(1);
/// How often a reader that waits looks whether something failed.
const STOP_INTERVAL: Duration = Duration::from_millis(100);
/// Bytes read at once.
const CHUNK_BYTES: usize = 64 << 10;
/// Chunks that wait to be read.
const WAITING_CHUNKS: usize = 4;

/// Stores rows as they come.
pub(super) fn import(target: &Target<'_>, flags: &CsvFlags, times: &TimeFlags) -> Result<()> {
    if flags.csv.as_deref() != Some("-") {
        return Err(Failure::usage("--follow reads standard input")
            .remedy("tail -n +1 -f FILE | iobeam import --csv - --follow")
            .into());
    }
    let bar = ProgressBar::hidden();
    let shared = Shared::new(target, &bar, !flags.allow_repeat);
    let mut rows = Rows::open(decoded(input(&shared.stop), flags.encoding)?, flags, times)?;
    check_columns(target, &rows, flags)?;
    let space = namespace(target)?;
    let known = known(target, flags, &space);
    let scanned = declared(&rows, &known)?;
    declare_longs(target, &space, &rows, &scanned)?;
    let held = Mutex::new(batches(target, flags, &rows, &scanned)?);
    let read = thread::scope(|scope| {
        let (blocks, waiting) = sync_channel(1);
        let (ended, end) = sync_channel::<()>(0);
        let (shared, held, to_ticker) = (&shared, &held, blocks.clone());
        scope.spawn(move || {
            for block in waiting {
                shared.send(&block);
            }
        });
        scope.spawn(move || tick(shared, held, &end, &to_ticker));
        let read = read_all((&mut rows, &scanned, &known), shared, held, &blocks);
        drop(ended);
        read
    });
    let (progress, sent) = shared.end();
    let seen = progress.stored + progress.repeated;
    sent.and(read).map_err(|error| {
        let error = with_long_remedy(error, &space, &rows, &scanned);
        going_on(error, &progress, seen)
    })?;
    report::done(target, &progress)
}

/// Reads rows to the end of the input, and hands over those that are left.
fn read_all(
    (rows, scanned, known): (&mut Rows, &Scan, &Known<'_>),
    shared: &Shared<'_>,
    held: &Mutex<Batches>,
    blocks: &SyncSender<Block>,
) -> Result<()> {
    let mut record = Record::default();
    let outcome = loop {
        match rows.read(&mut record) {
            Ok(true) if !shared.is_stopped() => {}
            Ok(_) => break Ok(()),
            Err(error) => break Err(error),
        }
        if known.needs_device && !rows.layout.has_device(&record) {
            break Err(no_device(record.line).into());
        }
        let mut batches = lock(held);
        match add_row(rows, &record, scanned, &mut batches) {
            Ok(Some(block)) => drop(blocks.send(block)),
            Ok(None) => {}
            Err(error) => break Err(error),
        }
    };
    // What came before a row that cannot be stored is stored.
    if let Some(block) = lock(held).take()? {
        let _ = blocks.send(block);
    }
    outcome
}

/// Hands over each second what waits, until the input has ended.
fn tick(
    shared: &Shared<'_>,
    held: &Mutex<Batches>,
    end: &Receiver<()>,
    blocks: &SyncSender<Block>,
) {
    // Up to which row a block that began like this one is stored, as the server says.
    let mut stored: Option<([u8; 16], usize)> = None;
    while end.recv_timeout(FLUSH_INTERVAL) == Err(RecvTimeoutError::Timeout) {
        let mut batches = lock(held);
        let Some((stream, rows)) = batches.under_way().filter(|_| batches.has_rows()) else {
            continue;
        };
        if stored.is_none_or(|(of, _)| of != stream) {
            let numbers = shared.patiently(|| known_numbers(shared.target, stream));
            match numbers {
                Ok(numbers) => {
                    let most = numbers.keys().map(|number| rows_up_to(*number)).max();
                    stored = Some((stream, most.unwrap_or(0)));
                }
                Err(error) => return shared.fail(error),
            }
        }
        // A cut within what is stored would be one that nobody knows.
        if shared.asks && stored.is_some_and(|(_, most)| rows < most) {
            continue;
        }
        match batches.take() {
            Ok(Some(block)) => drop(blocks.send(block)),
            Ok(None) => {}
            Err(error) => return shared.fail(error),
        }
    }
}

fn lock(held: &Mutex<Batches>) -> MutexGuard<'_, Batches> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
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
