//! The Rust blocks of the documents are a program that runs, against a fresh platform.

use std::fs;
use std::process::Command;

use iobeam_promises::{Platform, project_root};

const PAGES: [&str; 3] =
    ["docs/guide/adding-data.md", "docs/tutorial/python.md", "docs/how-to/offline.md"];

/// Code as it is compared: how its lines are laid out is the formatter's.
fn bare(code: &str) -> String {
    let text: String = code.split_whitespace().collect();
    text.replace(",)", ")").replace(",]", "]").replace(",}", "}")
}

/// The Rust blocks of a page.
fn blocks(page: &str) -> Vec<&str> {
    let parts = page.split("```rust\n").skip(1);
    parts.filter_map(|part| part.split("```").next()).collect()
}

#[test]
fn each_rust_block_of_the_documents_stands_in_the_program() {
    let program = bare(include_str!("src/bin/guide.rs"));
    for name in PAGES {
        let page = fs::read_to_string(project_root().join(name)).expect("a page");
        let blocks = blocks(&page);
        assert!(blocks.len() > 2, "{name} has hardly any Rust");
        for block in blocks {
            assert!(program.contains(&bare(block)), "{name}: not in guide.rs:\n{block}");
        }
    }
}

#[test]
fn the_program_runs_against_a_platform() {
    for page in PAGES {
        let platform = Platform::start();
        let account = platform.account();
        let folder = tempfile::tempdir().expect("a folder");
        let done = Command::new(env!("CARGO_BIN_EXE_guide"))
            .arg(page)
            .current_dir(folder.path())
            .env("IOBEAM_BACKEND", platform.base())
            .env("IOBEAM_PROJECT", account.project.to_string())
            .env("IOBEAM_TOKEN", &account.token)
            .output()
            .expect("it runs");
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{page}: {said}\n{}", platform.log());
        assert!(!platform.rows(&account).1.is_empty(), "{page}: nothing arrived\n{said}");
    }
}
