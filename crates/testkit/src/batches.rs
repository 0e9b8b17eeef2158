//! Batches that properties are tried on: any mixture of types, missing values, repeated and extreme times.

use iobeam_model::{Batch, Bitmap, Column, FieldName, NamespaceName, Texts, Values};
use proptest::prelude::*;

/// A legal field name.
pub fn field_names() -> impl Strategy<Value = FieldName> {
    "[A-Za-z0-9_-]{1,12}".prop_filter_map("a reserved word", |text| text.parse().ok())
}

/// A legal namespace name.
pub fn namespace_names() -> impl Strategy<Value = NamespaceName> {
    "[A-Za-z0-9_-]{1,12}".prop_filter_map("no name", |text| text.parse().ok())
}

/// Finite numbers: short decimals as sensors give them, whole ones, and any others.
pub fn numbers() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => (-100_000_i32..100_000).prop_map(|hundredths| f64::from(hundredths) / 100.0),
        1 => (-1_000_i32..1_000).prop_map(f64::from),
        1 => any::<f64>().prop_filter("a measurement", |number| number.is_finite()),
        1 => Just(-0.0),
    ]
}

/// Times: a second apart from some moment on, close together, or anywhere.
pub fn times(rows: usize) -> impl Strategy<Value = Vec<i64>> {
    let moment = 0..4_000_000_000_000_000_i64;
    let steady = (moment.clone(), -5_i64..5).prop_map(move |(start, jitter)| {
        (0..rows as i64).map(|row| start + row * 1_000_000 + (row % 7) * jitter).collect()
    });
    prop_oneof![
        3 => steady,
        1 => prop::collection::vec(moment, rows),
        1 => prop::collection::vec(any::<i64>(), rows),
    ]
}

/// The values of a column of so many rows.
pub fn values(rows: usize) -> impl Strategy<Value = Values> {
    let texts = prop_oneof![
        prop::collection::vec("[a-d]{1,2}", rows),
        prop::collection::vec(any::<String>(), rows),
    ];
    prop_oneof![
        3 => prop::collection::vec(numbers(), rows).prop_map(Values::Double),
        1 => prop::collection::vec(any::<i64>(), rows).prop_map(Values::Long),
        1 => prop::collection::vec(any::<bool>(), rows).prop_map(Values::Boolean),
        2 => texts.prop_map(|texts| {
            Values::String(texts.iter().map(String::as_str).collect::<Texts>())
        }),
    ]
}

fn presence(rows: usize) -> impl Strategy<Value = Option<Bitmap>> {
    let some = prop::collection::vec(any::<bool>(), rows).prop_map(|bits| {
        let mut bitmap = Bitmap::new();
        for bit in bits {
            bitmap.push(bit);
        }
        Some(bitmap)
    });
    prop_oneof![Just(None), some]
}

fn column(name: FieldName, rows: usize) -> impl Strategy<Value = Column> {
    (Just(name), values(rows), presence(rows)).prop_map(|(name, values, present)| {
        Column::new(name, values, present).expect("finite numbers, as many bits as rows")
    })
}

/// Batches of up to so many rows and columns.
///
/// # Panics
/// Never: what it generates is sound.
pub fn batches(most_rows: usize, most_columns: usize) -> impl Strategy<Value = Batch> {
    let names = prop::collection::btree_set(field_names(), 0..=most_columns);
    (namespace_names(), 0..=most_rows, names).prop_flat_map(|(namespace, rows, names)| {
        let columns: Vec<_> = names.into_iter().map(|name| column(name, rows)).collect();
        (Just(namespace), times(rows), columns).prop_map(|(namespace, times, columns)| {
            Batch::new(namespace, times, columns).expect("columns as long as the times")
        })
    })
}

proptest! {
    #[test]
    fn a_generated_batch_is_sound(batch in batches(20, 5)) {
        prop_assert!(batch.rows() <= 20 && batch.columns().len() <= 5);
        prop_assert!(batch.columns().iter().all(|column| column.len() == batch.rows()));
    }
}
