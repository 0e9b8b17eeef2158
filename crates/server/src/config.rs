//! The settings: raw texts from four places become one checked [`Config`].
//!
//! ```text
//! default < file (TOML) < environment (IOBEAM_X) < flag (--x)  ─▶ Raw ─ check ─▶ Config
//! ```
//!
//! One table, [`SETTINGS`], tells names, defaults and meanings; flags, file keys and environment variables are derived
//! from it, and so is the reference page. A name that stands in no table is refused, with the nearest that does.

mod memory;

mod sections;

mod raw;

mod settings;

mod units;

pub use memory::Memory;
pub use raw::{Origin, Origins};
pub use sections::{
    AuthConfig, DashboardConfig, DeviceConfig, HttpConfig, ImportConfig, LiveConfig, LogConfig,
    MailConfig, QueryConfig, StorageConfig,
};
pub use settings::{SETTINGS, Setting};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use raw::Raw;

/// The checked settings. Plain data: where each comes from is told by [`Origins`].
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The folder of everything that is kept.
    pub data_dir: PathBuf,
    /// Bytes that readings, queries, merges, requests and caches may take in memory; [`Self::memory`] divides them.
    pub memory_limit: usize,
    /// Whether queries are stopped when the process exceeds `memory_limit`. Not a setting: several platforms of a test
    /// share one process, whose memory says nothing of any of them.
    pub watches_process: bool,
    /// Who may read the metrics.
    pub metrics_access: MetricsAccess,
    /// How HTTP is served.
    pub http: HttpConfig,
    /// What imports may bring.
    pub imports: ImportConfig,
    /// What queries may take.
    pub query: QueryConfig,
    /// How readings are kept.
    pub storage: StorageConfig,
    /// How readings are followed.
    pub live: LiveConfig,
    /// What dashboards may hold.
    pub dashboards: DashboardConfig,
    /// How devices are shown and registered.
    pub devices: DeviceConfig,
    /// Who may sign up and in, and for how long.
    pub auth: AuthConfig,
    /// How email is sent.
    pub mail: MailConfig,
    /// How the log is written.
    pub log: LogConfig,
}

/// Who may read the metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricsAccess {
    /// Callers on this machine; others with the token.
    Loopback,
    /// Whoever has the token.
    Token,
    /// Everybody.
    Open,
}

/// What the second address needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsConfig {
    /// The address.
    pub listen: SocketAddr,
    /// Who the server says it is.
    pub identity: TlsIdentity,
}

/// Where certificate and key come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsIdentity {
    /// Files in PEM form.
    Files {
        /// The certificate chain (PEM), leaf first.
        cert: PathBuf,
        /// Its private key.
        key: PathBuf,
    },
    /// Made at the first start and kept in the data directory.
    SelfSigned,
}

/// Who may make an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignUp {
    /// Everybody.
    Open,
    /// Who has an invite code.
    Invite,
    /// Nobody.
    Closed,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object in each line.
    Json,
}

/// A URL that may hold a password: it is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretUrl(url::Url);

/// Why settings were refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// No setting has that name.
    #[error("{origin}: there is no setting '{name}'{}", nearest.map(|n| format!("; did you mean '{n}'?")).unwrap_or_default())]
    Unknown {
        /// The name that was given.
        name: String,
        /// Where it was given.
        origin: Origin,
        /// The setting whose name is like it.
        nearest: Option<&'static str>,
    },
    /// The value makes no sense.
    #[error("{origin}: {name} = '{value}': {reason}")]
    Wrong {
        /// The setting.
        name: &'static str,
        /// Its value as given.
        value: String,
        /// Where it was given.
        origin: Origin,
        /// What it must be.
        reason: String,
    },
    /// Settings that do not go together.
    #[error("{0}")]
    Together(&'static str),
    /// The file cannot be read.
    #[error("{path}: {reason}", path = path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl Config {
    /// Puts the settings together: default < `file` < `env` < `flags`. Names of flags stand without their dashes.
    /// Of the environment only variables that start with `IOBEAM_` are looked at, and of those that name no setting
    /// only the ones that look like a misspelt one are refused: other programs of ours have variables too.
    ///
    /// # Errors
    /// When a name is unknown, a value makes no sense, or values contradict each other.
    pub fn load(
        flags: &[(String, String)],
        env: impl IntoIterator<Item = (String, String)>,
        file: Option<&Path>,
    ) -> Result<(Self, Origins), ConfigError> {
        let mut raw = Raw::defaults();
        if let Some(path) = file {
            raw.add_file(path)?;
        }
        raw.add_env(env)?;
        raw.add_flags(flags)?;
        let config = Self::check(&raw)?;
        Ok((config, raw.into_origins()))
    }

    /// The defaults, with data in that folder and a port of the system's choice on loopback: for tests.
    ///
    /// # Panics
    /// When the folder has no name.
    pub fn for_test(data_dir: &Path) -> Self {
        let flags = [
            ("data-dir".to_owned(), data_dir.display().to_string()),
            ("listen".to_owned(), "127.0.0.1:0".to_owned()),
        ];
        let (config, _) = Self::load(&flags, [], None).expect("the defaults are sound");
        Self { watches_process: false, ..config }
    }

    fn check(raw: &Raw) -> Result<Self, ConfigError> {
        Ok(Self {
            data_dir: raw.parse("data-dir", units::path)?,
            memory_limit: raw.parse("memory-limit", |text| units::bytes(text, 16 << 20))?,
            watches_process: true,
            metrics_access: raw.parse("metrics-access", units::metrics_access)?,
            http: HttpConfig::read(raw)?,
            imports: ImportConfig::read(raw)?,
            query: QueryConfig::read(raw)?,
            storage: StorageConfig::read(raw)?,
            live: LiveConfig::read(raw)?,
            dashboards: DashboardConfig::read(raw)?,
            devices: DeviceConfig::read(raw)?,
            auth: AuthConfig::read(raw)?,
            mail: MailConfig::read(raw)?,
            log: LogConfig::read(raw)?,
        })
    }
}

impl TlsConfig {
    fn read(raw: &Raw) -> Result<Option<Self>, ConfigError> {
        let listen = raw.parse_if_set("tls-listen", units::address)?;
        let cert = raw.parse_if_set("tls-cert", units::path)?;
        let key = raw.parse_if_set("tls-key", units::path)?;
        let self_signed = raw.parse("tls-self-signed", units::truth)?;
        let identity = match (cert, key, self_signed) {
            (None, None, false) => None,
            (None, None, true) => Some(TlsIdentity::SelfSigned),
            (Some(cert), Some(key), false) => Some(TlsIdentity::Files { cert, key }),
            (_, _, true) => {
                let reason = "tls-self-signed and tls-cert/tls-key exclude each other";
                return Err(ConfigError::Together(reason));
            }
            _ => return Err(ConfigError::Together("tls-cert and tls-key go together")),
        };
        match (listen, identity) {
            (Some(listen), Some(identity)) => Ok(Some(Self { listen, identity })),
            (None, None) => Ok(None),
            (Some(_), None) => Err(ConfigError::Together(
                "tls-listen needs a certificate: set tls-cert and tls-key, or tls-self-signed",
            )),
            (None, Some(_)) => Err(ConfigError::Together(
                "a certificate needs an address: set tls-listen, such as 127.0.0.1:8421",
            )),
        }
    }
}

impl SecretUrl {
    /// The URL with its password.
    pub fn reveal(&self) -> &url::Url {
        &self.0
    }
}

impl std::str::FromStr for SecretUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        units::smtp_url(text)
    }
}

impl std::fmt::Debug for SecretUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&units::without_password(self.0.as_str()))
    }
}

#[cfg(test)]
mod tests;
