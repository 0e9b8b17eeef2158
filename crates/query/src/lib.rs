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
//! - Time, memory and rows are limited, and the error names the setting that does it.

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

mod reader;

mod functions;

mod live;

pub mod render;

mod civil;

pub mod request;

pub mod scope;

mod answer;

mod error;

pub use answer::Answer;
pub use engine::{Engine, Settings};
pub use error::{
    MEMORY_SETTING, POINTS_SETTING, QueryError, ROWS_SETTING, SERIES_SETTING, TIMEOUT_SETTING,
};
pub use figures::{Figures, Of};
pub use latest::Latest;
pub use live::Selection;
pub use plan::row_filter;
pub use request::{DataRequest, ExportRequest, Output, RowsGiven, SeriesRequest};
pub use scope::{Scope, Table};
pub use series::{Method, OneSeries, Points, SeriesAnswer};
pub use sql::Param;
