//! All that the program answers over a data directory.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use iobeam_promises::Platform;
use serde_json::json;
use tempfile::TempDir;

use super::folder::Folder;
use super::inside::{Rows, Seen};

/// Starts the program, asks for everything, and ends it.
pub(crate) fn look(folder: TempDir, filled: &Folder) -> Seen {
    let platform = match Platform::try_over(folder) {
        Ok(platform) => platform,
        Err(refused) => return Seen { refused: Some(refused), ..Seen::default() },
    };
    let mut seen = Seen { reported: vec![platform.log()], ..Seen::default() };
    for (account, tables) in filled.accounts.iter().zip([&["input", "other"][..], &["input"]]) {
        for path in ["/v1/projects", "/v1/users/me"] {
            let reply = platform.get(path, Some(&account.user_token));
            let _ = writeln!(seen.people, "{path} {} {}", reply.status, reply.body);
        }
        let devices = platform.get("/v1/devices", Some(&account.token));
        // When one was seen last is written now and then, so that a kill may lose it.
        let known = devices.body["devices"].as_array().cloned().unwrap_or_default();
        let known: Vec<_> = known.iter().map(|device| device["device_id"].clone()).collect();
        let _ = writeln!(seen.people, "{} {known:?}", devices.status);
        for table in tables {
            let query = json!({"query": format!("SELECT * FROM \"{table}\"")});
            let reply = platform.post("/v1/sql", Some(&account.token), &query);
            let rows = if reply.status == 200 {
                let result = &reply.body["result"][0];
                let mut rows: Rows = BTreeMap::new();
                for row in result["values"].as_array().into_iter().flatten() {
                    *rows.entry(format!("{} {row}", result["fields"])).or_default() += 1;
                }
                Ok(rows)
            } else {
                Err(format!("{} {}", reply.status, reply.body))
            };
            seen.tables.insert(format!("{}/{table}", account.project), rows);
        }
    }
    seen
}
