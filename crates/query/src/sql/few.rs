//! Queries about a few devices that need no plan: which devices, when, and the figures made of their rows.
//!
//! A query is written anew from what was understood of it: only if that is the query, all of it was understood.

use std::collections::BTreeSet;

use arrow::datatypes::{DataType, IntervalUnit};
use datafusion::common::ScalarValue;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, DataType as Named, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArguments, GroupByExpr, Interval, LimitClause, OrderByExpr, OrderByKind, Query, Select,
    SelectItem, TimezoneInfo, Value,
};

use super::param::Param;
use crate::direct::{Figure, Figures, Lines};
use crate::few::Few;
use crate::functions::Width;
use crate::request::Operator;
use crate::scope::{TIME, Table, time_type};

/// The rows that a condition asks for, if it names devices, and beside them nothing but times.
pub(super) fn few(condition: &Expr, table: &Table, params: &[Param]) -> Option<Few> {
    let mut asked =
        Asked { table, params, used: BTreeSet::new(), values: None, from: i64::MIN, to: i64::MAX };
    asked.take(condition)?;
    let mut values = asked.values?;
    values.sort_unstable();
    values.dedup();
    // A value that stands for nothing is the engine's to refuse.
    (asked.used.len() == params.len()).then_some(Few { values, from: asked.from, to: asked.to })
}

/// What a condition has said so far.
struct Asked<'a> {
    table: &'a Table,
    params: &'a [Param],
    used: BTreeSet<usize>,
    values: Option<Vec<String>>,
    from: i64,
    to: i64,
}

impl Asked<'_> {
    fn take(&mut self, condition: &Expr) -> Option<()> {
        match condition {
            Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
                self.take(left)?;
                self.take(right)
            }
            Expr::BinaryOp { left, op, right } => {
                let Expr::Identifier(name) = left.as_ref() else { return None };
                if name.value == TIME {
                    return self.bound(op, right);
                }
                let is_value = name.value == self.table.partition.as_str();
                let fits = is_value && *op == BinaryOperator::Eq && self.values.is_none();
                let value = self.text(right).filter(|_| fits)?;
                self.values = Some(vec![value]);
                Some(())
            }
            Expr::InList { expr, list, negated: false } => {
                let Expr::Identifier(name) = expr.as_ref() else { return None };
                let fits = name.value == self.table.partition.as_str() && self.values.is_none();
                let values: Option<Vec<String>> = list.iter().map(|it| self.text(it)).collect();
                self.values = Some(values.filter(|_| fits)?);
                Some(())
            }
            Expr::Between { expr, negated: false, low, high } => {
                let Expr::Identifier(name) = expr.as_ref() else { return None };
                if name.value != TIME {
                    return None;
                }
                self.bound(&BinaryOperator::GtEq, low)?;
                self.bound(&BinaryOperator::LtEq, high)
            }
            _ => None,
        }
    }

    fn bound(&mut self, op: &BinaryOperator, value: &Expr) -> Option<()> {
        let text = match value {
            Expr::TypedString(typed) => match (&typed.data_type, &typed.value.value) {
                (
                    Named::Timestamp(None, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone),
                    Value::SingleQuotedString(text),
                ) if !typed.uses_odbc_syntax => text.clone(),
                _ => return None,
            },
            other => self.text(other)?,
        };
        let time = ScalarValue::from(text.as_str()).cast_to(&time_type()).ok()?;
        let ScalarValue::TimestampMicrosecond(Some(time), _) = time else { return None };
        match op {
            BinaryOperator::GtEq => self.from = self.from.max(time),
            BinaryOperator::Gt => self.from = self.from.max(time.checked_add(1)?),
            BinaryOperator::LtEq => self.to = self.to.min(time),
            BinaryOperator::Lt => self.to = self.to.min(time.checked_sub(1)?),
            _ => return None,
        }
        Some(())
    }

    fn text(&mut self, value: &Expr) -> Option<String> {
        let Expr::Value(value) = value else { return None };
        match &value.value {
            Value::SingleQuotedString(text) => Some(text.clone()),
            Value::Placeholder(place) => {
                let at = place.strip_prefix('$')?.parse::<usize>().ok()?.checked_sub(1)?;
                let Param::String(text) = self.params.get(at)? else { return None };
                self.used.insert(at);
                Some(text.clone())
            }
            _ => None,
        }
    }
}

/// `SELECT date_bin(..) AS b, avg(x) AS .. FROM table WHERE device_id .. GROUP BY b [ORDER BY b] [LIMIT n]`.
pub(super) fn figures(
    query: &Query,
    select: &Select,
    name: &str,
    table: &Table,
    params: &[Param],
) -> Option<(Figures, Lines)> {
    let condition = select.selection.as_ref()?;
    let mut bucket = None;
    let mut figures = Vec::new();
    for (at, item) in select.projection.iter().enumerate() {
        match item {
            SelectItem::ExprWithAlias { expr: Expr::Function(function), alias }
                if bucket.is_none() && width(function).is_some() =>
            {
                bucket = Some((at, width(function)?, alias.clone()));
            }
            SelectItem::ExprWithAlias { expr: Expr::Function(function), alias } => {
                figures.push(figure(function, table, alias.value.clone())?);
            }
            _ => return None,
        }
    }
    let (at, width, alias) = bucket?;
    // A name that a column has as well is the engine's to understand.
    let is_free = |name: &str| name != TIME && table.field_type(name).is_none();
    let place = (at + 1).to_string();
    let is_bucket = |expr: &Expr| match expr {
        Expr::Identifier(ident) => *ident == alias && is_free(&ident.value),
        Expr::Value(value) => matches!(&value.value, Value::Number(number, _) if *number == place),
        _ => false,
    };
    let GroupByExpr::Expressions(groups, modifiers) = &select.group_by else { return None };
    let [group] = &groups[..] else { return None };
    let (newest_first, order) = order(query, is_bucket)?;
    let (limit, limited) = limit(query)?;
    let items: Vec<String> = select.projection.iter().map(ToString::to_string).collect();
    let items = items.join(", ");
    let text =
        format!("SELECT {items} FROM {name} WHERE {condition} GROUP BY {group}{order}{limited}");
    let mut headings: Vec<&str> = figures.iter().map(|it| it.heading.as_str()).collect();
    headings.push(&alias.value);
    let names: BTreeSet<&str> = headings.iter().copied().collect();
    let fits = is_bucket(group)
        && modifiers.is_empty()
        && names.len() == headings.len()
        && query.to_string() == text;
    let few = few(condition, table, params).filter(|_| fits)?;
    let figures = Figures { few, present: None, width, bucket: alias.value, made: figures };
    Some((figures, Lines { newest_first, limit, bucket: at }))
}

/// The width of `date_bin(INTERVAL '5 minutes', time)`.
fn width(function: &Function) -> Option<Width> {
    let name = function.name.to_string();
    let is_bucket = name == "date_bin" || name == "time_bucket";
    let [width, time] = arguments(function).filter(|_| is_bucket)?[..] else { return None };
    let (
        FunctionArgExpr::Expr(Expr::Interval(Interval { value, leading_field: None, .. })),
        FunctionArgExpr::Expr(Expr::Identifier(time)),
    ) = (width, time)
    else {
        return None;
    };
    let Expr::Value(value) = value.as_ref() else { return None };
    let Value::SingleQuotedString(text) = &value.value else { return None };
    // A bare number has a unit that only the engine knows.
    let is_plain = time.value == TIME && text.contains(|c: char| c.is_ascii_alphabetic());
    let interval = DataType::Interval(IntervalUnit::MonthDayNano);
    let width = ScalarValue::from(text.as_str()).cast_to(&interval).ok().filter(|_| is_plain)?;
    Width::read(&width).ok()
}

/// `avg(x)` and its like.
fn figure(function: &Function, table: &Table, heading: String) -> Option<Figure> {
    let operator = match function.name.to_string().to_ascii_lowercase().as_str() {
        "avg" => Operator::Mean,
        "min" => Operator::Min,
        "max" => Operator::Max,
        "sum" => Operator::Sum,
        "count" => Operator::Count,
        _ => return None,
    };
    let [argument] = arguments(function)?[..] else { return None };
    let column = match argument {
        FunctionArgExpr::Wildcard if operator == Operator::Count => TIME.to_owned(),
        FunctionArgExpr::Expr(Expr::Identifier(ident))
            if table.field_type(&ident.value).is_some() =>
        {
            ident.value.clone()
        }
        _ => return None,
    };
    Some(Figure { operator, column, heading })
}

/// The arguments of a plain call: nothing distinct, filtered, ordered or windowed.
fn arguments(function: &Function) -> Option<Vec<&FunctionArgExpr>> {
    let FunctionArguments::List(list) = &function.args else { return None };
    let is_plain = function.over.is_none()
        && function.filter.is_none()
        && function.null_treatment.is_none()
        && function.within_group.is_empty()
        && matches!(function.parameters, FunctionArguments::None)
        && list.duplicate_treatment.is_none()
        && list.clauses.is_empty();
    let unnamed = list.args.iter().map(|argument| match argument {
        FunctionArg::Unnamed(argument) => Some(argument),
        _ => None,
    });
    unnamed.collect::<Option<Vec<_>>>().filter(|_| is_plain)
}

/// Whether the newest come first, and how the query says it; nothing when it sorts by anything else.
fn order(query: &Query, is_it: impl Fn(&Expr) -> bool) -> Option<(bool, String)> {
    let Some(order) = &query.order_by else { return Some((false, String::new())) };
    let OrderByKind::Expressions(order) = &order.kind else { return None };
    let [order] = &order[..] else { return None };
    let OrderByExpr { expr, options, .. } = order;
    let fits = is_it(expr) && options.nulls_first.is_none();
    fits.then(|| (options.asc == Some(false), format!(" ORDER BY {order}")))
}

/// How many rows at the most, and how the query says it.
fn limit(query: &Query) -> Option<(Option<usize>, String)> {
    let Some(clause) = &query.limit_clause else { return Some((None, String::new())) };
    let LimitClause::LimitOffset { limit: Some(Expr::Value(limit)), .. } = clause else {
        return None;
    };
    let Value::Number(number, _) = &limit.value else { return None };
    Some((Some(number.parse().ok()?), format!(" LIMIT {limit}")))
}
