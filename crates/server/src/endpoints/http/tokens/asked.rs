//! What token is asked for: what it may do, whose it is, and how long it lives.

use std::time::Duration;

use iobeam_catalog::{NEVER_EXPIRES, TokenOwner};
use iobeam_model::{DeviceId, Permissions, Timestamp};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::core::api_error::ApiError;
use crate::core::app::App;
use crate::core::auth::refusal::Refusal;

/// No token of its creator lives longer.
const LONGEST_CREATORS_LIFE: Duration = Duration::from_hours(52 * 7 * 24);

/// No token of a project that ends at all lives longer.
const LONGEST_LIFE: Duration = Duration::from_hours(3650 * 24);

/// What token to issue.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct IssueQuery {
    /// The project.
    pub(super) project_id: u32,
    /// Whether it may read. Without any of the three it may what the user may; a device's token may not administer
    /// then.
    read: Option<bool>,
    /// Whether it may write.
    write: Option<bool>,
    /// Whether it may administer.
    admin: Option<bool>,
    /// Whether it is tied to the user and names them; no, unless asked for.
    pub(super) include_user: Option<bool>,
    /// Whose it is: `creator` (it grants at most what the user holds, and ends with their membership) or `project` (only
    /// administrators; it outlives their membership). `project` for a device's token that an administrator makes,
    /// otherwise `creator`, unless said.
    owner: Option<String>,
    /// How long it lives: a whole number and one of w, d, h, m, s, such as 5w, at most 52w unless the project owns it; or
    /// `never`, which a device's token does unless said.
    #[param(pattern = "^([0-9]+[wdhms]|never)$")]
    duration: Option<String>,
    /// Whether it can be exchanged for a new one; yes, unless declined.
    pub(super) refreshable: Option<bool>,
    /// The only device that it may read and write as.
    #[param(pattern = "^[A-Za-z0-9_:-]{1,255}$")]
    pub(super) device_id: Option<String>,
    /// What to call it in lists: at most 100 characters.
    pub(super) name: Option<String>,
}

/// What the new token grants: what is asked for, if the user holds it; what the user holds, if nothing is said.
pub(super) fn permissions(query: &IssueQuery, held: Permissions) -> Result<Permissions, Refusal> {
    let IssueQuery { read, write, admin, device_id, .. } = query;
    if read.is_none() && write.is_none() && admin.is_none() {
        // A device that may administer is not what anyone means by saying nothing.
        return Ok(Permissions { admin: held.admin && device_id.is_none(), ..held });
    }
    let asked = Permissions {
        read: read.unwrap_or(false),
        write: write.unwrap_or(false),
        admin: admin.unwrap_or(false),
    };
    if held.covers(asked) { Ok(asked) } else { Err(Refusal::MoreThanHeld) }
}

/// Whose the new token is.
pub(super) fn owner(query: &IssueQuery, held: Permissions) -> Result<TokenOwner, ApiError> {
    let tied = query.include_user.unwrap_or(false);
    match query.owner.as_deref() {
        None if query.device_id.is_some() && held.admin && !tied => Ok(TokenOwner::Project),
        None | Some("creator") => Ok(TokenOwner::Creator),
        Some("project") if tied => Err(ApiError::parameter(
            "owner",
            "a token that is tied to its user (include_user) cannot be the project's; leave out one of \
             the two",
        )),
        Some("project") if held.admin => Ok(TokenOwner::Project),
        Some("project") => Err(Refusal::NotAdmin.into()),
        Some(other) => {
            Err(ApiError::parameter("owner", format!("'{other}' is neither creator nor project")))
        }
    }
}

/// When the new token ends.
pub(super) fn end(app: &App, query: &IssueQuery, owner: TokenOwner) -> Result<Timestamp, ApiError> {
    let is_projects = owner == TokenOwner::Project;
    let asked = match query.duration.as_deref() {
        None if is_projects && query.device_id.is_some() => return Ok(NEVER_EXPIRES),
        None => app.config.auth.project_token_life,
        Some("never") if is_projects => return Ok(NEVER_EXPIRES),
        Some("never") => return Err(too_long("never")),
        Some(text) => match life(text)? {
            asked if is_projects || asked <= LONGEST_CREATORS_LIFE => asked,
            _ => return Err(too_long(text)),
        },
    };
    Ok(app.clock.now().plus(asked))
}

fn too_long(text: &str) -> ApiError {
    ApiError::parameter(
        "duration",
        format!(
            "'{text}' is longer than the 52 weeks for which a token of its creator lives; ask for \
             less, or, as an administrator, for a token of the project with owner=project"
        ),
    )
}

/// The device that it shall be bound to.
pub(super) fn device(text: String) -> Result<DeviceId, ApiError> {
    text.try_into().map_err(|error| {
        ApiError::bad_request("The device id is not valid", format!("device_id: {error}"))
    })
}

/// Reads a life such as `5w`.
pub(crate) fn life(text: &str) -> Result<Duration, ApiError> {
    let seconds = text.char_indices().next_back().and_then(|(at, unit)| {
        let unit = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 24 * 3600,
            'w' => 7 * 24 * 3600,
            _ => return None,
        };
        text[..at].parse::<u64>().ok()?.checked_mul(unit)
    });
    match seconds.map(Duration::from_secs) {
        Some(life) if !life.is_zero() && life <= LONGEST_LIFE => Ok(life),
        _ => Err(ApiError::parameter(
            "duration",
            format!(
                "'{text}' is not a whole number and one of w, d, h, m, s, \
                 such as 5w, of at most 3650 days"
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn reading_a_life_never_panics(text in "\\PC{0,30}") {
            if let Ok(life) = life(&text) {
                prop_assert!(!life.is_zero() && life <= LONGEST_LIFE);
            }
        }
    }

    #[test]
    fn a_life_is_a_whole_number_and_a_unit() {
        for (text, seconds) in
            [("5w", 3_024_000), ("1d", 86_400), ("2h", 7200), ("3m", 180), ("9s", 9)]
        {
            assert_eq!(life(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in
            ["", "5", "w", "0s", "-1d", "1.5h", "1y", "99999999999999999999s", "600w", "5ä", "+"]
        {
            assert!(life(text).is_err(), "{text}");
        }
    }
}
