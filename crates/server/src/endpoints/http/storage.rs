//! What is wrong with what is stored, for who operates the server: the same that `iobeam doctor` would say, as far as a
//! running server knows it.
//!
//! ```text
//! tables out of service ┐
//! tables of nobody      ├─▶ GET /v1/storage/problems ─▶ each with its place and what can be done
//! damaged files         │
//! log, set aside        ┘
//! ```

use std::path::Path;

use axum::Json as Reply;
use iobeam_model::{NamespaceName, ProjectId};
use iobeam_store::check::Finding;
use iobeam_store::{FileError, Store, StoreError};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::core::api_error::ApiError;
use crate::core::app::App;
use crate::core::findings;

/// The routes of this file.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default().routes(routes!(problems))
}

/// Something that is not as it should be.
#[derive(Serialize, ToSchema)]
struct StorageProblem {
    /// `TABLE_OUT_OF_SERVICE`, `ORPHANED_TABLE`, `DAMAGED_FILE`, `DAMAGED_LOG`, `SET_ASIDE` or `CORRECTION_WAITS`.
    kind: &'static str,
    /// Whose rows are concerned; null where that cannot be told.
    #[schema(minimum = 1)]
    project_id: Option<u32>,
    /// The namespace; null where that cannot be told.
    namespace: Option<String>,
    /// Where it was found, what, and what that means.
    details: String,
    /// What can be done.
    remedy: String,
    /// Whether it is merely worth knowing: nothing is lost by it, and all is served.
    harmless: bool,
}

/// All that is known to be wrong.
#[derive(Serialize, ToSchema)]
struct StorageProblemList {
    /// Empty when all is well.
    problems: Vec<StorageProblem>,
}

/// List what is wrong with what is stored.
#[utoipa::path(
    get, operation_id = "list_storage_problems", path = "/v1/storage/problems", tag = "health",
    responses((status = 200, description = "What is known to be wrong", body = StorageProblemList)),
)]
async fn problems(app: axum::extract::State<App>) -> Result<Reply<StorageProblemList>, ApiError> {
    let found = tokio::task::spawn_blocking(move || look(&app)).await;
    Ok(Reply(StorageProblemList { problems: found.map_err(ApiError::internal)? }))
}

fn look(app: &App) -> Vec<StorageProblem> {
    let dir = &app.config.data_dir;
    let mut found = of_tables(dir, &app.store);
    for (project, namespace) in &app.at_start.orphans {
        let rows = app.store.snapshot(*project, namespace).rows();
        let orphan = findings::orphan(dir, *project, namespace, rows);
        found.push(of_table("ORPHANED_TABLE", (*project, namespace), once_stopped(orphan)));
    }
    for damage in &app.at_start.log_damage {
        let meaning = "what is sound was read, and is served";
        let remedy = "stop the server; then iobeam doctor DIR tells what that means and what to do";
        let finding = Finding::new(dir, damage.clone(), meaning, remedy);
        found.push(of_nobody("DAMAGED_LOG", finding));
    }
    found.extend(findings::set_aside(dir).map(|finding| of_nobody("SET_ASIDE", finding)));
    found
}

fn of_tables(dir: &Path, store: &Store) -> Vec<StorageProblem> {
    let mut found = Vec::new();
    for ((project, namespace), fault) in store.out_of_service() {
        // Whose error it is stands beside it; the reason says the rest.
        let problem = match fault {
            StoreError::Unavailable { reason, .. } => reason,
            other => other.to_string(),
        };
        let place = findings::folder_of(dir, project, &namespace);
        let finding = once_stopped(Finding::of_table(&place, problem));
        found.push(of_table("TABLE_OUT_OF_SERVICE", (project, &namespace), finding));
    }
    for ((project, namespace), damage) in store.damaged_files() {
        let (file, problem) = match &damage {
            FileError::Damaged { file, reason } => (file, reason.clone()),
            FileError::Io { file, source } => (file, source.to_string()),
            other => (&String::new(), other.to_string()),
        };
        let finding = Finding::of_file(&dir.join(file), problem, "all others are answered");
        found.push(of_table("DAMAGED_FILE", (project, &namespace), once_stopped(finding)));
    }
    for correction in store.open_corrections() {
        let Some(problem) = correction.problem else { continue };
        let place = findings::folder_of(dir, correction.project, &correction.namespace);
        let problem = format!("correction {} waits: {problem}", correction.number);
        let meaning = "its rows are as they were before";
        let remedy = "remove the cause: it goes on by itself then";
        let finding = Finding::new(&place, problem, meaning, remedy);
        let table = (correction.project, &correction.namespace);
        found.push(of_table("CORRECTION_WAITS", table, finding));
    }
    found
}

/// The same, of which nothing can be mended while the server runs.
fn once_stopped(finding: Finding) -> Finding {
    let remedy = format!("stop the server; then {}", finding.remedy);
    Finding { remedy, ..finding }
}

fn of_table(
    kind: &'static str,
    (project, namespace): (ProjectId, &NamespaceName),
    finding: Finding,
) -> StorageProblem {
    StorageProblem {
        project_id: Some(project.get()),
        namespace: Some(namespace.to_string()),
        ..of_nobody(kind, finding)
    }
}

fn of_nobody(kind: &'static str, finding: Finding) -> StorageProblem {
    let Finding { place, problem, meaning, remedy, harmless, repaired: _ } = finding;
    let details = format!("{}: {problem}; {meaning}", place.display());
    StorageProblem { kind, project_id: None, namespace: None, details, remedy, harmless }
}
