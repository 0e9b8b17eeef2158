//! An answer is right: random questions about the same rows get the same answers from DuckDB, while rows come in and are
//! flushed and merged.

use std::process::Command;

use iobeam_promises::{Platform, asked, project_root, python_with};
use serde_json::Value as Json;

/// The peer, as it lies in the package index.
const PACKAGES: [&str; 1] = ["duckdb==2.0.0"];
/// Questions asked; `IOBEAM_QUESTIONS` asks more, and `IOBEAM_SEED` others.
const QUESTIONS: u64 = 300;

#[test]
fn random_questions_get_the_answers_that_duckdb_gives() {
    let seed = asked("IOBEAM_SEED").unwrap_or(1);
    let questions = asked("IOBEAM_QUESTIONS").unwrap_or(QUESTIONS);
    // Small thresholds, so that answers come from memory and from files of many ages.
    let platform = Platform::start_with(&["--flush-size", "65536", "--flush-age", "1s"]);
    let account = platform.account();
    let output = Command::new(python_with("duckdb", &PACKAGES))
        .arg(project_root().join("tests/python/agree_with_duckdb.py"))
        .env("BACKEND", platform.base())
        .env("PROJECT_ID", account.project.to_string())
        .env("PROJECT_TOKEN", &account.token)
        .env("SEED", seed.to_string())
        .env("QUESTIONS", questions.to_string())
        .output()
        .expect("python runs");
    let printed = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{printed}\n{complaint}\n{}", platform.log());
    let told: Json = serde_json::from_str(&printed).expect("the script prints JSON");
    assert_eq!(told["asked"], questions, "{told}");
    eprintln!("questions: {told}; answered differently 0");
}
