//! Rows into one Parquet file: sorted, encoded column by column as its values ask for, synced.
//!
//! ```text
//! Ordered ─▶ gather a row group ─▶ ArrowWriter ─▶ part-<seq>-<uuid>.parquet ─▶ sync file, sync folder
//! ```
//!
//! Nothing is visible yet when a file is written: a commit makes it so.

use std::collections::HashSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, AsArray as _};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use iobeam_journal::disk::{Disk, DiskFile};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use crate::chunk::{self, TIME};
use crate::error::StoreError;
use crate::lake::order::Ordered;
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
    target: &Target,
    chunks: Vec<Arc<Chunk>>,
    partition: &str,
) -> Result<FileFacts, StoreError> {
    let min_time = chunks.iter().map(|chunk| chunk.min_time).min().unwrap_or(i64::MAX);
    let max_time = chunks.iter().map(|chunk| chunk.max_time).max().unwrap_or(i64::MIN);
    let ordered = Ordered::new(chunks, partition);
    let name = format!("part-{:020}-{}.parquet", target.seq, uuid::Uuid::new_v4().simple());
    let path = target.dir.join(name);
    let size = match write_rows(disk, &path, &ordered, partition, target.row_group_rows) {
        Ok(size) => size,
        Err(error) => {
            // Half a file is of no use, and on a full disk it is in the way.
            let _ = disk.remove(&path);
            return Err(error);
        }
    };
    disk.sync_dir(&target.dir).map_err(|error| StoreError::io("sync", &target.dir, error))?;
    let (min_partition, max_partition) = ordered.partitions.clone().unzip();
    Ok(FileFacts {
        path,
        size,
        rows: ordered.len() as u64,
        min_time,
        max_time,
        min_partition,
        max_partition,
        partition_nulls: ordered.nulls,
        seq: target.seq,
    })
}

fn write_rows(
    disk: &dyn Disk,
    path: &Path,
    ordered: &Ordered,
    partition: &str,
    row_group_rows: usize,
) -> Result<u64, StoreError> {
    let failed = |error: ParquetError| StoreError::io("write", path, as_io(error));
    let file = disk.create(path).map_err(|error| StoreError::io("create", path, error))?;
    let schema = chunk::united_schema(ordered.chunks());
    let properties = properties(ordered.chunks(), partition, row_group_rows);
    let sink = Sink { file: Arc::clone(&file), at: 0, buffer: Vec::with_capacity(BUFFER) };
    let mut writer =
        ArrowWriter::try_new(sink, Arc::clone(&schema), Some(properties)).map_err(failed)?;
    let mut start = 0;
    while start < ordered.len() {
        let end = ordered.len().min(start + row_group_rows);
        let rows = ordered.rows(start..end, &schema).map_err(|error| failed(error.into()))?;
        writer.write(&rows).map_err(failed)?;
        start = end;
    }
    let mut sink = writer.into_inner().map_err(failed)?;
    sink.flush().map_err(|error| StoreError::io("write", path, error))?;
    file.sync_data().map_err(|error| StoreError::io("sync", path, error))?;
    Ok(sink.at)
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

fn properties(chunks: &[Arc<Chunk>], partition: &str, row_group_rows: usize) -> WriterProperties {
    let zstd = Compression::ZSTD(ZstdLevel::default());
    let mut properties = WriterProperties::builder()
        .set_created_by(concat!("iobeam ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(zstd)
        .set_max_row_group_row_count(Some(row_group_rows))
        .set_statistics_truncate_length(None)
        .set_column_index_truncate_length(None)
        .set_statistics_enabled(EnabledStatistics::Chunk);
    for field in &chunk::united_schema(chunks).fields()[1..] {
        let path = ColumnPath::from(vec![field.name().clone()]);
        if field.name() == partition {
            properties = properties.set_column_statistics_enabled(path, EnabledStatistics::Page);
        } else if let Some(encoding) = plain_encoding(chunks, field.name(), field.data_type()) {
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
fn plain_encoding(chunks: &[Arc<Chunk>], name: &str, kind: &DataType) -> Option<Encoding> {
    let encoding = match kind {
        DataType::Float64 => Encoding::BYTE_STREAM_SPLIT,
        DataType::Int64 => Encoding::DELTA_BINARY_PACKED,
        _ => return None,
    };
    let rows: usize = chunks.iter().map(|chunk| chunk.rows.num_rows()).sum();
    let step = (rows / SAMPLE).max(1);
    let mut seen = HashSet::with_capacity(SAMPLE);
    let mut looked = 0;
    let mut skip = 0;
    for chunk in chunks {
        let count = chunk.rows.num_rows();
        if let Some(column) = chunk.rows.column_by_name(name) {
            for row in (skip..count).step_by(step).filter(|row| column.is_valid(*row)) {
                seen.insert(bits(column, row));
                looked += 1;
            }
        }
        skip = (skip + step - count % step) % step;
    }
    // A dictionary of up to about 18 000 values, as this works out, costs 15 bits a value, and less where they run.
    (looked > 64 && seen.len() * 5 > looked * 4).then_some(encoding)
}

fn bits(column: &dyn Array, row: usize) -> u64 {
    match column.data_type() {
        DataType::Float64 => column.as_primitive::<Float64Type>().value(row).to_bits(),
        _ => column.as_primitive::<Int64Type>().value(row).cast_unsigned(),
    }
}

const BUFFER: usize = 1 << 20;

/// A file as the Parquet writer wants it.
struct Sink {
    file: Arc<dyn DiskFile>,
    at: u64,
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
            self.buffer.clear();
        }
        Ok(())
    }
}
