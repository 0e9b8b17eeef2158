//! Namespaces: tables of rows with typed fields.
//!
//! ```text
//! GET ?name=x ─▶ {"namespaces":[..]}     a list, also for one name
//! PUT /{id}   ─▶ 204                     the whole object, with more fields and labels, or another type for one field
//! ```
//!
//! Fields are added here, and changed or removed by corrections; labels are added or overwritten; a retention may be another at any
//! time and holds at once. `labels` and `fields` are always
//! objects: a client that finds none stops working.

use std::collections::BTreeMap;

use axum::Json as Reply;
use http::StatusCode;
use http::header::{HeaderName, LOCATION};
use iobeam_catalog::{CatalogError, FieldChange, Namespace, NamespaceChanges, NewNamespace};
use iobeam_model::{FieldName, FieldType, NamespaceId, NamespaceName, Retention, Value};
use iobeam_store::{CorrectionState, Edit};
use iobeam_wire::v1::{NamespaceList, NamespaceObject};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::schema;
use crate::core::api_error::{ApiError, Category};
use crate::core::app::App;
use crate::core::auth::ProjectCaller;
use crate::core::{corrections, deletion};
use crate::endpoints::http::body::{Json, Path, Query};
use crate::endpoints::http::caller::Acting;

/// The routes of this file.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default().routes(routes!(create, list)).routes(routes!(show, update, delete))
}

type Labels = BTreeMap<String, serde_json::Value>;

/// A namespace to make.
#[derive(Deserialize, ToSchema)]
struct NamespaceRequest {
    /// The token's project.
    project_id: Option<u64>,
    /// Unique within the project.
    #[schema(pattern = "^[A-Za-z0-9_-]{1,255}$")]
    namespace_name: String,
    /// The field that says whose row it is; `device_id`, unless said.
    #[schema(pattern = "^[A-Za-z0-9_-]{1,255}$")]
    partitioning_field: Option<String>,
    /// The fields and their types.
    #[schema(value_type = Option<BTreeMap<String, schema::FieldType>>)]
    fields: Option<BTreeMap<String, String>>,
    /// Notes about it: texts, numbers or booleans.
    #[schema(value_type = Option<Object>)]
    labels: Option<Labels>,
    /// How long its rows are kept, by their own times: a text such as `30d`, `12h` or `P30D`, a number of seconds,
    /// `none` for ever, or `default`, which is the server's setting and goes without saying.
    #[schema(value_type = Option<schema::RetentionGiven>)]
    retention: Option<serde_json::Value>,
}

/// A namespace with more fields or labels. The other members of a namespace may be sent along and are ignored.
#[derive(Deserialize, ToSchema)]
struct NamespaceUpdate {
    /// All fields, the old ones with their types; absent, they stay as they are. One of the old ones may have another type,
    /// if `fields_version` is given: its values are converted, and those that do not convert are kept aside and listed.
    #[schema(value_type = Option<BTreeMap<String, schema::FieldType>>)]
    fields: Option<BTreeMap<String, String>>,
    /// That of the namespace as it was read: another type for a field is refused if its fields have changed since.
    fields_version: Option<String>,
    /// Labels to add or overwrite; others stay.
    #[schema(value_type = Option<Object>)]
    labels: Option<Labels>,
    /// How long its rows are kept from now on; absent, it stays as it is. Rows that are past it are gone at once.
    #[schema(value_type = Option<schema::RetentionGiven>)]
    retention: Option<serde_json::Value>,
}

/// Which namespaces.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct NamespaceQuery {
    /// The token's project.
    project_id: Option<u64>,
    /// A name: the list holds that namespace only.
    name: Option<String>,
    /// The same.
    namespace_name: Option<String>,
}

/// Make a namespace. Readings cannot add fields to it by themselves.
#[utoipa::path(
    post, operation_id = "create_namespace", path = "/v1/namespaces", tag = "namespaces", request_body = NamespaceRequest,
    responses(
        (status = 201, description = "The namespace was made", body = schema::Namespace,
         headers(("Location" = String, description = "Its path"))),
    ),
)]
async fn create(
    Acting(app): Acting,
    caller: ProjectCaller,
    Json(request): Json<NamespaceRequest>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Reply<NamespaceObject>), ApiError> {
    caller.is_of_project(request.project_id)?;
    let partition =
        request.partitioning_field.as_deref().map(|name| field("partitioning_field", name));
    let new = NewNamespace {
        project: caller.project,
        name: request.namespace_name.parse().map_err(|error| wrong("namespace_name", &error))?,
        partition: partition.transpose()?.unwrap_or_else(FieldName::device_id),
        fields: fields(request.fields.unwrap_or_default())?,
        labels: labels(request.labels.unwrap_or_default())?,
        retention: retention(request.retention)?.unwrap_or_default(),
    };
    let made = app.catalog(move |catalog| catalog.create_namespace(new)).await?;
    app.retention.apply(&made).await;
    let location = format!("/v1/namespaces/{}", made.id);
    Ok((StatusCode::CREATED, [(LOCATION, location)], Reply(shown(&app, &made))))
}

/// List the project's namespaces.
#[utoipa::path(
    get, operation_id = "list_namespaces", path = "/v1/namespaces", tag = "namespaces", params(NamespaceQuery),
    responses((status = 200, description = "The namespaces", body = schema::NamespaceList)),
)]
async fn list(
    Acting(app): Acting,
    caller: ProjectCaller,
    Query(query): Query<NamespaceQuery>,
) -> Result<Reply<NamespaceList>, ApiError> {
    caller.is_of_project(query.project_id)?;
    let namespaces = match query.name.or(query.namespace_name) {
        None => app.catalog.namespaces(caller.project),
        Some(name) => name
            .parse::<NamespaceName>()
            .ok()
            .and_then(|name| app.catalog.namespace(caller.project, &name))
            .into_iter()
            .collect(),
    };
    let namespaces = namespaces.iter().map(|namespace| shown(&app, namespace)).collect();
    Ok(Reply(NamespaceList { namespaces }))
}

/// Show a namespace.
#[utoipa::path(
    get, operation_id = "show_namespace", path = "/v1/namespaces/{namespace_id}", tag = "namespaces",
    params(("namespace_id" = u32, Path, description = "The namespace's number")),
    responses((status = 200, description = "The namespace", body = schema::Namespace)),
)]
async fn show(
    Acting(app): Acting,
    caller: ProjectCaller,
    Path(number): Path<u32>,
) -> Result<Reply<NamespaceObject>, ApiError> {
    let namespace = known(&app, &caller, number)?;
    Ok(Reply(shown(&app, &namespace)))
}

/// Add fields and labels to a namespace, change its retention, or give one field another type.
#[utoipa::path(
    put, operation_id = "update_namespace", path = "/v1/namespaces/{namespace_id}", tag = "namespaces", request_body = NamespaceUpdate,
    params(("namespace_id" = u32, Path, description = "The namespace's number")),
    responses(
        (status = 204, description = "It is so now"),
        (status = 202, description = "The new type comes in the background, also after a restart: `corrections` shows how far it is"),
    ),
)]
async fn update(
    Acting(app): Acting,
    caller: ProjectCaller,
    Path(number): Path<u32>,
    Json(request): Json<NamespaceUpdate>,
) -> Result<StatusCode, ApiError> {
    let namespace = known(&app, &caller, number)?;
    let mut fields = request.fields.map(fields).transpose()?;
    let retyped = match &mut fields {
        Some(fields) => retyped(&namespace, fields, request.fields_version.as_deref())?,
        None => None,
    };
    let changes = NamespaceChanges {
        fields,
        labels: labels(request.labels.unwrap_or_default())?,
        retention: retention(request.retention)?,
    };
    let id = namespace.id;
    let project = caller.project;
    let after = app.catalog(move |catalog| catalog.update_namespace(project, id, changes)).await?;
    app.retention.apply(&after).await;
    let Some(edit) = retyped else { return Ok(StatusCode::NO_CONTENT) };
    let correction = corrections::order(&app, &caller, &after, edit).await?;
    let is_done = correction.state == CorrectionState::Done;
    Ok(if is_done { StatusCode::NO_CONTENT } else { StatusCode::ACCEPTED })
}

/// The field that is to have another type, which is put back to the present one in `fields`. Nothing where no version of the
/// fields is given: then the catalog refuses another type, and says what to do.
fn retyped(
    namespace: &Namespace,
    fields: &mut BTreeMap<FieldName, FieldType>,
    version: Option<&str>,
) -> Result<Option<Edit>, ApiError> {
    let Some(version) = version else { return Ok(None) };
    let mut others = fields.iter_mut().filter_map(|(name, kind)| {
        let (known, has) = namespace.fields.get_key_value(name)?;
        (kind != has).then(|| (known.clone(), std::mem::replace(kind, *has)))
    });
    let Some((field, to)) = others.next() else { return Ok(None) };
    if let Some((other, _)) = others.next() {
        let reason =
            format!("both '{field}' and '{other}' have another type; change one at a time");
        return Err(wrong("fields", &reason));
    }
    if version != fields_version(&namespace.fields) {
        return Err(ApiError::new(
            Category::Conflict,
            "The namespace has changed",
            format!(
                "Its fields are other ones than those of fields_version '{version}'; read it again (GET /v1/namespaces/{}), and repeat the change",
                namespace.id
            ),
        ));
    }
    namespace.check_field_change(&field, &FieldChange::Retype(to))?;
    Ok(Some(Edit::RetypeField { field, to }))
}

/// Tells fields with their types from others.
fn fields_version(fields: &BTreeMap<FieldName, FieldType>) -> String {
    let sum = fields.iter().fold(0, |sum, (name, kind)| {
        crc32c::crc32c_append(sum, format!("{name} {kind}\n").as_bytes())
    });
    format!("{sum:08x}")
}

/// Delete a namespace with all its rows; nobody can bring them back. The namespace `input` stays; it can be truncated.
#[utoipa::path(
    delete, operation_id = "delete_namespace", path = "/v1/namespaces/{namespace_id}", tag = "namespaces",
    params(("namespace_id" = u32, Path, description = "The namespace's number")),
    responses((status = 204, description = "It is gone")),
)]
async fn delete(
    Acting(app): Acting,
    caller: ProjectCaller,
    Path(number): Path<u32>,
) -> Result<StatusCode, ApiError> {
    let id = NamespaceId::new(number).ok_or_else(|| unknown(number))?;
    let deleted = app.catalog(move |catalog| catalog.delete_namespace(caller.project, id)).await?;
    deletion::end(&app, deleted).await;
    Ok(StatusCode::NO_CONTENT)
}

/// The namespace of that number in the caller's project.
pub(super) fn known(
    app: &App,
    caller: &ProjectCaller,
    number: u32,
) -> Result<std::sync::Arc<Namespace>, ApiError> {
    NamespaceId::new(number)
        .and_then(|id| app.catalog.namespace_by_id(caller.project, id))
        .ok_or_else(|| unknown(number))
}

fn unknown(number: u32) -> ApiError {
    CatalogError::NotFound { what: "namespace", name: number.to_string() }.into()
}

fn wrong(place: &str, reason: &dyn std::fmt::Display) -> ApiError {
    ApiError::bad_request("The namespace is not valid", format!("{place}: {reason}"))
}

fn field(place: &str, name: &str) -> Result<FieldName, ApiError> {
    name.parse().map_err(|error| wrong(place, &error))
}

/// Names and types, each refusal with the name of its field.
fn fields(texts: BTreeMap<String, String>) -> Result<BTreeMap<FieldName, FieldType>, ApiError> {
    texts
        .into_iter()
        .map(|(name, kind)| {
            let place = format!("fields.{name}");
            let kind = kind.parse().map_err(|error| wrong(&place, &error))?;
            Ok((field(&place, &name)?, kind))
        })
        .collect()
}

fn labels(labels: Labels) -> Result<BTreeMap<String, Value>, ApiError> {
    labels
        .into_iter()
        .map(|(name, value)| match label(&value) {
            Some(value) => Ok((name, value)),
            None if value.is_number() => {
                let reason = format!("{value} has more than 64 bits; send it as a string");
                Err(wrong(&format!("labels.{name}"), &reason))
            }
            None => Err(wrong(
                &format!("labels.{name}"),
                &format!("{value} is neither a text, a number nor a boolean"),
            )),
        })
        .collect()
}

fn label(value: &serde_json::Value) -> Option<Value> {
    match value {
        serde_json::Value::Bool(truth) => Some(Value::Boolean(*truth)),
        serde_json::Value::String(text) => Some(Value::String(text.as_str().into())),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(number) => Some(Value::Long(number)),
            // Beyond them it would lose digits.
            None if number.is_u64() => None,
            None => number.as_f64().map(Value::Double),
        },
        _ => None,
    }
}

/// A retention as a request says it; null says nothing.
fn retention(given: Option<serde_json::Value>) -> Result<Option<Retention>, ApiError> {
    use serde_json::Value::{Null, Number, String};
    let text = match given {
        None | Some(Null) => return Ok(None),
        Some(String(text)) => text,
        Some(Number(seconds)) => seconds.to_string(),
        Some(other) => other.to_string(),
    };
    text.parse().map(Some).map_err(|error| wrong("retention", &error))
}

/// The namespace as the API shows it.
fn shown(app: &App, namespace: &Namespace) -> NamespaceObject {
    let labels = namespace.labels.iter().map(|(name, value)| {
        let value = match value {
            Value::Double(number) => (*number).into(),
            Value::Long(number) => (*number).into(),
            Value::Boolean(truth) => (*truth).into(),
            Value::String(text) => text.as_ref().into(),
        };
        (name.clone(), value)
    });
    NamespaceObject {
        namespace_id: namespace.id,
        project_id: namespace.project,
        namespace_name: namespace.name.clone(),
        partitioning_field: namespace.partition.clone(),
        retention: namespace.retention,
        effective_retention: namespace.retention.or(app.config.storage.retention),
        created: namespace.created,
        last_modified: namespace.last_modified,
        fields: namespace.fields.clone(),
        fields_version: fields_version(&namespace.fields),
        labels: labels.collect(),
    }
}
