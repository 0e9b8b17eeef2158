//! When the disk is full, imports are refused with 507 and queries go on; when there is room again, imports are taken again,
//! without a restart, and nothing that was acknowledged is missing.

use std::fs::File;
use std::io::Write;
use std::time::Duration;

use iobeam_promises::{Account, Platform, Reply};
use serde_json::json;

/// The disk that the platform gets.
const DISK: u64 = 96 << 20;

fn send(platform: &Platform, account: &Account, number: u64) -> Reply {
    // Ten rows with a text that does not compress well, so that the disk fills.
    let rows: Vec<_> = (0..10)
        .map(|row| {
            json!([
                number * 100 + row,
                number,
                format!("{:x}", (number * 7919 + row).wrapping_mul(u64::MAX / 97)).repeat(200)
            ])
        })
        .collect();
    let body = json!({
        "project_id": account.project, "device_id": "device-1",
        "sources": {"fields": ["time", "n", "noise"], "data": rows},
    });
    platform.post("/v1/imports?fmt=table", Some(&account.token), &body)
}

fn count(platform: &Platform, account: &Account) -> u64 {
    let body = json!({"query": "SELECT count(*) FROM input"});
    let reply = platform.post("/v1/sql", Some(&account.token), &body);
    reply.expect_status(200).body["result"][0]["values"][0][0].as_u64().expect("a count")
}

#[test]
fn a_full_disk_is_507_queries_go_on_and_imports_resume_by_themselves() {
    let platform = Platform::start_on_disk_of(DISK, &["--segment-size", "4MiB"]);
    let account = platform.account();
    let mut stored = 0;
    for number in 0..20 {
        send(&platform, &account, number).expect_status(200);
        stored += 10;
    }

    platform.get("/ready", None).expect_status(200);

    // Somebody else fills the disk to the last byte.
    let path = platform.data().join("somebody-elses-file");
    let mut hog = File::create(&path).expect("a file");
    let piece = vec![0x5a; 64 << 10];
    while hog.write_all(&piece).is_ok() {}
    drop(hog);

    let mut refused = None;
    for number in 20..4000 {
        let reply = send(&platform, &account, number);
        if reply.status == 200 {
            stored += 10;
        } else {
            refused = Some(reply);
            break;
        }
    }
    let refused = refused.expect("the disk is full at some time");
    refused.expect_status(507);
    assert!(refused.header("retry-after").is_some(), "{:?}", refused.headers);
    assert_eq!(count(&platform, &account), stored, "queries go on, and see what was acknowledged");
    let ready = platform.get("/ready", None);
    ready.expect_status(503);
    assert!(ready.body.to_string().contains("disk"), "{:?}", ready.body);
    platform.get("/health", None).expect_status(200);

    std::fs::remove_file(path).expect("room again");
    let mut resumed = false;
    for attempt in 0..100 {
        let reply = send(&platform, &account, 10_000 + attempt);
        if reply.status == 200 {
            resumed = true;
            stored += 10;
            break;
        }
        reply.expect_status(507);
        std::thread::sleep(Duration::from_millis(200));
    }
    assert!(resumed, "imports resume by themselves:\n{}", platform.log());
    platform.get("/ready", None).expect_status(200);
    let log = platform.log();
    let said = |text: &str| log.matches(text).count();
    assert_eq!(said("imports cannot be taken"), 1, "once at the change:\n{log}");
    assert_eq!(said("imports can be taken again"), 1, "and once at the other:\n{log}");
    assert_eq!(count(&platform, &account), stored);
}
