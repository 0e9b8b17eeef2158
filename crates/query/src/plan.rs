//! Requests of the v1 doors as plans of the engine.
//!
//! ```text
//! DataRequest ───▶ scan ▶ where, time, not null ▶ [group] ▶ newest first, limit ─▶ steps ─▶ Rows
//! ExportRequest ─▶ the same for each series, one after the other ────────────────▶ steps ─▶ Rows
//! ```
//!
//! - Newest first, always; `limit` means "the latest n".
//! - With a field asked for, rows where it is null are left out; without, the columns are the time and all fields in
//!   alphabetical order.
//! - A limit within reason becomes the engine's own, so that files which cannot hold a row of the answer are not read.

mod data;

mod exports;

mod aggregate;

mod rows;

mod condition;

mod session;

pub(crate) use condition::{condition, field_type, within};
pub(crate) use data::{data, direct};
pub(crate) use exports::exports;
pub use rows::row_filter;
pub(crate) use session::{Session, column, rows_at_hand};
