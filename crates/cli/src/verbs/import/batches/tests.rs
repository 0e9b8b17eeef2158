//! What is sent of a file, and what the server knows of it.

use std::collections::HashSet;

use iobeam_wire::batch::{Limits, decode};

use super::*;

/// Blocks of rows whose times come again after 20 000 rows; `cuts`: taken away after so many rows.
fn filled(kind: Kind, values: &[Option<f64>], device: &str, cuts: &[usize]) -> Vec<Block> {
    let device = (FieldName::device_id(), Value::from(device));
    let fields = vec![Some(("a".parse().expect("a name"), kind))];
    let mut batches = Batches::new(NamespaceName::input(), vec![device], fields, None, 0);
    let mut all = Vec::new();
    for (row, value) in values.iter().enumerate() {
        match (kind, value) {
            (Kind::Long, Some(value)) => batches.value(0, Typed::Long(*value as i64)),
            (_, Some(value)) => batches.value(0, Typed::Double(*value)),
            _ => {}
        }
        all.extend(batches.end_row(row as i64 % 20_000, row as u64 + 2).expect("sound"));
        if cuts.contains(&(row + 1)) {
            all.extend(batches.take().expect("sound"));
        }
    }
    all.extend(batches.take().expect("sound"));
    all
}

/// Sends blocks to a server that knows some batches. Gives the rows that are stored.
fn sent(blocks: &[Block], known: &mut HashSet<([u8; 16], u64)>) -> usize {
    let (stored, short) = sent_or_short(blocks, known);
    assert_eq!(short, None);
    stored
}

/// The same; also what cannot be told of their end.
fn sent_or_short(
    blocks: &[Block],
    known: &mut HashSet<([u8; 16], u64)>,
) -> (usize, Option<CutShort>) {
    let mut stored = 0;
    for block in blocks {
        let of_stream = known.iter().filter(|(stream, _)| *stream == block.stream);
        let numbers: KnownNumbers = of_stream.map(|(_, number)| (*number, false)).collect();
        for piece in block.pieces(&numbers) {
            if let Some(short) = block.cut_short(piece, &numbers) {
                return (stored, Some(short));
            }
            let body = block.numbered(piece).body;
            let decoded = decode(&body, &Limits::default()).expect("sound");
            let id = decoded.id.expect("numbered");
            assert_eq!(known.insert((id.stream, id.counter)), piece.known.is_none());
            if piece.known.is_none() {
                stored += decoded.batch.rows();
            }
        }
    }
    (stored, None)
}

fn some(rows: u32) -> Vec<Option<f64>> {
    (0..rows).map(|row| (row % 3 > 0).then_some(f64::from(row))).collect()
}

#[test]
fn the_same_rows_have_the_same_numbers_and_others_have_others() {
    let values = some(25_000);
    let all = filled(Kind::Double, &values, "d", &[]);
    let rows: Vec<_> = all.iter().map(|block| block.numbers.len()).collect();
    assert_eq!(rows, [10_000, 10_000, 5_000]);
    let lines = |block: &Block| block.numbered(block.pieces(&KnownNumbers::new())[0]).lines;
    assert_eq!((lines(&all[0]), lines(&all[2])), ((2, 10_001), (20_002, 25_001)));
    let mut known = HashSet::new();
    assert_eq!(sent(&all, &mut known), 25_000);
    assert_eq!(sent(&filled(Kind::Long, &values, "d", &[]), &mut known.clone()), 0, "of any type");
    for (row, again) in [(24_999, 5_000), (0, 10_000), (15_000, 10_000)] {
        let mut other = values.clone();
        other[row] = Some(-1.0);
        let blocks = filled(Kind::Double, &other, "d", &[]);
        assert_eq!(sent(&blocks, &mut known.clone()), again, "row {row} differs");
    }
    assert_eq!(sent(&filled(Kind::Double, &values, "e", &[]), &mut known), 25_000);
}

#[test]
fn of_a_file_that_has_grown_each_row_is_stored_once() {
    let mut known = HashSet::new();
    let mut before = 0;
    for rows in [1, 2, 40, 9_999, 10_000, 10_001, 12_000, 12_001, 30_000, 33_333] {
        let blocks = filled(Kind::Double, &some(rows), "d", &[]);
        assert_eq!(sent(&blocks, &mut known), rows as usize - before, "{rows}");
        before = rows as usize;
        assert_eq!(sent(&blocks, &mut known), 0, "{rows} again");
    }
}

#[test]
fn rows_that_were_sent_as_they_came_are_known_in_a_file() {
    let mut known = HashSet::new();
    let followed = filled(Kind::Double, &some(12_000), "d", &[3, 4, 9_000, 10_007]);
    let before = |block: &Block| rows_up_to(block.numbers[0]) - 1;
    assert_eq!(followed.iter().map(before).collect::<Vec<_>>(), [0, 3, 4, 9_000, 0, 7]);
    assert_eq!(sent(&followed, &mut known), 12_000);
    assert_eq!(sent(&filled(Kind::Double, &some(13_000), "d", &[]), &mut known), 1_000);
}

#[test]
fn equal_rows_of_one_file_are_all_stored() {
    let values = vec![Some(1.0); 40_000];
    let mut known = HashSet::new();
    let all = filled(Kind::Double, &values, "d", &[]);
    assert_eq!(sent(&all, &mut known), 40_000);
    assert_eq!(sent(&all, &mut known), 0);
    assert_eq!(sent(&filled(Kind::Double, &vec![Some(1.0); 45_000], "d", &[]), &mut known), 5_000);
}

#[test]
fn a_number_says_how_many_rows_it_stands_for() {
    let blocks = filled(Kind::Double, &some(10_001), "d", &[]);
    assert_eq!(rows_up_to(blocks[0].numbers[9_999]), 10_000);
    assert_eq!(rows_up_to(blocks[1].numbers[0]), 1);
}

#[test]
fn the_end_of_a_shorter_file_is_left_out_unless_it_ends_where_an_import_ended() {
    let blocks = |rows, cuts: &[usize]| filled(Kind::Double, &some(rows), "d", cuts);
    let mut known = HashSet::new();
    assert_eq!(sent(&blocks(19_000, &[300, 10_400]), &mut known), 19_000);
    for rows in [300, 10_000, 10_400, 19_000] {
        assert_eq!(sent(&blocks(rows, &[]), &mut known), 0, "{rows}");
    }
    for (rows, lines, before) in [
        (1, (2, 2), 0),
        (299, (2, 300), 0),
        (9_999, (302, 10_000), 300),
        (10_399, (10_002, 10_400), 10_000),
        (18_999, (10_402, 19_000), 10_400),
    ] {
        let (stored, short) = sent_or_short(&blocks(rows, &[]), &mut known);
        let short = short.expect("cannot be told");
        assert_eq!((stored, short.lines, short.before), (0, lines, before), "{rows}");
    }
    // Other rows that go as far: each block that is full or not shorter is stored.
    let mut other = some(19_000);
    (other[5_000], other[18_000]) = (Some(-1.0), Some(-1.0));
    assert_eq!(sent(&filled(Kind::Double, &other, "d", &[]), &mut known), 9_700 + 8_600);
}
