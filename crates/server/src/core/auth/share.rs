//! Callers without an account: who has the key of a shared dashboard.
//!
//! ```text
//! key ─▶ known? ─▶ not run out? ─▶ ShareCaller, who may look at that dashboard
//! ```

use iobeam_model::ProjectId;

use super::Auth;
use super::refusal::Refusal;

/// Somebody who was given a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ShareCaller {
    /// The dashboard that the link shows.
    pub(crate) dashboard: u32,
    /// Its project.
    pub(crate) project: ProjectId,
}

impl Auth {
    /// Who shows this key.
    pub(super) fn by_share(&self, key: &str) -> Result<ShareCaller, Refusal> {
        let share = self.0.catalog.share_by_key(key).ok_or(Refusal::NoShare)?;
        if share.expires.is_some_and(|end| end <= self.0.clock.now()) {
            return Err(Refusal::NoShare);
        }
        self.0.catalog.touch_share(key);
        Ok(ShareCaller { dashboard: share.dashboard, project: share.project })
    }
}
