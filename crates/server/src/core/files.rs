//! Files and folders that are for their owner only.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use crate::error::ServeError;

/// Makes a folder with mode 0700, or takes the rights of others away from one that is there.
pub(crate) fn private_folder(path: &Path) -> Result<(), ServeError> {
    let failed = |doing| move |source| ServeError::File { path: path.to_owned(), doing, source };
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed("cannot make it"))?;
    let mode = path.metadata().map_err(failed("cannot look at it"))?.permissions().mode();
    if mode & 0o077 != 0 {
        let mode = std::fs::Permissions::from_mode(mode & 0o700);
        std::fs::set_permissions(path, mode).map_err(failed("cannot make it private"))?;
    }
    Ok(())
}

/// Writes a file with mode 0600, whole or not at all, and synced.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> Result<(), ServeError> {
    let failed = |source| ServeError::File { path: path.to_owned(), doing: "cannot write", source };
    write_whole(path, &path.with_extension("new"), content).map_err(failed)
}

/// Writes a file with mode 0600 and syncs it, under the name of its draft until all of it is there. A draft that cannot
/// be written is not left behind.
pub(crate) fn write_whole(path: &Path, draft: &Path, content: &[u8]) -> io::Result<()> {
    write_draft(draft, content)
        .and_then(|()| std::fs::rename(draft, path))
        .inspect_err(|_| drop(std::fs::remove_file(draft)))?;
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

fn write_draft(draft: &Path, content: &[u8]) -> io::Result<()> {
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(draft)?;
    file.write_all(content)?;
    file.sync_all()
}
