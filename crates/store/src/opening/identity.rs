//! The name under which a store's commits are known in the tables' logs, made once.
//!
//! ```text
//! store-id ─ sound? ─▶ do the tables know it? ─▶ the name
//!     └ missing, flipped, cut ─▶ do all tables name one store? ─▶ that, and the file is written again
//!                                             └ several ─▶ the store does not open: rows might count twice
//! ```
//!
//! By it the start knows which records of the journal are in files already. A new name over old files would make each
//! of their rows count twice.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use iobeam_journal::Disk;

use crate::error::StoreError;
use crate::lake::files::{put_synced, read_range};

/// How every name begins.
const PREFIX: &str = "iobeam-";
/// What stands before the checksum.
const SUM: &str = "crc32c:";

/// What the file says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// A name; `sure` when its checksum is right, and not where an earlier version wrote the file.
    Name { id: String, sure: bool },
    /// There is no file.
    Nothing,
    /// What is wrong with it.
    Damaged(String),
}

/// Where it stands.
pub(crate) fn path(dir: &Path) -> PathBuf {
    dir.join("store-id")
}

/// Reads the file.
pub(crate) fn read(path: &Path, disk: &dyn Disk) -> Result<Said, StoreError> {
    let failed = |error| StoreError::io("read", path, error);
    if !disk.exists(path).map_err(failed)? {
        return Ok(Said::Nothing);
    }
    let file = disk.open(path).map_err(failed)?;
    let bytes = read_range(&*file, 0..file.len().map_err(failed)?).map_err(failed)?;
    Ok(parse(&bytes))
}

fn parse(bytes: &[u8]) -> Said {
    let damaged = |reason: &str| Said::Damaged(reason.to_owned());
    let Some(text) = std::str::from_utf8(bytes).ok().and_then(|text| text.strip_suffix('\n'))
    else {
        return damaged("it does not name a store");
    };
    let (id, sum) = text.split_once('\n').map_or((text, None), |(id, sum)| (id, Some(sum)));
    if sum.is_some_and(|sum| sum != checksum(id)) {
        return damaged("its checksum is not that of what was written");
    }
    let is_id = id.strip_prefix(PREFIX).is_some_and(|id| uuid::Uuid::try_parse(id).is_ok());
    if !is_id {
        return damaged("it does not name a store");
    }
    Said::Name { id: id.to_owned(), sure: sum.is_some() }
}

fn checksum(id: &str) -> String {
    format!("{SUM}{:08x}", crc32c::crc32c(id.as_bytes()))
}

fn write(path: &Path, id: &str, disk: &dyn Disk) -> Result<(), StoreError> {
    let text = Bytes::from(format!("{id}\n{}\n", checksum(id)));
    put_synced(disk, path, [&text]).map_err(|error| StoreError::io("write", path, error))
}

/// The name, given the stores that the tables' logs name. What had to be mended is told in words for the operator.
pub(crate) fn settle(
    path: &Path,
    disk: &dyn Disk,
    known: &BTreeSet<String>,
    told: &mut Vec<String>,
) -> Result<String, StoreError> {
    let said = read(path, disk)?;
    let id = decide(path, &said, known)?;
    if said != (Said::Name { id: id.clone(), sure: true }) {
        write(path, &id, disk)?;
    }
    let was = match said {
        Said::Damaged(reason) => Some(reason),
        Said::Nothing if !known.is_empty() => Some("it was missing".to_owned()),
        Said::Name { id: old, .. } if old != id => Some(format!("it named {old}")),
        _ => None,
    };
    if let Some(was) = was {
        told.push(format!(
            "{}: {was}; all tables name the store {id}, and it was written again",
            path.display()
        ));
    }
    Ok(id)
}

/// Which name it is, without a change.
pub(crate) fn decide(
    path: &Path,
    said: &Said,
    known: &BTreeSet<String>,
) -> Result<String, StoreError> {
    let only = known.first().filter(|_| known.len() == 1);
    let refuse = |what: &str| {
        let stores: Vec<&str> = known.iter().map(String::as_str).collect();
        let reason = format!(
            "{what}, and the tables' logs name {} stores ({}): it cannot be told which records of the write-ahead log are in files already, and rows would count twice. Put store-id back from a backup; if folders of several servers were mixed, part them again",
            stores.len(),
            stores.join(", ")
        );
        Err(StoreError::Damaged { path: path.to_owned(), reason })
    };
    match (said, only) {
        (Said::Name { id, .. }, _) if known.is_empty() || known.contains(id) => Ok(id.clone()),
        // Without a checksum a flipped bit looks like a name: one character is another one.
        (Said::Name { id, sure: false }, Some(only)) if differ(id, only) <= 1 => Ok(only.clone()),
        (Said::Name { id, .. }, _) => refuse(&format!("it names {id}, which no table knows")),
        (Said::Nothing | Said::Damaged(_), None) if known.is_empty() => {
            Ok(format!("{PREFIX}{}", uuid::Uuid::new_v4()))
        }
        (_, Some(only)) => Ok(only.clone()),
        (Said::Nothing, None) => refuse("it is missing"),
        (Said::Damaged(reason), None) => refuse(reason),
    }
}

fn differ(one: &str, other: &str) -> usize {
    if one.len() != other.len() {
        return usize::MAX;
    }
    one.bytes().zip(other.bytes()).filter(|(one, other)| one != other).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "iobeam-229e671e-0614-40a2-b40a-6c429fd9de11";

    #[test]
    fn each_flipped_bit_and_each_cut_is_found() {
        let written = format!("{ID}\n{}\n", checksum(ID)).into_bytes();
        assert_eq!(parse(&written), Said::Name { id: ID.to_owned(), sure: true });
        for bit in 0..written.len() * 8 {
            let mut flipped = written.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(parse(&flipped), Said::Damaged(_)), "bit {bit}");
        }
        for end in 0..written.len() {
            // A cut that leaves the name alone leaves what an earlier version wrote: it is the right one.
            let cut = parse(&written[..end]);
            let is_name = cut == Said::Name { id: ID.to_owned(), sure: false };
            assert!(is_name && end == ID.len() + 1 || matches!(cut, Said::Damaged(_)), "{end}");
        }
    }

    #[test]
    fn a_name_that_the_tables_do_not_know_is_never_used() {
        let known = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<BTreeSet<_>>();
        let other = "iobeam-00000000-0614-40a2-b40a-6c429fd9de11";
        let path = Path::new("store-id");
        let name = |sure| Said::Name { id: ID.to_owned(), sure };
        for said in [name(true), name(false)] {
            assert_eq!(decide(path, &said, &known(&[])).expect("a new folder"), ID);
            assert_eq!(decide(path, &said, &known(&[ID, other])).expect("known"), ID);
            assert!(decide(path, &said, &known(&[other])).is_err());
        }
        let flipped = Said::Name { id: ID.replace("229e", "228e"), sure: false };
        assert_eq!(decide(path, &flipped, &known(&[ID])).expect("one character"), ID);
        for said in [Said::Nothing, Said::Damaged("cut".to_owned())] {
            assert_eq!(decide(path, &said, &known(&[ID])).expect("they all say so"), ID);
            let refused = decide(path, &said, &known(&[ID, other])).expect_err("which?");
            assert!(refused.to_string().contains("backup"), "{refused}");
        }
    }
}
