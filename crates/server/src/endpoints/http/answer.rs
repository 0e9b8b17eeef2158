//! Answers of the core as replies.

use axum::response::Response;
use iobeam_model::ProjectId;
use iobeam_query::render::media_type;
use iobeam_query::{Output, Reader, SeriesRequest};

use super::reply::{self, Bounds};
use crate::core::api_error::ApiError;
use crate::core::app::App;
use crate::core::auth::ProjectCaller;
use crate::core::query::{self, QueryRequest, Written};

/// Answers a question: small replies with their exact length at once, large ones as [`reply`] says.
pub(crate) async fn respond(
    app: &App,
    caller: &ProjectCaller,
    question: QueryRequest,
) -> Result<Response, ApiError> {
    let may_stream = matches!(question, QueryRequest::Sql { .. });
    let Written { media_type, pieces, timing } = query::execute(app, caller, question).await?;
    let memory = app.config.http.response_buffer_size;
    let reply = if may_stream {
        reply::streamed(media_type, pieces, memory).await?
    } else {
        let bounds = Bounds { memory, all: app.config.http.max_response_size };
        reply::gathered(media_type, pieces, bounds, &app.config.data_dir.join("tmp")).await?
    };
    timing.end(app);
    Ok(reply)
}

/// Answers a chart's question.
pub(crate) async fn chart(
    app: &App,
    whose: (ProjectId, Reader),
    request: SeriesRequest,
) -> Result<Response, ApiError> {
    let json = query::chart(app, whose, request).await?;
    Ok(reply::whole(media_type(Output::Json), json))
}
