//! The documents of the project, and those of its crates, name only what exists.

use std::fs;
use std::path::Path;

use super::files::package_folders;

/// The documents of the project itself.
pub(super) const DOCUMENTS: [&str; 4] =
    ["README.md", "CONTRIBUTING.md", "SECURITY.md", "ARCHITECTURE.md"];

/// How paths from the root begin.
const TOPS: [&str; 9] =
    ["crates/", "tests/", "docs/", "xtask/", "fuzz/", "bench/", "python/", "web/", "examples/"];

/// How paths begin that are told from the folder of a package.
const TOPS_OF_A_PACKAGE: [&str; 4] = ["src/", "tests/", "examples/", "benches/"];

/// Packages that are no members of the workspace, and have a README.
const OTHER_PACKAGES: [&str; 2] = ["fuzz", "web"];

/// Each file or folder that a document names between backticks exists, from the root or from the document's own folder.
pub(super) fn check(root: &Path, complaints: &mut Vec<String>) {
    for document in DOCUMENTS {
        check_document(root, root, document, &TOPS, complaints);
    }
    let tops = [&TOPS[..], &TOPS_OF_A_PACKAGE].concat();
    let others = OTHER_PACKAGES.map(|name| root.join(name));
    for folder in package_folders(root).into_iter().chain(others) {
        if folder.join("README.md").exists() {
            check_document(root, &folder, "README.md", &tops, complaints);
        }
    }
}

fn check_document(
    root: &Path,
    folder: &Path,
    document: &str,
    tops: &[&str],
    complaints: &mut Vec<String>,
) {
    let path = folder.join(document);
    let Ok(text) = fs::read_to_string(&path) else {
        complaints.push(format!("{} is missing", path.display()));
        return;
    };
    for (line, named) in paths(&text, tops) {
        if !root.join(named).exists() && !folder.join(named).exists() {
            let document = path.strip_prefix(root).unwrap_or(&path).display();
            complaints.push(format!("{document}:{line}: `{named}` does not exist"));
        }
    }
}

/// What looks like a path between backticks, with its line from 1. Blocks of code do not count.
fn paths<'t>(text: &'t str, tops: &[&str]) -> Vec<(usize, &'t str)> {
    let mut found = Vec::new();
    let mut in_code = false;
    for (number, line) in text.lines().enumerate() {
        if line.starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        for named in line.split('`').skip(1).step_by(2) {
            let looks_like_a_path = tops.iter().any(|top| named.starts_with(top));
            if looks_like_a_path && !named.contains(['*', '{', '<', ' ']) {
                found.push((number + 1, named));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_does_not_exist_is_refused_in_each_document() {
        let root = std::env::temp_dir().join(format!("tidy-map-{}", std::process::id()));
        let package = root.join("crates").join("a");
        fs::create_dir_all(package.join("src")).expect("a folder");
        fs::write(package.join("Cargo.toml"), "").expect("written");
        fs::write(package.join("src/lib.rs"), "").expect("written");
        let text = "`crates/a`, `iobeam serve`\n```\n`crates/b`\n```\n`crates/c/*`, `crates/d`\n";
        for document in DOCUMENTS {
            fs::write(root.join(document), text).expect("written");
        }
        let others = OTHER_PACKAGES.map(|name| root.join(name));
        for folder in &others {
            fs::create_dir_all(folder).expect("a folder");
        }
        for folder in others.iter().chain([&package]) {
            let text = "`crates/a/src/lib.rs`, `crates/a/src`, `src/b.rs`\n";
            fs::write(folder.join("README.md"), text).expect("written");
        }
        let mut complaints = Vec::new();
        check(&root, &mut complaints);
        fs::remove_dir_all(&root).expect("removed");
        let of_project = DOCUMENTS.map(|name| format!("{name}:5: `crates/d` does not exist"));
        let of_packages = ["crates/a", "fuzz", "web"]
            .map(|folder| format!("{folder}/README.md:1: `src/b.rs` does not exist"));
        assert_eq!(complaints, [&of_project[..], &of_packages].concat());
    }
}
