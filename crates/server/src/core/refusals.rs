//! What becomes of refused imports: kept for a while, so that whoever misses readings finds out why.
//!
//! ```text
//! refused ─▶ note: in memory, one for each device ─ every second ─▶ one change of the catalog, and the oldest go
//! ```
//!
//! An import waits for none of this. A device that is refused over and over is one entry each second, which says how
//! often. What the store set aside at the start is told in the same place, once for each device.

use std::collections::HashMap;
use std::sync::Arc;

use iobeam_catalog::{Catalog, CatalogError, Refusal};
use iobeam_model::{Clock, ProjectId};
use iobeam_store::SetAside;
use parking_lot::Mutex;

use crate::core::api_error::{ApiError, Category, Code};

/// How many may wait for that; what comes on top is not kept.
const MOST_WAITING: usize = 10_000;

/// Longest text that is kept, in characters.
const LONGEST: usize = 1000;

/// A cheap handle.
#[derive(Clone)]
pub(crate) struct Refusals(Arc<Inner>);

struct Inner {
    catalog: Catalog,
    clock: Arc<dyn Clock>,
    /// How many are kept of a project.
    most: usize,
    waiting: Mutex<HashMap<(ProjectId, Option<String>), Refusal>>,
    /// Held while they are written, so that whoever wants to read can wait for it.
    turn: Mutex<()>,
}

impl Refusals {
    /// Keeps so many of each project.
    pub(crate) fn new(catalog: Catalog, clock: Arc<dyn Clock>, most: usize) -> Self {
        let (waiting, turn) = (Mutex::default(), Mutex::default());
        Self(Arc::new(Inner { catalog, clock, most, waiting, turn }))
    }

    /// Notes that an import was refused. Only the sender's mistakes count.
    pub(crate) fn note(&self, project: ProjectId, device: Option<String>, problem: &ApiError) {
        if !problem.category.is_senders() {
            return;
        }
        let device = device.map(|device| cut(&device, 255));
        let refusal = Refusal {
            project,
            at: self.0.clock.now(),
            device: device.clone(),
            status: problem.category.number(),
            code: problem.code.0,
            message: cut(&problem.message, LONGEST),
            details: cut(&problem.details, LONGEST),
            times: 1,
        };
        let mut waiting = self.0.waiting.lock();
        let has_room = waiting.len() < MOST_WAITING;
        match waiting.get_mut(&(project, device.clone())) {
            Some(known) => known.again(refusal),
            None if has_room => drop(waiting.insert((project, device), refusal)),
            None => {}
        }
    }

    /// Notes rows that were acknowledged, and could not be taken from the log again. It blocks.
    ///
    /// The store finds them at each start until the log forgets them, so those that are noted already are passed over.
    pub(crate) fn note_set_aside(&self, all: &[SetAside]) {
        for aside in all {
            let Some(project) = aside.project else { continue };
            if let Err(error) = self.note_aside(project, aside) {
                tracing::warn!(%error, seq = aside.seq, "a record that was set aside could not be noted");
            }
        }
    }

    fn note_aside(&self, project: ProjectId, aside: &SetAside) -> Result<(), CatalogError> {
        let details = format!(
            "Record {} of the log: {}. It lies in the server's folder as set-aside/{}; send the rows again, or ask the operator",
            aside.seq,
            aside.reason,
            aside.file(),
        );
        let one = Refusal {
            project,
            at: self.0.clock.now(),
            device: None,
            status: Category::Internal.number(),
            code: Code::INTERNAL.0,
            message: "Rows that had been stored were set aside: they cannot be read again"
                .to_owned(),
            details: cut(&details, LONGEST),
            times: 1,
        };
        let known = self.0.catalog.refusals(project, None, self.0.most)?;
        let mut devices: Vec<_> =
            aside.devices.iter().map(|device| Some(cut(device, 255))).collect();
        if devices.is_empty() {
            devices.push(None);
        }
        let is_new = |one: &Refusal| {
            !known.iter().any(|known| known.details == one.details && known.device == one.device)
        };
        let all = devices.into_iter().map(|device| Refusal { device, ..one.clone() });
        let new: Vec<_> = all.filter(is_new).collect();
        self.0.catalog.note_refusals(&new, self.0.most)
    }

    /// Writes what waits. It blocks.
    pub(crate) fn write(&self) {
        let _alone = self.0.turn.lock();
        let waiting = std::mem::take(&mut *self.0.waiting.lock());
        if waiting.is_empty() {
            return;
        }
        let mut refusals: Vec<Refusal> = waiting.into_values().collect();
        refusals.sort_by_key(|refusal| refusal.at);
        if let Err(error) = self.0.catalog.note_refusals(&refusals, self.0.most) {
            tracing::warn!(%error, count = refusals.len(), "refused imports could not be noted");
        }
    }

    /// Writes what waits, on a thread that may wait for the disk.
    pub(crate) async fn flush(&self) {
        let this = self.clone();
        if tokio::task::spawn_blocking(move || this.write()).await.is_err() {
            tracing::error!("refused imports could not be noted");
        }
    }
}

/// A text of at most that many characters.
fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}
