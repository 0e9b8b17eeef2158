//! The API does what its OpenAPI document says: requests made from the document, sound ones and broken ones, are never
//! answered with a server error, nor in a way that the document does not know.

use std::process::Command;

use iobeam_promises::{Platform, asked, python_with};

/// The tool that reads the document and makes the requests.
const TOOL: &str = "schemathesis==4.32.5";

/// Random requests of each call, unless asked otherwise by `IOBEAM_EXAMPLES`.
const EXAMPLES: u64 = 15;

#[test]
fn requests_made_from_the_document_are_answered_as_it_says() {
    let platform = Platform::start_with(&["--login-attempts", "1000000"]);
    let account = platform.account();
    let examples = asked("IOBEAM_EXAMPLES").unwrap_or(EXAMPLES).to_string();
    for (who, token) in [("a user", &account.user_token), ("a project", &account.token)] {
        let output = Command::new(python_with("document", &[TOOL]).with_file_name("schemathesis"))
            .args(["run", &format!("{}/v1/openapi.json", platform.base())])
            .args(["--header", &format!("Authorization: Bearer {token}")])
            .args(["--checks", "not_a_server_error,status_code_conformance"])
            .args(["--checks", "content_type_conformance,response_schema_conformance"])
            .args(["--phases", "examples,coverage,fuzzing", "--max-examples", &examples])
            // The seed makes a failure repeatable; the tool prints the request as a curl command.
            .args(["--seed", "1", "--request-timeout", "20", "--workers", "1", "--no-color"])
            // The tokens of this very run must live.
            .args(["--exclude-path", "/v1/tokens/{token_id}"])
            // What it answers goes on until somebody ends it.
            .args(["--exclude-path", "/v1/live"])
            // So must the project.
            .args(["--exclude-operation-id", "delete_project"])
            .current_dir(std::env::temp_dir())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .output()
            .expect("the tool runs");
        let printed = String::from_utf8_lossy(&output.stdout);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "as {who}:\n{printed}\n{complaint}");
    }
    platform.get("/health", None).expect_status(200);
}
