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

use crate::core::api_error::ApiError;
use crate::core::app::App;
use crate::core::auth::rights::Permission;
use crate::core::auth::{ProjectCaller, Standing};
use crate::core::hex::hex;
use crate::core::ingest::{Upload, ingest};
use crate::core::validate::BodyFormat;
use crate::endpoints::http::body::{Json, Query, Whole};
use crate::endpoints::http::reply;

/// The routes of this file.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default().routes(routes!(import)).routes(routes!(known))
}

/// How the body is to be read.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct FormatParam {
    /// `table` when the JSON body holds a table; absent when it holds series.
    fmt: Option<String>,
}

/// Stores readings: whole or not at all. The reply comes when they are on disk and the next query sees them.
#[utoipa::path(post, path = "/v1/imports", tag = "data", params(FormatParam),
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
    Query(shape): Query<FormatParam>,
    headers: HeaderMap,
    Whole(body): Whole,
) -> Result<Response, ApiError> {
    caller.need(Permission::Write)?;
    let form = form(&shape, &headers)?;
    let receipt = ingest(&app, (&caller, &standing), Upload { form, body }).await?;
    let told = ImportReply::on_disk(receipt.rows, receipt.repeat).with_expired(receipt.expired);
    let text = serde_json::to_vec(&told);
    Ok(reply::whole("application/json", text.map_err(ApiError::internal)?))
}

/// A stream of numbered batches. One to a request: the writer answers, and nothing is stored meanwhile.
#[derive(Deserialize, ToSchema)]
struct StreamAsked {
    /// The namespace into which its batches go.
    namespace: String,
    /// Its id of 16 bytes, as 32 hexadecimal digits.
    stream: String,
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

/// What is known of a stream.
#[derive(Serialize, ToSchema)]
struct KnownBatches {
    /// Its batches, the highest numbers first; at most 512.
    batches: Vec<KnownBatchObject>,
}

/// Tell which numbered batches of a stream came before, so that a sender of a file knows what is stored of it.
#[utoipa::path(
    post, operation_id = "known_batches", path = "/v1/imports/known", tag = "data", request_body = StreamAsked,
    responses((status = 200, description = "The batches of the stream", body = KnownBatches)),
)]
async fn known(
    State(app): State<App>,
    caller: ProjectCaller,
    Json(asked): Json<StreamAsked>,
) -> Result<Reply<KnownBatches>, ApiError> {
    caller.need(Permission::Write)?;
    let wrong = |details: String| ApiError::bad_request("The stream cannot be looked up", details);
    let StreamAsked { namespace, stream } = asked;
    let name: NamespaceName =
        namespace.parse().map_err(|error| wrong(format!("'{namespace}': {error}")))?;
    let stream = hex(&stream).ok_or_else(|| {
        wrong(String::from("the field 'stream': its 16 bytes are written as 32 hexadecimal digits"))
    })?;
    let batches = app.store.known_batches(caller.project, &name, stream).await?.into_iter();
    let batches = batches.map(|batch| KnownBatchObject {
        counter: batch.counter.to_string(),
        deleted_from: batch.is_deleted_from,
    });
    Ok(Reply(KnownBatches { batches: batches.collect() }))
}

fn form(shape: &FormatParam, headers: &HeaderMap) -> Result<BodyFormat, ApiError> {
    let kind = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    if kind.starts_with(MEDIA_TYPE.as_bytes()) {
        return Ok(BodyFormat::Batches);
    }
    match shape.fmt.as_deref() {
        None | Some("") => Ok(BodyFormat::Series),
        Some(text) if text.eq_ignore_ascii_case("table") => Ok(BodyFormat::Table),
        Some(text) => Err(ApiError::bad_request(
            "The parameter 'fmt' is wrong",
            format!(
                "'{text}' is no shape of a body; use fmt=table for a table, or leave it out for series"
            ),
        )),
    }
}
