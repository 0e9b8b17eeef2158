//! Columns from the Arrow C data interface: what pyarrow, polars and others hand over without a copy of theirs.
//!
//! ```text
//! __arrow_c_stream__() ─▶ capsule "arrow_array_stream" ─▶ schema, array, array, … ─▶ columns of ours
//! ```
//!
//! The structs are Arrow's own, fixed for good (<https://arrow.apache.org/docs/format/CDataInterface.html>). What is
//! pointed to is trusted to be what its format says, as everybody who reads the interface must: there are no lengths
//! of buffers in it. Everything is copied into columns before the producer is told to release.

mod extension;

mod interface;

use std::ffi::c_int;

use iobeam_model::{Bitmap, Texts};
use pyo3::prelude::*;

use super::column::{Loose, Numbers, has, mixed, unsigned};
use super::half::{double_of_half, number_of_decimal};
use crate::failure::{column_error, column_type_error};
use interface::{Array, Schema, Stream, empty_array, empty_schema, empty_stream, take_over, text};

/// The parts of a frame, one after the other: names, and for each its column.
pub(crate) struct Parts {
    stream: Stream,
    schema: Schema,
    names: Vec<String>,
}

// SAFETY: the interface says that a stream may be read from any one thread at a time, and we own it.
unsafe impl Send for Parts {}

/// Rows of an array with its type, of which nothing outlives the array itself.
#[derive(Clone, Copy)]
struct View<'a> {
    schema: &'a Schema,
    array: &'a Array,
    from: usize,
    rows: usize,
}

/// The column that an object is which speaks Arrow; `None` when it does not.
pub(super) fn column(name: &str, values: &Bound<'_, PyAny>) -> PyResult<Option<Loose>> {
    if values.hasattr("__arrow_c_stream__")? {
        let mut parts = Parts::open(values)?;
        let mut whole = Loose::Nothing(0);
        while let Some(array) = parts.array()? {
            let part = View::of(&parts.schema, &array).read();
            let next = part.and_then(|part| whole.append(part));
            whole = next.map_err(|reason| cannot(name, &reason))?;
        }
        return Ok(Some(whole));
    }
    if !values.hasattr("__arrow_c_array__")? {
        return Ok(None);
    }
    let pair = values.call_method0("__arrow_c_array__")?;
    // SAFETY: capsules of these names hold these structs, and an empty one releases nothing.
    let (schema, array) = unsafe {
        (
            take_over(&pair.get_item(0)?, c"arrow_schema", empty_schema())?,
            take_over(&pair.get_item(1)?, c"arrow_array", empty_array())?,
        )
    };
    View::of(&schema, &array).read().map(Some).map_err(|reason| cannot(name, &reason))
}

fn cannot(name: &str, reason: &str) -> PyErr {
    column_type_error(&format!("column '{name}': {reason}"))
}

impl Parts {
    /// Takes the stream over that a table offers.
    pub(super) fn of(frame: &Bound<'_, PyAny>) -> PyResult<Self> {
        let mut parts = Self::open(frame)?;
        if text(parts.schema.format) != "+s" {
            return Err(column_error(
                "this is one column, not a table; give a dict of columns, as {\"time\": times, \"a\": column}",
            ));
        }
        parts.names = (0..parts.schema.n_children as usize)
            .map(|at| parts.schema.child(at).map(|child| text(child.name).to_owned()))
            .collect::<PyResult<_>>()?;
        Ok(parts)
    }

    fn open(frame: &Bound<'_, PyAny>) -> PyResult<Self> {
        let capsule = frame.call_method0("__arrow_c_stream__")?;
        // SAFETY: a capsule of that name holds a stream, and an empty one releases nothing.
        let stream = unsafe { take_over(&capsule, c"arrow_array_stream", empty_stream())? };
        let mut parts = Self { stream, schema: empty_schema(), names: Vec::new() };
        let get = parts.stream.get_schema.ok_or_else(released)?;
        // SAFETY: both point to what they should.
        let code = unsafe { get(&raw mut parts.stream, &raw mut parts.schema) };
        parts.check(code)?;
        Ok(parts)
    }

    /// The names of the columns.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// The columns of the next part; `None` after the last.
    pub(super) fn next(&mut self) -> PyResult<Option<Vec<Loose>>> {
        let Some(array) = self.array()? else { return Ok(None) };
        let root = View::of(&self.schema, &array);
        let columns = (0..self.names.len())
            .map(|at| root.child(at)?.read().map_err(|reason| cannot(&self.names[at], &reason)));
        columns.collect::<PyResult<Vec<_>>>().map(Some)
    }

    /// The next array; `None` after the last.
    fn array(&mut self) -> PyResult<Option<Array>> {
        let mut array = empty_array();
        let get = self.stream.get_next.ok_or_else(released)?;
        // SAFETY: both point to what they should.
        let code = unsafe { get(&raw mut self.stream, &raw mut array) };
        self.check(code)?;
        Ok(array.release.is_some().then_some(array))
    }

    fn check(&mut self, code: c_int) -> PyResult<()> {
        if code == 0 {
            return Ok(());
        }
        let reason = self.stream.get_last_error.map_or("no reason is given", |get| {
            // SAFETY: the text lives until the next call on the stream.
            text(unsafe { get(&raw mut self.stream) })
        });
        Err(column_error(&format!("the frame could not be read (error {code}): {reason}")))
    }
}

fn released() -> PyErr {
    column_error("the Arrow stream was used up already")
}

impl<'a> View<'a> {
    fn of(schema: &'a Schema, array: &'a Array) -> Self {
        View { schema, array, from: array.offset as usize, rows: array.length as usize }
    }

    /// A child as it is.
    fn whole_child(self, at: usize) -> PyResult<Self> {
        let schema = self.schema.child(at)?;
        // SAFETY: there are as many arrays as there are schemas.
        let array = unsafe { (*self.array.children.add(at)).as_ref() };
        let missing = || column_error("a column of the Arrow stream is missing");
        array.map(|array| Self::of(schema, array)).ok_or_else(missing)
    }

    /// The rows of a struct's child that are these rows.
    fn child(self, at: usize) -> PyResult<Self> {
        let child = self.whole_child(at)?;
        Ok(View { from: child.from + self.from, rows: self.rows, ..child })
    }

    fn buffer<T>(self, at: usize) -> Option<*const T> {
        // SAFETY: the format says how many buffers there are, and callers ask for no others.
        let start = unsafe { (*self.array.buffers.add(at)).cast::<T>() };
        (!start.is_null() && self.rows > 0).then_some(start)
    }

    /// The values of a buffer that holds one for each row; zeros when there is no buffer, as all are missing.
    fn values<T: Copy + Default>(self, buffer: usize) -> Vec<T> {
        let Some(start) = self.buffer::<T>(buffer) else { return vec![T::default(); self.rows] };
        // SAFETY: the format says that the buffer holds offset + length of them.
        unsafe {
            let start = start.wrapping_add(self.from);
            if start.is_aligned() {
                std::slice::from_raw_parts(start, self.rows).to_vec()
            } else {
                (0..self.rows).map(|row| start.wrapping_add(row).read_unaligned()).collect()
            }
        }
    }

    /// Bits of a buffer, one for each row.
    fn bits(self, buffer: usize) -> Option<Bitmap> {
        let start = self.buffer::<u8>(buffer)?;
        // SAFETY: a buffer of bits holds offset + length of them.
        let bytes =
            unsafe { std::slice::from_raw_parts(start, (self.from + self.rows).div_ceil(8)) };
        if self.from.is_multiple_of(8) {
            return Bitmap::from_bytes(bytes[self.from / 8..].to_vec(), self.rows);
        }
        let mut bits = Bitmap::new();
        for at in self.from..self.from + self.rows {
            bits.push(bytes[at / 8] & (1 << (at % 8)) != 0);
        }
        Some(bits)
    }

    fn present(self) -> Option<Bitmap> {
        if self.array.null_count == 0 || self.array.n_buffers == 0 { None } else { self.bits(0) }
    }

    fn longs<T: Copy + Default + Into<i64>>(self) -> Numbers {
        Numbers::Longs(self.values::<T>(1).into_iter().map(Into::into).collect())
    }

    fn read(self) -> Result<Loose, String> {
        let format = text(self.schema.format);
        if format == "+r" {
            return self.read_runs();
        }
        let present = self.present();
        match extension::name(self.schema.metadata) {
            Some("arrow.bool8") => {
                let truths = self.values::<i8>(1).into_iter().map(|byte| byte != 0).collect();
                return Ok(Loose::Truths(truths, present));
            }
            Some("arrow.uuid") => {
                return Err("UUIDs cannot be stored; make them strings".to_owned());
            }
            _ => {}
        }
        if let Some(words) = self.dictionary() {
            let words = words.read()?;
            let rows = self.keys(1)?.into_iter().enumerate();
            let rows = rows.map(|(row, key)| {
                let key = usize::try_from(key).ok().filter(|key| *key < words.len());
                key.filter(|_| has(present.as_ref(), row))
            });
            return Ok(words.take(&rows.collect::<Vec<_>>()));
        }
        let numbers = match format {
            "g" => Numbers::Doubles(self.values(1)),
            "f" => Numbers::Doubles(self.values::<f32>(1).into_iter().map(Into::into).collect()),
            "e" => Numbers::Doubles(self.values(1).into_iter().map(double_of_half).collect()),
            "c" => self.longs::<i8>(),
            "C" => self.longs::<u8>(),
            "s" => self.longs::<i16>(),
            "S" => self.longs::<u16>(),
            "i" => self.longs::<i32>(),
            "I" => self.longs::<u32>(),
            "l" => Numbers::Longs(self.values(1)),
            "L" => unsigned(&self.values(1), present.as_ref())?,
            "n" => return Ok(Loose::Nothing(self.rows)),
            "b" => {
                let bits = self.bits(1).unwrap_or_else(|| Bitmap::filled(self.rows, false));
                let truths = (0..self.rows).map(|row| bits.get(row)).collect();
                return Ok(Loose::Truths(truths, present));
            }
            "u" | "U" | "vu" => {
                return Ok(Loose::Texts(self.texts(format, present.as_ref())?, present));
            }
            _ if format.starts_with("d:") => self.decimals(format, present.as_ref())?,
            // Of polars, which has them and Arrow has not.
            "_pli128" => {
                let numbers = self.values::<i128>(1).into_iter().map(Some).collect();
                self.wide(numbers, present.as_ref(), 0)?
            }
            _ => return self.read_time(format, present),
        };
        Ok(Loose::Numbers(numbers, present))
    }

    /// Whole numbers of whatever width that point to something.
    fn keys(self, buffer: usize) -> Result<Vec<i64>, String> {
        Ok(match text(self.schema.format) {
            "c" => self.values::<i8>(buffer).into_iter().map(i64::from).collect(),
            "C" => self.values::<u8>(buffer).into_iter().map(i64::from).collect(),
            "s" => self.values::<i16>(buffer).into_iter().map(i64::from).collect(),
            "S" => self.values::<u16>(buffer).into_iter().map(i64::from).collect(),
            "i" => self.values::<i32>(buffer).into_iter().map(i64::from).collect(),
            "I" => self.values::<u32>(buffer).into_iter().map(i64::from).collect(),
            "l" | "L" => self.values::<i64>(buffer),
            other => return Err(format!("keys of the Arrow type {other:?} are not understood")),
        })
    }

    fn dictionary(self) -> Option<Self> {
        // SAFETY: both are null, or both are what they say.
        unsafe { Some(Self::of(self.schema.dictionary.as_ref()?, self.array.dictionary.as_ref()?)) }
    }

    /// Values that stand for as many rows as each run is long.
    fn read_runs(self) -> Result<Loose, String> {
        let child = |at| self.whole_child(at).map_err(|error| error.to_string());
        let ends = child(0)?.keys(1)?;
        let values = child(1)?.read()?;
        let run = |row: usize| ends.partition_point(|end| *end <= row as i64);
        let rows = (self.from..self.from + self.rows).map(run);
        Ok(values.take(&rows.map(|run| (run < values.len()).then_some(run)).collect::<Vec<_>>()))
    }

    fn decimals(self, format: &str, present: Option<&Bitmap>) -> Result<Numbers, String> {
        let unknown = || format!("the Arrow type {format:?} is not understood");
        let mut parts = format.trim_start_matches("d:").split(',').skip(1);
        let scale: i32 = parts.next().and_then(|scale| scale.parse().ok()).ok_or_else(unknown)?;
        let unscaled: Vec<Option<i128>> = match parts.next().unwrap_or("128") {
            "32" => self.values::<i32>(1).into_iter().map(|number| Some(number.into())).collect(),
            "64" => self.values::<i64>(1).into_iter().map(|number| Some(number.into())).collect(),
            "128" => self.values::<i128>(1).into_iter().map(Some).collect(),
            "256" => {
                let narrow = |[low, high]: [i128; 2]| (high == low >> 127).then_some(low);
                self.values::<[i128; 2]>(1).into_iter().map(narrow).collect()
            }
            _ => return Err(unknown()),
        };
        self.wide(unscaled, present, scale)
    }

    /// Numbers of more than 64 bits, and so many of their digits behind the point; nothing where they are longer still.
    fn wide(
        self,
        unscaled: Vec<Option<i128>>,
        present: Option<&Bitmap>,
        scale: i32,
    ) -> Result<Numbers, String> {
        let mut cells = Vec::with_capacity(self.rows);
        for (row, number) in unscaled.into_iter().enumerate() {
            if !has(present, row) {
                cells.push(None);
                continue;
            }
            let number = number.ok_or_else(|| format!("row {row}: more than 38 digits"))?;
            let number = number_of_decimal(number, scale);
            cells.push(Some(number.map_err(|reason| format!("row {row}: {reason}"))?));
        }
        mixed(cells.into_iter())
    }

    fn read_time(self, format: &str, present: Option<Bitmap>) -> Result<Loose, String> {
        const DAY: i64 = 86_400_000_000;
        if format == "tdD" {
            let days = self.values::<i32>(1).into_iter();
            let micros = days.map(|day| i64::from(day) * DAY).collect();
            return Ok(Loose::Times { micros, present, zoned: false });
        }
        let unit = match format.get(..4) {
            Some("tss:") => 1_000_000,
            Some("tsm:") => 1_000,
            Some("tsu:") => 1,
            Some("tsn:") => 0,
            _ if format == "tdm" => 1_000,
            _ if format.starts_with("tD") => {
                return Err("durations are no values; make it a number of a unit".to_owned());
            }
            _ if format.starts_with("tt") => {
                return Err("times of the day are no values; make them texts or numbers".to_owned());
            }
            _ => {
                return Err(format!(
                    "{} cannot be stored; make them numbers, bools, strings or times",
                    extension::spoken(format)
                ));
            }
        };
        let zoned = format.len() > 4;
        let micros = super::column::to_micros(&self.values::<i64>(1), unit, present.as_ref())?;
        Ok(Loose::Times { micros, present, zoned })
    }

    fn texts(self, format: &str, present: Option<&Bitmap>) -> Result<Texts, String> {
        let mut texts = Texts::new();
        for row in 0..self.rows {
            if !has(present, row) {
                texts.push_missing();
                continue;
            }
            // SAFETY: the format says where the bytes of each row lie.
            let bytes = unsafe {
                match format {
                    "u" => self.slice::<i32>(row),
                    "U" => self.slice::<i64>(row),
                    _ => self.viewed(row),
                }
            };
            let text = std::str::from_utf8(bytes);
            texts.push(text.map_err(|_| format!("row {row}: the text is not UTF-8"))?);
        }
        Ok(texts)
    }

    /// The bytes between two offsets.
    ///
    /// # Safety
    /// The array's buffers are offsets of that type, and bytes.
    unsafe fn slice<T: Copy + TryInto<usize>>(self, row: usize) -> &'a [u8] {
        unsafe {
            let offsets = (*self.array.buffers.add(1)).cast::<T>().add(self.from + row);
            let bytes = (*self.array.buffers.add(2)).cast::<u8>();
            let from = offsets.read_unaligned().try_into().unwrap_or(0);
            let to = offsets.add(1).read_unaligned().try_into().unwrap_or(from);
            if to <= from { &[] } else { std::slice::from_raw_parts(bytes.add(from), to - from) }
        }
    }

    /// The bytes that a view of sixteen bytes means: in it when short, else in one of the further buffers.
    ///
    /// # Safety
    /// The array is one of views.
    unsafe fn viewed(self, row: usize) -> &'a [u8] {
        unsafe {
            let view = (*self.array.buffers.add(1)).cast::<u8>().add((self.from + row) * 16);
            let number = |at: usize| view.add(at).cast::<i32>().read_unaligned() as usize;
            let length = number(0);
            if length <= 12 {
                return std::slice::from_raw_parts(view.add(4), length);
            }
            let bytes = (*self.array.buffers.add(2 + number(8))).cast::<u8>();
            std::slice::from_raw_parts(bytes.add(number(12)), length)
        }
    }
}
