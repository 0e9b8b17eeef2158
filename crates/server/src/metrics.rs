//! What is counted, for `/metrics`.

/// The counters.
#[derive(Debug, Default)]
pub(crate) struct Metrics;
