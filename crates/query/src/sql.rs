//! SQL over the namespaces of one project: one query at a time, which changes nothing.
//!
//! ```text
//! text ─ statement: one query, not too deep ─▶ plan over the scope's tables ─ params, read-only ─▶ Rows
//!          └ SHOW TABLES, SHOW COLUMNS, DESCRIBE ─▶ answered from the scope
//! ```
//!
//! - The tables of the scope are all there is: no file, no setting and no other project has a name here.
//! - Names of fields are found in any letter case, in double quotes letter by letter; one with `-` stands in them.

mod explain;

mod letter_case;

mod newest;

mod few;

mod cost;

mod param;

mod shape;

mod rewrite;

mod schema;

mod show;

mod statement;

mod types;

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::catalog::{
    CatalogProvider, CatalogProviderList, MemoryCatalogProvider, MemoryCatalogProviderList,
    MemorySchemaProvider, SchemaProvider,
};
use datafusion::common::ParamValues;
use datafusion::error::DataFusionError;
use datafusion::execution::FunctionRegistry;
use datafusion::execution::context::SQLOptions;
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::parser::Statement;
use iobeam_model::Timestamp;

use crate::answer::Rows;
use crate::context::PlanLimits;
use crate::direct::Direct;
use crate::error::QueryError;
use crate::functions;
use crate::plan::Session;
use crate::scope::{Scope, Table};
use crate::sql::statement::Asked;

pub use param::Param;
pub(crate) use types::Types;

/// Longer texts are not read on the task that asks.
const SHORT: usize = 4096;

/// A query whose text has been read, if it is short. A long one is planned, whatever it asks for.
pub(crate) struct Query {
    text: String,
    params: Vec<Param>,
    asked: Option<Asked>,
    /// What it is where it needs no engine, and the number of its table in the scope.
    direct: Option<(Direct, usize)>,
}

impl Query {
    /// Reads the text, within the limits.
    pub(crate) fn new(
        text: &str,
        params: Vec<Param>,
        scope: &Scope,
        limits: PlanLimits,
    ) -> Result<Self, QueryError> {
        cost::check_text(text, limits)?;
        cost::check_params(&params, limits)?;
        let asked =
            if text.len() <= SHORT { Some(spelled(statement::read(text)?, scope)) } else { None };
        if asked.is_some() {
            statement::check_params(text, params.len())?;
        }
        let direct = match &asked {
            Some(Asked::Query(statement)) => newest::direct(statement, scope, &params),
            _ => None,
        };
        Ok(Self { text: text.to_owned(), params, asked, direct })
    }

    /// The same query, to be planned whatever it asks for.
    pub(crate) fn planned(self) -> Self {
        Self { direct: None, ..self }
    }

    /// What it is where it needs no engine, and its table.
    pub(crate) fn direct<'s>(&self, scope: &'s Scope) -> Option<(&Direct, &'s Table)> {
        let (direct, table) = self.direct.as_ref()?;
        Some((direct, scope.tables.get(*table)?))
    }
}

/// The same, with fields spelled as the tables spell them.
fn spelled(mut asked: Asked, scope: &Scope) -> Asked {
    if let Asked::Query(statement) = &mut asked {
        letter_case::resolve(statement, scope);
    }
    asked
}

/// Runs one query.
pub(crate) async fn run(
    mut session: Session,
    scope: Scope,
    query: Query,
    now: Timestamp,
) -> Result<(SchemaRef, Rows), QueryError> {
    if let Some((direct, table)) = query.direct(&scope)
        && let Some(rows) = direct.answer(table, &session.runs, &session.context)?
    {
        return Ok((rows.schema(), session.rows(&rows)?));
    }
    let Query { text, params, asked, .. } = query;
    let asked = if let Some(asked) = asked {
        asked
    } else {
        statement::check_params(&text, params.len())?;
        session.context.check()?;
        spelled(statement::read(&text)?, &scope)
    };
    match asked {
        Asked::Tables => show::tables(&scope),
        Asked::Columns(table) => show::columns(&scope, &table),
        Asked::Query(statement) => {
            session.context.check()?;
            cost::check(&statement, &params, session.plan)?;
            if matches!(&*statement, Statement::Explain(explain) if !explain.options.analyze) {
                session.context.explain();
            }
            let of = Kind {
                is_plain: newest::is_plain(&statement),
                names_schema: text.to_ascii_lowercase().contains(schema::NAME),
            };
            let prepared = prepare(&mut session, &scope, now, of);
            prepared.map_err(|error| session.error(&error))?;
            let mut statement = *statement;
            rewrite::rewrite(&mut statement)?;
            let (schema, rows) = execute(&session, statement, params).await?;
            let (schema, rows) = shape::shown(&schema, rows);
            Ok((schema, explain::without_places(rows, &scope)))
        }
    }
}

/// What is known of a query before it is planned.
#[derive(Clone, Copy)]
struct Kind {
    /// It looks at one table, and no other query stands in it.
    is_plain: bool,
    /// It names the tables that describe tables, or a text that holds their name.
    names_schema: bool,
}

/// Gives the session its tables and its time.
fn prepare(
    session: &mut Session,
    scope: &Scope,
    now: Timestamp,
    of: Kind,
) -> Result<(), DataFusionError> {
    let tables = MemorySchemaProvider::new();
    for table in &scope.tables {
        let provider = session.table(table);
        tables.register_table(table.name.to_string(), Arc::new(provider))?;
    }
    let options = &session.state.config_options().catalog;
    let catalog = MemoryCatalogProvider::new();
    catalog.register_schema(&options.default_schema, Arc::new(tables))?;
    if of.names_schema {
        catalog.register_schema(schema::NAME, Arc::new(schema::provider(scope)?))?;
    }
    let catalogs = MemoryCatalogProviderList::new();
    catalogs.register_catalog(options.default_catalog.clone(), Arc::new(catalog));
    let state = &mut session.state;
    state.register_catalog_list(Arc::new(catalogs));
    state.register_udf(functions::now(now))?;
    if of.is_plain {
        // What a second look at the plan would find stands in another query inside it.
        state.config_mut().options_mut().optimizer.max_passes = 1;
    }
    // For current_date and its like.
    if let Some(now) = chrono::DateTime::from_timestamp_micros(now.micros()) {
        let properties = state.execution_props_mut();
        *properties = properties.clone().with_query_execution_start_time(now);
    }
    Ok(())
}

async fn execute(
    session: &Session,
    statement: Statement,
    params: Vec<Param>,
) -> Result<(SchemaRef, Rows), QueryError> {
    let wrap = |error: DataFusionError| session.error(&error);
    let state = &session.state;
    let mut plan = state.statement_to_plan(statement).await.map_err(wrap)?;
    session.context.check()?;
    check_columns(&plan, session.plan.columns)?;
    // A query may hide something else: SELECT INTO makes a table.
    let nothing_else =
        SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    nothing_else
        .verify_plan(&plan)
        .map_err(|_| QueryError::NotAQuery { found: "a query that writes".to_owned() })?;
    if !params.is_empty() {
        let values: Vec<_> = params.into_iter().map(Param::scalar).collect();
        plan = plan.with_param_values(ParamValues::from(values)).map_err(wrap)?;
    }
    let plan = state.create_physical_plan(&plan).await.map_err(wrap)?;
    Ok((plan.schema(), session.run(plan)?))
}

/// Refuses a plan with a step of too many columns.
fn check_columns(plan: &LogicalPlan, limit: usize) -> Result<(), QueryError> {
    let found = plan.schema().fields().len();
    if found > limit {
        return Err(QueryError::TooComplex {
            found,
            what: "columns",
            limit,
            setting: "query-columns",
            remedy: "name the columns that are needed, of each table as (SELECT a, b FROM t)",
        });
    }
    plan.inputs().into_iter().try_for_each(|input| check_columns(input, limit))
}
