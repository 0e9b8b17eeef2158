//! What SQL here knows beyond the engine's own functions.
//!
//! ```text
//! date_bin, time_bucket (width, time [, origin])   the start of a bucket, for every time there is
//! date_trunc, date_part, to_char, to_timestamp     as PostgreSQL and the engine have them, for every time there is
//! time AT TIME ZONE zone                           what clocks show, and the moment at which they do
//! generate_series(start, end, step)                rows of numbers, dates or times
//! doc -> 'key', doc ->> 'key', json_get(...)       members of JSON texts
//! now(), current_timestamp                         the time of the question
//! first(value, time), last(value, time)            the value at the earliest, the latest time that has one
//! approx_percentile(value, 0.95)                   another name of approx_percentile_cont
//! sum(value), avg(value)                           exact over whole numbers
//! ```
//!
//! Of the engine's own functions only those are known that have a row in `allowed`, and each is held to its bound there.

mod planned;

mod bounded;

mod rules;

mod text_of_time;

mod calendar;

mod series_of;

mod json;

mod bucket;

mod first_last;

mod interval;

mod now;

mod sum;

mod average;

mod percentile;

mod membership;

mod numbers;

mod moments;

mod allowed;

mod measure;

use std::collections::HashMap;
use std::sync::Arc;

pub(crate) use allowed::{Growth, growth};
pub(crate) use interval::{Buckets, Width};
pub(crate) use measure::{fixed_width, measure_array};
pub(crate) use planned::Known;
pub(crate) use rules::rules;

use datafusion::common::Result;
use datafusion::execution::FunctionRegistry;
use datafusion::execution::SessionStateDefaults;
use datafusion::execution::session_state::SessionState;
use datafusion::functions_aggregate::approx_percentile_cont::approx_percentile_cont_udaf;
use datafusion::functions_aggregate::first_last::{first_value_udaf, last_value_udaf};
use datafusion::logical_expr::planner::ExprPlanner;
use datafusion::logical_expr::{AggregateUDF, ScalarUDF};
use iobeam_model::Timestamp;

/// The engine's planners of what has no function's name, with the functions that `known` will hold.
pub(crate) fn planners(known: &Known) -> Vec<Arc<dyn ExprPlanner>> {
    let all = SessionStateDefaults::default_expr_planners().into_iter();
    let exchanged = all.map(|inner| {
        let known = Arc::clone(known);
        Arc::new(planned::Exchanged { inner, known }) as Arc<dyn ExprPlanner>
    });
    exchanged.collect()
}

/// Makes the functions known to a session. `value_bytes` is what a value may have that a query makes.
pub(crate) fn register(state: &mut SessionState, known: &Known, value_bytes: usize) -> Result<()> {
    state.register_udf(bucket())?;
    register_times(state)?;
    for json in json::Json::all() {
        state.register_udf(Arc::new(ScalarUDF::new_from_impl(json)))?;
    }
    let first = AggregateUDF::clone(&first_value_udaf()).with_aliases(["first"]);
    let last = AggregateUDF::clone(&last_value_udaf()).with_aliases(["last"]);
    let percentile = percentile::BoundedPercentile::new(approx_percentile_cont_udaf());
    let percentile = AggregateUDF::new_from_impl(percentile);
    let sum = AggregateUDF::new_from_impl(sum::ExactSum::new());
    for function in [first, last, percentile, sum] {
        state.register_udaf(Arc::new(function))?;
    }
    state.register_udaf(average())?;
    state.register_expr_planner(Arc::new(first_last::FirstLast))?;
    let bounded = keep_allowed(state, value_bytes)?;
    let (json, text) = (state.udf("json_get")?, state.udf("json_get_text")?);
    state.register_expr_planner(Arc::new(json::Arrows { json, text }))?;
    let concat = state.udf("concat")?;
    // It is filled once, here.
    let _ = known.set(bounded);
    state.register_expr_planner(Arc::new(planned::Joined(concat)))
}

/// Takes away each function without a row among those allowed, and bounds the others, which are returned.
fn keep_allowed(
    state: &mut SessionState,
    value_bytes: usize,
) -> Result<HashMap<String, Arc<ScalarUDF>>> {
    let scalars: Vec<_> = state.scalar_functions().clone().into_iter().collect();
    let mut bounded = HashMap::new();
    for (name, function) in scalars {
        let Some(growth) = allowed::growth(function.name()) else {
            state.deregister_udf(&name)?;
            continue;
        };
        if name == function.name() {
            let function = bounded::Bounded::new(function, growth, value_bytes);
            let function = Arc::new(ScalarUDF::new_from_impl(function));
            bounded.insert(name, Arc::clone(&function));
            state.register_udf(function)?;
        }
    }
    let higher: Vec<_> = state.higher_order_functions().keys().cloned().collect();
    for name in higher {
        state.deregister_higher_order_function(&name)?;
    }
    let aggregates: Vec<_> = state.aggregate_functions().clone().into_iter().collect();
    for (name, function) in aggregates {
        if !allowed::AGGREGATES.contains(&function.name()) {
            state.deregister_udaf(&name)?;
        }
    }
    let windows: Vec<_> = state.window_functions().clone().into_iter().collect();
    for (name, function) in windows {
        if !allowed::WINDOWS.contains(&function.name()) {
            state.deregister_udwf(&name)?;
        }
    }
    let tables: Vec<_> = state.table_functions().keys().cloned().collect();
    for name in tables {
        if !allowed::TABLES.contains(&name.as_str()) {
            state.deregister_udtf(&name)?;
        }
    }
    Ok(bounded)
}

/// Makes the functions of times known, in place of the engine's.
fn register_times(state: &mut SessionState) -> Result<()> {
    let part = calendar::Part::new(state.udf("date_part")?);
    let to_char = text_of_time::ToChar::new(state.udf("to_char")?);
    let functions = [
        ScalarUDF::new_from_impl(calendar::Truncate::new()),
        ScalarUDF::new_from_impl(part),
        ScalarUDF::new_from_impl(calendar::AtZone::new()),
        ScalarUDF::new_from_impl(to_char),
        ScalarUDF::new_from_impl(series_of::TimeBuckets::new()),
    ];
    let readers = text_of_time::ToTimestamp::all().into_iter().map(ScalarUDF::new_from_impl);
    for function in functions.into_iter().chain(readers) {
        state.register_udf(Arc::new(function))?;
    }
    for (name, with_end) in [("generate_series", true), ("range", false)] {
        state.register_udtf(name, Arc::new(series_of::GenerateSeries { name, with_end }));
    }
    Ok(())
}

/// `avg`, also called `mean`.
pub(crate) fn average() -> Arc<AggregateUDF> {
    Arc::new(AggregateUDF::new_from_impl(average::ExactAvg::new()))
}

/// `date_bin`, also called `time_bucket`.
pub(crate) fn bucket() -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::new_from_impl(bucket::TimeBucket::new()))
}

/// `now()` of one question.
pub(crate) fn now(at: Timestamp) -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::new_from_impl(now::Now::new(at)))
}
