//! Keeps rows as long as their namespace says, and no longer.
//!
//! ```text
//! every `retention-interval`, at the start, and when a namespace's retention changes:
//!   a time that can be believed ─ less the retention ─▶ deadline ─▶ store: hide at once, drop whole files, rows at merges
//! ```
//!
//! Invariants: a wall clock that jumps ahead makes nothing expire (see [`time`]); what had expired when the process
//! ended is not shown again after the next start, as the time is noted in the catalog and the first pass comes before
//! the first request; a pass that fails is made again.

mod time;

use std::collections::HashMap;
use std::sync::Arc;

use iobeam_catalog::{Catalog, CatalogError, Namespace};
use iobeam_model::{Clock, NamespaceName, ProjectId, Retention, Timestamp};
use iobeam_store::Store;
use tokio::sync::Mutex;

use time::TrustedTime;

/// A cheap handle to what keeps house.
#[derive(Clone)]
pub(crate) struct RetentionJob(Arc<Inner>);

struct Inner {
    catalog: Catalog,
    store: Store,
    /// What the server's setting says.
    default: Retention,
    clock: Arc<dyn Clock>,
    /// One pass at a time, so that deadlines reach the store in their order.
    state: Mutex<State>,
}

struct State {
    time: TrustedTime,
    /// The deadlines that the store knows.
    deadlines: HashMap<(ProjectId, NamespaceName), Timestamp>,
}

impl RetentionJob {
    /// Goes on by the time that was last believed.
    pub(crate) fn open(
        catalog: Catalog,
        store: Store,
        default: Retention,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, CatalogError> {
        let known = catalog.retention_clock()?;
        // Where there is no namespace there is nothing that a wrong time could take away.
        let known = known.or_else(|| catalog.all_namespaces().is_empty().then(|| clock.now()));
        let time = TrustedTime::new(known, &*clock);
        let state = Mutex::new(State { time, deadlines: HashMap::new() });
        Ok(Self(Arc::new(Inner { catalog, store, default, clock, state })))
    }

    /// Lets everything expire that is past its retention now.
    pub(crate) async fn pass(&self) {
        let mut state = self.0.state.lock().await;
        let now = state.time.now(&*self.0.clock);
        for namespace in self.0.catalog.all_namespaces() {
            self.0.tell(&mut state, &namespace, now).await;
        }
        let (catalog, known) = (self.0.catalog.clone(), state.time.known());
        let noted = tokio::task::spawn_blocking(move || catalog.set_retention_clock(known)).await;
        if let Ok(Err(error)) = noted {
            tracing::warn!(%error, "the time of this pass could not be noted; the next one tries again");
        }
    }

    /// Lets a namespace's retention hold at once.
    pub(crate) async fn apply(&self, namespace: &Namespace) {
        let mut state = self.0.state.lock().await;
        let now = state.time.now(&*self.0.clock);
        self.0.tell(&mut state, namespace, now).await;
    }

    /// Forgets what was told of a namespace, or of all of a project, that is deleted: one of that name begins anew.
    pub(crate) async fn forget(&self, project: ProjectId, namespace: Option<&NamespaceName>) {
        let gone = |key: &(ProjectId, NamespaceName)| {
            key.0 == project && namespace.is_none_or(|name| *name == key.1)
        };
        self.0.state.lock().await.deadlines.retain(|key, _| !gone(key));
    }

    /// The first time that is kept of a namespace, as it was last applied.
    pub(crate) async fn keep_from(&self, namespace: &Namespace) -> Option<Timestamp> {
        let key = (namespace.project, namespace.name.clone());
        self.0.state.lock().await.deadlines.get(&key).copied()
    }
}

impl Inner {
    /// Tells the store a namespace's deadline, when it has one or had one.
    async fn tell(&self, state: &mut State, namespace: &Namespace, now: Timestamp) {
        let key = (namespace.project, namespace.name.clone());
        let deadline = namespace.retention.keep_from(now, self.default);
        if deadline == state.deadlines.get(&key).copied() {
            return;
        }
        let keep_from = deadline.unwrap_or(Timestamp::from_micros(i64::MIN));
        match self.store.retain(namespace.project, &namespace.name, keep_from).await {
            Ok(()) => drop(match deadline {
                Some(deadline) => state.deadlines.insert(key, deadline),
                None => state.deadlines.remove(&key),
            }),
            Err(error) => {
                let (project, namespace) = key;
                tracing::error!(%project, %namespace, %error, "files that expired could not be removed; the next pass tries again");
            }
        }
    }
}
