//! The platform's parts, wired: what each request may use.

use std::ops::Deref;
use std::sync::Arc;

use iobeam_catalog::{Actor, Catalog, CatalogError};
use iobeam_model::{Clock, NamespaceName, ProjectId};
use iobeam_query::Engine;
use iobeam_store::Store;
use tokio::sync::{Mutex, RwLock, Semaphore, watch};

use crate::config::Config;
use crate::core::api_error::ApiError;
use crate::core::auth::Auth;
use crate::core::event_cache::EventCache;
use crate::core::mail::Mail;
use crate::core::metrics::Metrics;
use crate::core::readiness::Readiness;
use crate::core::refusals::Refusals;
use crate::core::retention::RetentionJob;

/// A cheap handle to everything, on behalf of somebody.
#[derive(Clone)]
pub(crate) struct App {
    parts: Arc<Parts>,
    /// Who makes the changes of this handle, for the audit log.
    actor: Actor,
}

/// What an [`App`] is made of.
pub(crate) struct Parts {
    /// Who exists.
    pub(crate) catalog: Catalog,
    /// Where readings live.
    pub(crate) store: Store,
    /// How long they stay.
    pub(crate) retention: RetentionJob,
    /// How they are asked for.
    pub(crate) engine: Engine,
    /// Who may do what.
    pub(crate) auth: Auth,
    /// Letters to users.
    pub(crate) mail: Mail,
    /// The settings.
    pub(crate) config: Arc<Config>,
    /// What time it is.
    pub(crate) clock: Arc<dyn Clock>,
    /// Imports that were refused.
    pub(crate) refusals: Refusals,
    /// What was found wrong at the start.
    pub(crate) at_start: AtStart,
    /// Whether imports can be taken.
    pub(crate) readiness: Readiness,
    /// Held by imports from their check until they are stored; who has all of it knows that none is in between.
    pub(crate) importing: RwLock<()>,
    /// Held while what a query is about is put together; who has all of it changes fields and rows for all at once.
    pub(crate) switching: RwLock<()>,
    /// Held by who ends a deletion.
    pub(crate) deleting: Mutex<()>,
    /// What is counted.
    pub(crate) metrics: Metrics,
    /// Bytes that the bodies of all requests together may still take.
    pub(crate) body_permits: Arc<Semaphore>,
    /// Large uploads that may still be checked at once: more than there are cores would not be done sooner, and each
    /// takes the memory of its rows before they are counted.
    pub(crate) check_permits: Semaphore,
    /// Live connections that there may still be.
    pub(crate) live_permits: Arc<Semaphore>,
    /// Events that live connections share.
    pub(crate) events: EventCache,
    /// Becomes true when it is time to stop.
    pub(crate) stop: watch::Sender<bool>,
}

/// What was found wrong with the data directory at the start.
#[derive(Debug, Default)]
pub(crate) struct AtStart {
    /// What of the write-ahead log, the receipts and the orders of corrections is damaged, in words.
    pub(crate) log_damage: Vec<String>,
    /// Tables that the catalog knows nothing of.
    pub(crate) orphans: Vec<(ProjectId, NamespaceName)>,
}

impl App {
    /// Wires the parts.
    pub(crate) fn new(parts: Parts) -> Self {
        Self { parts: Arc::new(parts), actor: Actor::default() }
    }

    /// The same, whose changes of the catalog are recorded as made by that actor.
    pub(crate) fn acting_as(&self, actor: Actor) -> Self {
        Self { parts: Arc::clone(&self.parts), actor }
    }

    /// Who makes the changes of this handle.
    pub(crate) const fn actor(&self) -> Actor {
        self.actor
    }

    /// Works on the catalog, whose calls wait for the disk, on a thread that may wait.
    pub(crate) async fn catalog<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Catalog) -> Result<T, CatalogError> + Send + 'static,
    ) -> Result<T, ApiError> {
        self.ask(work).await.map_err(ApiError::from)
    }

    /// The same, for a caller who wants to know why the catalog refused.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Catalog) -> Result<T, CatalogError> + Send + 'static,
    ) -> Result<T, CatalogError> {
        let catalog = self.catalog.acting_as(self.actor);
        match tokio::task::spawn_blocking(move || work(&catalog)).await {
            Ok(done) => done,
            // A panic goes on where it is caught for every request; blocking tasks are not cancelled.
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}
