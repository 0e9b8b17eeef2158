//! Keeps the code in order: modules depend on each other in one direction, the core knows no protocol, nothing is longer than people read at once, and
//! documents name what exists.

mod modules;

mod terms;

mod layers;

mod lengths;

mod installs;

mod map;

mod files;

use std::path::Path;

/// Each complaint is one line: where, and what to do.
pub(crate) fn check(root: &Path) -> Vec<String> {
    let mut complaints = Vec::new();
    for folder in files::package_folders(root) {
        modules::check(&folder, &mut complaints);
    }
    terms::check(root, &mut complaints);
    layers::check(root, &mut complaints);
    lengths::check(root, &mut complaints);
    map::check(root, &mut complaints);
    installs::check(root, &mut complaints);
    complaints
}
