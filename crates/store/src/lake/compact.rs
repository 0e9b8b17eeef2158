//! Small files into large ones, so that a table of many flushes is read as quickly as one of few.
//!
//! ```text
//! rows:  1 1 1 1 1 1 1 1  ─▶ 8        so many files of about one size, neighbours in time, become one
//!        8 8 8 8 8 8 8 8  ─▶ 64       up to the size that a file should have
//! merge: cursor per file, least (partition, time) first ─▶ row groups ─▶ one sorted file
//! ```
//!
//! - Memory is bounded by one row group and a batch per file, however large the files are.
//! - The files that go in stay untouched; what comes out counts once it is committed in their place.

use std::io::{self, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::{Array as _, ArrayRef, AsArray as _};
use arrow::compute::interleave;
use arrow::datatypes::{Field, Schema, SchemaRef, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use iobeam_journal::{Disk, DiskFile};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

use crate::chunk::{time_field, widen};
use crate::error::StoreError;
use crate::lake::files::read_range;
use crate::lake::parquet::{Output, Target};
use crate::snapshot::{DataFile, FileFacts};

/// Rows of a file that are decoded at once.
const BATCH: usize = 8192;

/// Files to be merged, if any should be: neighbours in time of about one size, together no larger than a file should
/// be.
pub(crate) fn plan(
    files: &[Arc<DataFile>],
    at_once: usize,
    file_rows: u64,
) -> Option<Vec<Arc<DataFile>>> {
    let at_once = at_once.max(2);
    let tier = |file: &DataFile| file.rows.max(1).ilog2() / at_once.ilog2();
    let mut sorted: Vec<&Arc<DataFile>> = files.iter().collect();
    sorted.sort_by_key(|file| (tier(file), file.min_time, file.max_time));
    let alike = sorted.chunk_by(|one, other| tier(one) == tier(other));
    let groups = alike.flat_map(|tier| tier.chunks_exact(at_once));
    let mut fitting =
        groups.filter(|group| group.iter().map(|file| file.rows).sum::<u64>() <= file_rows);
    let mut chosen: Vec<_> = fitting.next()?.iter().map(|file| Arc::clone(file)).collect();
    // Of rows alike in partition and time the first that came stays first.
    chosen.sort_by_key(|file| file.seq);
    Some(chosen)
}

/// What is merged, and how.
#[derive(Debug)]
pub(crate) struct Merge {
    /// In the order in which their rows came.
    pub(crate) files: Vec<Arc<DataFile>>,
    /// Rows before this time fall away.
    pub(crate) keep_from: i64,
    pub(crate) target: Target,
    pub(crate) partition: Box<str>,
}

/// Merges files into one; nothing when no row is left, or when it was told to stop.
pub(crate) fn merge(
    disk: &Arc<dyn Disk>,
    merge: Merge,
    stop: &AtomicBool,
) -> Result<Option<FileFacts>, StoreError> {
    let Merge { files, keep_from, target, partition } = merge;
    let readers = files.iter().map(|file| open(disk, file)).collect::<Result<Vec<_>, _>>()?;
    let schema = unite(readers.iter().map(|(_, schema)| schema));
    let row_group_rows = target.row_group_rows;
    let mut output = Output::new(&**disk, target, &partition);
    let mut merging =
        Merging { window: Vec::new(), cursors: Vec::new(), schema, partition: partition.clone() };
    for (at, (reader, _)) in readers.into_iter().enumerate() {
        merging.start(at, reader).map_err(|error| output.failed(error))?;
    }
    loop {
        if stop.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let places =
            merging.next(row_group_rows, keep_from).map_err(|error| output.failed(error))?;
        if !places.is_empty() {
            let rows = merging.gather(&places).map_err(|error| output.failed(error.into()))?;
            output.write(&rows)?;
        }
        if merging.cursors.is_empty() {
            return output.finish();
        }
        merging.shift();
    }
}

/// Batches that rows are being taken from.
struct Merging {
    window: Vec<RecordBatch>,
    cursors: Vec<Cursor>,
    schema: SchemaRef,
    partition: Box<str>,
}

/// Where the merge stands in one file.
struct Cursor {
    /// Which of the files; of equal rows the earlier file's comes first.
    order: usize,
    reader: ParquetRecordBatchReader,
    /// Which batch of the window, and which row of it.
    batch: usize,
    row: usize,
    times: ArrayRef,
    partitions: Option<ArrayRef>,
}

impl Cursor {
    /// By what rows are sorted. A missing partition comes first, as `None` does.
    fn key(&self) -> (Option<&str>, i64, usize) {
        let partition = self.partitions.as_ref().and_then(|column| {
            let texts = column.as_string_view();
            texts.is_valid(self.row).then(|| texts.value(self.row))
        });
        (partition, self.time(), self.order)
    }

    fn time(&self) -> i64 {
        self.times.as_primitive::<TimestampMicrosecondType>().value(self.row)
    }
}

impl Merging {
    fn start(
        &mut self,
        order: usize,
        mut reader: ParquetRecordBatchReader,
    ) -> Result<(), ParquetError> {
        if let Some((batch, times, partitions)) = self.load(&mut reader)? {
            self.cursors.push(Cursor { order, reader, batch, row: 0, times, partitions });
        }
        Ok(())
    }

    fn load(
        &mut self,
        reader: &mut ParquetRecordBatchReader,
    ) -> Result<Option<(usize, ArrayRef, Option<ArrayRef>)>, ParquetError> {
        let Some(rows) = reader.next() else { return Ok(None) };
        let rows = widen(&rows?, &self.schema)?;
        let times = Arc::clone(rows.column(0));
        let partitions = rows.column_by_name(&self.partition).map(Arc::clone);
        self.window.push(rows);
        Ok(Some((self.window.len() - 1, times, partitions)))
    }

    /// The next places in order, up to so many.
    fn next(&mut self, most: usize, keep_from: i64) -> Result<Vec<(usize, usize)>, ParquetError> {
        let mut places = Vec::with_capacity(most);
        while places.len() < most {
            let Some((least, rival)) = self.least() else { break };
            // As long as this file's rows come before all others', nothing else need be looked at.
            loop {
                let cursor = &self.cursors[least];
                if rival.is_some_and(|rival| self.cursors[rival].key() < cursor.key())
                    || places.len() >= most
                {
                    break;
                }
                if cursor.time() >= keep_from {
                    places.push((cursor.batch, cursor.row));
                }
                if !self.advance(least)? {
                    break;
                }
            }
        }
        Ok(places)
    }

    /// The cursor with the least row, and the one with the least of the others.
    fn least(&self) -> Option<(usize, Option<usize>)> {
        let precedes = |one: usize, other: Option<usize>| {
            other.is_none_or(|other| self.cursors[one].key() < self.cursors[other].key())
        };
        let (mut least, mut rival) = (None, None);
        for at in 0..self.cursors.len() {
            if precedes(at, least) {
                (least, rival) = (Some(at), least);
            } else if precedes(at, rival) {
                rival = Some(at);
            }
        }
        Some((least?, rival))
    }

    /// Goes on to a cursor's next row; a cursor at its end is dropped, and the answer is no.
    fn advance(&mut self, at: usize) -> Result<bool, ParquetError> {
        self.cursors[at].row += 1;
        if self.cursors[at].row < self.cursors[at].times.len() {
            return Ok(true);
        }
        let mut cursor = self.cursors.swap_remove(at);
        if let Some((batch, times, partitions)) = self.load(&mut cursor.reader)? {
            cursor = Cursor { batch, row: 0, times, partitions, ..cursor };
            self.cursors.push(cursor);
        }
        Ok(false)
    }

    fn gather(&self, places: &[(usize, usize)]) -> Result<RecordBatch, arrow::error::ArrowError> {
        let columns = (0..self.schema.fields().len()).map(|column| {
            let parts: Vec<&dyn arrow::array::Array> =
                self.window.iter().map(|rows| rows.column(column).as_ref()).collect();
            interleave(&parts, places)
        });
        RecordBatch::try_new(Arc::clone(&self.schema), columns.collect::<Result<_, _>>()?)
    }

    /// Lets go of batches that are used up.
    fn shift(&mut self) {
        let mut window = Vec::with_capacity(self.cursors.len());
        for cursor in &mut self.cursors {
            window.push(self.window[cursor.batch].clone());
            cursor.batch = window.len() - 1;
        }
        self.window = window;
    }
}

fn open(
    disk: &Arc<dyn Disk>,
    file: &DataFile,
) -> Result<(ParquetRecordBatchReader, SchemaRef), StoreError> {
    open_at(disk, file.path(), file.size)
}

/// Opens a Parquet file of that length to be read from its beginning.
pub(crate) fn open_at(
    disk: &Arc<dyn Disk>,
    path: &Path,
    length: u64,
) -> Result<(ParquetRecordBatchReader, SchemaRef), StoreError> {
    let failed = |error: ParquetError| StoreError::Damaged {
        path: path.to_owned(),
        reason: error.to_string(),
    };
    let opened = disk.open(path).map_err(|error| StoreError::io("open", path, error))?;
    let source = Source { file: opened, length };
    let builder = ParquetRecordBatchReaderBuilder::try_new(source).map_err(failed)?;
    let schema = Arc::clone(builder.schema());
    let reader = builder.with_batch_size(BATCH).build().map_err(failed)?;
    Ok((reader, schema))
}

/// `time` first, the others by name.
fn unite<'a>(schemas: impl Iterator<Item = &'a SchemaRef>) -> SchemaRef {
    let mut fields: Vec<Arc<Field>> = Vec::new();
    let time = time_field();
    for field in
        schemas.flat_map(|schema| schema.fields()).filter(|field| field.name() != time.name())
    {
        if let Err(at) = fields.binary_search_by(|known| known.name().cmp(field.name())) {
            fields.insert(at, Arc::clone(field));
        }
    }
    fields.insert(0, Arc::new(time));
    Arc::new(Schema::new(fields))
}

/// A file as the Parquet reader wants it.
struct Source {
    file: Arc<dyn DiskFile>,
    length: u64,
}

impl Length for Source {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for Source {
    type T = BufReader<From>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        // Page headers are read this way; they are small.
        Ok(BufReader::with_capacity(4096, From { file: Arc::clone(&self.file), at: start }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        Ok(read_range(&*self.file, start..start + length as u64)?)
    }
}

/// A file read from a place on.
struct From {
    file: Arc<dyn DiskFile>,
    at: u64,
}

impl Read for From {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}
