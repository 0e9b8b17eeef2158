//! Whether imports can be taken now, and if not, why: what `/ready` says, and what the log says once at each change.
//!
//! ```text
//! each second, and when somebody asks:  free space ≥ reserve?   the catalog answers?   ─┐
//! each import:  stored ─▶ good    full, failed, no memory ─▶ a reason, until one is     ├─▶ reasons ─▶ 503 │ 200
//!               stored, or a trial file can be written and no other failed for a while ─┘
//! ```
//!
//! Invariant: while all imports are refused because of the server's own state, `/ready` answers 503 with the reason. A
//! single table that is out of service is counted, and the platform is ready for all others. No name of a project's is
//! told: anybody may ask.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use iobeam_catalog::{Catalog, CatalogError};
use iobeam_model::{Clock, Remedy};
use iobeam_store::{Receipt, Store, StoreError};
use parking_lot::Mutex;

/// A failed import counts for so long after the last one, if nothing else is found wrong.
const FAILURE_MEMORY: Duration = Duration::from_secs(10);
/// The file by which it is tried whether the disk can be written.
const TRIAL_FILE: &str = "readiness-trial";

/// Keeps an eye on what imports need. A cheap handle.
#[derive(Clone, Debug)]
pub(crate) struct Readiness(Arc<Watched>);

#[derive(Debug)]
struct Watched {
    data_dir: PathBuf,
    /// Bytes that must be free on the disk for an import to be taken.
    reserve: u64,
    catalog: Catalog,
    store: Store,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Why the last import failed, and when.
    failed: Option<(String, Duration)>,
    /// The reasons that were last logged.
    logged: Vec<String>,
}

impl Readiness {
    /// Watches the folder of a platform.
    pub(crate) fn new(
        data_dir: PathBuf,
        reserve: u64,
        (catalog, store): (Catalog, Store),
        clock: Arc<dyn Clock>,
    ) -> Self {
        let state = Mutex::default();
        Self(Arc::new(Watched { data_dir, reserve, catalog, store, clock, state }))
    }

    /// For how many tables nothing is taken in; imports of all others are.
    pub(crate) fn tables_out_of_service(&self) -> usize {
        self.0.store.out_of_service().len()
    }

    /// Notes how an import ended. One that is itself at fault says nothing about the platform.
    pub(crate) fn note(&self, outcome: &Result<Receipt, StoreError>) {
        let mut state = self.0.state.lock();
        match outcome {
            Ok(_) => state.failed = None,
            Err(error) if error.remedy() == Remedy::FixRequest => {}
            // One table's matter, with its name: the sender is told.
            Err(
                StoreError::Unavailable { .. }
                | StoreError::Lake { .. }
                | StoreError::File(_)
                | StoreError::Frozen { .. }
                | StoreError::Deleting { .. },
            ) => {}
            Err(error) => {
                let reason = format!("the last import could not be stored: {error}");
                state.failed = Some((reason, self.0.clock.monotonic()));
            }
        }
    }

    /// Why imports cannot be taken now; nothing when they can. Waits for the disk.
    pub(crate) async fn reasons(&self) -> Vec<String> {
        let this = self.clone();
        let looked = tokio::task::spawn_blocking(move || this.look()).await;
        looked.unwrap_or_else(|error| vec![format!("the state could not be looked at: {error}")])
    }

    fn look(&self) -> Vec<String> {
        let reasons: Vec<String> =
            [self.disk(), self.last_import(), self.catalog()].into_iter().flatten().collect();
        let mut state = self.0.state.lock();
        if state.logged.is_empty() != reasons.is_empty() {
            if reasons.is_empty() {
                tracing::warn!("imports can be taken again");
            } else {
                tracing::warn!(reasons = reasons.join("; "), "imports cannot be taken");
            }
        }
        state.logged.clone_from(&reasons);
        reasons
    }

    fn disk(&self) -> Option<String> {
        let Watched { data_dir, reserve, .. } = &*self.0;
        match rustix::fs::statvfs(data_dir) {
            Ok(disk) => {
                let free = disk.f_bavail.saturating_mul(disk.f_frsize);
                (free < *reserve).then(|| {
                    format!(
                        "the disk is full: {free} bytes are free and {reserve} are kept in reserve"
                    )
                })
            }
            Err(error) => Some(format!("the disk does not answer: {error}")),
        }
    }

    /// A failure that is over is only known by trying: nobody may send an import to a platform that is not ready.
    fn last_import(&self) -> Option<String> {
        let (reason, at) = self.0.state.lock().failed.clone()?;
        let age = self.0.clock.monotonic().saturating_sub(at);
        let trial = self.0.data_dir.join(TRIAL_FILE);
        let written = std::fs::File::create(&trial).and_then(|mut file| {
            std::io::Write::write_all(&mut file, b"trial")?;
            file.sync_all()
        });
        let _ = std::fs::remove_file(&trial);
        if written.is_ok() && age >= FAILURE_MEMORY {
            let mut state = self.0.state.lock();
            if state.failed.as_ref().is_some_and(|(_, last)| *last == at) {
                state.failed = None;
            }
            return None;
        }
        Some(reason)
    }

    fn catalog(&self) -> Option<String> {
        // Any question will do, as long as the file must be read for it.
        match self.0.catalog.user_by_name("") {
            Ok(_) | Err(CatalogError::NotFound { .. } | CatalogError::Invalid { .. }) => None,
            Err(error) => Some(format!("the catalog does not answer: {error}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use iobeam_journal::RealDisk;
    use iobeam_model::SystemClock;

    use super::*;

    #[tokio::test]
    async fn what_concerns_one_table_alone_is_no_reason_and_its_name_is_told_to_nobody() {
        let folder = tempfile::tempdir().expect("a folder");
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let settings = iobeam_catalog::Settings::default();
        let catalog =
            Catalog::open(&folder.path().join("catalog.db"), settings, Arc::clone(&clock));
        let settings = iobeam_store::Settings::new(folder.path());
        let (store, _) =
            Store::open(settings, Arc::clone(&clock), Arc::new(RealDisk)).expect("opens");
        let parts = (catalog.expect("opens"), store);
        let readiness = Readiness::new(folder.path().to_owned(), 0, parts, clock);
        let (table, namespace) = (String::from("1/secret"), String::from("secret"));
        let reason = String::from("its log is damaged");
        let file = iobeam_store::FileError::Damaged { file: table.clone(), reason: reason.clone() };
        for error in [
            StoreError::Unavailable { table: table.clone(), reason: reason.clone() },
            StoreError::Lake { table, reason },
            StoreError::Frozen { namespace: namespace.clone() },
            StoreError::Deleting { namespace },
            StoreError::File(file),
        ] {
            readiness.note(&Err(error));
            assert_eq!(readiness.reasons().await, [""; 0]);
        }
        readiness.note(&Err(StoreError::Closed));
        assert_eq!(readiness.reasons().await.len(), 1, "the platform's own state is a reason");
    }
}
