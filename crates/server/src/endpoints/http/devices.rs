//! Devices, and the server's time for them.
//!
//! ```text
//! POST  /v1/devices            {"device_id"?,"device_name"?,..} ─▶ 201 {"device_id":"..",..}   ≤ 255 bytes
//! POST  /v1/devices            {"devices":[{..},{..}]}          ─▶ 201 {"devices":[{..},{..}]}    all of them or none
//! GET   /v1/devices/timestamp  ?timefmt=TIMEVAL ─▶ {"server_timestamp":{"sec":..,"usec":..}}
//! ```
//!
//! - The project is the token's; one that a request names must be the same.
//! - A token that is bound to a device registers, changes and removes that device only.
//! - Small devices read these replies with a 256-byte buffer and look for `"device_id":` and `"sec":` as they are
//!   written here: no blank before a colon, seconds first.

mod search;

use axum::Json as Reply;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use iobeam_catalog::{Changed, Device, DeviceChanges, NewDevice, Page};
use iobeam_model::{DeviceId, ProjectId, TimeFormat};
use iobeam_wire::v1::{DeviceList, DeviceObject, TimestampReply, TimevalReply, date};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::lookup::known_id;
use super::{schema, statistics};
use crate::core::api_error::ApiError;
use crate::core::app::App;
use crate::core::auth::ProjectCaller;
use crate::endpoints::http::body::{Json, Path, Query};
use crate::endpoints::http::caller::Acting;

/// The routes of this file.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default()
        .routes(routes!(register, list))
        .routes(routes!(timestamp))
        .routes(routes!(show, update, delete))
}

/// A device to register.
#[derive(Deserialize, ToSchema)]
struct NewDeviceRequest {
    /// The token's project.
    project_id: Option<u64>,
    /// Unique within the project; one is made when it is absent.
    #[schema(pattern = "^[A-Za-z0-9_:-]{1,255}$")]
    device_id: Option<String>,
    /// Unique within the project; one is made when it is absent.
    device_name: Option<String>,
    /// What sort of device it is.
    device_type: Option<String>,
    /// When it was made, such as 2016-07-29T08:19:47Z.
    created: Option<String>,
    /// Many devices in place of the one: all of them are registered, or none.
    devices: Option<Vec<OneOfMany>>,
}

/// One of many devices to register.
#[derive(Deserialize, ToSchema)]
struct OneOfMany {
    /// Unique within the project; one is made when it is absent.
    #[schema(pattern = "^[A-Za-z0-9_:-]{1,255}$")]
    device_id: Option<String>,
    /// Unique within the project; one is made when it is absent.
    device_name: Option<String>,
    /// What sort of device it is.
    device_type: Option<String>,
    /// When it was made, such as 2016-07-29T08:19:47Z.
    created: Option<String>,
}

/// What to change about a device; what is absent stays. Other members may be sent along and are ignored.
#[derive(Deserialize, ToSchema)]
struct DeviceUpdate {
    /// The token's project.
    project_id: Option<u64>,
    /// Another name, unique within the project.
    device_name: Option<String>,
    /// Another type; an empty one takes it away.
    device_type: Option<String>,
}

/// Which devices.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct DeviceQuery {
    /// The token's project.
    project_id: Option<u64>,
    /// A device's name: the reply is that one device, not a list.
    name: Option<String>,
    /// How many to leave out at the start.
    offset: Option<u64>,
    /// How many to show at most; all, unless said.
    count: Option<u64>,
    /// `true`: each device of the list with the number of its rows and the times of the first and the last.
    statistics: Option<bool>,
    /// A text that occurs in a device's id or name, in any letter case.
    search: Option<String>,
    /// Devices of this type.
    r#type: Option<String>,
    /// Devices in this state: `online`, `stale`, `offline` or `never_seen`.
    state: Option<String>,
    /// The order: `name`, `id`, `type`, `created` or `last_seen`; a `-` before it turns it round.
    sort: Option<String>,
    /// `true`: how many devices there are of each type and in each state, each counted without its own filter.
    facets: Option<bool>,
    /// The unit of those times: `sec`, `msec` or `usec`; `msec`, unless said.
    timefmt: Option<String>,
}

/// How the time is written.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct TimeQuery {
    /// `sec`, `msec`, `usec` or `timeval`, in any letter case; `msec`, unless said.
    timefmt: Option<String>,
}

/// The devices of a project, or the one that was asked for by name.
#[derive(Serialize)]
#[serde(untagged)]
enum Found {
    All(DeviceList),
    Some(search::FoundReply),
    One(DeviceObject),
}

/// The device that was registered, or all of them.
#[derive(Serialize)]
#[serde(untagged)]
enum Registered {
    One(DeviceObject),
    Many(DeviceList),
}

/// The server's time.
#[derive(Serialize)]
#[serde(untagged)]
enum ServerTime {
    Number(TimestampReply),
    Timeval(TimevalReply),
}

/// Register a device, or many at once.
///
/// With `devices` all of them are registered or none, for the price of one: at most as many as the setting
/// `max-devices-per-request` says.
#[utoipa::path(
    post, operation_id = "register_device", path = "/v1/devices", tag = "devices", request_body = NewDeviceRequest,
    responses((status = 201, description = "It is registered; with `devices` the reply is a list of them",
               body = schema::DeviceOrList)),
)]
async fn register(
    Acting(app): Acting,
    caller: ProjectCaller,
    Json(request): Json<NewDeviceRequest>,
) -> Result<(StatusCode, Reply<Registered>), ApiError> {
    caller.is_of_project(request.project_id)?;
    let project = caller.project;
    let NewDeviceRequest { device_id, device_name, device_type, created, devices, .. } = request;
    let Some(devices) = devices else {
        let one = OneOfMany { device_id, device_name, device_type, created };
        let new = legal(&caller, one)?;
        let made = app.catalog(move |catalog| catalog.register_device(project, new)).await?;
        return Ok((StatusCode::CREATED, Reply(Registered::One(shown(made)))));
    };
    let most = app.config.devices.max_per_request;
    if devices.len() > most {
        let details = format!(
            "devices: {} devices, and {most} may come at once (setting max-devices-per-request); send several lists",
            devices.len()
        );
        return Err(ApiError::bad_request("There are too many devices in the list", details));
    }
    let new: Result<Vec<_>, _> = devices.into_iter().map(|one| legal(&caller, one)).collect();
    let new = new?;
    let made = app.catalog(move |catalog| catalog.register_devices(project, new)).await?;
    let devices = made.into_iter().map(shown).collect();
    Ok((StatusCode::CREATED, Reply(Registered::Many(DeviceList { devices }))))
}

/// A device as the catalog takes it, if the caller may register it.
fn legal(caller: &ProjectCaller, asked: OneOfMany) -> Result<NewDevice, ApiError> {
    let id = match asked.device_id {
        Some(id) => Some(legal_id(id)?),
        // A token that is bound to a device says which one it is.
        None => caller.device.clone(),
    };
    if let Some(id) = &id {
        caller.may_act_as(id.as_str())?;
    }
    let created = asked.created.as_deref().map(|text| {
        date::parse(text).ok_or_else(|| {
            let details = format!("created: '{text}' is not a date such as 2016-07-29T08:19:47Z");
            ApiError::bad_request("The date is not valid", details)
        })
    });
    Ok(NewDevice {
        id,
        name: asked.device_name,
        kind: asked.device_type,
        created: created.transpose()?,
    })
}

/// List the project's devices, search them, or show one by name.
///
/// With `search`, `type`, `state`, `sort` or `facets` each device has its state, and the reply says how many there are on
/// all pages.
#[utoipa::path(
    get, operation_id = "list_devices", path = "/v1/devices", tag = "devices", params(DeviceQuery),
    responses(
        (status = 200, description = "The project's devices; with `name`: that one device",
         body = schema::DeviceOrList),
    ),
)]
async fn list(
    Acting(app): Acting,
    caller: ProjectCaller,
    Query(mut query): Query<DeviceQuery>,
) -> Result<Reply<Found>, ApiError> {
    caller.is_of_project(query.project_id)?;
    let (project, reader) = (caller.project, caller.reader());
    if let Some(name) = query.name.take() {
        let device = app.catalog(move |catalog| catalog.device_by_name(project, &name)).await?;
        caller.may_act_as(device.id.as_str())?;
        return Ok(Reply(Found::One(shown(device))));
    }
    if let Some(own) = caller.device {
        // Its own record is all that it sees.
        let device = app.catalog(move |catalog| catalog.device(project, &own)).await?;
        let mut devices = vec![shown(device)];
        add_statistics(&app, (project, reader), &query, &mut devices).await?;
        return Ok(Reply(Found::All(DeviceList { devices })));
    }
    if let Some(search) = search::search(&query)? {
        let patience = search::patience(&app.config);
        let found =
            app.catalog(move |catalog| catalog.search_devices(project, &search, patience)).await?;
        let mut reply = search::reply(found, query.facets == Some(true));
        add_statistics(&app, (project, reader), &query, &mut reply.devices).await?;
        return Ok(Reply(Found::Some(reply)));
    }
    let page = Page { offset: query.offset.unwrap_or(0), count: query.count };
    let devices = app.catalog(move |catalog| catalog.devices(project, page)).await?;
    let mut devices: Vec<_> = devices.into_iter().map(shown).collect();
    add_statistics(&app, (project, reader), &query, &mut devices).await?;
    Ok(Reply(Found::All(DeviceList { devices })))
}

/// Adds each device's rows, if they are asked for.
async fn add_statistics(
    app: &App,
    asked: (ProjectId, u64),
    query: &DeviceQuery,
    devices: &mut [DeviceObject],
) -> Result<(), ApiError> {
    if query.statistics != Some(true) {
        return Ok(());
    }
    let format = statistics::time_format(query.timefmt.clone())?;
    let mut all = statistics::of_all_devices(app, asked, format).await?;
    for device in devices {
        let of_device = all.remove(&device.device_id);
        device.statistics = Some(of_device.unwrap_or_else(statistics::none));
    }
    Ok(())
}

/// Show the server's time.
#[utoipa::path(
    get, operation_id = "show_time", path = "/v1/devices/timestamp", tag = "devices", params(TimeQuery),
    responses((status = 200, description = "The server's time", body = schema::ServerTime)),
)]
async fn timestamp(
    Acting(app): Acting,
    _caller: ProjectCaller,
    Query(query): Query<TimeQuery>,
) -> Result<Reply<ServerTime>, ApiError> {
    let format = match query.timefmt {
        None => TimeFormat::default(),
        Some(text) => text.parse().map_err(|error| ApiError::parameter("timefmt", error))?,
    };
    let now = app.clock.now();
    match format {
        TimeFormat::Timeval => {
            Ok(Reply(ServerTime::Timeval(TimevalReply { server_timestamp: now.into() })))
        }
        TimeFormat::Iso => Err(ApiError::parameter(
            "timefmt",
            "the server's time is a number; use sec, msec, usec or timeval",
        )),
        _ => {
            let server_timestamp = format.from_timestamp(now);
            Ok(Reply(ServerTime::Number(TimestampReply { server_timestamp })))
        }
    }
}

/// Show a device.
#[utoipa::path(
    get, operation_id = "show_device", path = "/v1/devices/{device_id}", tag = "devices",
    params(("device_id" = String, Path, description = "The device's id")),
    responses((status = 200, description = "The device", body = schema::Device)),
)]
async fn show(
    Acting(app): Acting,
    caller: ProjectCaller,
    Path(id): Path<String>,
) -> Result<Reply<DeviceObject>, ApiError> {
    caller.may_act_as(&id)?;
    let id = known_id(id)?;
    let device = app.catalog(move |catalog| catalog.device(caller.project, &id)).await?;
    let state = search::patience(&app.config).state(device.last_seen, app.clock.now());
    Ok(Reply(search::with_state((device, state))))
}

/// Change a device's name or type.
#[utoipa::path(
    patch, operation_id = "update_device", path = "/v1/devices/{device_id}", tag = "devices", request_body = DeviceUpdate,
    params(("device_id" = String, Path, description = "The device's id")),
    responses(
        (status = 200, description = "Changed", body = schema::Device),
        (status = 204, description = "Nothing to change"),
    ),
)]
async fn update(
    Acting(app): Acting,
    caller: ProjectCaller,
    Path(id): Path<String>,
    Json(request): Json<DeviceUpdate>,
) -> Result<Response, ApiError> {
    caller.is_of_project(request.project_id)?;
    caller.may_act_as(&id)?;
    let id = known_id(id)?;
    let changes = DeviceChanges { name: request.device_name, kind: request.device_type };
    let after = app
        .catalog(move |catalog| match catalog.update_device(caller.project, &id, changes)? {
            Changed::Yes => catalog.device(caller.project, &id).map(Some),
            Changed::No => Ok(None),
        })
        .await?;
    Ok(match after {
        Some(device) => Reply(shown(device)).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    })
}

/// Remove a device. Its readings stay; tokens that are bound to it end, also for one that is registered later under its id.
#[utoipa::path(
    delete, operation_id = "delete_device", path = "/v1/devices/{device_id}", tag = "devices",
    params(("device_id" = String, Path, description = "The device's id")),
    responses((status = 204, description = "It is removed")),
)]
async fn delete(
    Acting(app): Acting,
    caller: ProjectCaller,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    caller.may_act_as(&id)?;
    let id = known_id(id)?;
    app.catalog(move |catalog| catalog.delete_device(caller.project, &id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// An id that a device shall have.
fn legal_id(text: String) -> Result<DeviceId, ApiError> {
    text.try_into().map_err(|error| {
        ApiError::bad_request("The device id is not valid", format!("device_id: {error}"))
    })
}

/// The device as the API shows it.
fn shown(device: Device) -> DeviceObject {
    DeviceObject {
        device_id: device.id,
        project_id: device.project,
        device_name: device.name,
        device_type: device.kind,
        created: device.created,
        last_seen: device.last_seen,
        state: None,
        statistics: None,
    }
}
