//! The order of the rows of several sorted files, found from their partition values and times alone.

use std::ops::Range;

use arrow::array::{Array as _, ArrayRef, AsArray as _};
use arrow::datatypes::TimestampMicrosecondType;
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;
use parquet::errors::ParquetError;

use crate::chunk::TIME;

/// The next rows in order, enough for a row group.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// The ranges of rows of files that they are from.
    pub(super) parts: Vec<Part>,
    /// (part, row of it), in order.
    pub(super) places: Vec<(usize, usize)>,
}

/// Rows of a file.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) file: usize,
    pub(super) rows: Range<usize>,
}

/// Goes through files in the order of their rows.
pub(super) struct Order {
    cursors: Vec<Cursor>,
    partition: Box<str>,
    files: usize,
}

/// Where the merge stands in one file.
struct Cursor {
    /// Which of the files; of equal rows the earlier file's comes first.
    file: usize,
    reader: ParquetRecordBatchReader,
    /// Rows of the file before the batch.
    before: usize,
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
        (partition, self.time(), self.file)
    }

    fn time(&self) -> i64 {
        self.times.as_primitive::<TimestampMicrosecondType>().value(self.row)
    }
}

impl Order {
    /// Of files in the order in which their rows came, each read for its times and partition values.
    pub(super) fn new(
        readers: Vec<ParquetRecordBatchReader>,
        partition: &str,
    ) -> Result<Self, ParquetError> {
        let files = readers.len();
        let mut order =
            Self { cursors: Vec::with_capacity(files), partition: partition.into(), files };
        for (file, mut reader) in readers.into_iter().enumerate() {
            if let Some((times, partitions)) = order.load(&mut reader)? {
                let cursor = Cursor { file, reader, before: 0, row: 0, times, partitions };
                order.cursors.push(cursor);
            }
        }
        Ok(order)
    }

    fn load(
        &self,
        reader: &mut ParquetRecordBatchReader,
    ) -> Result<Option<(ArrayRef, Option<ArrayRef>)>, ParquetError> {
        let Some(rows) = reader.next().transpose()? else { return Ok(None) };
        let column = |name: &str| rows.column_by_name(name).map(ArrayRef::clone);
        let none = || ParquetError::General("a file has no times".to_owned());
        Ok(Some((column(TIME).ok_or_else(none)?, column(&self.partition))))
    }

    /// The next rows in order, up to so many.
    pub(super) fn next(&mut self, most: usize, keep_from: i64) -> Result<Group, ParquetError> {
        let mut places: Vec<(usize, usize)> = Vec::new();
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
                    places.push((cursor.file, cursor.before + cursor.row));
                }
                if !self.advance(least)? {
                    break;
                }
            }
        }
        Ok(self.group(places))
    }

    /// Numbers parts where there were files.
    fn group(&self, mut places: Vec<(usize, usize)>) -> Group {
        let mut ranges: Vec<Option<Range<usize>>> = vec![None; self.files];
        for (file, row) in &places {
            // Each file's rows come in their order.
            ranges[*file].get_or_insert(*row..*row).end = row + 1;
        }
        let mut numbers = vec![(0, 0); self.files];
        let mut parts = Vec::new();
        for (file, rows) in ranges.into_iter().enumerate() {
            let Some(rows) = rows else { continue };
            numbers[file] = (parts.len(), rows.start);
            parts.push(Part { file, rows });
        }
        for place in &mut places {
            let (part, start) = numbers[place.0];
            *place = (part, place.1 - start);
        }
        Group { parts, places }
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

    /// Goes on to a cursor's next row; a cursor at its end is dropped, and the answer is no, as when places change.
    fn advance(&mut self, at: usize) -> Result<bool, ParquetError> {
        self.cursors[at].row += 1;
        if self.cursors[at].row < self.cursors[at].times.len() {
            return Ok(true);
        }
        let mut cursor = self.cursors.swap_remove(at);
        if let Some((times, partitions)) = self.load(&mut cursor.reader)? {
            let before = cursor.before + cursor.times.len();
            self.cursors.push(Cursor { before, row: 0, times, partitions, ..cursor });
        }
        Ok(false)
    }
}
