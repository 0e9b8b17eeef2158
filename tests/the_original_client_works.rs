//! The original Python client, as it lies in the package index, works unmodified: it registers, sends and asks, and what it
//! sent comes back the same from each way of asking, also after a crash.

use std::process::Command;

use iobeam_promises::{Account, Platform, program, project_root, python_with};
use serde_json::{Value as Json, json};

/// The last release of the original, and the newest of its dependency that it gets on with.
const PACKAGES: [&str; 2] = ["iobeam==0.11.0", "pyjwt<2.11"];

#[test]
fn what_the_original_client_sends_comes_back_from_each_way_of_asking() {
    let mut platform = Platform::start();
    let account = platform.account();
    let told = run_original(&platform, &account);
    assert!(told["generated"].is_string(), "{told}");

    check_every_way_of_asking(&platform, &account);
    platform.kill();
    platform.restart();
    check_every_way_of_asking(&platform, &account);
}

fn run_original(platform: &Platform, account: &Account) -> Json {
    let output = Command::new(python_with("original-client", &PACKAGES))
        .arg(project_root().join("tests/python/original_client.py"))
        .env("BACKEND", format!("{}/v1/", platform.base()))
        .env("PROJECT_ID", account.project.to_string())
        .env("PROJECT_TOKEN", &account.token)
        .output()
        .expect("python runs");
    let printed = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{printed}\n{complaint}\n{}", platform.log());
    serde_json::from_str(&printed).expect("the script prints JSON")
}

fn check_every_way_of_asking(platform: &Platform, account: &Account) {
    // Newest first, null where nothing was sent.
    let expected = json!([
        [1_427_316_490_000_000_i64, "seed-device", -1.0, null],
        [1_427_316_489_123_457_i64, "seed-device", 50.5, 0.1 + 0.2],
        [1_427_316_488_124_000_i64, "seed-device", null, 22.5],
        [1_427_316_488_123_000_i64, "seed-device", 50.0, 22.23],
    ]);
    let range = "time=1427316488000,1427316490000";

    // The query call.
    let path = format!(
        "/v1/data/input/all?{range}&where=eq(device_id,seed-device)&timefmt=usec&limit=100"
    );
    let reply = platform.get(&path, Some(&account.token));
    let rows =
        pick(&reply.expect_status(200).body, &["time", "device_id", "humidity", "temperature"]);
    assert_same(&measured(rows), &expected);

    // SQL.
    let sql = "SELECT time, device_id, humidity, temperature FROM input \
        WHERE device_id = 'seed-device' AND time < $1 AND (humidity IS NOT NULL OR temperature IS NOT NULL) \
        ORDER BY time DESC";
    let body = json!({"query": sql, "params": ["2015-04-01T00:00:00Z"]});
    let reply = platform.post("/v1/sql?timefmt=usec", Some(&account.token), &body);
    assert_same(&reply.expect_status(200).body["result"][0]["values"], &expected);

    // The command line.
    let home = tempfile::tempdir().expect("a home");
    command(platform, &home, &["user", "login", "-username", "ada@example.com"]);
    command(platform, &home, &["project", "token", "-id", &account.project.to_string(), "-read"]);
    let printed = command(
        platform,
        &home,
        &["query", "-time=1427316488000,1427316490000", "-limit=100", "-timeFmt=usec", "--json"],
    );
    let reply: Json = serde_json::from_str(&printed).expect("JSON was asked for");
    let rows = pick(&reply, &["time", "device_id", "humidity", "temperature"]);
    assert_same(&measured(rows), &expected);

    // Texts and truths, and the thousand rows that went in three requests.
    let reply = platform.get("/v1/data/input/note", Some(&account.token));
    let note = &reply.expect_status(200).body["result"][0]["values"];
    assert_eq!(*note, json!([[1_427_316_488_125_i64, "wet <b>&amp;</b> \u{fc}\u{4e2d}"]]));
    let body =
        json!({"query": "SELECT count(*), sum(a), min(c), max(b) FROM input WHERE a IS NOT NULL"});
    let reply = platform.post("/v1/sql", Some(&account.token), &body);
    let values = &reply.expect_status(200).body["result"][0]["values"];
    assert_same(values, &json!([[1000, 499_500.0, -999.0, 999.0 / 7.0]]));
}

/// The columns of these names from a reply of the query call.
fn pick(reply: &Json, names: &[&str]) -> Vec<Json> {
    let result = &reply["result"][0];
    let fields = result["fields"].as_array().expect("fields");
    let place = |name: &&str| fields.iter().position(|f| f == name).expect("the field");
    let places: Vec<_> = names.iter().map(place).collect();
    let rows = result["values"].as_array().expect("values").iter();
    rows.map(|row| places.iter().map(|place| row[*place].clone()).collect()).collect()
}

/// The rows with a temperature or a humidity: others were sent at the same moments.
fn measured(rows: Vec<Json>) -> Json {
    rows.into_iter().filter(|row| !(row[2].is_null() && row[3].is_null())).collect()
}

/// Equal, where `50` and `50.0` are one number, and not a bit less.
fn assert_same(found: &Json, expected: &Json) {
    fn normal(json: &Json) -> Json {
        match json {
            Json::Array(items) => items.iter().map(normal).collect(),
            Json::Number(number) => {
                number.as_f64().map_or(Json::Null, |n| json!(n.to_bits().to_string()))
            }
            other => other.clone(),
        }
    }
    assert_eq!(normal(found), normal(expected), "{found} is not {expected}");
}

fn command(platform: &Platform, home: &tempfile::TempDir, arguments: &[&str]) -> String {
    let output = Command::new(program())
        .args(arguments)
        .env("HOME", home.path())
        .env("IOBEAM_BACKEND", platform.base())
        .env("IOBEAM_PASSWORD", "correct horse battery")
        .output()
        .expect("the program runs");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "iobeam {arguments:?}: {complaint}\n{}", platform.log());
    String::from_utf8(output.stdout).expect("text")
}
