//! Rows on their way into the next batch, written to a file as they are added: they survive the end of the process.
//!
//! ```text
//! rows-0  generation 6: plan, row, row, row │ what an older generation left
//! rows-1  generation 5: plan, row, row      │ in the spool already: the journal says it covers 5
//!
//! entry   length u32 │ crc32c u32 │ generation u64 │ kind u8 │ store u16 │ what the kind says
//! ```
//!
//! - Each batch record of the journal names the last generation whose rows it holds. What belongs to a later one was
//!   not in any batch yet and is collected again at the next start: never lost, never twice.
//! - The two files take turns: rows are never written over others that are not yet in the journal. A process that
//!   finds such rows goes on behind them.
//! - Nothing is synced here, so that `add` stays fast: a power cut may take the rows since the last flush.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use iobeam_journal::{Disk, DiskFile};

use crate::error::Error;
use crate::rows::Plan;
use crate::value::Reading;

const HEADER: usize = 19;
/// What a plan says of the times of its rows.
const SURE: u8 = 0;
const UNSURE: u8 = 2;
const PLAN: u8 = 1;
const ROW: u8 = 2;

/// The two files.
#[derive(Debug)]
pub(crate) struct RowLog {
    files: [(PathBuf, Arc<dyn DiskFile>); 2],
    capacity: u64,
    generation: u64,
    at: u64,
    /// The other file has rows that are not yet in the journal.
    other_waits: bool,
    /// Nothing may be written until what was taken is in the journal.
    held: bool,
    /// Stores whose plan is in the file of this generation.
    planned: Vec<bool>,
    scratch: Vec<u8>,
}

/// What a former process left.
#[derive(Debug, Default)]
pub(crate) struct Left {
    /// The stores it had, by their number, and its rows in order.
    pub(crate) plans: Vec<(u16, Plan)>,
    pub(crate) rows: Vec<LeftRow>,
    /// The last generation found, where its file ends, and in how many files there are such rows.
    generation: u64,
    end: u64,
    files: u32,
    /// What cannot be read, for people.
    pub(crate) damaged: Vec<String>,
}

/// A row that a former process left.
#[derive(Debug)]
pub(crate) struct LeftRow {
    /// Where in `plans` its store stands.
    pub(crate) plan: usize,
    pub(crate) time: i64,
    pub(crate) values: Vec<iobeam_model::Value>,
    pub(crate) present: Vec<bool>,
}

impl RowLog {
    /// Opens the files in a folder, and tells what is in them that the journal does not cover.
    pub(crate) fn open(
        disk: &dyn Disk,
        dir: &Path,
        capacity: u64,
        covered: u64,
    ) -> Result<(Self, Left), Error> {
        let open = |name: &str| {
            let path = dir.join(name);
            let file = if disk.exists(&path).unwrap_or(false) {
                disk.open(&path)
            } else {
                disk.create(&path)
            };
            let file = file.map_err(|source| Error::file("open", &path, source))?;
            let room = file.preallocate(capacity);
            room.map_err(|source| Error::file("reserve room for", &path, source))?;
            Ok::<_, Error>((path, file))
        };
        let files = [open("rows-0")?, open("rows-1")?];
        let mut found = Vec::new();
        for (path, file) in &files {
            found.push(read(&**file).map_err(|source| Error::file("read", path, source))?);
        }
        let mut left = Left { generation: covered, ..Left::default() };
        for ((path, _), bytes) in files.iter().zip(&found) {
            left.damaged.extend(damage_of(path, bytes));
        }
        // Older rows first.
        found.sort_by_key(|bytes| generation_of(bytes));
        for bytes in &found {
            left.take_in(bytes, covered);
        }
        let goes_on = left.generation > covered && left.end > 0;
        let log = Self {
            files,
            capacity,
            generation: if goes_on { left.generation } else { left.generation + 1 },
            at: if goes_on { left.end } else { 0 },
            other_waits: left.files > 1,
            held: false,
            planned: Vec::new(),
            scratch: Vec::new(),
        };
        Ok((log, left))
    }

    /// The generation that rows belong to now.
    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// Rows belong to the next generation from now on.
    pub(crate) fn turn(&mut self) {
        self.generation += 1;
        self.at = 0;
        self.planned.clear();
        // Only after a start that found two generations, and only while the disk takes no batch: what is added
        // meanwhile is in memory alone.
        self.held = self.other_waits;
        self.other_waits = true;
    }

    /// What was taken is in the journal.
    pub(crate) fn settled(&mut self) {
        (self.held, self.other_waits) = (false, false);
    }

    /// Writes a row down. `Ok(false)` when it does not fit any more.
    pub(crate) fn write(
        &mut self,
        store: usize,
        plan: &Plan,
        time: i64,
        row: &[Reading<'_>],
    ) -> Result<bool, Error> {
        if self.held {
            return Ok(true);
        }
        self.scratch.clear();
        if self.planned.len() <= store {
            self.planned.resize(store + 1, false);
        }
        let first = !self.planned[store];
        if first {
            self.entry(PLAN, store, |bytes| put_plan(bytes, plan));
        }
        self.entry(ROW, store, |bytes| put_row(bytes, time, row));
        if self.at + self.scratch.len() as u64 > self.capacity {
            return Ok(false);
        }
        let (path, file) = &self.files[(self.generation % 2) as usize];
        let written = file.write_at(&self.scratch, self.at);
        written.map_err(|source| Error::file("write", path, source))?;
        self.at += self.scratch.len() as u64;
        self.planned[store] = true;
        Ok(true)
    }

    fn entry(&mut self, kind: u8, store: usize, fill: impl FnOnce(&mut Vec<u8>)) {
        let bytes = &mut self.scratch;
        let start = bytes.len();
        bytes.extend_from_slice(&[0; 8]);
        bytes.extend_from_slice(&self.generation.to_le_bytes());
        bytes.push(kind);
        bytes.extend_from_slice(&(store as u16).to_le_bytes());
        fill(bytes);
        let length = (bytes.len() - start) as u32;
        bytes[start..start + 4].copy_from_slice(&length.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[start + 8..]);
        bytes[start + 4..start + 8].copy_from_slice(&crc.to_le_bytes());
    }
}

fn read(file: &dyn DiskFile) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; file.len()? as usize];
    let length = file.read_at(&mut bytes, 0)?;
    bytes.truncate(length);
    Ok(bytes)
}

/// What is wrong with a file: rows always begin at its start, so what stands there is an entry, or nothing does.
fn damage_of(path: &Path, bytes: &[u8]) -> Option<String> {
    let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    (used > 0 && entry_at(bytes).is_none()).then(|| {
        format!(
            "{}: {used} bytes cannot be read; rows in them that were not yet in the spool are lost",
            path.display()
        )
    })
}

/// The generation of the first entry; 0 when there is none.
fn generation_of(bytes: &[u8]) -> u64 {
    entry_at(bytes).map_or(0, |entry| entry.generation)
}

struct Entry<'b> {
    generation: u64,
    kind: u8,
    store: u16,
    body: &'b [u8],
    length: usize,
}

/// The entry that bytes begin with, if it is whole.
fn entry_at(bytes: &[u8]) -> Option<Entry<'_>> {
    let mut reader = bytes;
    let length = u32::from_le_bytes(take(&mut reader)?) as usize;
    let crc = u32::from_le_bytes(take(&mut reader)?);
    let whole = bytes.get(8..length)?;
    if length < HEADER || crc32c::crc32c(whole) != crc {
        return None;
    }
    let generation = u64::from_le_bytes(take(&mut reader)?);
    let [kind] = take(&mut reader)?;
    let store = u16::from_le_bytes(take(&mut reader)?);
    Some(Entry { generation, kind, store, body: bytes.get(HEADER..length)?, length })
}

impl Left {
    /// Takes in the entries of one file, which begin at its start and are all of one generation.
    fn take_in(&mut self, bytes: &[u8], covered: u64) {
        let generation = generation_of(bytes);
        self.generation = self.generation.max(generation);
        if generation <= covered {
            return;
        }
        self.files += 1;
        self.end = 0;
        let first_plan = self.plans.len();
        while let Some(entry) = bytes.get(self.end as usize..).and_then(entry_at) {
            if entry.generation != generation {
                return;
            }
            self.end += entry.length as u64;
            let mut body = entry.body;
            if entry.kind == PLAN {
                self.plans.extend(take_plan(&mut body).map(|plan| (entry.store, plan)));
                continue;
            }
            let known = &self.plans[first_plan..];
            let Some(plan) = known.iter().rposition(|(store, _)| *store == entry.store) else {
                continue;
            };
            let plan = first_plan + plan;
            let columns = self.plans[plan].1.columns.len();
            self.rows.extend(take_row(&mut body, plan, columns));
        }
    }
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend_from_slice(&(text.len() as u32).to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
}

fn put_plan(bytes: &mut Vec<u8>, plan: &Plan) {
    put_text(bytes, plan.namespace.as_str());
    put_text(bytes, plan.device.as_deref().unwrap_or(""));
    match plan.unsure {
        None => bytes.push(SURE),
        Some(anchor) => {
            bytes.push(UNSURE);
            bytes.extend_from_slice(&anchor.to_le_bytes());
        }
    }
    bytes.extend_from_slice(&(plan.columns.len() as u16).to_le_bytes());
    plan.columns.iter().for_each(|name| put_text(bytes, name.as_str()));
}

fn put_row(bytes: &mut Vec<u8>, time: i64, row: &[Reading<'_>]) {
    bytes.extend_from_slice(&time.to_le_bytes());
    for reading in row {
        match *reading {
            Reading::Missing => bytes.push(0),
            Reading::Number(number) => {
                bytes.push(1);
                bytes.extend_from_slice(&number.to_le_bytes());
            }
            Reading::Integer(number) => {
                bytes.push(2);
                bytes.extend_from_slice(&number.to_le_bytes());
            }
            Reading::Boolean(truth) => bytes.extend_from_slice(&[3, u8::from(truth)]),
            Reading::Text(text) => {
                bytes.push(4);
                put_text(bytes, text);
            }
        }
    }
}

pub(crate) fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*taken)
}

fn take_text<'b>(bytes: &mut &'b [u8]) -> Option<&'b str> {
    let length = u32::from_le_bytes(take(bytes)?) as usize;
    let (text, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    std::str::from_utf8(text).ok()
}

fn take_plan(bytes: &mut &[u8]) -> Option<Plan> {
    let namespace = take_text(bytes)?.parse().ok()?;
    let device = take_text(bytes)?;
    let device = (!device.is_empty()).then(|| device.into());
    let unsure = match take(bytes)? {
        [SURE] => None,
        [UNSURE] => Some(u64::from_le_bytes(take(bytes)?)),
        // Files of old did not say from where their times count: from no moment that is known here.
        _ => Some(0),
    };
    let count = u16::from_le_bytes(take(bytes)?);
    let names = (0..count).map(|_| take_text(bytes)?.parse().ok());
    let columns = names.collect::<Option<Vec<_>>>()?.into();
    Some(Plan { namespace, columns, device, unsure })
}

fn take_row(bytes: &mut &[u8], plan: usize, columns: usize) -> Option<LeftRow> {
    use iobeam_model::Value;
    let time = i64::from_le_bytes(take(bytes)?);
    let (mut values, mut present) = (Vec::with_capacity(columns), Vec::with_capacity(columns));
    for _ in 0..columns {
        let [kind] = take(bytes)?;
        present.push(kind != 0);
        values.push(match kind {
            0 => Value::Boolean(false),
            1 => Value::Double(f64::from_le_bytes(take(bytes)?)),
            2 => Value::Long(i64::from_le_bytes(take(bytes)?)),
            3 => Value::Boolean(take::<1>(bytes)?[0] != 0),
            4 => Value::String(take_text(bytes)?.into()),
            _ => return None,
        });
    }
    Some(LeftRow { plan, time, values, present })
}

impl LeftRow {
    /// The row as it was given to `add`.
    pub(crate) fn readings(&self) -> Vec<Reading<'_>> {
        let pairs = self.values.iter().zip(&self.present);
        pairs
            .map(|(value, present)| if *present { value.into() } else { Reading::Missing })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use iobeam_testkit::FaultyDisk;

    const DIR: &str = "/spool";

    fn plan() -> Plan {
        let columns = ["v", "note"].map(|name| name.parse().expect("a name"));
        let namespace = "input".parse().expect("a name");
        Plan { namespace, columns: columns.into(), device: Some("d".into()), unsure: None }
    }

    fn open(disk: &FaultyDisk, covered: u64) -> (RowLog, Left) {
        disk.create_dir(Path::new(DIR)).expect("the disk works");
        RowLog::open(disk, Path::new(DIR), 256, covered).expect("the disk works")
    }

    #[test]
    fn version_1_is_written_and_read_as_ever() {
        let disk = FaultyDisk::new(1);
        let (mut log, _) = open(&disk, 6);
        log.write(3, &plan(), -5, &[1.5.into(), "x".into()]).expect("the disk works");
        log.write(3, &plan(), 7, &[2.into(), Reading::Missing]).expect("the disk works");
        let written = disk.bytes(&Path::new(DIR).join("rows-1")).expect("generation 7 is odd");
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/golden/rows-1");
        if std::env::var_os("IOBEAM_WRITE_GOLDEN").is_some() {
            std::fs::write(&golden, &written).expect("the folder is there");
        }
        let golden = std::fs::read(&golden).expect("it is kept beside the test");
        assert!(written == golden, "the format changed, and old files must still be read");
        let disk = FaultyDisk::new(1);
        disk.put(&Path::new(DIR).join("rows-1"), golden);
        let (_, left) = open(&disk, 6);
        assert_eq!(left.plans, [(3, plan())]);
        assert_eq!(left.rows.len(), 2);
        assert_eq!(left.rows[0].readings(), [Reading::Number(1.5), Reading::Text("x")]);
        assert_eq!(left.rows[1].readings(), [Reading::Integer(2), Reading::Missing]);
        assert_eq!((left.rows[0].time, left.rows[1].time), (-5, 7));
    }

    #[test]
    fn what_the_journal_covers_is_not_read_again_and_what_it_does_not_is_gone_on_behind() {
        let disk = FaultyDisk::new(1);
        let (mut log, _) = open(&disk, 0);
        assert!(log.write(0, &plan(), 1, &[1.into(), "".into()]).expect("the disk works"));
        let (mut log, left) = open(&disk, 0);
        assert_eq!(left.rows.len(), 1);
        assert!(log.write(0, &plan(), 2, &[2.into(), "".into()]).expect("the disk works"));
        let (log, left) = open(&disk, 0);
        assert_eq!(left.rows.iter().map(|row| row.time).collect::<Vec<_>>(), [1, 2]);
        let (log, left) = open(&disk, log.generation());
        assert!(left.rows.is_empty() && log.generation() == 2);
    }

    #[test]
    fn a_row_that_does_not_fit_is_not_half_written() {
        let disk = FaultyDisk::new(1);
        let (mut log, _) = open(&disk, 0);
        let wide = "x".repeat(300);
        assert!(!log.write(0, &plan(), 1, &[1.into(), (&wide).into()]).expect("the disk works"));
        assert!(log.write(0, &plan(), 2, &[1.into(), "".into()]).expect("the disk works"));
        assert_eq!(open(&disk, 0).1.rows.len(), 1);
    }

    #[test]
    fn cut_anywhere_the_rows_before_are_read() {
        let disk = FaultyDisk::new(1);
        let (mut log, _) = open(&disk, 0);
        for time in 0..3 {
            log.write(0, &plan(), time, &[1.into(), "ab".into()]).expect("the disk works");
        }
        let path = Path::new(DIR).join("rows-1");
        let whole = disk.bytes(&path).expect("it is there");
        let mut most = 0;
        for cut in 0..whole.len() {
            disk.put(&path, whole[..cut].to_vec());
            let rows = open(&disk, 0).1.rows.len();
            assert!(rows >= most && rows <= 3, "cut at {cut}");
            most = rows;
        }
        assert_eq!(most, 3);
    }
}
