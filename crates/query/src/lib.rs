//! How readings are asked for: request or SQL, plan, snapshot, render.
//!
//! ```text
//! /v1/data, /v1/exports ─▶ request ─▶ plan ─┐
//!                                           ├─▶ engine ─▶ table (files and chunks of one Snapshot) ─▶ Answer ─▶ render
//! /v1/sql ─────────────────────────▶ sql ───┘
//! ```
//!
//! - A question sees one [`Scope`]: the namespaces of one project, each at one moment. Nothing else has a name.
//! - Nothing here changes anything.
//! - Time, memory and rows are limited, and the error names the setting that does it. All that works for a query has
//!   its `QueryContext`, and operators and functions of the engine are guarded by it (`guard`, `functions`).

mod figures;

mod engine;

mod spelling;

mod sql;

mod latest;

mod series;

mod plan;

mod direct;

mod newest;

mod table;

mod few;

mod runs;

mod guard;

mod over;

mod reader;

mod arrival;

mod functions;

mod live;

pub mod render;

mod civil;

pub mod request;

pub mod scope;

mod answer;

mod context;

mod error;

pub use answer::Answer;
pub use context::PlanLimits;
pub use engine::{Engine, Functions, Reader, Settings};
pub use error::{
    CONCURRENCY_SETTING, MEMORY_SETTING, POINTS_SETTING, QueryError, ROWS_SETTING, SERIES_SETTING,
    TIMEOUT_SETTING, VALUE_SETTING,
};
pub use figures::{Figures, Of};
pub use latest::Latest;
pub use live::Selection;
pub use plan::row_filter;
pub use request::{DataRequest, ExportRequest, Output, RowsGiven, SeriesRequest, Side};
pub use scope::{Scope, Table};
pub use series::{Method, OneSeries, Points, SeriesAnswer};
pub use sql::Param;
