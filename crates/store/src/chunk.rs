//! Batches as Arrow: what the memtable holds and queries read.
//!
//! ```text
//! Batch { times, columns }  ─▶  RecordBatch { time: Timestamp(µs, UTC), a: Float64, b: Utf8View, ... }
//! ```
//!
//! Numbers move over without being copied. Texts become views into their dictionary, sixteen bytes a row.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray as _, BooleanArray, Float64Array, Int64Array, PrimitiveArray,
    RecordBatchOptions, StringViewArray, make_view, new_null_array,
};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, ScalarBuffer};
use arrow::compute::{concat_batches, filter_record_batch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use iobeam_model::{Batch, Bitmap, Column, FieldType, Texts, Values};

use crate::snapshot::Chunk;

/// The name of the column of times.
pub(crate) const TIME: &str = "time";

/// The field `time`.
pub(crate) fn time_field() -> Field {
    Field::new(TIME, DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), false)
}

/// How a field's values are held.
pub(crate) const fn arrow_type(kind: FieldType) -> DataType {
    match kind {
        FieldType::Double => DataType::Float64,
        FieldType::Long => DataType::Int64,
        FieldType::Boolean => DataType::Boolean,
        FieldType::String => DataType::Utf8View,
    }
}

/// Turns a batch with at least one row into a chunk. It shares that schema if it has the same columns: many small chunks
/// of one table then cost less to make, and to merge.
pub(crate) fn from_batch(batch: Batch, like: Option<&SchemaRef>) -> Result<Chunk, ArrowError> {
    let (_, times, columns) = batch.into_parts();
    let (min_time, max_time) = times
        .iter()
        .fold((i64::MAX, i64::MIN), |(least, most), time| (least.min(*time), most.max(*time)));
    let schema = match like.filter(|schema| describes(schema, &columns)) {
        Some(schema) => Arc::clone(schema),
        None => schema_of(&columns),
    };
    let mut arrays: Vec<ArrayRef> = Vec::with_capacity(columns.len() + 1);
    let times = PrimitiveArray::<TimestampMicrosecondType>::from(times);
    arrays.push(Arc::new(times.with_data_type(schema.field(0).data_type().clone())));
    for column in columns {
        let (_, values, present) = column.into_parts();
        arrays.push(array(values, present)?);
    }
    let rows = RecordBatch::try_new(schema, arrays)?;
    Ok(Chunk { rows, min_time, max_time, seq: 0 })
}

/// Whether a schema is that of such columns, in their order.
fn describes(schema: &SchemaRef, columns: &[Column]) -> bool {
    let others = &schema.fields()[1..];
    let same = |(field, column): (&Arc<Field>, &Column)| {
        field.name() == column.name().as_str()
            && *field.data_type() == arrow_type(column.values().field_type())
    };
    others.len() == columns.len() && others.iter().zip(columns).all(same)
}

fn schema_of(columns: &[Column]) -> SchemaRef {
    let others = columns.iter().map(|column| {
        let kind = arrow_type(column.values().field_type());
        Field::new(column.name().as_str(), kind, true)
    });
    Arc::new(Schema::new(std::iter::once(time_field()).chain(others).collect::<Vec<_>>()))
}

fn array(values: Values, present: Option<Bitmap>) -> Result<ArrayRef, ArrowError> {
    let nulls = present
        .map(|bits| NullBuffer::new(BooleanBuffer::new(Buffer::from(bits.bytes()), 0, bits.len())));
    Ok(match values {
        Values::Double(numbers) => Arc::new(Float64Array::try_new(numbers.into(), nulls)?),
        Values::Long(numbers) => Arc::new(Int64Array::try_new(numbers.into(), nulls)?),
        Values::Boolean(truths) => Arc::new(BooleanArray::new(truths.into(), nulls)),
        Values::String(texts) => Arc::new(views(&texts, nulls)?),
    })
}

fn views(texts: &Texts, nulls: Option<NullBuffer>) -> Result<StringViewArray, ArrowError> {
    let mut bytes = Vec::new();
    let mut known = Vec::with_capacity(texts.dictionary().len());
    for text in texts.dictionary() {
        known.push(make_view(text.as_bytes(), 0, bytes.len() as u32));
        // A view holds up to twelve bytes in itself.
        if text.len() > 12 {
            bytes.extend_from_slice(text.as_bytes());
        }
    }
    let views: Vec<u128> = texts.keys().iter().map(|key| known[*key as usize]).collect();
    let buffers = if bytes.is_empty() { vec![] } else { vec![Buffer::from_vec(bytes)] };
    StringViewArray::try_new(ScalarBuffer::from(views), buffers, nulls)
}

/// All columns that any of the chunks has: `time` first, the others by name.
pub(crate) fn united_schema(chunks: &[Arc<Chunk>]) -> SchemaRef {
    let mut fields: Vec<Arc<Field>> = Vec::new();
    for chunk in chunks {
        for field in &chunk.rows.schema_ref().fields()[1..] {
            if let Err(at) = fields.binary_search_by(|known| known.name().cmp(field.name())) {
                fields.insert(at, Arc::clone(field));
            }
        }
    }
    fields.insert(0, Arc::new(time_field()));
    Arc::new(Schema::new(fields))
}

/// The rows of a chunk under a wider schema: null where it has no such column.
pub(crate) fn widen(rows: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    if rows.schema_ref() == schema {
        return Ok(rows.clone());
    }
    let columns = schema
        .fields()
        .iter()
        .map(|field| match rows.column_by_name(field.name()) {
            Some(column) => Arc::clone(column),
            None => new_null_array(field.data_type(), rows.num_rows()),
        })
        .collect();
    let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)
}

/// Several small chunks as one.
pub(crate) fn merge(chunks: &[Arc<Chunk>]) -> Result<Chunk, ArrowError> {
    let schema = match common_schema(chunks) {
        Some(schema) => Arc::clone(schema),
        None => united_schema(chunks),
    };
    let batches =
        chunks.iter().map(|chunk| widen(&chunk.rows, &schema)).collect::<Result<Vec<_>, _>>()?;
    let rows = compact(&concat_batches(&schema, &batches)?)?;
    Ok(Chunk {
        rows,
        min_time: chunks.iter().map(|chunk| chunk.min_time).min().unwrap_or(i64::MAX),
        max_time: chunks.iter().map(|chunk| chunk.max_time).max().unwrap_or(i64::MIN),
        seq: chunks.iter().map(|chunk| chunk.seq).max().unwrap_or(0),
    })
}

/// The very schema that all chunks share, if they do.
fn common_schema(chunks: &[Arc<Chunk>]) -> Option<&SchemaRef> {
    let schema = chunks.first()?.rows.schema_ref();
    chunks.iter().all(|chunk| Arc::ptr_eq(chunk.rows.schema_ref(), schema)).then_some(schema)
}

/// Texts of many chunks would otherwise keep each chunk's buffer alive.
fn compact(rows: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let columns = rows
        .columns()
        .iter()
        .map(|column| match column.as_any().downcast_ref::<StringViewArray>() {
            Some(texts) if texts.data_buffers().len() > 1 => Arc::new(texts.gc()) as ArrayRef,
            _ => Arc::clone(column),
        })
        .collect();
    RecordBatch::try_new(rows.schema(), columns)
}

/// The rows from a time on; nothing when there is none.
pub(crate) fn since(chunk: Chunk, keep_from: i64) -> Option<Chunk> {
    if chunk.min_time >= keep_from {
        return Some(chunk);
    }
    if chunk.max_time < keep_from {
        return None;
    }
    let times = chunk.rows.column(0).as_primitive::<TimestampMicrosecondType>();
    let wanted: BooleanArray = times.values().iter().map(|time| Some(*time >= keep_from)).collect();
    let least = times.values().iter().filter(|time| **time >= keep_from).min().copied();
    // It fails only for a mask of another length.
    let rows = filter_record_batch(&chunk.rows, &wanted).ok()?;
    Some(Chunk { rows, min_time: least.unwrap_or(keep_from), ..chunk })
}

/// The same of a chunk that others hold as well, which is not copied when all of it is wanted.
pub(crate) fn shared_since(chunk: &Arc<Chunk>, keep_from: i64) -> Option<Arc<Chunk>> {
    if chunk.min_time >= keep_from {
        return Some(Arc::clone(chunk));
    }
    since(Chunk::clone(chunk), keep_from).map(Arc::new)
}

/// Bytes that a chunk takes in memory.
pub(crate) fn weight(chunk: &Chunk) -> usize {
    chunk.rows.get_array_memory_size()
}

#[cfg(test)]
pub(crate) mod tests {
    use arrow::datatypes::Float64Type;
    use iobeam_model::NamespaceName;

    use super::*;

    pub(crate) fn chunk(columns: Vec<Column>, times: Vec<i64>) -> Arc<Chunk> {
        let batch = Batch::new(NamespaceName::input(), times, columns).expect("a sound batch");
        Arc::new(from_batch(batch, None).expect("Arrow takes it"))
    }

    /// A column of devices, which some rows have none of.
    pub(crate) fn devices<'d>(of: impl Iterator<Item = Option<&'d str>>) -> Column {
        let (mut texts, mut present) = (Texts::new(), Bitmap::new());
        for device in of {
            present.push(device.is_some());
            match device {
                Some(device) => texts.push(device),
                None => texts.push_missing(),
            }
        }
        let name = "device_id".parse().expect("a name");
        Column::new(name, Values::String(texts), Some(present)).expect("devices")
    }

    fn texts(name: &str, texts: &[&str]) -> Column {
        let texts = texts.iter().copied().collect();
        Column::new(name.parse().expect("a name"), Values::String(texts), None).expect("texts")
    }

    fn numbers(name: &str, numbers: Vec<f64>) -> Column {
        Column::new(name.parse().expect("a name"), Values::Double(numbers), None).expect("numbers")
    }

    #[test]
    fn short_and_long_texts_and_missing_values_come_over() {
        let long = "a text that does not fit into a view";
        let chunk = chunk(
            vec![texts("device_id", &["d", long, "d"]), numbers("t", vec![1.0, f64::NAN, 3.0])],
            vec![3, 1, 2],
        );
        assert_eq!((chunk.min_time, chunk.max_time), (1, 3));
        let devices = chunk.rows.column(1).as_string_view();
        assert_eq!((devices.value(0), devices.value(1)), ("d", long));
        let values = chunk.rows.column(2).as_primitive::<Float64Type>();
        assert!(values.is_null(1) && values.value(2).to_bits() == 3f64.to_bits());
    }

    #[test]
    fn chunks_share_a_schema_that_says_the_same_and_no_other() {
        let batch = |columns| Batch::new(NamespaceName::input(), vec![1], columns).expect("sound");
        let first = chunk(vec![texts("device_id", &["d"]), numbers("a", vec![1.0])], vec![1]);
        let schema = first.rows.schema();
        let next =
            |columns| Arc::new(from_batch(batch(columns), Some(&schema)).expect("Arrow takes it"));
        let same = next(vec![texts("device_id", &["e"]), numbers("a", vec![2.0])]);
        assert!(Arc::ptr_eq(&same.rows.schema(), &schema));
        let merged = merge(&[first, same]).expect("they merge");
        assert!(Arc::ptr_eq(&merged.rows.schema(), &schema));
        for others in [
            vec![texts("device_id", &["e"])],
            vec![texts("device_id", &["e"]), numbers("b", vec![2.0])],
            vec![texts("device_id", &["e"]), texts("a", &["2.0"])],
            vec![numbers("a", vec![2.0]), texts("device_id", &["e"])],
        ] {
            let names: Vec<String> = std::iter::once(TIME.to_owned())
                .chain(others.iter().map(|column| column.name().to_string()))
                .collect();
            let other = next(others).rows.schema();
            let found: Vec<String> = other.fields().iter().map(|it| it.name().clone()).collect();
            assert_eq!(found, names);
        }
    }

    #[test]
    fn chunks_of_different_columns_merge() {
        let long = ["a device with a rather long name", "another one of the kind"];
        let one = chunk(vec![texts("device_id", &long[..1]), numbers("b", vec![1.0])], vec![1]);
        let two =
            chunk(vec![numbers("a", vec![2.0]), texts("device_id", &long[1..])], vec![i64::MIN]);
        let merged = merge(&[one, two]).expect("they merge");
        let names: Vec<_> =
            merged.rows.schema_ref().fields().iter().map(|f| f.name().clone()).collect();
        assert_eq!(names, ["time", "a", "b", "device_id"]);
        assert!(merged.rows.column(1).is_null(0) && merged.rows.column(2).is_null(1));
        assert_eq!(merged.rows.column(3).as_string_view().value(1), long[1]);
        assert_eq!((merged.min_time, merged.max_time), (i64::MIN, 1));
    }
}
