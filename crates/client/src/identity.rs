//! Who the device is: its id in the file `iobeam_device_id`, and how it comes to have one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use iobeam_journal::{Disk, RealDisk};
use iobeam_model::DeviceId;

use crate::error::Error;

/// The file that holds the id, alone.
const FILE: &str = "iobeam_device_id";
/// Letters of an id that the device makes itself.
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
const LENGTH: usize = 24;

/// How the device comes to have an id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Register {
    /// Somebody registers it elsewhere.
    #[default]
    No,
    /// The server makes the id.
    Generate {
        /// The name it shall have.
        name: Option<String>,
    },
    /// It has this id.
    Id {
        /// The id.
        id: DeviceId,
        /// The name it shall have.
        name: Option<String>,
        /// An id that exists is taken over.
        take_over: bool,
    },
}

impl Register {
    /// The id and the name to ask for.
    pub(crate) fn wanted(&self) -> (Option<&DeviceId>, Option<&str>) {
        match self {
            Self::No => (None, None),
            Self::Generate { name } => (None, name.as_deref()),
            Self::Id { id, name, .. } => (Some(id), name.as_deref()),
        }
    }
}

/// Reads an id as it is given by people.
pub(crate) fn parse(id: &str) -> Result<DeviceId, Error> {
    id.parse().map_err(|source| Error::Name { what: "device id", given: id.to_owned(), source })
}

/// The id kept in a folder, if there is one.
pub(crate) fn load(dir: &Path) -> Result<Option<DeviceId>, Error> {
    let path = dir.join(FILE);
    match fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::file("read", &path, source)),
        Ok(text) if text.trim().is_empty() => Ok(None),
        Ok(text) => parse(text.trim()).map(Some),
    }
}

/// Keeps the id in a folder. It lasts when this returns.
pub(crate) fn save(dir: &Path, id: &DeviceId) -> Result<(), Error> {
    let path: PathBuf = dir.join(FILE);
    let failed = |source| Error::file("write", &path, source);
    RealDisk.create_dir(dir).map_err(failed)?;
    let draft = dir.join(format!("{FILE}.new"));
    // One that was left half written.
    let _ = fs::remove_file(&draft);
    let file = RealDisk.create(&draft).map_err(failed)?;
    file.write_at(id.as_str().as_bytes(), 0).map_err(failed)?;
    file.sync_data().map_err(failed)?;
    RealDisk.rename(&draft, &path).map_err(failed)?;
    RealDisk.sync_dir(dir).map_err(failed)
}

/// An id that nobody else has, for a device that cannot reach the server yet.
pub(crate) fn make(random: [u8; LENGTH]) -> Result<DeviceId, Error> {
    let letters = random.iter().map(|byte| LETTERS[usize::from(byte % 64)] as char);
    parse(&letters.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_was_saved_alone_in_its_file() {
        let dir = tempfile::tempdir().expect("a folder");
        assert_eq!(load(dir.path()).expect("readable"), None);
        let id = parse("dev:1").expect("sound");
        save(dir.path(), &id).expect("writable");
        let text = fs::read_to_string(dir.path().join(FILE)).expect("it is there");
        assert_eq!(text, "dev:1");
        fs::write(dir.path().join(FILE), "dev:2\n").expect("writable");
        assert_eq!(load(dir.path()).expect("readable"), Some(parse("dev:2").expect("sound")));
    }

    #[test]
    fn what_is_no_id_is_refused_with_the_reason() {
        let refusal = parse("a b").expect_err("a blank");
        assert!(refusal.to_string().contains("position 2"), "{refusal}");
    }
}
