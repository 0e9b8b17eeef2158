//! Columns from the Arrow C data interface: what pyarrow, polars and others hand over without a copy of theirs.
//!
//! ```text
//! __arrow_c_stream__() ─▶ capsule "arrow_array_stream" ─▶ schema, array, array, … ─▶ columns of ours
//! ```
//!
//! The structs are Arrow's own, fixed for good (<https://arrow.apache.org/docs/format/CDataInterface.html>). What is
//! pointed to is trusted to be what its format says, as everybody who reads the interface must: there are no lengths
//! of buffers in it. Everything is copied into columns before the producer is told to release.

use std::ffi::{CStr, CString, c_char, c_int, c_void};

use iobeam_model::{Bitmap, Texts};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyCapsuleMethods};

use super::column::{Loose, Numbers};

/// `struct ArrowSchema`.
#[repr(C)]
struct Schema {
    format: *const c_char,
    name: *const c_char,
    metadata: *const c_char,
    flags: i64,
    n_children: i64,
    children: *mut *mut Schema,
    dictionary: *mut Schema,
    release: Option<unsafe extern "C" fn(*mut Schema)>,
    private_data: *mut c_void,
}

/// `struct ArrowArray`.
#[repr(C)]
struct Array {
    length: i64,
    null_count: i64,
    offset: i64,
    n_buffers: i64,
    n_children: i64,
    buffers: *mut *const c_void,
    children: *mut *mut Array,
    dictionary: *mut Array,
    release: Option<unsafe extern "C" fn(*mut Array)>,
    private_data: *mut c_void,
}

/// `struct ArrowArrayStream`.
#[repr(C)]
struct Stream {
    get_schema: Option<unsafe extern "C" fn(*mut Stream, *mut Schema) -> c_int>,
    get_next: Option<unsafe extern "C" fn(*mut Stream, *mut Array) -> c_int>,
    get_last_error: Option<unsafe extern "C" fn(*mut Stream) -> *const c_char>,
    release: Option<unsafe extern "C" fn(*mut Stream)>,
    private_data: *mut c_void,
}

macro_rules! released_when_dropped {
    ($($name:ident),*) => { $(
        impl Drop for $name {
            fn drop(&mut self) {
                if let Some(release) = self.release {
                    // SAFETY: the producer's function, called once: it sets `release` to null.
                    unsafe { release(self) };
                }
            }
        }
    )* };
}
released_when_dropped!(Schema, Array, Stream);

/// The parts of a frame, one after the other: names, and for each its column.
pub(crate) struct Parts {
    stream: Stream,
    schema: Schema,
    names: Vec<String>,
}

// SAFETY: the interface says that a stream may be read from any one thread at a time, and we own it.
unsafe impl Send for Parts {}

/// An array with its type, of which nothing outlives the array itself.
#[derive(Clone, Copy)]
struct View<'a> {
    schema: &'a Schema,
    array: &'a Array,
}

const fn empty_schema() -> Schema {
    Schema {
        format: std::ptr::null(),
        name: std::ptr::null(),
        metadata: std::ptr::null(),
        flags: 0,
        n_children: 0,
        children: std::ptr::null_mut(),
        dictionary: std::ptr::null_mut(),
        release: None,
        private_data: std::ptr::null_mut(),
    }
}

const fn empty_array() -> Array {
    Array {
        length: 0,
        null_count: 0,
        offset: 0,
        n_buffers: 0,
        n_children: 0,
        buffers: std::ptr::null_mut(),
        children: std::ptr::null_mut(),
        dictionary: std::ptr::null_mut(),
        release: None,
        private_data: std::ptr::null_mut(),
    }
}

impl Parts {
    /// Takes the stream over that an object offers.
    pub(super) fn of(frame: &Bound<'_, PyAny>) -> PyResult<Self> {
        let capsule = frame.call_method0("__arrow_c_stream__")?;
        let capsule = capsule.cast::<PyCapsule>().map_err(PyErr::from)?;
        let name = CString::from(c"arrow_array_stream");
        let pointer = capsule.pointer_checked(Some(&name))?.cast::<Stream>().as_ptr();
        // SAFETY: a capsule of that name holds a stream; moving it out and clearing `release` is how it is taken over.
        let stream = unsafe {
            let stream = std::ptr::read(pointer);
            (*pointer).release = None;
            stream
        };
        let mut parts = Self { stream, schema: empty_schema(), names: Vec::new() };
        let get = parts.stream.get_schema.ok_or_else(released)?;
        // SAFETY: both point to what they should.
        let code = unsafe { get(&raw mut parts.stream, &raw mut parts.schema) };
        parts.check(code)?;
        if text(parts.schema.format) != "+s" {
            return Err(PyTypeError::new_err("the Arrow stream is not one of tables"));
        }
        parts.names = (0..parts.schema.n_children as usize)
            .map(|at| parts.schema.child(at).map(|child| text(child.name).to_owned()))
            .collect::<PyResult<_>>()?;
        Ok(parts)
    }

    /// The names of the columns.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// The columns of the next part; `None` after the last.
    pub(super) fn next(&mut self) -> PyResult<Option<Vec<Loose>>> {
        let mut array = empty_array();
        let get = self.stream.get_next.ok_or_else(released)?;
        // SAFETY: both point to what they should.
        let code = unsafe { get(&raw mut self.stream, &raw mut array) };
        self.check(code)?;
        if array.release.is_none() {
            return Ok(None);
        }
        let root = View { schema: &self.schema, array: &array };
        if array.offset != 0 {
            return Err(PyTypeError::new_err(
                "a slice of a struct is not understood; copy the frame",
            ));
        }
        let columns = (0..self.names.len()).map(|at| {
            let column = root.child(at)?;
            column.read().map_err(|kind| {
                PyTypeError::new_err(format!(
                    "column '{}': {kind} cannot be stored; cast it to numbers, bools, texts or times",
                    self.names[at]
                ))
            })
        });
        columns.collect::<PyResult<Vec<_>>>().map(Some)
    }

    fn check(&mut self, code: c_int) -> PyResult<()> {
        if code == 0 {
            return Ok(());
        }
        let reason = self.stream.get_last_error.map_or("no reason is given", |get| {
            // SAFETY: the text lives until the next call on the stream.
            text(unsafe { get(&raw mut self.stream) })
        });
        Err(PyValueError::new_err(format!("the frame could not be read (error {code}): {reason}")))
    }
}

fn released() -> PyErr {
    PyValueError::new_err("the Arrow stream was used up already")
}

/// A text of the producer's; empty when there is none.
fn text<'a>(pointer: *const c_char) -> &'a str {
    if pointer.is_null() {
        return "";
    }
    // SAFETY: the interface says that it ends with a zero and lives as long as its owner.
    unsafe { CStr::from_ptr(pointer) }.to_str().unwrap_or("")
}

impl Schema {
    fn child(&self, at: usize) -> PyResult<&Self> {
        // SAFETY: there are `n_children` of them, and the caller stays below.
        let child = unsafe { (*self.children.add(at)).as_ref() };
        child.ok_or_else(|| PyValueError::new_err("a column of the Arrow stream is missing"))
    }
}

impl<'a> View<'a> {
    fn child(self, at: usize) -> PyResult<Self> {
        let schema = self.schema.child(at)?;
        // SAFETY: as above.
        let array = unsafe { (*self.array.children.add(at)).as_ref() };
        let array = array
            .ok_or_else(|| PyValueError::new_err("a column of the Arrow stream is missing"))?;
        Ok(View { schema, array })
    }

    fn rows(self) -> usize {
        self.array.length as usize
    }

    /// The values of a buffer that holds one for each row.
    fn values<T: Copy>(self, buffer: usize) -> &'a [T] {
        if self.rows() == 0 {
            return &[];
        }
        // SAFETY: the format says that the buffer holds offset + length of them.
        unsafe {
            let start =
                (*self.array.buffers.add(buffer)).cast::<T>().add(self.array.offset as usize);
            std::slice::from_raw_parts(start, self.rows())
        }
    }

    /// Bits of a buffer, one for each row.
    fn bits(self, buffer: usize) -> Option<Bitmap> {
        if self.rows() == 0 {
            return None;
        }
        let from = self.array.offset as usize;
        // SAFETY: a buffer of bits holds offset + length of them.
        let bytes = unsafe {
            let start = (*self.array.buffers.add(buffer)).cast::<u8>();
            if start.is_null() {
                return None;
            }
            std::slice::from_raw_parts(start, (from + self.rows()).div_ceil(8))
        };
        if from.is_multiple_of(8) {
            return Bitmap::from_bytes(bytes[from / 8..].to_vec(), self.rows());
        }
        let mut bits = Bitmap::new();
        for at in from..from + self.rows() {
            bits.push(bytes[at / 8] & (1 << (at % 8)) != 0);
        }
        Some(bits)
    }

    fn present(self) -> Option<Bitmap> {
        if self.array.null_count == 0 || self.array.n_buffers == 0 { None } else { self.bits(0) }
    }

    fn numbers<T: Copy + Into<f64>>(self) -> Numbers {
        Numbers::Doubles(self.values::<T>(1).iter().map(|number| (*number).into()).collect())
    }

    fn read(self) -> Result<Loose, String> {
        let present = self.present();
        if let Some(dictionary) = self.dictionary() {
            return self.read_dictionary(dictionary, present);
        }
        let format = text(self.schema.format);
        let numbers = match format {
            "g" => Numbers::Doubles(self.values::<f64>(1).to_vec()),
            "f" => self.numbers::<f32>(),
            "c" => self.numbers::<i8>(),
            "C" => self.numbers::<u8>(),
            "s" => self.numbers::<i16>(),
            "S" => self.numbers::<u16>(),
            "i" => self.numbers::<i32>(),
            "I" => self.numbers::<u32>(),
            "l" => Numbers::Longs(self.values::<i64>(1).to_vec()),
            "L" => Numbers::unsigned(self.values::<u64>(1))?,
            "n" => return Ok(Loose::Nothing),
            "b" => {
                let bits = self.bits(1).unwrap_or_default();
                return Ok(Loose::Truths(
                    (0..self.rows()).map(|row| bits.get(row)).collect(),
                    present,
                ));
            }
            "u" | "U" | "vu" => {
                return Ok(Loose::Texts(self.texts(format, present.as_ref())?, present));
            }
            _ => return self.read_time(format, present),
        };
        Ok(Loose::Numbers(numbers, present))
    }

    fn read_time(self, format: &str, present: Option<Bitmap>) -> Result<Loose, String> {
        let unit = match format.get(..4) {
            Some("tss:") => 1_000_000,
            Some("tsm:") => 1_000,
            Some("tsu:") => 1,
            Some("tsn:") => 0,
            _ => return Err(format!("the Arrow type {format:?}")),
        };
        let zoned = format.len() > 4;
        let times = super::column::to_micros(self.values::<i64>(1), unit, present.as_ref())?;
        Ok(Loose::Times { micros: times, present, zoned })
    }

    fn dictionary(self) -> Option<View<'a>> {
        // SAFETY: both are null, or both are what they say.
        unsafe {
            Some(View {
                schema: self.schema.dictionary.as_ref()?,
                array: self.array.dictionary.as_ref()?,
            })
        }
    }

    fn read_dictionary(self, words: View<'a>, present: Option<Bitmap>) -> Result<Loose, String> {
        let format = text(words.schema.format);
        if !matches!(format, "u" | "U" | "vu") {
            return Err(format!("a dictionary of the Arrow type {format:?}"));
        }
        let words = words.texts(format, words.present().as_ref())?;
        let keys: Vec<u32> = match text(self.schema.format) {
            "c" => self.values::<i8>(1).iter().map(|key| *key as u32).collect(),
            "C" => self.values::<u8>(1).iter().map(|key| u32::from(*key)).collect(),
            "s" => self.values::<i16>(1).iter().map(|key| *key as u32).collect(),
            "S" => self.values::<u16>(1).iter().map(|key| u32::from(*key)).collect(),
            "i" => self.values::<i32>(1).iter().map(|key| *key as u32).collect(),
            "I" => self.values::<u32>(1).to_vec(),
            "l" | "L" => self.values::<i64>(1).iter().map(|key| *key as u32).collect(),
            other => return Err(format!("a dictionary with keys of the Arrow type {other:?}")),
        };
        let mut texts = Texts::new();
        for (row, key) in keys.into_iter().enumerate() {
            if present.as_ref().is_none_or(|bits| bits.get(row)) && (key as usize) < words.len() {
                texts.push(words.get(key as usize));
            } else {
                texts.push_missing();
            }
        }
        Ok(Loose::Texts(texts, present))
    }

    fn texts(self, format: &str, present: Option<&Bitmap>) -> Result<Texts, String> {
        let mut texts = Texts::new();
        for row in 0..self.rows() {
            if present.is_some_and(|bits| !bits.get(row)) {
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
            texts
                .push(std::str::from_utf8(bytes).map_err(|_| "text that is not UTF-8".to_owned())?);
        }
        Ok(texts)
    }

    /// The bytes between two offsets.
    ///
    /// # Safety
    /// The array's buffers are offsets of that type, and bytes.
    unsafe fn slice<T: Copy + TryInto<usize>>(self, row: usize) -> &'a [u8] {
        unsafe {
            let offsets =
                (*self.array.buffers.add(1)).cast::<T>().add(self.array.offset as usize + row);
            let bytes = (*self.array.buffers.add(2)).cast::<u8>();
            let from = (*offsets).try_into().unwrap_or(0);
            let to = (*offsets.add(1)).try_into().unwrap_or(from);
            if to <= from { &[] } else { std::slice::from_raw_parts(bytes.add(from), to - from) }
        }
    }

    /// The bytes that a view of sixteen bytes means: in it when short, else in one of the further buffers.
    ///
    /// # Safety
    /// The array is one of views.
    unsafe fn viewed(self, row: usize) -> &'a [u8] {
        unsafe {
            let view = (*self.array.buffers.add(1))
                .cast::<u8>()
                .add((self.array.offset as usize + row) * 16);
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
