//! Reading from untrusted bytes: each step is checked, and what is to be allocated is asked for first.
//!
//! ```text
//! bytes ─▶ Reader: take(n) │ byte │ varint       Budget: admit(head) ─▶ take(bytes) for each column
//! ```

use super::Limits;
use crate::error::CodecError;

/// A place in an unpacked body.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) const fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next so many bytes.
    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], CodecError> {
        let (taken, rest) = self
            .rest
            .split_at_checked(count)
            .ok_or(CodecError::Malformed { what: "a column has fewer bytes than it says" })?;
        self.rest = rest;
        Ok(taken)
    }

    /// The next so many items of so many bytes each.
    pub(super) fn take_each(&mut self, count: usize, size: usize) -> Result<&'a [u8], CodecError> {
        self.take(count.saturating_mul(size))
    }

    pub(super) fn byte(&mut self) -> Result<u8, CodecError> {
        self.take(1).map(|bytes| bytes[0])
    }

    /// A number in groups of seven bits, lowest first; the eighth bit says that more follow.
    pub(super) fn varint(&mut self) -> Result<u64, CodecError> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(CodecError::Malformed { what: "a number has more than ten bytes" })
    }

    /// A varint that counts things, none larger than `most`.
    pub(super) fn count(&mut self, most: usize) -> Result<usize, CodecError> {
        usize::try_from(self.varint()?)
            .ok()
            .filter(|count| *count <= most)
            .ok_or(CodecError::Malformed { what: "a count is too large" })
    }

    /// A signed varint.
    pub(super) fn signed(&mut self) -> Result<i64, CodecError> {
        self.varint().map(unzigzag)
    }
}

/// Writes what [`Reader::varint`] reads.
pub(super) fn write_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Small numbers of either sign become small numbers: 0, -1, 1, -2 … are 0, 1, 2, 3 …
pub(super) const fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)) as u64
}

/// Undoes [`zigzag`].
pub(super) const fn unzigzag(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

/// What may still be allocated.
pub(super) struct Budget {
    limits: Limits,
    rows: u32,
    bytes: usize,
}

impl Budget {
    pub(super) const fn new(limits: &Limits) -> Self {
        Self { limits: *limits, rows: 0, bytes: 0 }
    }

    /// Whether a batch with such a head may be unpacked.
    pub(super) fn admit(
        &mut self,
        rows: u32,
        columns: u32,
        unpacked: u64,
    ) -> Result<(), CodecError> {
        let total = u64::from(self.rows) + u64::from(rows);
        let within = |what, found: u64, limit: u64| {
            if found <= limit { Ok(()) } else { Err(CodecError::TooLarge { what, found, limit }) }
        };
        within("rows", total, self.limits.max_rows.into())?;
        within("columns", columns.into(), self.limits.max_columns.into())?;
        within("bytes once unpacked", unpacked, self.limits.max_bytes as u64)?;
        self.rows = total as u32;
        Ok(())
    }

    /// Asks for bytes.
    pub(super) fn take(&mut self, bytes: usize) -> Result<(), CodecError> {
        let found = self.bytes.saturating_add(bytes);
        if found > self.limits.max_bytes {
            let limit = self.limits.max_bytes as u64;
            return Err(CodecError::TooLarge {
                what: "bytes once unpacked",
                found: found as u64,
                limit,
            });
        }
        self.bytes = found;
        Ok(())
    }

    /// Asks for so many items of so many bytes each.
    pub(super) fn take_each(&mut self, count: usize, size: usize) -> Result<(), CodecError> {
        self.take(count.saturating_mul(size))
    }
}
