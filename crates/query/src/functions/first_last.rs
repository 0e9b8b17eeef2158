//! `first(value, time)` and `last(value, time)`: the value at the earliest or the latest time that has a value.
//!
//! They are planned as `first_value(value ORDER BY time)`, nulls passed over, so one pass without a sort does it.

use datafusion::common::Result;
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::expr::{AggregateFunction, NullTreatment};
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawAggregateExpr};

/// Turns the form with two arguments into the engine's own.
#[derive(Debug)]
pub(super) struct FirstLast;

impl ExprPlanner for FirstLast {
    fn plan_aggregate(
        &self,
        mut call: RawAggregateExpr,
    ) -> Result<PlannerResult<RawAggregateExpr>> {
        let name = match call.func.name() {
            "first_value" => "first",
            "last_value" => "last",
            _ => return Ok(PlannerResult::Original(call)),
        };
        if call.args.len() != 2 || !call.order_by.is_empty() {
            return Ok(PlannerResult::Original(call));
        }
        let Some(time) = call.args.pop() else { return Ok(PlannerResult::Original(call)) };
        let heading = format!("{name}({},{time})", call.args[0]);
        let function = AggregateFunction::new_udf(
            call.func,
            call.args,
            call.distinct,
            call.filter,
            vec![time.sort(true, false)],
            Some(call.null_treatment.unwrap_or(NullTreatment::IgnoreNulls)),
        );
        Ok(PlannerResult::Planned(Expr::AggregateFunction(function).alias(heading)))
    }
}
