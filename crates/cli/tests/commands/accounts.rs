//! Accounts, and who changed what.

use serde_json::json;

use crate::hand::{Hand, Platform};

#[test]
fn the_operator_reads_and_checks_the_audit_log() {
    let platform = Platform::start();
    let ada = platform.somebody();
    ada.does(&["device", "create", "--id", "boiler"]);
    ada.does(&["device", "delete", "--id", "boiler"]);
    let log = ada.asks(&["audit", "list", "--action", "device"]);
    let rows = log["rows"].as_array().expect("rows");
    assert_eq!((rows.len(), &rows[0]["target"]), (1, &json!("device:boiler")));
    let table = ada.does(&["audit", "list", "--target", "device:boiler", "--output", "table"]).out;
    assert!(table.contains("device.delete") && table.lines().count() == 2, "{table}");
    let csv = ada.does(&["audit", "ls", "--output", "csv", "--limit", "2"]).out;
    assert!(csv.starts_with("id,time,user_id,") && csv.lines().count() == 3, "{csv}");
    let wrong = ada.try_to(&["audit", "list", "--action", "nonsense"]);
    assert!(wrong.status == 1 && wrong.err.contains("token.issue"), "{}", wrong.err);
    let sound = ada.does(&["audit", "verify"]).out;
    let hash = sound.trim().rsplit(' ').next().expect("a hash").to_owned();
    ada.does(&["audit", "verify", "--hash", &hash]);
    let other = format!("{}{}", &hash[1..], &hash[..1]);
    let lost = ada.try_to(&["audit", "verify", "--hash", &other]);
    assert!(lost.status == 1 && lost.err.contains("no row has the hash"), "{}", lost.err);
    let bob = Hand::at(platform.address());
    bob.does(&["user", "create", "--email", "bob@example.com"]);
    let refused = bob.try_to(&["audit", "list"]);
    assert!(refused.status == 1 && refused.err.contains("operator"), "{}", refused.err);
}

#[test]
fn an_account_of_ones_own_is_deleted_with_the_password_and_what_it_left_here_is_forgotten() {
    let platform = Platform::start();
    platform.somebody();
    let bob = Hand::at(platform.address());
    bob.does(&["user", "create", "--email", "bob@example.com"]);
    bob.does(&["project", "create", "--name", "mill"]);
    let unsure = bob.try_to(&["user", "delete", "--me"]);
    assert!(unsure.status != 0 && unsure.err.contains("--yes"), "{}", unsure.err);
    let alone = bob.try_to(&["user", "delete", "--me", "--yes"]);
    assert!(alone.status == 1 && alone.err.contains("'mill'"), "{}", alone.err);
    let project = bob.asks(&["project", "get"])["project_id"].to_string();
    bob.does(&["project", "delete", "--id", &project, "--yes"]);
    assert_eq!(bob.try_to(&["user", "delete", "--me", "--id", "2", "--yes"]).status, 2);
    assert_eq!(bob.try_to(&["user", "delete", "--yes"]).status, 2);
    let gone = bob.asks(&["user", "delete", "--me", "--yes"]);
    assert_eq!(gone["deleted"], true);
    let nobody = bob.try_to(&["whoami"]);
    assert!(nobody.err.contains("nobody is logged in"), "{}", nobody.err);
}
