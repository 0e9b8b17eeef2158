//! What an operator does, with the real command against a real server.
#![cfg(feature = "server")]

#[path = "commands/hand.rs"]
mod hand;

#[path = "commands/accounts.rs"]
mod accounts;

use std::fs;

use hand::{Hand, Platform};
use serde_json::{Value, json};

#[test]
fn from_sign_up_to_a_reading() {
    let platform = Platform::start();
    let ada = Hand::at(platform.address());
    let done = ada.does(&["user", "create", "-email=ada@example.com", "-firstname", "Ada"]);
    assert!(done.out.contains("ada@example.com"), "{}", done.out);
    assert!(ada.does(&["whoami"]).out.starts_with("ada@example.com (user "));
    assert_eq!(ada.asks(&["user", "get"])["first_name"], "Ada");

    ada.does(&["project", "create", "-name", "greenhouse"]);
    let projects = ada.asks(&["project", "list"]);
    assert_eq!(projects["projects"][0]["project_name"], "greenhouse");

    let device =
        ada.asks(&["device", "create", "-id=bench:3", "-name", "third bench", "-type", "pot"]);
    assert_eq!((&device["device_id"], &device["device_type"]), (&json!("bench:3"), &json!("pot")));
    let done = ada.does(&[
        "import",
        "-fields=time,temperature,note",
        "-values=1427316488000,-21.5,\"a,b\"",
        "-label",
        "device_id=bench:3",
    ]);
    assert!(done.out.contains("1 row stored"), "{}", done.out);
    ada.does(&[
        "import",
        "--device",
        "bench:3",
        "--fields",
        "temperature",
        "--values",
        "22",
        "--time",
        "1427316489000",
    ]);

    let answer = ada.asks(&["query", "-field=temperature"]);
    let rows = &answer["result"][0]["values"];
    assert_eq!(*rows, json!([[1_427_316_489_000_i64, 22.0], [1_427_316_488_000_i64, -21.5]]));
    let answer =
        ada.asks(&["query", "--field", "note", "--field", "device_id", "--where", "eq(note,a,b)"]);
    assert_eq!(answer["result"][0]["fields"], json!(["time", "note", "device_id"]));
    let csv = ada.does(&["query", "-field=temperature", "-output=csv"]).out;
    assert_eq!(csv.lines().count(), 3, "{csv}");
    let table = ada.does(&["query", "--output", "table", "--limit", "1"]).out;
    assert!(table.contains("2015-03-25 20:48:09"), "{table}");
}

#[test]
fn a_devices_life() {
    let platform = Platform::start();
    let ada = platform.somebody();
    for (id, name) in [("b", "x"), ("a", "y")] {
        ada.does(&["device", "create", "--id", id, "--name", name]);
    }
    let order = |order: &str| {
        let list = ada.asks(&["device", "list", "-order", order]);
        let devices = list["devices"].as_array().expect("a list").clone();
        devices
            .iter()
            .map(|device| device["device_id"].as_str().expect("an id").to_owned())
            .collect::<String>()
    };
    assert_eq!([order("id"), order("id-r"), order("name")], ["ab", "ba", "ba"]);
    ada.does(&["device", "update", "--id", "a", "--name", "z", "--type", "lamp"]);
    assert_eq!(ada.asks(&["device", "get", "--name", "z"])["device_type"], "lamp");
    ada.does(&["device", "delete", "--id", "a"]);
    let gone = ada.try_to(&["device", "get", "--id", "a"]);
    assert_eq!((gone.status, gone.out.as_str()), (1, ""));
    assert!(gone.err.starts_with("error: "), "{}", gone.err);
    let twice = ada.try_to(&["device", "create", "--id", "b", "--json"]);
    let told: Value = serde_json::from_str(&twice.err).expect("errors are JSON too");
    assert_eq!((twice.status, &told["errors"][0]["code"]), (1, &json!(150)));
}

#[test]
fn a_project_and_a_namespace_go_only_when_that_is_meant() {
    let platform = Platform::start();
    let ada = platform.somebody();
    let made =
        ["namespace", "create", "--name=rooms", "--partitioning-field=room", "--field=room:STRING"];
    ada.does(&made);
    let list = ada.asks(&["namespace", "list"]);
    let spaces = list["namespaces"].as_array().expect("a list");
    let find = |name: &str| {
        let found = spaces.iter().find(|space| space["namespace_name"] == name);
        found.expect("it is there")["namespace_id"].to_string()
    };
    let rooms = find("rooms");
    let unsure = ada.try_to(&["namespace", "delete", "--id", &rooms]);
    assert!(unsure.status != 0 && unsure.err.contains("--yes"), "{}", unsure.err);
    ada.does(&["namespace", "delete", "--id", &rooms, "--yes"]);
    assert_ne!(ada.try_to(&["namespace", "get", "--id", &rooms]).status, 0);
    let input = ada.try_to(&["namespace", "delete", "--id", &find("input"), "--yes"]);
    assert!(input.status != 0 && input.err.contains("retention"), "{}", input.err);
    let project = ada.asks(&["project", "get"])["project_id"].to_string();
    let unsure = ada.try_to(&["project", "delete", "--id", &project]);
    assert!(unsure.status != 0 && unsure.err.contains("--yes"), "{}", unsure.err);
    let gone = ada.asks(&["project", "delete", "--id", &project, "--yes"]);
    assert_eq!(gone["deleted"], true);
    assert_eq!(ada.asks(&["project", "list"])["projects"], json!([]));
    let none = ada.try_to(&["device", "list"]);
    assert_ne!(none.status, 0, "no project is active any more");
}

#[test]
fn a_namespace_is_made_filled_and_grown() {
    let platform = Platform::start();
    let ada = platform.somebody();
    ada.does(&[
        "namespace",
        "create",
        "-name=rooms",
        "-partitioningField=room",
        "-field=room:STRING",
        "-field=doors:LONG",
        "-label",
        "floor=2",
    ]);
    let list = ada.asks(&["namespace", "list"]);
    let spaces = list["namespaces"].as_array().expect("a list");
    let rooms =
        spaces.iter().find(|space| space["namespace_name"] == "rooms").expect("it is there");
    let id = rooms["namespace_id"].to_string();
    ada.does(&["namespace", "update", "-id", &id, "-field", "lit:BOOLEAN"]);
    ada.does(&[
        "import",
        "-namespace=rooms",
        "-fields=room,doors,lit",
        "-values=hall,9223372036854775807,true",
    ]);
    let answer = ada.asks(&["query", "-namespace=rooms", "-field=doors"]);
    assert_eq!(answer["result"][0]["values"][0][1], json!(i64::MAX));
    let again = ada.try_to(&["namespace", "update", "-id", &id, "-field", "lit:BOOLEAN"]);
    assert_eq!(again.status, 2);
    let table = ada.does(&["namespace", "list"]).out;
    assert!(table.contains("doors:LONG lit:BOOLEAN room:STRING"), "{table}");
}

#[test]
fn a_token_is_listed_and_taken_back() {
    let platform = Platform::start();
    let ada = platform.somebody();
    ada.does(&["device", "create", "--id", "d"]);
    let token =
        ada.does(&["token", "create", "--write", "--device-id", "d", "--duration", "5w"]).out;
    let token = token.trim();
    let list = ada.asks(&[
        "token",
        "list",
        "--project-id",
        &ada.asks(&["project", "get"])["project_id"].to_string(),
    ]);
    let listed = list["tokens"].as_array().expect("a list");
    let ours = listed.iter().find(|token| token["device_id"] == "d").expect("it is listed");
    let send = || {
        let words = ["import", "--device", "d", "--fields", "n", "--values", "1"];
        ada.command(&words).env("IOBEAM_TOKEN", token).output().expect("it runs").status.code()
    };
    assert_eq!(send(), Some(0));
    ada.does(&["token", "revoke", "--id", &ours["token_id"].to_string()]);
    assert_eq!(send(), Some(1));
    let table = ada.does(&["token", "list", "--all"]).out;
    assert!(table.lines().next().expect("a heading").starts_with("id  for"), "{table}");
    assert!(!table.contains(token));
}

#[test]
fn tokens_are_printed_only_when_asked_for() {
    let platform = Platform::start();
    let ada = platform.somebody();
    let token = ada.does(&["project", "token", "--read", "--show-token"]).out;
    assert_eq!(token.trim().split('.').count(), 3, "{token}");
    for words in [
        &["project", "token", "--read"][..],
        &["user", "login", "--username", "ada@example.com"],
        &["profile", "info"],
    ] {
        let done = ada.does(words);
        assert!(!done.out.contains("ey") && !done.err.contains("ey"), "{}", done.out);
    }
    ada.does(&["project", "token", "--id", "1", "--read"]);
    let done = ada.does(&["device", "list", "-dumpRequest", "-dumpResponse=true"]);
    assert!(done.err.contains("> GET ") && done.err.contains("< 200"), "{}", done.err);
    assert!(!done.err.contains("ey"), "{}", done.err);
}

#[test]
fn sql_answers_in_each_form() {
    let platform = Platform::start();
    let ada = platform.somebody();
    ada.does(&["device", "create", "--id", "d"]);
    let lines = "time,temperature\n0,20\n60,21\n";
    let words =
        ["import", "--csv", "-", "--time-format", "sec", "--label", "room=hall", "--device", "d"];
    let done = ada.tells(&words, lines);
    assert_eq!(done.status, 0, "{}", done.err);
    let warmest = "SELECT max(temperature) AS warmest FROM input WHERE room = $1";
    let answer = ada.asks(&["sql", warmest, "--param", "hall"]);
    assert_eq!(answer["result"][0]["fields"], json!(["warmest"]));
    assert_eq!(answer["result"][0]["values"][0][0].as_f64(), Some(21.0));
    let csv =
        ada.tells(&["sql", "--format", "csv"], "SELECT temperature FROM input ORDER BY time").out;
    assert_eq!(
        csv.lines().skip(1).filter_map(|n| n.parse().ok()).collect::<Vec<f64>>(),
        [20.0, 21.0],
        "{csv}"
    );
    let table = ada
        .does(&["sql", "--format", "table", "SELECT time, temperature FROM input ORDER BY time"])
        .out;
    assert!(table.contains("1970-01-01 00:01:00"), "{table}");
    ada.does(&["sql", "-o", "all.parquet", "SELECT * FROM input"]);
    let file = fs::read(ada.home().join("all.parquet")).expect("a file");
    assert!(file.starts_with(b"PAR1") && file.ends_with(b"PAR1"));
    ada.does(&["sql", "-o", "all.arrow", "SELECT * FROM input"]);
    let wrong = ada.try_to(&["sql", "-o", "none.csv", "SELECT nothing FROM nowhere"]);
    assert_eq!((wrong.status, wrong.out.as_str()), (1, ""));
    assert!(!ada.home().join("none.csv").exists() && !ada.home().join("none.csv.part").exists());
}

#[test]
fn a_project_token_that_has_ended_is_refreshed_before_the_command() {
    let platform = Platform::start();
    let ada = platform.somebody();
    let path = ada.state().join("default/proj_1.json");
    let mut token: Value =
        serde_json::from_slice(&fs::read(&path).expect("a token")).expect("JSON");
    token["Expires"] = json!("2016-08-28 17:25:31 +0000");
    fs::write(&path, token.to_string()).expect("written");
    ada.does(&["device", "list"]);
    let fresh: Value = serde_json::from_slice(&fs::read(&path).expect("a token")).expect("JSON");
    assert_ne!(fresh["Token"], token["Token"]);
    assert_eq!((&fresh["Admin"], &fresh["project_id"]), (&json!(true), &json!(1)));
    assert!(fresh["Expires"].as_str().expect("a date") > "2026");
}

#[test]
fn people_are_added_to_a_project_by_invite_or_not_at_all() {
    let platform = Platform::start();
    let ada = platform.somebody();
    let code = ada.does(&["invite", "create", "--uses", "2", "--duration", "2w"]).out;
    let grace = Hand::at(platform.address());
    grace.does(&["user", "create", "--email", "grace@example.com", "--invite", code.trim()]);
    assert_eq!(ada.asks(&["invite", "list"])["invites"][0]["uses"], 2);
    let id = grace.asks(&["user", "get"])["user_id"].to_string();
    let added = |rights: &[&str]| {
        let words = [&["project", "add-user", "-userId", &id], rights].concat();
        ada.asks(&words)["change"].clone()
    };
    assert_eq!(added(&["-read", "-write"]), "added");
    assert_eq!(added(&["-read", "-write=true"]), "unchanged");
    assert_eq!(added(&["-read"]), "changed");
    grace.does(&["project", "switch", "-id", "1", "-read"]);
    let refused = grace.try_to(&["device", "create", "--id", "x"]);
    assert_eq!(refused.status, 1);
    assert!(refused.err.contains("yours allows: read"), "{}", refused.err);
    assert_eq!(added(&[]), "removed");
    let table = ada.does(&["project", "permissions"]).out;
    assert_eq!(table.lines().count(), 2, "{table}");
    let invites = ada.asks(&["invite", "list"]);
    ada.does(&["invite", "revoke", "--id", &invites["invites"][0]["invite_id"].to_string()]);
}

#[test]
fn a_password_is_changed_and_the_old_one_is_needed_for_it() {
    let platform = Platform::start();
    let ada = platform.somebody();
    ada.does(&["user", "update", "-password", "another horse battery"]);
    let words = ["user", "login", "-username", "ada@example.com"];
    let refused = ada.try_to(&words);
    assert_eq!(refused.status, 1);
    assert!(refused.err.contains("try: check name and password"), "{}", refused.err);
    let mut command = ada.command(&words);
    let done = command.env("IOBEAM_PASSWORD", "another horse battery").output().expect("it runs");
    assert_eq!(done.status.code(), Some(0));
    let words = ["user", "login", "-username", "ada@example.com", "--password-stdin"];
    assert_eq!(ada.tells(&words, "another horse battery\n").status, 0);
}

#[test]
fn a_refused_batch_is_shown_mended_and_sent_again() {
    let platform = Platform::start();
    let ada = platform.somebody();
    ada.does(&["device", "create", "--id", "d"]);
    ada.does(&["import", "--device", "d", "--fields", "temperature", "--values", "20"]);
    let token = ada.does(&["token", "create", "--write", "--device-id", "d"]).out;
    let client = || {
        let client = iobeam::Client::builder(1, token.trim()).backend(platform.address());
        client.device_id("d").spool(ada.home().join("spool")).build().expect("a client")
    };
    let device = client();
    let store = device.create_data_store(&["temperature"]).expect("a store");
    store.add(device.now(), [("temperature", "21.5")]).expect("it is taken");
    device.send().expect("it is refused and set aside");

    let list = ada.asks(&["spool", "ls", "spool"]);
    assert_eq!(
        (&list["waiting"], &list["rejected"][0]["rows"]),
        (&json!({"in_use": true}), &json!(1))
    );
    let name = list["rejected"][0]["name"].as_str().expect("a name");
    let table = ada.does(&["spool", "ls", "spool"]).out;
    assert!(table.contains("program is running") && table.contains(name), "{table}");
    assert!(table.contains("temperature"), "the reason names the field: {table}");
    drop((store, device));
    assert_eq!(ada.asks(&["spool", "ls", "spool"])["waiting"]["batches"], 0);

    let table = ada.does(&["spool", "show", "spool", "1"]).out;
    assert!(table.contains("temperature  device_id") && table.contains("21.5"), "{table}");
    let mut shown = ada.asks(&["spool", "show", "spool", name]);
    let place = shown["fields"].as_array().expect("fields").iter().position(|f| f == "temperature");
    shown["values"][0][place.expect("it is there")] = json!(21.5);
    let done = ada.tells(&["spool", "resend", "spool", name, "--from", "-"], &shown.to_string());
    assert_eq!(done.status, 0, "{}", done.err);
    assert!(done.out.starts_with("1 batch, 1 row put back"), "{}", done.out);
    assert_eq!(ada.asks(&["spool", "ls", "spool"])["rejected"], json!([]));
    client().send().expect("it is taken");
    let answer = ada.asks(&["sql", "SELECT count(temperature), max(temperature) FROM input"]);
    assert_eq!(answer["result"][0]["values"][0], json!([2, 21.5]));
}

#[test]
fn refused_batches_are_discarded_only_when_that_is_meant() {
    let platform = Platform::start();
    let ada = platform.somebody();
    ada.does(&["device", "create", "--id", "d"]);
    ada.does(&["import", "--device", "d", "--fields", "n", "--values", "1"]);
    let token = ada.does(&["token", "create", "--write", "--device-id", "d"]).out;
    let client = iobeam::Client::builder(1, token.trim()).backend(platform.address());
    let client = client.device_id("d").spool(ada.home().join("spool")).build().expect("a client");
    let store = client.create_data_store(&["n"]).expect("a store");
    for text in ["one", "two"] {
        store.add(client.now(), [("n", text)]).expect("it is taken");
        client.send().expect("it is set aside");
    }
    let asked = ada.try_to(&["spool", "drop", "spool", "--all"]);
    assert_eq!(asked.status, 2);
    assert!(asked.err.contains("--yes"), "{}", asked.err);
    assert_eq!(
        ada.asks(&["spool", "drop", "spool", "2", "--yes"])["dropped"].as_array().map(Vec::len),
        Some(1)
    );
    let sent_again = ada.asks(&["spool", "resend", "spool", "--all"]);
    assert_eq!(sent_again["rows"], 1);
    client.send().expect("it is refused again");
    let done = ada.does(&["spool", "drop", "spool", "--all", "--yes"]);
    assert_eq!(done.out, "1 batch, 1 row discarded\n");
    assert_eq!(ada.try_to(&["spool", "show", "spool", "1"]).status, 1);
}

#[cfg(unix)]
#[test]
fn the_demo_runs_twice_and_stops() {
    /// What the demo left running does not outlive the test, however that ends.
    struct Stops<'a>(&'a Hand);
    impl Drop for Stops<'_> {
        fn drop(&mut self) {
            self.0.try_to(&["demo", "--stop"]);
        }
    }
    let ada = Hand::at("");
    let _stops = Stops(&ada);
    let words = ["demo", "--seconds", "1", "--listen", "127.0.0.1:0", "--json"];
    let first = ada.does(&words).json();
    let server = first["server"].as_str().expect("an address").to_owned();
    assert!(first["rows_sent"].as_u64().expect("a number") >= 4);
    assert!(
        first["latest"].as_array().expect("a list").iter().any(|row| row["field"] == "load_1m")
    );
    assert_eq!(ada.asks(&["spool", "ls", "iobeam-demo/spool/first"])["waiting"]["rows"], 0);
    let web = first["web"].as_str().expect("an address");
    assert!(
        web.starts_with(&server) && web.ends_with(&format!("/boards/{}", first["dashboard_id"]))
    );
    let second = ada.does(&["demo", "--seconds", "1", "--listen", "127.0.0.1:0"]);
    let signs_in = second.out.contains("demo@example.com  password ");
    assert!(
        second.out.contains(web) && signs_in,
        "where to look, and how to sign in: {}",
        second.out
    );
    assert!(second.out.contains(&format!("server running at {server}")), "{}", second.out);
    let mode = |file: &str| {
        use std::os::unix::fs::PermissionsExt;
        let path = ada.home().join("iobeam-demo").join(file);
        fs::metadata(path).expect("it is there").permissions().mode() & 0o777
    };
    assert_eq!((mode(""), mode("demo.json")), (0o700, 0o600));
    let query = ada.command(&["query", "--limit", "1"]).env("IOBEAM_BACKEND", "").output();
    assert_eq!(query.expect("it runs").status.code(), Some(0));
    // What goes on sending has a token that is the project's, writes and does not end. It is made once.
    let project = first["project_id"].to_string();
    let words = ["token", "list", "--project-id", &project, "--json"];
    let tokens = ada.command(&words).env("IOBEAM_BACKEND", "").output().expect("it runs").stdout;
    let tokens: Value = serde_json::from_slice(&tokens).expect("JSON");
    let tokens = tokens["tokens"].as_array().expect("a list");
    let sends: Vec<_> = tokens.iter().filter(|token| token["name"] == "demo").collect();
    assert_eq!(sends.len(), 1, "{tokens:?}");
    let is = |member: &str| sends[0][member].as_bool().expect("a truth");
    assert!(is("write") && !is("read") && !is("admin"), "{}", sends[0]);
    assert_eq!(sends[0]["owner"], "project");
    assert!(sends[0]["expires"].as_str().expect("a date").starts_with("9999-"), "{}", sends[0]);
    assert!(sends[0]["last_used"].is_string(), "{}", sends[0]);
    assert_eq!(ada.asks(&["demo", "--stop"])["stopped"], json!(["sender", "server"]));
    assert_eq!(ada.asks(&["demo", "--stop"])["stopped"], json!([]));
}

#[test]
fn the_doctor_tells_a_running_server_from_a_sound_folder_and_a_damaged_one() {
    let mut platform = Platform::start();
    let ada = platform.somebody();
    let folder = platform.data();
    let dir = folder.to_str().expect("a path").to_owned();
    let busy = ada.try_to(&["doctor", &dir]);
    assert_eq!(busy.status, 2, "{}", busy.err);
    assert!(busy.err.contains("in use by another process"), "{}", busy.err);
    platform.kill();
    let sound = ada.asks(&["doctor", &dir]);
    assert_eq!(sound["sound"], true, "{sound}");
    fs::write(folder.join("receipts/current"), b"no receipts").expect("damaged");
    let found = ada.try_to(&["doctor", &dir]);
    assert_eq!(found.status, 1, "{}", found.out);
    assert!(found.out.contains("its checksum or layout is wrong"), "{}", found.out);
    assert!(found.out.contains("means: no reading is lost"), "{}", found.out);
    let mended = ada.try_to(&["doctor", &dir, "--repair"]);
    assert!(mended.out.contains("1 findings, 1 of them repaired"), "{}", mended.out);
    assert_eq!(ada.try_to(&["doctor", &dir]).status, 0);
}

#[test]
fn showing_the_token_that_is_in_use_issues_none_and_changes_nothing() {
    let platform = Platform::start();
    let ada = platform.somebody();
    let path = ada.state().join("default/proj_1.json");
    let kept = fs::read_to_string(&path).expect("a token");
    let count = || ada.asks(&["token", "list", "--all"])["tokens"].as_array().map(Vec::len);
    let before = count();
    let shown = ada.does(&["project", "token", "--show-token"]).out;
    assert!(kept.contains(shown.trim()), "{shown}");
    assert_eq!(fs::read_to_string(&path).expect("a token"), kept);
    // Without anything that it may do there is no token to fetch, and the one in use stays.
    let refused = ada.try_to(&["project", "token"]);
    assert_eq!(refused.status, 2, "{}", refused.err);
    assert!(refused.err.contains("--read"), "{}", refused.err);
    assert_eq!((fs::read_to_string(&path).expect("a token"), count()), (kept, before));
    ada.does(&["device", "create", "--id", "d"]);
}

#[test]
fn the_operator_sees_to_accounts_and_an_admin_to_tokens_of_those_who_leave() {
    let platform = Platform::start();
    let ada = platform.somebody();
    let code = ada.does(&["invite", "create", "--uses", "2"]).out;
    let grace = Hand::at(platform.address());
    grace.does(&["user", "create", "--email", "grace@example.com", "--invite", code.trim()]);
    let id = grace.asks(&["user", "get"])["user_id"].to_string();
    ada.does(&["project", "add-user", "--user-id", &id, "--read", "--write"]);
    grace.does(&["project", "switch", "--id", "1", "--read"]);
    let refused =
        ada.try_to(&["project", "add-user", "--user-id", &id, "--read", "--tokens", "keep"]);
    assert_eq!(refused.status, 2, "{}", refused.err);
    ada.does(&["project", "add-user", "--user-id", &id, "--tokens", "keep"]);
    let list = ada.asks(&["token", "list", "--project-id", "1"]);
    let kept = list["tokens"].as_array().expect("a list").iter().find(|one| one["review"] == true);
    let number = kept.expect("listed for review")["token_id"].to_string();
    assert!(ada.does(&["token", "list", "--project-id", "1"]).out.contains("project, to review"));
    ada.does(&["token", "keep", "--id", &number]);
    grace.does(&["device", "list"]);
    let made = ada.asks(&["token", "create", "--write", "--device-id", "d"]);
    assert!(made["expires"].as_str().expect("a date").starts_with("9999-"), "{made}");
    assert!(ada.does(&["token", "list", "--project-id", "1"]).out.contains("never"));

    assert!(ada.does(&["user", "list"]).out.contains("grace@example.com"));
    assert_eq!(ada.asks(&["user", "disable", "--id", &id])["changed"], true);
    assert_eq!(grace.try_to(&["whoami"]).status, 1);
    assert_eq!(ada.asks(&["user", "enable", "--id", &id])["changed"], true);
    grace.does(&["user", "login", "--username", "grace@example.com"]);
    grace.does(&["project", "create", "--name", "mill"]);
    let refused = ada.try_to(&["user", "delete", "--id", &id, "--yes"]);
    assert!(refused.err.contains("'mill'") && refused.err.contains("--heir"), "{}", refused.err);
    let own = ada.asks(&["user", "get"])["user_id"].to_string();
    ada.does(&["user", "delete", "--id", &id, "--yes", "--heir", &own]);
    assert!(!ada.does(&["user", "list"]).out.contains("grace"));
    assert!(ada.does(&["project", "list"]).out.contains("mill"));
}

#[test]
fn wrong_data_is_corrected() {
    fn correct<'a>(verb: &[&'a str]) -> Vec<&'a str> {
        [&["namespace"], verb, &["--name", "input"]].concat()
    }
    let platform = Platform::start();
    let ada = platform.somebody();
    ada.does(&["device", "create", "--id", "a", "--name", "a"]);
    for (time, value) in [
        ("1767225600000", "\"unavailable\""),
        ("1767225601000", "\"21.5\""),
        ("1767225602000", "\"-127\""),
    ] {
        let import = ["import", "--device", "a", "--fields", "t", "--time", time, "--values"];
        ada.does(&[&import[..], &[value]].concat());
    }
    let retype = correct(&["retype-field", "--field", "t", "--type", "double"]);
    let unsure = ada.try_to(&retype);
    assert!(unsure.err.contains("--yes"), "{}", unsure.err);
    let done = ada.does(&[&retype[..], &["--yes"]].concat());
    assert!(done.out.contains("'t' is DOUBLE now"), "{}", done.out);
    assert!(done.err.contains("1 values do not convert"), "{}", done.err);
    let list = ada.asks(&correct(&["corrections"]));
    let number = list["corrections"][0]["correction_id"].to_string();
    let kept = ada.asks(&correct(&["quarantine", "--correction", &number]));
    assert_eq!(kept["values"][0]["value"], "unavailable");

    let wrong = correct(&["delete-rows", "--device", "a", "--where", "le(t,-100)"]);
    assert_eq!(ada.asks(&[&wrong[..], &["--dry-run"]].concat())["rows"], 1);
    assert_eq!(ada.asks(&[&wrong[..], &["--yes"]].concat())["rows"], 1);
    assert_ne!(ada.try_to(&correct(&["delete-rows", "--yes"])).status, 0, "it names no row");
    ada.does(&correct(&["rename-field", "--field", "t", "--to", "temperature", "--yes"]));
    ada.does(&correct(&["drop-field", "--field", "temperature", "--yes"]));
    let emptied = ada.does(&correct(&["truncate", "--yes"]));
    assert!(emptied.out.contains("2 rows are deleted"), "{}", emptied.out);
    let fields = ada.asks(&correct(&["get"]))["fields"].clone();
    assert_eq!(fields, json!({"device_id": "STRING"}));
}
