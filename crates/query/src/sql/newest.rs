//! Queries whose text alone says that they need no engine.
//!
//! ```text
//! SELECT * | column, ...  FROM table  WHERE partition_field = 'value' [AND time ..]  ORDER BY time DESC  LIMIT n
//! SELECT date_bin(width, time) AS b, avg(x) AS y, ...  FROM table  WHERE partition_field IN (..) [AND time ..]  GROUP BY b
//! SELECT count(*) [AS name] FROM table
//! ```
//!
//! The parts are taken out of the query and put together again: only when that gives the whole query is there nothing
//! else in it.

use std::collections::HashSet;
use std::ops::ControlFlow;

use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{
    Expr, LimitClause, OrderByKind, Query, Select, SelectItem, SetExpr, Statement as Sql,
    TableFactor, Value, Visit, Visitor,
};

use iobeam_model::Timestamp;

use super::few;
use super::param::Param;
use crate::direct::{Direct, Newest};
use crate::few::Few;
use crate::request::TimeRange;
use crate::scope::{Scope, TIME, Table};

/// The query as one that needs no engine, and the number of the table that it is about, if it is of this kind.
pub(super) fn direct(
    statement: &Statement,
    scope: &Scope,
    params: &[Param],
) -> Option<(Direct, usize)> {
    let (query, select) = simple(statement)?;
    let (name, at) = table(select, scope)?;
    let table = &scope.tables[at];
    if let Some(heading) = count_heading(query, select, &name)
        && !table.snapshot.files.iter().any(|file| table.snapshot.expires_in(file))
    {
        return Some((Direct::Count(heading), at));
    }
    if let Some(newest) = newest(query, select, &name, table, params) {
        return Some((Direct::Newest(newest), at));
    }
    let (figures, lines) = few::figures(query, select, &name, table, params)?;
    Some((Direct::Figures(figures, lines), at))
}

fn simple(statement: &Statement) -> Option<(&Query, &Select)> {
    let Statement::Statement(sql) = statement else { return None };
    let Sql::Query(query) = sql.as_ref() else { return None };
    let SetExpr::Select(select) = query.body.as_ref() else { return None };
    Some((query, select))
}

/// Whether the query looks at one table, and no other query stands in it.
pub(super) fn is_plain(statement: &Statement) -> bool {
    let Some((query, select)) = simple(statement) else { return false };
    let [from] = &select.from[..] else { return false };
    let is_table = matches!(from.relation, TableFactor::Table { .. }) && from.joins.is_empty();
    is_table && query.visit(&mut Alone { is_within: false }).is_continue()
}

/// Stops at a query within a query.
struct Alone {
    is_within: bool,
}

impl Visitor for Alone {
    type Break = ();

    fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        if std::mem::replace(&mut self.is_within, true) {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}

/// How the query writes the name of its only table, and that table's number.
fn table(select: &Select, scope: &Scope) -> Option<(String, usize)> {
    let [from] = &select.from[..] else { return None };
    let TableFactor::Table { name, .. } = &from.relation else { return None };
    let [part] = &name.0[..] else { return None };
    let ident = part.as_ident()?;
    let at = scope.tables.iter().position(|table| table.name.as_str() == ident.value)?;
    Some((ident.to_string(), at))
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

fn newest(
    query: &Query,
    select: &Select,
    name: &str,
    table: &Table,
    params: &[Param],
) -> Option<Newest> {
    let (columns, projection) = columns(select, table)?;
    let condition = select.selection.as_ref()?;
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
        "SELECT {projection} FROM {name} WHERE {condition} ORDER BY {time} DESC LIMIT {limit}"
    );
    let rows = limit.parse().ok().filter(|rows| *rows > 0)?;
    let is_all = time.value == TIME && query.to_string() == text;
    let Few { values, from, to } = few::few(condition, table, params).filter(|_| is_all)?;
    let [of] = &values[..] else { return None };
    let moment = |micros| {
        (micros != i64::MIN && micros != i64::MAX).then_some(Timestamp::from_micros(micros))
    };
    let range = TimeRange { from: moment(from), to: moment(to) };
    Some(Newest { of: Some(of.clone()), rows, range, present: None, columns })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::statement::{Asked, read};

    #[test]
    fn a_query_in_a_query_is_known_by_its_place_not_by_a_word() {
        let plain = |text: &str| match read(text).expect("a query") {
            Asked::Query(statement) => is_plain(&statement),
            _ => panic!("{text}"),
        };
        for text in [
            "SELECT a FROM t WHERE b = 'SELECT'",
            "SELECT a AS \"SELECTED\" FROM t ORDER BY a LIMIT 3",
        ] {
            assert!(plain(text), "{text}");
        }
        for text in [
            "SELECT a FROM t WHERE b IN (SELECT b FROM u)",
            "SELECT a FROM t WHERE EXISTS (SELECT 1 FROM u)",
            "WITH u AS (SELECT 1) SELECT a FROM t",
            "SELECT a FROM t UNION SELECT a FROM u",
            "SELECT a FROM t, u",
        ] {
            assert!(!plain(text), "{text}");
        }
    }
}
