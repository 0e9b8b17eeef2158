//! Floating point numbers as bytes.
//!
//! ```text
//! plain     0 │ 8 bytes each
//! decimals  1 │ digits after the point │ exceptions: count, (distance, 8 bytes)… │ integers
//! planes    2 │ lowest bytes of all │ … │ highest bytes of all
//! ```
//!
//! What a sensor measures has few digits: 22.23 is 2223 hundredths, and 2223 / 100 is the very same double again,
//! because division rounds correctly. Each number is tried, and one that does not come back bit by bit is an exception.

use super::integers;
use super::packing::Layout;
use super::reader::{Reader, write_varint};
use crate::error::CodecError;

const PLAIN: u8 = 0;
const DECIMALS: u8 = 1;
const PLANES: u8 = 2;

/// Powers of ten that are exact as doubles, as far as 17 digits can make use of them.
const POWERS: [f64; 19] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18,
];
/// More digits than this after the point, and planes are shorter.
const MOST_DIGITS: usize = 14;

/// Writes numbers. How many is known to the reader from elsewhere.
pub(super) fn encode(out: &mut Vec<u8>, numbers: &[f64], layout: Layout) {
    if numbers.is_empty() {
        return;
    }
    if layout == Layout::Plain {
        out.push(PLAIN);
        out.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        return;
    }
    if let Some(decimals) = Decimals::of(numbers) {
        decimals.write(out, layout);
        return;
    }
    out.push(PLANES);
    for plane in 0..8 {
        out.extend(numbers.iter().map(|number| (number.to_bits() >> (8 * plane)) as u8));
    }
}

/// Reads so many numbers. The caller has asked its budget for them.
pub(super) fn decode(reader: &mut Reader<'_>, count: usize) -> Result<Vec<f64>, CodecError> {
    if count == 0 {
        return Ok(Vec::new());
    }
    match reader.byte()? {
        PLAIN => {
            let bytes = reader.take_each(count, 8)?;
            Ok(bytes.as_chunks().0.iter().map(|word| f64::from_le_bytes(*word)).collect())
        }
        DECIMALS => read_decimals(reader, count),
        PLANES => {
            let bytes = reader.take_each(count, 8)?;
            let mut bits = vec![0_u64; count];
            for (plane, bytes) in bytes.chunks_exact(count).enumerate() {
                for (word, byte) in bits.iter_mut().zip(bytes) {
                    *word |= u64::from(*byte) << (8 * plane);
                }
            }
            Ok(bits.into_iter().map(f64::from_bits).collect())
        }
        _ => Err(CodecError::Malformed { what: "a layout of doubles is unknown" }),
    }
}

/// Numbers as integers of one decimal place, and those that are none.
struct Decimals {
    digits: usize,
    integers: Vec<i64>,
    exceptions: Vec<(usize, f64)>,
}

impl Decimals {
    /// `None` when so many numbers have no short decimal that it does not pay.
    fn of(numbers: &[f64]) -> Option<Self> {
        let digits = usual_digits(numbers)?;
        let mut integers = Vec::with_capacity(numbers.len());
        let mut exceptions = Vec::new();
        let most = numbers.len() / 16 + 1;
        for (row, number) in numbers.iter().enumerate() {
            if let Some(integer) = scaled(*number, digits) {
                integers.push(integer);
            } else {
                exceptions.push((row, *number));
                if exceptions.len() > most {
                    return None;
                }
                integers.push(integers.last().copied().unwrap_or(0));
            }
        }
        Some(Self { digits, integers, exceptions })
    }

    fn write(&self, out: &mut Vec<u8>, layout: Layout) {
        out.push(DECIMALS);
        out.push(self.digits as u8);
        write_varint(out, self.exceptions.len() as u64);
        let mut next = 0;
        for (row, number) in &self.exceptions {
            write_varint(out, (row - next) as u64);
            out.extend_from_slice(&number.to_le_bytes());
            next = row + 1;
        }
        integers::encode(out, &self.integers, layout);
    }
}

/// How many digits after the point most of a sample needs; `None` when few need few.
fn usual_digits(numbers: &[f64]) -> Option<usize> {
    let step = numbers.len().div_ceil(48).max(1);
    let sample = numbers.iter().step_by(step);
    let (mut most, mut without, mut all) = (0, 0, 0);
    for number in sample {
        all += 1;
        match (most..=MOST_DIGITS).find(|digits| scaled(*number, *digits).is_some()) {
            Some(digits) => most = digits,
            None => without += 1,
        }
    }
    (without * 4 <= all).then_some(most)
}

/// The integer that stands for the number, if it gives back exactly the same bits.
fn scaled(number: f64, digits: usize) -> Option<i64> {
    let integer = (number * POWERS[digits]).round() as i64;
    (unscaled(integer, POWERS[digits]).to_bits() == number.to_bits()).then_some(integer)
}

fn unscaled(integer: i64, power: f64) -> f64 {
    integer as f64 / power
}

fn read_decimals(reader: &mut Reader<'_>, count: usize) -> Result<Vec<f64>, CodecError> {
    let power = POWERS.get(usize::from(reader.byte()?)).copied().ok_or(CodecError::Malformed {
        what: "a decimal has more than 18 digits after the point",
    })?;
    let mut exceptions = Vec::new();
    let mut next = 0_usize;
    for _ in 0..reader.count(count)? {
        let row = next + reader.count(count)?;
        if row >= count {
            return Err(CodecError::Malformed { what: "an exception stands behind the last row" });
        }
        let mut word = [0; 8];
        word.copy_from_slice(reader.take(8)?);
        exceptions.push((row, f64::from_le_bytes(word)));
        next = row + 1;
    }
    let integers = integers::decode(reader, count)?;
    let mut numbers: Vec<f64> =
        integers.into_iter().map(|integer| unscaled(integer, power)).collect();
    for (row, number) in exceptions {
        numbers[row] = number;
    }
    Ok(numbers)
}
