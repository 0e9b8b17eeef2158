//! The log: lines of text or of JSON on standard error.
//!
//! Invariant: no token, password or query string is ever written; of a request the log holds its number, method, path,
//! status and time.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use crate::config::{Config, LogFormat};

/// A bare level is meant for the platform; the libraries under it speak up only when something is wrong.
fn filter(setting: &str) -> String {
    match setting {
        "trace" | "debug" => format!("info,iobeam={setting}"),
        "info" | "warn" => format!("warn,iobeam={setting}"),
        other => other.to_owned(),
    }
}

/// Starts to log as the settings say. A second start in one process changes nothing.
///
/// # Errors
/// When the setting log-level cannot be read.
pub fn start(config: &Config) -> Result<(), String> {
    let filter = EnvFilter::try_new(filter(&config.log.level))
        .map_err(|error| format!("log-level = '{}': {error}", config.log.level))?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let _started = match config.log.format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    Ok(())
}

/// Writes warnings of the start into the log.
pub fn tell(warnings: impl IntoIterator<Item = String>) {
    for warning in warnings {
        tracing::warn!("{warning}");
    }
}
