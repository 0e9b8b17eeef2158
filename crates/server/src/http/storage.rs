//! What is wrong with what is stored, for who operates the server: the same that `iobeam doctor` would say, as far as a
//! running server knows it.
//!
//! ```text
//! tables out of service ┐
//! tables of nobody      ├─▶ GET /v1/storage/problems ─▶ each with its place and what can be done
//! damaged files         │
//! log, set aside        ┘
//! ```

use axum::Json as Reply;
use iobeam_model::{NamespaceName, ProjectId};
use iobeam_store::{Store, StoreError};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::problem::Problem;

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
    /// What was found, and where.
    details: String,
    /// What can be done.
    remedy: String,
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
async fn problems(app: axum::extract::State<App>) -> Result<Reply<StorageProblemList>, Problem> {
    let found = tokio::task::spawn_blocking(move || look(&app)).await;
    Ok(Reply(StorageProblemList { problems: found.map_err(Problem::internal)? }))
}

fn look(app: &App) -> Vec<StorageProblem> {
    let mut found = of_tables(&app.store);
    for (project, namespace) in &app.at_start.orphans {
        let rows = app.store.snapshot(*project, namespace).rows();
        let details = format!(
            "The table {project}/{namespace} has {rows} rows, and the catalog knows nothing of it, as after a restored backup: nobody can ask for them"
        );
        let remedy = format!(
            "Stop the server, and put catalog.db back from a backup of about the same time, or give the table to a project: iobeam doctor DIR --attach {project}/{namespace} --to PROJECT/NAMESPACE"
        );
        found.push(of_table("ORPHANED_TABLE", (*project, namespace), details, &remedy));
    }
    for damage in &app.at_start.log_damage {
        found.push(StorageProblem {
            kind: "DAMAGED_LOG",
            project_id: None,
            namespace: None,
            details: damage.clone(),
            remedy: "What is sound was read. 'iobeam doctor' tells more while the server is stopped; have the devices send again what they still have of that time".to_owned(),
        });
    }
    let folder = app.config.data_dir.join("set-aside");
    let count = std::fs::read_dir(&folder).map_or(0, Iterator::count);
    if count > 0 {
        found.push(StorageProblem {
            kind: "SET_ASIDE",
            project_id: None,
            namespace: None,
            details: format!(
                "{count} files lie in {}: they could not be read or applied, and are not served",
                folder.display()
            ),
            remedy: "Look at them; once they are of no more use, they can be removed".to_owned(),
        });
    }
    found
}

fn of_tables(store: &Store) -> Vec<StorageProblem> {
    let mut found = Vec::new();
    for ((project, namespace), fault) in store.out_of_service() {
        // Whose error it is stands beside it; the reason says the rest.
        let details = match fault {
            StoreError::Unavailable { reason, .. } => reason,
            other => other.to_string(),
        };
        let remedy = "Stop the server, and put the table's folder back from a backup, or have it rebuilt of what is sound: iobeam doctor DIR --repair";
        found.push(of_table("TABLE_OUT_OF_SERVICE", (project, &namespace), details, remedy));
    }
    for ((project, namespace), damage) in store.damaged_files() {
        let remedy = "Stop the server, and put the file back from a backup, or take it out of its table: iobeam doctor DIR --repair";
        found.push(of_table("DAMAGED_FILE", (project, &namespace), damage.to_string(), remedy));
    }
    for correction in store.open_corrections() {
        let Some(problem) = correction.problem else { continue };
        let details = format!("Correction {}: {problem}", correction.number);
        let remedy = "It goes on by itself once its cause is removed";
        let table = (correction.project, &correction.namespace);
        found.push(of_table("CORRECTION_WAITS", table, details, remedy));
    }
    found
}

fn of_table(
    kind: &'static str,
    (project, namespace): (ProjectId, &NamespaceName),
    details: String,
    remedy: &str,
) -> StorageProblem {
    StorageProblem {
        kind,
        project_id: Some(project.get()),
        namespace: Some(namespace.to_string()),
        details,
        remedy: remedy.to_owned(),
    }
}
