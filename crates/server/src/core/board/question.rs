//! What a panel asks, once its variables stand for something: for a visitor by a link, who chooses within what the
//! board shows and asks nothing of their own.

use std::collections::HashSet;

use iobeam_query::SeriesRequest;
use serde_json::Value;

use super::validate::is_bucket;
use super::{Board, Chosen, PanelQuery};
use crate::core::api_error::ApiError;

/// What a visitor chose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Choice {
    /// Devices, of those that the panel shows.
    pub(crate) devices: Option<Vec<String>>,
    /// The length of a bucket, where the panel leaves it to a variable.
    pub(crate) bucket: Option<String>,
}

impl Board {
    /// The question of a panel, with the choice in place of its variables.
    pub(crate) fn question(&self, panel: &str, choice: Choice) -> Result<PanelQuery, ApiError> {
        let found = self.panels.iter().find(|candidate| candidate.id == panel);
        let stored = found.and_then(|panel| panel.query.as_ref()).ok_or_else(|| {
            let details =
                format!("panel: '{panel}' is not on the dashboard, or is a text; GET /v1/shared lists its panels");
            ApiError::not_found("There is no such panel", details)
        })?;
        let shown = self.devices_of(stored);
        let devices = match choice.devices {
            None => shown,
            Some(chosen) => Some(within(chosen, shown.as_deref())?),
        };
        let bucket = self.bucket_of(stored, choice.bucket)?;
        let timezone = stored.timezone.clone().or_else(|| self.time.timezone.clone());
        Ok(PanelQuery { devices, bucket, timezone, ..stored.clone() })
    }

    /// The devices that a panel shows; `None` for all.
    fn devices_of(&self, stored: &PanelQuery) -> Option<Vec<String>> {
        let listed = stored.devices.as_ref()?;
        let [one] = listed.as_slice() else { return Some(listed.clone()) };
        let Some(name) = one.strip_prefix('$') else { return Some(listed.clone()) };
        let chosen = self.chosen(name);
        // None chosen stands for all.
        (!chosen.is_empty()).then(|| chosen.to_vec())
    }

    fn bucket_of(
        &self,
        stored: &PanelQuery,
        chosen: Option<String>,
    ) -> Result<Option<String>, ApiError> {
        let name = stored.bucket.as_deref().and_then(|bucket| bucket.strip_prefix('$'));
        match (name, chosen) {
            (None, Some(chosen)) if Some(&chosen) != stored.bucket.as_ref() => {
                let details = "bucket: this panel has a bucket of its own; leave it out";
                Err(ApiError::bad_request("The request asks for more than the link shows", details))
            }
            (None, _) => Ok(stored.bucket.clone()),
            (Some(_), Some(chosen)) if !is_bucket(&chosen) => {
                let details = format!(
                    "bucket: '{chosen}' is neither auto, raw, all nor a length such as 15m"
                );
                Err(ApiError::bad_request("The request is not valid", details))
            }
            (Some(_), Some(chosen)) => Ok(Some(chosen)),
            (Some(name), None) => Ok(self.chosen(name).first().cloned()),
        }
    }

    /// What is chosen of a variable.
    fn chosen(&self, name: &str) -> &[String] {
        let variable = self.variables.iter().find(|variable| variable.name == name);
        variable.and_then(|variable| variable.value.as_ref()).map(Chosen::each).unwrap_or_default()
    }
}

/// When a visitor looks, and on how wide a screen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Look {
    /// The first millisecond.
    pub(crate) from: Option<i64>,
    /// The last one.
    pub(crate) to: Option<i64>,
    /// Columns of pixels.
    pub(crate) width: Option<usize>,
    /// The visitor's time zone; that of the board goes before it.
    pub(crate) timezone: Option<String>,
}

impl PanelQuery {
    /// The question as the engine is asked it.
    pub(crate) fn at(self, look: Look) -> Result<SeriesRequest, ApiError> {
        // Its members are those of a request, and a request is what they become.
        let asked = serde_json::to_value(&self).map_err(ApiError::internal)?;
        let asked: SeriesRequest =
            serde_json::from_value(without_nulls(asked)).map_err(|error| {
                ApiError::bad_request("The panel's query is not valid", error.to_string())
            })?;
        let Look { from, to, width, timezone } = look;
        Ok(SeriesRequest {
            from,
            to,
            width,
            timezone: asked.timezone.clone().or(timezone),
            ..asked
        })
    }
}

/// What is null is absent.
fn without_nulls(mut object: Value) -> Value {
    if let Value::Object(members) = &mut object {
        members.retain(|_, member| !member.is_null());
    }
    object
}

/// The chosen devices, when all of them are shown.
fn within(chosen: Vec<String>, shown: Option<&[String]>) -> Result<Vec<String>, ApiError> {
    if chosen.is_empty() {
        let details = "devices: the list is empty; leave it out for all that the panel shows";
        return Err(ApiError::bad_request("The request is not valid", details));
    }
    let shown: Option<HashSet<&String>> = shown.map(|shown| shown.iter().collect());
    let hidden = chosen.iter().find(|id| shown.as_ref().is_some_and(|shown| !shown.contains(id)));
    match hidden {
        None => Ok(chosen),
        Some(hidden) => Err(ApiError::forbidden(
            "The link does not show this device",
            format!("devices: '{hidden}' is not among those of the panel"),
        )),
    }
}
