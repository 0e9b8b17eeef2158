//! Bits, one for each row of a column: which rows have a value.

/// A bit for each row, lowest bit first, as Arrow keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bitmap {
    bytes: Vec<u8>,
    len: usize,
}

impl Bitmap {
    /// No rows yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// So many rows, all set or all clear.
    pub fn filled(len: usize, set: bool) -> Self {
        let mut bits = Self { bytes: vec![if set { 0xff } else { 0 }; len.div_ceil(8)], len };
        bits.clear_padding();
        bits
    }

    /// A bitmap from its bytes; `None` when there are not exactly as many bytes as `len` bits need.
    pub fn from_bytes(bytes: Vec<u8>, len: usize) -> Option<Self> {
        if bytes.len() != len.div_ceil(8) {
            return None;
        }
        let mut bits = Self { bytes, len };
        bits.clear_padding();
        Some(bits)
    }

    /// Adds a row.
    pub fn push(&mut self, set: bool) {
        if self.len.is_multiple_of(8) {
            self.bytes.push(0);
        }
        self.len += 1;
        if set {
            self.set(self.len - 1, true);
        }
    }

    /// The bit of a row.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn get(&self, row: usize) -> bool {
        assert!(row < self.len, "row {row} of {}", self.len);
        self.bytes[row / 8] & (1 << (row % 8)) != 0
    }

    /// Changes the bit of a row.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn set(&mut self, row: usize, set: bool) {
        assert!(row < self.len, "row {row} of {}", self.len);
        if set {
            self.bytes[row / 8] |= 1 << (row % 8);
        } else {
            self.bytes[row / 8] &= !(1 << (row % 8));
        }
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many bits are set.
    pub fn count(&self) -> usize {
        self.bytes.iter().map(|byte| byte.count_ones() as usize).sum()
    }

    /// Whether each bit is set.
    pub fn all(&self) -> bool {
        self.count() == self.len
    }

    /// The bits, eight to a byte, lowest first; unused bits of the last byte are clear.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn clear_padding(&mut self) {
        let used = self.len % 8;
        if used != 0
            && let Some(last) = self.bytes.last_mut()
        {
            *last &= (1 << used) - 1;
        }
    }
}
