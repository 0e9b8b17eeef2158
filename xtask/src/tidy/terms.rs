//! Words that the project no longer uses, because nobody of the trade would look for them.

use std::fs;
use std::path::Path;

use super::files::files_below;

/// Where code and documents are.
const READ: [&str; 9] =
    ["bench", "crates", "docs", "fuzz", "python", "tests", "web/src", "web/e2e", "xtask"];
/// What is written by programs, or tells of the past.
const PASSED_OVER: [&str; 6] = ["target", "node_modules", "dist", ".venvs", "golden", "corpus"];

/// Phrases, in any letter case, and what to write.
const PHRASES: [(&str, &str); 20] = [
    ("there is no such thing", "not found"),
    ("stands twice in one batch", "duplicate field"),
    ("is no point; send back", "invalid cursor"),
    ("this is no device id", "invalid device id"),
    ("the body is no json", "request body is not valid JSON"),
    ("says nothing of field", "does not support field"),
    ("a whole number or a truth", "a string, integer or boolean"),
    ("nothing is changed here", "no side effects"),
    ("nobody may call this", "the route has no access rule"),
    ("newcomers are told", "further connections get 503 with Retry-After"),
    ("those that vouch for it", "certificate chain (PEM), leaf first"),
    ("where mail is handed in", "SMTP server URL"),
    ("feet of parquet", "Parquet footer cache"),
    ("fetches nothing of its reply", "stops reading the response"),
    ("what a finger must hit", "touch targets"),
    ("take a code back", "revoke an invite code"),
    ("ask for readings", "query readings"),
    ("ask in sql", "run a SQL query"),
    ("whoever runs this platform", "the administrator"),
    ("be the background sender", "run the background sender"),
];

/// Identifiers that were types, and what they are called now.
const IDENTIFIERS: [(&str, &str); 12] = [
    ("Doors", "Listener"),
    ("Surroundings", "Environment"),
    ("Followed", "Poll"),
    ("Views", "SnapshotRegistry"),
    ("write_path", "ingest"),
    ("read_path", "query"),
    ("kept_bytes", "row_cache_bytes"),
    ("recent_bytes", "live_buffer_bytes"),
    ("last_rows_bytes", "last_value_cache_bytes"),
    ("room_for_bodies", "body_permits"),
    ("room_for_live", "live_permits"),
    ("room_for_checks", "check_permits"),
];

/// Complains of each line that has one.
pub(super) fn check(root: &Path, complaints: &mut Vec<String>) {
    for path in READ.iter().flat_map(|folder| files_below(&root.join(folder))) {
        let is_read = path.extension().is_some_and(|kind| {
            ["rs", "md", "ts", "svelte", "py", "pyi"].iter().any(|known| kind == *known)
        });
        let passed_over =
            path.components().any(|part| PASSED_OVER.iter().any(|name| part.as_os_str() == *name));
        let is_made = path.ends_with("tidy/terms.rs") || path.ends_with("schema.d.ts");
        if !is_read || passed_over || is_made {
            continue;
        }
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let is_rust = path.extension().is_some_and(|kind| kind == "rs");
        for (line, word, better) in found(&text, is_rust) {
            complaints.push(format!("{}:{line}: not '{word}' but '{better}'", path.display()));
        }
    }
}

/// The lines, from 1, with what is on each and what to write.
fn found(text: &str, is_rust: bool) -> Vec<(usize, &'static str, &'static str)> {
    let in_line = |(at, line): (usize, &str)| {
        let low = line.to_lowercase();
        let phrase = PHRASES.iter().find(|(phrase, _)| low.contains(phrase));
        let identifier = || IDENTIFIERS.iter().find(|(name, _)| is_rust && has_word(line, name));
        phrase.or_else(identifier).map(|(word, better)| (at + 1, *word, *better))
    };
    text.lines().enumerate().filter_map(in_line).collect()
}

fn has_word(line: &str, word: &str) -> bool {
    let is_part = |it: char| it.is_alphanumeric() || it == '_';
    line.match_indices(word).any(|(at, _)| {
        !line[..at].chars().next_back().is_some_and(is_part)
            && !line[at + word.len()..].chars().next().is_some_and(is_part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_are_found_in_any_case_and_identifiers_as_whole_words() {
        let text = "/// Ask for readings\nstruct Views;\nstruct ViewsOf;\nlet my_read_path = 1;\nuse read_path::ask;\n";
        let lines: Vec<_> =
            found(text, true).into_iter().map(|(line, word, _)| (line, word)).collect();
        assert_eq!(lines, [(1, "ask for readings"), (2, "Views"), (5, "read_path")]);
    }
}
