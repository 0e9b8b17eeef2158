//! The settings: raw texts from four places become one checked [`Config`].
//!
//! ```text
//! default < file (TOML) < environment (IOBEAM_X) < flag (--x)  ─▶ Raw ─ check ─▶ Config
//! ```
//!
//! One table, [`SETTINGS`], tells names, defaults and meanings; flags, file keys and environment variables are derived
//! from it, and so is the reference page. A name that stands in no table is refused, with the nearest that does.

mod memory;

mod raw;

mod settings;

mod units;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use iobeam_model::Retention;

pub use memory::Memory;
pub use raw::{Origin, Origins};
pub use settings::{SETTINGS, Setting};

use raw::Raw;

/// The checked settings. Plain data: where each comes from is told by [`Origins`].
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The folder of everything that is kept.
    pub data_dir: PathBuf,
    /// The address of plain HTTP.
    pub listen: SocketAddr,
    /// The second address, which speaks TLS.
    pub tls: Option<TlsConfig>,
    /// Who may make an account.
    pub signup: SignUp,
    /// The largest request body in bytes, before and after decompression.
    pub body_limit: usize,
    /// How many fields one table or batch of an import may have.
    pub max_fields_per_request: usize,
    /// How many fields a namespace may have.
    pub max_fields_per_namespace: usize,
    /// How long a request's head may take, from its first byte on.
    pub header_timeout: Duration,
    /// How long a connection may be open without a request.
    pub idle_timeout: Duration,
    /// How long a request's body may take.
    pub body_timeout: Duration,
    /// How long a client may take to fetch some of a reply.
    pub reply_timeout: Duration,
    /// How many connections may be open at once.
    pub max_connections: usize,
    /// How long requests may go on after the signal to stop.
    pub stop_timeout: Duration,
    /// Bytes that readings, queries, merges, requests and caches may take in memory; [`Self::memory`] divides them.
    pub memory_limit: usize,
    /// Whether queries are stopped when the process exceeds `memory_limit`. Not a setting: several platforms of a test
    /// share one process, whose memory says nothing of any of them.
    pub watches_process: bool,
    /// How long a query may take.
    pub query_timeout: Duration,
    /// Bytes that all queries together may take of them, if not half.
    pub query_memory: Option<usize>,
    /// How many queries run at once.
    pub query_concurrency: usize,
    /// Bytes of the largest value that a query may make.
    pub query_value_size: usize,
    /// Bytes of the longest query.
    pub query_text_size: usize,
    /// Bytes of the longest value in a query's text.
    pub query_literal_size: usize,
    /// Most parameters of a query.
    pub query_params: usize,
    /// Most bytes of a query's parameters.
    pub query_params_size: usize,
    /// Most tables of a query.
    pub query_tables: usize,
    /// Most grouping sets of a query.
    pub query_grouping_sets: usize,
    /// Most parts of a query's expressions.
    pub query_expressions: usize,
    /// Most columns of a step of a query.
    pub query_columns: usize,
    /// How many rows an answer may have.
    pub query_rows: u64,
    /// How many points a chart may have.
    pub query_points: usize,
    /// How many series a chart may have.
    pub query_series: usize,
    /// Bytes of a reply that are gathered in memory before a file takes the rest.
    pub reply_memory: usize,
    /// Bytes in memory at which a namespace's readings are written to Parquet.
    pub flush_size: usize,
    /// Age at which a namespace's readings are written to Parquet.
    pub flush_age: Duration,
    /// How long rows are kept in namespaces that do not say themselves.
    pub retention: Retention,
    /// How often rows are looked for that are past their retention.
    pub retention_interval: Duration,
    /// Bytes that a reply may have, unless it is streamed.
    pub reply_limit: usize,
    /// Bytes of one segment of the write-ahead log.
    pub segment_size: u64,
    /// Bytes of rows kept in memory that were asked for lately.
    pub recent_rows_memory: u64,
    /// Bytes of last rows kept in memory, if not an eighth.
    pub last_rows_memory: Option<usize>,
    /// How many dashboards a project may have.
    pub dashboards: usize,
    /// Bytes that a dashboard may have.
    pub dashboard_size: usize,
    /// How many panels a dashboard may have.
    pub dashboard_panels: usize,
    /// By how many links a dashboard may be seen.
    pub dashboard_shares: usize,
    /// Live connections open at once.
    pub live_connections: usize,
    /// Bytes of the latest readings held for them.
    pub live_memory: usize,
    /// How many refused imports are kept of a project.
    pub refusals: usize,
    /// How the log is written.
    pub log_format: LogFormat,
    /// What is logged: a level or a filter such as `info,iobeam_store=debug`.
    pub log_level: String,
    /// Where mail is handed in; without it letters are written to a folder.
    pub smtp_url: Option<SecretUrl>,
    /// The sender of mail.
    pub mail_from: String,
    /// How users reach the platform from outside, for links in mail.
    pub public_url: Option<String>,
    /// A folder with the web app, in place of the one in the program.
    pub web_dir: Option<PathBuf>,
    /// How long a device may say nothing and is still on-line.
    pub device_late_after: Duration,
    /// How long it may say nothing and is only late.
    pub device_silent_after: Duration,
    /// How many devices may be registered at once.
    pub devices_at_once: usize,
    /// How long a project token lives unless asked otherwise.
    pub project_token_life: Duration,
    /// How long a log-in lives.
    pub user_token_life: Duration,
    /// Failed log-ins allowed in a quarter of an hour, per account and per address.
    pub login_attempts: u32,
    /// Accounts that may be made from one address within an hour.
    pub signups_per_hour: u32,
    /// Who may read the metrics.
    pub metrics_access: MetricsAccess,
    /// Invites to one project that may be open at once.
    pub project_invites: usize,
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
        /// The certificate, followed by those that vouch for it.
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
        let listen = raw.parse("listen", units::address)?;
        Ok(Self {
            data_dir: raw.parse("data-dir", units::path)?,
            listen,
            tls: Self::check_tls(raw)?,
            signup: raw.parse("signup", |text| units::signup(text, listen))?,
            body_limit: raw.parse("body-limit", |text| units::bytes(text, 1 << 10))?,
            max_fields_per_request: raw.parse("max-fields-per-request", units::count)?,
            max_fields_per_namespace: raw.parse("max-fields-per-namespace", units::count)?,
            header_timeout: raw.parse("header-timeout", units::duration)?,
            idle_timeout: raw.parse("idle-timeout", units::duration)?,
            body_timeout: raw.parse("body-timeout", units::duration)?,
            reply_timeout: raw.parse("reply-timeout", units::duration)?,
            max_connections: raw.parse("max-connections", units::count)?,
            stop_timeout: raw.parse("stop-timeout", units::duration)?,
            memory_limit: raw.parse("memory-limit", |text| units::bytes(text, 16 << 20))?,
            watches_process: true,
            query_timeout: raw.parse("query-timeout", units::duration)?,
            query_memory: raw.parse_if_set("query-memory", |text| units::bytes(text, 1 << 20))?,
            query_concurrency: raw.parse("query-concurrency", units::count)?,
            query_value_size: raw.parse("query-value-size", |text| units::bytes(text, 1 << 10))?,
            query_text_size: raw.parse("query-text-size", |text| units::bytes(text, 1 << 10))?,
            query_literal_size: raw
                .parse("query-literal-size", |text| units::bytes(text, 1 << 10))?,
            query_params: raw.parse("query-params", units::count)?,
            query_params_size: raw
                .parse("query-params-size", |text| units::bytes(text, 1 << 10))?,
            query_tables: raw.parse("query-tables", units::count)?,
            query_grouping_sets: raw.parse("query-grouping-sets", units::count)?,
            query_expressions: raw.parse("query-expressions", units::count)?,
            query_columns: raw.parse("query-columns", units::count)?,
            query_rows: raw.parse("query-rows", units::count)? as u64,
            query_points: raw.parse("query-points", units::count)?,
            query_series: raw.parse("query-series", units::count)?,
            reply_memory: raw.parse("reply-memory", |text| units::bytes(text, 1 << 10))?,
            reply_limit: raw.parse("reply-limit", |text| units::bytes(text, 1 << 20))?,
            flush_size: raw.parse("flush-size", |text| units::bytes(text, 1 << 16))?,
            flush_age: raw.parse("flush-age", units::duration)?,
            retention: raw.parse("retention", units::retention)?,
            retention_interval: raw.parse("retention-interval", units::duration)?,
            segment_size: raw.parse("segment-size", |text| units::bytes(text, 1 << 20))? as u64,
            recent_rows_memory: raw.parse("recent-rows-memory", |text| units::bytes(text, 0))?
                as u64,
            last_rows_memory: raw.parse_if_set("last-rows-memory", |text| units::bytes(text, 0))?,
            dashboards: raw.parse("dashboards", units::count)?,
            dashboard_size: raw.parse("dashboard-size", |text| units::bytes(text, 1 << 10))?,
            dashboard_panels: raw.parse("dashboard-panels", units::count)?,
            dashboard_shares: raw.parse("dashboard-shares", units::count)?,
            live_connections: raw.parse("live-connections", units::count)?,
            live_memory: raw.parse("live-memory", |text| units::bytes(text, 0))?,
            refusals: raw.parse("refusals", units::count)?,
            log_format: raw.parse("log-format", units::log_format)?,
            log_level: raw.parse("log-level", units::text)?,
            smtp_url: raw.parse_if_set("smtp-url", units::smtp_url)?,
            mail_from: raw.parse("mail-from", units::text)?,
            public_url: raw.parse_if_set("public-url", units::http_url)?,
            web_dir: raw.parse_if_set("web-dir", units::path)?,
            device_late_after: raw.parse("device-late-after", units::duration)?,
            device_silent_after: raw.parse("device-silent-after", units::duration)?,
            devices_at_once: raw.parse("devices-at-once", units::count)?,
            project_token_life: raw.parse("project-token-life", units::duration)?,
            user_token_life: raw.parse("user-token-life", units::duration)?,
            login_attempts: raw.parse("login-attempts", units::count)? as u32,
            signups_per_hour: raw.parse("signups-per-hour", units::count)? as u32,
            metrics_access: raw.parse("metrics-access", units::metrics_access)?,
            project_invites: raw.parse("project-invites", units::count)?,
        })
    }

    fn check_tls(raw: &Raw) -> Result<Option<TlsConfig>, ConfigError> {
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
            (Some(listen), Some(identity)) => Ok(Some(TlsConfig { listen, identity })),
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
