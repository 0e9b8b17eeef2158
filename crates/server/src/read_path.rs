//! How readings are asked for: the reverse of the write path, in the order in which it happens.
//!
//! ```text
//! question ─▶ namespaces of the caller's project ─▶ a snapshot of each ─▶ engine ─▶ answer ─▶ bytes
//! ```
//!
//! Invariant: a question sees the namespaces of its caller's project and no others, whatever it says.

use std::sync::Arc;

use axum::response::Response;
use iobeam_catalog::Namespace;
use iobeam_model::{DeviceId, FieldName, NamespaceName, ProjectId, TimeFormat};
use iobeam_query::render::{media_type, render};
use iobeam_query::{
    Answer, DataRequest, ExportRequest, Output, Param, Scope, SeriesRequest, Table,
};

use crate::app::App;
use crate::auth::ProjectCaller;
use crate::auth::refusal::Refusal;
use crate::problem::Problem;
use crate::reply::{self, Bounds};

/// What is asked.
#[derive(Debug)]
pub(crate) enum Question {
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

/// Answers a question: small replies with their exact length at once, large ones as [`reply`] says.
pub(crate) async fn ask(
    app: &App,
    caller: &ProjectCaller,
    question: Question,
) -> Result<Response, Problem> {
    let begun = app.clock.monotonic();
    let (output, time_format) = question.form();
    let door = question.door();
    let answer = answer(app, caller.project, question).await?;
    let rendered = render(answer, output, time_format)?;
    let (kind, memory) = (media_type(output), app.config.reply_memory);
    let reply = if door == "sql" {
        reply::streamed(kind, rendered, memory).await?
    } else {
        let bounds = Bounds { memory, all: app.config.reply_limit };
        reply::gathered(kind, rendered, bounds, &app.config.data_dir.join("tmp")).await?
    };
    app.metrics.queried(door, app.clock.monotonic().saturating_sub(begun));
    Ok(reply)
}

/// Answers a chart's question.
pub(crate) async fn chart(
    app: &App,
    project: ProjectId,
    request: SeriesRequest,
) -> Result<Response, Problem> {
    let begun = app.clock.monotonic();
    let table = settled(app, project, request.namespace()).await?;
    let answer = app.engine.series(&table, request).await?;
    let reply = reply::whole(media_type(Output::Json), answer.to_json()?);
    app.metrics.queried("query", app.clock.monotonic().saturating_sub(begun));
    Ok(reply)
}

async fn answer(app: &App, project: ProjectId, question: Question) -> Result<Answer, Problem> {
    Ok(match question {
        Question::Data { namespace, request } => {
            let table = settled(app, project, &namespace).await?;
            app.engine.data(&table, request).await?
        }
        Question::Exports(request) => {
            let input = NamespaceName::input();
            let table = settled(app, project, input.as_str()).await?;
            app.engine.exports(project, &table, request).await?
        }
        Question::Sql { query, params, .. } => {
            let scope = scope(app, project).await;
            app.engine.sql(scope, &query, params, app.clock.now()).await?
        }
    })
}

/// The namespace of that name, or 404.
pub(crate) fn known(app: &App, project: ProjectId, name: &str) -> Result<Arc<Namespace>, Problem> {
    let found = name.parse().ok().and_then(|name| app.catalog.namespace(project, &name));
    found.ok_or_else(|| {
        Problem::not_found(
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
) -> Result<Option<&'c DeviceId>, Problem> {
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
async fn settled(app: &App, project: ProjectId, name: &str) -> Result<Table, Problem> {
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

impl Question {
    /// The form of the reply.
    fn form(&self) -> (Output, TimeFormat) {
        match self {
            Self::Data { request, .. } => (request.output, request.time_format),
            Self::Exports(request) => (request.output, request.time_format),
            Self::Sql { output, time_format, .. } => (*output, *time_format),
        }
    }

    /// The door it came in by.
    const fn door(&self) -> &'static str {
        match self {
            Self::Data { .. } => "data",
            Self::Exports(_) => "exports",
            Self::Sql { .. } => "sql",
        }
    }
}
