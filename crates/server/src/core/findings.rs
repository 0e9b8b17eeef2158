//! What is found in a data directory by `iobeam doctor` and by a running server alike.

use std::path::Path;

use iobeam_model::{NamespaceName, ProjectId};
use iobeam_store::check::Finding;

/// What was set aside before is nobody's loss now, but somebody should look at it.
pub(crate) fn set_aside(dir: &Path) -> Option<Finding> {
    let folder = dir.join("set-aside");
    let count = std::fs::read_dir(&folder).map_or(0, Iterator::count);
    let meaning = "what lies there could not be read or applied, and is not served";
    let remedy = "look at it; once it is of no more use, it can be removed";
    let problem = format!("{count} files or folders were set aside");
    let mut found = Finding::new(&folder, problem, meaning, remedy);
    found.harmless = true;
    (count > 0).then_some(found)
}

/// A table that no namespace stands for.
pub(crate) fn orphan(dir: &Path, project: ProjectId, name: &NamespaceName, rows: u64) -> Finding {
    let place = folder_of(dir, project, name);
    let problem = format!("the catalog has no namespace '{name}' in project {project}");
    let meaning = format!("its {rows} rows are safe, and nobody can ask for them");
    let remedy = format!(
        "put catalog.db back from a backup of about the same time, or give the table to a project: iobeam doctor DIR --attach {project}/{name} --to PROJECT/NAMESPACE"
    );
    Finding::new(&place, problem, &meaning, &remedy)
}

/// Where a table's files lie.
pub(crate) fn folder_of(
    dir: &Path,
    project: ProjectId,
    name: &NamespaceName,
) -> std::path::PathBuf {
    dir.join("lake").join(project.to_string()).join(name.as_str())
}
