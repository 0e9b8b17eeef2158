//! The Delta log's files on our disk: an object store whose files last once they are there.
//!
//! ```text
//! put ─▶ write x.tmp ─▶ sync it ─▶ rename to x ─▶ sync the folder
//! ```
//!
//! The object store that comes with the library syncs nothing, and so after a power cut a commit might stand there
//! empty, which no reader gets over. Here a file is either there as a whole or not at all. One process has the lake
//! to itself, so "create if missing" needs no more than a lock within it.

use std::fmt;
use std::io;
use std::ops::Range;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::stream::{self, BoxStream, StreamExt as _};
use iobeam_journal::disk::{Disk, DiskFile};
use object_store::path::Path;
use object_store::{
    Attributes, CopyMode, CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult,
    MultipartUpload, ObjectMeta, ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload,
    PutResult, Result,
};
use parking_lot::Mutex;

use crate::lake::log_sums::sign;

/// The file that tells readers of a table where its newest checkpoint is.
pub(crate) const LAST_CHECKPOINT: &str = "_last_checkpoint";
/// Ends the name of a file that is not whole yet.
pub(crate) const UNFINISHED: &str = ".tmp";

/// A folder on a disk as an object store.
#[derive(Debug)]
pub(crate) struct SyncedFiles {
    disk: Arc<dyn Disk>,
    root: PathBuf,
    naming: Mutex<()>,
}

impl SyncedFiles {
    pub(crate) fn new(disk: Arc<dyn Disk>, root: PathBuf) -> Self {
        Self { disk, root, naming: Mutex::new(()) }
    }

    fn file(&self, location: &Path) -> PathBuf {
        location.parts().fold(self.root.clone(), |path, part| path.join(part.as_ref()))
    }

    fn meta(&self, location: &Path) -> Result<ObjectMeta> {
        let path = self.file(location);
        let size = self.disk.open(&path).and_then(|file| file.len());
        let size = size.map_err(|error| told(location, error))?;
        Ok(ObjectMeta {
            location: location.clone(),
            // A disk for tests knows no times; nothing is decided by them.
            last_modified: modified(&path).unwrap_or(DateTime::UNIX_EPOCH),
            size,
            e_tag: None,
            version: None,
        })
    }

    fn read(&self, location: &Path, range: Range<u64>) -> Result<Bytes> {
        let file = self.disk.open(&self.file(location)).map_err(|error| told(location, error))?;
        read_range(&*file, range).map_err(|error| told(location, error))
    }

    fn put(&self, location: &Path, payload: &PutPayload, replace: bool) -> Result<()> {
        let path = self.file(location);
        let _alone = self.naming.lock();
        if !replace && self.disk.exists(&path).map_err(|error| told(location, error))? {
            let source = io::Error::from(io::ErrorKind::AlreadyExists).into();
            return Err(Error::AlreadyExists { path: location.to_string(), source });
        }
        let bytes = match payload.iter().next() {
            Some(one) if payload.iter().count() == 1 => one.clone(),
            _ => payload.iter().flatten().copied().collect(),
        };
        let bytes = sign(location.filename().unwrap_or_default(), bytes);
        put_synced(&*self.disk, &path, [&bytes]).map_err(|error| told(location, error))
    }

    fn listed(&self, prefix: Option<&Path>, offset: Option<&Path>) -> Result<Vec<ObjectMeta>> {
        let root = prefix.cloned().unwrap_or_default();
        let mut folders = vec![root];
        let mut found = Vec::new();
        while let Some(folder) = folders.pop() {
            for (location, is_file) in self.entries(&folder)? {
                if !is_file {
                    folders.push(location);
                } else if offset.is_none_or(|offset| location > *offset) {
                    match self.meta(&location) {
                        Err(Error::NotFound { .. }) => {}
                        other => found.push(other?),
                    }
                }
            }
        }
        found.sort_by(|one, other| one.location.cmp(&other.location));
        Ok(found)
    }

    /// What stands directly in a folder, and whether it is a file. In the lake folders have no dot in their names, and
    /// nearly all files have one.
    fn entries(&self, folder: &Path) -> Result<Vec<(Path, bool)>> {
        let paths = match self.disk.list(&self.file(folder)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(|error| told(folder, error))?,
        };
        let names = paths.iter().filter_map(|path| path.file_name()?.to_str());
        let names = names.filter(|name| !name.ends_with(UNFINISHED));
        let entry = |name: &str| {
            let location = folder.clone().join(name);
            let is_file = name.contains('.') || self.is_file(&location)?;
            Ok((location, is_file))
        };
        names.map(entry).collect()
    }

    fn is_file(&self, location: &Path) -> Result<bool> {
        match self.disk.list(&self.file(location)) {
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(true),
            // Gone meanwhile: then it is nothing that could be looked into.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            other => other.map(|_| false).map_err(|error| told(location, error)),
        }
    }
}

/// Writes a file as a whole or not at all.
pub(crate) fn put_synced<'a>(
    disk: &dyn Disk,
    path: &FilePath,
    parts: impl IntoIterator<Item = &'a Bytes>,
) -> io::Result<()> {
    let dir = path.parent().unwrap_or(FilePath::new(""));
    disk.create_dir(dir)?;
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(UNFINISHED);
    let unfinished = PathBuf::from(unfinished);
    if disk.exists(&unfinished)? {
        disk.remove(&unfinished)?;
    }
    let file = disk.create(&unfinished)?;
    let mut at = 0;
    for part in parts {
        file.write_at(part, at)?;
        at += part.len() as u64;
    }
    file.sync_data()?;
    drop(file);
    disk.rename(&unfinished, path)?;
    disk.sync_dir(dir)
}

/// Reads exactly that range.
pub(crate) fn read_range(file: &dyn DiskFile, range: Range<u64>) -> io::Result<Bytes> {
    let length = usize::try_from(range.end.saturating_sub(range.start))
        .map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
    let mut bytes = vec![0; length];
    if file.read_at(&mut bytes, range.start)? < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes.into())
}

fn modified(path: &FilePath) -> Option<DateTime<Utc>> {
    Some(std::fs::metadata(path).ok()?.modified().ok()?.into())
}

fn told(location: &Path, error: io::Error) -> Error {
    let path = location.to_string();
    match error.kind() {
        io::ErrorKind::NotFound => Error::NotFound { path, source: error.into() },
        _ => Error::Generic { store: "lake", source: error.into() },
    }
}

impl fmt::Display for SyncedFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "lake in {}", self.root.display())
    }
}

#[async_trait]
impl ObjectStore for SyncedFiles {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        opts: PutOptions,
    ) -> Result<PutResult> {
        self.put(location, &payload, !matches!(opts.mode, PutMode::Create))?;
        Ok(PutResult { e_tag: None, version: None })
    }

    async fn put_multipart_opts(
        &self,
        _: &Path,
        _: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Err(Error::NotImplemented {
            operation: "put_multipart".into(),
            implementer: self.to_string(),
        })
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        if location.filename() == Some(LAST_CHECKPOINT) {
            // A hint for other readers, without a checksum. The folder itself says what there is.
            let source = io::Error::from(io::ErrorKind::NotFound).into();
            return Err(Error::NotFound { path: location.to_string(), source });
        }
        let meta = self.meta(location)?;
        options.check_preconditions(&meta)?;
        let range = match &options.range {
            Some(range) => range
                .as_range(meta.size)
                .map_err(|error| Error::Generic { store: "lake", source: error.into() })?,
            None => 0..meta.size,
        };
        let bytes = if options.head { Bytes::new() } else { self.read(location, range.clone())? };
        let payload = GetResultPayload::Stream(stream::iter([Ok(bytes)]).boxed());
        Ok(GetResult { payload, meta, range, attributes: Attributes::new() })
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let disk = Arc::clone(&self.disk);
        let root = Self::new(Arc::clone(&disk), self.root.clone());
        locations
            .map(move |location| {
                let location = location?;
                disk.remove(&root.file(&location)).map_err(|error| told(&location, error))?;
                Ok(location)
            })
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        listing(self.listed(prefix, None))
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        listing(self.listed(prefix, Some(offset)))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let folder = prefix.cloned().unwrap_or_default();
        let mut found = ListResult { common_prefixes: Vec::new(), objects: Vec::new() };
        for (location, is_file) in self.entries(&folder)? {
            if is_file {
                found.objects.push(self.meta(&location)?);
            } else {
                found.common_prefixes.push(location);
            }
        }
        Ok(found)
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let meta = self.meta(from)?;
        let bytes = self.read(from, 0..meta.size)?;
        self.put(to, &bytes.into(), !matches!(options.mode, CopyMode::Create))
    }
}

fn listing(found: Result<Vec<ObjectMeta>>) -> BoxStream<'static, Result<ObjectMeta>> {
    match found {
        Ok(found) => stream::iter(found.into_iter().map(Ok)).boxed(),
        Err(error) => stream::iter([Err(error)]).boxed(),
    }
}
