//! No document tells a reader to install the package that another publisher has under our name.

use std::fs;
use std::path::Path;

use super::files::entries;
use super::map::DOCUMENTS;

/// Where people, and what is printed for them, read how to install something.
const READ_BY_PEOPLE: [&str; 7] =
    ["CHANGELOG.md", "docs", "examples", "python", "web/src", "web/e2e", "crates"];

/// The package index has another package under our name: it sends readings, and the project's token with them, to a host
/// that is not the reader's. So no text says to install it by its bare name.
pub(super) fn check(root: &Path, complaints: &mut Vec<String>) {
    let read = READ_BY_PEOPLE.iter().chain(&DOCUMENTS);
    let mut open: Vec<_> = read.map(|name| root.join(name)).collect();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_document_of_the_project_is_read() {
        let root = std::env::temp_dir().join(format!("tidy-installs-{}", std::process::id()));
        fs::create_dir_all(&root).expect("a folder");
        for document in DOCUMENTS {
            fs::write(root.join(document), format!("pip install {}\n", "iobeam")).expect("written");
        }
        let mut complaints = Vec::new();
        check(&root, &mut complaints);
        fs::remove_dir_all(&root).expect("removed");
        for document in DOCUMENTS {
            let names = |complaint: &String| complaint.contains(&format!("{document}:1:"));
            assert!(complaints.iter().any(names), "{document}: {complaints:?}");
        }
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
}
