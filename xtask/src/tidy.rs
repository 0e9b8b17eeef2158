//! Keeps the house in order: arrows between modules point one way, and the map names what exists.
//!
//! ```text
//! lib.rs:  mod writer; mod wal; mod error;      writer ─▶ wal ─▶ error      a `crate::writer` in wal.rs is refused
//! ```
//!
//! The order of the `mod` lines in a crate's root is the order of its stations, highest first. A module may name
//! those declared after it. Reads text, not syntax: a `crate::x` in a comment counts, which does no harm.

use std::fs;
use std::path::{Path, PathBuf};

/// Each complaint is one line: where, and what to do.
pub(crate) fn check(root: &Path) -> Vec<String> {
    let mut complaints = Vec::new();
    for folder in crate_folders(root) {
        check_arrows(&folder, &mut complaints);
    }
    check_map(root, &mut complaints);
    check_install_commands(root, &mut complaints);
    complaints
}

fn crate_folders(root: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<_> = entries(&root.join("crates"));
    folders.push(root.join("xtask"));
    folders.retain(|folder| folder.join("Cargo.toml").exists());
    folders
}

fn check_arrows(folder: &Path, complaints: &mut Vec<String>) {
    for root_file in ["src/lib.rs", "src/main.rs"].map(|file| folder.join(file)) {
        let Ok(text) = fs::read_to_string(&root_file) else { continue };
        let order = declared_modules(&text);
        for (place, module) in order.iter().enumerate() {
            for file in files_of(&folder.join("src"), module) {
                let Ok(text) = fs::read_to_string(&file) else { continue };
                check_header(&file, &text, complaints);
                for (line, named) in crate_arrows(&text) {
                    let Some(target) = order.iter().position(|other| *other == named) else {
                        continue;
                    };
                    if target < place {
                        complaints.push(format!(
                            "{}:{line}: `{module}` may not name `{named}`, which stands before it in {}",
                            file.display(),
                            root_file.display(),
                        ));
                    }
                }
            }
        }
    }
}

fn check_header(file: &Path, text: &str, complaints: &mut Vec<String>) {
    let is_test = file.file_stem().is_some_and(|stem| stem == "tests");
    if !is_test && !text.starts_with("//!") && !text.starts_with("#![doc") {
        complaints
            .push(format!("{}:1: a module opens with a `//!` header: what it is", file.display()));
    }
}

/// The names of `mod x;` lines, in their order; tests do not count.
fn declared_modules(text: &str) -> Vec<String> {
    let lines = text.lines().filter_map(|line| {
        let line = line.strip_prefix("pub(crate) ").or(line.strip_prefix("pub ")).unwrap_or(line);
        line.strip_prefix("mod ")?.strip_suffix(';').map(ToOwned::to_owned)
    });
    lines.filter(|name| name != "tests").collect()
}

/// Line numbers and names of `crate::name`.
fn crate_arrows(text: &str) -> Vec<(usize, String)> {
    let mut arrows = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for after in line.split("crate::").skip(1) {
            let names = after
                .strip_prefix('{')
                .map_or(after, |list| list.split('}').next().unwrap_or(list));
            for name in names.split([',', ' ']) {
                let end =
                    name.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(name.len());
                if end > 0 {
                    arrows.push((number + 1, name[..end].to_owned()));
                }
                if !after.starts_with('{') {
                    break;
                }
            }
        }
    }
    arrows
}

fn files_of(source: &Path, module: &str) -> Vec<PathBuf> {
    let mut files = vec![source.join(format!("{module}.rs"))];
    let mut folders = vec![source.join(module)];
    while let Some(folder) = folders.pop() {
        for entry in entries(&folder) {
            if entry.is_dir() {
                folders.push(entry);
            } else if entry.extension().is_some_and(|ending| ending == "rs") {
                files.push(entry);
            }
        }
    }
    files.retain(|file| file.exists());
    files
}

/// Each file or folder that ARCHITECTURE.md names between backticks, with a slash in it, exists.
fn check_map(root: &Path, complaints: &mut Vec<String>) {
    let Ok(map) = fs::read_to_string(root.join("ARCHITECTURE.md")) else {
        complaints.push("ARCHITECTURE.md is missing".to_owned());
        return;
    };
    let mut in_code = false;
    for (number, line) in map.lines().enumerate() {
        if line.starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        for named in line.split('`').skip(1).step_by(2) {
            let looks_like_a_path = [
                "crates/",
                "tests/",
                "docs/",
                "xtask/",
                "fuzz/",
                "bench/",
                "python/",
                "web/",
                "examples/",
            ]
            .iter()
            .any(|top| named.starts_with(top));
            if looks_like_a_path && !named.contains(['*', '{', '<']) && !root.join(named).exists() {
                complaints
                    .push(format!("ARCHITECTURE.md:{}: `{named}` does not exist", number + 1));
            }
        }
    }
}

/// Where people, and what is printed for them, read how to install something.
const READ_BY_PEOPLE: [&str; 8] =
    ["README.md", "CHANGELOG.md", "docs", "examples", "python", "web/src", "web/e2e", "crates"];

/// The package index has another package under our name: it sends readings, and the project's token with them, to a host
/// that is not the reader's. So no text says to install it by its bare name.
fn check_install_commands(root: &Path, complaints: &mut Vec<String>) {
    let mut open: Vec<_> = READ_BY_PEOPLE.iter().map(|name| root.join(name)).collect();
    let made = ["node_modules", "target", "dist", ".venvs", "__pycache__"];
    while let Some(path) = open.pop() {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if !made.contains(&&*name) {
                open.extend(entries(&path));
            }
            continue;
        }
        let Ok(text) = fs::read_to_string(&path) else { continue };
        for line in bare_installs(&text) {
            complaints.push(format!(
                "{}:{line}: `pip install` of our name without a version is another package; say ./python, or pin the \
                 original with ==0.11.0",
                path.display()
            ));
        }
    }
}

/// The lines on which `pip install` is told our bare name, from 1.
fn bare_installs(text: &str) -> Vec<usize> {
    let is_bare = |line: &str| {
        line.split("pip install").skip(1).any(|rest| {
            let command = rest.split(['&', ';', '#', '`', '|', ')']).next().unwrap_or_default();
            let words = command.split_whitespace();
            let words = words.map(|word| word.trim_matches(['\'', '"', ',', '.', '\\']));
            words.map(|word| word.split('[').next().unwrap_or(word)).any(|word| word == "iobeam")
        })
    };
    let lines = text.lines().enumerate().filter(|(_, line)| is_bare(line));
    lines.map(|(number, _)| number + 1).collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<_> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrows_are_found_alone_and_in_lists() {
        let text = "use crate::wal::Wal;\nuse crate::{error, memtable::Chunk};\n";
        let expected = [(1, "wal"), (2, "error"), (2, "memtable")];
        assert_eq!(crate_arrows(text), expected.map(|(line, name)| (line, name.to_owned())));
    }

    #[test]
    fn our_bare_name_is_found_in_whatever_way_it_is_installed() {
        let name = "iobeam";
        for bare in [
            format!("pip install {name}"),
            format!("    pip install --upgrade psutil {name}  # both"),
            format!("python -m pip install '{name}'"),
            format!("Say `pip install {name}`, then"),
            format!("pip install \"{name}[pandas]\""),
        ] {
            assert_eq!(bare_installs(&format!("a\n{bare}\n")), [2], "{bare}");
        }
        for fine in [
            "pip install iobeam==0.11.0 'pyjwt<2.11'",
            "pip install ./python",
            "pip install psutil # iobeam",
        ] {
            assert_eq!(bare_installs(fine), [0_usize; 0], "{fine}");
        }
    }

    #[test]
    fn the_order_is_that_of_the_mod_lines() {
        let text = "pub mod writer;\n\nmod wal;\npub(crate) mod error;\n#[cfg(test)]\nmod tests;\n";
        assert_eq!(declared_modules(text), ["writer", "wal", "error"]);
    }

    #[test]
    fn an_arrow_that_points_back_is_refused_with_its_place() {
        let folder = std::env::temp_dir().join(format!("tidy-{}", std::process::id()));
        let source = folder.join("src");
        fs::create_dir_all(&source).expect("a folder");
        fs::write(source.join("lib.rs"), "mod a;\nmod b;\n").expect("written");
        fs::write(source.join("a.rs"), "//! A.\nuse crate::b;\n").expect("written");
        fs::write(source.join("b.rs"), "//! B.\n\nuse crate::a;\n").expect("written");
        let mut complaints = Vec::new();
        check_arrows(&folder, &mut complaints);
        fs::remove_dir_all(&folder).expect("removed");
        assert_eq!(complaints.len(), 1, "{complaints:?}");
        assert!(complaints[0].contains("b.rs:3: `b` may not name `a`"), "{complaints:?}");
    }
}
