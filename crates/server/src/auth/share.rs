//! Callers without an account: who has the key of a shared dashboard.
//!
//! ```text
//! Authorization: Share <key> ─▶ known? ─▶ not run out? ─▶ ShareCaller, who may look at that dashboard
//! ```
//!
//! The key stands in that header alone: addresses end up in logs and histories.

use http::HeaderMap;
use http::header::AUTHORIZATION;
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

/// The key in these headers of a visitor, to ask for it again.
pub(crate) fn key_of(headers: &HeaderMap) -> String {
    key(headers).unwrap_or_default().to_owned()
}

/// The key in these headers, when they are a visitor's.
pub(super) fn key(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, key) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("share").then(|| key.trim())
}
