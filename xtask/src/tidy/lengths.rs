//! No file of code and no function of the program is longer than people read at once.
//!
//! Tests may be longer: a test says what happens one after the other, and its parts mean nothing alone. A function ends at
//! the first line that is its own indentation and a closing brace, as the code is formatted.

use std::fs;
use std::path::Path;

use super::files::{files_below, package_folders};

/// Most lines of a file of code.
const FILE_LINES: usize = 500;

/// Most lines of a function, from its signature to its closing brace.
const FUNCTION_LINES: usize = 70;

/// Complains of each file of code, and of each function of the program, that is too long.
pub(super) fn check(root: &Path, complaints: &mut Vec<String>) {
    let sources = package_folders(root).into_iter().map(|folder| folder.join("src"));
    let promises = root.join("tests").join("src");
    for folder in sources.filter(|folder| *folder != promises).chain([root.join("web/src")]) {
        for file in files_below(&folder) {
            let Ok(text) = fs::read_to_string(&file) else { continue };
            let name = file.strip_prefix(root).unwrap_or(&file).to_string_lossy();
            if is_code(&name) {
                complaints.extend(complaints_of(&name, &text));
            }
        }
    }
}

/// Whether a file is code that people wrote for the program: no test, and nothing that a tool made.
fn is_code(name: &str) -> bool {
    let is_test = name.ends_with("/tests.rs")
        || name.contains("/tests/")
        || name.ends_with(".test.ts")
        || name.ends_with(".spec.ts");
    let is_made = name.ends_with(".d.ts");
    let is_code = [".rs", ".ts", ".svelte"].iter().any(|ending| name.ends_with(ending));
    is_code && !is_test && !is_made
}

fn complaints_of(name: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let lines = text.lines().count();
    if lines > FILE_LINES {
        found.push(format!("{name}:{FILE_LINES}: the file has {lines} lines; {FILE_LINES} are the most: give a part of it a file of its own"));
    }
    if Path::new(name).extension().is_some_and(|ending| ending == "rs") {
        for (line, function, lines) in functions(text) {
            if lines > FUNCTION_LINES {
                found.push(format!(
                    "{name}:{line}: `{function}` has {lines} lines; {FUNCTION_LINES} are the most: name a part of it"
                ));
            }
        }
    }
    found
}

/// The line, name and length of each function with a body; those of the tests within a file do not count.
fn functions(text: &str) -> Vec<(usize, &str, usize)> {
    let lines: Vec<&str> = text.lines().take_while(|line| *line != "mod tests {").collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else { continue };
        // A signature ends in the brace that opens the body, or in a semicolon where there is none.
        let opening = lines[at..].iter().find(|line| line.ends_with(['{', '}', ';']));
        if !opening.is_some_and(|line| line.ends_with('{')) {
            continue;
        }
        let indentation = line.len() - line.trim_start().len();
        let is_end = |end: &&&str| {
            end.len() == indentation + 1 && end.ends_with('}') && end.trim_start().len() == 1
        };
        let length = lines[at..].iter().take_while(|line| !is_end(line)).count() + 1;
        found.push((at + 1, name, length));
    }
    found
}

/// The name of the function whose signature begins on a line.
fn function_name(line: &str) -> Option<&str> {
    let mut rest = line.trim_start();
    if let Some(public) = rest.strip_prefix("pub") {
        let within = public.strip_prefix('(').and_then(|within| within.split_once(')'));
        rest = within.map_or(public, |(_, rest)| rest).trim_start();
    }
    for word in ["const ", "async ", "unsafe ", "extern \"C\" "] {
        rest = rest.strip_prefix(word).unwrap_or(rest);
    }
    let rest = rest.strip_prefix("fn ")?;
    let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
    Some(&rest[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_function_is_measured_from_its_signature_to_its_own_brace() {
        let text = "fn one() {\n    if a {\n    }\n}\n\ntrait T {\n    fn none(\n        a: u8,\n    ) -> [u8; 4];\n    fn empty() {}\n    \
                    pub(crate) async fn long(\n        a: u8,\n    ) {\n        {\n        }\n    }\n}\n\
                    #[cfg(test)]\nmod tests {\n    fn test() {\n    }\n}\n";
        assert_eq!(functions(text), [(1, "one", 4), (11, "long", 6)]);
        for line in ["const fn a() {", "pub unsafe fn a() {", "pub(super) extern \"C\" fn a() {"] {
            assert_eq!(function_name(line), Some("a"), "{line}");
        }
        for line in ["let fn_a = 1;", "// fn a() {", "published fn a", "fnord"] {
            assert_eq!(function_name(line), None, "{line}");
        }
    }

    #[test]
    fn what_is_longer_than_allowed_is_refused_where_it_stands() {
        let function = |lines: usize| format!("fn f() {{\n{}}}\n", "    a();\n".repeat(lines - 2));
        let fits = function(FUNCTION_LINES) + &"\n".repeat(FILE_LINES - FUNCTION_LINES);
        assert_eq!(complaints_of("a.rs", &fits), [""; 0]);
        let found = complaints_of("a.rs", &format!("{fits}\n"));
        assert!(found.len() == 1 && found[0].contains("501 lines"), "{found:?}");
        let found = complaints_of("a.rs", &function(FUNCTION_LINES + 1));
        assert!(found.len() == 1 && found[0].starts_with("a.rs:1: `f` has 71"), "{found:?}");
        let found = complaints_of("a.svelte", &"\n".repeat(FILE_LINES + 1));
        assert_eq!(found.len(), 1, "{found:?}");
    }

    #[test]
    fn tests_and_what_a_tool_made_may_be_longer() {
        for name in ["a/src/b.rs", "web/src/a.svelte", "web/src/a.ts"] {
            assert!(is_code(name), "{name}");
        }
        for name in [
            "a/src/b/tests.rs",
            "a/src/tests/b.rs",
            "web/src/a.test.ts",
            "web/src/schema.d.ts",
            "web/src/a.json",
        ] {
            assert!(!is_code(name), "{name}");
        }
    }
}
