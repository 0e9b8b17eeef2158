//! Rows into one Parquet file: sorted, encoded column by column as its values ask for, synced.
//!
//! ```text
//! Ordered ─▶ gather a row group ─▶ ArrowWriter ─▶ last rows ─▶ part-<seq>-<uuid>.parquet ─▶ sync file, sync folder
//! ```
//!
//! Nothing is visible yet when a file is written: a commit makes it so.

use std::collections::HashSet;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{Array, AsArray as _};
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;
use iobeam_journal::disk::{Disk, DiskFile};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use crate::chunk::{self, TIME};
use crate::error::StoreError;
use crate::lake::order::Ordered;
use crate::snapshot::last::carried::{self, Gather};
use crate::snapshot::{Chunk, FileFacts};

/// So many values of a column tell how its values repeat.
const SAMPLE: usize = 8192;

/// Where a file goes and how it is cut.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// The table's folder.
    pub(crate) dir: PathBuf,
    /// The highest record in it.
    pub(crate) seq: u64,
    /// Rows per row group.
    pub(crate) row_group_rows: usize,
}

/// Writes chunks as one file. There must be a row among them.
pub(crate) fn write(
    disk: &dyn Disk,
    target: Target,
    chunks: Vec<Arc<Chunk>>,
    partition: &str,
) -> Result<Option<FileFacts>, StoreError> {
    let ordered = Ordered::new(chunks, partition);
    let schema = chunk::united_schema(ordered.chunks());
    let row_group_rows = target.row_group_rows;
    let mut output = Output::new(disk, target, partition);
    let mut start = 0;
    while start < ordered.len() {
        let end = ordered.len().min(start + row_group_rows);
        let rows = ordered.rows(start..end, &schema);
        output.write(&rows.map_err(|error| output.failed(error.into()))?)?;
        start = end;
    }
    output.finish()
}

/// A file being written, of rows that come in its order. Dropped unfinished, it is gone again.
pub(crate) struct Output<'a> {
    disk: &'a dyn Disk,
    target: Target,
    partition: &'a str,
    path: PathBuf,
    file: Option<Arc<dyn DiskFile>>,
    writer: Option<ArrowWriter<Sink>>,
    facts: FileFacts,
    last: Gather,
    finished: bool,
}

impl<'a> Output<'a> {
    /// Nothing is made before the first rows come.
    pub(crate) fn new(disk: &'a dyn Disk, target: Target, partition: &'a str) -> Self {
        let name = format!("part-{:020}-{}.parquet", target.seq, uuid::Uuid::new_v4().simple());
        let path = target.dir.join(name);
        let facts = FileFacts {
            path: path.clone(),
            size: 0,
            rows: 0,
            min_time: i64::MAX,
            max_time: i64::MIN,
            min_partition: None,
            max_partition: None,
            partition_nulls: 0,
            seq: target.seq,
            crc: None,
        };
        let last = Gather::new(partition);
        Self {
            disk,
            target,
            partition,
            path,
            file: None,
            writer: None,
            facts,
            last,
            finished: false,
        }
    }

    /// Adds a row group's worth of rows, of which there is at least one.
    pub(crate) fn write(&mut self, rows: &RecordBatch) -> Result<(), StoreError> {
        if self.writer.is_none() {
            let file = self.disk.create(&self.path);
            let file = file.map_err(|error| StoreError::io("create", &self.path, error))?;
            self.file = Some(Arc::clone(&file));
            let sink = Sink { file, at: 0, crc: 0, buffer: Vec::with_capacity(BUFFER) };
            let properties = properties(rows, self.partition, self.target.row_group_rows);
            let writer = ArrowWriter::try_new(sink, rows.schema(), Some(properties));
            self.writer = Some(writer.map_err(|error| self.failed(error))?);
        }
        self.learn(rows);
        self.last.add(rows);
        let Some(writer) = &mut self.writer else { return Ok(()) };
        writer.write(rows).map_err(|error| self.failed(error))
    }

    /// Facts of rows that come sorted by partition.
    fn learn(&mut self, rows: &RecordBatch) {
        let facts = &mut self.facts;
        facts.rows += rows.num_rows() as u64;
        for time in rows.column(0).as_primitive::<TimestampMicrosecondType>().values() {
            facts.min_time = facts.min_time.min(*time);
            facts.max_time = facts.max_time.max(*time);
        }
        let texts =
            rows.column_by_name(self.partition).and_then(|column| column.as_string_view_opt());
        let Some(texts) = texts else {
            facts.partition_nulls += rows.num_rows() as u64;
            return;
        };
        let nulls = texts.null_count();
        facts.partition_nulls += nulls as u64;
        if nulls < texts.len() {
            // Those without stand first.
            facts.min_partition.get_or_insert_with(|| texts.value(nulls).into());
            facts.max_partition = Some(texts.value(texts.len() - 1).into());
        }
    }

    /// Makes the file last, and tells what is in it; nothing when no rows came.
    pub(crate) fn finish(mut self) -> Result<Option<FileFacts>, StoreError> {
        let (Some(mut writer), Some(file)) = (self.writer.take(), self.file.take()) else {
            return Ok(None);
        };
        let last = std::mem::replace(&mut self.last, Gather::new(self.partition));
        carry(&mut writer, last).map_err(|error| self.failed(error))?;
        let mut sink = writer.into_inner().map_err(|error| self.failed(error))?;
        sink.flush().map_err(|error| StoreError::io("write", &self.path, error))?;
        file.sync_data().map_err(|error| StoreError::io("sync", &self.path, error))?;
        let dir = &self.target.dir;
        self.disk.sync_dir(dir).map_err(|error| StoreError::io("sync", dir, error))?;
        self.finished = true;
        self.facts.size = sink.at;
        self.facts.crc = Some(sink.crc);
        Ok(Some(self.facts.clone()))
    }

    /// What went wrong with this file.
    pub(crate) fn failed(&self, error: ParquetError) -> StoreError {
        StoreError::io("write", &self.path, as_io(error))
    }
}

impl Drop for Output<'_> {
    fn drop(&mut self) {
        if !self.finished {
            // Half a file is of no use, and on a full disk it is in the way.
            let _ = self.disk.remove(&self.path);
        }
    }
}

/// Puts the last rows behind the row groups.
fn carry(writer: &mut ArrowWriter<Sink>, last: Gather) -> Result<(), ParquetError> {
    let Some(carried) = last.finish()? else { return Ok(()) };
    writer.flush()?;
    for said in carried::told(writer.bytes_written(), &carried) {
        writer.append_key_value_metadata(said);
    }
    Ok(writer.write_all(&carried.rows)?)
}

/// The disk's own word where there is one: "no space left" must stay recognisable.
fn as_io(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(source) => match source.downcast::<io::Error>() {
            Ok(source) => *source,
            Err(source) => io::Error::other(source),
        },
        other => io::Error::other(other),
    }
}

fn properties(rows: &RecordBatch, partition: &str, row_group_rows: usize) -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_created_by(concat!("iobeam ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(row_group_rows))
        .set_statistics_truncate_length(None)
        .set_column_index_truncate_length(None)
        .set_statistics_enabled(EnabledStatistics::Chunk);
    let schema = rows.schema();
    for (field, column) in schema.fields().iter().zip(rows.columns()).skip(1) {
        let path = ColumnPath::from(vec![field.name().clone()]);
        if field.name() == partition {
            properties = properties.set_column_statistics_enabled(path, EnabledStatistics::Page);
        } else if let Some(encoding) = plain_encoding(column) {
            properties = properties
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_encoding(path, encoding);
        }
    }
    let time = ColumnPath::from(vec![TIME.to_owned()]);
    properties
        .set_column_dictionary_enabled(time.clone(), false)
        .set_column_encoding(time.clone(), Encoding::DELTA_BINARY_PACKED)
        .set_column_statistics_enabled(time, EnabledStatistics::Page)
        .build()
}

/// The encoding of a column whose values hardly repeat; `None` when a dictionary serves it.
fn plain_encoding(column: &dyn Array) -> Option<Encoding> {
    let (encoding, bits): (_, fn(&dyn Array, usize) -> u64) = match column.data_type() {
        DataType::Float64 => (Encoding::BYTE_STREAM_SPLIT, |column, row| {
            column.as_primitive::<Float64Type>().value(row).to_bits()
        }),
        DataType::Int64 => (Encoding::DELTA_BINARY_PACKED, |column, row| {
            column.as_primitive::<Int64Type>().value(row).cast_unsigned()
        }),
        _ => return None,
    };
    let step = (column.len() / SAMPLE).max(1);
    let mut seen = HashSet::with_capacity(SAMPLE);
    let mut looked = 0;
    for row in (0..column.len()).step_by(step).filter(|row| column.is_valid(*row)) {
        seen.insert(bits(column, row));
        looked += 1;
    }
    // A dictionary of up to about 18 000 values, as this works out, costs 15 bits a value, and less where they run.
    (looked > 64 && seen.len() * 5 > looked * 4).then_some(encoding)
}

const BUFFER: usize = 1 << 20;

/// A file as the Parquet writer wants it.
struct Sink {
    file: Arc<dyn DiskFile>,
    at: u64,
    /// Of what was handed to the disk.
    crc: u32,
    buffer: Vec<u8>,
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.buffer.len() + bytes.len() > BUFFER {
            self.flush()?;
        }
        self.buffer.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if !self.buffer.is_empty() {
            self.file.write_at(&self.buffer, self.at)?;
            self.at += self.buffer.len() as u64;
            self.crc = crc32c::crc32c_append(self.crc, &self.buffer);
            self.buffer.clear();
        }
        Ok(())
    }
}
