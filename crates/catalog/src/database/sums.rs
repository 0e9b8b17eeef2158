//! Whether the file and its write-ahead log are what was written. SQLite itself has no checksum of its pages.
//!
//! ```text
//! before the log is brought into the file ─▶ catalog.sum: checksum of each page as it will be then, end of the audit log
//! start ─▶ log: broken, or shorter than its mark says ─▶ refuse
//!       ├▶ a page that is not in the log is another ─┬▶ as much was recorded in the audit log ─▶ refuse
//!       │                                            └▶ less, or something else ─▶ the file was put back from a backup: told
//!       └▶ the log is gone, and held more ─▶ refuse, unless catalog.db was written since
//! ```
//!
//! Pages that the log holds are not looked at in the file: a crash may have come while they were brought there, and what
//! counts is in the log.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::log::{self, Changes, Place};
use super::mark::{self, Mark};
use crate::audit;

/// Bytes of a page of the file, as SQLite makes it.
pub(crate) const PAGE_BYTES: usize = 4096;
const MODE: u32 = 0o600;
/// Of the file as it is written now.
const FIRST_LINE: &str = "catalog checksums 2";
/// Of one that an earlier version wrote: it has checksums alone.
const FIRST_LINE_1: &str = "catalog checksums 1";
/// Stands for what is not known.
const UNKNOWN: &str = "-";
/// The polynomial of CRC-32C, its lowest power in the highest bit.
const CRC_32C: u32 = 0x82f6_3b78;
/// SQLite locks bytes of this page (from 1) and never writes it.
const LOCK_PAGE: usize = (1 << 30) / PAGE_BYTES + 1;
/// How somebody goes on who knows better.
const ON_PURPOSE: &str =
    "if it was changed on purpose, remove catalog.sum and catalog.mark beside it";

fn path_of(catalog: &Path) -> PathBuf {
    catalog.with_extension("sum")
}

pub(crate) fn wal_of(catalog: &Path) -> PathBuf {
    catalog.with_extension("db-wal")
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// It is as it was, or nothing is known.
    Sound,
    /// It is not what it was, and not what it was a moment before that either: it was put back from a backup.
    Replaced,
    /// What is wrong with it.
    Damaged(String),
}

/// What is known of a catalog's pages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    /// Up to where the log is brought into the file, once these are the checksums of its pages.
    pub(crate) log: Option<Place>,
    /// The number and hash of the last row of the audit log.
    pub(crate) audit: Option<(i64, String)>,
    /// Of each page; none where it was never written.
    pub(crate) pages: Vec<Option<u32>>,
}

/// Looks at a catalog that nobody has open.
pub(crate) fn check(catalog: &Path) -> io::Result<Found> {
    let changes = match log::read(&read(&wal_of(catalog))?) {
        Err(broken) => return Ok(Found::Damaged(broken)),
        Ok(changes) => changes,
    };
    let mark = Mark::read(catalog)?;
    if let Some(missed) = mark.and_then(|mark| mark.missed(&changes)) {
        return Ok(Found::Damaged(missed));
    }
    let Some(known) = Sums::read(catalog)? else { return Ok(Found::Sound) };
    let now = match of_file(catalog) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Replaced),
        other => other?,
    };
    let others = known.others(&now, &changes);
    if !others.is_empty() {
        return known.judge(catalog, &others, &changes);
    }
    // All that was ever synced is in the file, or the log would be here.
    let is_gone = |mark: &Mark| {
        known.log.is_some_and(|log| log.salts != mark.end.salts || log.frames < mark.end.frames)
    };
    if changes.end.frames == 0
        && let Some(mark) = mark.filter(is_gone)
    {
        if mark::written(catalog)? != mark.written {
            return Ok(Found::Replaced);
        }
        return Ok(Found::Damaged(format!(
            "catalog.db-wal is missing or empty: changes that were acknowledged are in it alone; {ON_PURPOSE}"
        )));
    }
    Ok(Found::Sound)
}

/// Whether there is a file of checksums that is not what was written.
pub(crate) fn is_damaged(catalog: &Path) -> io::Result<bool> {
    let bytes = read(&path_of(catalog))?;
    Ok(!bytes.is_empty() && Sums::parse(&String::from_utf8_lossy(&bytes)).is_none())
}

/// Nothing is known of the file and its log any more.
pub(crate) fn forget(catalog: &Path) -> io::Result<()> {
    for path in [path_of(catalog), mark::path_of(catalog)] {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    sync_folder(catalog)
}

impl Sums {
    /// What the file of checksums says; none where there is none, or it is not what was written.
    pub(crate) fn read(catalog: &Path) -> io::Result<Option<Self>> {
        Ok(Self::parse(&String::from_utf8_lossy(&read(&path_of(catalog))?)))
    }

    fn parse(text: &str) -> Option<Self> {
        let (said, own) = text.strip_suffix('\n')?.rsplit_once('\n')?;
        let said = format!("{said}\n");
        if u32::from_str_radix(own, 16).ok()? != crc32c::crc32c(said.as_bytes()) {
            return None;
        }
        let mut lines = said.lines();
        let mut sums = Self::default();
        match lines.next()? {
            FIRST_LINE => {
                let mut words = lines.next()?.strip_prefix("log ")?.split(' ');
                let salt = words.next()?;
                if salt != UNKNOWN {
                    let hex = |word: &str| u32::from_str_radix(word, 16).ok();
                    let salts = (hex(salt)?, hex(words.next()?)?);
                    let frames = words.next()?.parse().ok()?;
                    sums.log = Some(Place { salts, frames });
                }
                let audit = lines.next()?.strip_prefix("audit ")?;
                if audit != UNKNOWN {
                    let (id, hash) = audit.split_once(' ')?;
                    sums.audit = Some((id.parse().ok()?, hash.to_owned()));
                }
            }
            FIRST_LINE_1 => {}
            _ => return None,
        }
        let page = |line: &str| match line {
            UNKNOWN => Some(None),
            sum => u32::from_str_radix(sum, 16).ok().map(Some),
        };
        sums.pages = lines.map(page).collect::<Option<_>>()?;
        Some(sums)
    }

    fn text(&self) -> String {
        let unknown = || UNKNOWN.to_owned();
        let log = self.log.map_or_else(unknown, |log| {
            format!("{:08x} {:08x} {}", log.salts.0, log.salts.1, log.frames)
        });
        let audit = self.audit.as_ref().map_or_else(unknown, |(id, hash)| format!("{id} {hash}"));
        let mut text = format!("{FIRST_LINE}\nlog {log}\naudit {audit}\n");
        for page in &self.pages {
            text.push_str(&page.map_or_else(unknown, |sum| format!("{sum:08x}")));
            text.push('\n');
        }
        format!("{text}{:08x}\n", crc32c::crc32c(text.as_bytes()))
    }

    /// Writes the file of checksums: it is there as a whole or as it was.
    pub(crate) fn write(&self, catalog: &Path) -> io::Result<()> {
        let draft = catalog.with_extension("sum.new");
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(MODE).open(&draft)?;
        file.write_all(self.text().as_bytes())?;
        file.sync_all()?;
        fs::rename(draft, path_of(catalog))?;
        sync_folder(catalog)
    }

    /// The pages (from 1) that are not what they were, of those that are not in the log.
    fn others(&self, now: &[u32], changes: &Changes) -> Vec<usize> {
        let is_alone = changes.end.frames == 0;
        let pages = self.pages.len().max(if is_alone { now.len() } else { 0 });
        let is_looked_at = |page: &usize| {
            let in_log = u32::try_from(*page).is_ok_and(|page| changes.pages.contains_key(&page));
            let is_kept = is_alone || *page <= changes.size as usize;
            !in_log && is_kept && *page != LOCK_PAGE
        };
        let is_other = |page: &usize| match self.pages.get(page - 1) {
            Some(None) => false,
            known => known.copied().flatten() != now.get(page - 1).copied(),
        };
        (1..=pages).filter(is_looked_at).filter(is_other).collect()
    }

    /// What it means that pages are others.
    fn judge(&self, catalog: &Path, others: &[usize], changes: &Changes) -> io::Result<Found> {
        let which = match others {
            [page] => format!("page {page} of it is"),
            [first, .., last] => {
                format!("{} of its pages, from {first} to {last}, are", others.len())
            }
            [] => return Ok(Found::Sound),
        };
        let damaged = Ok(Found::Damaged(format!(
            "{which} not what was written, or the file was put back without the log that belongs to it; {ON_PURPOSE}"
        )));
        if changes.end.frames > 0 {
            return damaged;
        }
        if let [page] = *others
            && let Some(known) = self.pages.get(page - 1).copied().flatten()
            && differs_in_one_byte(&page_of(catalog, page - 1)?, known)
        {
            return damaged;
        }
        // A backup of another time ends its audit log elsewhere.
        match look(catalog) {
            Ok(end) if self.audit.is_some() && end == self.audit => damaged,
            _ => Ok(Found::Replaced),
        }
    }
}

/// The end of the audit log of a file that has no log beside it; nothing of it is changed.
fn look(catalog: &Path) -> rusqlite::Result<Option<(i64, String)>> {
    let mut address = "file:".to_owned();
    for byte in catalog.as_os_str().as_encoded_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
                address.push(char::from(*byte));
            }
            other => address.extend(format!("%{other:02x}").chars()),
        }
    }
    address.push_str("?immutable=1");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    audit::end(&Connection::open_with_flags(address, flags)?)
}

fn sync_folder(catalog: &Path) -> io::Result<()> {
    let folder = catalog.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        other => other,
    }
}

/// The checksum of each page of a file.
pub(crate) fn of_file(catalog: &Path) -> io::Result<Vec<u32>> {
    let mut file = File::open(catalog)?;
    let mut sums = Vec::new();
    let mut page = Vec::with_capacity(PAGE_BYTES);
    loop {
        page.clear();
        if (&mut file).take(PAGE_BYTES as u64).read_to_end(&mut page)? == 0 {
            return Ok(sums);
        }
        sums.push(crc32c::crc32c(&page));
    }
}

fn page_of(catalog: &Path, page: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(PAGE_BYTES);
    let mut file = File::open(catalog)?;
    file.seek(SeekFrom::Start((page * PAGE_BYTES) as u64))?;
    file.take(PAGE_BYTES as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether a page had that checksum before one of its bytes became another. What SQLite writes changes more of a page.
///
/// A byte that changes moves the checksum by a number below 256 that has gone through the steps of all bytes from there
/// to the end; so these steps are taken back one by one.
fn differs_in_one_byte(page: &[u8], known: u32) -> bool {
    let steps: [u32; 256] = std::array::from_fn(|byte| {
        (0..8).fold(byte as u32, |sum, _| (sum >> 1) ^ if sum & 1 == 1 { CRC_32C } else { 0 })
    });
    let mut by_highest = [0; 256];
    for (byte, step) in (0_u32..).zip(&steps) {
        by_highest[(step >> 24) as usize] = byte;
    }
    let mut moved = crc32c::crc32c(page) ^ known;
    page.iter().any(|_| {
        let byte = by_highest[(moved >> 24) as usize];
        moved = ((moved ^ steps[byte as usize]) << 8) | byte;
        (1..256).contains(&moved)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_with_one_other_byte_is_told_from_one_with_several() {
        let page: Vec<u8> = (0..PAGE_BYTES).map(|at| (at * 7919 % 251) as u8).collect();
        let known = crc32c::crc32c(&page);
        assert!(!differs_in_one_byte(&page, known), "it is the same");
        for at in (0..PAGE_BYTES).step_by(37).chain([PAGE_BYTES - 1]) {
            for change in [1, 2, 0x80, 0x55, 0xff] {
                let mut other = page.clone();
                other[at] ^= change;
                assert!(differs_in_one_byte(&other, known), "byte {at} by {change}");
                other[(at + 11) % PAGE_BYTES] ^= change;
                assert!(!differs_in_one_byte(&other, known), "byte {at} and another by {change}");
            }
        }
    }
}
