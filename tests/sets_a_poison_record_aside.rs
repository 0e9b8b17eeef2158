//! A record of the log that cannot be applied does not keep the platform from starting: it is set aside with its reason,
//! and everything else is there.

use std::fs;
use std::sync::Arc;

use iobeam_journal::disk::RealDisk;
use iobeam_journal::{Journal, Options};
use iobeam_promises::{Account, Platform};
use serde_json::json;

fn send(platform: &Platform, account: &Account, number: u64) {
    let body = json!({
        "project_id": account.project, "device_id": "device-1",
        "sources": {"fields": ["time", "n"], "data": [[number, number]]},
    });
    platform.post("/v1/imports?fmt=table", Some(&account.token), &body).expect_status(200);
}

#[test]
fn a_record_that_cannot_be_applied_is_set_aside_and_the_platform_starts() {
    let mut platform = Platform::start();
    let account = platform.account();
    send(&platform, &account, 1);
    platform.kill();

    // Sound records as far as the log is concerned, and nothing that the store understands.
    let folder = platform.data().join("journal");
    let (mut journal, _) =
        Journal::open(&folder, Options::default(), Arc::new(RealDisk)).expect("the log opens");
    for kind in [1, 200] {
        journal.append(kind, &[b"this is no import"]).expect("room");
    }
    journal.sync().expect("a disk");
    drop(journal);

    platform.restart();
    assert_eq!(platform.rows(&account).1.len(), 1, "what was stored before is there");
    send(&platform, &account, 2);
    assert_eq!(platform.rows(&account).1.len(), 2, "and the platform takes more");
    let aside = fs::read_dir(platform.data().join("set-aside")).expect("a folder").count();
    assert!(aside >= 2, "both are kept for whoever looks into it: {aside}");
    assert!(
        platform.log().contains("could not be applied"),
        "and the operator is told:\n{}",
        platform.log()
    );

    platform.kill();
    platform.restart();
    assert_eq!(platform.rows(&account).1.len(), 2);
}
