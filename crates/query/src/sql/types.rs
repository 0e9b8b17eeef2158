//! Types that SQL names and the engine takes otherwise: a TIMESTAMP counts microseconds, as the rows do.
//!
//! The engine's own counts nanoseconds and cannot say a year after 2262.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, TimeUnit};
use datafusion::common::Result;
use datafusion::logical_expr::planner::TypePlanner;
use datafusion::sql::sqlparser::ast::{DataType as Named, TimezoneInfo};

/// Plans the types that we take otherwise.
#[derive(Debug)]
pub(crate) struct Types;

impl TypePlanner for Types {
    fn plan_type_field(&self, named: &Named) -> Result<Option<FieldRef>> {
        let zone = match named {
            Named::Timestamp(_, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone)
            | Named::Datetime(_) => None,
            Named::Timestamp(_, TimezoneInfo::Tz | TimezoneInfo::WithTimeZone) => {
                Some("UTC".into())
            }
            _ => return Ok(None),
        };
        let kind = DataType::Timestamp(TimeUnit::Microsecond, zone);
        Ok(Some(Arc::new(Field::new("", kind, true))))
    }
}
