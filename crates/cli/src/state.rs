//! What the command remembers between runs: the original's files, read and written member by member.
//!
//! ```text
//! ~/.iobeam/                      0700   (IOBEAM_HOME names another place)
//!   profile                       0600   {"profile":"default"}: the active profile
//!   default/                      0700
//!     profile.config              0600   {"server","active_project","active_user","activer_user_email"}
//!     token.json                  0600   the user's token
//!     proj_<id>.json              0600   a token for each project
//! ```
//!
//! A file is replaced as a whole or not at all, and nobody but its owner can ever read it.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use iobeam_model::Timestamp;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// The server of a profile that names none.
pub(crate) const DEFAULT_SERVER: &str = "http://127.0.0.1:8420";
/// The profile used until another is made active.
pub(crate) const DEFAULT_PROFILE: &str = "default";

/// A profile: a server and who is at work there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Profile {
    /// The server's address.
    pub(crate) server: String,
    /// The project that commands mean when they name none; 0 for none.
    pub(crate) active_project: u32,
    /// The user who is logged in; 0 for none.
    pub(crate) active_user: u32,
    /// The user's e-mail address, spelt as the original spells it.
    pub(crate) activer_user_email: String,
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            server: DEFAULT_SERVER.into(),
            active_project: 0,
            active_user: 0,
            activer_user_email: String::new(),
        }
    }
}

/// A token and what it is for. It has no `Debug`, so that it cannot slip into a message.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_field_names, reason = "the members have the original's names")]
pub(crate) struct Token {
    /// The token itself.
    #[serde(rename = "Token")]
    pub(crate) token: String,
    /// When it ends, as the server wrote it.
    #[serde(rename = "Expires")]
    pub(crate) expires: String,
    /// The user it stands for; 0 for a project's token.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) user_id: u32,
    /// The project it is for; 0 for a user's token.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) project_id: u32,
    /// Whether it may read.
    #[serde(rename = "Read")]
    pub(crate) read: bool,
    /// Whether it may write.
    #[serde(rename = "Write")]
    pub(crate) write: bool,
    /// Whether it may change the project.
    #[serde(rename = "Admin")]
    pub(crate) admin: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Token {
    /// Whether it has ended. A date that cannot be read has not passed.
    pub(crate) fn has_expired(&self, now: Timestamp) -> bool {
        parse_date(&self.expires).is_some_and(|end| end.timestamp_micros() <= now.micros())
    }

    /// What it allows, for people.
    pub(crate) fn rights(&self) -> String {
        rights(self.read, self.write, self.admin)
    }
}

/// Permissions in words: `read, write`, or `none`.
pub(crate) fn rights(read: bool, write: bool, admin: bool) -> String {
    let held: Vec<_> = [(read, "read"), (write, "write"), (admin, "admin")]
        .into_iter()
        .filter_map(|(has, name)| has.then_some(name))
        .collect();
    if held.is_empty() { String::from("none") } else { held.join(", ") }
}

/// Reads a date in either spelling of the server.
pub(crate) fn parse_date(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S %z")
        .or_else(|_| DateTime::parse_from_rfc3339(text))
        .ok()
        .map(|date| date.to_utc())
}

/// The folder of all profiles.
#[derive(Clone, Debug)]
pub(crate) struct Home {
    root: PathBuf,
}

impl Home {
    /// The folder of the person at work: `IOBEAM_HOME`, or `.iobeam` in the home folder.
    pub(crate) fn locate() -> Result<Self> {
        if let Some(root) = std::env::var_os("IOBEAM_HOME").filter(|root| !root.is_empty()) {
            return Ok(Self { root: root.into() });
        }
        match std::env::home_dir().filter(|home| !home.as_os_str().is_empty()) {
            Some(home) => Ok(Self { root: home.join(".iobeam") }),
            None => Err(Failure::new("there is no home folder to keep profiles in")
                .remedy("set IOBEAM_HOME to a folder")
                .into()),
        }
    }

    /// A folder given by code.
    #[cfg(test)]
    pub(crate) fn at(root: &Path) -> Self {
        Self { root: root.into() }
    }

    /// The name of the active profile, if one was ever made active.
    pub(crate) fn active(&self) -> Result<Option<String>> {
        let active: Option<Active> = read(&self.root.join("profile"))?;
        active.map(|active| checked(&active.profile).map(str::to_owned)).transpose()
    }

    /// Makes a profile active.
    pub(crate) fn set_active(&self, name: &str) -> Result<()> {
        make_folder(&self.root)?;
        write(&self.root.join("profile"), &Active { profile: checked(name)?.to_owned() })
    }

    /// The names of all profiles, in order.
    pub(crate) fn profiles(&self) -> Result<Vec<String>> {
        let entries = match fs::read_dir(&self.root) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot list {}", self.root.display()));
            }
        };
        let mut names: Vec<String> = entries
            .filter_map(Result::ok)
            .filter(|entry| entry.path().join("profile.config").is_file())
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect();
        names.sort();
        Ok(names)
    }

    /// Reads a profile, if it exists.
    pub(crate) fn load(&self, name: &str) -> Result<Option<Profile>> {
        read(&self.folder(name)?.join("profile.config"))
    }

    /// Writes a profile. The first one becomes active.
    pub(crate) fn save(&self, name: &str, profile: &Profile) -> Result<()> {
        let folder = self.folder(name)?;
        make_folder(&self.root)?;
        make_folder(&folder)?;
        write(&folder.join("profile.config"), profile)?;
        if self.active()?.is_none() {
            self.set_active(name)?;
        }
        Ok(())
    }

    /// Removes a profile and its tokens.
    pub(crate) fn delete(&self, name: &str) -> Result<()> {
        let folder = self.folder(name)?;
        fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))
    }

    /// The user's token, if there is one.
    pub(crate) fn user_token(&self, name: &str) -> Result<Option<Token>> {
        read(&self.folder(name)?.join("token.json"))
    }

    /// Keeps the user's token.
    pub(crate) fn save_user_token(&self, name: &str, token: &Token) -> Result<()> {
        write(&self.folder(name)?.join("token.json"), token)
    }

    /// A project's token, if there is one.
    pub(crate) fn project_token(&self, name: &str, project: u32) -> Result<Option<Token>> {
        read(&self.folder(name)?.join(format!("proj_{project}.json")))
    }

    /// Keeps a project's token.
    pub(crate) fn save_project_token(&self, name: &str, token: &Token) -> Result<()> {
        write(&self.folder(name)?.join(format!("proj_{}.json", token.project_id)), token)
    }

    /// Forgets the user's token.
    pub(crate) fn forget_user_token(&self, name: &str) -> Result<()> {
        remove(&self.folder(name)?.join("token.json"))
    }

    /// Forgets a project's token.
    pub(crate) fn forget_project_token(&self, name: &str, project: u32) -> Result<()> {
        remove(&self.folder(name)?.join(format!("proj_{project}.json")))
    }

    /// The projects there is a token for, in order.
    pub(crate) fn projects_with_tokens(&self, name: &str) -> Result<Vec<u32>> {
        let Ok(entries) = fs::read_dir(self.folder(name)?) else { return Ok(Vec::new()) };
        let mut projects: Vec<u32> = entries
            .filter_map(Result::ok)
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter_map(|file| file.strip_prefix("proj_")?.strip_suffix(".json")?.parse().ok())
            .collect();
        projects.sort_unstable();
        Ok(projects)
    }

    fn folder(&self, name: &str) -> Result<PathBuf> {
        Ok(self.root.join(checked(name)?))
    }
}

#[derive(Serialize, Deserialize)]
struct Active {
    profile: String,
}

/// A profile's name is a folder's name: nothing that could lead out of the folder of profiles.
fn checked(name: &str) -> Result<&str> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '@');
    if name.is_empty() || name.starts_with('.') || !name.chars().all(fits) || name == "profile" {
        let message = format!("'{name}' is no name for a profile");
        let remedy =
            "use letters, digits, '_', '-', '.' or '@', not beginning with '.'; 'profile' is taken";
        return Err(Failure::usage(message).remedy(remedy).into());
    }
    Ok(name)
}

fn read<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<Option<T>> {
    match fs::read(path) {
        Ok(bytes) => match serde_json::from_slice(&bytes) {
            Ok(value) => Ok(Some(value)),
            Err(error) => Err(Failure::new(format!("cannot read {}: {error}", path.display()))
                .remedy("mend or remove that file")
                .into()),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// Removes a file, if it is there.
fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

fn write(path: &Path, value: &impl Serialize) -> Result<()> {
    write_private(path, &serde_json::to_vec(value)?)
}

/// Replaces a file by one that only its owner can read.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    let unfinished = path.with_extension(format!("{}.tmp", std::process::id()));
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&unfinished).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&unfinished, path)
    });
    if written.is_err() {
        drop(fs::remove_file(&unfinished));
    }
    written.with_context(|| format!("cannot write {}", path.display()))
}

/// Makes a folder that only its owner can enter.
pub(crate) fn make_folder(path: &Path) -> Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).with_context(|| format!("cannot make the folder {}", path.display()))
}

#[cfg(test)]
mod tests;
