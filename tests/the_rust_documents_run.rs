//! The Rust blocks of the documents are a program that runs, against a fresh platform.

use std::fs;

use iobeam_promises::{Platform, project_root, run_as_reader};

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
fn the_program_runs_in_the_environment_that_its_page_makes() {
    for page in PAGES {
        let platform = Platform::start();
        let home = tempfile::tempdir().expect("a home");
        let text = fs::read_to_string(project_root().join(page)).expect("a page");
        let found = iobeam_promises::blocks(&text);
        let steps = found.iter().filter(|block| block.language == "sh");
        let mut script: String = steps.map(|block| block.text.as_str()).collect();
        script.extend([env!("CARGO_BIN_EXE_guide"), " ", page, "\n"]);
        script.push_str("iobeam sql 'SELECT count(*) FROM input' --format csv\n");
        let done = run_as_reader(&platform, home.path(), &script);
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{page}: {said}\n{}", platform.log());
        let rows = String::from_utf8_lossy(&done.stdout).lines().last().map(str::to_owned);
        assert_ne!(rows.as_deref(), Some("0"), "{page}: nothing arrived\n{said}");
    }
}
