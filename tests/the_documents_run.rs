//! Each `sh` and `python` block of the documents runs as printed, in the order of its page, against a fresh platform.
//!
//! A page's blocks share one shell session, so a variable set in one is there in the next. A block whose fence says
//! `sh no-run` is for the reader's own machine (starting the platform, using sudo) and is left out.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use iobeam_promises::{Platform, program, project_root};

/// One fenced block.
struct Block {
    line: usize,
    language: String,
    text: String,
}

fn blocks(page: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut open: Option<Block> = None;
    for (number, line) in page.lines().enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (Some(_), Some(_)) => found.extend(open.take()),
            (Some(block), None) => block.text.extend([line, "\n"]),
            (None, Some(language)) => {
                open = Some(Block {
                    line: number + 2,
                    language: language.to_owned(),
                    text: String::new(),
                });
            }
            (None, None) => {}
        }
    }
    found
}

/// The page as one shell script: Python blocks are written to a file and run.
fn script(page: &str) -> String {
    let mut script = "set -euo pipefail\n".to_owned();
    for Block { line, language, text } in blocks(page) {
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
    let platform = Platform::start();
    let home = tempfile::tempdir().expect("a home");
    // The command goes by its own name, wherever it was built.
    let commands = home.path().join("bin");
    fs::create_dir(&commands).expect("a folder for the command");
    symlink(program(), commands.join("iobeam")).expect("a link to the command");
    let path = format!("{}:{}", commands.display(), std::env::var("PATH").expect("PATH"));
    let mut shell = Command::new("bash")
        .current_dir(home.path())
        .env("PATH", path)
        .env("HOME", home.path())
        .env("IOBEAM_BACKEND", platform.base())
        .env("IOBEAM_PASSWORD", "correct horse battery")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("bash");
    let text = script(&fs::read_to_string(page).expect("a page"));
    shell.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("bash listens");
    let output = shell.wait_with_output().expect("bash ends");
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
fn blocks_are_found_with_their_lines() {
    let page = "# A\n\n```sh\necho 1\n```\n\n```sh no-run\nrm -r /\n```\n";
    let found = blocks(page);
    assert_eq!((found.len(), found[0].line, found[0].text.as_str()), (2, 4, "echo 1\n"));
    assert!(!script(page).contains("rm -r"));
}
