//! What the command does by itself: profiles, refusals and exit statuses. No server is needed.

#[path = "commands/hand.rs"]
#[allow(dead_code, reason = "the platform is for the other tests")]
mod hand;

use std::fs;

use hand::Hand;
use serde_json::{Value, json};

/// A port that nobody listens on.
const NOBODY: &str = "http://127.0.0.1:1";

#[test]
fn profiles_are_made_switched_and_deleted() {
    let ada = Hand::at("");
    ada.does(&["profile", "create", "-name=home", "-server", "http://home:8420/v1/"]);
    ada.does(&["profile", "create", "-name=work", "-server=https://work", "-active"]);
    let list = ada.asks(&["profile", "list"]);
    let active = |list: &Value| {
        list["profiles"]
            .as_array()
            .expect("a list")
            .iter()
            .find(|p| p["active"] == true)
            .expect("one")["name"]
            .clone()
    };
    assert_eq!(active(&list), "work");
    assert_eq!(list["profiles"][0]["server"], "http://home:8420");
    assert_eq!(ada.try_to(&["profile", "delete", "-name=work"]).status, 1);
    ada.does(&["profile", "switch", "-name", "home"]);
    ada.does(&["profile", "delete", "-name=work"]);
    assert_eq!(active(&ada.asks(&["profile", "list"])), "home");
    assert_eq!(ada.asks(&["profile", "info"])["server"], "http://home:8420");
    assert_eq!(ada.try_to(&["profile", "create", "-name=../x"]).status, 2);
    let text = fs::read_to_string(ada.state().join("profile")).expect("a file");
    assert_eq!(text, r#"{"profile":"home"}"#);
}

#[cfg(unix)]
#[test]
fn nobody_else_can_read_what_is_kept() {
    use std::os::unix::fs::PermissionsExt;
    let ada = Hand::at("");
    ada.does(&["profile", "create", "-name=home"]);
    let mode = |path: &str| {
        let found = fs::metadata(ada.state().join(path)).expect("it is there");
        found.permissions().mode() & 0o777
    };
    assert_eq!(["", "home"].map(mode), [0o700; 2]);
    assert_eq!(["profile", "home/profile.config"].map(mode), [0o600; 2]);
}

#[test]
fn the_originals_files_are_read() {
    let ada = Hand::at("");
    let folder = ada.state().join("old");
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(ada.state().join("profile"), r#"{"profile":"old"}"#).expect("written");
    let profile = json!({"server": "https://api.example.com", "active_project": 6, "active_user": 101, "activer_user_email": "a@b.c"});
    fs::write(folder.join("profile.config"), profile.to_string()).expect("written");
    let token = json!({"Token": "a.b.c", "Expires": "2016-08-28 17:25:31 +0000", "project_id": 6, "Read": true, "Write": true, "Admin": false});
    fs::write(folder.join("proj_6.json"), token.to_string()).expect("written");
    let info = ada.asks(&["profile", "info"]);
    assert_eq!((&info["active_project"], &info["active_user_email"]), (&json!(6), &json!("a@b.c")));
    assert_eq!(info["tokens"][0]["write"], true);
}

#[test]
fn what_is_not_understood_has_status_two_and_prints_no_answer() {
    let ada = Hand::at(NOBODY);
    for words in [
        &["device", "list", "-ordre=id"][..],
        &["device", "list"],
        &["import", "-fields=a,b", "-values=1", "-projectId=1"],
        &["import", "-fields=time", "-values=noon", "-projectId=1"],
        &["token", "create", "--project-id", "1"],
        &["trigger", "list"],
        &["--server", "ftp://x", "whoami"],
    ] {
        let done = ada.try_to(words);
        assert_eq!((done.status, done.out.as_str()), (2, ""), "{words:?} {}", done.err);
        assert!(done.err.starts_with("error: "), "{}", done.err);
    }
}

#[test]
fn a_server_that_is_not_there_has_status_one_and_a_remedy() {
    let ada = Hand::at(NOBODY);
    let words = ["user", "login", "-username", "ada"];
    let done = ada.try_to(&words);
    assert_eq!((done.status, done.out.as_str()), (1, ""));
    assert!(done.err.starts_with("error: cannot reach http://127.0.0.1:1: "), "{}", done.err);
    assert!(done.err.contains("try: start a server with `iobeam serve`"), "{}", done.err);
    let done = ada.try_to(&["user", "login", "-username", "ada", "--json"]);
    let told: Value = serde_json::from_str(&done.err).expect("errors are JSON too");
    assert!(told["errors"][0]["remedy"].is_string());
}

#[test]
fn nobody_is_logged_in_at_first() {
    let done = Hand::at(NOBODY).try_to(&["whoami"]);
    assert_eq!(done.status, 1);
    insta::assert_snapshot!(done.err, @r"
    error: nobody is logged in
      try: `iobeam user login`, or `iobeam user create` for a new account
    ");
}

#[test]
fn versions_and_completions_are_printed() {
    let ada = Hand::at("");
    assert!(ada.does(&["version"]).out.starts_with("iobeam "));
    assert_eq!(ada.asks(&["version"])["version"], env!("CARGO_PKG_VERSION"));
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let script = ada.does(&["completions", shell]).out;
        assert!(script.contains("add-user") && script.contains("project-id"), "{shell}");
    }
}

#[test]
fn a_reader_that_has_enough_is_no_failure() {
    use std::process::Stdio;
    let ada = Hand::at("");
    let mut command = ada.command(&["completions", "zsh"]);
    let mut child = command.stdout(Stdio::piped()).spawn().expect("it runs");
    drop(child.stdout.take());
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}

#[test]
fn a_spool_is_looked_at_where_it_lies_and_none_is_made() {
    let ada = Hand::at("");
    let spool = ada.home().join("spool");
    let token = "e30.eyJleHAiOjQwMDAwMDAwMDAsInBpZCI6MX0.c2ln";
    let client = iobeam::Client::builder(1, token).backend(NOBODY).device_id("d").spool(&spool);
    let client = client.build().expect("no server is needed");
    let store = client.create_data_store(&["n"]).expect("a store");
    store.add(client.now(), [("n", 1)]).expect("it is taken");
    store.add(client.now(), [("n", 2)]).expect("it is taken");
    client.flush().expect("it is on disk");
    drop((store, client));
    for _ in 0..2 {
        let waiting = &ada.asks(&["spool", "ls", "spool"])["waiting"];
        assert_eq!((&waiting["batches"], &waiting["rows"]), (&json!(1), &json!(2)));
        assert_eq!(waiting["in_use"], false);
        let listed = waiting["list"].as_array().expect("a list");
        assert_eq!((listed.len(), &listed[0]["rows"]), (1, &json!(2)));
    }
    let shown = ada.does(&["spool", "ls", "spool"]).out;
    assert!(
        shown.starts_with("waiting: 1 batch, 2 rows, ") && shown.ends_with("refused: nothing\n"),
        "{shown}"
    );
    assert!(shown.contains("-0000000001") && shown.contains("input"), "{shown}");
    let running = iobeam::Client::builder(1, token).backend(NOBODY).spool(&spool);
    let running = running.build().expect("nobody has it");
    assert_eq!(ada.asks(&["spool", "ls", "spool"])["waiting"], json!({"in_use": true}));
    drop(running);

    fs::create_dir(ada.home().join("photos")).expect("a folder");
    for (dir, said) in
        [("photos", "there is no spool in photos"), ("spol", "cannot read the spool spol")]
    {
        let done = ada.try_to(&["spool", "ls", dir]);
        assert_eq!(done.status, 1);
        assert!(done.err.contains(said), "{}", done.err);
    }
    assert!(!ada.home().join("spol").exists());
    let left = fs::read_dir(ada.home().join("photos")).expect("a folder").count();
    assert_eq!(left, 0);
}
