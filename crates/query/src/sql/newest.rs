//! Queries whose text alone says that they need no engine.
//!
//! ```text
//! SELECT * | column, ...  FROM table  WHERE partition_field = 'value'  ORDER BY time DESC  LIMIT n
//! SELECT count(*) [AS name] FROM table
//! ```
//!
//! The parts are taken out of the query and put together again: only when that gives the whole query is there nothing
//! else in it.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::datasource::physical_plan::parquet::ParquetFileReaderFactory;
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, LimitClause, OrderByKind, Query, Select, SelectItem, SetExpr,
    Statement as Sql, TableFactor, Value,
};

use super::param::Param;
use crate::direct::Newest;
use crate::error::QueryError;
use crate::request::TimeRange;
use crate::scope::{Scope, TIME, Table};

/// The rows, if the query is of this kind.
pub(super) async fn answer(
    statement: &Statement,
    scope: &Scope,
    params: &[Param],
    reader: &Arc<dyn ParquetFileReaderFactory>,
) -> Result<Option<RecordBatch>, QueryError> {
    let Some((query, select)) = simple(statement) else { return Ok(None) };
    let Some((name, table)) = table(select, scope) else { return Ok(None) };
    if let Some(heading) = count_heading(query, select, &name)
        && !table.snapshot.files.iter().any(|file| table.snapshot.expires_in(file))
    {
        return count(table, heading).map(Some);
    }
    match newest(query, select, &name, table, params) {
        Some(newest) => newest.answer(table, reader).await,
        None => Ok(None),
    }
}

fn simple(statement: &Statement) -> Option<(&Query, &Select)> {
    let Statement::Statement(sql) = statement else { return None };
    let Sql::Query(query) = sql.as_ref() else { return None };
    let SetExpr::Select(select) = query.body.as_ref() else { return None };
    Some((query, select))
}

/// The only table, and how the query writes its name.
fn table<'s>(select: &Select, scope: &'s Scope) -> Option<(String, &'s Table)> {
    let [from] = &select.from[..] else { return None };
    let TableFactor::Table { name, .. } = &from.relation else { return None };
    let [part] = &name.0[..] else { return None };
    let ident = part.as_ident()?;
    let table = scope.tables.iter().find(|table| table.name.as_str() == ident.value)?;
    Some((ident.to_string(), table))
}

/// What a count of all rows is called, if the query is one.
fn count_heading(query: &Query, select: &Select, name: &str) -> Option<String> {
    let (heading, alias) = match &select.projection[..] {
        [SelectItem::UnnamedExpr(_)] => ("count(*)".to_owned(), String::new()),
        [SelectItem::ExprWithAlias { alias, .. }] => (alias.value.clone(), format!(" AS {alias}")),
        _ => return None,
    };
    let text = format!("SELECT count(*){alias} FROM {name}");
    query.to_string().eq_ignore_ascii_case(&text).then_some(heading)
}

fn count(table: &Table, heading: String) -> Result<RecordBatch, QueryError> {
    let schema = Schema::new(vec![Field::new(heading, DataType::Int64, false)]);
    let rows = Int64Array::from(vec![table.snapshot.rows() as i64]);
    RecordBatch::try_new(Arc::new(schema), vec![Arc::new(rows)]).map_err(QueryError::internal)
}

fn newest(
    query: &Query,
    select: &Select,
    name: &str,
    table: &Table,
    params: &[Param],
) -> Option<Newest> {
    let (columns, projection) = columns(select, table)?;
    let Some(Expr::BinaryOp { left, op: BinaryOperator::Eq, right }) = &select.selection else {
        return None;
    };
    let (Expr::Identifier(field), Expr::Value(value)) = (left.as_ref(), right.as_ref()) else {
        return None;
    };
    let of = match &value.value {
        Value::SingleQuotedString(text) => text.clone(),
        Value::Placeholder(place) => match params {
            [Param::String(text)] if place == "$1" => text.clone(),
            _ => return None,
        },
        _ => return None,
    };
    let OrderByKind::Expressions(order) = &query.order_by.as_ref()?.kind else { return None };
    let [order] = &order[..] else { return None };
    let Expr::Identifier(time) = &order.expr else { return None };
    let Some(LimitClause::LimitOffset { limit: Some(Expr::Value(limit)), .. }) =
        &query.limit_clause
    else {
        return None;
    };
    let Value::Number(limit, _) = &limit.value else { return None };
    let text = format!(
        "SELECT {projection} FROM {name} WHERE {field} = {value} ORDER BY {time} DESC LIMIT {limit}"
    );
    let rows = limit.parse().ok().filter(|rows| *rows > 0)?;
    let is_it = field.value == table.partition.as_str() && time.value == TIME;
    let is_all =
        query.to_string() == text && (params.is_empty() || value.value.to_string() == "$1");
    let newest = Newest { of: Some(of), rows, range: TimeRange::default(), present: None, columns };
    (is_it && is_all).then_some(newest)
}

/// The columns, and how the query writes them.
fn columns(select: &Select, table: &Table) -> Option<(Vec<String>, String)> {
    if let [SelectItem::Wildcard(_)] = &select.projection[..] {
        let schema = table.schema();
        let all = schema.fields().iter().map(|field| field.name().clone()).collect();
        return Some((all, "*".to_owned()));
    }
    let mut columns = Vec::new();
    let mut written = Vec::new();
    for item in &select.projection {
        let SelectItem::UnnamedExpr(Expr::Identifier(ident)) = item else { return None };
        columns.push(ident.value.clone());
        written.push(ident.to_string());
    }
    let distinct: HashSet<&String> = columns.iter().collect();
    (distinct.len() == columns.len()).then(|| (columns, written.join(", ")))
}
