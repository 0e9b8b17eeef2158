//! `time_bucket_gapfill(width, time [, zone] [, start, finish])` with `locf(value)` and `interpolate(value)`.
//!
//! ```text
//! q: the query with plain buckets     g: all buckets of the span     k: the other groups
//! k × g ⟕ q ─▶ one row for each group and bucket; locf and interpolate look along the buckets of a group
//! ```
//!
//! The span is what the call says, else what WHERE says of the time, else as far as there are rows. The finish is not in it.

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, GroupByExpr,
    Ident, Query, Select, SelectItem, Value,
};

use super::headings::made_up;
use super::{parsed, parsed_query, quoted, select};
use crate::civil::Zone;
use crate::error::QueryError;

const GAPFILL: &str = "time_bucket_gapfill";

fn refused(what: &str) -> QueryError {
    QueryError::Sql { reason: what.to_owned() }
}

/// Rewrites a query that fills gaps; leaves others as they are.
pub(super) fn rewrite(query: &mut Query, next: &mut usize) -> Result<(), QueryError> {
    let Some(asked) = select(query) else { return Ok(()) };
    let Some(filled) = Filled::of(asked)? else { return Ok(()) };
    let text = filled.text(query, asked, next)?;
    *query = parsed_query(&text)?;
    Ok(())
}

/// What a column of the query is.
enum Column {
    Bucket,
    Key,
    Value,
    Carried,
    Interpolated,
}

/// A query that fills gaps, taken apart.
struct Filled {
    width: Expr,
    time: Expr,
    zone: Option<Expr>,
    /// The span, where the call says it.
    span: Option<(Expr, Expr)>,
    /// The columns: what each is, and its expression in the query without gaps filled.
    columns: Vec<(Column, Expr)>,
}

impl Filled {
    fn of(select: &Select) -> Result<Option<Self>, QueryError> {
        let exprs: Vec<Option<&Expr>> = select.projection.iter().map(item).collect();
        let call = exprs.iter().flatten().find_map(|expr| called(expr, GAPFILL));
        let Some(call) = call else {
            let lost = exprs.iter().flatten().find_map(|expr| {
                ["locf", "interpolate"].into_iter().find(|name| called(expr, name).is_some())
            });
            return match lost {
                Some(name) => Err(refused(&format!(
                    "{name} fills the gaps of {GAPFILL}; add {GAPFILL}('5 minutes', time) to the columns and to GROUP BY"
                ))),
                None => Ok(None),
            };
        };
        let arguments = arguments(call).unwrap_or_default();
        let [width, time, rest @ ..] = &arguments[..] else {
            return Err(refused(&format!(
                "{GAPFILL} takes a width and a time, and maybe a time zone, a start and a finish"
            )));
        };
        let is_zone = |expr: &Expr| match expr {
            Expr::Value(value) => match &value.value {
                Value::SingleQuotedString(text) => Zone::parse(text).is_some(),
                _ => false,
            },
            _ => false,
        };
        let (zone, span) = match rest {
            [] => (None, None),
            [zone] if is_zone(zone) => (Some(zone.clone()), None),
            [start, finish] => (None, Some((start.clone(), finish.clone()))),
            [zone, start, finish] => (Some(zone.clone()), Some((start.clone(), finish.clone()))),
            _ => {
                return Err(refused(&format!(
                    "{GAPFILL} takes a width and a time, and maybe a time zone, a start and a finish"
                )));
            }
        };
        let groups = groups(select)?;
        let mut columns = Vec::new();
        for (at, expr) in exprs.iter().enumerate() {
            let Some(expr) = expr else {
                return Err(refused(&format!(
                    "with {GAPFILL} name the columns; * stands for none"
                )));
            };
            columns.push(column(expr, groups.contains(&at), (width, time, zone.as_ref()))?);
        }
        if !columns.iter().any(|(column, _)| matches!(column, Column::Bucket)) {
            return Err(refused(&format!(
                "{GAPFILL} stands alone in its column; compute with it in a query around this one"
            )));
        }
        Ok(Some(Self { width: width.clone(), time: time.clone(), zone, span, columns }))
    }

    /// The places of columns of a kind.
    fn places(&self, is: fn(&Column) -> bool) -> Vec<usize> {
        let all = self.columns.iter().enumerate();
        all.filter(|(_, (column, _))| is(column)).map(|(at, _)| at).collect()
    }

    fn text(&self, query: &Query, asked: &Select, next: &mut usize) -> Result<String, QueryError> {
        let name = |next: &mut usize, word: &str| made_up(word, next).to_string();
        let (q, g, k) = (name(next, "q"), name(next, "g"), name(next, "k"));
        let bucket = self.places(|it| matches!(it, Column::Bucket))[0];
        let keys = self.places(|it| matches!(it, Column::Key));
        let mut inner = asked.clone();
        inner.projection = self
            .columns
            .iter()
            .enumerate()
            .map(|(at, (_, expr))| SelectItem::ExprWithAlias {
                expr: expr.clone(),
                alias: Ident::with_quote('"', format!("c{at}")),
            })
            .collect();
        let places = std::iter::once(bucket).chain(keys.iter().copied());
        let by = places.map(|at| parsed(&(at + 1).to_string())).collect::<Result<Vec<_>, _>>()?;
        inner.group_by = GroupByExpr::Expressions(by, Vec::new());
        let (low, high) = self.span(asked);
        let ends = if let (Some(low), Some(high)) = (&low, &high) {
            format!("SELECT {low} AS \"lo\", {high} AS \"hi\"")
        } else {
            let low = low.unwrap_or_else(|| format!("min(\"c{bucket}\")"));
            let high = high.unwrap_or_else(|| format!("max(\"c{bucket}\")"));
            format!("SELECT {low} AS \"lo\", {high} AS \"hi\" FROM {q}")
        };
        let zone = self.zone.as_ref().map_or(String::new(), |zone| format!(", {zone}"));
        let width = &self.width;
        let buckets = format!(
            "SELECT unnest(time_buckets({width}, \"lo\", \"hi\"{zone})) AS \"b\" FROM ({ends}) AS \"e\""
        );
        let mut parts = vec![format!("{q} AS ({inner})"), format!("{g} AS ({buckets})")];
        let mut on = vec![format!("{q}.\"c{bucket}\" = {g}.\"b\"")];
        let mut from = g.clone();
        if !keys.is_empty() {
            let names: Vec<String> = keys.iter().map(|at| format!("\"c{at}\"")).collect();
            parts.push(format!("{k} AS (SELECT DISTINCT {} FROM {q})", names.join(", ")));
            from = format!("{k} CROSS JOIN {g}");
            let same = |name: &String| format!("{q}.{name} IS NOT DISTINCT FROM {k}.{name}");
            on.extend(names.iter().map(same));
        }
        let columns = self.outer(asked, (&q, &g, &k), &keys, next);
        let mut text = match &query.with {
            Some(outer) => format!("{outer}, {}", parts.join(", ")),
            None => format!("WITH {}", parts.join(", ")),
        };
        let (columns, on) = (columns.join(", "), on.join(" AND "));
        let select = format!(" SELECT {columns} FROM {from} LEFT JOIN {q} ON {on}");
        text.push_str(&select);
        text.push_str(&order(query, asked)?);
        if let Some(limit) = &query.limit_clause {
            text.push(' ');
            text.push_str(&limit.to_string());
        }
        Ok(text)
    }

    /// The columns of the answer.
    fn outer(
        &self,
        asked: &Select,
        (q, g, k): (&str, &str, &str),
        keys: &[usize],
        next: &mut usize,
    ) -> Vec<String> {
        let partition: Vec<String> = keys.iter().map(|at| format!("{k}.\"c{at}\"")).collect();
        let partition = if partition.is_empty() {
            String::new()
        } else {
            format!("PARTITION BY {} ", partition.join(", "))
        };
        let before = format!(
            "OVER ({partition}ORDER BY {g}.\"b\" ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"
        );
        let after = format!(
            "OVER ({partition}ORDER BY {g}.\"b\" ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)"
        );
        let columns = self.columns.iter().zip(&asked.projection).enumerate();
        columns
            .map(|(at, ((column, _), item))| {
                let value = format!("{q}.\"c{at}\"");
                let expr = match column {
                    Column::Bucket => format!("{g}.\"b\""),
                    Column::Key => format!("{k}.\"c{at}\""),
                    Column::Value => value,
                    Column::Carried => format!("last_value({value}) IGNORE NULLS {before}"),
                    Column::Interpolated => {
                        let double = format!("CAST({value} AS DOUBLE)");
                        let time = format!(
                            "CASE WHEN {value} IS NOT NULL THEN date_part('epoch', {g}.\"b\") END"
                        );
                        let last = |of: &str| format!("last_value({of}) IGNORE NULLS {before}");
                        let first = |of: &str| format!("first_value({of}) IGNORE NULLS {after}");
                        let (v0, v1) = (last(&double), first(&double));
                        let (t0, t1) = (last(&time), first(&time));
                        format!(
                            "CASE WHEN {value} IS NOT NULL THEN {double} ELSE {v0} + ({v1} - {v0}) * (date_part('epoch', {g}.\"b\") - {t0}) / ({t1} - {t0}) END"
                        )
                    }
                };
                let alias = match item {
                    SelectItem::ExprWithAlias { alias, .. } => alias.to_string(),
                    SelectItem::UnnamedExpr(expr) => made_up(&expr.to_string(), next).to_string(),
                    _ => quoted("?"),
                };
                format!("{expr} AS {alias}")
            })
            .collect()
    }

    /// The first and the last moment of the span, as far as something says them.
    fn span(&self, asked: &Select) -> (Option<String>, Option<String>) {
        let moment = |expr: &Expr| format!("CAST({expr} AS TIMESTAMP WITH TIME ZONE)");
        let before = |expr: &Expr| format!("{} - INTERVAL '1 microsecond'", moment(expr));
        if let Some((start, finish)) = &self.span {
            return (Some(moment(start)), Some(before(finish)));
        }
        let (mut low, mut high) = (None, None);
        if let Some(condition) = &asked.selection {
            self.bounds(condition, &mut |op, bound| match op {
                BinaryOperator::GtEq => low = Some(moment(bound)),
                BinaryOperator::Gt => {
                    low = Some(format!("{} + INTERVAL '1 microsecond'", moment(bound)));
                }
                BinaryOperator::LtEq => high = Some(moment(bound)),
                BinaryOperator::Lt => high = Some(before(bound)),
                _ => {}
            });
        }
        (low, high)
    }

    /// What a condition says of the time.
    fn bounds(&self, condition: &Expr, take: &mut impl FnMut(&BinaryOperator, &Expr)) {
        match condition {
            Expr::Nested(inner) => self.bounds(inner, take),
            Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
                self.bounds(left, take);
                self.bounds(right, take);
            }
            Expr::BinaryOp { left, op, right } if **left == self.time => take(op, right),
            Expr::BinaryOp { left, op, right } if **right == self.time => {
                let flipped = match op {
                    BinaryOperator::GtEq => BinaryOperator::LtEq,
                    BinaryOperator::Gt => BinaryOperator::Lt,
                    BinaryOperator::LtEq => BinaryOperator::GtEq,
                    BinaryOperator::Lt => BinaryOperator::Gt,
                    other => other.clone(),
                };
                take(&flipped, left);
            }
            Expr::Between { expr, negated: false, low, high } if **expr == self.time => {
                take(&BinaryOperator::GtEq, low);
                take(&BinaryOperator::LtEq, high);
            }
            _ => {}
        }
    }
}

/// ORDER BY of the answer: a column by its place where it is written out.
fn order(query: &Query, asked: &Select) -> Result<String, QueryError> {
    use datafusion::sql::sqlparser::ast::OrderByKind;
    let Some(order) = &query.order_by else { return Ok(String::new()) };
    let OrderByKind::Expressions(all) = &order.kind else { return Ok(String::new()) };
    let mut parts = Vec::new();
    for by in all {
        let place = asked.projection.iter().position(|it| item(it) == Some(&by.expr));
        let mut by = by.clone();
        if let Some(place) = place {
            by.expr = parsed(&(place + 1).to_string())?;
        }
        parts.push(by.to_string());
    }
    Ok(format!(" ORDER BY {}", parts.join(", ")))
}

fn item(item: &SelectItem) -> Option<&Expr> {
    match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => Some(expr),
        _ => None,
    }
}

/// The call that an expression is.
fn called<'e>(expr: &'e Expr, name: &str) -> Option<&'e Function> {
    match expr {
        Expr::Function(call) if call.name.to_string().eq_ignore_ascii_case(name) => Some(call),
        Expr::Nested(inner) => called(inner, name),
        _ => None,
    }
}

fn arguments(call: &Function) -> Option<Vec<Expr>> {
    let FunctionArguments::List(list) = &call.args else { return None };
    let unnamed = list.args.iter().map(|argument| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr.clone()),
        _ => None,
    });
    unnamed.collect()
}

/// What a column is, and its expression without gaps filled.
fn column(
    expr: &Expr,
    is_grouped: bool,
    (width, time, zone): (&Expr, &Expr, Option<&Expr>),
) -> Result<(Column, Expr), QueryError> {
    if called(expr, GAPFILL).is_some() {
        let zone = zone.map_or(String::new(), |zone| format!(", {zone}"));
        return Ok((Column::Bucket, parsed(&format!("date_bin({width}, {time}{zone})"))?));
    }
    for (name, kind) in [("locf", Column::Carried), ("interpolate", Column::Interpolated)] {
        if let Some(call) = called(expr, name) {
            return match arguments(call).as_deref() {
                Some([value]) => Ok((kind, value.clone())),
                _ => {
                    Err(refused(&format!("{name} takes one value, as in {name}(avg(temperature))")))
                }
            };
        }
    }
    let text = expr.to_string().to_ascii_lowercase();
    for name in ["locf(", "interpolate(", "time_bucket_gapfill("] {
        if text.contains(name) {
            let name = name.trim_end_matches('(');
            return Err(refused(&format!(
                "{name} stands alone in its column; compute with it in a query around this one"
            )));
        }
    }
    Ok((if is_grouped { Column::Key } else { Column::Value }, expr.clone()))
}

/// The places of the columns that are grouped by.
fn groups(select: &Select) -> Result<Vec<usize>, QueryError> {
    let GroupByExpr::Expressions(groups, modifiers) = &select.group_by else {
        return Err(refused(&format!("with {GAPFILL} name the columns of GROUP BY")));
    };
    if groups.is_empty() || !modifiers.is_empty() {
        return Err(refused(&format!(
            "{GAPFILL} wants a plain GROUP BY of it and the other columns"
        )));
    }
    let place = |group: &Expr| {
        if let Expr::Value(value) = group
            && let Value::Number(number, _) = &value.value
        {
            let place = number.parse::<usize>().ok()?.checked_sub(1)?;
            return (place < select.projection.len()).then_some(place);
        }
        select.projection.iter().position(|it| match (it, group) {
            (SelectItem::ExprWithAlias { alias, expr }, Expr::Identifier(name)) => {
                alias.value == name.value || expr == group
            }
            (it, group) => item(it) == Some(group),
        })
    };
    let places = groups.iter().map(|group| {
        place(group).ok_or_else(|| {
            refused(&format!(
                "with {GAPFILL} each column of GROUP BY stands in SELECT too; {group} does not"
            ))
        })
    });
    places.collect()
}
