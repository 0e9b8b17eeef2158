//! Corrections of what is stored: rows deleted, fields dropped, renamed or retyped, a namespace emptied.
//!
//! ```text
//! order ─▶ the store rewrites files ─┬─ rows: done
//!                                    └─ fields ─▶ nobody imports, nobody asks ─▶ the store shows it, the catalog learns it ─▶ done
//! ```
//!
//! Invariants: a query sees rows and fields before a correction or after it, and nothing in between; what was ordered
//! goes on after a restart; each order is noted in the audit log.

use std::time::Duration;

use iobeam_catalog::{AuditAction, AuditEvent, FieldChange, Namespace};
use iobeam_model::{FieldName, ProjectId};
use iobeam_store::edit::RowFilter;
use iobeam_store::{Correction, CorrectionState, Edit};

use crate::core::api_error::{ApiError, Category};
use crate::core::app::App;
use crate::core::auth::ProjectCaller;

/// How long the reply to an order waits for its end.
const MAX_WAIT: Duration = Duration::from_secs(10);
/// How often an end is looked for, once the files are rewritten.
const PAUSE: Duration = Duration::from_millis(10);
/// How long it takes until another try.
const RETRY: Duration = Duration::from_secs(1);

/// Orders a correction, and waits a while for its end.
pub(crate) async fn order(
    app: &App,
    caller: &ProjectCaller,
    namespace: &Namespace,
    edit: Edit,
) -> Result<Correction, ApiError> {
    if let Some((field, change)) = field_change(&edit) {
        namespace.check_field_change(field, &change)?;
    }
    note(app, namespace, event(&edit)).await?;
    let number = app.store.correct(caller.project, &namespace.name, (edit, name(app))).await?;
    follow(app.clone(), number);
    let correction = wait(app, caller.project, namespace, number).await;
    if correction.state == CorrectionState::Failed {
        let reason = correction.problem.unwrap_or_default();
        return Err(ApiError::new(Category::Conflict, "The correction cannot be made", reason));
    }
    Ok(correction)
}

/// Deletes all rows of a namespace; it stays, with its fields and labels. Says how many rows there were.
pub(crate) async fn truncate(app: &App, namespace: &Namespace) -> Result<u64, ApiError> {
    let _alone = app.deleting.lock().await;
    // What was let in before is stored by then, and goes too.
    drop(app.importing.write().await);
    let (project, name) = (namespace.project, &namespace.name);
    let rows = count(app, namespace, RowFilter::default()).await?;
    let event = AuditEvent::new(AuditAction::RowsDelete).detail("all", true).detail("count", rows);
    note(app, namespace, event).await?;
    app.retention.forget(project, Some(name)).await;
    app.store.drop_tables(project, Some(name)).await?;
    app.retention.apply(namespace).await;
    Ok(rows)
}

/// How many rows match, of those that are shown now.
pub(crate) async fn count(
    app: &App,
    namespace: &Namespace,
    filter: RowFilter,
) -> Result<u64, ApiError> {
    let (store, project, name) = (app.store.clone(), namespace.project, namespace.name.clone());
    let counting = move || store.count_rows(project, &name, &filter);
    let counted = tokio::task::spawn_blocking(counting).await.map_err(ApiError::internal)?;
    Ok(counted?)
}

/// Ends what earlier processes began: what the catalog has to learn at once, the rest in the background.
pub(crate) async fn resume(app: &App) {
    for correction in app.store.open_corrections() {
        if correction.state == CorrectionState::Ready {
            switch_until_done(app, &correction).await;
        } else {
            follow(app.clone(), correction.number);
        }
    }
}

/// Sees a correction to its end. It goes on when whoever ordered it does not wait.
fn follow(app: App, number: u64) {
    tokio::spawn(async move {
        if let Some(correction) = app.store.correction_settled(number).await
            && correction.state == CorrectionState::Ready
        {
            switch_until_done(&app, &correction).await;
        }
    });
}

async fn switch_until_done(app: &App, correction: &Correction) {
    while let Err(error) = switch(app, correction).await {
        let number = correction.number;
        if app.store.correction_settled(number).await.is_none() {
            // The namespace is gone.
            return;
        }
        tracing::error!(
            number,
            error = error.details,
            "a correction is made and cannot be shown yet; trying again"
        );
        tokio::time::sleep(RETRY).await;
    }
}

/// Shows a change of fields to everybody at once.
async fn switch(app: &App, correction: &Correction) -> Result<(), ApiError> {
    let Correction { number, project, namespace, edit, .. } = correction;
    // Imports that were checked against the old fields are over, and no query has the old fields for the new rows.
    let _imports = app.importing.write().await;
    let _queries = app.switching.write().await;
    app.store.switch_correction(*number).await?;
    let known = app.catalog.namespace(*project, namespace);
    if let (Some(known), Some((field, change))) = (known, field_change(edit)) {
        let (project, field, id) = (*project, field.clone(), known.id);
        app.catalog(move |catalog| catalog.change_field(project, id, &field, &change)).await?;
    }
    Ok(app.store.end_correction(*number).await?)
}

/// Waits a while for the end of a correction, and says how far it is.
async fn wait(app: &App, project: ProjectId, namespace: &Namespace, number: u64) -> Correction {
    let end = async {
        while let Some(correction) = app.store.correction_settled(number).await {
            if correction.state != CorrectionState::Ready {
                return Some(correction);
            }
            tokio::time::sleep(PAUSE).await;
        }
        None
    };
    let ended = tokio::time::timeout(MAX_WAIT, end).await.ok().flatten();
    ended.or_else(|| find(app, project, namespace, number)).unwrap_or_else(|| Correction {
        number,
        project,
        namespace: namespace.name.clone(),
        edit: Edit::DeleteRows(RowFilter::default()),
        by: String::new(),
        ordered: app.clock.now(),
        ended: None,
        seq: 0,
        state: CorrectionState::Failed,
        files: (0, 0),
        rows: 0,
        quarantined: 0,
        problem: Some("the namespace was deleted or truncated meanwhile".to_owned()),
    })
}

/// A correction of a namespace.
pub(crate) fn find(
    app: &App,
    project: ProjectId,
    namespace: &Namespace,
    number: u64,
) -> Option<Correction> {
    let all = app.store.corrections(project, &namespace.name);
    all.into_iter().find(|one| one.number == number)
}

/// What a correction is to the catalog, if it is anything.
fn field_change(edit: &Edit) -> Option<(&FieldName, FieldChange)> {
    Some(match edit {
        Edit::DeleteRows(_) => return None,
        Edit::DropField { field } => (field, FieldChange::Drop),
        Edit::RenameField { field, to } => (field, FieldChange::Rename(to.clone())),
        Edit::RetypeField { field, to } => (field, FieldChange::Retype(*to)),
    })
}

/// Notes in the audit log what is about to be done: what cannot be noted is not done.
async fn note(app: &App, namespace: &Namespace, event: AuditEvent) -> Result<(), ApiError> {
    let event = event.in_project(namespace.project).target("namespace", &namespace.name);
    app.catalog(move |catalog| catalog.record_audit(event)).await
}

/// An edit as the audit log has it.
fn event(edit: &Edit) -> AuditEvent {
    let of = |action, field: &FieldName| AuditEvent::new(action).detail("field", field.as_str());
    match edit {
        Edit::DeleteRows(filter) => {
            let rows = serde_json::to_value(filter).unwrap_or_default();
            AuditEvent::new(AuditAction::RowsDelete).detail("rows", rows)
        }
        Edit::DropField { field } => of(AuditAction::FieldDrop, field),
        Edit::RenameField { field, to } => {
            of(AuditAction::FieldRename, field).detail("to", to.as_str())
        }
        Edit::RetypeField { field, to } => {
            of(AuditAction::FieldRetype, field).detail("to", to.name())
        }
    }
}

/// How whoever orders a correction is named beside it: by a number, as in the audit log.
fn name(app: &App) -> String {
    let actor = app.actor();
    match (actor.user, actor.token) {
        (Some(user), _) => format!("user {user}"),
        (None, Some(token)) => format!("token {token}"),
        (None, None) => "an admin of the project".to_owned(),
    }
}
