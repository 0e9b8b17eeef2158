//! Each `sh` and `python` block of the documents runs as printed, in the order of its page, against a fresh platform.
//!
//! A page's blocks share one shell session, so a variable set in one is there in the next. A block whose fence says
//! `sh no-run` is for the reader's own machine (starting the platform, using sudo) and is left out.

use std::fs;
use std::path::{Path, PathBuf};

use iobeam_promises::{Block, Platform, blocks, project_root, run_as_reader};

/// The page as one shell script: Python blocks are written to a file and run.
fn script(page: &str, wanted: impl Fn(&str) -> bool) -> String {
    let mut script = String::new();
    for Block { line, language, text } in blocks(page) {
        if !wanted(&language) {
            continue;
        }
        let step = match language.as_str() {
            "sh" => text,
            "python" => {
                format!("cat > page.py <<'END-OF-BLOCK'\n{text}END-OF-BLOCK\npython3 page.py\n")
            }
            _ => continue,
        };
        // The line goes to the error output, so that a failure says where it stands.
        script.extend([format!("echo '--- line {line}' >&2\n"), step]);
    }
    script
}

fn pages(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<_> = fs::read_dir(folder)
        .expect("a folder of documents")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "md"))
        .collect();
    found.sort();
    found
}

fn run(page: &Path) {
    run_blocks(page, |_| true);
}

fn run_blocks(page: &Path, wanted: impl Fn(&str) -> bool) {
    let platform = Platform::start();
    let home = tempfile::tempdir().expect("a home");
    let text = script(&fs::read_to_string(page).expect("a page"), wanted);
    let output = run_as_reader(&platform, home.path(), &text);
    assert!(
        output.status.success(),
        "{}:\n{}\n{}\n{}",
        page.display(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
        platform.log(),
    );
}

#[test]
fn each_page_of_the_tutorial_runs_as_printed() {
    for page in pages(&project_root().join("docs/tutorial")) {
        run(&page);
    }
}

#[test]
fn each_how_to_runs_as_printed() {
    for page in pages(&project_root().join("docs/how-to")) {
        run(&page);
    }
}

#[test]
fn the_guide_and_the_references_run_as_printed() {
    for folder in ["docs/guide", "docs/reference"] {
        for page in pages(&project_root().join(folder)) {
            let text = fs::read_to_string(&page).expect("a page");
            // Their Python is the package's, whose own tests run it.
            if blocks(&text).iter().any(|block| block.language == "sh") {
                run_blocks(&page, |language| language == "sh");
            }
        }
    }
}

#[test]
fn a_variable_that_no_block_sets_is_not_set() {
    let platform = Platform::start();
    let home = tempfile::tempdir().expect("a home");
    for unset in ["IOBEAM_BACKEND", "IOBEAM_TOKEN", "IOBEAM_PROJECT", "IOBEAM_PASSWORD", "TOKEN"] {
        let output = run_as_reader(&platform, home.path(), &format!("echo \"${unset}\"\n"));
        assert!(!output.status.success(), "{unset} is set");
    }
    let output = run_as_reader(&platform, home.path(), "curl -sf http://127.0.0.1:8420/health\n");
    assert!(output.status.success(), "the address that documents print is the platform's");
}

#[test]
fn blocks_are_found_with_their_lines() {
    let page = "# A\n\n```sh\necho 1\n```\n\n```sh no-run\nrm -r /\n```\n";
    let found = blocks(page);
    assert_eq!((found.len(), found[0].line, found[0].text.as_str()), (2, 4, "echo 1\n"));
    assert!(!script(page, |_| true).contains("rm -r"));
}
