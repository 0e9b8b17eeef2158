//! The number of a batch, made from what is in it: whoever sends the same rows again sends them under the same number,
//! also from another process, and the platform stores them once.

use iobeam_model::{Batch, BatchId, Values};
use twox_hash::xxhash3_128::Hasher;

/// Tells streams of this kind from those of later versions, should what is hashed ever change.
const VERSION: &[u8] = b"iobeam content 1";

/// The stream that a batch of this content is the first of.
pub(crate) fn stream_of(batch: &Batch) -> [u8; 16] {
    let mut hasher = Hasher::new();
    hasher.write(VERSION);
    string(&mut hasher, batch.namespace().as_str());
    hasher.write(&(batch.rows() as u64).to_le_bytes());
    for time in batch.times() {
        hasher.write(&time.to_le_bytes());
    }
    for column in batch.columns() {
        string(&mut hasher, column.name().as_str());
        hasher.write(&[column.values().field_type() as u8, u8::from(column.present().is_some())]);
        if let Some(present) = column.present() {
            hasher.write(present.bytes());
        }
        match column.values() {
            Values::Double(numbers) => {
                for number in numbers {
                    hasher.write(&number.to_bits().to_le_bytes());
                }
            }
            Values::Long(numbers) => {
                for number in numbers {
                    hasher.write(&number.to_le_bytes());
                }
            }
            Values::Boolean(truths) => {
                for truth in truths {
                    hasher.write(&[u8::from(*truth)]);
                }
            }
            Values::String(texts) => {
                hasher.write(&(texts.dictionary().len() as u64).to_le_bytes());
                for text in texts.dictionary() {
                    string(&mut hasher, text);
                }
                for key in texts.keys() {
                    hasher.write(&key.to_le_bytes());
                }
            }
        }
    }
    BatchId::content_stream(hasher.finish_128())
}

fn string(hasher: &mut Hasher, text: &str) {
    hasher.write(&(text.len() as u64).to_le_bytes());
    hasher.write(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use iobeam_model::{Bitmap, Column, Texts};

    fn batch(namespace: &str, times: &[i64], name: &str, values: Values, some: &[bool]) -> Batch {
        let mut present = Bitmap::new();
        for set in some {
            present.push(*set);
        }
        let column = Column::new(name.parse().expect("a name"), values, Some(present));
        let columns = vec![column.expect("sound")];
        Batch::new(namespace.parse().expect("a name"), times.to_vec(), columns).expect("sound")
    }

    #[test]
    fn equal_batches_have_one_number_and_any_difference_makes_another() {
        let longs = |a, b| Values::Long(vec![a, b]);
        let one = || batch("input", &[1, 2], "a", longs(5, 6), &[true, true]);
        let texts: Texts = ["5", "6"].into_iter().collect();
        let others = [
            batch("other", &[1, 2], "a", longs(5, 6), &[true, true]),
            batch("input", &[1, 3], "a", longs(5, 6), &[true, true]),
            batch("input", &[1, 2], "b", longs(5, 6), &[true, true]),
            batch("input", &[1, 2], "a", longs(5, 7), &[true, true]),
            batch("input", &[1, 2], "a", longs(5, 0), &[true, false]),
            batch("input", &[1, 2], "a", longs(5, 0), &[true, true]),
            batch("input", &[1, 2], "a", Values::Double(vec![5.0, 6.0]), &[true, true]),
            batch("input", &[1, 2], "a", Values::String(texts), &[true, true]),
        ];
        assert_eq!(stream_of(&one()), stream_of(&one()));
        let mut all: Vec<_> = others.iter().map(stream_of).collect();
        all.push(stream_of(&one()));
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), others.len() + 1);
    }
}
