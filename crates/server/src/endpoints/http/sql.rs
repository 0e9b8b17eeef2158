//! `POST /v1/sql`: anything that one query can ask of a project's namespaces.

use axum::extract::State;
use axum::response::Response;
use http::header::ACCEPT;
use http::{HeaderMap, HeaderName};
use iobeam_model::TimeFormat;
use iobeam_query::{Output, Param};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::core::api_error::ApiError;
use crate::core::app::App;
use crate::core::auth::ProjectCaller;
use crate::core::auth::rights::Permission;
use crate::core::query::QueryRequest;
use crate::endpoints::http::answer::respond;
use crate::endpoints::http::body::{Json, Query};

/// The routes of this file.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default().routes(routes!(sql))
}

/// A statement and the values of its placeholders.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Statement {
    /// One SELECT, WITH, VALUES, EXPLAIN, SHOW TABLES, SHOW COLUMNS or DESCRIBE.
    query: String,
    /// The values of `$1`, `$2`, ..: texts, numbers, truths or null.
    #[serde(default)]
    params: Vec<serde_json::Value>,
}

/// The form of the reply.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Form {
    /// `json` (the default), `csv`, `arrow` or `parquet`; goes before the header Accept.
    format: Option<String>,
    /// How JSON and CSV write times: `sec`, `msec`, `usec` or `timeval`.
    timefmt: Option<String>,
}

/// Asks in SQL. Each namespace is a table with the column `time` and its fields.
#[utoipa::path(post, path = "/v1/sql", tag = "data", params(Form), request_body = Statement,
    responses((status = 200, description = "The rows", content(
        ("application/json"),
        ("text/plain"),
        ("application/vnd.apache.arrow.stream"),
        ("application/vnd.apache.parquet"),
    ))), security(("project" = [])))]
async fn sql(
    State(app): State<App>,
    caller: ProjectCaller,
    Query(form): Query<Form>,
    headers: HeaderMap,
    Json(statement): Json<Statement>,
) -> Result<Response, ApiError> {
    caller.need(Permission::Read)?;
    let output = output(&form, &headers)?;
    let time_format = match form.timefmt.as_deref() {
        None | Some("") => TimeFormat::default(),
        Some(text) => text.parse::<TimeFormat>().map_err(|error| {
            ApiError::bad_request("The parameter 'timefmt' is wrong", error.to_string())
        })?,
    };
    let params = statement.params.into_iter().enumerate().map(param).collect::<Result<_, _>>()?;
    let question = QueryRequest::Sql { query: statement.query, params, output, time_format };
    respond(&app, &caller, question).await
}

fn output(form: &Form, headers: &HeaderMap) -> Result<Output, ApiError> {
    if let Some(format) = form.format.as_deref().filter(|format| !format.is_empty()) {
        return format.parse().map_err(|_| {
            ApiError::bad_request(
                "The parameter 'format' is wrong",
                format!("'{format}' is no form of reply; use json, csv, arrow or parquet"),
            )
        });
    }
    let accept = text_of(headers, &ACCEPT).to_ascii_lowercase();
    let known = [
        ("application/vnd.apache.arrow", Output::Arrow),
        ("application/vnd.apache.parquet", Output::Parquet),
        ("text/csv", Output::Csv),
        ("text/plain", Output::Csv),
    ];
    if accept.contains("application/json") {
        return Ok(Output::Json);
    }
    Ok(known
        .into_iter()
        .find(|(name, _)| accept.contains(name))
        .map_or(Output::Json, |known| known.1))
}

fn text_of<'h>(headers: &'h HeaderMap, name: &HeaderName) -> &'h str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn param((at, value): (usize, serde_json::Value)) -> Result<Param, ApiError> {
    use serde_json::Value;
    Ok(match value {
        Value::Null => Param::Null,
        Value::Bool(truth) => Param::Boolean(truth),
        Value::String(text) => Param::String(text),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => Param::Long(number),
            (None, Some(number)) => Param::Double(number),
            (None, None) => return Err(wrong_param(at, "a number beyond all bounds")),
        },
        Value::Array(_) => return Err(wrong_param(at, "a list")),
        Value::Object(_) => return Err(wrong_param(at, "an object")),
    })
}

fn wrong_param(at: usize, found: &str) -> ApiError {
    ApiError::bad_request(
        "A value of the statement is wrong",
        format!("params[{at}] is {found}; use a text, a number, true, false or null"),
    )
}
