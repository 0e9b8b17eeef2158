//! Texts as bytes: each distinct one once, and for each row which it is.
//!
//! ```text
//! distinct texts: count │ length of each │ all of them, one after the other │ key of each row: integers
//! ```

use std::collections::HashMap;

use iobeam_model::Texts;

use super::integers;
use super::packing::Layout;
use super::reader::{Budget, Reader, write_varint};
use crate::error::CodecError;

/// What an entry of a dictionary takes in memory beside its text.
const ENTRY: usize = size_of::<Box<str>>();

/// Writes the texts of the rows named.
pub(super) fn encode(out: &mut Vec<u8>, texts: &Texts, rows: &[u32], layout: Layout) {
    if rows.is_empty() {
        return;
    }
    let (dictionary, keys) = used(texts, rows);
    write_varint(out, dictionary.len() as u64);
    for text in &dictionary {
        write_varint(out, text.len() as u64);
    }
    for text in &dictionary {
        out.extend_from_slice(text.as_bytes());
    }
    // Even where all else is plain: keys are small numbers, and mostly one byte instead of eight.
    let layout = if layout == Layout::Plain { Layout::Planes } else { layout };
    integers::encode(out, &keys, layout);
}

/// The texts that stand in those rows, in order of first appearance, and the key of each row: a dictionary that came
/// from elsewhere may hold any number of texts that no row names.
fn used<'a>(texts: &'a Texts, rows: &[u32]) -> (Vec<&'a str>, Vec<i64>) {
    let mut new_keys = HashMap::new();
    let mut dictionary = Vec::new();
    let mut last = None;
    let keys = rows.iter().map(|row| {
        let old = texts.keys()[*row as usize];
        if let Some((key, new)) = last
            && key == old
        {
            return new;
        }
        let new = *new_keys.entry(old).or_insert_with(|| {
            dictionary.push(texts.get(*row as usize));
            dictionary.len() as i64 - 1
        });
        last = Some((old, new));
        new
    });
    let keys = keys.collect();
    (dictionary, keys)
}

/// Reads texts: the dictionary and a key for each of `count` rows.
pub(super) fn decode(
    reader: &mut Reader<'_>,
    count: usize,
    budget: &mut Budget,
) -> Result<(Vec<Box<str>>, Vec<u32>), CodecError> {
    if count == 0 {
        return Ok((Vec::new(), Vec::new()));
    }
    let distinct = reader.count(count)?;
    budget.take_each(distinct, ENTRY + size_of::<usize>())?;
    let mut lengths = Vec::with_capacity(distinct);
    let mut total = 0_usize;
    for _ in 0..distinct {
        let length = reader.count(u32::MAX as usize)?;
        total = total.saturating_add(length);
        lengths.push(length);
    }
    budget.take(total)?;
    let all = std::str::from_utf8(reader.take(total)?)
        .map_err(|_| CodecError::Malformed { what: "a text is not UTF-8" })?;
    let mut dictionary = Vec::with_capacity(distinct);
    let mut start = 0;
    for length in lengths {
        let text = all
            .get(start..start + length)
            .ok_or(CodecError::Malformed { what: "a text ends within a character" })?;
        dictionary.push(text.into());
        start += length;
    }
    // While they are turned into keys, the wide integers stand beside them.
    budget.take_each(count, 8)?;
    let keys = integers::decode(reader, count)?;
    if !keys.iter().all(|key| (0..distinct as i64).contains(key)) {
        return Err(CodecError::Malformed { what: "a row names a text that is not there" });
    }
    Ok((dictionary, keys.into_iter().map(|key| key as u32).collect()))
}
