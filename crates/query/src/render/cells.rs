//! The values of one column, ready to be written row by row as JSON or CSV.

use std::io::Write;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Decimal128Array, Decimal256Array,
    Float32Array, Float64Array, Int64Array, StringViewArray, TimestampMicrosecondArray,
    UInt64Array,
};
use arrow::buffer::NullBuffer;
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{
    DataType, FieldRef, Float32Type, Float64Type, Int64Type, TimeUnit, UInt64Type,
};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use iobeam_model::{TimeFormat, Timestamp};

use crate::civil::date_written;
use crate::error::QueryError;

/// A column whose type has been looked at once, not at each value.
pub(crate) struct Cells {
    column: ArrayRef,
    nulls: Option<NullBuffer>,
    kind: Kind,
}

enum Kind {
    Null,
    Boolean(BooleanArray),
    Long(Int64Array),
    Unsigned(UInt64Array),
    Single(Float32Array),
    Double(Float64Array),
    Decimal(Decimal128Array),
    Huge(Decimal256Array),
    Text(StringViewArray),
    Time(TimestampMicrosecondArray, TimeFormat),
    /// Days since 1970.
    Date(Date32Array),
    /// Elements, and where those of each row end.
    List(Box<Cells>, Vec<usize>),
    Struct(Vec<(String, Cells)>),
    /// Spans of time, times of day, bytes: as Arrow writes them.
    Other,
}

impl Cells {
    pub(crate) fn new(column: &ArrayRef, format: TimeFormat) -> Result<Self, QueryError> {
        let kind = match column.data_type() {
            DataType::Null => Kind::Null,
            DataType::Boolean => Kind::Boolean(column.as_boolean().clone()),
            DataType::UInt64 => Kind::Unsigned(column.as_primitive::<UInt64Type>().clone()),
            DataType::Float32 => Kind::Single(column.as_primitive::<Float32Type>().clone()),
            DataType::Float16 | DataType::Float64 => {
                Kind::Double(to(column, &DataType::Float64)?.as_primitive::<Float64Type>().clone())
            }
            kind if kind.is_integer() => {
                Kind::Long(to(column, &DataType::Int64)?.as_primitive::<Int64Type>().clone())
            }
            DataType::Decimal128(..) => Kind::Decimal(column.as_primitive().clone()),
            DataType::Decimal256(..) => Kind::Huge(column.as_primitive().clone()),
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
                Kind::Text(to(column, &DataType::Utf8View)?.as_string_view().clone())
            }
            DataType::Timestamp(_, zone) => {
                let micros = DataType::Timestamp(TimeUnit::Microsecond, zone.clone());
                Kind::Time(to(column, &micros)?.as_primitive().clone(), format)
            }
            DataType::Date32 => Kind::Date(column.as_primitive().clone()),
            DataType::Dictionary(_, value) => return Self::new(&to(column, value)?, format),
            DataType::List(_)
            | DataType::LargeList(_)
            | DataType::FixedSizeList(..)
            | DataType::ListView(_) => Self::list(column, format)?,
            DataType::Struct(fields) => Self::record(column, fields.iter(), format)?,
            _ => Kind::Other,
        };
        Ok(Self { column: ArrayRef::clone(column), nulls: column.nulls().cloned(), kind })
    }

    fn list(column: &ArrayRef, format: TimeFormat) -> Result<Kind, QueryError> {
        let element = match column.data_type() {
            DataType::List(it)
            | DataType::LargeList(it)
            | DataType::FixedSizeList(it, _)
            | DataType::ListView(it) => FieldRef::clone(it),
            _ => return Ok(Kind::Other),
        };
        let lists = to(column, &DataType::LargeList(element))?;
        let lists = lists.as_list::<i64>();
        let ends = lists.offsets().iter().map(|end| *end as usize).collect();
        Ok(Kind::List(Box::new(Self::new(lists.values(), format)?), ends))
    }

    fn record<'a>(
        column: &ArrayRef,
        fields: impl Iterator<Item = &'a FieldRef>,
        format: TimeFormat,
    ) -> Result<Kind, QueryError> {
        let columns = column.as_struct().columns();
        let cells = fields
            .zip(columns)
            .map(|(field, column)| Ok((field.name().clone(), Self::new(column, format)?)));
        cells.collect::<Result<_, _>>().map(Kind::Struct)
    }

    pub(crate) fn is_null(&self, row: usize) -> bool {
        matches!(self.kind, Kind::Null)
            || self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row))
    }

    /// The value as JSON. What JSON has no number for is null.
    pub(crate) fn json(&self, row: usize, out: &mut Vec<u8>) -> Result<(), QueryError> {
        if self.is_null(row) {
            out.extend_from_slice(b"null");
            return Ok(());
        }
        match &self.kind {
            Kind::Null => {}
            Kind::Text(texts) => string(texts.value(row), out)?,
            Kind::Time(times, TimeFormat::Timeval) => {
                let time = Timestamp::from_micros(times.value(row));
                let micros = time.micros().rem_euclid(1_000_000);
                write!(out, "{{\"sec\":{},\"usec\":{micros}}}", time.seconds())
                    .map_err(QueryError::internal)?;
            }
            Kind::Time(times, TimeFormat::Iso) => {
                string(&Timestamp::from_micros(times.value(row)).to_iso(), out)?;
            }
            Kind::List(elements, ends) => {
                out.push(b'[');
                for at in ends[row]..ends[row + 1] {
                    if at > ends[row] {
                        out.push(b',');
                    }
                    elements.json(at, out)?;
                }
                out.push(b']');
            }
            Kind::Struct(members) => {
                for (at, (name, member)) in members.iter().enumerate() {
                    out.push(if at == 0 { b'{' } else { b',' });
                    string(name, out)?;
                    out.push(b':');
                    member.json(row, out)?;
                }
                out.extend_from_slice(if members.is_empty() { b"{}" } else { b"}" });
            }
            Kind::Date(days) => string(&date_written(days.value(row).into()), out)?,
            Kind::Other => string(&self.text(row)?, out)?,
            Kind::Single(numbers) if !numbers.value(row).is_finite() => {
                out.extend_from_slice(b"null");
            }
            Kind::Double(numbers) if !numbers.value(row).is_finite() => {
                out.extend_from_slice(b"null");
            }
            _ => self.plain(row, out)?,
        }
        Ok(())
    }

    /// The value as a cell of CSV: nothing for null, in quotes where it must be.
    pub(super) fn csv(&self, row: usize, out: &mut Vec<u8>) -> Result<(), QueryError> {
        if self.is_null(row) {
            return Ok(());
        }
        match &self.kind {
            Kind::Null => {}
            Kind::Text(texts) => quote(texts.value(row), out),
            Kind::Time(times, TimeFormat::Timeval) => {
                let micros = times.value(row);
                let (sign, size) = (if micros < 0 { "-" } else { "" }, micros.unsigned_abs());
                write!(out, "{sign}{}.{:06}", size / 1_000_000, size % 1_000_000)
                    .map_err(QueryError::internal)?;
            }
            Kind::Time(times, TimeFormat::Iso) => {
                out.extend_from_slice(Timestamp::from_micros(times.value(row)).to_iso().as_bytes());
            }
            Kind::List(..) | Kind::Struct(_) => {
                let mut json = Vec::new();
                self.json(row, &mut json)?;
                quote(&String::from_utf8_lossy(&json), out);
            }
            Kind::Date(days) => quote(&date_written(days.value(row).into()), out),
            Kind::Other => quote(&self.text(row)?, out),
            Kind::Single(numbers) if !numbers.value(row).is_finite() => {}
            Kind::Double(numbers) if !numbers.value(row).is_finite() => {}
            Kind::Single(numbers) if has_exponent(numbers.value(row).into()) => {
                self.with_point(row, out)?;
            }
            Kind::Double(numbers) if has_exponent(numbers.value(row)) => {
                self.with_point(row, out)?;
            }
            _ => self.plain(row, out)?,
        }
        Ok(())
    }

    /// A number with an exponent has a point too, so that a reader does not take it for a code such as `1e5`.
    fn with_point(&self, row: usize, out: &mut Vec<u8>) -> Result<(), QueryError> {
        let start = out.len();
        self.plain(row, out)?;
        let number = &out[start..];
        if let Some(exponent) = number.iter().position(|byte| *byte == b'e')
            && !number.contains(&b'.')
        {
            out.splice(start + exponent..start + exponent, *b".0");
        }
        Ok(())
    }

    /// What JSON and CSV write alike: truths and numbers, each so that it reads back as the same.
    fn plain(&self, row: usize, out: &mut Vec<u8>) -> Result<(), QueryError> {
        let written = match &self.kind {
            Kind::Boolean(truths) => serde_json::to_writer(out, &truths.value(row)),
            Kind::Long(numbers) => serde_json::to_writer(out, &numbers.value(row)),
            Kind::Unsigned(numbers) => serde_json::to_writer(out, &numbers.value(row)),
            Kind::Single(numbers) => serde_json::to_writer(out, &numbers.value(row)),
            Kind::Double(numbers) => serde_json::to_writer(out, &numbers.value(row)),
            Kind::Time(times, format) => {
                let time = Timestamp::from_micros(times.value(row));
                serde_json::to_writer(out, &format.from_timestamp(time))
            }
            Kind::Decimal(numbers) => {
                out.extend_from_slice(numbers.value_as_string(row).as_bytes());
                Ok(())
            }
            Kind::Huge(numbers) => {
                out.extend_from_slice(numbers.value_as_string(row).as_bytes());
                Ok(())
            }
            _ => Ok(()),
        };
        written.map_err(QueryError::internal)
    }

    fn text(&self, row: usize) -> Result<String, QueryError> {
        let options = FormatOptions::new().with_display_error(true);
        let formatter =
            ArrayFormatter::try_new(&self.column, &options).map_err(QueryError::internal)?;
        Ok(formatter.value(row).to_string())
    }
}

/// Whether a number may be written with an exponent: none in the range of most readings is, and those are not searched.
fn has_exponent(number: f64) -> bool {
    number != 0.0 && !(1e-3..1e9).contains(&number.abs())
}

/// The column in another type; a value that does not fit is null.
fn to(column: &ArrayRef, kind: &DataType) -> Result<ArrayRef, QueryError> {
    if column.data_type() == kind {
        return Ok(ArrayRef::clone(column));
    }
    let options = CastOptions { safe: true, ..CastOptions::default() };
    cast_with_options(column, kind, &options).map_err(QueryError::internal)
}

/// Text as a JSON string.
pub(crate) fn string(text: &str, out: &mut Vec<u8>) -> Result<(), QueryError> {
    serde_json::to_writer(out, text).map_err(QueryError::internal)
}

/// Text as a cell of CSV. Empty text is `""`, as an empty cell is null; so is what a reader that trims would change.
pub(super) fn quote(text: &str, out: &mut Vec<u8>) {
    let plain = !text.is_empty()
        && !text.contains([',', '"', '\n', '\r'])
        && !text.starts_with(char::is_whitespace)
        && !text.ends_with(char::is_whitespace);
    if plain {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    out.push(b'"');
    out.extend_from_slice(text.replace('"', "\"\"").as_bytes());
    out.push(b'"');
}
