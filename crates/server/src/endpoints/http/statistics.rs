//! How many rows there are, of a namespace or a device, and from when to when.
//!
//! ```text
//! GET /v1/namespaces/{id}/statistics   {"rows","first_time","last_time","memory_rows","files","bytes",..}
//! GET /v1/devices/{id}/statistics      {"last_seen","rows","first_time","last_time","namespaces":{"input":{..}}}
//! GET /v1/devices?statistics=true      the list, each device with {"statistics":{..}}
//! ```
//!
//! - All of it is exact. A namespace's figures are known without reading rows; a device's are counted each time: for
//!   one device by reading what is its own, for all by reading two columns of everything, within the query limits.
//! - A device's rows are those of namespaces whose partitioning field is `device_id`.

use std::collections::{BTreeMap, HashMap};

use axum::Json as Reply;
use iobeam_catalog::Namespace;
use iobeam_model::{DeviceId, FieldName, ProjectId, TimeFormat};
use iobeam_query::{Figures, Of};
use iobeam_wire::v1::{DeviceStatistics, NamespaceStatistics, RowFigures};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::lookup::known_id;
use super::namespaces::known;
use super::schema;
use crate::core::api_error::ApiError;
use crate::core::app::App;
use crate::core::auth::ProjectCaller;
use crate::core::query::table;
use crate::endpoints::http::body::{Path, Query};

/// The routes of this file.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default().routes(routes!(of_namespace)).routes(routes!(of_device))
}

/// How times are written.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct TimeQuery {
    /// `sec`, `msec` or `usec`, in any letter case; `msec`, unless said.
    timefmt: Option<String>,
}

/// Count a namespace's rows, files and bytes.
#[utoipa::path(
    get, operation_id = "namespace_statistics", path = "/v1/namespaces/{namespace_id}/statistics", tag = "namespaces",
    params(("namespace_id" = u32, Path, description = "The namespace's number"), TimeQuery),
    responses((status = 200, description = "The figures", body = schema::NamespaceStatistics)),
)]
async fn of_namespace(
    app: axum::extract::State<App>,
    caller: ProjectCaller,
    Path(number): Path<u32>,
    Query(query): Query<TimeQuery>,
) -> Result<Reply<NamespaceStatistics>, ApiError> {
    let format = time_format(query.timefmt)?;
    let namespace = known(&app, &caller, number)?;
    let table = table(&app, caller.project, &namespace);
    let snapshot = table.snapshot.clone();
    let now = app.clock.now();
    let engine = app.engine.of(caller.reader());
    let found = engine.figures(caller.project, table, Of::All, now).await?.pop();
    let keep_from = app.retention.keep_from(&namespace).await;
    Ok(Reply(NamespaceStatistics {
        namespace_id: namespace.id,
        namespace_name: namespace.name.clone(),
        all: written(&found.unwrap_or_default(), format),
        memory_rows: snapshot.chunks.iter().map(|chunk| chunk.rows.num_rows() as u64).sum(),
        files: snapshot.files.len() as u64,
        bytes: snapshot.files.iter().map(|file| file.size).sum(),
        effective_retention: namespace.retention.or(app.config.storage.retention),
        keep_from: keep_from.map(|time| format.from_timestamp(time)),
    }))
}

/// Count a device's rows.
#[utoipa::path(
    get, operation_id = "device_statistics", path = "/v1/devices/{device_id}/statistics", tag = "devices",
    params(("device_id" = String, Path, description = "The device's id"), TimeQuery),
    responses((status = 200, description = "The figures", body = schema::DeviceStatistics)),
)]
async fn of_device(
    app: axum::extract::State<App>,
    caller: ProjectCaller,
    Path(id): Path<String>,
    Query(query): Query<TimeQuery>,
) -> Result<Reply<DeviceStatistics>, ApiError> {
    let format = time_format(query.timefmt)?;
    caller.may_act_as(&id)?;
    let (id, project) = (known_id(id)?, caller.project);
    let device = app.catalog(move |catalog| catalog.device(project, &id)).await?;
    let mut all = Figures::default();
    let mut namespaces = BTreeMap::new();
    for namespace in of_devices(&app, project) {
        let of = Of::Value(device.id.as_str());
        let table = table(&app, project, &namespace);
        let engine = app.engine.of(caller.reader());
        let found = engine.figures(project, table, of, app.clock.now()).await?.pop();
        let found = found.unwrap_or_default();
        if found.rows > 0 {
            namespaces.insert(namespace.name.clone(), written(&found, format));
            all = together(&all, &found);
        }
    }
    let all = written(&all, format);
    Ok(Reply(DeviceStatistics {
        device_id: device.id,
        last_seen: device.last_seen,
        all,
        namespaces,
    }))
}

/// The figures of every device that has rows.
pub(super) async fn of_all_devices(
    app: &App,
    (project, reader): (ProjectId, u64),
    format: TimeFormat,
) -> Result<HashMap<DeviceId, RowFigures>, ApiError> {
    let mut all: HashMap<DeviceId, Figures> = HashMap::new();
    for namespace in of_devices(app, project) {
        let table = table(app, project, &namespace);
        let engine = app.engine.of(reader);
        let found = engine.figures(project, table, Of::EachValue, app.clock.now()).await?;
        for figures in found {
            // What is no device's id stands for no device.
            let Some(Ok(id)) = figures.value.as_deref().map(str::parse) else { continue };
            let sum = all.entry(id).or_default();
            *sum = together(sum, &figures);
        }
    }
    Ok(all.into_iter().map(|(id, figures)| (id, written(&figures, format))).collect())
}

/// The namespaces whose rows are devices'.
pub(super) fn of_devices(app: &App, project: ProjectId) -> Vec<std::sync::Arc<Namespace>> {
    let device_id = FieldName::device_id();
    let mut namespaces = app.catalog.namespaces(project);
    namespaces.retain(|namespace| namespace.partition == device_id);
    namespaces
}

fn together(one: &Figures, other: &Figures) -> Figures {
    Figures {
        value: None,
        rows: one.rows + other.rows,
        first: one.first.into_iter().chain(other.first).min(),
        last: one.last.into_iter().chain(other.last).max(),
    }
}

/// Figures of no device.
pub(super) fn none() -> RowFigures {
    written(&Figures::default(), TimeFormat::default())
}

fn written(figures: &Figures, format: TimeFormat) -> RowFigures {
    RowFigures {
        rows: figures.rows,
        first_time: figures.first.map(|time| format.from_timestamp(time)),
        last_time: figures.last.map(|time| format.from_timestamp(time)),
    }
}

/// The unit of times: a whole number, so neither `timeval` nor `iso`.
pub(super) fn time_format(given: Option<String>) -> Result<TimeFormat, ApiError> {
    let Some(text) = given else { return Ok(TimeFormat::default()) };
    match text.parse() {
        Ok(TimeFormat::Timeval | TimeFormat::Iso) | Err(_) => {
            Err(ApiError::parameter("timefmt", format!("'{text}' is not sec, msec or usec")))
        }
        Ok(format) => Ok(format),
    }
}
