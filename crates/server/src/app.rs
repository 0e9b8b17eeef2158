//! The platform's parts, wired: what each request may use.

use std::ops::Deref;
use std::sync::Arc;

use iobeam_model::Clock;

use crate::auth::Auth;
use crate::config::Config;
use crate::mail::Mail;
use crate::metrics::Metrics;

/// A cheap handle to everything.
#[derive(Clone)]
pub(crate) struct App(Arc<Parts>);

/// What an [`App`] is made of.
pub(crate) struct Parts {
    /// Who may do what.
    pub(crate) auth: Auth,
    /// Letters to users.
    pub(crate) mail: Mail,
    /// The settings.
    pub(crate) config: Arc<Config>,
    /// What time it is.
    pub(crate) clock: Arc<dyn Clock>,
    /// What is counted.
    pub(crate) metrics: Metrics,
}

impl App {
    /// Wires the parts.
    pub(crate) fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
