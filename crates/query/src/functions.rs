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
//! sum(value)                                       exact over whole numbers
//! ```
//!
//! Functions that make much out of little in one step (`repeat`, `lpad`, ...) are taken away, and those that join texts
//! are bounded: their memory is not counted, so a short text could end the process.

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

mod numbers;

mod moments;

use std::sync::Arc;

pub(crate) use interval::{Buckets, Width};
pub(crate) use rules::rules;

use datafusion::common::Result;
use datafusion::execution::FunctionRegistry;
use datafusion::execution::session_state::SessionState;
use datafusion::functions_aggregate::approx_percentile_cont::approx_percentile_cont_udaf;
use datafusion::functions_aggregate::first_last::{first_value_udaf, last_value_udaf};
use datafusion::logical_expr::{AggregateUDF, ScalarUDF};
use iobeam_model::Timestamp;

/// Functions whose result is as large as their argument says.
const AMPLIFIERS: [&str; 9] = [
    "repeat",
    "lpad",
    "rpad",
    "array_repeat",
    "array_resize",
    "generate_series",
    "range",
    "array_pad",
    "list_repeat",
];

/// Makes the functions known to a session. `most` bounds what one call makes of one batch, in bytes.
pub(crate) fn register(state: &mut SessionState, most: usize) -> Result<()> {
    state.register_udf(bucket())?;
    register_times(state)?;
    for json in json::Json::all() {
        state.register_udf(Arc::new(ScalarUDF::new_from_impl(json)))?;
    }
    let (json, text) = (state.udf("json_get")?, state.udf("json_get_text")?);
    state.register_expr_planner(Arc::new(json::Arrows { json, text }))?;
    let first = AggregateUDF::clone(&first_value_udaf()).with_aliases(["first"]);
    let last = AggregateUDF::clone(&last_value_udaf()).with_aliases(["last"]);
    let percentile =
        AggregateUDF::clone(&approx_percentile_cont_udaf()).with_aliases(["approx_percentile"]);
    let sum = AggregateUDF::new_from_impl(sum::ExactSum::new());
    for function in [first, last, percentile, sum] {
        state.register_udaf(Arc::new(function))?;
    }
    state.register_expr_planner(Arc::new(first_last::FirstLast))?;
    for name in AMPLIFIERS {
        state.deregister_udf(name)?;
    }
    for (name, growth) in bounded::GROWING {
        let bounded = bounded::Bounded::new(state.udf(name)?, growth, most);
        state.register_udf(Arc::new(ScalarUDF::new_from_impl(bounded)))?;
    }
    state.register_expr_planner(Arc::new(bounded::Joined(state.udf("concat")?)))?;
    Ok(())
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

/// `date_bin`, also called `time_bucket`.
pub(crate) fn bucket() -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::new_from_impl(bucket::TimeBucket::new()))
}

/// `now()` of one question.
pub(crate) fn now(at: Timestamp) -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::new_from_impl(now::Now::new(at)))
}
