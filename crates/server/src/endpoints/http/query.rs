//! `POST /v1/query`: series of points for charts, as many as a screen can show.

use axum::extract::State;
use axum::response::Response;
use iobeam_query::SeriesRequest;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::core::api_error::ApiError;
use crate::core::app::App;
use crate::core::auth::ProjectCaller;
use crate::core::auth::rights::Permission;
use crate::core::query::{known, own_device};
use crate::endpoints::http::answer::chart;
use crate::endpoints::http::body::Json;

/// The routes of this file.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default().routes(routes!(query))
}

/// What a chart asks for. Every member may be left out.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it is described, never made")]
struct ChartRequest {
    /// `input`, unless said.
    namespace: Option<String>,
    /// All fields that the operator says something of, unless said.
    fields: Option<Vec<String>>,
    /// All devices, unless said.
    devices: Option<Vec<String>>,
    /// What rows must fulfil, all of it.
    r#where: Option<Vec<Predicate>>,
    /// The first millisecond; that of the earliest row, unless said.
    from: Option<i64>,
    /// The last millisecond; that of the latest row, unless said.
    to: Option<i64>,
    /// How the rows of a bucket become one value; without it the points are rows.
    operator: Option<Operator>,
    /// With an operator: `auto` (by `width`; the default), `all`, or a whole number and `ms`, `s`, `m`, `h`, `d`, `w`,
    /// `mo` or `y`. Without one: `auto` (as many rows as the width can show; the default) or `raw` (each row).
    bucket: Option<String>,
    /// Which rows stand for the others: `minmax`, unless said.
    downsample: Option<Downsample>,
    /// How many columns of pixels there are: 800, unless said.
    #[schema(minimum = 1)]
    width: Option<u32>,
    /// The time zone of days, weeks, months and years, such as `Europe/Paris`: UTC, unless said.
    timezone: Option<String>,
    /// At most so many points of each series, the newest. With `raw`: 10000, unless said.
    #[schema(minimum = 1)]
    limit: Option<u32>,
    /// At most so many series, of the first devices by their ids: 100, unless said.
    #[schema(minimum = 1)]
    max_series: Option<u32>,
}

/// One condition.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it is described, never made")]
struct Predicate {
    /// The field to look at.
    field: String,
    /// How to compare.
    op: Comparison,
    /// A text, a number or a truth, as the field's type wants.
    value: serde_json::Value,
}

/// A comparison.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "it is described, never made")]
enum Comparison {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

/// How the rows of a bucket become one value. Texts and truths have a first, a last and a count.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "it is described, never made")]
enum Operator {
    Mean,
    Min,
    Max,
    Sum,
    Count,
    First,
    Last,
}

/// Which rows stand for the others: the first, the least, the greatest and the last of each column, or those that keep
/// the line's form best.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "it is described, never made")]
enum Downsample {
    Minmax,
    Lttb,
}

/// Series of points.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it is described, never made")]
pub(super) struct Chart {
    /// The first millisecond that was looked at.
    from: i64,
    /// The last one.
    to: i64,
    /// How the points came to be.
    method: Method,
    /// The buckets' width, when there are buckets.
    bucket: Option<String>,
    /// The same in milliseconds; a day has 24 hours here, a month has no length.
    bucket_ms: Option<i64>,
    /// How many values went into the answer.
    rows: u64,
    /// Whether a limit left out points or series.
    truncated: bool,
    /// What `since` of `GET /v1/live` takes: rows that are not in this answer follow there.
    point: String,
    /// By device, and for each in the order in which the fields were asked for.
    series: Vec<Series>,
}

/// How points came to be: all rows, rows that stand for others, or one for each bucket.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "it is described, never made")]
enum Method {
    Raw,
    Minmax,
    Lttb,
    Aggregate,
}

/// The points of one device and field, in order of time. A bucket without values has no point.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it is described, never made")]
struct Series {
    /// The device; null for rows that name none.
    device_id: Option<String>,
    /// The field.
    field: String,
    /// `DOUBLE`, `LONG`, `BOOLEAN` or `STRING`: of the values, so a mean of LONG is DOUBLE.
    r#type: String,
    /// How its points came to be: a series that has few rows keeps them all.
    method: Method,
    /// How many values went into it.
    rows: u64,
    /// Milliseconds since 1970: of rows, or of where buckets begin.
    times: Vec<i64>,
    /// As many values.
    values: Vec<serde_json::Value>,
    /// For means: the least value of each bucket.
    #[schema(nullable = false)]
    mins: Option<Vec<f64>>,
    /// For means: the greatest value of each bucket.
    #[schema(nullable = false)]
    maxs: Option<Vec<f64>>,
}

/// Asks for series of points, one of each device and field: rows as they are when the chart can show them all,
/// otherwise those that stand for the others, or figures of buckets of time.
#[utoipa::path(post, path = "/v1/query", tag = "data", request_body = ChartRequest,
    responses((status = 200, description = "The points", body = Chart)),
    security(("project" = [])))]
async fn query(
    State(app): State<App>,
    caller: ProjectCaller,
    Json(mut request): Json<SeriesRequest>,
) -> Result<Response, ApiError> {
    caller.need(Permission::Read)?;
    if let Some(own) =
        own_device(&caller, known(&app, caller.project, request.namespace())?.as_ref())?
    {
        let mut asked = request.devices.iter().flatten();
        asked.try_for_each(|device| caller.may_act_as(device))?;
        request.devices = Some(vec![own.to_string()]);
    }
    chart(&app, (caller.project, caller.reader()), request).await
}
