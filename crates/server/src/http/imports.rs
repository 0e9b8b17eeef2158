//! `POST /v1/imports`: readings come in, as JSON in three shapes or as binary batches.

use axum::Json as Reply;
use axum::extract::State;
use axum::response::Response;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use iobeam_model::NamespaceName;
use iobeam_wire::batch::MEDIA_TYPE;
use iobeam_wire::v1::ImportReply;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::auth::table::Right;
use crate::auth::{ProjectCaller, Standing};
use crate::body::{Json, Query, Whole};
use crate::problem::Problem;
use crate::reply;
use crate::validate::Form;
use crate::validate::sender::sender;
use crate::write_path::{Upload, ingest};

/// The routes of this file.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default().routes(routes!(import)).routes(routes!(known))
}

/// How the body is to be read.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Shape {
    /// `table` when the JSON body holds a table; absent when it holds series.
    fmt: Option<String>,
}

/// Stores readings: whole or not at all. The reply comes when they are on disk and the next query sees them.
#[utoipa::path(post, path = "/v1/imports", tag = "data", params(Shape),
    request_body(description = "Series, a table, or binary batches", content(
        (serde_json::Value = "application/json"),
        (Vec<u8> = "application/vnd.iobeam.batch"),
    )),
    responses(
        (status = 200, description = "Stored: `{\"stored\":2,\"durable\":\"disk\"}`, and `\"repeat\":true` if it was before; `\"expired\":2` when rows are past their namespace's retention and will not be kept"),
        (status = 400, description = "Something in it is wrong; nothing was stored"),
        (status = 404, description = "The device or the namespace does not exist"),
        (status = 503, description = "Busy; come back after Retry-After"),
        (status = 507, description = "The disk is full; come back after Retry-After"),
    ),
    security(("project" = [])))]
async fn import(
    State(app): State<App>,
    caller: ProjectCaller,
    standing: Standing,
    Query(shape): Query<Shape>,
    headers: HeaderMap,
    Whole(body): Whole,
) -> Result<Response, Problem> {
    caller.need(Right::Write)?;
    let form = form(&shape, &headers)?;
    let upload = Upload { form, body: body.clone() };
    let receipt = ingest(&app, (&caller, &standing), upload).await.inspect_err(|refused| {
        let device = caller.device.as_ref().map(ToString::to_string);
        let device = device.or_else(|| sender(form, &body));
        app.refusals.note(caller.project, device, refused);
    })?;
    let told = ImportReply::on_disk(receipt.rows, receipt.repeat).with_expired(receipt.expired);
    let text = serde_json::to_vec(&told);
    Ok(reply::whole("application/json", text.map_err(Problem::internal)?))
}

/// Streams that are asked about at once.
const MAX_STREAMS: usize = 1000;

/// Streams of numbered batches.
#[derive(Deserialize, ToSchema)]
struct StreamsAsked {
    /// The namespace into which their batches go.
    namespace: String,
    /// Their ids of 16 bytes, in hexadecimal; at most 1000.
    streams: Vec<String>,
}

/// A batch that came.
#[derive(Serialize, ToSchema)]
struct KnownBatchObject {
    /// Its number in the stream: an integer of 64 bits, as a string.
    counter: String,
    /// Rows of the namespace were deleted since. If the stream is named by content, the batch sent again stores those of
    /// its rows that are gone.
    deleted_from: bool,
}

/// What is known of streams.
#[derive(Serialize, ToSchema)]
struct KnownStreams {
    /// For each stream that was asked about its batches, the highest numbers first; at most 512.
    streams: Vec<Vec<KnownBatchObject>>,
}

/// Tell which numbered batches came before, so that a sender of a table or a file knows what is stored of it.
#[utoipa::path(
    post, operation_id = "known_batches", path = "/v1/imports/known", tag = "data", request_body = StreamsAsked,
    responses((status = 200, description = "The batches of each stream", body = KnownStreams)),
)]
async fn known(
    State(app): State<App>,
    caller: ProjectCaller,
    Json(asked): Json<StreamsAsked>,
) -> Result<Reply<KnownStreams>, Problem> {
    caller.need(Right::Write)?;
    let wrong = |details: String| Problem::bad_request("The streams cannot be looked up", details);
    if asked.streams.len() > MAX_STREAMS {
        let count = asked.streams.len();
        return Err(wrong(format!(
            "{count} streams are too many; ask about {MAX_STREAMS} at most"
        )));
    }
    let namespace: NamespaceName = asked
        .namespace
        .parse()
        .map_err(|error| wrong(format!("'{}': {error}", asked.namespace)))?;
    let streams = asked.streams.iter().map(|text| {
        let number = u128::from_str_radix(text, 16).ok().filter(|_| text.len() == 32);
        number.map(u128::to_be_bytes).ok_or_else(|| {
            wrong(format!("'{text}' is no stream; write its 16 bytes as 32 hexadecimal digits"))
        })
    });
    let streams = streams.collect::<Result<Vec<_>, _>>()?;
    let found = app.store.known_batches(caller.project, &namespace, streams).await?;
    let shown = found.into_iter().map(|batches| {
        let batches = batches.into_iter().map(|batch| KnownBatchObject {
            counter: batch.counter.to_string(),
            deleted_from: batch.is_deleted_from,
        });
        batches.collect()
    });
    Ok(Reply(KnownStreams { streams: shown.collect() }))
}

fn form(shape: &Shape, headers: &HeaderMap) -> Result<Form, Problem> {
    let kind = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    if kind.starts_with(MEDIA_TYPE.as_bytes()) {
        return Ok(Form::Batches);
    }
    match shape.fmt.as_deref() {
        None | Some("") => Ok(Form::Series),
        Some(text) if text.eq_ignore_ascii_case("table") => Ok(Form::Table),
        Some(text) => Err(Problem::bad_request(
            "The parameter 'fmt' is wrong",
            format!(
                "'{text}' is no shape of a body; use fmt=table for a table, or leave it out for series"
            ),
        )),
    }
}
