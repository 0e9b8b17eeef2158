//! The first invite: how the operator gets into a server that lets in by invite only.
//!
//! ```text
//! no account yet ─▶ first-invite (0600) in the data directory holds a code for one person
//! an account     ─▶ the file is removed: from now on the operator makes invites
//! ```
//!
//! Whoever can read the data directory runs the server, so the code is theirs. The log names the file, not the code.

use std::fs;
use std::io;
use std::path::Path;

use iobeam_catalog::{Catalog, CatalogError};

use crate::core::files::write_private;
use crate::error::ServeError;

/// The file's name in the data directory.
const NAME: &str = "first-invite";

/// Why there is no first invite.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FirstInviteError {
    /// The catalog refused.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The file could not be written.
    #[error(transparent)]
    Write(#[from] ServeError),
    /// The file could not be removed.
    #[error("cannot remove {NAME} from the data directory: {0}")]
    Remove(#[from] io::Error),
}

/// Puts a code where only the operator finds it, if nobody has an account and sign-up is by invite.
pub(crate) fn offer(
    catalog: &Catalog,
    data: &Path,
    by_invite: bool,
) -> Result<(), FirstInviteError> {
    let path = data.join(NAME);
    if !by_invite || catalog.has_users()? {
        return match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        };
    }
    if !path.exists() {
        let code = catalog.create_invite(None, 1, None)?;
        write_private(&path, format!("{code}\n").as_bytes())?;
    }
    tracing::info!(
        file = %path.display(),
        "nobody has an account yet; sign up with the invite code in this file to operate the server"
    );
    Ok(())
}
