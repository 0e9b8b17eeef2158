//! Parts of the code that know nothing of certain libraries.

use std::fs;
use std::path::Path;

use super::files::files_below;

/// A folder, what nothing in it may name, and why.
const LAYERS: [(&str, &[&str], &str); 1] = [(
    "crates/server/src/core",
    &["axum", "axum_core", "http", "http_body", "http_body_util", "hyper", "hyper_util"],
    "the core knows no protocol; put it into an endpoint",
)];

/// Complains of each line of code that names what its folder may not.
pub(super) fn check(root: &Path, complaints: &mut Vec<String>) {
    for (folder, forbidden, why) in LAYERS {
        let files = files_below(&root.join(folder));
        for path in files.iter().filter(|path| path.extension().is_some_and(|kind| kind == "rs")) {
            let Ok(text) = fs::read_to_string(path) else { continue };
            for (line, name) in named(&text, forbidden) {
                complaints
                    .push(format!("{}:{line}: `{name}` is named here: {why}", path.display()));
            }
        }
    }
}

/// The lines, from 1, on which one of these packages is named in a path.
fn named<'n>(text: &str, packages: &[&'n str]) -> Vec<(usize, &'n str)> {
    let code = text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"));
    let of = |(at, line): (usize, &str)| {
        let starts = |name: &str| {
            line.match_indices(&format!("{name}::")).any(|(at, _)| {
                let before = line[..at].chars().next_back();
                !before.is_some_and(|it| it.is_alphanumeric() || it == '_' || it == ':')
            })
        };
        packages.iter().find(|name| starts(name)).map(|name| (at + 1, *name))
    };
    code.filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_found_where_a_path_begins_with_it() {
        let text = "use http::StatusCode;\n// http::StatusCode\nuse crate::endpoints::http::Site;\n\
                    let kind = axum::body::Body::empty();\nlet url = \"http://a\";\nuse my_http::X;\n";
        assert_eq!(named(text, &["http", "axum"]), [(1, "http"), (4, "axum")]);
    }

    #[test]
    fn each_folder_that_is_looked_at_is_there() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for (folder, _, _) in LAYERS {
            assert!(!files_below(&root.join(folder)).is_empty(), "{folder}");
        }
    }
}
