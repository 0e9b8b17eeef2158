//! How many bytes values take: written out one after the other, whatever they share in memory.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::DataType;
use datafusion::logical_expr::ColumnarValue;

/// Bytes of values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Measured {
    /// Of all rows.
    pub(crate) total: usize,
    /// Of the longest row, at least.
    pub(crate) longest: usize,
}

/// Measures an argument over so many rows.
pub(crate) fn measure(value: &ColumnarValue, rows: usize) -> Measured {
    match value {
        ColumnarValue::Scalar(value) => {
            let size = value.size();
            Measured { total: size.saturating_mul(rows), longest: size }
        }
        ColumnarValue::Array(values) => measure_array(values),
    }
}

/// Measures an array.
pub(crate) fn measure_array(values: &ArrayRef) -> Measured {
    let rows = values.len();
    let of_lengths = |lengths: &mut dyn Iterator<Item = usize>| {
        let (mut total, mut longest) = (0_usize, 0);
        for length in lengths {
            total += length + 16;
            longest = longest.max(length);
        }
        Measured { total, longest }
    };
    let spans = |ends: &[i32]| -> Vec<usize> {
        ends.windows(2).map(|span| (span[1] - span[0]).max(0) as usize).collect()
    };
    match values.data_type() {
        DataType::Utf8View => {
            of_lengths(&mut values.as_string_view().lengths().map(|length| length as usize))
        }
        DataType::BinaryView => {
            of_lengths(&mut values.as_binary_view().lengths().map(|length| length as usize))
        }
        DataType::Utf8 => of_lengths(&mut spans(values.as_string::<i32>().offsets()).into_iter()),
        DataType::Binary => of_lengths(&mut spans(values.as_binary::<i32>().offsets()).into_iter()),
        DataType::List(_) => {
            let lists = values.as_list::<i32>();
            let (first, last) = (lists.value_offsets()[0], lists.value_offsets()[rows]);
            let inner = lists.values().slice(first as usize, (last - first).max(0) as usize);
            nested(&[&inner], rows)
        }
        DataType::LargeList(_) => {
            let lists = values.as_list::<i64>();
            let (first, last) = (lists.value_offsets()[0], lists.value_offsets()[rows]);
            let inner = lists.values().slice(first as usize, (last - first).max(0) as usize);
            nested(&[&inner], rows)
        }
        DataType::FixedSizeList(..) => nested(&[values.as_fixed_size_list().values()], rows),
        DataType::Struct(_) => {
            let columns: Vec<_> = values.as_struct().columns().iter().collect();
            nested(&columns, rows)
        }
        DataType::Map(..) => {
            let map = values.as_map();
            let (first, last) =
                (map.value_offsets()[0] as usize, map.value_offsets()[rows] as usize);
            let of = |column: &ArrayRef| column.slice(first, last.saturating_sub(first));
            nested(&[&of(map.keys()), &of(map.values())], rows)
        }
        kind => {
            let of_width = |width| Measured { total: rows.saturating_mul(width), longest: width };
            fixed_width(kind).map_or_else(
                || {
                    let total = values.get_array_memory_size();
                    Measured { total, longest: total }
                },
                of_width,
            )
        }
    }
}

/// Of values made of others; one row may have most of them.
fn nested(parts: &[&ArrayRef], rows: usize) -> Measured {
    let total = parts
        .iter()
        .map(|part| measure_array(part).total)
        .fold(rows.saturating_mul(16), usize::saturating_add);
    Measured { total, longest: total }
}

/// The bytes of each value, of a type whose values all have as many.
pub(crate) fn fixed_width(kind: &DataType) -> Option<usize> {
    match kind {
        DataType::Null | DataType::Boolean => Some(1),
        DataType::FixedSizeBinary(width) => usize::try_from(*width).ok(),
        DataType::FixedSizeList(item, length) => {
            let width = fixed_width(item.data_type())?;
            Some(width.saturating_mul(usize::try_from(*length).ok()?))
        }
        other => other.primitive_width(),
    }
}

/// How many types there are in a type.
pub(crate) fn parts_of_type(kind: &DataType) -> usize {
    let fields = |fields: &arrow::datatypes::Fields| {
        fields.iter().map(|field| parts_of_type(field.data_type())).sum()
    };
    1 + match kind {
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _)
        | DataType::Map(item, _) => parts_of_type(item.data_type()),
        DataType::Struct(parts) => fields(parts),
        DataType::Union(parts, _) => {
            parts.iter().map(|(_, field)| parts_of_type(field.data_type())).sum()
        }
        DataType::Dictionary(_, value) => parts_of_type(value),
        DataType::RunEndEncoded(_, values) => parts_of_type(values.data_type()),
        _ => 0,
    }
}
