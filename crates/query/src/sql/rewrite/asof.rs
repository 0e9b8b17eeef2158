//! `l ASOF JOIN r MATCH_CONDITION (l.time >= r.time) ON l.device_id = r.device_id`: with each row of the left the last row
//! of the right that is not later. Of rows of equal time it is the one that arrived last.
//!
//! A row of the right counts from its own time up to that of the next one of the same key: with that time beside it, the
//! join is one of equal keys and a span. As in Snowflake and DuckDB a row of the left without a match stays, with nulls.

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Join, JoinConstraint, JoinOperator, Select, SetExpr, TableFactor,
};

use super::headings::unseen;
use super::{parsed, parsed_query, quoted};
use crate::error::QueryError;

/// Rewrites the as-of joins of a SELECT.
pub(super) fn rewrite(select: &mut Select, next: &mut usize) -> Result<(), QueryError> {
    for from in &mut select.from {
        for join in &mut from.joins {
            if let JoinOperator::AsOf { match_condition, constraint } = &join.join_operator {
                let (condition, constraint) = (match_condition.clone(), constraint.clone());
                one(join, &condition, &constraint, next)?;
            }
        }
    }
    Ok(())
}

fn refused(what: &str) -> QueryError {
    QueryError::Sql {
        reason: format!(
            "{what}; write l ASOF JOIN r MATCH_CONDITION (l.time >= r.time) ON l.device_id = r.device_id"
        ),
    }
}

fn one(
    join: &mut Join,
    condition: &Expr,
    constraint: &JoinConstraint,
    next: &mut usize,
) -> Result<(), QueryError> {
    let right = name(&join.relation)
        .ok_or_else(|| refused("the right side of ASOF JOIN is a table or a named subquery"))?;
    let is_right = |expr: &Expr| match expr {
        Expr::CompoundIdentifier(parts) => parts.first().is_some_and(|part| part.value == right),
        _ => false,
    };
    let Expr::BinaryOp { left, op, right: other } = condition else {
        return Err(refused("MATCH_CONDITION compares two times"));
    };
    let (probe, op, time) = match (is_right(left), is_right(other)) {
        (false, true) => (left, op.clone(), other),
        (true, false) => (other, flipped(op), left),
        _ => {
            return Err(refused(
                "MATCH_CONDITION compares a time of the left with one of the right",
            ));
        }
    };
    let keys = keys(constraint, is_right)?;
    // The neighbour up to which a row counts, and whether its time itself is the neighbour's.
    let (neighbour, until) = match op {
        BinaryOperator::GtEq => ("lead", "<"),
        BinaryOperator::Gt => ("lead", "<="),
        BinaryOperator::LtEq => ("lag", ">"),
        BinaryOperator::Lt => ("lag", ">="),
        _ => return Err(refused("MATCH_CONDITION is one of >=, >, <= and <")),
    };
    let hidden = quoted(&unseen(next));
    let partition: Vec<String> = keys.iter().map(|(_, key)| key.to_string()).collect();
    let relation = &join.relation;
    let alias = quoted(&right);
    let from = if neighbour == "lead" {
        relation.to_string()
    } else {
        // Of rows of equal time the first would have the neighbour before it; the one that arrived last is wanted.
        let same: Vec<String> = partition.iter().cloned().chain([time.to_string()]).collect();
        let (same, later) = (same.join(", "), quoted(&unseen(next)));
        format!(
            "(SELECT * FROM (SELECT *, lead({time}) OVER (PARTITION BY {same} ORDER BY {time}) AS {later} FROM {relation}) AS {alias} WHERE {alias}.{later} IS NULL) AS {alias}"
        )
    };
    let partition = if partition.is_empty() {
        String::new()
    } else {
        format!("PARTITION BY {} ", partition.join(", "))
    };
    let rows = format!(
        "SELECT *, {neighbour}({time}) OVER ({partition}ORDER BY {time}) AS {hidden} FROM {from}"
    );
    let mut on: Vec<String> = keys.iter().map(|(left, key)| format!("{left} = {key}")).collect();
    on.push(format!("{probe} {op} {time}"));
    on.push(format!("({alias}.{hidden} IS NULL OR {probe} {until} {alias}.{hidden})"));
    let query = parsed_query(&format!("SELECT * FROM ({rows}) AS {alias}"))?;
    let SetExpr::Select(select) = *query.body else {
        return Err(refused("the join cannot be read"));
    };
    let Some(from) = select.from.into_iter().next() else {
        return Err(refused("the join cannot be read"));
    };
    join.relation = from.relation;
    let on = parsed(&on.join(" AND "))?;
    join.join_operator = JoinOperator::LeftOuter(JoinConstraint::On(on));
    Ok(())
}

/// What the other columns call a table.
fn name(relation: &TableFactor) -> Option<String> {
    match relation {
        TableFactor::Table { alias: Some(alias), .. }
        | TableFactor::Derived { alias: Some(alias), .. } => Some(alias.name.value.clone()),
        TableFactor::Table { name, .. } => {
            name.0.last().and_then(|part| part.as_ident()).map(|ident| ident.value.clone())
        }
        _ => None,
    }
}

fn flipped(op: &BinaryOperator) -> BinaryOperator {
    match op {
        BinaryOperator::GtEq => BinaryOperator::LtEq,
        BinaryOperator::Gt => BinaryOperator::Lt,
        BinaryOperator::LtEq => BinaryOperator::GtEq,
        BinaryOperator::Lt => BinaryOperator::Gt,
        other => other.clone(),
    }
}

/// The keys of both sides: those of the left, those of the right.
fn keys(
    constraint: &JoinConstraint,
    is_right: impl Fn(&Expr) -> bool + Copy,
) -> Result<Vec<(Expr, Expr)>, QueryError> {
    match constraint {
        JoinConstraint::None => Ok(Vec::new()),
        JoinConstraint::On(condition) => {
            let mut keys = Vec::new();
            equal(condition, is_right, &mut keys)?;
            Ok(keys)
        }
        JoinConstraint::Using(_) => Err(refused("USING is not for ASOF JOIN")),
        JoinConstraint::Natural => Err(refused("NATURAL is not for ASOF JOIN")),
    }
}

fn equal(
    condition: &Expr,
    is_right: impl Fn(&Expr) -> bool + Copy,
    keys: &mut Vec<(Expr, Expr)>,
) -> Result<(), QueryError> {
    match condition {
        Expr::Nested(inner) => equal(inner, is_right, keys),
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
            equal(left, is_right, keys)?;
            equal(right, is_right, keys)
        }
        Expr::BinaryOp { left, op: BinaryOperator::Eq, right } => {
            match (is_right(left), is_right(right)) {
                (false, true) => keys.push((left.as_ref().clone(), right.as_ref().clone())),
                (true, false) => keys.push((right.as_ref().clone(), left.as_ref().clone())),
                _ => return Err(refused("ON of ASOF JOIN compares columns of both sides")),
            }
            Ok(())
        }
        _ => Err(refused("ON of ASOF JOIN is one or more equalities")),
    }
}
