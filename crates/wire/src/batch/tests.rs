use iobeam_model::{BatchId, Bitmap, Column, FieldName, Texts, Values};
use proptest::prelude::*;

use super::*;

pub(super) const ALL: [Compression; 3] = [Compression::None, Compression::Lz4, Compression::Zstd];

fn field(name: &str) -> FieldName {
    name.parse().expect("a field name")
}

/// Numbers as sensors, counters and adversaries make them.
fn doubles(rows: usize) -> BoxedStrategy<Vec<f64>> {
    let finite = any::<f64>().prop_map(|number| if number.is_finite() { number } else { -0.0 });
    let cents = (-1_000_000_i32..1_000_000).prop_map(|cents| f64::from(cents) / 100.0);
    prop_oneof![
        prop::collection::vec(finite.clone(), rows),
        prop::collection::vec(cents.clone(), rows),
        prop::collection::vec(prop_oneof![40 => cents, 1 => finite], rows),
        prop::collection::vec(Just(21.0), rows),
        prop::collection::vec(
            prop_oneof![Just(f64::MAX), Just(f64::MIN_POSITIVE), Just(-0.0)],
            rows
        ),
    ]
    .boxed()
}

fn longs(rows: usize) -> BoxedStrategy<Vec<i64>> {
    prop_oneof![
        prop::collection::vec(any::<i64>(), rows),
        prop::collection::vec(-300_i64..300, rows),
        prop::collection::vec(prop_oneof![30 => 0_i64..100, 1 => any::<i64>()], rows),
        (any::<i64>(), -5_000_i64..5_000).prop_map(move |(start, step)| {
            (0..rows as i64).map(|row| start.wrapping_add(row * step * 1_000)).collect()
        }),
        prop::collection::vec(prop_oneof![Just(i64::MIN), Just(i64::MAX), Just(0)], rows),
    ]
    .boxed()
}

fn texts(rows: usize) -> BoxedStrategy<Texts> {
    let any_text = prop_oneof![6 => ".{0,12}", 1 => "(x|ö|😀){200,3000}"];
    let texts = prop_oneof![
        prop::collection::vec(any_text, rows),
        prop::collection::vec("(a|b|device-1)", rows),
    ];
    texts.prop_map(|all| all.iter().map(String::as_str).collect()).boxed()
}

fn column(at: usize, rows: usize) -> impl Strategy<Value = Column> {
    let values = prop_oneof![
        doubles(rows).prop_map(Values::Double),
        longs(rows).prop_map(Values::Long),
        prop::collection::vec(any::<bool>(), rows).prop_map(Values::Boolean),
        texts(rows).prop_map(Values::String),
    ];
    let bits = prop_oneof![
        3 => Just(None),
        2 => prop::collection::vec(any::<bool>(), rows).prop_map(Some),
        1 => Just(Some(vec![false; rows])),
    ];
    (values, bits).prop_map(move |(values, bits)| {
        let bits = bits.map(|bits| {
            let mut bitmap = Bitmap::new();
            for bit in bits {
                bitmap.push(bit);
            }
            bitmap
        });
        Column::new(field(&format!("f-{at}_{at}")), values, bits).expect("as long as the rest")
    })
}

fn batch() -> impl Strategy<Value = Batch> {
    let shape = (prop_oneof![Just(0_usize), Just(1), 2_usize..20, 100_usize..400], 0_usize..5);
    shape.prop_flat_map(|(rows, columns)| {
        let columns: Vec<_> = (0..columns).map(|at| column(at, rows)).collect();
        ("[A-Za-z0-9_-]{1,255}", longs(rows), columns).prop_map(|(name, times, columns)| {
            Batch::new(name.parse().expect("a name"), times, columns).expect("a sound batch")
        })
    })
}

fn id() -> impl Strategy<Value = Option<BatchId>> {
    prop::option::of(
        (any::<[u8; 16]>(), any::<u64>()).prop_map(|(stream, counter)| BatchId { stream, counter }),
    )
}

/// Equal even in the sign of a zero, which `==` does not see.
fn bits(batch: &Batch) -> Vec<u64> {
    let doubles = batch.columns().iter().filter_map(|column| match column.values() {
        Values::Double(numbers) => Some(numbers),
        _ => None,
    });
    doubles.flatten().map(|number| number.to_bits()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_was_encoded_is_decoded(batch in batch(), id in id(), all in 0_usize..3) {
        let bytes = encode(&batch, id, ALL[all]);
        let decoded = decode(&bytes, &Limits::NONE)?;
        prop_assert_eq!(bits(&decoded.batch), bits(&batch));
        prop_assert_eq!(&decoded, &Decoded { id, batch, length: bytes.len() });
        let header = peek(&bytes)?;
        prop_assert_eq!(header.length, bytes.len());
        prop_assert_eq!((header.id, header.rows as usize), (id, decoded.batch.rows()));
        prop_assert_eq!(&header.namespace, decoded.batch.namespace());
    }
}
