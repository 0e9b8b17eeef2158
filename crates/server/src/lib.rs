//! The doors and the wiring: HTTP comes in, a caller is known, a reading is checked, stored and asked for.
//!
//! ```text
//! connection ─▶ http ─▶ body ─▶ caller ─▶ write_path ─▶ validate ─▶ store
//!                                     └─▶ read_path  ─▶ query
//! ```
//!
//! The modules stand in the order of the journey: each names only those below it. The two to open first are
//! `write_path` and `read_path`.

pub mod run;

mod connection;

mod tls;

pub mod doctor;

mod http;

mod write_path;

mod read_path;

mod live;

mod deletion;

mod corrections;

mod validate;

mod board;

mod body;

mod caller;

mod app;

mod readiness;

mod event_cache;

mod auth;

mod retention;

mod mail;

mod web_app;

mod reply;

mod metrics;

mod refusals;

mod parameters;

mod hex;

mod problem;

pub mod log;

mod belonging;

mod findings;

mod files;

pub mod config;

mod nearest;

pub mod error;

pub use config::Config;
pub use error::ServeError;
pub use run::serve;

/// The description of the API as OpenAPI 3.1 in JSON, as it is served at `/v1/openapi.json`.
pub fn openapi() -> String {
    http::description().to_pretty_json().unwrap_or_default()
}
