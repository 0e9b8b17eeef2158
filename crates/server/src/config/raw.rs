//! Settings as texts, each with the place it comes from.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};

use super::settings::{SETTINGS, Setting, current_name};
use super::{ConfigError, units};

/// Where a value was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nowhere.
    Default,
    /// In the settings file.
    File(PathBuf),
    /// In an environment variable.
    Env(String),
    /// On the command line.
    Flag,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Env(name) => write!(f, "environment {name}"),
            Self::Flag => f.write_str("flag"),
        }
    }
}

/// The value of each setting as given, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origins {
    values: Vec<(&'static Setting, String, Origin)>,
    former: Vec<(String, Origin)>,
}

impl Origins {
    /// Each setting with its value (passwords hidden) and origin, in the order of [`SETTINGS`].
    pub fn iter(&self) -> impl Iterator<Item = (&'static Setting, &str, &Origin)> {
        self.values.iter().map(|(setting, value, origin)| (*setting, value.as_str(), origin))
    }

    /// What to tell of settings that were given by a name that they no longer have.
    pub fn warnings(&self) -> impl Iterator<Item = String> {
        self.former.iter().map(|(former, origin)| {
            let current = current_name(former);
            format!(
                "{origin}: the setting '{former}' is called '{current}' now; the old name is accepted until the next version"
            )
        })
    }

    /// All settings as a file that could be loaded again, the origin behind each value.
    pub fn print(&self) -> String {
        let mut text = String::new();
        for (setting, value, origin) in self.iter() {
            let line = if value.is_empty() {
                format!("# {} is not set", setting.name)
            } else if setting.is_switch() {
                format!("{} = {value}", setting.name)
            } else {
                format!("{} = {}", setting.name, toml::Value::String(value.to_owned()))
            };
            let _ = writeln!(text, "{line:<44} # {origin}");
        }
        text
    }
}

/// Settings as texts.
pub(super) struct Raw {
    values: BTreeMap<&'static str, (String, Origin)>,
    /// Former names that were given, and where.
    former: Vec<(String, Origin)>,
}

impl Raw {
    /// Nobody said anything.
    pub(super) fn defaults() -> Self {
        let entry =
            |setting: &Setting| (setting.name, (setting.default.to_owned(), Origin::Default));
        Self { values: SETTINGS.iter().map(entry).collect(), former: Vec::new() }
    }

    /// What the file says: a flat TOML table.
    pub(super) fn add_file(&mut self, path: &Path) -> Result<(), ConfigError> {
        let wrong = |reason: String| ConfigError::File { path: path.to_owned(), reason };
        let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
        let table: toml::Table = text.parse().map_err(|error| wrong(format!("{error}")))?;
        for (name, value) in table {
            let value = match value {
                toml::Value::String(text) => text,
                toml::Value::Integer(number) => number.to_string(),
                toml::Value::Boolean(truth) => truth.to_string(),
                other => {
                    let kind = other.type_str();
                    return Err(wrong(format!(
                        "{name}: expected a string, integer or boolean, not a {kind}"
                    )));
                }
            };
            self.set(&name, value, Origin::File(path.to_owned()))?;
        }
        Ok(())
    }

    /// What the environment says.
    pub(super) fn add_env(
        &mut self,
        env: impl IntoIterator<Item = (String, String)>,
    ) -> Result<(), ConfigError> {
        for (variable, value) in env {
            let Some(rest) = variable.strip_prefix("IOBEAM_") else { continue };
            let name = rest.to_ascii_lowercase().replace('_', "-");
            let is_known = SETTINGS.iter().any(|setting| setting.name == current_name(&name));
            if is_known || nearest(&name).is_some() {
                self.set(&name, value, Origin::Env(variable))?;
            }
        }
        Ok(())
    }

    /// What the command line says.
    pub(super) fn add_flags(&mut self, flags: &[(String, String)]) -> Result<(), ConfigError> {
        flags.iter().try_for_each(|(name, value)| self.set(name, value.clone(), Origin::Flag))
    }

    fn set(&mut self, name: &str, value: String, origin: Origin) -> Result<(), ConfigError> {
        // A file written by hand may have either; nobody should have to remember which.
        let given = name.replace('_', "-");
        let current = current_name(&given);
        if let Some(slot) = self.values.get_mut(current) {
            if current != given {
                self.former.push((given.clone(), origin.clone()));
            }
            *slot = (value, origin);
            return Ok(());
        }
        let nearest = nearest(name);
        Err(ConfigError::Unknown { name: name.to_owned(), origin, nearest })
    }

    /// The checked value of a setting.
    pub(super) fn parse<T>(
        &self,
        name: &'static str,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<T, ConfigError> {
        let (value, origin) = &self.values[name];
        read(value.trim()).map_err(|reason| {
            let value = units::without_password(value);
            ConfigError::Wrong { name, value, origin: origin.clone(), reason }
        })
    }

    /// The checked value of a setting, unless it is empty.
    pub(super) fn parse_if_set<T>(
        &self,
        name: &'static str,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Option<T>, ConfigError> {
        let is_set = !self.values[name].0.trim().is_empty();
        is_set.then(|| self.parse(name, read)).transpose()
    }

    /// Where each value comes from, for people.
    pub(super) fn into_origins(self) -> Origins {
        let mut values = self.values;
        let entry = |setting: &'static Setting| {
            let (value, origin) = values.remove(setting.name)?;
            Some((setting, units::without_password(&value), origin))
        };
        let values = SETTINGS.iter().filter_map(entry).collect();
        Origins { values, former: self.former }
    }
}

/// The setting whose name is most like it, if one is like it at all.
fn nearest(name: &str) -> Option<&'static str> {
    crate::nearest::nearest(&name.replace('_', "-"), SETTINGS.iter().map(|setting| setting.name))
}
