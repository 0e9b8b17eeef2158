//! The files that are checked.

use std::fs;
use std::path::{Path, PathBuf};

/// What a folder holds, in the order of the names.
pub(super) fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<_> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .collect();
    found.sort();
    found
}

/// The folders of the packages whose code is checked.
pub(super) fn package_folders(root: &Path) -> Vec<PathBuf> {
    let mut folders = entries(&root.join("crates"));
    folders.extend(["bench", "python", "tests", "xtask"].map(|name| root.join(name)));
    folders.retain(|folder| folder.join("Cargo.toml").exists());
    folders
}

/// The files below a folder, in the order of their paths.
pub(super) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let of = |path: PathBuf| if path.is_dir() { files_below(&path) } else { vec![path] };
    entries(folder).into_iter().flat_map(of).collect()
}
