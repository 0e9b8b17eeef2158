//! Whether the file and its write-ahead log are what was written. SQLite itself has no checksum of its pages, and takes a
//! broken frame of the log for the log's end.
//!
//! ```text
//! last handle goes ─▶ log into file ─▶ catalog.sum: size, checksum of each page
//! start ─▶ log there? frames after a broken one are lost changes ─▶ refuse
//!       └▶ none: one byte is another ─▶ refuse    more: the file was put back from a backup ─▶ told
//! ```

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Bytes of a page of the file, as SQLite makes it.
const PAGE_BYTES: usize = 4096;
const MODE: u32 = 0o600;
const FIRST_LINE: &str = "catalog checksums 1";
const WAL_HEADER_BYTES: usize = 32;
const FRAME_HEADER_BYTES: usize = 24;
/// The polynomial of CRC-32C, its lowest power in the highest bit.
const CRC_32C: u32 = 0x82f6_3b78;
/// A log whose checksums are made of numbers with the highest byte first; one less: the lowest first.
const WAL_BIG_ENDIAN: u32 = 0x377f_0683;

fn path_of(catalog: &Path) -> PathBuf {
    catalog.with_extension("sum")
}

fn wal_of(catalog: &Path) -> PathBuf {
    catalog.with_extension("db-wal")
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// It is as it was, or nothing is known.
    Sound,
    /// It is not what it was when it was closed, in more than one byte: it was put back from a backup.
    Replaced,
    /// What is wrong with it.
    Damaged(String),
}

/// Looks at a catalog that nobody has open.
pub(crate) fn check(catalog: &Path) -> io::Result<Found> {
    let wal = read(&wal_of(catalog))?;
    if !wal.is_empty() {
        return Ok(check_wal(&wal).map_or(Found::Sound, Found::Damaged));
    }
    let known = read(&path_of(catalog))?;
    let Some(known) = parse(&String::from_utf8_lossy(&known)) else { return Ok(Found::Sound) };
    let now = match sums(catalog) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Replaced),
        other => other?,
    };
    if now.len() != known.len() {
        return Ok(Found::Replaced);
    }
    let others: Vec<usize> = (0..now.len()).filter(|page| now[*page] != known[*page]).collect();
    Ok(match others[..] {
        [] => Found::Sound,
        [page] if differs_in_one_byte(&page_of(catalog, page)?, known[page]) => {
            Found::Damaged(format!(
                "a byte of its page {} is not what it was when the server stopped; if it was changed on purpose, remove catalog.sum beside it",
                page + 1
            ))
        }
        _ => Found::Replaced,
    })
}

/// From now on the file changes.
pub(crate) fn forget(catalog: &Path) -> io::Result<()> {
    match fs::remove_file(path_of(catalog)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(()) => sync_folder(catalog),
    }
}

/// Notes what is in a file that does not change any more, and whose log is empty.
pub(crate) fn note(catalog: &Path) -> io::Result<()> {
    let lines: Vec<String> = sums(catalog)?.iter().map(|sum| format!("{sum:08x}")).collect();
    let text = format!("{FIRST_LINE}\n{}\n", lines.join("\n"));
    let own = crc32c::crc32c(text.as_bytes());
    let draft = catalog.with_extension("sum.new");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(MODE).open(&draft)?;
    file.write_all(format!("{text}{own:08x}\n").as_bytes())?;
    file.sync_all()?;
    fs::rename(draft, path_of(catalog))?;
    sync_folder(catalog)
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

/// The checksum of each page.
fn sums(catalog: &Path) -> io::Result<Vec<u32>> {
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

/// The checksums in the text; nothing when it is not whole.
fn parse(text: &str) -> Option<Vec<u32>> {
    let (said, own) = text.strip_suffix('\n')?.rsplit_once('\n')?;
    let said = format!("{said}\n");
    if u32::from_str_radix(own, 16).ok()? != crc32c::crc32c(said.as_bytes()) {
        return None;
    }
    let lines = said.strip_prefix(FIRST_LINE)?.trim().lines();
    lines.map(|line| u32::from_str_radix(line, 16).ok()).collect()
}

/// What is wrong with a write-ahead log of SQLite: a frame that is not what was written, with others after it that are.
fn check_wal(wal: &[u8]) -> Option<String> {
    let number = |at: usize| {
        let bytes = wal.get(at..at + 4)?;
        Some(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    };
    let header = wal.get(..WAL_HEADER_BYTES)?;
    let (magic, page) = (number(0)?, number(8)? as usize);
    let big = magic == WAL_BIG_ENDIAN;
    let sound_header = (big || magic == WAL_BIG_ENDIAN - 1)
        && (512..=65_536).contains(&page)
        && Some(checksum((0, 0), &header[..24], big)) == number(24).zip(number(28));
    let frame = |at: usize| FRAME_HEADER_BYTES.checked_add(page).map(|bytes| at + bytes);
    if !sound_header {
        // A log that was never begun is empty; one that was begun has a header, which is synced before its frames.
        return wal[WAL_HEADER_BYTES..]
            .iter()
            .any(|byte| *byte != 0)
            .then(|| "the header of catalog.db-wal is not what was written".to_owned());
    }
    let (salts, mut before) = ((number(16)?, number(20)?), (number(24)?, number(28)?));
    let (mut at, mut index, mut broken, mut ended) = (WAL_HEADER_BYTES, 1_u64, None, false);
    while let Some(end) = frame(at).filter(|end| *end <= wal.len()) {
        let written = number(at + 16).zip(number(at + 20))?;
        let sum = checksum(before, &wal[at..at + 8], big);
        let sum = checksum(sum, &wal[at + FRAME_HEADER_BYTES..end], big);
        let is_ours = number(at + 8).zip(number(at + 12)) == Some(salts);
        // A change is written once the one before it was synced: what is broken in front of a later one was whole once.
        // Within the last one it may be that power was lost, and nobody was told that it is done.
        if is_ours && sum == written {
            if let Some(broken) = broken.filter(|_| ended) {
                return Some(format!(
                    "frame {broken} of catalog.db-wal is not what was written, and frame {index}, of a later change, is: changes since the last checkpoint would be lost"
                ));
            }
        } else {
            broken = broken.or(Some(index));
        }
        // The last frame of a change says how many pages the file has then.
        ended |= broken.is_some() && number(at + 4)? != 0;
        // A frame's checksum goes on from that of the one before, so that a sound frame is known by what is written there.
        before = written;
        (at, index) = (end, index + 1);
    }
    None
}

/// SQLite's checksum of a multiple of eight bytes.
fn checksum(before: (u32, u32), bytes: &[u8], big: bool) -> (u32, u32) {
    let number = |bytes: &[u8]| {
        let bytes = [bytes[0], bytes[1], bytes[2], bytes[3]];
        if big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    };
    bytes.chunks_exact(8).fold(before, |(one, two), pair| {
        let one = one.wrapping_add(number(&pair[..4])).wrapping_add(two);
        (one, two.wrapping_add(number(&pair[4..])).wrapping_add(one))
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
