//! Batches that the server refused for good: set aside with the reason, so that the queue goes on.
//!
//! ```text
//! spool/rejected/5f3a…-0000000042.batch   the batch as it was sent
//! spool/rejected/5f3a…-0000000042.json    why, when, how many rows
//! spool/resend/…                          what is to be sent again: taken in by the client at its next flush
//! ```
//!
//! All of it works on the folder alone, while a client runs or not.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use iobeam_journal::{Disk, RealDisk};
use iobeam_model::{Batch, BatchId, Timestamp};
use iobeam_wire::batch::{Compression, Limits, decode, encode, peek};
use serde::{Deserialize, Serialize};

use crate::error::Error;

const FOLDER: &str = "rejected";
const RESEND: &str = "resend";

/// A batch that was set aside, without its rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// What it is called in this folder.
    pub name: String,
    /// The namespace its rows are for.
    pub namespace: String,
    /// How many rows it has.
    pub rows: u64,
    /// How many bytes it takes.
    pub bytes: u64,
    /// When it was refused.
    pub at: Timestamp,
    /// The status of the refusal.
    pub status: u16,
    /// The error's number.
    pub code: u32,
    /// What the server said.
    pub message: String,
}

/// The batches set aside beside a spool.
#[derive(Clone, Debug)]
pub struct RejectedFolder {
    spool: PathBuf,
}

impl RejectedFolder {
    /// Those of the spool in that folder.
    pub fn of_spool(spool: impl Into<PathBuf>) -> Self {
        Self { spool: spool.into() }
    }

    /// All of them, the oldest first.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn list(&self) -> Result<Vec<Rejected>, Error> {
        let mut all = Vec::new();
        for path in files(&self.spool.join(FOLDER), "json")? {
            let text = fs::read(&path).map_err(|source| Error::file("read", &path, source))?;
            let known = serde_json::from_slice::<Rejected>(&text).ok();
            all.extend(known.or_else(|| self.without_reason(&path)));
        }
        all.sort_by(|a, b| (a.at, &a.name).cmp(&(b.at, &b.name)));
        Ok(all)
    }

    /// A batch whose reason cannot be read any more is a batch all the same.
    fn without_reason(&self, reason: &Path) -> Option<Rejected> {
        let name = reason.file_stem()?.to_str()?.to_owned();
        let header = peek(&self.bytes(&name).ok()?).ok()?;
        Some(Rejected {
            name,
            namespace: header.namespace.to_string(),
            rows: u64::from(header.rows),
            bytes: header.length as u64,
            at: Timestamp::from_micros(0),
            status: 0,
            code: 0,
            message: format!(
                "{} is damaged: why it was refused is not known any more",
                reason.display()
            ),
        })
    }

    /// The rows of one.
    ///
    /// # Errors
    /// When there is none of that name, or it is damaged.
    pub fn batch(&self, name: &str) -> Result<Batch, Error> {
        let bytes = self.bytes(name)?;
        let decoded = decode(&bytes, &Limits::NONE).map_err(|error| Error::Invalid {
            what: "the rejected batch",
            given: name.to_owned(),
            reason: error.to_string(),
        })?;
        Ok(decoded.batch)
    }

    /// Has the client send one again as it is: after the server was taught better.
    ///
    /// # Errors
    /// When there is none of that name, or the disk refuses.
    pub fn resend(&self, name: &str) -> Result<(), Error> {
        let bytes = self.bytes(name)?;
        self.put(RESEND, &format!("{name}.batch"), &bytes)?;
        self.discard(name)
    }

    /// Has the client send one again, mended. It is a new batch then, under a number of its own.
    ///
    /// # Errors
    /// When there is none of that name, or the disk refuses.
    pub fn resend_mended(&self, name: &str, batch: &Batch) -> Result<(), Error> {
        self.bytes(name)?;
        let mut stream = [0; 16];
        getrandom::fill(&mut stream).map_err(|error| Error::Random(error.to_string()))?;
        let id = BatchId { stream, counter: 1 };
        let bytes = encode(batch, Some(id), Compression::Zstd);
        self.put(RESEND, &format!("{name}.batch"), &bytes)?;
        self.discard(name)
    }

    /// Removes one for good.
    ///
    /// # Errors
    /// When there is none of that name, or the disk refuses.
    pub fn discard(&self, name: &str) -> Result<(), Error> {
        for kind in ["json", "batch"] {
            let path = self.path(name, kind)?;
            match fs::remove_file(&path) {
                Err(source) if source.kind() == io::ErrorKind::NotFound && kind == "json" => {}
                Err(source) if source.kind() == io::ErrorKind::NotFound => {
                    return Err(Error::NoSuchBatch(name.to_owned()));
                }
                Err(source) => return Err(Error::file("remove", &path, source)),
                Ok(()) => {}
            }
        }
        Ok(())
    }

    /// Sets a batch aside. It lasts when this returns.
    pub(crate) fn set_aside(&self, batch: &[u8], reason: &Rejected) -> Result<(), Error> {
        self.put(FOLDER, &format!("{}.batch", reason.name), batch)?;
        let json = serde_json::to_vec_pretty(reason).unwrap_or_default();
        self.put(FOLDER, &format!("{}.json", reason.name), &json)
    }

    /// What is to be sent again.
    pub(crate) fn to_resend(&self) -> Result<Vec<(PathBuf, Vec<u8>)>, Error> {
        let mut all = Vec::new();
        for path in files(&self.spool.join(RESEND), "batch")? {
            let bytes = fs::read(&path).map_err(|source| Error::file("read", &path, source))?;
            all.push((path, bytes));
        }
        Ok(all)
    }

    /// One of them cannot be sent: it is moved out of the way. Says where it is.
    pub(crate) fn keep_aside(path: &Path) -> Result<PathBuf, Error> {
        crate::identity::keep_aside(path)
    }

    /// One of them is in the spool.
    pub(crate) fn taken_in(path: &Path) -> Result<(), Error> {
        fs::remove_file(path).map_err(|source| Error::file("remove", path, source))
    }

    fn bytes(&self, name: &str) -> Result<Vec<u8>, Error> {
        let path = self.path(name, "batch")?;
        match fs::read(&path) {
            Err(source) if source.kind() == io::ErrorKind::NotFound => {
                Err(Error::NoSuchBatch(name.to_owned()))
            }
            other => other.map_err(|source| Error::file("read", &path, source)),
        }
    }

    fn path(&self, name: &str, kind: &str) -> Result<PathBuf, Error> {
        let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if name.is_empty() || !plain {
            return Err(Error::NoSuchBatch(name.to_owned()));
        }
        Ok(self.spool.join(FOLDER).join(format!("{name}.{kind}")))
    }

    /// Writes a file that is there whole or not at all.
    fn put(&self, folder: &str, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let dir = self.spool.join(folder);
        let path = dir.join(name);
        let failed = |source| Error::file("write", &path, source);
        RealDisk.create_dir(&dir).map_err(failed)?;
        let draft = dir.join(format!("{name}.new"));
        // One that was left half written.
        let _ = fs::remove_file(&draft);
        let file = RealDisk.create(&draft).map_err(failed)?;
        file.write_at(bytes, 0).map_err(failed)?;
        file.sync_data().map_err(failed)?;
        RealDisk.rename(&draft, &path).map_err(failed)?;
        RealDisk.sync_dir(&dir).map_err(failed)
    }
}

/// What people call a batch: its number, in the form in which files can be named so.
pub(crate) fn name_of(batch: &[u8], id: Option<BatchId>) -> String {
    id.map_or_else(
        || format!("none-{:08x}", crc32c::crc32c(batch)),
        |id| format!("{:032x}-{:010}", u128::from_be_bytes(id.stream), id.counter),
    )
}

/// What a batch that was refused is called, and why it was.
pub(crate) fn reason(batch: &[u8], at: Timestamp, error: &Error) -> Rejected {
    let header = peek(batch).ok();
    let name = name_of(batch, header.as_ref().and_then(|header| header.id));
    let (status, code, message) = match error {
        Error::Refused { status, code, message } => (*status, code.0, message.clone()),
        other => (0, 0, other.to_string()),
    };
    Rejected {
        name,
        namespace: header.as_ref().map_or_else(String::new, |head| head.namespace.to_string()),
        rows: header.map_or(0, |header| u64::from(header.rows)),
        bytes: batch.len() as u64,
        at,
        status,
        code,
        message,
    }
}

/// The files of a kind in a folder, in the order of their names; none when there is no folder.
fn files(dir: &Path, kind: &str) -> Result<Vec<PathBuf>, Error> {
    match RealDisk.list(dir) {
        Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(source) => Err(Error::file("list", dir, source)),
        Ok(paths) => Ok(paths
            .into_iter()
            .filter(|path| path.extension().is_some_and(|found| found == kind))
            .collect()),
    }
}
