//! The sections of the settings: each reads its own from the raw texts.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use iobeam_model::Retention;

use super::raw::Raw;
use super::{ConfigError, LogFormat, SecretUrl, SignUp, TlsConfig, units};

/// How HTTP is served.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpConfig {
    /// The address of plain HTTP.
    pub listen: SocketAddr,
    /// The second address, which speaks TLS.
    pub tls: Option<TlsConfig>,
    /// How users reach the platform from outside, for links in mail.
    pub public_url: Option<String>,
    /// A folder with the web app, in place of the one in the program.
    pub web_dir: Option<PathBuf>,
    /// The largest request body in bytes, before and after decompression.
    pub max_request_size: usize,
    /// How long a request's head may take, from its first byte on.
    pub header_timeout: Duration,
    /// How long a connection may be open without a request.
    pub idle_timeout: Duration,
    /// How long a request's body may take.
    pub body_timeout: Duration,
    /// How long a client may take to fetch some of a reply.
    pub write_timeout: Duration,
    /// How many connections may be open at once.
    pub max_connections: usize,
    /// How long requests may go on after the signal to stop.
    pub shutdown_timeout: Duration,
    /// Bytes of a reply that are gathered in memory before a file takes the rest.
    pub response_buffer_size: usize,
    /// Bytes that a reply may have, unless it is streamed.
    pub max_response_size: usize,
}

/// What imports may bring.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportConfig {
    /// How many fields one table or batch of an import may have.
    pub max_fields_per_request: usize,
    /// How many fields a namespace may have.
    pub max_fields_per_namespace: usize,
    /// How many refused imports are kept of a project.
    pub rejections_kept: usize,
}

/// What queries may take.
#[derive(Clone, Debug, PartialEq)]
pub struct QueryConfig {
    /// How long a query may take.
    pub timeout: Duration,
    /// Bytes that all queries together may take of them, if not half.
    pub memory: Option<usize>,
    /// How many queries run at once.
    pub concurrency: usize,
    /// Bytes of the largest value that a query may make.
    pub value_size: usize,
    /// Bytes of the longest query.
    pub text_size: usize,
    /// Bytes of the longest value in a query's text.
    pub literal_size: usize,
    /// Most parameters of a query.
    pub params: usize,
    /// Most bytes of a query's parameters.
    pub params_size: usize,
    /// Most tables of a query.
    pub tables: usize,
    /// Most grouping sets of a query.
    pub grouping_sets: usize,
    /// Most parts of a query's expressions.
    pub expressions: usize,
    /// Most columns of a step of a query.
    pub columns: usize,
    /// How many rows an answer may have.
    pub max_rows: u64,
    /// How many points a chart may have.
    pub max_points: usize,
    /// How many series a chart may have.
    pub max_series: usize,
}

/// How readings are kept.
#[derive(Clone, Debug, PartialEq)]
pub struct StorageConfig {
    /// Bytes in memory at which a namespace's readings are written to Parquet.
    pub flush_size: usize,
    /// Age at which a namespace's readings are written to Parquet.
    pub flush_age: Duration,
    /// Bytes of one segment of the write-ahead log.
    pub wal_segment_size: u64,
    /// Bytes of rows kept in memory that were asked for lately.
    pub row_cache_size: u64,
    /// Bytes of last rows kept in memory, if not an eighth.
    pub last_value_cache_size: Option<usize>,
    /// How long rows are kept in namespaces that do not say themselves.
    pub retention: Retention,
    /// How often rows are looked for that are past their retention.
    pub retention_interval: Duration,
}

/// How readings are followed.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveConfig {
    /// Live connections open at once.
    pub connections: usize,
    /// Bytes of the latest readings held for them.
    pub buffer_size: usize,
}

/// What dashboards may hold.
#[derive(Clone, Debug, PartialEq)]
pub struct DashboardConfig {
    /// How many dashboards a project may have.
    pub max_count: usize,
    /// Bytes that a dashboard may have.
    pub max_size: usize,
    /// How many panels a dashboard may have.
    pub max_panels: usize,
    /// By how many links a dashboard may be seen.
    pub max_shares: usize,
}

/// How devices are shown and registered.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceConfig {
    /// How long a device may say nothing and is still on-line.
    pub stale_after: Duration,
    /// How long it may say nothing and is only late.
    pub offline_after: Duration,
    /// How many devices may be registered at once.
    pub max_per_request: usize,
}

/// Who may sign up and in, and for how long.
#[derive(Clone, Debug, PartialEq)]
pub struct AuthConfig {
    /// Who may make an account.
    pub signup: SignUp,
    /// How long a project token lives unless asked otherwise.
    pub project_token_life: Duration,
    /// How long a log-in lives.
    pub user_token_life: Duration,
    /// Failed log-ins allowed in a quarter of an hour, per account and per address.
    pub login_attempts: u32,
    /// Accounts that may be made from one address within an hour.
    pub signups_per_hour: u32,
    /// Invites to one project that may be open at once.
    pub project_invites: usize,
}

/// How email is sent.
#[derive(Clone, Debug, PartialEq)]
pub struct MailConfig {
    /// SMTP server URL; without it emails are written to a folder.
    pub smtp_url: Option<SecretUrl>,
    /// The sender of mail.
    pub from: String,
}

/// How the log is written.
#[derive(Clone, Debug, PartialEq)]
pub struct LogConfig {
    /// How the log is written.
    pub format: LogFormat,
    /// What is logged: a level or a filter such as `info,iobeam_store=debug`.
    pub level: String,
}

impl HttpConfig {
    pub(super) fn read(raw: &Raw) -> Result<Self, ConfigError> {
        let listen = raw.parse("listen", units::address)?;
        Ok(Self {
            listen,
            tls: TlsConfig::read(raw)?,
            public_url: raw.parse_if_set("public-url", units::http_url)?,
            web_dir: raw.parse_if_set("web-dir", units::path)?,
            max_request_size: raw.parse("max-request-size", |text| units::bytes(text, 1 << 10))?,
            header_timeout: raw.parse("header-timeout", units::duration)?,
            idle_timeout: raw.parse("idle-timeout", units::duration)?,
            body_timeout: raw.parse("body-timeout", units::duration)?,
            write_timeout: raw.parse("write-timeout", units::duration)?,
            max_connections: raw.parse("max-connections", units::count)?,
            shutdown_timeout: raw.parse("shutdown-timeout", units::duration)?,
            response_buffer_size: raw
                .parse("response-buffer-size", |text| units::bytes(text, 1 << 10))?,
            max_response_size: raw
                .parse("max-response-size", |text| units::bytes(text, 1 << 20))?,
        })
    }
}

impl ImportConfig {
    pub(super) fn read(raw: &Raw) -> Result<Self, ConfigError> {
        Ok(Self {
            max_fields_per_request: raw.parse("max-fields-per-request", units::count)?,
            max_fields_per_namespace: raw.parse("max-fields-per-namespace", units::count)?,
            rejections_kept: raw.parse("rejections-kept", units::count)?,
        })
    }
}

impl QueryConfig {
    pub(super) fn read(raw: &Raw) -> Result<Self, ConfigError> {
        Ok(Self {
            timeout: raw.parse("query-timeout", units::duration)?,
            memory: raw.parse_if_set("query-memory", |text| units::bytes(text, 1 << 20))?,
            concurrency: raw.parse("query-concurrency", units::count)?,
            value_size: raw.parse("query-value-size", |text| units::bytes(text, 1 << 10))?,
            text_size: raw.parse("query-text-size", |text| units::bytes(text, 1 << 10))?,
            literal_size: raw.parse("query-literal-size", |text| units::bytes(text, 1 << 10))?,
            params: raw.parse("query-params", units::count)?,
            params_size: raw.parse("query-params-size", |text| units::bytes(text, 1 << 10))?,
            tables: raw.parse("query-tables", units::count)?,
            grouping_sets: raw.parse("query-grouping-sets", units::count)?,
            expressions: raw.parse("query-expressions", units::count)?,
            columns: raw.parse("query-columns", units::count)?,
            max_rows: raw.parse("query-max-rows", units::count)? as u64,
            max_points: raw.parse("query-max-points", units::count)?,
            max_series: raw.parse("query-max-series", units::count)?,
        })
    }
}

impl StorageConfig {
    pub(super) fn read(raw: &Raw) -> Result<Self, ConfigError> {
        Ok(Self {
            flush_size: raw.parse("flush-size", |text| units::bytes(text, 1 << 16))?,
            flush_age: raw.parse("flush-age", units::duration)?,
            wal_segment_size: raw.parse("wal-segment-size", |text| units::bytes(text, 1 << 20))?
                as u64,
            row_cache_size: raw.parse("row-cache-size", |text| units::bytes(text, 0))? as u64,
            last_value_cache_size: raw
                .parse_if_set("last-value-cache-size", |text| units::bytes(text, 0))?,
            retention: raw.parse("retention", units::retention)?,
            retention_interval: raw.parse("retention-interval", units::duration)?,
        })
    }
}

impl LiveConfig {
    pub(super) fn read(raw: &Raw) -> Result<Self, ConfigError> {
        Ok(Self {
            connections: raw.parse("live-connections", units::count)?,
            buffer_size: raw.parse("live-buffer-size", |text| units::bytes(text, 0))?,
        })
    }
}

impl DashboardConfig {
    pub(super) fn read(raw: &Raw) -> Result<Self, ConfigError> {
        Ok(Self {
            max_count: raw.parse("dashboards", units::count)?,
            max_size: raw.parse("dashboard-size", |text| units::bytes(text, 1 << 10))?,
            max_panels: raw.parse("dashboard-panels", units::count)?,
            max_shares: raw.parse("dashboard-shares", units::count)?,
        })
    }
}

impl DeviceConfig {
    pub(super) fn read(raw: &Raw) -> Result<Self, ConfigError> {
        Ok(Self {
            stale_after: raw.parse("device-stale-after", units::duration)?,
            offline_after: raw.parse("device-offline-after", units::duration)?,
            max_per_request: raw.parse("max-devices-per-request", units::count)?,
        })
    }
}

impl AuthConfig {
    pub(super) fn read(raw: &Raw) -> Result<Self, ConfigError> {
        let listen = raw.parse("listen", units::address)?;
        Ok(Self {
            signup: raw.parse("signup", |text| units::signup(text, listen))?,
            project_token_life: raw.parse("project-token-life", units::duration)?,
            user_token_life: raw.parse("user-token-life", units::duration)?,
            login_attempts: raw.parse("login-attempts", units::count)? as u32,
            signups_per_hour: raw.parse("signups-per-hour", units::count)? as u32,
            project_invites: raw.parse("project-invites", units::count)?,
        })
    }
}

impl MailConfig {
    pub(super) fn read(raw: &Raw) -> Result<Self, ConfigError> {
        Ok(Self {
            smtp_url: raw.parse_if_set("smtp-url", units::smtp_url)?,
            from: raw.parse("mail-from", units::text)?,
        })
    }
}

impl LogConfig {
    pub(super) fn read(raw: &Raw) -> Result<Self, ConfigError> {
        Ok(Self {
            format: raw.parse("log-format", units::log_format)?,
            level: raw.parse("log-level", units::text)?,
        })
    }
}
