//! What the platform does, whatever protocol it is asked by: no module in here knows one.
//!
//! ```text
//! ingest ─▶ validate ─▶ store        query ─▶ engine        live: what comes in, as it comes
//! ```
//!
//! An endpoint finds out who asks ([`auth`]), hands over one of the types of [`ingest`], [`query`] or [`live`], and turns
//! a [`api_error::ApiError`] into what its protocol calls an error.

pub(crate) mod ingest;

pub(crate) mod query;

pub(crate) mod live;

pub(crate) mod deletion;

pub(crate) mod corrections;

pub(crate) mod validate;

pub(crate) mod board;

pub(crate) mod app;

pub(crate) mod readiness;

pub(crate) mod event_cache;

pub(crate) mod auth;

pub(crate) mod retention;

pub(crate) mod mail;

pub(crate) mod metrics;

pub(crate) mod refusals;

pub(crate) mod hex;

pub(crate) mod api_error;

pub(crate) mod belonging;

pub(crate) mod findings;

pub(crate) mod files;
