//! Values that a correction cannot convert: kept in a file, a line of JSON for each, and its checksum.
//!
//! ```text
//! {"time":1000000,"partition":"a","type":"STRING","value":"unavailable"} 5d7e90cd     a double as its bits, exactly
//! ```
//!
//! Lines of earlier versions have no checksum.

use std::io::{self, BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use iobeam_journal::disk::{Disk, DiskFile};
use iobeam_model::Value;
use serde::{Deserialize, Serialize};

use crate::error::StoreError;

/// Bytes of quarantined values that are written at once.
const BUFFER_BYTES: usize = 1 << 18;

/// A value that did not convert.
#[derive(Clone, Debug, PartialEq)]
pub struct QuarantinedValue {
    /// The time of its row, in microseconds.
    pub time: i64,
    /// The row's value of the partition field.
    pub partition: Option<Box<str>>,
    /// The value.
    pub value: Value,
}

/// Values that do not convert, on their way into a file.
#[derive(Debug)]
pub(crate) struct Quarantine {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    file: Option<Arc<dyn DiskFile>>,
    at: u64,
    buffer: Vec<u8>,
    values: u64,
}

impl Quarantine {
    /// A new, empty one.
    pub(crate) fn new(disk: Arc<dyn Disk>, path: PathBuf) -> Self {
        Self { disk, path, file: None, at: 0, buffer: Vec::new(), values: 0 }
    }

    /// Adds a value.
    pub(crate) fn add(
        &mut self,
        time: i64,
        partition: Option<Box<str>>,
        value: Value,
    ) -> io::Result<()> {
        let line = Line::from(QuarantinedValue { time, partition, value });
        let start = self.buffer.len();
        serde_json::to_writer(&mut self.buffer, &line)?;
        let sum = crc32c::crc32c(&self.buffer[start..]);
        self.buffer.extend(format!(" {sum:08x}\n").into_bytes());
        self.values += 1;
        if self.buffer.len() >= BUFFER_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let file = if let Some(file) = &self.file {
            Arc::clone(file)
        } else {
            let dir = self.path.parent().unwrap_or(Path::new(""));
            self.disk.create_dir(dir)?;
            if self.disk.exists(&self.path)? {
                // Of an attempt that did not come to its end.
                self.disk.remove(&self.path)?;
            }
            let file = self.disk.create(&self.path)?;
            self.file = Some(Arc::clone(&file));
            file
        };
        file.write_at(&self.buffer, self.at)?;
        self.at += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// Makes all values last, and says how many there are.
    pub(crate) fn sync(&mut self) -> Result<u64, StoreError> {
        self.flush().map_err(|error| StoreError::io("write", &self.path, error))?;
        if let Some(file) = &self.file {
            let dir = self.path.parent().unwrap_or(Path::new(""));
            let synced = file.sync_data().and_then(|()| self.disk.sync_dir(dir));
            synced.map_err(|error| StoreError::io("sync", &self.path, error))?;
        }
        Ok(self.values)
    }
}

/// Reads values from one on, at most so many, in the order of the files that they came from.
pub(crate) fn read(
    disk: &dyn Disk,
    path: &Path,
    (offset, limit): (usize, usize),
) -> Result<Vec<QuarantinedValue>, StoreError> {
    let failed = |error| StoreError::io("read", path, error);
    if !disk.exists(path).map_err(failed)? {
        return Ok(Vec::new());
    }
    let damaged = |reason: String| StoreError::Damaged { path: path.to_owned(), reason };
    let file = disk.open(path).map_err(failed)?;
    let lines = BufReader::with_capacity(BUFFER_BYTES, FromStart { file, at: 0 }).lines();
    let values = lines.skip(offset).take(limit).map(|line| {
        let line = match line {
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                return Err(damaged(error.to_string()));
            }
            line => line.map_err(failed)?,
        };
        parse(&line).map(Into::into).map_err(damaged)
    });
    values.collect()
}

/// A line without its end, or why it is none.
fn parse(line: &str) -> Result<Line, String> {
    let (value, sum) = match line.rsplit_once(' ') {
        // An earlier version ends its lines with the value.
        Some((value, sum)) if !line.ends_with('}') => (value, Some(sum)),
        _ => (line, None),
    };
    if sum.is_some_and(|sum| sum != format!("{:08x}", crc32c::crc32c(value.as_bytes()))) {
        return Err("a value's checksum is not that of what was written".to_owned());
    }
    serde_json::from_str(value).map_err(|error| error.to_string())
}

/// A quarantined value as it is written.
#[derive(Serialize, Deserialize)]
struct Line {
    time: i64,
    partition: Option<Box<str>>,
    #[serde(flatten)]
    value: Written,
}

/// A value with its type, exactly.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE", tag = "type", content = "value")]
enum Written {
    /// The number's bits.
    Double(u64),
    Long(i64),
    Boolean(bool),
    String(Box<str>),
}

impl From<QuarantinedValue> for Line {
    fn from(from: QuarantinedValue) -> Self {
        let value = match from.value {
            Value::Double(number) => Written::Double(number.to_bits()),
            Value::Long(number) => Written::Long(number),
            Value::Boolean(boolean) => Written::Boolean(boolean),
            Value::String(string) => Written::String(string),
        };
        Self { time: from.time, partition: from.partition, value }
    }
}

impl From<Line> for QuarantinedValue {
    fn from(line: Line) -> Self {
        let value = match line.value {
            Written::Double(bits) => Value::Double(f64::from_bits(bits)),
            Written::Long(number) => Value::Long(number),
            Written::Boolean(boolean) => Value::Boolean(boolean),
            Written::String(string) => Value::String(string),
        };
        Self { time: line.time, partition: line.partition, value }
    }
}

/// A file read from its beginning.
struct FromStart {
    file: Arc<dyn DiskFile>,
    at: u64,
}

impl Read for FromStart {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_flipped_bit_of_a_value_is_found_and_one_of_an_earlier_version_is_read() {
        let value = QuarantinedValue {
            time: 1_000_000,
            partition: Some("a b".into()),
            value: Value::String("n/a }".into()),
        };
        let json = serde_json::to_string(&Line::from(value.clone())).expect("JSON");
        let read = |line: &str| parse(line).map(QuarantinedValue::from);
        assert_eq!(read(&json), Ok(value.clone()));
        let line = format!("{json} {:08x}", crc32c::crc32c(json.as_bytes()));
        assert_eq!(read(&line), Ok(value));
        for bit in 0..line.len() * 8 {
            let mut bytes = line.clone().into_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            if let Ok(text) = String::from_utf8(bytes) {
                assert!(read(&text).is_err(), "bit {bit}: {text}");
            }
        }
    }
}
