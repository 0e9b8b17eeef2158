//! How readings are asked for: the reverse of the write path, in the order in which it happens.
//!
//! ```text
//! question ─▶ namespaces of the caller's project ─▶ a snapshot of each ─▶ engine ─▶ answer ─▶ bytes
//! ```
//!
//! Invariant: a question sees the namespaces of its caller's project and no others, whatever it says.

use std::sync::Arc;
use std::time::Duration;

use iobeam_catalog::Namespace;
use iobeam_model::{DeviceId, FieldName, NamespaceName, ProjectId, TimeFormat};
use iobeam_query::render::{Rendered, media_type, render};
use iobeam_query::{
    Answer, DataRequest, ExportRequest, Output, Param, Reader, Scope, SeriesRequest, Table,
};

use crate::core::api_error::ApiError;
use crate::core::app::App;
use crate::core::auth::ProjectCaller;
use crate::core::auth::refusal::Refusal;

/// What is asked.
#[derive(Debug)]
pub(crate) enum QueryRequest {
    /// Rows of a namespace, or figures made from them.
    Data {
        /// Which namespace.
        namespace: String,
        /// What of it.
        request: DataRequest,
    },
    /// Points of each device and series.
    Exports(ExportRequest),
    /// Anything that SQL can say.
    Sql {
        /// The statement.
        query: String,
        /// The values of its placeholders.
        params: Vec<Param>,
        /// The form of the reply.
        output: Output,
        /// How the reply writes times.
        time_format: TimeFormat,
    },
}

/// An answer in the form that was asked for.
#[derive(Debug)]
pub(crate) struct Written {
    /// The media type of the form.
    pub(crate) media_type: &'static str,
    /// The answer.
    pub(crate) pieces: Rendered,
    /// Counts how long it took until it began to leave.
    pub(crate) timing: Timing,
}

/// Since when an answer is waited for.
#[derive(Debug)]
pub(crate) struct Timing {
    endpoint: &'static str,
    begun: Duration,
}

impl Timing {
    fn begin(app: &App, endpoint: &'static str) -> Self {
        Self { endpoint, begun: app.clock.monotonic() }
    }

    /// The answer leaves.
    pub(crate) fn end(self, app: &App) {
        app.metrics.queried(self.endpoint, app.clock.monotonic().saturating_sub(self.begun));
    }
}

/// Answers a question.
pub(crate) async fn execute(
    app: &App,
    caller: &ProjectCaller,
    question: QueryRequest,
) -> Result<Written, ApiError> {
    let timing = Timing::begin(app, question.endpoint());
    let (output, time_format) = question.form();
    let answer = answer(app, caller, question).await?;
    let pieces = render(answer, output, time_format)?;
    Ok(Written { media_type: media_type(output), pieces, timing })
}

/// Answers a chart's question, in JSON.
pub(crate) async fn chart(
    app: &App,
    (project, reader): (ProjectId, Reader),
    request: SeriesRequest,
) -> Result<Vec<u8>, ApiError> {
    let timing = Timing::begin(app, "query");
    let table = settled(app, project, request.namespace()).await?;
    let answer = app.engine.of(reader).series(&table, request).await?;
    let json = answer.to_json()?;
    timing.end(app);
    Ok(json)
}

async fn answer(
    app: &App,
    caller: &ProjectCaller,
    question: QueryRequest,
) -> Result<Answer, ApiError> {
    let (project, engine) = (caller.project, app.engine.of(caller.reader()));
    Ok(match question {
        QueryRequest::Data { namespace, request } => {
            let table = settled(app, project, &namespace).await?;
            engine.data(&table, request).await?
        }
        QueryRequest::Exports(request) => {
            let input = NamespaceName::input();
            let table = settled(app, project, input.as_str()).await?;
            engine.exports(project, &table, request).await?
        }
        QueryRequest::Sql { query, params, .. } => {
            let scope = scope(app, project).await;
            engine.sql(scope, &query, params, app.clock.now()).await?
        }
    })
}

/// The namespace of that name, or 404.
pub(crate) fn known(app: &App, project: ProjectId, name: &str) -> Result<Arc<Namespace>, ApiError> {
    let found = name.parse().ok().and_then(|name| app.catalog.namespace(project, &name));
    found.ok_or_else(|| {
        ApiError::not_found(
            format!("There is no namespace '{name}'"),
            "GET /v1/namespaces lists those of the project",
        )
    })
}

/// The device that a caller may read alone, if their token is bound to one: its rows are told apart where devices part
/// them, and elsewhere none are shown.
pub(crate) fn own_device<'c>(
    caller: &'c ProjectCaller,
    namespace: &Namespace,
) -> Result<Option<&'c DeviceId>, ApiError> {
    let is_told_apart = namespace.partition == FieldName::device_id();
    match &caller.device {
        Some(_) if !is_told_apart => Err(Refusal::OtherDevice.into()),
        own => Ok(own.as_ref()),
    }
}

/// All namespaces of a project, each with the fields that its rows have now.
async fn scope(app: &App, project: ProjectId) -> Scope {
    let _same = app.switching.read().await;
    let namespaces = app.catalog.namespaces(project);
    let tables = namespaces.iter().map(|namespace| table(app, project, namespace));
    Scope { project, tables: tables.collect() }
}

/// The namespace of that name with the fields that its rows have now, or 404.
async fn settled(app: &App, project: ProjectId, name: &str) -> Result<Table, ApiError> {
    let _same = app.switching.read().await;
    Ok(table(app, project, known(app, project, name)?.as_ref()))
}

/// A namespace as it stands now.
pub(crate) fn table(app: &App, project: ProjectId, namespace: &Namespace) -> Table {
    Table {
        name: namespace.name.clone(),
        partition: namespace.partition.clone(),
        fields: namespace.fields.iter().map(|(name, kind)| (name.clone(), *kind)).collect(),
        snapshot: app.store.snapshot(project, &namespace.name),
    }
}

impl QueryRequest {
    /// The form of the reply.
    fn form(&self) -> (Output, TimeFormat) {
        match self {
            Self::Data { request, .. } => (request.output, request.time_format),
            Self::Exports(request) => (request.output, request.time_format),
            Self::Sql { output, time_format, .. } => (*output, *time_format),
        }
    }

    /// What the metrics call it.
    const fn endpoint(&self) -> &'static str {
        match self {
            Self::Data { .. } => "data",
            Self::Exports(_) => "exports",
            Self::Sql { .. } => "sql",
        }
    }
}
