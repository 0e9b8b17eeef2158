//! Modules depend on each other in one direction, at each depth.
//!
//! ```text
//! lib.rs:  mod writer; mod wal; mod error;      writer ─▶ wal ─▶ error      `crate::writer` in wal.rs is refused
//! ```
//!
//! The order of the `mod` lines in a file is the order of its modules, highest first. A module may name those of its
//! siblings that are declared after it, and so may whatever it holds. Reads text, not syntax: a path in a comment
//! counts, which does no harm.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A module by the names that lead to it from the root of its crate.
type ModulePath = Vec<String>;

/// A module's file, and the modules that it declares.
struct Module {
    file: PathBuf,
    text: String,
    children: Vec<String>,
}

/// Complains of each name that points back, and of each module that does not say what it is.
pub(super) fn check(folder: &Path, complaints: &mut Vec<String>) {
    for root in ["src/lib.rs", "src/main.rs"].map(|file| folder.join(file)) {
        let modules = modules_of(&root);
        let mut paths: Vec<_> = modules.keys().collect();
        paths.sort();
        for path in paths {
            let module = &modules[path];
            check_header(&module.file, &module.text, complaints);
            for (line, named) in names(&module.text, path) {
                if let Some((before, after, parent)) = points_back(&modules, path, &named) {
                    complaints.push(format!(
                        "{}:{line}: `{before}` may not name `{after}`, which stands before it in {}",
                        module.file.display(),
                        parent.display(),
                    ));
                }
            }
        }
    }
}

fn check_header(file: &Path, text: &str, complaints: &mut Vec<String>) {
    if !text.starts_with("//!") && !text.starts_with("#![doc") {
        complaints
            .push(format!("{}:1: a module opens with a `//!` header: what it is", file.display()));
    }
}

/// All modules of a crate that have a file of their own; tests do not count.
fn modules_of(root: &Path) -> HashMap<ModulePath, Module> {
    let mut modules = HashMap::new();
    let Some(source) = root.parent() else { return modules };
    let mut open = vec![(ModulePath::new(), root.to_path_buf())];
    while let Some((path, file)) = open.pop() {
        let Ok(text) = fs::read_to_string(&file) else { continue };
        let children = declared_modules(&text);
        let folder = path.iter().fold(source.to_path_buf(), |folder, name| folder.join(name));
        for name in &children {
            let plain = folder.join(format!("{name}.rs"));
            let inner = folder.join(name).join("mod.rs");
            let child = [path.clone(), vec![name.clone()]].concat();
            open.push((child, if plain.exists() { plain } else { inner }));
        }
        modules.insert(path, Module { file, text, children });
    }
    modules
}

/// The names of `mod x;` lines, in their order; tests do not count.
fn declared_modules(text: &str) -> Vec<String> {
    let lines = text.lines().filter_map(|line| {
        let line = line.strip_prefix("pub").map_or(line, |rest| {
            let rest = rest
                .strip_prefix('(')
                .and_then(|rest| rest.split_once(')'))
                .map_or(rest, |(_, rest)| rest);
            rest.trim_start()
        });
        line.strip_prefix("mod ")?.strip_suffix(';').map(ToOwned::to_owned)
    });
    lines.filter(|name| name != "tests").collect()
}

/// Line and path from the crate's root of what a module names by `crate::` or `super::`.
fn names(text: &str, module: &[String]) -> Vec<(usize, ModulePath)> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        // A module written within the file has another parent.
        if line == "mod tests {" {
            break;
        }
        for (start, rest) in starts(line, module) {
            for tail in paths_of(rest) {
                found.push((number + 1, [start.clone(), tail].concat()));
            }
        }
    }
    found
}

/// Where paths begin in a line: the module that they begin at, and the text after it.
fn starts<'a>(line: &'a str, module: &[String]) -> Vec<(ModulePath, &'a str)> {
    let mut found: Vec<_> =
        line.split("crate::").skip(1).map(|rest| (ModulePath::new(), rest)).collect();
    let mut rest = line;
    while let Some(at) = rest.find("super::") {
        let mut levels = 0;
        rest = &rest[at..];
        while let Some(after) = rest.strip_prefix("super::") {
            levels += 1;
            rest = after;
        }
        if let Some(depth) = module.len().checked_sub(levels) {
            found.push((module[..depth].to_vec(), rest));
        }
    }
    found
}

/// The paths at the beginning of a text: `a::b::C` is one, `a::{b, c::D}` is two.
fn paths_of(text: &str) -> Vec<ModulePath> {
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
    if let Some(list) = text.strip_prefix('{') {
        return parts(list).into_iter().flat_map(paths_of).collect();
    }
    if end == 0 {
        return Vec::new();
    }
    let name = text[..end].to_owned();
    let below = text[end..].strip_prefix("::").map(paths_of).unwrap_or_default();
    if below.is_empty() {
        return vec![vec![name]];
    }
    below.into_iter().map(|tail| [vec![name.clone()], tail].concat()).collect()
}

/// The parts of a list up to its closing brace, or to the end of the line, without the lists within.
fn parts(list: &str) -> Vec<&str> {
    let (mut depth, mut from, mut found) = (0_usize, 0, Vec::new());
    for (at, character) in list.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => {
                found.push(list[from..at].trim());
                return found;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                found.push(list[from..at].trim());
                from = at + 1;
            }
            _ => {}
        }
    }
    found.push(list[from..].trim());
    found
}

/// If what a module names stands before it: the two siblings that it is about, and the file that orders them.
fn points_back<'a>(
    modules: &'a HashMap<ModulePath, Module>,
    from: &[String],
    named: &[String],
) -> Option<(String, String, &'a Path)> {
    let common = from.iter().zip(named).take_while(|(a, b)| a == b).count();
    let (own, other) = (from.get(common)?, named.get(common)?);
    let parent = modules.get(&from[..common])?;
    let place = |name| parent.children.iter().position(|child| child == name);
    (place(other)? < place(own)?).then(|| (own.clone(), other.clone(), parent.file.as_path()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(path: &str) -> ModulePath {
        path.split("::").filter(|name| !name.is_empty()).map(ToOwned::to_owned).collect()
    }

    #[test]
    fn names_are_found_alone_in_lists_and_from_the_parent() {
        let text = "use crate::wal::Wal;\nuse crate::{error, lake::{delta, files::File}};\nuse super::super::a;\nlet b = super::b::c();\n";
        let found = names(text, &at("lake::parquet::page"));
        let expected = [
            (1, "wal::Wal"),
            (2, "error"),
            (2, "lake::delta"),
            (2, "lake::files::File"),
            (3, "lake::a"),
            (4, "lake::parquet::b::c"),
        ];
        assert_eq!(found, expected.map(|(line, path)| (line, at(path))));
    }

    #[test]
    fn the_order_is_that_of_the_mod_lines() {
        let text = "pub mod writer;\n\nmod wal;\npub(crate) mod error;\n#[cfg(test)]\nmod tests;\n";
        assert_eq!(declared_modules(text), ["writer", "wal", "error"]);
    }

    #[test]
    fn a_name_that_points_back_is_refused_at_each_depth() {
        let folder = std::env::temp_dir().join(format!("tidy-{}", std::process::id()));
        let source = folder.join("src");
        fs::create_dir_all(source.join("b")).expect("a folder");
        for (file, text) in [
            ("lib.rs", "//! It.\nmod a;\nmod b;\n"),
            ("a.rs", "//! A.\nuse crate::b;\n"),
            ("b.rs", "//! B.\n\nmod c;\nmod d;\nuse crate::a;\n"),
            ("b/c.rs", "//! C.\nuse super::d;\n"),
            ("b/d.rs", "//! D.\nuse super::{c::C, E};\n"),
        ] {
            fs::write(source.join(file), text).expect("written");
        }
        let mut complaints = Vec::new();
        check(&folder, &mut complaints);
        fs::remove_dir_all(&folder).expect("removed");
        assert_eq!(complaints.len(), 2, "{complaints:?}");
        assert!(complaints[0].contains("b.rs:5: `b` may not name `a`"), "{complaints:?}");
        assert!(complaints[1].contains("d.rs:2: `d` may not name `c`"), "{complaints:?}");
    }
}
