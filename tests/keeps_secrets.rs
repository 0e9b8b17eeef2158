//! Nothing secret is in the log, in a URL the platform makes, or in a file that others may read.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use iobeam_promises::Platform;
use serde_json::json;

const PASSWORD: &str = "correct horse battery";

#[test]
fn the_log_holds_no_password_and_no_token_and_files_are_the_owners_alone() {
    let mut platform = Platform::start_with(&["--log-level", "trace"]);
    let account = platform.account();
    let device = json!({"project_id": account.project, "device_id": "device-2"});
    platform.post("/v1/devices", Some(&account.token), &device).expect_status(201);
    let _ = platform
        .post("/v1/tokens/project", None, &json!({"refresh_token": account.token}))
        .expect_status(200);
    let wrong = platform.get("/v1/tokens/user?name=ada@example.com&password=wr0ng-pa55word", None);
    wrong.expect_status(401);
    platform.get("/v1/users/password?reset=ada@example.com", None).expect_status(204);
    let signature = |token: &str| token.rsplit('.').next().expect("a signature").to_owned();
    let board = json!({"name": "Air", "board": {}});
    let made = platform.post("/v1/dashboards", Some(&account.token), &board);
    let path = format!("/v1/dashboards/{}/shares", made.body["dashboard_id"]);
    let shared = platform.post(&path, Some(&account.token), &json!({}));
    let link = shared.expect_status(201).text("key");
    platform.stop();

    let log = platform.log();
    let key = reset_key(&platform.data().join("outbox"));
    for secret in [
        PASSWORD.to_owned(),
        PASSWORD.replace(' ', "%20"),
        "wr0ng-pa55word".to_owned(),
        signature(&account.token),
        signature(&account.user_token),
        key,
        link,
    ] {
        assert!(!log.contains(&secret), "the log holds a secret");
    }
    assert!(log.contains("/v1/devices"), "the log is no log:\n{log}");

    check_modes(&platform.data());
    let keys = fs::read_dir(platform.data().join("keys")).expect("keys").count();
    assert!(keys > 0, "the signing key is made at the first start");
}

#[test]
fn two_installations_do_not_accept_each_others_tokens() {
    let (one, two) = (Platform::start(), Platform::start());
    let (first, second) = (one.account(), two.account());
    assert_eq!(
        first.project, second.project,
        "the same ids, so that the key alone makes the difference"
    );
    two.get("/v1/devices", Some(&first.token)).expect_status(401);
    two.get("/v1/projects", Some(&first.user_token)).expect_status(401);
    two.get("/v1/projects", Some(&second.user_token)).expect_status(200);
}

/// The key in the mail that was written instead of sent.
fn reset_key(outbox: &Path) -> String {
    let newest =
        fs::read_dir(outbox).expect("an outbox").map(|entry| entry.expect("an entry").path()).max();
    let mail = fs::read_to_string(newest.expect("a mail")).expect("text");
    let longest = mail
        .split_whitespace()
        .filter(|word| word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_'));
    longest.max_by_key(|word| word.len()).expect("a key").to_owned()
}

fn check_modes(data: &Path) {
    // The folder itself is closed, so that whoever is not its owner does not get as far as the files in it ...
    assert_eq!(mode(data) & 0o077, 0, "{} has mode {:o}", data.display(), mode(data));
    // ... and what holds secrets is closed once more, should the folder be opened so that others can read the lake.
    for secret in ["keys", "outbox", "catalog.db"] {
        let path = data.join(secret);
        assert_eq!(mode(&path) & 0o077, 0, "{} has mode {:o}", path.display(), mode(&path));
        for entry in fs::read_dir(&path).into_iter().flatten() {
            let entry = entry.expect("an entry").path();
            assert_eq!(mode(&entry) & 0o077, 0, "{} has mode {:o}", entry.display(), mode(&entry));
        }
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it exists").permissions().mode()
}
