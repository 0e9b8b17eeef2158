//! What SQL writes without a function's name: `a || b`, `overlay(.. placing ..)`, `[1, 2]`, `{'a': 1}`, `x['a']`.
//!
//! The engine's own planners take its functions as they are; these take those that a session knows, with their bounds.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use arrow::datatypes::Field;
use datafusion::common::{DFSchema, Result, TableReference};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::planner::{
    ExprPlanner, PlannerResult, RawAggregateExpr, RawBinaryExpr, RawDictionaryExpr,
    RawFieldAccessExpr, RawWindowExpr,
};
use datafusion::logical_expr::{Expr, ExprSchemable, ScalarUDF, when};
use datafusion::sql::sqlparser::ast::BinaryOperator;

use super::allowed::GATHERING;
use crate::context::engine_error;
use crate::error::QueryError;

/// The bounded functions by their names, once they are registered.
pub(crate) type Known = Arc<OnceLock<HashMap<String, Arc<ScalarUDF>>>>;

/// One of the engine's planners, with the functions that it takes exchanged for ours.
#[derive(Debug)]
pub(super) struct Exchanged {
    pub(super) inner: Arc<dyn ExprPlanner>,
    pub(super) known: Known,
}

impl Exchanged {
    fn exchange<T>(&self, result: PlannerResult<T>) -> Result<PlannerResult<T>> {
        match result {
            PlannerResult::Planned(expr) => {
                Ok(PlannerResult::Planned(exchanged(expr, &self.known)?))
            }
            PlannerResult::Original(it) => Ok(PlannerResult::Original(it)),
        }
    }
}

/// The expression with the bounded function in place of the engine's; its arguments have theirs already.
fn exchanged(expr: Expr, known: &Known) -> Result<Expr> {
    match expr {
        Expr::ScalarFunction(call) => {
            let func = known.get().and_then(|known| known.get(call.func.name()));
            let Some(func) = func else {
                let reason = format!("the function {} is not available", call.func.name());
                return Err(engine_error(QueryError::Sql { reason }));
            };
            let is_access = call.func.name() == "get_field";
            let arguments = call.args.into_iter();
            // A field of a field of a column is one call within another, both by the planner.
            let arguments = arguments.map(|it| match it {
                Expr::ScalarFunction(inner) if is_access && inner.func.name() == "get_field" => {
                    exchanged(Expr::ScalarFunction(inner), known)
                }
                other => Ok(other),
            });
            let arguments = arguments.collect::<Result<Vec<_>>>()?;
            Ok(Expr::ScalarFunction(ScalarFunction::new_udf(Arc::clone(func), arguments)))
        }
        Expr::Alias(mut alias) => {
            alias.expr = Box::new(exchanged(*alias.expr, known)?);
            Ok(Expr::Alias(alias))
        }
        other => Ok(other),
    }
}

impl ExprPlanner for Exchanged {
    fn plan_binary_op(
        &self,
        call: RawBinaryExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawBinaryExpr>> {
        self.exchange(self.inner.plan_binary_op(call, schema)?)
    }

    fn plan_field_access(
        &self,
        call: RawFieldAccessExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawFieldAccessExpr>> {
        self.exchange(self.inner.plan_field_access(call, schema)?)
    }

    fn plan_array_literal(
        &self,
        items: Vec<Expr>,
        schema: &DFSchema,
    ) -> Result<PlannerResult<Vec<Expr>>> {
        self.exchange(self.inner.plan_array_literal(items, schema)?)
    }

    fn plan_position(&self, arguments: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        self.exchange(self.inner.plan_position(arguments)?)
    }

    fn plan_dictionary_literal(
        &self,
        call: RawDictionaryExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawDictionaryExpr>> {
        self.exchange(self.inner.plan_dictionary_literal(call, schema)?)
    }

    fn plan_extract(&self, arguments: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        self.exchange(self.inner.plan_extract(arguments)?)
    }

    fn plan_substring(&self, arguments: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        self.exchange(self.inner.plan_substring(arguments)?)
    }

    fn plan_struct_literal(
        &self,
        arguments: Vec<Expr>,
        is_named: bool,
    ) -> Result<PlannerResult<Vec<Expr>>> {
        self.exchange(self.inner.plan_struct_literal(arguments, is_named)?)
    }

    fn plan_overlay(&self, arguments: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        self.exchange(self.inner.plan_overlay(arguments)?)
    }

    fn plan_make_map(&self, arguments: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        self.exchange(self.inner.plan_make_map(arguments)?)
    }

    fn plan_compound_identifier(
        &self,
        field: &Field,
        qualifier: Option<&TableReference>,
        names: &[String],
    ) -> Result<PlannerResult<Vec<Expr>>> {
        self.exchange(self.inner.plan_compound_identifier(field, qualifier, names)?)
    }

    fn plan_aggregate(&self, call: RawAggregateExpr) -> Result<PlannerResult<RawAggregateExpr>> {
        self.inner.plan_aggregate(call)
    }

    fn plan_window(&self, call: RawWindowExpr) -> Result<PlannerResult<RawWindowExpr>> {
        if GATHERING.contains(&call.func_def.name()) {
            let reason = format!(
                "{} gathers all rows of a window for each row, which is not allowed; use it with GROUP BY",
                call.func_def.name()
            );
            return Err(engine_error(QueryError::Sql { reason }));
        }
        self.inner.plan_window(call)
    }
}

/// Plans `a || b` of texts as the bounded `concat`, which is null when either is.
#[derive(Debug)]
pub(super) struct Joined(pub(super) Arc<ScalarUDF>);

impl ExprPlanner for Joined {
    fn plan_binary_op(
        &self,
        call: RawBinaryExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawBinaryExpr>> {
        if call.op != BinaryOperator::StringConcat {
            return Ok(PlannerResult::Original(call));
        }
        // A parameter has no type yet; then the other side says what is meant, or both are taken for texts.
        let is_no_text = |side: &Expr| {
            side.get_type(schema).is_ok_and(|kind| kind.is_nested() || kind.is_binary())
        };
        if is_no_text(&call.left) || is_no_text(&call.right) {
            return Ok(PlannerResult::Original(call));
        }
        let RawBinaryExpr { left, right, .. } = call;
        let name = |side: &Expr| match side {
            Expr::Alias(named) => named.name.clone(),
            other => other.to_string(),
        };
        let heading = format!("{} || {}", name(&left), name(&right));
        let both = left.clone().is_not_null().and(right.clone().is_not_null());
        let joined = ScalarFunction::new_udf(Arc::clone(&self.0), vec![left, right]);
        let joined = when(both, Expr::ScalarFunction(joined)).end()?;
        Ok(PlannerResult::Planned(joined.alias(heading)))
    }
}
