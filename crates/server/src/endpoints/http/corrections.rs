//! Corrections of a namespace: for admins of the project, never for a token that is bound to a device.
//!
//! ```text
//! POST  /{id}/rows/delete    which rows ─▶ how many (dry_run), or the correction
//! PATCH /{id}/fields/{name}  new name or type ─▶ the correction      200: made    202: going on in the background
//! GET   /{id}/corrections    what was ordered, and how far it is
//! ```

use axum::Json as Reply;
use http::StatusCode;
use iobeam_catalog::Namespace;
use iobeam_model::{FieldName, FieldType, TimeFormat, Value};
use iobeam_query::{RowsGiven, Side, row_filter};
use iobeam_store::edit::RowFilter;
use iobeam_store::{Correction, CorrectionState, Edit, QuarantinedValue};
use iobeam_wire::v1::date;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::namespaces::known;
use super::schema;
use super::statistics::time_format;
use crate::core::api_error::ApiError;
use crate::core::app::App;
use crate::core::auth::ProjectCaller;
use crate::core::corrections;
use crate::core::query::table;
use crate::endpoints::http::body::{Json, Path, Query};
use crate::endpoints::http::caller::Acting;

/// Most quarantined values in one reply.
const MAX_VALUES: usize = 10_000;
/// As many as are given when nothing is said.
const DEFAULT_VALUES: usize = 1_000;

/// The routes of this file.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default()
        .routes(routes!(delete_rows))
        .routes(routes!(truncate))
        .routes(routes!(change_field, drop_field))
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(quarantine))
}

/// Which rows go: those for which everything that is given holds. One of `from`, `to`, `devices` and `where` must be.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it is described, never made")]
struct RowsToDelete {
    /// From this time on: milliseconds since 1970, a date such as 2026-01-31T12:00:00Z, or `now()-2h`. Left out: from the first row on.
    from: Option<serde_json::Value>,
    /// Up to and including this time. Left out: to the last row.
    to: Option<serde_json::Value>,
    /// Rows of these devices, or other values of the partitioning field: at most 10000, and 1 MiB with the conditions.
    #[schema(max_items = 10_000)]
    devices: Option<Vec<String>>,
    /// Conditions such as `lt(temperature,-40)`, as in `where` of `/v1/data`: at most 100.
    #[schema(max_items = 100)]
    r#where: Option<Vec<String>>,
    /// Only count the rows.
    dry_run: Option<bool>,
}

/// How many rows are meant.
#[derive(Serialize, ToSchema)]
struct RowCount {
    /// How many rows match, or were deleted.
    rows: u64,
    /// Whether they were counted only.
    dry_run: bool,
}

/// How many rows are meant, or the correction that deletes them.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum DeletedRows {
    Counted(RowCount),
    Ordered(Box<CorrectionObject>),
}

/// Whether rows are counted only.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TruncateRequest {
    /// Only count the rows.
    #[serde(default)]
    dry_run: bool,
}

/// What becomes of a field: another name or another type, one at a time.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FieldUpdate {
    /// Its new name.
    #[schema(pattern = "^[A-Za-z0-9_-]{1,255}$")]
    name: Option<String>,
    /// Its new type.
    #[schema(value_type = Option<schema::FieldType>)]
    r#type: Option<String>,
}

/// What the order of a correction answers: whether it is done, and the correction.
type Ordered = (StatusCode, Reply<CorrectionObject>);

/// A correction.
#[derive(Serialize, ToSchema)]
struct CorrectionObject {
    /// Its number.
    correction_id: u64,
    /// The namespace.
    namespace_id: u32,
    /// `DELETE_ROWS`, `DROP_FIELD`, `RENAME_FIELD` or `RETYPE_FIELD`.
    action: &'static str,
    /// The field that changes; null where rows are deleted.
    field: Option<String>,
    /// Its new name or type.
    to: Option<String>,
    /// `RUNNING`: nothing of it is seen yet. `DONE`: all of it is. `FAILED`: nothing was changed.
    state: &'static str,
    /// Rows deleted, or values dropped, renamed or converted.
    rows: u64,
    /// Values that did not convert: they are listed at `/quarantine`.
    quarantined: u64,
    /// Files to look at, so far.
    files: u64,
    /// Files that have been.
    files_done: u64,
    /// When it was ordered, such as 2016-07-29T08:19:47Z.
    ordered: String,
    /// When it was made, or failed.
    ended: Option<String>,
    /// Who ordered it.
    ordered_by: String,
    /// Why it failed, or what keeps it from going on.
    problem: Option<String>,
}

/// Corrections of a namespace, the newest first.
#[derive(Serialize, ToSchema)]
struct CorrectionList {
    /// The corrections.
    corrections: Vec<CorrectionObject>,
}

/// Which of the values.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ValueQuery {
    /// How many values to pass over: 0, unless said.
    offset: Option<usize>,
    /// At most so many: 1000, unless said, and 10000 at most.
    limit: Option<usize>,
    /// `sec`, `msec` or `usec`, in any letter case; `msec`, unless said.
    timefmt: Option<String>,
}

/// A value that did not convert.
#[derive(Serialize, ToSchema)]
struct Quarantined {
    /// The time of its row.
    time: i64,
    /// The row's device, or other value of the partitioning field.
    device: Option<String>,
    /// The value.
    value: serde_json::Value,
}

/// Values that did not convert.
#[derive(Serialize, ToSchema)]
struct QuarantinedList {
    /// How many there are altogether.
    quarantined: u64,
    /// Those asked for.
    values: Vec<Quarantined>,
}

/// Delete rows of a namespace, or count those that would be. Rows that are stored afterwards stay.
#[utoipa::path(
    post, operation_id = "delete_rows", path = "/v1/namespaces/{namespace_id}/rows/delete", tag = "corrections",
    request_body = RowsToDelete,
    params(("namespace_id" = u32, Path, description = "The namespace's number")),
    responses(
        (status = 200, description = "The rows are deleted; with `dry_run` only counted", body = DeletedRows),
        (status = 202, description = "It goes on in the background, also after a restart", body = CorrectionObject),
    ),
)]
async fn delete_rows(
    Acting(app): Acting,
    caller: ProjectCaller,
    Path(number): Path<u32>,
    Json(given): Json<RowsGiven>,
) -> Result<(StatusCode, Reply<DeletedRows>), ApiError> {
    let namespace = known(&app, &caller, number)?;
    let dry_run = given.dry_run;
    let selection = of_dates(given).selection(app.clock.now())?;
    let filter = row_filter(&table(&app, caller.project, &namespace), &selection)?;
    if dry_run {
        let rows = corrections::count(&app, &namespace, filter).await?;
        return Ok((StatusCode::OK, Reply(DeletedRows::Counted(RowCount { rows, dry_run: true }))));
    }
    let ordered = ordered(&app, &caller, &namespace, Edit::DeleteRows(filter)).await?;
    let (status, Reply(correction)) = ordered;
    Ok((status, Reply(DeletedRows::Ordered(Box::new(correction)))))
}

/// Delete all rows of a namespace, or count them. It stays, with its fields and labels; so may `input` be emptied.
#[utoipa::path(
    post, operation_id = "truncate_namespace", path = "/v1/namespaces/{namespace_id}/truncate", tag = "corrections",
    request_body = TruncateRequest,
    params(("namespace_id" = u32, Path, description = "The namespace's number")),
    responses((status = 200, description = "The rows are gone; with `dry_run` only counted", body = RowCount)),
)]
async fn truncate(
    Acting(app): Acting,
    caller: ProjectCaller,
    Path(number): Path<u32>,
    Json(request): Json<TruncateRequest>,
) -> Result<Reply<RowCount>, ApiError> {
    let namespace = known(&app, &caller, number)?;
    let dry_run = request.dry_run;
    let rows = if dry_run {
        corrections::count(&app, &namespace, RowFilter::default()).await?
    } else {
        corrections::truncate(&app, &namespace).await?
    };
    Ok(Reply(RowCount { rows, dry_run }))
}

/// Give a field another name or another type. Values that do not convert exactly are kept aside and listed.
#[utoipa::path(
    patch, operation_id = "change_field", path = "/v1/namespaces/{namespace_id}/fields/{field}", tag = "corrections",
    request_body = FieldUpdate,
    params(
        ("namespace_id" = u32, Path, description = "The namespace's number"),
        ("field" = String, Path, description = "The field's name"),
    ),
    responses(
        (status = 200, description = "It is so now", body = CorrectionObject),
        (status = 202, description = "It goes on in the background, also after a restart", body = CorrectionObject),
    ),
)]
async fn change_field(
    Acting(app): Acting,
    caller: ProjectCaller,
    Path((number, field)): Path<(u32, String)>,
    Json(update): Json<FieldUpdate>,
) -> Result<Ordered, ApiError> {
    let namespace = known(&app, &caller, number)?;
    let field = field_name(&namespace, &field)?;
    let edit = match (update.name, update.r#type) {
        (Some(name), None) => {
            let to = name.parse().map_err(|error| wrong("name", &error))?;
            Edit::RenameField { field, to }
        }
        (None, Some(kind)) => {
            let to: FieldType = kind.parse().map_err(|error| wrong("type", &error))?;
            Edit::RetypeField { field, to }
        }
        _ => return Err(wrong("body", &"give a new 'name' or a new 'type', one at a time")),
    };
    ordered(&app, &caller, &namespace, edit).await
}

/// Drop a field with all its values. Its name may be used again, with another type.
#[utoipa::path(
    delete, operation_id = "drop_field", path = "/v1/namespaces/{namespace_id}/fields/{field}", tag = "corrections",
    params(
        ("namespace_id" = u32, Path, description = "The namespace's number"),
        ("field" = String, Path, description = "The field's name"),
    ),
    responses(
        (status = 200, description = "It is gone", body = CorrectionObject),
        (status = 202, description = "It goes on in the background, also after a restart", body = CorrectionObject),
    ),
)]
async fn drop_field(
    Acting(app): Acting,
    caller: ProjectCaller,
    Path((number, field)): Path<(u32, String)>,
) -> Result<Ordered, ApiError> {
    let namespace = known(&app, &caller, number)?;
    let field = field_name(&namespace, &field)?;
    ordered(&app, &caller, &namespace, Edit::DropField { field }).await
}

/// List the corrections of a namespace, the newest first.
#[utoipa::path(
    get, operation_id = "list_corrections", path = "/v1/namespaces/{namespace_id}/corrections", tag = "corrections",
    params(("namespace_id" = u32, Path, description = "The namespace's number")),
    responses((status = 200, description = "The corrections", body = CorrectionList)),
)]
async fn list(
    Acting(app): Acting,
    caller: ProjectCaller,
    Path(number): Path<u32>,
) -> Result<Reply<CorrectionList>, ApiError> {
    let namespace = known(&app, &caller, number)?;
    let all = app.store.corrections(caller.project, &namespace.name);
    let corrections = all.iter().map(|one| shown(&namespace, one)).collect();
    Ok(Reply(CorrectionList { corrections }))
}

/// Show how far a correction is.
#[utoipa::path(
    get, operation_id = "show_correction", path = "/v1/namespaces/{namespace_id}/corrections/{correction_id}",
    tag = "corrections",
    params(
        ("namespace_id" = u32, Path, description = "The namespace's number"),
        ("correction_id" = u64, Path, description = "The correction's number"),
    ),
    responses((status = 200, description = "The correction", body = CorrectionObject)),
)]
async fn show(
    Acting(app): Acting,
    caller: ProjectCaller,
    Path((number, correction)): Path<(u32, u64)>,
) -> Result<Reply<CorrectionObject>, ApiError> {
    let namespace = known(&app, &caller, number)?;
    Ok(Reply(shown(&namespace, &found(&app, &namespace, correction)?)))
}

/// List the values that a correction could not convert, with the time and the device of each.
#[utoipa::path(
    get, operation_id = "list_quarantined",
    path = "/v1/namespaces/{namespace_id}/corrections/{correction_id}/quarantine", tag = "corrections",
    params(
        ("namespace_id" = u32, Path, description = "The namespace's number"),
        ("correction_id" = u64, Path, description = "The correction's number"),
        ValueQuery,
    ),
    responses((status = 200, description = "The values", body = QuarantinedList)),
)]
async fn quarantine(
    Acting(app): Acting,
    caller: ProjectCaller,
    Path((number, correction)): Path<(u32, u64)>,
    Query(query): Query<ValueQuery>,
) -> Result<Reply<QuarantinedList>, ApiError> {
    let namespace = known(&app, &caller, number)?;
    let correction = found(&app, &namespace, correction)?;
    let format = time_format(query.timefmt)?;
    let limit = query.limit.unwrap_or(DEFAULT_VALUES).min(MAX_VALUES);
    let (store, offset) = (app.store.clone(), query.offset.unwrap_or(0));
    // What is there before the end is of an attempt that may not be the last.
    let values = if correction.state == CorrectionState::Done {
        let reading = move || store.quarantined(correction.number, (offset, limit));
        tokio::task::spawn_blocking(reading).await.map_err(ApiError::internal)??
    } else {
        Vec::new()
    };
    let values = values.into_iter().map(|value| quarantined(value, format)).collect();
    Ok(Reply(QuarantinedList { quarantined: correction.quarantined, values }))
}

/// The same with dates such as 2026-01-31T12:00:00Z as milliseconds.
fn of_dates(mut given: RowsGiven) -> RowsGiven {
    let read = |side: &Option<Side>| -> Option<Side> {
        let date = side.as_ref()?.0.as_str().and_then(date::parse);
        date.map_or_else(|| side.clone(), |date| Some(Side(date.millis().into())))
    };
    given.from = read(&given.from);
    given.to = read(&given.to);
    given
}

async fn ordered(
    app: &App,
    caller: &ProjectCaller,
    namespace: &Namespace,
    edit: Edit,
) -> Result<Ordered, ApiError> {
    let correction = corrections::order(app, caller, namespace, edit).await?;
    let status = match correction.state {
        CorrectionState::Done | CorrectionState::Failed => StatusCode::OK,
        CorrectionState::Running | CorrectionState::Ready => StatusCode::ACCEPTED,
    };
    Ok((status, Reply(shown(namespace, &correction))))
}

fn found(app: &App, namespace: &Namespace, number: u64) -> Result<Correction, ApiError> {
    corrections::find(app, namespace.project, namespace, number).ok_or_else(|| {
        ApiError::not_found(
            format!("There is no correction {number} of namespace '{}'", namespace.name),
            format!("GET /v1/namespaces/{}/corrections lists them", namespace.id),
        )
    })
}

/// The field of that name; the case of its letters does not count.
fn field_name(namespace: &Namespace, name: &str) -> Result<FieldName, ApiError> {
    let exact = namespace.fields.keys().find(|field| field.as_str() == name);
    let alike = || namespace.fields.keys().find(|field| field.as_str().eq_ignore_ascii_case(name));
    exact.or_else(alike).cloned().ok_or_else(|| {
        let known: Vec<&str> = namespace.fields.keys().map(FieldName::as_str).take(20).collect();
        ApiError::not_found(
            format!("Namespace '{}' has no field '{name}'", namespace.name),
            format!("It has {}", known.join(", ")),
        )
    })
}

fn wrong(place: &str, reason: &dyn std::fmt::Display) -> ApiError {
    ApiError::bad_request("The change is not valid", format!("{place}: {reason}"))
}

fn shown(namespace: &Namespace, correction: &Correction) -> CorrectionObject {
    let (action, to) = match &correction.edit {
        Edit::DeleteRows(_) => ("DELETE_ROWS", None),
        Edit::DropField { .. } => ("DROP_FIELD", None),
        Edit::RenameField { to, .. } => ("RENAME_FIELD", Some(to.to_string())),
        Edit::RetypeField { to, .. } => ("RETYPE_FIELD", Some(to.to_string())),
    };
    CorrectionObject {
        correction_id: correction.number,
        namespace_id: namespace.id.get(),
        action,
        field: correction.edit.field().map(ToString::to_string),
        to,
        state: match correction.state {
            CorrectionState::Running | CorrectionState::Ready => "RUNNING",
            CorrectionState::Done => "DONE",
            CorrectionState::Failed => "FAILED",
        },
        rows: correction.rows,
        quarantined: correction.quarantined,
        files: correction.files.0,
        files_done: correction.files.1,
        ordered: date::format_created(correction.ordered),
        ended: correction.ended.map(date::format_created),
        ordered_by: correction.by.clone(),
        problem: correction.problem.clone(),
    }
}

fn quarantined(value: QuarantinedValue, format: TimeFormat) -> Quarantined {
    let QuarantinedValue { time, partition, value } = value;
    Quarantined {
        time: format.from_timestamp(iobeam_model::Timestamp::from_micros(time)),
        device: partition.map(String::from),
        value: match value {
            Value::Double(number) => number.into(),
            Value::Long(number) => number.into(),
            Value::Boolean(boolean) => boolean.into(),
            Value::String(string) => String::from(string).into(),
        },
    }
}
