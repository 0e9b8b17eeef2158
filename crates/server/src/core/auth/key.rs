//! The key that tokens are signed with: 32 random bytes, made at the first start.
//!
//! ```text
//! first start: random ─▶ keys/token.key (0600, folder 0700), whole or not at all
//! later:       keys/token.key ─▶ exactly 32 bytes, with the checksum in keys/token.sum, or the server does not start
//! ```
//!
//! There is no default: two servers never share a key by accident. Whoever removes the file
//! ends every token that was ever issued.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::core::files::{private_folder, write_private};
use crate::error::ServeError;

/// How many bytes the key has: as many as HS256 gives out.
pub(crate) const KEY_BYTES: usize = 32;

/// Where the key's checksum stands.
const SUM_FILE: &str = "token.sum";

/// Why there is no key to sign with.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    /// A new key could not be written.
    #[error(transparent)]
    Write(#[from] ServeError),
    /// The file could not be read.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is there and is not a key.
    #[error(
        "{} has {length} bytes, and a key has {KEY_BYTES}: put the right file back, or remove it \
         to make a new key (which ends every token issued so far)",
        path.display()
    )]
    Length {
        /// The file.
        path: PathBuf,
        /// How many bytes it has.
        length: usize,
    },
    /// The file is not what was written.
    #[error(
        "{} is not what was written: its checksum is not that in {}. With another key all tokens would end: put the \
         right file back; or, if the key was changed on purpose, remove token.sum",
        path.display(), sum.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where its checksum stands.
        sum: PathBuf,
    },
    /// The system has no random bytes to give.
    #[error("the system gives no random bytes: {0}")]
    Random(getrandom::Error),
}

/// Reads the key from the folder, or makes it if this is the first start.
pub(crate) fn open(folder: &Path) -> Result<[u8; KEY_BYTES], KeyError> {
    let path = folder.join("token.key");
    let sum_path = folder.join(SUM_FILE);
    let key = match read(&path)? {
        Some(key) => match against_its_sum(folder, &key)? {
            Noted::Same => return Ok(key),
            Noted::Another => return Err(KeyError::Damaged { path, sum: sum_path }),
            Noted::Nothing => key,
        },
        None => make(folder, &path)?,
    };
    write_private(&sum_path, sum(&key).as_bytes())?;
    Ok(key)
}

/// What the checksum beside a key says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Noted {
    /// The key is what was written.
    Same,
    /// It is not.
    Another,
    /// There is no checksum, or it is damaged itself.
    Nothing,
}

/// Compares a key with the checksum that was noted for it.
pub(crate) fn against_its_sum(folder: &Path, key: &[u8]) -> Result<Noted, KeyError> {
    let path = folder.join(SUM_FILE);
    let said = match fs::read(&path) {
        Ok(said) => said,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Noted::Nothing),
        Err(source) => return Err(failed("read", &path)(source)),
    };
    let said = String::from_utf8_lossy(&said).into_owned();
    let known = said.split_once(' ').and_then(|(sum, _)| u32::from_str_radix(sum, 16).ok());
    if known.is_none_or(|known| said != line(known)) {
        tracing::warn!(file = %path.display(), "the file is damaged");
        return Ok(Noted::Nothing);
    }
    Ok(if said == sum(key) { Noted::Same } else { Noted::Another })
}

/// Removes a checksum, for good before anything else is written.
fn forget_sum(path: &Path) -> Result<(), KeyError> {
    match fs::remove_file(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(failed("remove", path)(source)),
    }
    let Some(folder) = path.parent() else { return Ok(()) };
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed("sync", folder))
}

/// The checksum of a key as it stands in its file.
fn sum(key: &[u8]) -> String {
    line(crc32c::crc32c(key))
}

/// A checksum and its complement: one that is damaged itself says nothing.
fn line(sum: u32) -> String {
    format!("{sum:08x} {:08x}\n", !sum)
}

/// Puts the token that shows the metrics where the operator finds it: it follows from the key.
pub(crate) fn keep_metrics_token(folder: &Path, token: &str) -> Result<(), KeyError> {
    let path = folder.join("metrics.token");
    if fs::read_to_string(&path).is_ok_and(|kept| kept == token) {
        return Ok(());
    }
    Ok(write_private(&path, token.as_bytes())?)
}

fn read(path: &Path) -> Result<Option<[u8; KEY_BYTES]>, KeyError> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(failed("open", path)(source)),
    };
    let mode = file.metadata().map_err(failed("look at", path))?.permissions().mode();
    if mode & 0o077 != 0 {
        tracing::warn!(
            file = %path.display(),
            "others could read the signing key; its mode is set to 0600 now"
        );
        file.set_permissions(fs::Permissions::from_mode(0o600))
            .map_err(failed("set the mode of", path))?;
    }
    let mut bytes = Vec::with_capacity(KEY_BYTES);
    (&mut file).take(KEY_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(failed("read", path))?;
    let length = bytes.len();
    let key = bytes.try_into().map_err(|_| KeyError::Length { path: path.to_owned(), length })?;
    Ok(Some(key))
}

/// Makes a key that has no checksum yet.
fn make(folder: &Path, path: &Path) -> Result<[u8; KEY_BYTES], KeyError> {
    let mut key = [0; KEY_BYTES];
    getrandom::fill(&mut key).map_err(KeyError::Random)?;
    private_folder(folder)?;
    // That of a key which somebody removed would look like damage, should this start end before it writes the new one.
    forget_sum(&folder.join(SUM_FILE))?;
    write_private(path, &key)?;
    tracing::info!(file = %path.display(), "made a new key to sign tokens with");
    Ok(key)
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> KeyError {
    let path = path.to_owned();
    move |source| KeyError::Io { action, path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_start_makes_a_key_only_its_owner_can_read_and_later_ones_find_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let keys = folder.path().join("keys");
        let first = open(&keys).expect("made");
        assert_eq!(open(&keys).expect("found"), first);
        assert_ne!(first, [0; KEY_BYTES]);
        let mode = |path: &Path| fs::metadata(path).expect("is there").permissions().mode() & 0o777;
        assert_eq!(mode(&keys), 0o700);
        assert_eq!(mode(&keys.join("token.key")), 0o600);
    }

    #[test]
    fn two_servers_have_two_keys() {
        let (one, two) = (tempfile::tempdir().expect("one"), tempfile::tempdir().expect("two"));
        assert_ne!(open(one.path()).expect("made"), open(two.path()).expect("made"));
    }

    #[test]
    fn a_file_that_is_no_key_stops_the_start_and_is_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("token.key"), b"short").expect("written");
        let error = open(folder.path()).expect_err("not a key");
        assert!(matches!(error, KeyError::Length { length: 5, .. }), "{error}");
        assert_eq!(fs::read(folder.path().join("token.key")).expect("kept"), b"short");
    }

    #[test]
    fn each_flipped_byte_of_the_key_stops_the_start_and_one_of_its_checksum_does_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let key = open(folder.path()).expect("made");
        let (path, sum) = (folder.path().join("token.key"), folder.path().join(SUM_FILE));
        let said = fs::read(&sum).expect("its checksum");
        for at in 0..KEY_BYTES {
            let mut flipped = key;
            flipped[at] ^= 1 << (at % 8);
            fs::write(&path, flipped).expect("flipped");
            let error = open(folder.path()).expect_err("not what was written");
            assert!(error.to_string().contains("token.key"), "byte {at}: {error}");
        }
        fs::write(&path, key).expect("put back");
        for at in 0..said.len() {
            let mut flipped = said.clone();
            flipped[at] ^= 1;
            fs::write(&sum, flipped).expect("flipped");
            assert_eq!(open(folder.path()).expect("the key is sound"), key, "byte {at}");
            assert_eq!(fs::read(&sum).expect("there"), said, "written again");
        }
        // The remedy: a key that was changed on purpose.
        fs::write(&path, [7; KEY_BYTES]).expect("another");
        fs::remove_file(&sum).expect("gone");
        assert_eq!(open(folder.path()).expect("taken"), [7; KEY_BYTES]);
        fs::remove_file(&path).expect("gone");
        open(folder.path()).expect("a new one is made");
        open(folder.path()).expect("and found");
    }

    #[test]
    fn a_start_that_ends_between_a_new_key_and_its_checksum_leaves_nothing_that_looks_like_damage()
    {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("token.key");
        let first = open(folder.path()).expect("made");
        fs::remove_file(&path).expect("gone, as doctor advises");
        let made = make(folder.path(), &path).expect("the last that the start came to");
        let second = open(folder.path()).expect("the new key is taken");
        assert_ne!(first, second);
        assert_eq!(second, made);
        assert_eq!(against_its_sum(folder.path(), &made).expect("read"), Noted::Same);
    }

    #[test]
    fn a_key_that_others_could_read_is_closed_to_them() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("token.key");
        open(folder.path()).expect("made");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("opened up");
        open(folder.path()).expect("found");
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
    }
}
