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

/// A batch with each type, missing values, and something that each layout is for.
pub(super) fn specimen(rows: usize) -> Batch {
    let missing = |every: usize| {
        let mut bits = Bitmap::new();
        (0..rows).for_each(|row| bits.push(row % every != 0));
        Some(bits)
    };
    let cents = (0..rows).map(|row| 20.0 + (row * 37 % 11) as f64 / 100.0).collect();
    let full = (0..rows).map(|row| 20.0 + (row as f64).sqrt() / 7.0).collect();
    let mixed = (0..rows).map(|row| if row == 5 { 0.1 + 0.2 } else { row as f64 / 2.0 }).collect();
    let counter = (0..rows as i64).map(|row| (1 << 60) + row * 1_000_003).collect();
    let wild =
        (0..rows as i64).map(|row| row.wrapping_mul(0x9e37_79b9_7f4a_7c15_u64 as i64)).collect();
    let truths = (0..rows).map(|row| row % 3 == 0).collect();
    let texts = (0..rows).map(|row| ["ein", "größer", ""][row % 3]).collect();
    let device = Texts::constant("device-1", rows);
    let columns = [
        ("device_id", Values::String(device), None),
        ("cents", Values::Double(cents), None),
        ("gaps", Values::Double(full), missing(3)),
        ("mixed", Values::Double(mixed), None),
        ("counter", Values::Long(counter), None),
        ("wild", Values::Long(wild), missing(2)),
        ("truth", Values::Boolean(truths), missing(7)),
        ("note", Values::String(texts), missing(5)),
        ("nothing", Values::Double(vec![0.0; rows]), missing(1)),
    ];
    let columns = columns.map(|(name, values, present)| {
        Column::new(field(name), values, present).expect("as long as the rest")
    });
    let times = (0..rows as i64).map(|row| 1_427_316_488_000_000 + row * 1_000_000).collect();
    Batch::new(NamespaceName::input(), times, columns.into()).expect("a sound batch")
}

pub(super) const ID: BatchId = BatchId { stream: *b"0123456789abcdef", counter: 7 };

#[test]
fn any_cut_is_an_error() {
    for compression in ALL {
        let bytes = encode(&specimen(100), Some(ID), compression);
        for end in 0..bytes.len() {
            let cut = decode(&bytes[..end], &Limits::NONE).expect_err("bytes are missing");
            assert!(
                matches!(cut, CodecError::CutOff { needed, .. } if needed > end as u64),
                "{cut}"
            );
        }
        assert_eq!(peek(&bytes[..69]).expect("the head is there").length, bytes.len());
    }
}

#[test]
fn any_flipped_bit_is_an_error() {
    for compression in ALL {
        let mut bytes = encode(&specimen(100), Some(ID), compression);
        for at in 0..bytes.len() {
            for bit in 0..8 {
                bytes[at] ^= 1 << bit;
                assert!(decode(&bytes, &Limits::NONE).is_err(), "bit {bit} of byte {at}");
                bytes[at] ^= 1 << bit;
            }
        }
        assert!(decode(&bytes, &Limits::NONE).is_ok(), "all bits are back");
    }
}

/// Bytes that a dishonest sender made: their checksums agree.
pub(super) fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let Ok(head) = <[u8; 40]>::try_from(&bytes[..bytes.len().min(40)]) else { return bytes };
    let end = 40 + if head[6] & 1 == 0 { 0 } else { 24 } + usize::from(head[7]);
    if end > bytes.len() {
        return bytes;
    }
    let length = (bytes.len() - end) as u64;
    bytes[16..24].copy_from_slice(&length.to_le_bytes());
    let body = crc32c::crc32c(&bytes[end..]);
    bytes[32..36].copy_from_slice(&body.to_le_bytes());
    let crc = crc32c::crc32c_append(crc32c::crc32c(&bytes[..36]), &bytes[40..end]);
    bytes[36..40].copy_from_slice(&crc.to_le_bytes());
    bytes
}

#[test]
fn a_changed_byte_under_a_right_checksum_does_no_harm() {
    let limits = Limits { max_rows: 10_000, max_columns: 20, max_bytes: 1 << 20 };
    let (mut read, mut refused) = (0, 0);
    for compression in ALL {
        for rows in [1, 100] {
            let bytes = encode(&specimen(rows), Some(ID), compression);
            for at in 5..bytes.len() {
                for change in [1, 0x10, 0x80, 0xff] {
                    let mut changed = bytes.clone();
                    changed[at] ^= change;
                    match decode(&sealed(changed), &limits) {
                        Ok(_) => read += 1,
                        Err(_) => refused += 1,
                    }
                }
            }
        }
    }
    assert!(read > 1_000 && refused > 1_000, "{read} read, {refused} refused");
}

/// A body of that compression and unpacked length, under a head that claims so many rows and columns.
fn crafted(
    rows: u32,
    columns: u32,
    compression: Compression,
    unpacked: u64,
    body: &[u8],
) -> Vec<u8> {
    let head = Head {
        compression,
        rows,
        columns,
        body: body.len() as u64,
        unpacked,
        body_crc: crc32c::crc32c(body),
        id: None,
        namespace: NamespaceName::input(),
    };
    let mut bytes = Vec::new();
    head.write(&mut bytes);
    bytes.extend_from_slice(body);
    bytes
}

#[test]
fn a_bomb_is_refused_before_it_takes_memory() {
    let limits = Limits { max_rows: 1_000_000, max_columns: 100, max_bytes: 1 << 20 };
    let refusal = |bytes: &[u8]| decode(bytes, &limits).expect_err("a bomb").to_string();
    // A few bytes that unpack to much.
    let zeros = zstd::bulk::compress(&vec![0; 1 << 24], 1).expect("memory for tables");
    insta::assert_snapshot!(refusal(&crafted(1, 0, Compression::Zstd, 1 << 24, &zeros)), @"the batch has 16777216 bytes once unpacked, and at most 1048576 are allowed; send smaller batches");
    insta::assert_snapshot!(refusal(&crafted(1, 0, Compression::Zstd, 100, &zeros)), @"the batch is malformed: its body does not unpack");
    let zeros = lz4_flex::block::compress(&vec![0; 1 << 24]);
    insta::assert_snapshot!(refusal(&crafted(1, 0, Compression::Lz4, 100, &zeros)), @"the batch is malformed: its body does not unpack");
    insta::assert_snapshot!(refusal(&crafted(1, 0, Compression::Zstd, u64::MAX, b"x")), @"the batch has 18446744073709551615 bytes once unpacked, and at most 1048576 are allowed; send smaller batches");
    insta::assert_snapshot!(refusal(&crafted(u32::MAX, 0, Compression::None, 0, b"")), @"the batch has 4294967295 rows, and at most 1000000 are allowed; send smaller batches");
    insta::assert_snapshot!(refusal(&crafted(1, u32::MAX, Compression::None, 0, b"")), @"the batch has 4294967295 columns, and at most 100 are allowed; send smaller batches");
    // Constant columns: a few bytes each, and many in memory.
    let constant: &[u8] = &[2, 0, 0];
    insta::assert_snapshot!(refusal(&crafted(1_000_000, 0, Compression::None, 3, constant)), @"the batch has 8000000 bytes once unpacked, and at most 1048576 are allowed; send smaller batches");
    let (decimals, text) = ([&[1, 0, 0], constant].concat(), [&[1, 1, b'x'], constant].concat());
    for (kind, values) in [(0, &*decimals), (1, constant), (3, &*text)] {
        let mut column = constant.to_vec();
        for name in b'a'..=b'z' {
            column.extend_from_slice(&[1, name, kind, 0]);
            column.extend_from_slice(values);
        }
        let columns = crafted(10_000, 26, Compression::None, column.len() as u64, &column);
        assert!(decode(&columns, &Limits::default()).is_ok(), "it is sound but for its size");
        assert!(matches!(decode(&columns, &limits), Err(CodecError::TooLarge { .. })));
    }
    // A dictionary that says it has texts without end.
    let mut texts = constant.to_vec();
    texts.extend_from_slice(&[1, b'a', 3, 0, 0xff, 0xff, 0x03]);
    let texts = crafted(100_000, 1, Compression::None, texts.len() as u64, &texts);
    insta::assert_snapshot!(refusal(&texts), @"the batch has 1200144 bytes once unpacked, and at most 1048576 are allowed; send smaller batches");
}

#[test]
fn many_batches_share_one_budget() {
    let one = encode(&specimen(100), Some(ID), Compression::Zstd);
    let body = one.repeat(5);
    let limits = Limits { max_rows: 500, ..Limits::default() };
    assert_eq!(decode_all(&body, &limits).expect("five times a hundred").len(), 5);
    assert_eq!(decode_all(b"", &limits), Ok(vec![]));
    let limits = Limits { max_rows: 499, ..limits };
    insta::assert_snapshot!(decode_all(&body, &limits).expect_err("one row too many"), @"the batch has 500 rows, and at most 499 are allowed; send smaller batches");
    let limits = Limits { max_bytes: 20_000, ..Limits::default() };
    assert!(decode(&one, &limits).is_ok());
    assert!(decode_all(&body, &limits).is_err());
    let mut cut = body;
    cut.pop();
    assert!(matches!(decode_all(&cut, &Limits::default()), Err(CodecError::CutOff { .. })));
    cut.extend_from_slice(b"xyz");
    assert!(decode_all(&cut, &Limits::default()).is_err());
}

#[test]
fn what_is_no_batch_is_told_apart_from_a_later_version() {
    let mut bytes = encode(&specimen(1), None, Compression::None);
    insta::assert_snapshot!(decode(b"{\"sources\":[]}", &Limits::NONE).expect_err("JSON"), @"this is not an iobeam batch (it begins with [7b, 22, 73, 6f])");
    bytes[4] = 2;
    insta::assert_snapshot!(peek(&bytes).expect_err("a later version"), @"this batch is of format version 2, and up to 1 can be read; upgrade the reader");
    assert!(matches!(decode(b"", &Limits::NONE), Err(CodecError::CutOff { .. })));
}

#[test]
fn texts_that_no_row_names_do_not_travel() {
    let secret = "x".repeat(10_000).into_boxed_str();
    let texts = Texts::from_dictionary(vec![secret, "a".into()], vec![1, 1]).expect("two keys");
    let column = Column::new(field("note"), Values::String(texts), None).expect("sound");
    let batch = Batch::new(NamespaceName::input(), vec![1, 2], vec![column]).expect("sound");
    let bytes = encode(&batch, None, Compression::None);
    assert!(bytes.len() < 200);
    assert_eq!(decode(&bytes, &Limits::NONE).expect("its own bytes").batch, batch);
}

#[test]
fn a_random_walk_takes_an_eighth_of_its_json() {
    let mut cents = 2_000_i64;
    let mut state = 42_u64;
    let values: Vec<f64> = std::iter::repeat_with(|| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        cents += (state >> 60) as i64 * 2 - 15;
        cents as f64 / 100.0
    })
    .take(1_000)
    .collect();
    let json: usize = values.iter().map(|value| value.to_string().len() + 1).sum();
    let column = Column::new(field("walk"), Values::Double(values), None).expect("finite");
    let times = (0..1_000).map(|row| 1_427_316_488_000_000 + row * 1_000_000).collect();
    let batch = Batch::new(NamespaceName::input(), times, vec![column]).expect("sound");
    for compression in [Compression::Lz4, Compression::Zstd] {
        let bytes = encode(&batch, None, compression).len();
        // Each row of the JSON has a time of 16 digits, brackets and a comma beside the value.
        assert!(bytes * 8 < json + 1_000 * 19, "{compression:?}: {bytes} of {json}");
    }
}

/// What version 1 wrote: one file for each compression, and one without rows.
fn golden() -> [(&'static str, Batch, Option<BatchId>, Compression); 5] {
    [
        ("v1-none.batch", specimen(100), Some(ID), Compression::None),
        ("v1-lz4.batch", specimen(100), Some(ID), Compression::Lz4),
        ("v1-zstd.batch", specimen(200), Some(ID), Compression::Zstd),
        ("v1-one-row.batch", specimen(1), None, Compression::Zstd),
        ("v1-empty.batch", specimen(0), None, Compression::None),
    ]
}

fn golden_file(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(name)
}

#[test]
fn what_version_1_wrote_is_still_read() {
    for (name, batch, id, _) in golden() {
        let bytes = std::fs::read(golden_file(name)).expect(name);
        let decoded = decode(&bytes, &Limits::default()).expect(name);
        assert_eq!(bits(&decoded.batch), bits(&batch), "{name}");
        assert_eq!(decoded, Decoded { id, batch, length: bytes.len() }, "{name}");
    }
}

#[test]
#[ignore = "writes the golden files, once for each version of the format"]
fn write_golden_files() {
    for (name, batch, id, compression) in golden() {
        std::fs::write(golden_file(name), encode(&batch, id, compression)).expect(name);
    }
}
