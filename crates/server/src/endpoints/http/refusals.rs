//! Imports that were refused, or set aside later: why readings of a device do not arrive.

use axum::Json as Reply;
use iobeam_catalog::Refusal;
use iobeam_wire::v1::date;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::core::api_error::ApiError;
use crate::core::app::App;
use crate::core::auth::ProjectCaller;
use crate::endpoints::http::body::Query;

/// How many are listed unless asked otherwise.
const USUAL: usize = 100;

/// The routes of this file.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default().routes(routes!(list))
}

/// Which refusals.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct RefusalQuery {
    /// Of this device only.
    device_id: Option<String>,
    /// At most so many: 100, unless said.
    count: Option<usize>,
}

/// An import that was refused, or several alike within a second.
#[derive(Serialize, ToSchema)]
struct RefusalObject {
    /// When, the last time, such as 2016-07-29T08:19:47Z.
    at: String,
    /// The device as the import named it; null when it named none that could be read.
    device_id: Option<String>,
    /// The status of the reply; 500 for rows that were stored, and that the server set aside later because it could not
    /// read them again.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// The reply's code.
    code: u32,
    /// What was wrong.
    message: String,
    /// Where, and what would be right.
    details: String,
    /// How many imports this stands for.
    #[schema(minimum = 1)]
    times: u32,
}

/// Refused imports.
#[derive(Serialize, ToSchema)]
struct RefusalList {
    /// The newest first.
    refusals: Vec<RefusalObject>,
}

/// List imports that were refused.
#[utoipa::path(
    get, operation_id = "list_refusals", path = "/v1/refusals", tag = "data", params(RefusalQuery),
    responses((status = 200, description = "The refusals, newest first", body = RefusalList)),
)]
async fn list(
    app: axum::extract::State<App>,
    caller: ProjectCaller,
    Query(query): Query<RefusalQuery>,
) -> Result<Reply<RefusalList>, ApiError> {
    let device = match (&caller.device, query.device_id) {
        (None, asked) => asked,
        (Some(own), asked) => {
            asked.iter().try_for_each(|device| caller.may_act_as(device))?;
            Some(own.to_string())
        }
    };
    let refusals = app.refusals.clone();
    let found = app
        .catalog(move |catalog| {
            refusals.write();
            let count = query.count.unwrap_or(USUAL);
            catalog.refusals(caller.project, device.as_deref(), count)
        })
        .await?;
    Ok(Reply(RefusalList { refusals: found.into_iter().map(shown).collect() }))
}

fn shown(refusal: Refusal) -> RefusalObject {
    RefusalObject {
        at: date::format_created(refusal.at),
        device_id: refusal.device,
        status: refusal.status,
        code: refusal.code,
        message: refusal.message,
        details: refusal.details,
        times: refusal.times,
    }
}
