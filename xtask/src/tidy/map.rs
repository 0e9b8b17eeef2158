//! `ARCHITECTURE.md` names only what exists.

use std::fs;
use std::path::Path;

/// Each file or folder that ARCHITECTURE.md names between backticks, with a slash in it, exists.
pub(super) fn check(root: &Path, complaints: &mut Vec<String>) {
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
