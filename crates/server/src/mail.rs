//! Coming.

/// Letters to users.
#[derive(Debug)]
pub(crate) struct Mail;
