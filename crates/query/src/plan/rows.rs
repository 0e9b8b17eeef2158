//! Which rows are to be deleted: the conditions of a request as the store evaluates them, without the engine.
//!
//! They mean the same as in `where` of the data door: see [`mod@super::condition`].

use iobeam_model::FieldType;
use iobeam_store::edit::{Comparator, RowCondition, RowFilter, ValueTest};

use super::condition::{END, field_type};
use crate::error::QueryError;
use crate::request::{Comparison, Condition, Number, RowSelection, quoted};
use crate::scope::Table;

/// The rows that a request means.
///
/// # Errors
/// [`QueryError::Parameter`], which names the member and the way out.
pub fn row_filter(table: &Table, selection: &RowSelection) -> Result<RowFilter, QueryError> {
    let mut conditions = Vec::new();
    if let Some(devices) = &selection.devices {
        let mut devices: Vec<Box<str>> =
            devices.iter().map(|device| device.as_str().into()).collect();
        devices.sort();
        devices.dedup();
        conditions
            .push(RowCondition { field: table.partition.clone(), test: ValueTest::OneOf(devices) });
    }
    for condition in &selection.conditions {
        let field = table.spelled(condition.field.clone());
        let test = test(table, &Condition { field: field.clone(), ..condition.clone() })?;
        conditions.push(RowCondition { field, test });
    }
    let micros = |time: iobeam_model::Timestamp| time.micros();
    let (from, to) = (selection.range.from.map(micros), selection.range.to.map(micros));
    Ok(RowFilter { from, to, conditions })
}

fn test(table: &Table, condition: &Condition) -> Result<ValueTest, QueryError> {
    let Condition { field, comparison, value } = condition;
    let kind = field_type(table, "where", field)?;
    let refuse = |what: &str| {
        let reason = format!("field '{field}' is {kind}, and {} is no {what}", quoted(value));
        QueryError::parameter("where", reason)
    };
    let how = comparator(*comparison);
    Ok(match kind {
        FieldType::String => ValueTest::String(how, value.as_str().into()),
        FieldType::Boolean => {
            let boolean = match value.to_ascii_lowercase().as_str() {
                "true" => true,
                "false" => false,
                _ => return Err(refuse("boolean; write true or false")),
            };
            if !matches!(comparison, Comparison::Eq | Comparison::Ne) {
                let reason = format!("field '{field}' is BOOLEAN, which has no order; use eq");
                return Err(QueryError::parameter("where", reason));
            }
            ValueTest::Boolean(how, boolean)
        }
        FieldType::Double | FieldType::Long => {
            let number = Number::parse(value).ok_or_else(|| refuse("number"))?;
            match (kind, number) {
                (FieldType::Long, Number::Whole(whole)) => ValueTest::Long(how, whole),
                (FieldType::Long, Number::Fraction(fraction)) => long(*comparison, fraction),
                (_, Number::Whole(whole)) => ValueTest::Double(how, (whole as f64).to_bits()),
                (_, Number::Fraction(fraction)) => ValueTest::Double(how, fraction.to_bits()),
            }
        }
    })
}

/// An integer against a number that is no `i64`: the nearest integer on the right side decides.
fn long(comparison: Comparison, number: f64) -> ValueTest {
    let bound = match comparison {
        Comparison::Lt | Comparison::Ge => number.ceil(),
        Comparison::Gt | Comparison::Le | Comparison::Eq | Comparison::Ne => number.floor(),
    };
    let below = bound < -END;
    let outside = below || bound >= END;
    #[expect(clippy::float_cmp, reason = "floor() of a whole number is that number")]
    let between = bound != number;
    match comparison {
        Comparison::Eq if outside || between => ValueTest::Never,
        Comparison::Ne if outside || between => ValueTest::Present,
        Comparison::Lt | Comparison::Le if outside && below => ValueTest::Never,
        Comparison::Gt | Comparison::Ge if outside && !below => ValueTest::Never,
        _ if outside => ValueTest::Present,
        _ => ValueTest::Long(comparator(comparison), bound as i64),
    }
}

const fn comparator(comparison: Comparison) -> Comparator {
    match comparison {
        Comparison::Eq => Comparator::Eq,
        Comparison::Ne => Comparator::Ne,
        Comparison::Lt => Comparator::Lt,
        Comparison::Gt => Comparator::Gt,
        Comparison::Le => Comparator::Le,
        Comparison::Ge => Comparator::Ge,
    }
}
