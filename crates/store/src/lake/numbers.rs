//! How a column of numbers is best encoded, judged by a sample of its values.
//!
//! ```text
//! values ─ every so many ─▶ how many differ ─▶ bits of a value by a dictionary ┐
//!                      └──▶ how alike they are ─▶ bits of a value without one ─┴─▶ the smaller one
//! ```
//!
//! A dictionary costs each value the logarithm of how many differ, and the column each of these once: a hundred
//! thousand of them are dear among a hundred thousand values and cheap among a million.

use std::collections::HashSet;

use arrow::array::{Array, AsArray as _};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use parquet::basic::Encoding;

/// So many values tell how the others are.
const SAMPLE: usize = 8192;
/// With fewer there is nothing to be won.
const FEW: usize = 64;
/// Bits that an entry of a dictionary takes once the dictionary is compressed: neighbours have their upper half in common.
const ENTRY: f64 = 40.0;
/// What a compressor needs above the entropy of single bytes, and a block of differences above their mean.
const BESIDE: f64 = 2.0;

/// What is known of a column of numbers.
#[derive(Debug)]
pub(super) struct Numbers {
    /// The encoding where no dictionary serves.
    pub(super) encoding: Encoding,
    /// How many values there are.
    count: f64,
    /// How many of these differ, about.
    different: f64,
    /// Bits of a value without a dictionary.
    plain: f64,
}

impl Numbers {
    /// Of a column; nothing for one that does not hold numbers.
    pub(super) fn of(column: &dyn Array) -> Option<Self> {
        let (encoding, bits): (_, fn(&dyn Array, usize) -> u64) = match column.data_type() {
            DataType::Float64 => (Encoding::BYTE_STREAM_SPLIT, |column, row| {
                column.as_primitive::<Float64Type>().value(row).to_bits()
            }),
            DataType::Int64 => (Encoding::DELTA_BINARY_PACKED, |column, row| {
                column.as_primitive::<Int64Type>().value(row).cast_unsigned()
            }),
            _ => return None,
        };
        let rows: Vec<usize> = sample(column.len()).filter(|row| column.is_valid(*row)).collect();
        let sample: Vec<u64> = rows.iter().map(|row| bits(column, *row)).collect();
        let count = (column.len() - column.null_count()) as f64;
        let seen = sample.iter().collect::<HashSet<_>>().len();
        let plain = match encoding {
            Encoding::BYTE_STREAM_SPLIT => bits_of_bytes(&sample),
            _ => bits_of_differences(column.as_primitive::<Int64Type>().values(), &rows),
        };
        Some(Self { encoding, count, different: different(sample.len(), seen, count), plain })
    }

    /// Whether a dictionary that may take so many bytes serves better than none.
    pub(super) fn dictionary_serves(&self, most: usize) -> bool {
        if self.count <= FEW as f64 {
            return true;
        }
        let by_dictionary = self.different.log2().ceil() + self.different * ENTRY / self.count;
        self.different * 8.0 <= most as f64 && by_dictionary <= self.plain
    }
}

/// How many of all values differ, when so many of a sample do: as many as would, drawn at random, give as many.
fn different(looked: usize, seen: usize, count: f64) -> f64 {
    if seen == looked {
        return count;
    }
    let (looked, seen) = (looked as f64, seen as f64);
    if looked >= count {
        return seen;
    }
    let expected = |different: f64| different * (1.0 - (-looked / different).exp());
    let (mut low, mut high) = (seen, count.max(seen));
    while high - low > low / 100.0 {
        let middle = f64::midpoint(low, high);
        if expected(middle) < seen { low = middle } else { high = middle }
    }
    high
}

/// Bits of a double whose bytes are compressed place by place.
fn bits_of_bytes(sample: &[u64]) -> f64 {
    let total = sample.len() as f64;
    let entropy = |place: u32| {
        let mut counts = [0_u32; 256];
        for bits in sample {
            counts[(bits >> (8 * place) & 0xff) as usize] += 1;
        }
        let counts = counts.iter().filter(|count| **count > 0).map(|count| f64::from(*count));
        counts.map(|count| count / total * (total / count).log2()).sum::<f64>()
    };
    (0..8).map(entropy).sum::<f64>() + BESIDE
}

/// Bits of an integer that is written as the difference to the one before.
fn bits_of_differences(values: &[i64], rows: &[usize]) -> f64 {
    let next = rows.iter().filter_map(|row| Some((values[*row], *values.get(row + 1)?)));
    let bits = next.map(|(one, next)| 64 - next.wrapping_sub(one).unsigned_abs().leading_zeros());
    bits.map(f64::from).sum::<f64>() / rows.len().max(1) as f64 + 1.0 + BESIDE
}

/// Rows to look at, one of each stretch; not always the same of it, as values often have a rhythm.
fn sample(rows: usize) -> impl Iterator<Item = usize> {
    let step = (rows / SAMPLE).max(1);
    let within = move |start: usize| crc32c::crc32c(&start.to_le_bytes()) as usize % step;
    (0..rows).step_by(step).map(move |start| (start + within(start)).min(rows - 1))
}

#[cfg(test)]
mod tests {
    use arrow::array::{Float64Array, Int64Array};

    use super::*;

    const LIMIT: usize = 1 << 20;

    /// So many values with two decimals out of so many that differ, in no order.
    fn doubles(count: u32, different: u32) -> Float64Array {
        let mixed = |at: u32| crc32c::crc32c(&at.to_le_bytes());
        (0..count).map(|at| Some(f64::from(mixed(at) % different) / 100.0)).collect()
    }

    fn serves(column: &dyn Array) -> bool {
        Numbers::of(column).expect("numbers").dictionary_serves(LIMIT)
    }

    #[test]
    fn how_many_differ_is_told_by_a_sample() {
        for truth in [10, 1000, 10_000, 60_000] {
            let numbers = Numbers::of(&doubles(400_000, truth)).expect("numbers");
            let off = numbers.different / f64::from(truth);
            assert!((0.85..1.15).contains(&off), "{truth}: {}", numbers.different);
        }
    }

    #[test]
    fn a_dictionary_serves_where_there_are_many_values_for_each_that_differs() {
        assert!(serves(&doubles(100_000, 2000)));
        assert!(serves(&doubles(1_000_000, 60_000)), "a large one among very many");
        assert!(!serves(&doubles(100_000, 60_000)), "the same among fewer");
        assert!(!serves(&doubles(4_000_000, 1_000_000)), "one that would grow too large");
        let all_differ: Float64Array = (0..50_000).map(|at| Some(f64::from(at).sqrt())).collect();
        assert!(!serves(&all_differ));
    }

    #[test]
    fn integers_that_grow_evenly_need_no_dictionary_and_few_that_leap_do() {
        let grows: Int64Array = (0..100_000_i64).map(|at| Some(at * 10)).collect();
        assert!(!serves(&grows));
        let leaps: Int64Array = (0..100_000_i64).map(|at| Some((at * 7919 % 16) << 40)).collect();
        assert!(serves(&leaps));
    }

    #[test]
    fn texts_are_no_numbers_and_missing_values_do_not_count() {
        assert!(Numbers::of(&arrow::array::StringViewArray::from(vec!["a"])).is_none());
        let gaps: Float64Array =
            (0..100_000_u32).map(|at| (at % 2 == 0).then(|| f64::from(at % 128))).collect();
        let numbers = Numbers::of(&gaps).expect("numbers");
        let all = (numbers.count, numbers.different.round());
        assert_eq!(all, (50_000.0, 64.0));
    }
}
