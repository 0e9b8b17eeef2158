//! Rows into one Parquet file: sorted, encoded column by column as its values ask for, synced.
//!
//! ```text
//! Ordered ─▶ gather a column of a row group ─▶ encode ─▶ ... ─▶ last rows ─▶ part-<seq>-<uuid>.parquet ─▶ sync file, sync folder
//! ```
//!
//! Nothing is visible yet when a file is written: a commit makes it so.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray as _};
use arrow::datatypes::{FieldRef, SchemaRef, TimestampMicrosecondType};
use iobeam_journal::disk::{Disk, DiskFile};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, ParquetMetaData};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::file::writer::SerializedFileWriter;

use crate::chunk::{self, TIME};
use crate::columns;
use crate::error::{FileError, StoreError};
use crate::lake::numbers::Numbers;
use crate::lake::order::Ordered;
use crate::snapshot::last::carried::{self, Gather};
use crate::snapshot::verified::sums::{CLOSING_BYTES, SumWriter};
use crate::snapshot::{Chunk, FileFacts};

/// Under this key a file's footer names the files that it was made of: where the table's log is lost, it tells that not
/// both count.
const MADE_OF: &str = "iobeam:made-of";

/// The names of the files that a file says it was made of.
pub(crate) fn made_of(metadata: &ParquetMetaData) -> Vec<String> {
    let all = metadata.file_metadata().key_value_metadata();
    let said = all.and_then(|all| all.iter().find(|said| said.key == MADE_OF)?.value.as_deref());
    said.map_or_else(Vec::new, |names| names.split(',').map(ToOwned::to_owned).collect())
}

/// A file's name.
pub(crate) fn name_of(path: &Path) -> String {
    path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// Where a file goes and how it is cut.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// The table's folder.
    pub(crate) dir: PathBuf,
    /// The highest record in it.
    pub(crate) seq: u64,
    /// Rows per row group, of a small file.
    pub(crate) row_group_rows: usize,
    /// Bytes of last rows that it carries at most.
    pub(crate) last_bytes: usize,
    /// The names of the files whose rows it gets; none where the rows come from memory.
    pub(crate) made_of: Vec<String>,
}

impl Target {
    /// Rows of a row group in a file of so many rows. The more there are, the less the dictionaries weigh; but a file
    /// has four groups or more where it can, as several cores read it by these.
    pub(crate) fn row_group(&self, rows: u64) -> usize {
        let least = self.row_group_rows.max(1);
        usize::try_from(rows / 4).unwrap_or(usize::MAX).clamp(least, least.saturating_mul(8))
    }
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
    let piece = target.row_group(ordered.len() as u64);
    let mut output = Output::new(disk, target, partition, schema);
    let mut start = 0;
    while start < ordered.len() {
        let end = ordered.len().min(start + piece);
        output.group(|field| Ok(ordered.column(start..end, field)?))?;
        start = end;
    }
    output.finish()
}

/// What memory it takes to write chunks, beside theirs: the order of the rows, a column as it is gathered and encoded,
/// and the last rows.
pub(crate) fn bytes_beside(chunks: &[Arc<Chunk>], target: &Target) -> u64 {
    // A row's place and rank, and its cell, twice.
    const EACH: u64 = 24 + 2 * 16;
    let rows = chunks.iter().map(|chunk| chunk.rows.num_rows() as u64).sum::<u64>();
    let bytes = chunks.iter().map(|chunk| chunk::weight(chunk)).sum::<usize>();
    rows * EACH + columns::encoder_bytes(rows) + target.last_bytes.min(bytes) as u64
}

/// A file being written, of rows that come in its order. Dropped unfinished, it is gone again.
pub(crate) struct Output<'a> {
    disk: &'a dyn Disk,
    target: Target,
    partition: &'a str,
    schema: SchemaRef,
    path: PathBuf,
    file: Option<Arc<dyn DiskFile>>,
    writer: Option<SerializedFileWriter<Sink>>,
    facts: FileFacts,
    last: Gather,
    finished: bool,
}

impl<'a> Output<'a> {
    /// Nothing is made before the first rows come.
    pub(crate) fn new(
        disk: &'a dyn Disk,
        target: Target,
        partition: &'a str,
        schema: SchemaRef,
    ) -> Self {
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
            tail: None,
        };
        let last = Gather::new(partition, target.last_bytes);
        Self {
            disk,
            target,
            partition,
            schema,
            path,
            file: None,
            writer: None,
            facts,
            last,
            finished: false,
        }
    }

    /// Adds a row group, of at least one row; its columns are asked for one after the other, and that of partition
    /// values first.
    pub(crate) fn group(
        &mut self,
        mut column: impl FnMut(&FieldRef) -> Result<ArrayRef, ParquetError>,
    ) -> Result<(), StoreError> {
        let mut writer = match self.writer.take() {
            Some(writer) => writer,
            None => self.begin()?,
        };
        let schema = Arc::clone(&self.schema);
        let partition = schema.column_with_name(self.partition).map(|(at, _)| at);
        let keys = partition.map(|at| column(&schema.fields()[at])).transpose();
        let keys = keys.map_err(|error| self.failed(error))?;
        self.last.begin(keys.as_ref());
        let written = columns::write_group(&mut writer, &schema, |field| {
            let values = match &keys {
                Some(keys) if field.name() == self.partition => Arc::clone(keys),
                _ => column(field)?,
            };
            if field.name() == TIME {
                learn(&mut self.facts, &values, keys.as_ref());
            }
            self.last.column(field, &values)?;
            let properties = properties(&values, field.name(), self.partition);
            Ok((values, properties))
        });
        written.map_err(|error| self.failed(error))?;
        self.last.end().map_err(|error| self.failed(error.into()))?;
        self.writer = Some(writer);
        Ok(())
    }

    fn begin(&mut self) -> Result<SerializedFileWriter<Sink>, StoreError> {
        let file = self.disk.create(&self.path);
        let file = file.map_err(|error| StoreError::io("create", &self.path, error))?;
        self.file = Some(Arc::clone(&file));
        let sink = Sink::new(file);
        let writer = columns::begin(sink, &self.schema, plain().build());
        writer.map_err(|error| self.failed(error))
    }

    /// Makes the file last, and tells what is in it; nothing when no rows came.
    pub(crate) fn finish(mut self) -> Result<Option<FileFacts>, StoreError> {
        let (Some(mut writer), Some(file)) = (self.writer.take(), self.file.take()) else {
            return Ok(None);
        };
        let last = std::mem::replace(&mut self.last, Gather::new(self.partition, 0));
        carry(&mut writer, last).map_err(|error| self.failed(error))?;
        if !self.target.made_of.is_empty() {
            let names = Some(self.target.made_of.join(","));
            writer.append_key_value_metadata(KeyValue::new(MADE_OF.to_owned(), names));
        }
        let sink = writer.into_inner().map_err(|error| self.failed(error))?;
        let tail = sink.close().map_err(|error| StoreError::io("write", &self.path, error))?;
        file.sync_data().map_err(|error| StoreError::io("sync", &self.path, error))?;
        let dir = &self.target.dir;
        self.disk.sync_dir(dir).map_err(|error| StoreError::io("sync", dir, error))?;
        self.finished = true;
        (self.facts.size, self.facts.crc, self.facts.tail) = tail;
        Ok(Some(self.facts.clone()))
    }

    /// What went wrong with this file.
    pub(crate) fn failed(&self, error: ParquetError) -> StoreError {
        if let Some(known) = FileError::within(&error) {
            // A file that its rows are read from.
            return known.clone().into();
        }
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

/// Facts of rows that come sorted by partition: of their times and, where they have any, their partition values.
fn learn(facts: &mut FileFacts, times: &ArrayRef, keys: Option<&ArrayRef>) {
    facts.rows += times.len() as u64;
    for time in times.as_primitive::<TimestampMicrosecondType>().values() {
        facts.min_time = facts.min_time.min(*time);
        facts.max_time = facts.max_time.max(*time);
    }
    let Some(texts) = keys.and_then(|keys| keys.as_string_view_opt()) else {
        facts.partition_nulls += times.len() as u64;
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

/// Puts the last rows behind the row groups.
fn carry(writer: &mut SerializedFileWriter<Sink>, last: Gather) -> Result<(), ParquetError> {
    let Some(carried) = last.finish()? else { return Ok(()) };
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

/// Bytes of a dictionary at most.
const DICTIONARY: usize = 1 << 20;

fn plain() -> WriterPropertiesBuilder {
    WriterProperties::builder()
        .set_created_by(concat!("iobeam ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_statistics_truncate_length(None)
        .set_column_index_truncate_length(None)
        .set_statistics_enabled(EnabledStatistics::Chunk)
}

/// How a column is written.
fn properties(values: &dyn Array, name: &str, partition: &str) -> WriterProperties {
    let properties = plain();
    if name == TIME {
        return properties
            .set_dictionary_enabled(false)
            .set_encoding(Encoding::DELTA_BINARY_PACKED)
            .set_statistics_enabled(EnabledStatistics::Page)
            .build();
    }
    if name == partition {
        return properties.set_statistics_enabled(EnabledStatistics::Page).build();
    }
    match Numbers::of(values) {
        // Where a dictionary grows too large after all, the rest of the row group gets this encoding.
        Some(numbers) => properties
            .set_dictionary_enabled(numbers.dictionary_serves(DICTIONARY))
            .set_dictionary_page_size_limit(DICTIONARY)
            .set_encoding(numbers.encoding)
            .build(),
        None => properties.build(),
    }
}

const BUFFER: usize = 1 << 20;

/// A file as the Parquet writer wants it.
struct Sink {
    file: Arc<dyn DiskFile>,
    at: u64,
    /// Of what was handed to the disk.
    crc: u32,
    sums: SumWriter,
    buffer: Vec<u8>,
}

impl Sink {
    fn new(file: Arc<dyn DiskFile>) -> Self {
        Self { file, at: 0, crc: 0, sums: SumWriter::new(), buffer: Vec::with_capacity(BUFFER) }
    }

    /// Hands the disk all but so many of the last bytes.
    fn pass_on(&mut self, keep: usize) -> io::Result<()> {
        let count = self.buffer.len().saturating_sub(keep);
        if count == 0 {
            return Ok(());
        }
        let bytes = &self.buffer[..count];
        self.file.write_at(bytes, self.at)?;
        self.at += count as u64;
        self.crc = crc32c::crc32c_append(self.crc, bytes);
        self.sums.add(bytes);
        self.buffer.drain(..count);
        Ok(())
    }

    /// Ends the file with the checksums of its blocks. Gives its size, its checksum and that of its end.
    fn close(mut self) -> io::Result<(u64, Option<u32>, Option<u32>)> {
        self.pass_on(CLOSING_BYTES)?;
        let sums = std::mem::replace(&mut self.sums, SumWriter::new());
        let tail = sums.tail(&self.buffer).ok_or_else(|| io::Error::other("it has no footer"))?;
        self.file.write_at(&tail, self.at)?;
        let crc = crc32c::crc32c_append(self.crc, &tail);
        Ok((self.at + tail.len() as u64, Some(crc), Some(crc32c::crc32c(&tail))))
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.buffer.len() + bytes.len() > BUFFER {
            // The last bytes of the file become others: they are kept back.
            self.pass_on(CLOSING_BYTES)?;
        }
        self.buffer.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.pass_on(CLOSING_BYTES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_files_have_large_row_groups_and_each_file_several() {
        let (dir, made_of) = (PathBuf::new(), Vec::new());
        let target = Target { dir, seq: 1, row_group_rows: 1 << 17, last_bytes: 0, made_of };
        let rows = |rows| target.row_group(rows);
        assert_eq!(
            [1000, 1 << 18, 1 << 20, 1 << 23, 1 << 30].map(rows),
            [1 << 17, 1 << 17, 1 << 18, 1 << 20, 1 << 20]
        );
    }
}
