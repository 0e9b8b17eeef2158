//! What a query is made of, counted before it is planned: planning may take time and memory by each of these.
//!
//! ```text
//! statement ─ tables, expressions, grouping sets; a query of WITH counts each time that it is named ─▶ within the limits?
//! values ─ parameters and literals: how many, how long, and how long if each name of the statement stood for the longest
//! ```

use std::collections::HashMap;
use std::ops::ControlFlow;

use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{
    Expr, GroupByExpr, GroupByWithModifier, ObjectName, Query, Select, Statement as Sql, Value,
    ValueWithSpan, Visit, Visitor,
};

use super::param::Param;
use crate::context::PlanLimits;
use crate::error::QueryError;

/// Refuses parameters that are too many or too large.
pub(super) fn check_params(params: &[Param], limits: PlanLimits) -> Result<(), QueryError> {
    let found = params.len();
    if found > limits.params {
        return Err(QueryError::TooComplex {
            found,
            what: "parameters",
            limit: limits.params,
            setting: "query-params",
            remedy: "pass fewer values, or ask in several queries",
        });
    }
    let found = params.iter().map(bytes_of).sum();
    if found > limits.param_bytes {
        return Err(too_long(found, limits));
    }
    Ok(())
}

fn bytes_of(param: &Param) -> usize {
    match param {
        Param::String(text) => text.len(),
        _ => size_of::<Param>(),
    }
}

fn too_long(found: usize, limits: PlanLimits) -> QueryError {
    QueryError::TooComplex {
        found,
        what: "bytes of parameters",
        limit: limits.param_bytes,
        setting: "query-params-size",
        remedy: "pass shorter values",
    }
}

/// Refuses a text that is too long.
pub(super) fn check_text(text: &str, limits: PlanLimits) -> Result<(), QueryError> {
    let found = text.len();
    if found <= limits.text_bytes {
        return Ok(());
    }
    Err(QueryError::TooComplex {
        found,
        what: "bytes of text",
        limit: limits.text_bytes,
        setting: "query-text-size",
        remedy: "pass values as $1, $2, ...",
    })
}

/// Refuses a statement that is made of too much.
pub(super) fn check(
    statement: &Statement,
    params: &[Param],
    limits: PlanLimits,
) -> Result<(), QueryError> {
    match statement {
        Statement::Statement(sql) => check_sql(sql, params, limits),
        Statement::Explain(explain) => check(&explain.statement, params, limits),
        _ => Ok(()),
    }
}

fn check_sql(sql: &Sql, params: &[Param], limits: PlanLimits) -> Result<(), QueryError> {
    let mut counter = Counter {
        limits,
        params: params.iter().map(bytes_of).collect(),
        longest: 0,
        frames: vec![Frame::default()],
        named: HashMap::new(),
        refused: None,
    };
    let _ = sql.visit(&mut counter);
    if let Some(refused) = counter.refused {
        return Err(refused);
    }
    let names = counter.frames.first().map_or(0, |frame| frame.count.names);
    let (found, limit) = (names.saturating_mul(counter.longest), limits.param_bytes * COPIES);
    if found > limit {
        let remedy = "pass shorter values, or name fewer columns and parameters";
        let (what, setting) = ("bytes of values that names may stand for", "query-params-size");
        return Err(QueryError::TooComplex { found, what, limit, setting, remedy });
    }
    Ok(())
}

/// The planner may put a value in the place of each name that stands for it: so many times all parameters together.
const COPIES: usize = 16;

/// What is counted.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    tables: usize,
    expressions: usize,
    /// Names of columns, and of parameters.
    names: usize,
}

/// A query that is being looked at.
#[derive(Debug, Default)]
struct Frame {
    count: Count,
    /// The queries of its WITH, as addresses, and their names.
    with: HashMap<usize, String>,
}

struct Counter {
    limits: PlanLimits,
    /// Bytes of each parameter.
    params: Vec<usize>,
    /// Bytes of the longest value.
    longest: usize,
    frames: Vec<Frame>,
    /// The queries of all WITHs so far.
    named: HashMap<String, Count>,
    refused: Option<QueryError>,
}

fn address(query: &Query) -> usize {
    std::ptr::from_ref(query).addr()
}

impl Counter {
    fn refuse(
        &mut self,
        (found, limit): (usize, usize),
        (what, setting, remedy): (&'static str, &'static str, &'static str),
    ) -> ControlFlow<()> {
        self.refused = Some(QueryError::TooComplex { found, what, limit, setting, remedy });
        ControlFlow::Break(())
    }

    fn add(&mut self, more: Count) -> ControlFlow<()> {
        let Some(frame) = self.frames.last_mut() else { return ControlFlow::Continue(()) };
        let count = &mut frame.count;
        count.tables = count.tables.saturating_add(more.tables);
        count.expressions = count.expressions.saturating_add(more.expressions);
        count.names = count.names.saturating_add(more.names);
        let (count, limits) = (*count, self.limits);
        if count.tables > limits.tables {
            let remedy = "name fewer tables, each query of WITH counts as often as it is named";
            return self.refuse((count.tables, limits.tables), ("tables", "query-tables", remedy));
        }
        if count.expressions > limits.expressions {
            let remedy = "ask in several queries, and pass long lists as IN (...)";
            let what = ("parts of expressions", "query-expressions", remedy);
            return self.refuse((count.expressions, limits.expressions), what);
        }
        ControlFlow::Continue(())
    }
}

impl Visitor for Counter {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let with = query.with.iter().flat_map(|with| &with.cte_tables);
        let with = with.map(|cte| (address(&cte.query), cte.alias.name.value.clone())).collect();
        self.frames.push(Frame { count: Count::default(), with });
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let Some(done) = self.frames.pop() else { return ControlFlow::Continue(()) };
        let name = self.frames.last().and_then(|frame| frame.with.get(&address(query))).cloned();
        if let Some(name) = name {
            // It counts once in any case, as it is planned whether it is named or not.
            self.named.insert(name, done.count);
            return ControlFlow::Continue(());
        }
        self.add(done.count)
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        let found = grouping_sets(&select.group_by);
        if found > self.limits.grouping_sets {
            let remedy = "group by fewer columns, or list the sets with GROUPING SETS";
            let what = ("grouping sets", "query-grouping-sets", remedy);
            return self.refuse((found, self.limits.grouping_sets), what);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        let one = Count { tables: 1, ..Count::default() };
        let name = match &relation.0[..] {
            [part] => part.as_ident().map(|ident| ident.value.as_str()),
            _ => None,
        };
        let count = name.and_then(|name| self.named.get(name)).copied().unwrap_or(one);
        self.add(Count { tables: count.tables.max(1), ..count })
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        let is_name = matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_));
        self.add(Count { expressions: 1, names: is_name.into(), ..Count::default() })
    }

    fn pre_visit_value(&mut self, value: &ValueWithSpan) -> ControlFlow<()> {
        if let Value::Placeholder(name) = &value.value {
            let number = name.strip_prefix('$').and_then(|number| number.parse::<usize>().ok());
            let bytes = number.and_then(|number| self.params.get(number.checked_sub(1)?));
            self.longest = self.longest.max(bytes.copied().unwrap_or_default());
            return self.add(Count { names: 1, ..Count::default() });
        }
        let found = match &value.value {
            Value::Number(digits, _) => digits.len(),
            Value::SingleQuotedString(text)
            | Value::DoubleQuotedString(text)
            | Value::EscapedStringLiteral(text)
            | Value::UnicodeStringLiteral(text)
            | Value::NationalStringLiteral(text)
            | Value::HexStringLiteral(text)
            | Value::TripleSingleQuotedString(text) => text.len(),
            _ => 0,
        };
        if found > self.limits.literal_bytes {
            let what = ("bytes in one value", "query-literal-size", "pass it as $1");
            return self.refuse((found, self.limits.literal_bytes), what);
        }
        self.longest = self.longest.max(found);
        ControlFlow::Continue(())
    }
}

/// How many sets a GROUP BY makes.
fn grouping_sets(group_by: &GroupByExpr) -> usize {
    let (exprs, modifiers): (&[Expr], &[GroupByWithModifier]) = match group_by {
        GroupByExpr::All(modifiers) => (&[], modifiers),
        GroupByExpr::Expressions(exprs, modifiers) => (exprs, modifiers),
    };
    let power = |count: usize| 1_usize.checked_shl(count as u32).unwrap_or(usize::MAX);
    let of = |expr: &Expr| match expr {
        Expr::Cube(columns) => power(columns.len()),
        Expr::Rollup(columns) => columns.len().saturating_add(1),
        Expr::GroupingSets(sets) => sets.len(),
        _ => 1,
    };
    let product = exprs.iter().map(of).fold(1, usize::saturating_mul);
    let more = modifiers.iter().map(|modifier| match modifier {
        GroupByWithModifier::Cube => power(exprs.len()),
        GroupByWithModifier::Rollup => exprs.len().saturating_add(1),
        _ => 1,
    });
    more.fold(product, usize::saturating_mul)
}
