//! What the v1 doors are asked: parameters become a request, or an error that names the parameter and the way out.
//!
//! ```text
//! /v1/data/{namespace}/{field}?where=eq(a,b)&time=now()-2h ─▶ DataRequest
//! /v1/exports/{project}/{device}/{series}?from=..&limit=10 ─▶ ExportRequest
//! ```
//!
//! Nothing here knows which fields exist: that is the plan's business. No text makes it panic, and the time it takes
//! grows with the text's length alone.

mod exports;

mod data;

mod rows;

mod series;

mod condition;

mod time_range;

mod duration;

mod params;

#[cfg(test)]
mod tests;

pub use condition::{Comparison, Condition, Number};
pub use data::{DataRequest, Grouping, LimitBy};
pub use duration::Bucket;
pub use exports::{ExportRequest, ValueFilter};
pub(crate) use params::quoted;
pub use params::{Operator, Output};
pub use rows::{RowSelection, RowsGiven, Side};
pub use series::{Downsample, Predicate, SeriesRequest, Summary};
pub use time_range::TimeRange;
