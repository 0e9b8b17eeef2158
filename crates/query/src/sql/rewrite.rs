//! A query as the engine takes it: what PostgreSQL or TimescaleDB write and the engine does not know is written otherwise.
//!
//! ```text
//! time AT TIME ZONE z              ─▶ at_time_zone(time, z)
//! 9007199254740993.0               ─▶ CAST('9007199254740993.0' AS DECIMAL(17, 1))
//! SELECT a, a::int                 ─▶ SELECT a AS <1 a>, a::int AS <2 a>      headings: shown as a, a
//! l ASOF JOIN r MATCH_CONDITION .. ─▶ l LEFT JOIN (r and each row's next one) ON ..
//! time_bucket_gapfill, locf, ..    ─▶ buckets joined with the query's groups
//! ```

mod asof;

mod gapfill;

mod headings;

use std::ops::ControlFlow;

use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{
    Expr, Query, Select, SetExpr, Statement as Sql, Value, VisitMut, VisitorMut,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;

use crate::error::QueryError;

pub(super) use headings::{is_hidden, shown};

/// Rewrites a statement.
pub(super) fn rewrite(statement: &mut Statement) -> Result<(), QueryError> {
    match statement {
        Statement::Statement(sql) => whole(sql),
        Statement::Explain(explain) => rewrite(&mut explain.statement),
        _ => Ok(()),
    }
}

fn whole(sql: &mut Sql) -> Result<(), QueryError> {
    let mut rewriter = Rewriter { next: 0 };
    if let Sql::Query(query) = sql {
        headings::of_answer(query, &mut rewriter.next);
    }
    match sql.visit(&mut rewriter) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

/// Digits of a number that every double of that many digits holds.
const DOUBLE_DIGITS: usize = 15;
/// Digits of the longest decimal.
const DECIMAL_DIGITS: usize = 38;

/// Goes through all of a statement.
struct Rewriter {
    /// The number of the next name that is made up.
    next: usize,
}

impl VisitorMut for Rewriter {
    type Break = QueryError;

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<QueryError> {
        flow(gapfill::rewrite(query, &mut self.next))
    }

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<QueryError> {
        headings::of_select(select, &mut self.next);
        flow(asof::rewrite(select, &mut self.next))
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<QueryError> {
        let text = match expr {
            Expr::AtTimeZone { timestamp, time_zone } => {
                format!("at_time_zone({timestamp}, {time_zone})")
            }
            Expr::Value(value) => match &value.value {
                Value::Number(number, _) => match decimal(number) {
                    Some(text) => text,
                    None => return ControlFlow::Continue(()),
                },
                _ => return ControlFlow::Continue(()),
            },
            _ => return ControlFlow::Continue(()),
        };
        flow(parsed(&text).map(|other| *expr = other))
    }
}

fn flow(done: Result<(), QueryError>) -> ControlFlow<QueryError> {
    match done {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => ControlFlow::Break(error),
    }
}

/// A number with a point that has more digits than a double keeps, as a decimal.
fn decimal(number: &str) -> Option<String> {
    let (whole, fraction) = number.split_once('.')?;
    let all_digits = [whole, fraction].iter().all(|it| it.bytes().all(|c| c.is_ascii_digit()));
    let digits = whole.trim_start_matches('0').len() + fraction.len();
    let fits = all_digits && digits > DOUBLE_DIGITS && digits <= DECIMAL_DIGITS;
    fits.then(|| format!("CAST('{number}' AS DECIMAL({digits}, {}))", fraction.len()))
}

/// An expression read from its text.
fn parsed(text: &str) -> Result<Expr, QueryError> {
    Parser::new(&GenericDialect {})
        .try_with_sql(text)
        .and_then(|mut parser| parser.parse_expr())
        .map_err(|error| QueryError::Sql { reason: error.to_string() })
}

/// A query read from its text.
fn parsed_query(text: &str) -> Result<Query, QueryError> {
    Parser::new(&GenericDialect {})
        .try_with_sql(text)
        .and_then(|mut parser| parser.parse_query())
        .map(|query| *query)
        .map_err(|error| QueryError::Sql { reason: error.to_string() })
}

/// The query's SELECT, if it is one.
fn select(query: &Query) -> Option<&Select> {
    match query.body.as_ref() {
        SetExpr::Select(select) => Some(select),
        _ => None,
    }
}

/// A name as a query writes it, whatever stands in it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
