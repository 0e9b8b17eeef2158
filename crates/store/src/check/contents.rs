//! What a Parquet file really holds: every page is read, and what the log says of the file is found out anew.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{Array as _, AsArray as _};
use arrow::datatypes::TimestampMicrosecondType;
use arrow::record_batch::RecordBatch;

use crate::chunk::TIME;
use crate::error::{FileError, StoreError};
use crate::lake::compact::open_at;
use crate::lake::delta::Fields;
use crate::lake::parquet::made_of;
use crate::snapshot::verified::VerifiedFile;
use crate::snapshot::{DataFile, FileFacts};

/// Bytes that are read at once for the checksum.
const PIECE: u64 = 1 << 20;

/// What was found in a file.
#[derive(Debug)]
pub(super) struct Contents {
    pub(super) rows: u64,
    pub(super) fields: Fields,
    /// The names of the files that it says it was made of.
    pub(super) made_of: Vec<String>,
    size: u64,
    crc: u32,
    min_time: i64,
    max_time: i64,
    min_partition: Option<Box<str>>,
    max_partition: Option<Box<str>>,
    partition_nulls: u64,
    /// The last row, to see that the next one does not come before it.
    last: Option<(Option<Box<str>>, i64)>,
    is_sorted: bool,
}

/// Reads all of a file, as far as it is sound: each of its blocks, its checksum, its pages.
///
/// # Errors
/// When it cannot be read to its end.
pub(super) fn read(file: &Arc<DataFile>, partition: &str) -> Result<Contents, StoreError> {
    let path = file.path();
    let damaged = |reason: String| StoreError::Damaged { path: path.to_owned(), reason };
    let crc = checksum(&file.open()?, file.size)?;
    // Before its pages: a wrong byte is best told as that, whatever it makes of them.
    if file.crc.is_some_and(|written| written != crc) {
        return Err(damaged("its checksum is not that of what was written".to_owned()));
    }
    let (reader, foot) = open_at(file)?;
    let schema = foot.schema();
    if schema.fields().first().is_none_or(|field| field.name() != TIME) {
        return Err(damaged("its first column is not the time".to_owned()));
    }
    let others = schema.fields()[1..].iter();
    let fields = others.map(|field| (field.name().as_str().into(), field.data_type().clone()));
    let mut contents = Contents {
        rows: 0,
        fields: fields.collect(),
        made_of: made_of(foot.metadata()),
        size: file.size,
        crc,
        min_time: i64::MAX,
        max_time: i64::MIN,
        min_partition: None,
        max_partition: None,
        partition_nulls: 0,
        last: None,
        is_sorted: true,
    };
    for rows in reader {
        let rows = rows.map_err(|error| damaged(error.to_string()))?;
        contents
            .learn(&rows, partition)
            .ok_or_else(|| damaged("its columns are not of their types".to_owned()))?;
    }
    Ok(contents)
}

fn checksum(file: &VerifiedFile, size: u64) -> Result<u32, FileError> {
    let mut crc = 0;
    let mut at = 0;
    while at < size {
        let end = size.min(at + PIECE);
        crc = crc32c::crc32c_append(crc, &file.read(at..end)?);
        at = end;
    }
    Ok(crc)
}

impl Contents {
    fn learn(&mut self, rows: &RecordBatch, partition: &str) -> Option<()> {
        let times = rows.column(0).as_primitive_opt::<TimestampMicrosecondType>()?;
        let texts = match rows.column_by_name(partition) {
            Some(column) => Some(column.as_string_view_opt()?),
            None => None,
        };
        self.rows += rows.num_rows() as u64;
        for row in 0..rows.num_rows() {
            let time = times.value(row);
            let text = texts.filter(|texts| texts.is_valid(row)).map(|texts| texts.value(row));
            self.min_time = self.min_time.min(time);
            self.max_time = self.max_time.max(time);
            let same_partition = match &self.last {
                Some((last, last_time)) => {
                    let order = last.as_deref().cmp(&text);
                    self.is_sorted &= order.then(last_time.cmp(&time)).is_le();
                    order.is_eq()
                }
                None => false,
            };
            self.partition_nulls += u64::from(text.is_none());
            if same_partition {
                if let Some(last) = &mut self.last {
                    last.1 = time;
                }
                continue;
            }
            if let Some(text) = text {
                let is_less = self.min_partition.as_deref().is_none_or(|least| text < least);
                let is_more = self.max_partition.as_deref().is_none_or(|most| text > most);
                if is_less {
                    self.min_partition = Some(text.into());
                }
                if is_more {
                    self.max_partition = Some(text.into());
                }
            }
            self.last = Some((text.map(Into::into), time));
        }
        Some(())
    }

    /// What is not as the log says; nothing when all is.
    pub(super) fn differs_from(&self, facts: &FileFacts) -> Option<String> {
        if self.rows != facts.rows {
            return Some(format!("it has {} rows, and the log says {}", self.rows, facts.rows));
        }
        if (self.min_time, self.max_time) != (facts.min_time, facts.max_time) {
            return Some("its times are not those that the log says".to_owned());
        }
        let found = (&self.min_partition, &self.max_partition, self.partition_nulls);
        if found != (&facts.min_partition, &facts.max_partition, facts.partition_nulls) {
            return Some("its devices are not those that the log says".to_owned());
        }
        (!self.is_sorted).then(|| "its rows are not in order".to_owned())
    }

    /// As the log would say it.
    pub(super) fn into_facts(self, path: PathBuf, seq: u64) -> FileFacts {
        FileFacts {
            path,
            size: self.size,
            rows: self.rows,
            min_time: self.min_time,
            max_time: self.max_time,
            min_partition: self.min_partition,
            max_partition: self.max_partition,
            partition_nulls: self.partition_nulls,
            seq,
            crc: Some(self.crc),
            tail: None,
        }
    }
}
