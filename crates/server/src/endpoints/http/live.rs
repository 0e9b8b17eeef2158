//! `GET /v1/live`: readings as they come.

use std::collections::HashSet;
use std::convert::Infallible;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use futures::StreamExt as _;
use http::HeaderMap;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use iobeam_catalog::Namespace;
use iobeam_model::{FieldName, FieldType, TimeFormat};
use iobeam_query::Selection;
use iobeam_store::Point;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::core::api_error::ApiError;
use crate::core::app::App;
use crate::core::auth::refusal::Refusal;
use crate::core::auth::rights::Permission;
use crate::core::auth::{ProjectCaller, Standing};
use crate::core::live::{Event, Subscription, follow};
use crate::core::query::{known, own_device};
use crate::endpoints::http::body::Query;

/// More devices or fields than anybody names in a URL.
const MAX_NAMES: usize = 1_000;

/// The routes of this file.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default().routes(routes!(live))
}

/// What is followed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// `input`, unless said.
    namespace: Option<String>,
    /// Ids of devices with commas between them; all, unless said.
    device_id: Option<String>,
    /// Names of fields with commas between them; all, unless said. Rows that have none of them are left out.
    fields: Option<String>,
    /// A point that came with an event, or with the answer of `POST /v1/query`: only what came later follows. The header
    /// `Last-Event-ID` goes before it.
    since: Option<String>,
    /// How times are written: `sec`, `msec` (the default), `usec` or `timeval`.
    timefmt: Option<String>,
}

/// Follow readings as they come: server-sent events `hello` (with the point where it begins), `rows` (each row within a
/// second of its acknowledgement), `gap` (rows since the point are no longer held: ask for them anew, and go on) and
/// `end` (with the reason). The id of an event is the point to come back with: no row is missed, and none comes twice.
#[utoipa::path(get, path = "/v1/live", tag = "data", operation_id = "live", params(Asked),
    responses((status = 200, description = "Events, until either side ends", content_type = "text/event-stream", body = String)),
    security(("project" = [])))]
async fn live(
    State(app): State<App>,
    caller: ProjectCaller,
    standing: Standing,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    caller.need(Permission::Read)?;
    let name = asked.namespace.as_deref().filter(|name| !name.is_empty()).unwrap_or("input");
    let namespace = known(&app, caller.project, name)?;
    let fields = listed("fields", asked.fields.as_deref())?;
    let spelled = |name: &String| {
        let spelling = namespace.spelling(name).cloned();
        spelling.map_or_else(|| field(name), Ok)
    };
    let fields = fields.map(|names| names.iter().map(spelled).collect()).transpose()?;
    let devices = listed("device_id", asked.device_id.as_deref())?;
    let time_format = match asked.timefmt.as_deref().filter(|text| !text.is_empty()) {
        None => TimeFormat::default(),
        Some(text) => text.parse::<TimeFormat>().map_err(|error| wrong("timefmt", &error))?,
    };
    let since = point(&headers, asked.since.as_deref())?;
    let devices = match own_device(&caller, &namespace)? {
        Some(own)
            if devices
                .as_ref()
                .is_none_or(|devices| devices.iter().any(|one| one == own.as_str())) =>
        {
            Some(HashSet::from([own.to_string()]))
        }
        Some(_) => return Err(Refusal::OtherDevice.into()),
        None => devices.map(HashSet::from_iter),
    };
    let selection = Selection { key: key(&namespace), devices, fields, time_format };
    let subscription = Subscription {
        project: caller.project,
        namespace: namespace.name.clone(),
        selection,
        since,
    };
    let events = follow(&app, subscription, standing)?;
    let events = events.map(|event| Ok::<_, Infallible>(written(event)));
    let mut reply = Response::new(Body::from_stream(events));
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Some proxies gather replies before they pass them on, unless they are told not to.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(reply)
}

/// A server-sent event. Its data is JSON, which has no line breaks.
fn written(event: Event) -> Bytes {
    match event {
        Event::Hello { point, at } => {
            let now = TimeFormat::Msec.from_timestamp(at);
            text("hello", point, &format!(r#"{{"point":"{point}","server_timestamp":{now}}}"#))
        }
        Event::Rows { json, point } => text("rows", point, &String::from_utf8_lossy(&json)),
        Event::Gap { point } => text("gap", point, &format!(r#"{{"point":"{point}"}}"#)),
        Event::Silence { point: None } => Bytes::from_static(b": still here\n\n"),
        Event::Silence { point: Some(point) } => format!(": still here\nid: {point}\n\n").into(),
        Event::End { reason } => {
            format!("event: end\ndata: {}\n\n", serde_json::json!({ "reason": reason })).into()
        }
    }
}

fn text(name: &str, point: Point, data: &str) -> Bytes {
    format!("event: {name}\nid: {point}\ndata: {data}\n\n").into()
}

/// The field that says whose a row is.
fn key(namespace: &Namespace) -> FieldName {
    let device = FieldName::device_id();
    match namespace.fields.get(&device) {
        Some(FieldType::String) => device,
        _ => namespace.partition.clone(),
    }
}

/// What stands between the commas; nothing when nothing is said.
fn listed(parameter: &str, text: Option<&str>) -> Result<Option<Vec<String>>, ApiError> {
    let Some(text) = text.filter(|text| !text.trim().is_empty()) else { return Ok(None) };
    let all: Vec<String> = text.split(',').map(|part| part.trim().to_owned()).collect();
    if all.len() > MAX_NAMES {
        let reason = format!(
            "{} names are more than {MAX_NAMES}; leave it out and choose on your side",
            all.len()
        );
        return Err(wrong(parameter, &reason));
    }
    Ok(Some(all))
}

fn field(name: &str) -> Result<FieldName, ApiError> {
    name.parse().map_err(|error| wrong("fields", &format!("'{name}' is no field name: {error}")))
}

fn point(headers: &HeaderMap, since: Option<&str>) -> Result<Option<Point>, ApiError> {
    let header = headers.get("last-event-id").and_then(|value| value.to_str().ok());
    let said = header.or(since).map(str::trim).filter(|text| !text.is_empty());
    said.map(|text| text.parse::<Point>().map_err(|error| wrong("since", &error))).transpose()
}

fn wrong(parameter: &str, reason: &dyn std::fmt::Display) -> ApiError {
    ApiError::bad_request(format!("The parameter '{parameter}' is wrong"), reason.to_string())
}
