//! Who the device is: its id in the file `iobeam_device_id`, and how it comes to have one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use iobeam_journal::{Disk, RealDisk};
use iobeam_model::{DeviceId, NameError};

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

/// What the file of the id holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// There is no file, or it is empty.
    Nothing,
    /// The id.
    Id(DeviceId),
    /// Something else: a power cut, another program or an editor left that.
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// The id kept in a folder, if there is one.
pub(crate) fn load(dir: &Path) -> Result<Kept, Error> {
    let path = dir.join(FILE);
    let bytes = match fs::read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Kept::Nothing),
        other => other.map_err(|source| Error::file("read", &path, source))?,
    };
    let id = text_of(&bytes).and_then(|text| match text.trim() {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|error: NameError| error.to_string()),
    });
    Ok(match id {
        Ok(None) => Kept::Nothing,
        Ok(Some(id)) => Kept::Id(id),
        Err(reason) => Kept::Damaged { path, reason },
    })
}

/// The text of a file as editors write it: UTF-8 with or without a byte order mark, or UTF-16 with one.
fn text_of(bytes: &[u8]) -> Result<String, String> {
    let utf_16 = |pairs: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = pairs.chunks(2).map(|pair| match *pair {
            [first, second] => unit([first, second]),
            _ => 0xd800,
        });
        char::decode_utf16(units).collect::<Result<String, _>>()
    };
    if !bytes.is_empty() && bytes.iter().all(|byte| *byte == 0) {
        return Err("it is full of zeros, as after a power cut".to_owned());
    }
    match bytes {
        [0xff, 0xfe, rest @ ..] => {
            utf_16(rest, u16::from_le_bytes).map_err(|error| error.to_string())
        }
        [0xfe, 0xff, rest @ ..] => {
            utf_16(rest, u16::from_be_bytes).map_err(|error| error.to_string())
        }
        [0xef, 0xbb, 0xbf, rest @ ..] | rest => {
            String::from_utf8(rest.to_vec()).map_err(|_| "it is not UTF-8".to_owned())
        }
    }
}

/// Moves a damaged file of ours out of the way, where it can be looked at. Says where it is.
pub(crate) fn keep_aside(path: &Path) -> Result<PathBuf, Error> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut aside = path.with_file_name(format!("{name}.damaged"));
    for number in 2.. {
        if !aside.exists() {
            break;
        }
        aside = path.with_file_name(format!("{name}.damaged-{number}"));
    }
    fs::rename(path, &aside).map_err(|source| Error::file("move aside", path, source))?;
    Ok(aside)
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
        assert_eq!(load(dir.path()).expect("readable"), Kept::Nothing);
        let id = parse("dev:1").expect("sound");
        save(dir.path(), &id).expect("writable");
        let text = fs::read_to_string(dir.path().join(FILE)).expect("it is there");
        assert_eq!(text, "dev:1");
        assert_eq!(load(dir.path()).expect("readable"), Kept::Id(id));
    }

    #[test]
    fn an_id_is_read_as_editors_leave_it_and_anything_else_is_damage() {
        let dir = tempfile::tempdir().expect("a folder");
        let read = |bytes: &[u8]| {
            fs::write(dir.path().join(FILE), bytes).expect("writable");
            load(dir.path()).expect("readable")
        };
        let utf_16 = |mark: [u8; 2], unit: fn(u16) -> [u8; 2]| {
            [&mark[..], &"dev:2\r\n".encode_utf16().flat_map(unit).collect::<Vec<_>>()].concat()
        };
        let id = Kept::Id(parse("dev:2").expect("sound"));
        for sound in [
            b"dev:2\n".to_vec(),
            b" dev:2 \r\n".to_vec(),
            b"\xef\xbb\xbfdev:2".to_vec(),
            utf_16([0xff, 0xfe], u16::to_le_bytes),
            utf_16([0xfe, 0xff], u16::to_be_bytes),
        ] {
            assert_eq!(read(&sound), id, "{sound:?}");
        }
        for empty in [&b""[..], b" \n", b"\xef\xbb\xbf"] {
            assert_eq!(read(empty), Kept::Nothing, "{empty:?}");
        }
        let long = [b'x'; 300];
        for damaged in [&[0; 12][..], b"dev\0\0", b"\xff\xfed", b"\xc3\x28", b"a b", b"d\nd", &long]
        {
            let kept = read(damaged);
            assert!(matches!(kept, Kept::Damaged { .. }), "{damaged:?}: {kept:?}");
        }
    }

    #[test]
    fn what_is_no_id_is_refused_with_the_reason() {
        let refusal = parse("a b").expect_err("a blank");
        assert!(refusal.to_string().contains("position 2"), "{refusal}");
    }
}
