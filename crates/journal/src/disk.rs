//! The disk, as much of it as is needed to keep records: a component given by code, so that tests can hand in one
//! that fails.
//!
//! ```text
//! create / rename / remove ─▶ change the folder: they last once sync_dir returned
//! write_at / set_len ───────▶ change the file:   they last once sync_data returned
//! ```
//!
//! What was not synced may be there after a power cut, or half of it, or none.

use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fs4::FileExt as _;

/// A disk with folders and files.
pub trait Disk: fmt::Debug + Send + Sync {
    /// Makes a new file, readable by its owner alone. Fails when there is one.
    ///
    /// # Errors
    /// As the system says.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;

    /// Opens a file that is there, for reading and writing.
    ///
    /// # Errors
    /// As the system says.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;

    /// The files and folders directly in a folder, in the order of their names.
    ///
    /// # Errors
    /// As the system says.
    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>>;

    /// Gives a file another name, in place of what had that name.
    ///
    /// # Errors
    /// As the system says.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// As the system says.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Removes a folder in which nothing is.
    ///
    /// # Errors
    /// As the system says.
    fn remove_dir(&self, dir: &Path) -> io::Result<()>;

    /// Makes a folder and those above it, where missing. The new folders are made to last at once.
    ///
    /// # Errors
    /// As the system says.
    fn create_dir(&self, dir: &Path) -> io::Result<()>;

    /// Makes what was created, renamed and removed in a folder last.
    ///
    /// # Errors
    /// As the system says.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;

    /// How many bytes can still be written to the disk that holds the folder.
    ///
    /// # Errors
    /// As the system says.
    fn free_space(&self, dir: &Path) -> io::Result<u64>;

    /// Takes the lock that the file `path` stands for, made if missing, until the answer is dropped or the process
    /// ends. `None` when somebody else has it.
    ///
    /// # Errors
    /// As the system says.
    fn lock(&self, path: &Path) -> io::Result<Option<DiskLock>>;

    /// Whether there is a file or folder.
    ///
    /// # Errors
    /// As the system says.
    fn exists(&self, path: &Path) -> io::Result<bool>;
}

/// An open file.
pub trait DiskFile: fmt::Debug + Send + Sync {
    /// Fills the buffer from `offset` on as far as the file goes, and says how far that was.
    ///
    /// # Errors
    /// As the system says.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes all the bytes at `offset`. After an error some of them may be there.
    ///
    /// # Errors
    /// As the system says.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Makes all that was written last. After an error nothing is known of what was written since the last success,
    /// and another try proves nothing.
    ///
    /// # Errors
    /// As the system says.
    fn sync_data(&self) -> io::Result<()>;

    /// Cuts the file, or adds zeros.
    ///
    /// # Errors
    /// As the system says.
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// Makes the file at least that long, with room on the disk behind it where the file system can do that.
    ///
    /// # Errors
    /// As the system says.
    fn preallocate(&self, len: u64) -> io::Result<()>;

    /// How long the file is.
    ///
    /// # Errors
    /// As the system says.
    fn len(&self) -> io::Result<u64>;

    /// Whether nothing is in it.
    ///
    /// # Errors
    /// As the system says.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Asks the system to read the file from the disk next time, not from memory.
    fn drop_cache(&self) {}
}

/// A lock that is held. Dropping it gives it back.
pub struct DiskLock {
    _held: Box<dyn Send + Sync>,
}

impl DiskLock {
    /// A lock that lasts as long as the thing given.
    pub fn new(held: impl Send + Sync + 'static) -> Self {
        Self { _held: Box::new(held) }
    }
}

impl fmt::Debug for DiskLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DiskLock")
    }
}

/// The machine's own disk.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let file =
            private(OpenOptions::new().read(true).write(true).create_new(true)).open(path)?;
        Ok(Arc::new(RealFile(file)))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(RealFile(OpenOptions::new().read(true).write(true).open(path)?)))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        let mut paths =
            fs::read_dir(dir)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
        paths.sort();
        Ok(paths)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_dir(&self, dir: &Path) -> io::Result<()> {
        fs::remove_dir(dir)
    }

    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        if dir.as_os_str().is_empty() || dir.is_dir() {
            return Ok(());
        }
        let above = dir.parent().unwrap_or(Path::new(""));
        self.create_dir(above)?;
        match fs::create_dir(dir) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        self.sync_dir(above)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        // Windows has no such call; a file that was synced there is found again.
        if cfg!(unix) {
            let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
            File::open(dir)?.sync_all()?;
        }
        Ok(())
    }

    fn free_space(&self, dir: &Path) -> io::Result<u64> {
        fs4::available_space(dir)
    }

    fn lock(&self, path: &Path) -> io::Result<Option<DiskLock>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let file = private(&mut options).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(DiskLock::new(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        fs::exists(path)
    }
}

/// What lies in a journal is its owner's alone.
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

#[derive(Debug)]
struct RealFile(File);

impl DiskFile for RealFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match read_some_at(&self.0, &mut buffer[filled..], offset + filled as u64) {
                Ok(0) => break,
                Ok(more) => filled += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        write_all_at(&self.0, bytes, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn preallocate(&self, len: u64) -> io::Result<()> {
        if self.len()? >= len {
            return Ok(());
        }
        match self.0.allocate(len) {
            Err(error) if error.kind() == io::ErrorKind::Unsupported => self.0.set_len(len),
            other => other,
        }
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn drop_cache(&self) {
        #[cfg(target_os = "linux")]
        {
            // Only advice: when the system does not take it, the bytes come from memory as always.
            let advice = rustix::fs::Advice::DontNeed;
            let _ = rustix::fs::fadvise(&self.0, 0, None, advice);
        }
    }
}

#[cfg(unix)]
fn read_some_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, offset)
}

#[cfg(windows)]
fn read_some_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, offset)
}

#[cfg(unix)]
fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
}

#[cfg(windows)]
fn write_all_at(file: &File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = std::os::windows::fs::FileExt::seek_write(file, bytes, offset)?;
        bytes = &bytes[written..];
        offset += written as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_held_once_and_given_back() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("lock");
        let held = RealDisk.lock(&path).expect("the disk works");
        assert!(held.is_some());
        assert!(RealDisk.lock(&path).expect("the disk works").is_none());
        drop(held);
        assert!(RealDisk.lock(&path).expect("the disk works").is_some());
    }

    #[test]
    fn a_file_is_as_long_as_it_was_preallocated_and_reads_as_zeros() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = RealDisk.create(&dir.path().join("file")).expect("a new file");
        file.preallocate(10_000).expect("room");
        file.write_at(b"abc", 5_000).expect("room");
        file.drop_cache();
        assert_eq!(file.len().expect("a length"), 10_000);
        let mut bytes = [1; 6];
        assert_eq!(file.read_at(&mut bytes, 4_998).expect("readable"), 6);
        assert_eq!(&bytes, b"\0\0abc\0");
        assert_eq!(file.read_at(&mut bytes, 9_998).expect("readable"), 2);
    }

    #[test]
    #[cfg(unix)]
    fn files_are_their_owners_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("file");
        RealDisk.create(&path).expect("a new file");
        assert_eq!(fs::metadata(&path).expect("it is there").permissions().mode() & 0o777, 0o600);
    }
}
