//! The platform: endpoints, one for each protocol, over a core that knows none of them.
//!
//! ```text
//! connection ─▶ endpoints::http ─▶ caller ─▶ core::ingest ─▶ core::validate ─▶ store
//!                                        └─▶ core::query    ─▶ query
//! ```
//!
//! The modules stand in the order of the journey: each names only those below it. The two to open first are
//! `core::ingest` and `core::query`.

pub mod run;

pub mod doctor;

mod endpoints;

mod jobs;

mod core;

pub mod log;

pub mod config;

mod nearest;

pub mod error;

pub use config::Config;
pub use error::ServeError;
pub use run::serve;

/// The description of the API as OpenAPI 3.1 in JSON, as it is served at `/v1/openapi.json`.
pub fn openapi() -> String {
    endpoints::http::description().to_pretty_json().unwrap_or_default()
}
