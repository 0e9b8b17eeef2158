//! Checksums of a table's log: each commit and each checkpoint carries its own.
//!
//! ```text
//! {"commitInfo":{"iobeamVersion":42,"iobeamChecksum":"89abcdef", ...    the checksum is that of all other bytes
//! checkpoint:  as in any other Parquet file of ours
//! ```
//!
//! What a commit says of itself is free for every writer, and readers pass over what they do not know. A commit
//! without a checksum is one of an earlier version or of another program; after one with a checksum none may come
//! without.

use bytes::Bytes;

use crate::snapshot::verified::sums::{CLOSING_BYTES, SumWriter};

/// What a commit of ours begins with.
const COMMIT_INFO: &[u8] = br#"{"commitInfo":{"#;
const VERSION_KEY: &str = "\"iobeamVersion\":";
const SUM_KEY: &str = ",\"iobeamChecksum\":\"";
/// Hexadecimal digits of a checksum.
const DIGITS: usize = 8;

/// What a commit's bytes say of themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signed {
    /// They are those that were written.
    Yes,
    /// They say nothing, and can be read.
    No,
}

/// The version of a commit, from the name of its file.
pub(crate) fn commit_version(name: &str) -> Option<u64> {
    numbered(name.strip_suffix(".json")?)
}

/// The version of a checkpoint, from the name of its file.
pub(crate) fn checkpoint_version(name: &str) -> Option<u64> {
    numbered(name.strip_suffix(".checkpoint.parquet")?)
}

fn numbered(digits: &str) -> Option<u64> {
    let are_digits = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
    are_digits.then(|| digits.parse().ok())?
}

/// A file of a log with its checksum in it; as it is where it takes none.
pub(crate) fn sign(name: &str, bytes: Bytes) -> Bytes {
    let signed = match (commit_version(name), checkpoint_version(name)) {
        (Some(version), _) => sign_commit(version, &bytes),
        (_, Some(_)) => sign_checkpoint(&bytes),
        _ => None,
    };
    signed.map_or(bytes, Bytes::from)
}

fn sign_commit(version: u64, bytes: &[u8]) -> Option<Vec<u8>> {
    let at = find(bytes, COMMIT_INFO)? + COMMIT_INFO.len();
    let is_first = at == COMMIT_INFO.len() || bytes[at - COMMIT_INFO.len() - 1] == b'\n';
    if !is_first || bytes.get(at).is_none_or(|next| *next == b'}') {
        return None;
    }
    let before = format!("{VERSION_KEY}{version}{SUM_KEY}");
    let parts = [&bytes[..at], before.as_bytes(), b"\",", &bytes[at..]];
    let sum = parts.iter().fold(0, |sum, part| crc32c::crc32c_append(sum, part));
    let sum = format!("{sum:08x}");
    Some([parts[0], parts[1], sum.as_bytes(), parts[2], parts[3]].concat())
}

fn sign_checkpoint(bytes: &[u8]) -> Option<Vec<u8>> {
    let (before, closing) = bytes.split_at_checked(bytes.len().checked_sub(CLOSING_BYTES)?)?;
    let mut sums = SumWriter::new();
    sums.add(before);
    Some([before, &sums.tail(closing)?].concat())
}

/// Whether a commit's bytes are those that were written, as far as they tell; or what is wrong with them.
pub(crate) fn check_commit(version: u64, bytes: &[u8]) -> Result<Signed, String> {
    if bytes.is_empty() {
        return Err("it is empty".to_owned());
    }
    let before = format!("{VERSION_KEY}{version}{SUM_KEY}");
    let begin = [COMMIT_INFO, before.as_bytes()].concat();
    let Some(at) = find(bytes, &begin).map(|at| at + begin.len()) else {
        // One flipped bit cannot take away both.
        if [VERSION_KEY, SUM_KEY].iter().any(|key| find(bytes, key.as_bytes()).is_some()) {
            return Err("its checksum cannot be read".to_owned());
        }
        for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            serde_json::from_slice::<serde_json::Value>(line).map_err(|error| error.to_string())?;
        }
        return Ok(Signed::No);
    };
    let written = bytes.get(at..at + DIGITS).and_then(|digits| std::str::from_utf8(digits).ok());
    let rest = bytes.get(at + DIGITS..).unwrap_or_default();
    let sum = crc32c::crc32c_append(crc32c::crc32c(&bytes[..at]), rest);
    if written != Some(format!("{sum:08x}").as_str()) {
        return Err("its checksum is not that of what was written".to_owned());
    }
    Ok(Signed::Yes)
}

fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_flipped_bit_of_a_commit_is_found_and_so_is_one_under_another_number() {
        let written =
            b"{\"commitInfo\":{\"timestamp\":1}}\n{\"add\":{\"path\":\"part-1\",\"size\":12}}";
        let name = "00000000000000000042.json";
        let signed = sign(name, Bytes::from_static(written));
        assert_eq!(check_commit(42, &signed), Ok(Signed::Yes));
        assert!(check_commit(43, &signed).is_err(), "it is that of another version");
        for line in signed.split(|byte| *byte == b'\n') {
            serde_json::from_slice::<serde_json::Value>(line).expect("it stays JSON");
        }
        for bit in 0..signed.len() * 8 {
            let mut flipped = signed.to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(check_commit(42, &flipped).is_err(), "bit {bit}");
        }
        for end in 0..signed.len() {
            assert!(check_commit(42, &signed[..end]).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn a_commit_of_another_writer_is_read_if_it_can_be() {
        assert_eq!(check_commit(0, b"{\"add\":{}}\n{\"txn\":{}}"), Ok(Signed::No));
        assert!(check_commit(0, b"{\"add\":{}").is_err());
        assert!(check_commit(0, b"").is_err());
        let other = Bytes::from_static(b"{\"add\":{}}");
        assert_eq!(sign("00000000000000000000.json", other.clone()), other);
        assert_eq!(sign("_last_checkpoint", other.clone()), other);
    }
}
