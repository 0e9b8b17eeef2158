//! What a correction does to rows that are stored already: some are deleted, or a field is dropped, renamed or retyped.
//!
//! ```text
//! Edit ─▶ schema of a file before ─▶ schema after        column before ─▶ column after, and the values that do not fit
//!      └▶ RowFilter ─▶ which rows match: all of its conditions hold
//! ```
//!
//! Plain data: it is kept on disk while a correction is under way, and goes on after a restart.

use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, BooleanArray};
use arrow::datatypes::{
    DataType, Field, Float64Type, Int64Type, Schema, SchemaRef, TimestampMicrosecondType,
};
use iobeam_model::{FieldName, FieldType};
use serde::{Deserialize, Serialize};

use crate::chunk::{TIME, arrow_type};

pub(crate) mod convert;

/// What is to be changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Edit {
    /// These rows go.
    DeleteRows(RowFilter),
    /// A field goes, with its values.
    DropField {
        /// Which field.
        field: FieldName,
    },
    /// A field gets another name.
    RenameField {
        /// Which field.
        field: FieldName,
        /// Its new name.
        to: FieldName,
    },
    /// A field gets another type.
    RetypeField {
        /// Which field.
        field: FieldName,
        /// Its new type.
        to: FieldType,
    },
}

/// Which rows are meant: those within the times for which all conditions hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowFilter {
    /// From this time on, in microseconds; `None`: from the first row on.
    pub from: Option<i64>,
    /// Up to and including this time; `None`: to the last row.
    pub to: Option<i64>,
    /// What else must hold. A missing value fulfils no condition.
    pub conditions: Vec<RowCondition>,
}

/// A condition on the value of one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowCondition {
    /// The field.
    pub field: FieldName,
    /// What must hold for its value.
    pub test: ValueTest,
}

/// What must hold for a value. A test of another type than the field's never does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueTest {
    /// No value fulfils it.
    Never,
    /// Every value does.
    Present,
    /// It is one of these strings, which are sorted.
    OneOf(Vec<Box<str>>),
    /// It compares so with a string, by bytes.
    String(Comparator, Box<str>),
    /// It compares so with a boolean.
    Boolean(Comparator, bool),
    /// It compares so with an integer.
    Long(Comparator, i64),
    /// It compares so with a number, as numbers do: -0.0 equals 0.0. The number's bits, so that it is kept exactly.
    Double(Comparator, u64),
}

/// How two values compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Comparator {
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
    /// Less.
    Lt,
    /// Greater.
    Gt,
    /// Less or equal.
    Le,
    /// Greater or equal.
    Ge,
}

impl Comparator {
    fn holds<T: PartialOrd + ?Sized>(self, one: &T, other: &T) -> bool {
        match self {
            Self::Eq => one == other,
            Self::Ne => one != other,
            Self::Lt => one < other,
            Self::Gt => one > other,
            Self::Le => one <= other,
            Self::Ge => one >= other,
        }
    }
}

impl ValueTest {
    /// Clears the mark of each row whose value does not fulfil it.
    fn narrow(&self, values: &ArrayRef, rows: &mut [bool]) {
        let kept = |test: &dyn Fn(usize) -> bool, rows: &mut [bool]| {
            for (row, is_kept) in rows.iter_mut().enumerate() {
                *is_kept = *is_kept && values.is_valid(row) && test(row);
            }
        };
        match (self, values.data_type()) {
            (Self::Present, _) => kept(&|_| true, rows),
            (Self::OneOf(wanted), DataType::Utf8View) => {
                let strings = values.as_string_view();
                kept(
                    &|row| wanted.binary_search_by(|one| (**one).cmp(strings.value(row))).is_ok(),
                    rows,
                );
            }
            (Self::String(how, wanted), DataType::Utf8View) => {
                let strings = values.as_string_view();
                kept(&|row| how.holds(strings.value(row), wanted), rows);
            }
            (Self::Boolean(how, wanted), DataType::Boolean) => {
                let booleans = values.as_boolean();
                kept(&|row| how.holds(&booleans.value(row), wanted), rows);
            }
            (Self::Long(how, wanted), DataType::Int64) => {
                let integers = values.as_primitive::<Int64Type>().values();
                kept(&|row| how.holds(&integers[row], wanted), rows);
            }
            (Self::Double(how, wanted), DataType::Float64) => {
                let numbers = values.as_primitive::<Float64Type>().values();
                let wanted = f64::from_bits(*wanted);
                kept(&|row| how.holds(&numbers[row], &wanted), rows);
            }
            _ => rows.fill(false),
        }
    }
}

impl RowFilter {
    /// The columns that must be known to tell which rows match.
    pub(crate) fn columns(&self) -> Vec<&str> {
        let fields = self.conditions.iter().map(|condition| condition.field.as_str());
        std::iter::once(TIME).chain(fields).collect()
    }

    /// Whether rows between these times may match.
    pub(crate) fn may_match(&self, min_time: i64, max_time: i64) -> bool {
        self.from.is_none_or(|from| max_time >= from) && self.to.is_none_or(|to| min_time <= to)
    }

    /// The same filter for rows from a time on.
    pub(crate) fn since(&self, keep_from: i64) -> Self {
        let from = self.from.map_or(keep_from, |from| from.max(keep_from));
        Self { from: Some(from), ..self.clone() }
    }

    /// Which of some rows match. `column` gives their values of a column, nothing where there is no such column.
    pub(crate) fn matches<E>(
        &self,
        rows: usize,
        mut column: impl FnMut(&str) -> Result<Option<ArrayRef>, E>,
    ) -> Result<Vec<bool>, E> {
        let mut matching = vec![true; rows];
        if (self.from.is_some() || self.to.is_some())
            && let Some(times) = column(TIME)?
        {
            let (from, to) = (self.from.unwrap_or(i64::MIN), self.to.unwrap_or(i64::MAX));
            let times = times.as_primitive::<TimestampMicrosecondType>().values();
            for (is_matching, time) in matching.iter_mut().zip(times.iter()) {
                *is_matching = from <= *time && *time <= to;
            }
        }
        for RowCondition { field, test } in &self.conditions {
            match column(field.as_str())? {
                Some(values) => test.narrow(&values, &mut matching),
                None => matching.fill(false),
            }
        }
        Ok(matching)
    }
}

impl Edit {
    /// Whether fields change, and not rows.
    pub const fn changes_fields(&self) -> bool {
        !matches!(self, Self::DeleteRows(_))
    }

    /// The field that changes.
    pub const fn field(&self) -> Option<&FieldName> {
        match self {
            Self::DeleteRows(_) => None,
            Self::DropField { field }
            | Self::RenameField { field, .. }
            | Self::RetypeField { field, .. } => Some(field),
        }
    }

    /// What becomes of a field of that name and type; nothing when it goes.
    pub(crate) fn of_field(&self, name: &str, kind: &DataType) -> Option<(Box<str>, DataType)> {
        let is = |field: &FieldName| field.as_str() == name;
        match self {
            Self::DropField { field } if is(field) => None,
            Self::RenameField { field, to } if is(field) => {
                Some((to.as_str().into(), kind.clone()))
            }
            Self::RetypeField { field, to } if is(field) => Some((name.into(), arrow_type(*to))),
            _ => Some((name.into(), kind.clone())),
        }
    }

    /// The columns of a file after it: `time` first, the others by name. Nothing when the file stays as it is.
    pub(crate) fn schema(&self, before: &SchemaRef) -> Option<SchemaRef> {
        let (time, others) = before.fields().split_first()?;
        let after = others.iter().filter_map(|field| {
            let (name, kind) = self.of_field(field.name(), field.data_type())?;
            Some(Arc::new(Field::new(name, kind, true)))
        });
        let mut after: Vec<_> = after.collect();
        after.sort_by(|one, other| one.name().cmp(other.name()));
        after.insert(0, Arc::clone(time));
        let after = Arc::new(Schema::new(after));
        (after != *before).then_some(after)
    }

    /// The column of a file from which a column after it comes.
    pub(crate) fn source<'a>(&'a self, after: &'a str) -> &'a str {
        match self {
            Self::RenameField { field, to } if to.as_str() == after => field.as_str(),
            _ => after,
        }
    }
}

/// The rows that stay of some, as a mask.
pub(crate) fn staying(matching: &[bool]) -> BooleanArray {
    matching.iter().map(|is_matching| Some(!is_matching)).collect()
}
