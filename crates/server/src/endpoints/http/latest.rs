//! `GET /v1/devices/{id}/latest`: what a device said last, field by field.

use axum::Json as Reply;
use axum::extract::State;
use iobeam_model::{FieldName, FieldType, NamespaceName, TimeFormat, Value};
use serde::{Deserialize, Serialize, Serializer};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::lookup::known_id;
use super::statistics::{of_devices, time_format};
use crate::core::api_error::ApiError;
use crate::core::app::App;
use crate::core::auth::ProjectCaller;
use crate::core::query::table;
use crate::endpoints::http::body::{Path, Query};

/// The routes of this file.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default().routes(routes!(latest))
}

/// How times are written.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct TimeQuery {
    /// `sec`, `msec` or `usec`, in any letter case; `msec`, unless said.
    timefmt: Option<String>,
}

/// What a device said last.
#[derive(Serialize, ToSchema)]
struct LatestValues {
    /// The device.
    device_id: String,
    /// The latest value of each field that has one, by namespace and field.
    values: Vec<LatestValue>,
}

/// The latest value of a field.
#[derive(Serialize, ToSchema)]
struct LatestValue {
    /// Where.
    #[schema(value_type = String)]
    namespace: NamespaceName,
    /// What.
    #[schema(value_type = String)]
    field: FieldName,
    /// Of which type.
    #[schema(value_type = String)]
    r#type: FieldType,
    /// When.
    time: i64,
    /// A number, a truth or a text.
    #[serde(serialize_with = "written")]
    #[schema(value_type = serde_json::Value)]
    value: Value,
}

/// A value as JSON.
fn written<S: Serializer>(value: &Value, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Value::Double(number) => serializer.serialize_f64(*number),
        Value::Long(number) => serializer.serialize_i64(*number),
        Value::Boolean(truth) => serializer.serialize_bool(*truth),
        Value::String(text) => serializer.serialize_str(text),
    }
}

/// Show the latest value of each field of a device, in the namespaces that are partitioned by device.
#[utoipa::path(
    get, operation_id = "latest_values", path = "/v1/devices/{device_id}/latest", tag = "devices",
    params(("device_id" = String, Path, description = "The device's id"), TimeQuery),
    responses((status = 200, description = "The values", body = LatestValues)),
)]
async fn latest(
    State(app): State<App>,
    caller: ProjectCaller,
    Path(id): Path<String>,
    Query(query): Query<TimeQuery>,
) -> Result<Reply<LatestValues>, ApiError> {
    let format: TimeFormat = time_format(query.timefmt)?;
    caller.may_act_as(&id)?;
    let (id, project) = (known_id(id)?, caller.project);
    let device = app.catalog(move |catalog| catalog.device(project, &id)).await?;
    let mut values = Vec::new();
    let mut namespaces = of_devices(&app, project);
    namespaces.sort_by(|a, b| a.name.cmp(&b.name));
    for namespace in namespaces {
        let table = {
            let _same = app.switching.read().await;
            let now = app.catalog.namespace(project, &namespace.name);
            table(&app, project, now.as_deref().unwrap_or(&namespace))
        };
        let found = app.engine.of(caller.reader()).latest(&table, device.id.as_str()).await?;
        values.extend(found.into_iter().map(|latest| LatestValue {
            namespace: namespace.name.clone(),
            field: latest.field,
            r#type: latest.value.field_type(),
            time: format.from_timestamp(latest.time),
            value: latest.value,
        }));
    }
    Ok(Reply(LatestValues { device_id: device.id.to_string(), values }))
}
