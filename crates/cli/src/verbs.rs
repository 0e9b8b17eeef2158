//! What the command can do: one file per verb.

pub(crate) mod demo;

pub(crate) mod user;

pub(crate) mod device;

pub(crate) mod import;

pub(crate) mod sql;

pub(crate) mod spool;

pub(crate) mod query;

pub(crate) mod namespace;

pub(crate) mod token;

pub(crate) mod project;

pub(crate) mod invite;

pub(crate) mod audit;

pub(crate) mod profile;

#[cfg(feature = "server")]
pub(crate) mod serve;

#[cfg(feature = "server")]
pub(crate) mod doctor;

pub(crate) mod completions;

pub(crate) mod version;
