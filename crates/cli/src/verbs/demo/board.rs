//! The demo's dashboard: charts of what this machine sends, for whoever opens the web app.

use anyhow::Result;
use serde_json::Value;

use crate::api::Call;
use crate::failure::Failure;
use crate::session::Session;

/// What is on it, and what it is called.
const BOARD: &str = include_str!("board.json");

/// Makes the dashboard, unless the project has one; gives its number. What somebody changed about it stays.
pub(super) fn prepare(session: &Session, project: u32) -> Result<u32> {
    let list = session.as_project(project, Call::get(&["dashboards"]))?.json()?;
    let wanted: Value = serde_json::from_str(BOARD)?;
    let all = list["dashboards"].as_array().map(Vec::as_slice).unwrap_or_default();
    let known = all.iter().find(|board| board["name"] == wanted["name"]).or(all.first());
    if let Some(known) = known {
        return number(known);
    }
    let made = session.as_project(project, Call::post(&["dashboards"]).json(&wanted)?)?;
    number(&made.json()?)
}

fn number(dashboard: &Value) -> Result<u32> {
    let id = dashboard["dashboard_id"].as_u64().and_then(|id| id.try_into().ok());
    id.ok_or_else(|| Failure::new("the server's reply names no dashboard").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_board_names_only_what_the_sensors_send() {
        let board: Value = serde_json::from_str(BOARD).expect("JSON");
        let mut sensors = super::super::sensors::Sensors::new();
        let sent: Vec<String> = sensors
            .read()
            .into_iter()
            .flat_map(|reading| reading.values)
            .map(|(name, _)| name)
            .collect();
        let panels = board["board"]["panels"].as_array().expect("panels");
        assert!(panels.len() > 3);
        for panel in panels {
            for field in panel["query"]["fields"].as_array().into_iter().flatten() {
                let field = field.as_str().expect("a name");
                // What a machine without such a part does not send stays empty there.
                let is_sent = sent.iter().any(|name| name == field);
                let of_a_part = ["disk_", "network_", "temperature_"];
                assert!(is_sent || of_a_part.iter().any(|part| field.starts_with(part)), "{field}");
            }
        }
    }
}
