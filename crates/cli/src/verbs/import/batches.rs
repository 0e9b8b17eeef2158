//! Rows put together to numbered batches, the same ones whenever the same rows are imported.
//!
//! ```text
//! row row row … ─▶ 10 000 rows, 4 MiB of cells or a million values ─▶ Batch + id
//!                  id: stream = hash of what the rows say, counter = how often the same rows came before in this file
//! ```
//!
//! What a batch is, and so its id, follows from the rows alone: not from flags of the request, from the types that fields
//! have meanwhile, or from what was sent before. The server knows ids by their streams without a limit of time.

use std::collections::HashMap;

use anyhow::Result;
use iobeam_model::{Batch, BatchId, Bitmap, Column, FieldName, NamespaceName, Texts, Values};
use iobeam_wire::batch::{Compression, encode};
use serde_json::Value;
use twox_hash::xxhash3_128::Hasher;

use super::typed::{Kind, Typed};

/// Most rows of a batch.
const MAX_ROWS: usize = 10_000;
/// Most bytes of cells in a batch.
const MAX_CELL_BYTES: usize = 4 << 20;
/// Most values of a batch, missing ones too.
const MAX_VALUES: usize = 1 << 20;
/// Up to this, an integer and the double of it count as the same.
const EXACT: f64 = 9_007_199_254_740_992.0;

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
    bytes: usize,
    lines: (u64, u64),
    hasher: Hasher,
    /// How often batches of this content came.
    seen: HashMap<u128, u64>,
    /// In place of content: each batch is new.
    salt: Option<u128>,
}

impl Batches {
    /// No rows yet. With a salt, no other import has the same ids.
    pub(super) fn new(
        namespace: NamespaceName,
        constants: Vec<(FieldName, Value)>,
        fields: Vec<Option<(FieldName, Kind)>>,
        salt: Option<u128>,
    ) -> Self {
        let fields = fields.into_iter();
        let fields =
            fields.map(|field| field.map(|(name, kind)| Filling::new(name, kind))).collect();
        let mut batches = Self {
            namespace,
            constants,
            fields,
            times: Vec::new(),
            bytes: 0,
            lines: (0, 0),
            hasher: Hasher::new(),
            seen: HashMap::new(),
            salt,
        };
        batches.hasher = batches.begun();
        batches
    }

    /// The hash of what all rows have in common.
    fn begun(&self) -> Hasher {
        let mut hasher = Hasher::new();
        hasher.write(b"iobeam csv 1");
        hasher.write(self.namespace.as_str().as_bytes());
        for (name, value) in &self.constants {
            hasher.write(&name_mark(name.as_str()));
            hasher.write(value.to_string().as_bytes());
        }
        hasher
    }

    /// Adds a value to the row that is being filled.
    pub(super) fn value(&mut self, field: usize, value: Typed<'_>) {
        let Some(Some(filling)) = self.fields.get_mut(field) else { return };
        if filling.len() > self.times.len() {
            return;
        }
        self.hasher.write(&filling.mark);
        self.bytes += match value {
            Typed::Double(number)
                if number.fract() == 0.0
                    && number.abs() <= EXACT
                    && number.to_bits() != (-0.0_f64).to_bits() =>
            {
                integer(&mut self.hasher, number as i64)
            }
            Typed::Long(number) => integer(&mut self.hasher, number),
            Typed::Double(number) => {
                self.hasher.write(&[2]);
                self.hasher.write(&number.to_bits().to_le_bytes());
                8
            }
            Typed::Boolean(truth) => {
                self.hasher.write(&[3, u8::from(truth)]);
                1
            }
            Typed::String(text) => {
                self.hasher.write(&[4]);
                self.hasher.write(&(text.len() as u64).to_le_bytes());
                self.hasher.write(text.as_bytes());
                text.len() + 4
            }
        };
        filling.push(value);
    }

    /// Ends the row; gives a batch when it is full.
    pub(super) fn end_row(&mut self, micros: i64, line: u64) -> Result<Option<Numbered>> {
        if self.times.is_empty() {
            self.lines.0 = line;
        }
        self.lines.1 = line;
        self.times.push(micros);
        self.hasher.write(&[0xff]);
        self.hasher.write(&micros.to_le_bytes());
        for filling in self.fields.iter_mut().flatten() {
            if filling.len() < self.times.len() {
                filling.push_missing();
            }
        }
        let rows = self.times.len();
        let is_full = rows >= MAX_ROWS
            || self.bytes >= MAX_CELL_BYTES
            || rows * (self.fields.len() + self.constants.len() + 1) >= MAX_VALUES;
        if is_full { self.take() } else { Ok(None) }
    }

    /// The rows that are left.
    pub(super) fn take(&mut self) -> Result<Option<Numbered>> {
        if self.times.is_empty() {
            return Ok(None);
        }
        let begun = self.begun();
        let content = std::mem::replace(&mut self.hasher, begun).finish_128();
        let times = std::mem::take(&mut self.times);
        let rows = times.len();
        self.bytes = 0;
        let columns = self.fields.iter_mut().flatten().filter_map(Filling::take);
        let mut columns = columns.collect::<Result<Vec<_>>>()?;
        for (name, value) in &self.constants {
            columns.extend(constant(name, value, rows)?);
        }
        let batch = Batch::new(self.namespace.clone(), times, columns)?;
        let count = self.seen.entry(content).or_default();
        let stream = content ^ self.salt.unwrap_or(0);
        let id = BatchId { stream: stream.to_le_bytes(), counter: *count };
        *count += 1;
        let body = encode(&batch, Some(id), Compression::Zstd);
        Ok(Some(Numbered { body, rows: rows as u64, lines: self.lines }))
    }
}

fn integer(hasher: &mut Hasher, number: i64) -> usize {
    hasher.write(&[1]);
    hasher.write(&number.to_le_bytes());
    8
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
mod tests {
    use iobeam_wire::batch::{Limits, decode};

    use super::*;

    fn filled(kind: Kind, values: &[Option<f64>], device: &str) -> Vec<Numbered> {
        let device = (FieldName::device_id(), Value::from(device));
        let fields = vec![Some(("a".parse().expect("a name"), kind))];
        let mut batches = Batches::new(NamespaceName::input(), vec![device], fields, None);
        let mut all = Vec::new();
        for (row, value) in values.iter().enumerate() {
            match (kind, value) {
                (Kind::Long, Some(value)) => batches.value(0, Typed::Long(*value as i64)),
                (_, Some(value)) => batches.value(0, Typed::Double(*value)),
                _ => {}
            }
            all.extend(batches.end_row(row as i64 % 20_000, row as u64 + 2).expect("sound"));
        }
        all.extend(batches.take().expect("sound"));
        all
    }

    fn ids(all: &[Numbered]) -> Vec<BatchId> {
        let id =
            |numbered: &Numbered| decode(&numbered.body, &Limits::default()).expect("sound").id;
        all.iter().filter_map(id).collect()
    }

    #[test]
    fn the_same_rows_have_the_same_ids_and_others_have_others() {
        let values: Vec<_> =
            (0..25_000).map(|row| (row % 3 > 0).then_some(f64::from(row))).collect();
        let all = filled(Kind::Double, &values, "d");
        assert_eq!(
            all.iter().map(|numbered| numbered.rows).collect::<Vec<_>>(),
            [10_000, 10_000, 5_000]
        );
        assert_eq!((all[0].lines, all[2].lines), ((2, 10_001), (20_002, 25_001)));
        let first = ids(&all);
        assert_eq!(first, ids(&filled(Kind::Double, &values, "d")));
        assert_eq!(first, ids(&filled(Kind::Long, &values, "d")), "whatever type the field has");
        assert_eq!(first[..2], ids(&filled(Kind::Double, &values[..20_001], "d"))[..2]);
        let mut other = values.clone();
        other[24_999] = Some(-1.0);
        let changed = ids(&filled(Kind::Double, &other, "d"));
        assert_eq!((&first[..2], first[2] == changed[2]), (&changed[..2], false));
        assert_ne!(first, ids(&filled(Kind::Double, &values, "e")));
    }

    #[test]
    fn equal_rows_of_one_file_are_all_stored() {
        let values = vec![Some(1.0); 40_000];
        let all = ids(&filled(Kind::Double, &values, "d"));
        assert_eq!(all[0].stream, all[2].stream);
        assert_eq!((all[0].counter, all[2].counter), (0, 1));
    }
}
