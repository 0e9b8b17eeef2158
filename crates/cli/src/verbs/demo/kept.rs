//! What the demo remembers in its folder: `demo.json`, readable by its owner only.

use std::fs;
use std::io;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::state::write_private;

/// The demo's server, processes and account. It has no `Debug`, as it holds a password.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Kept {
    /// The server's address.
    pub(super) server: String,
    /// The server's process; 0 when the demo did not start it.
    pub(super) server_pid: u32,
    /// The background sender's process; 0 for none.
    pub(super) sender_pid: u32,
    /// The account.
    pub(super) email: String,
    /// Its password, drawn at the first run.
    pub(super) password: String,
    /// The project's own token, with which readings are sent: it can do nothing but write.
    pub(super) token: String,
}

impl Kept {
    /// Reads the file, if there is one.
    pub(super) fn load(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join("demo.json");
        match fs::read(&path) {
            Ok(bytes) => {
                let kept = serde_json::from_slice(&bytes);
                Ok(Some(kept.with_context(|| format!("cannot read {}", path.display()))?))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// Writes the file.
    pub(super) fn save(&self, folder: &Path) -> Result<()> {
        write_private(&folder.join("demo.json"), &serde_json::to_vec_pretty(self)?)
    }
}
