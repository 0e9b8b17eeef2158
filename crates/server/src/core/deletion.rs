//! The second half of deleting a project or a namespace: after the catalog, the rows and files.
//!
//! ```text
//! DELETE ─▶ catalog: gone, and noted ─▶ imports under way end ─▶ store lets go ─▶ the note goes ─▶ 204
//!              └─ a crash or a failing disk: the next start, or the next pass, goes on here
//! ```
//!
//! One deletion ends at a time, and only while it is noted: the name of a namespace is free from then on, and what is
//! stored under it again is never taken for what went.

use iobeam_catalog::{Catalog, Deletion};

use crate::core::api_error::ApiError;
use crate::core::app::App;

/// Ends a deletion that the catalog has noted. It goes on when whoever asked does not wait. What fails is tried again.
pub(crate) async fn end(app: &App, deletion: Deletion) {
    let app = app.clone();
    let ended = tokio::spawn(async move {
        let (project, namespace) = (deletion.project, deletion.namespace.clone());
        if let Err(error) = end_now(&app, deletion).await {
            tracing::error!(%project, ?namespace, error = error.details, "what was deleted is not gone from the disk yet; trying again later");
        }
    });
    if let Err(error) = ended.await {
        tracing::error!(%error, "a deletion failed inside; trying again later");
    }
}

/// Ends all deletions that are noted.
pub(crate) async fn end_all(app: &App) {
    match app.catalog(Catalog::deletions).await {
        Ok(noted) => {
            for deletion in noted {
                end(app, deletion).await;
            }
        }
        Err(error) => tracing::error!(error = error.details, "deletions cannot be read"),
    }
}

async fn end_now(app: &App, deletion: Deletion) -> Result<(), ApiError> {
    let _alone = app.deleting.lock().await;
    if !app.catalog(Catalog::deletions).await?.contains(&deletion) {
        return Ok(());
    }
    // Who was let in before the deletion is done storing once nobody is inside; who comes now finds nothing.
    drop(app.importing.write().await);
    let (project, namespace) = (deletion.project, deletion.namespace.as_ref());
    app.retention.forget(project, namespace).await;
    app.store.drop_tables(project, namespace).await?;
    app.catalog(move |catalog| catalog.end_deletion(deletion.id)).await
}
