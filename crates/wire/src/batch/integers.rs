//! Integers as bytes: times, exact numbers, doubles that are short decimals, and keys into a dictionary.
//!
//! ```text
//! plain    0 │ 8 bytes each
//! bits     1 │ [unit, rest] │ [first] │ blocks of 128: least, width, each value less the least in `width` bits
//! planes   2 │ [unit, rest] │ [first] │ base, planes k │ lowest bytes of all │ … │ k-th bytes of all
//!          + 16: not the values but their differences follow (and `first` is there)
//!          + 32: each value is so many units and a rest (and both are there): times in whole seconds
//! ```
//!
//! A plane's values are the distance from the base, zigzagged: one spike costs its own bytes and no others'. All
//! arithmetic wraps, so that each byte sequence of the right length means some numbers.

use super::packing::Layout;
use super::reader::{Reader, unzigzag, write_varint, zigzag};
use crate::error::CodecError;

const PLAIN: u8 = 0;
const BITS: u8 = 1;
const PLANES: u8 = 2;
const DIFFERENCES: u8 = 16;
const UNITS: u8 = 32;

const BLOCK: usize = 128;
/// Wider values are read across more than one word; they are so long that plain bytes do as well.
const WIDEST: u32 = 56;

/// Writes integers. Their number is known to the reader from elsewhere.
pub(super) fn encode(out: &mut Vec<u8>, numbers: &[i64], layout: Layout) {
    if numbers.is_empty() {
        return;
    }
    if layout == Layout::Plain {
        out.push(PLAIN);
        out.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        return;
    }
    let start = out.len();
    let mut kind = if layout == Layout::Bits { BITS } else { PLANES };
    out.push(kind);
    let mut values = numbers.to_vec();
    if let Some((unit, rest)) = common_unit(numbers) {
        kind |= UNITS;
        write_varint(out, unit as u64);
        write_varint(out, rest as u64);
        for value in &mut values {
            *value = value.div_euclid(unit);
        }
    }
    let differences: Vec<i64> =
        values.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])).collect();
    if cost(&differences) < cost(&values) {
        kind |= DIFFERENCES;
        write_varint(out, zigzag(values[0]));
        values = differences;
    }
    let fits = match layout {
        Layout::Bits => write_bits(out, &values),
        _ => write_planes(out, &values),
    };
    if fits {
        out[start] = kind;
    } else {
        out.truncate(start);
        encode(out, numbers, Layout::Plain);
    }
}

/// Reads so many integers. The caller has asked its budget for them.
pub(super) fn decode(reader: &mut Reader<'_>, count: usize) -> Result<Vec<i64>, CodecError> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let kind = reader.byte()?;
    if kind == PLAIN {
        let bytes = reader.take_each(count, 8)?;
        return Ok(bytes.as_chunks().0.iter().map(|word| i64::from_le_bytes(*word)).collect());
    }
    let unit = if kind & UNITS == 0 { None } else { Some((reader.varint()?, reader.varint()?)) };
    let first = if kind & DIFFERENCES == 0 { None } else { Some(reader.signed()?) };
    let mut numbers = Vec::with_capacity(count);
    numbers.extend(first);
    match kind & !(UNITS | DIFFERENCES) {
        BITS => read_bits(reader, count, &mut numbers)?,
        PLANES => read_planes(reader, count, &mut numbers)?,
        _ => return Err(CodecError::Malformed { what: "a layout of integers is unknown" }),
    }
    if first.is_some() {
        let mut sum = 0_i64;
        for number in &mut numbers {
            sum = sum.wrapping_add(*number);
            *number = sum;
        }
    }
    if let Some((unit, rest)) = unit {
        for number in &mut numbers {
            *number = number.wrapping_mul(unit as i64).wrapping_add(rest as i64);
        }
    }
    Ok(numbers)
}

/// The unit of which all numbers are multiples, but for one common rest: a clock of milliseconds in microseconds.
fn common_unit(numbers: &[i64]) -> Option<(i64, i64)> {
    [1_000_000, 1_000].into_iter().find_map(|unit| {
        let rest = numbers[0].rem_euclid(unit);
        // Small numbers would only pay for the unit.
        let large = numbers[0].unsigned_abs() >= unit as u64;
        (large && numbers.iter().all(|number| number.rem_euclid(unit) == rest))
            .then_some((unit, rest))
    })
}

/// Roughly how many bits the values need, each for itself, beside a base.
fn cost(values: &[i64]) -> u64 {
    let base = middle(values);
    values
        .iter()
        .map(|value| u64::from(64 - zigzag(value.wrapping_sub(base)).leading_zeros()))
        .sum()
}

/// A value near which most are: the median of a sample.
fn middle(values: &[i64]) -> i64 {
    let step = values.len().div_ceil(31).max(1);
    let mut sample: Vec<i64> = values.iter().copied().step_by(step).collect();
    sample.sort_unstable();
    sample.get(sample.len() / 2).copied().unwrap_or(0)
}

fn write_planes(out: &mut Vec<u8>, values: &[i64]) -> bool {
    let base = middle(values);
    let folded: Vec<u64> = values.iter().map(|value| zigzag(value.wrapping_sub(base))).collect();
    let all = folded.iter().fold(0, |all, value| all | value);
    let planes = (64 - all.leading_zeros()).div_ceil(8);
    write_varint(out, zigzag(base));
    out.push(planes as u8);
    for plane in 0..planes {
        out.extend(folded.iter().map(|value| (value >> (8 * plane)) as u8));
    }
    true
}

fn read_planes(
    reader: &mut Reader<'_>,
    count: usize,
    numbers: &mut Vec<i64>,
) -> Result<(), CodecError> {
    let base = reader.signed()?;
    let planes = usize::from(reader.byte()?);
    if planes > 8 {
        return Err(CodecError::Malformed { what: "an integer has more than eight bytes" });
    }
    let start = numbers.len();
    let length = count - start;
    let bytes = reader.take_each(length, planes)?;
    let unfold = |folded: u64| unzigzag(folded).wrapping_add(base);
    match planes {
        0 => numbers.resize(count, base),
        1 => numbers.extend(bytes.iter().map(|byte| unfold((*byte).into()))),
        2 => {
            let (low, high) = bytes.split_at(length);
            let pairs = low.iter().zip(high);
            numbers
                .extend(pairs.map(|(low, high)| unfold(u16::from_le_bytes([*low, *high]).into())));
        }
        _ => {
            numbers.resize(count, 0);
            for (plane, bytes) in bytes.chunks_exact(length.max(1)).enumerate() {
                for (number, byte) in numbers[start..].iter_mut().zip(bytes) {
                    *number |= (u64::from(*byte) << (8 * plane)) as i64;
                }
            }
            for number in &mut numbers[start..] {
                *number = unfold(*number as u64);
            }
        }
    }
    Ok(())
}

/// Whether it could: not when a value is too wide.
fn write_bits(out: &mut Vec<u8>, values: &[i64]) -> bool {
    for block in values.chunks(BLOCK) {
        let least = block.iter().copied().min().unwrap_or(0);
        let all = block.iter().fold(0, |all, value| all | value.wrapping_sub(least) as u64);
        let width = 64 - all.leading_zeros();
        if width > WIDEST {
            return false;
        }
        write_varint(out, zigzag(least));
        out.push(width as u8);
        let (mut word, mut used) = (0_u64, 0);
        for value in block {
            word |= (value.wrapping_sub(least) as u64) << used;
            used += width;
            while used >= 8 {
                out.push(word as u8);
                word >>= 8;
                used -= 8;
            }
        }
        if used > 0 {
            out.push(word as u8);
        }
    }
    true
}

fn read_bits(
    reader: &mut Reader<'_>,
    count: usize,
    numbers: &mut Vec<i64>,
) -> Result<(), CodecError> {
    while numbers.len() < count {
        let block = BLOCK.min(count - numbers.len());
        let least = reader.signed()?;
        let width = usize::from(reader.byte()?);
        if width > WIDEST as usize {
            return Err(CodecError::Malformed { what: "an integer has more than 56 bits" });
        }
        let packed = reader.take((block * width).div_ceil(8))?;
        // Room behind the last value, so that each can be read as one whole word.
        let mut bytes = [0; BLOCK * WIDEST as usize / 8 + 8];
        bytes[..packed.len()].copy_from_slice(packed);
        let mask = (1_u64 << width) - 1;
        numbers.extend((0..block).map(|at| {
            let bit = at * width;
            let mut word = [0; 8];
            word.copy_from_slice(&bytes[bit / 8..bit / 8 + 8]);
            let value = (u64::from_le_bytes(word) >> (bit % 8)) & mask;
            least.wrapping_add(value as i64)
        }));
    }
    Ok(())
}
