//! Rows put together to blocks, the same ones whenever the same rows are imported, and blocks cut into numbered batches.
//!
//! ```text
//! row row row … ─▶ block: 10 000 rows, 4 MiB of cells or a million values; its stream: a hash of its first row
//! block ─▶ cut where an earlier import ended ─▶ batches; a batch's number: up to which row of its block it goes, and a
//!                                               hash of all rows of the block up to there
//! ```
//!
//! So the number of a batch says that its block is stored up to a row, whatever cut it: a file that has grown finds by the
//! numbers that the server knows how much of it is stored. What a block is follows from the rows alone: not from flags of
//! the request, from the types that fields have meanwhile, or from what was sent before.

use std::collections::HashMap;

use anyhow::Result;
use iobeam_model::{Batch, BatchId, Bitmap, Column, FieldName, NamespaceName, Texts, Values};
use iobeam_wire::batch::{Compression, encode};
use serde_json::Value;
use twox_hash::xxhash3_128::Hasher;

use super::cut_short::CutShort;
use super::typed::{Kind, Typed};

/// Most rows of a batch.
const MAX_ROWS: usize = 10_000;
/// Most bytes of cells in a batch.
const MAX_CELL_BYTES: usize = 4 << 20;
/// Most values of a batch, missing ones too.
const MAX_VALUES: usize = 1 << 20;
/// Up to this, an integer and the double of it count as the same.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The numbers of a stream that the server knows, each with whether rows were deleted since.
pub(super) type KnownNumbers = HashMap<u64, bool>;

/// A batch as it is sent.
#[derive(Debug)]
pub(super) struct Numbered {
    /// The request's body.
    pub(super) body: Vec<u8>,
    /// How many rows it has.
    pub(super) rows: u64,
    /// The lines of the first and the last row.
    pub(super) lines: (u64, u64),
}

/// Rows of a block, from some row of it on.
#[derive(Debug)]
pub(super) struct Block {
    /// The block's stream.
    pub(super) stream: [u8; 16],
    batch: Batch,
    /// For each row the number of a batch that ends with it.
    numbers: Vec<u64>,
    /// For each row its line.
    lines: Vec<u64>,
    /// Rows of the file before these.
    before: u64,
    /// Whether no more rows of the block can follow.
    is_full: bool,
}

/// Rows between two cuts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    first: usize,
    end: usize,
    /// Whether rows were deleted since it came; nothing when it did not come yet.
    pub(super) known: Option<bool>,
}

impl Piece {
    /// How many rows it has.
    pub(super) fn rows(self) -> u64 {
        (self.end - self.first) as u64
    }
}

/// How many rows of its block there are up to the end of a batch.
fn rows_up_to(number: u64) -> usize {
    (number >> BatchId::HASH_BITS) as usize
}

/// Up to which row a block that begins with the same row is stored.
pub(super) fn stored_rows(known: &KnownNumbers) -> usize {
    known.keys().map(|number| rows_up_to(*number)).max().unwrap_or(0)
}

impl Block {
    /// The pieces of it: cut where batches end that the server knows.
    pub(super) fn pieces(&self, known: &KnownNumbers) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut first = 0;
        for (row, number) in self.numbers.iter().enumerate() {
            if let Some(is_deleted_from) = known.get(number) {
                pieces.push(Piece { first, end: row + 1, known: Some(*is_deleted_from) });
                first = row + 1;
            }
        }
        if first < self.numbers.len() {
            pieces.push(Piece { first, end: self.numbers.len(), known: None });
        }
        pieces
    }

    /// Whether it cannot be told if a piece is stored: it did not come, and further rows of such a block did. A full block
    /// is all there can be of it, so what the server knows beyond a piece of it are other rows.
    pub(super) fn cut_short(&self, piece: Piece, known: &KnownNumbers) -> Option<CutShort> {
        let (rows, stored) = (rows_up_to(*self.numbers.last()?), stored_rows(known));
        let is_short = piece.known.is_none() && !self.is_full && stored > rows;
        is_short.then(|| CutShort {
            lines: (self.lines[piece.first], self.lines[piece.end - 1]),
            rows,
            stored,
            before: self.before + piece.first as u64,
        })
    }

    /// A piece as it is sent.
    pub(super) fn numbered(&self, piece: Piece) -> Numbered {
        let Piece { first, end, .. } = piece;
        let id = BatchId { stream: self.stream, counter: self.numbers[end - 1] };
        let body = if (first, end) == (0, self.numbers.len()) {
            encode(&self.batch, Some(id), Compression::Zstd)
        } else {
            let rows: Vec<usize> = (first..end).collect();
            encode(&self.batch.pick(&rows), Some(id), Compression::Zstd)
        };
        Numbered { body, rows: piece.rows(), lines: (self.lines[first], self.lines[end - 1]) }
    }
}

/// The values of one field.
struct Filling {
    name: FieldName,
    mark: [u8; 8],
    values: Values,
    present: Bitmap,
}

impl Filling {
    fn new(name: FieldName, kind: Kind) -> Self {
        let mark = name_mark(name.as_str());
        Self { name, mark, values: nothing(kind), present: Bitmap::new() }
    }

    fn len(&self) -> usize {
        self.values.len()
    }

    fn push_missing(&mut self) {
        match &mut self.values {
            Values::Double(values) => values.push(0.0),
            Values::Long(values) => values.push(0),
            Values::Boolean(values) => values.push(false),
            Values::String(values) => values.push_missing(),
        }
        self.present.push(false);
    }

    fn push(&mut self, value: Typed<'_>) {
        match (&mut self.values, value) {
            (Values::Double(values), Typed::Double(value)) => values.push(value),
            (Values::Long(values), Typed::Long(value)) => values.push(value),
            (Values::Boolean(values), Typed::Boolean(value)) => values.push(value),
            (Values::String(values), Typed::String(value)) => values.push(value),
            // Values are read as the kind of their column.
            _ => return self.push_missing(),
        }
        self.present.push(true);
    }

    /// What was filled in, and room for more.
    fn take(&mut self) -> Option<Result<Column>> {
        let empty = match &self.values {
            Values::Double(_) => Values::Double(Vec::new()),
            Values::Long(_) => Values::Long(Vec::new()),
            Values::Boolean(_) => Values::Boolean(Vec::new()),
            Values::String(_) => Values::String(Texts::new()),
        };
        let values = std::mem::replace(&mut self.values, empty);
        let present = std::mem::take(&mut self.present);
        (present.count() > 0)
            .then(|| Column::new(self.name.clone(), values, Some(present)).map_err(Into::into))
    }
}

fn nothing(kind: Kind) -> Values {
    match kind {
        Kind::Double => Values::Double(Vec::new()),
        Kind::Long => Values::Long(Vec::new()),
        Kind::Boolean => Values::Boolean(Vec::new()),
        Kind::String => Values::String(Texts::new()),
    }
}

fn name_mark(name: &str) -> [u8; 8] {
    let mut hasher = Hasher::new();
    hasher.write(name.to_ascii_lowercase().as_bytes());
    (hasher.finish_128() as u64).to_le_bytes()
}

/// Puts rows together.
pub(super) struct Batches {
    namespace: NamespaceName,
    /// Values that each row has.
    constants: Vec<(FieldName, Value)>,
    /// A field for each column of the file; nothing where the column has no value.
    fields: Vec<Option<Filling>>,
    times: Vec<i64>,
    lines: Vec<u64>,
    numbers: Vec<u64>,
    /// Bytes of cells of the block.
    bytes: usize,
    /// Rows of the block that were taken away already.
    taken: usize,
    /// Rows of the file that were taken away already, or left out.
    before: u64,
    /// What the row that is being filled says.
    row: Vec<u8>,
    /// The hash of the block's rows.
    hash: u128,
    /// The block's stream, once it has a row.
    stream: Option<[u8; 16]>,
    /// How many blocks began with the same row.
    seen: HashMap<u128, u64>,
    /// Blocks of this import are like those of no other.
    salt: Option<u128>,
}

impl Batches {
    /// No rows yet. With a salt, no other import has the same ids. `skipped`: rows of the file that are left out before.
    pub(super) fn new(
        namespace: NamespaceName,
        constants: Vec<(FieldName, Value)>,
        fields: Vec<Option<(FieldName, Kind)>>,
        salt: Option<u128>,
        skipped: u64,
    ) -> Self {
        let fields = fields.into_iter();
        let fields =
            fields.map(|field| field.map(|(name, kind)| Filling::new(name, kind))).collect();
        let mut batches = Self {
            namespace,
            constants,
            fields,
            times: Vec::new(),
            lines: Vec::new(),
            numbers: Vec::new(),
            bytes: 0,
            taken: 0,
            before: skipped,
            row: Vec::new(),
            hash: 0,
            stream: None,
            seen: HashMap::new(),
            salt,
        };
        batches.hash = batches.begun();
        batches
    }

    /// The hash of what all rows have in common.
    fn begun(&self) -> u128 {
        let mut hasher = Hasher::new();
        hasher.write(b"iobeam csv 2");
        hasher.write(self.namespace.as_str().as_bytes());
        for (name, value) in &self.constants {
            hasher.write(&name_mark(name.as_str()));
            hasher.write(value.to_string().as_bytes());
        }
        hasher.write(&self.salt.unwrap_or(0).to_le_bytes());
        hasher.finish_128()
    }

    /// Adds a value to the row that is being filled.
    pub(super) fn value(&mut self, field: usize, value: Typed<'_>) {
        let Some(Some(filling)) = self.fields.get_mut(field) else { return };
        if filling.len() > self.times.len() {
            return;
        }
        self.row.extend(filling.mark);
        let before = self.row.len();
        match value {
            Typed::Double(number)
                if number.fract() == 0.0
                    && number.abs() <= EXACT
                    && number.to_bits() != (-0.0_f64).to_bits() =>
            {
                integer(&mut self.row, number as i64);
            }
            Typed::Long(number) => integer(&mut self.row, number),
            Typed::Double(number) => {
                self.row.push(2);
                self.row.extend(number.to_bits().to_le_bytes());
            }
            Typed::Boolean(truth) => self.row.extend([3, u8::from(truth)]),
            Typed::String(text) => {
                self.row.push(4);
                self.row.extend((text.len() as u64).to_le_bytes());
                self.row.extend(text.as_bytes());
            }
        }
        self.bytes += self.row.len() - before;
        filling.push(value);
    }

    /// Ends the row; gives what is left of the block when it is full.
    pub(super) fn end_row(&mut self, micros: i64, line: u64) -> Result<Option<Block>> {
        self.times.push(micros);
        self.lines.push(line);
        self.row.push(0xff);
        self.row.extend(micros.to_le_bytes());
        self.row.extend(self.hash.to_le_bytes());
        self.hash = Hasher::oneshot(&self.row);
        self.row.clear();
        if self.stream.is_none() {
            let count = self.seen.entry(self.hash).or_default();
            let first = [self.hash.to_le_bytes(), u128::from(*count).to_le_bytes()].concat();
            self.stream = Some(BatchId::content_stream(Hasher::oneshot(&first)));
            *count += 1;
        }
        for filling in self.fields.iter_mut().flatten() {
            if filling.len() < self.times.len() {
                filling.push_missing();
            }
        }
        let rows = self.taken + self.times.len();
        let hash = self.hash as u64 >> (u64::BITS - BatchId::HASH_BITS);
        self.numbers.push((rows as u64) << BatchId::HASH_BITS | hash);
        let is_full = rows >= MAX_ROWS
            || self.bytes >= MAX_CELL_BYTES
            || rows * (self.fields.len() + self.constants.len() + 1) >= MAX_VALUES;
        if !is_full {
            return Ok(None);
        }
        let block = self.take()?.map(|block| Block { is_full: true, ..block });
        (self.hash, self.stream, self.bytes, self.taken) = (self.begun(), None, 0, 0);
        Ok(block)
    }

    /// Where rows wait to be taken: the block's stream, and how many rows it has so far, those that were taken included.
    pub(super) fn under_way(&self) -> Option<([u8; 16], usize)> {
        self.stream.filter(|_| self.has_rows()).map(|of| (of, self.taken + self.times.len()))
    }

    fn has_rows(&self) -> bool {
        !self.times.is_empty()
    }

    /// The rows that are left of the block, which goes on.
    pub(super) fn take(&mut self) -> Result<Option<Block>> {
        let Some(stream) = self.stream.filter(|_| self.has_rows()) else { return Ok(None) };
        let times = std::mem::take(&mut self.times);
        let rows = times.len();
        let columns = self.fields.iter_mut().flatten().filter_map(Filling::take);
        let mut columns = columns.collect::<Result<Vec<_>>>()?;
        for (name, value) in &self.constants {
            columns.extend(constant(name, value, rows)?);
        }
        let block = Block {
            stream,
            batch: Batch::new(self.namespace.clone(), times, columns)?,
            numbers: std::mem::take(&mut self.numbers),
            lines: std::mem::take(&mut self.lines),
            before: self.before,
            is_full: false,
        };
        self.taken += rows;
        self.before += rows as u64;
        Ok(Some(block))
    }
}

fn integer(row: &mut Vec<u8>, number: i64) {
    row.push(1);
    row.extend(number.to_le_bytes());
}

/// A column of one value.
fn constant(name: &FieldName, value: &Value, rows: usize) -> Result<Option<Column>> {
    let values = match value {
        Value::Bool(truth) => Values::Boolean(vec![*truth; rows]),
        Value::String(text) => Values::String(Texts::constant(text, rows)),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => Values::Long(vec![number; rows]),
            (None, Some(number)) => Values::Double(vec![number; rows]),
            (None, None) => return Ok(None),
        },
        Value::Null | Value::Array(_) | Value::Object(_) => return Ok(None),
    };
    Ok(Some(Column::new(name.clone(), values, None)?))
}

#[cfg(test)]
mod tests;
