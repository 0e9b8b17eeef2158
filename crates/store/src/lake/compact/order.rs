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
    /// In order.
    pub(super) runs: Vec<Run>,
}

/// Rows of a file.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) file: usize,
    pub(super) rows: Range<usize>,
}

/// Rows that stay together: in a part, which is where they are counted from; and while parts are not known, in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) part: usize,
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
    /// Rows of the batch from here on have another partition value.
    same: usize,
    times: ArrayRef,
    partitions: Option<ArrayRef>,
}

impl Cursor {
    /// By what rows are sorted. A missing partition comes first, as `None` does.
    fn key(&self) -> (Option<&str>, i64, usize) {
        (self.partition(self.row), self.times()[self.row], self.file)
    }

    fn partition(&self, row: usize) -> Option<&str> {
        let texts = self.partitions.as_ref()?.as_string_view();
        texts.is_valid(row).then(|| texts.value(row))
    }

    fn times(&self) -> &[i64] {
        self.times.as_primitive::<TimestampMicrosecondType>().values()
    }

    /// The end of the rows whose partition value is that of the next row.
    fn end_of_same(&self) -> usize {
        let Some(column) = &self.partitions else { return self.times.len() };
        let texts = column.as_string_view();
        let (views, first) = (texts.views(), self.partition(self.row));
        // Equal views are equal texts; equal long texts may have different views.
        let same = |row: &usize| {
            let alike = texts.null_count() == 0 && views[*row] == views[self.row];
            alike || self.partition(*row) == first
        };
        let more = (self.row + 1..texts.len()).take_while(same).count();
        self.row + 1 + more
    }

    /// The end of the rows that come before all of another cursor's, whose next row comes after this one's.
    fn end_before(&self, rival: Option<&Self>) -> usize {
        let Some(rival) =
            rival.filter(|rival| rival.partition(rival.row) == self.partition(self.row))
        else {
            return self.same;
        };
        let (times, bar) = (self.times(), (rival.times()[rival.row], rival.file));
        let precedes = |row: usize| (times[row], self.file) < bar;
        // Often it is all of them or only one, so that a search begins with small steps.
        let (mut start, mut step) = (self.row, 1);
        while start + step < self.same && precedes(start + step) {
            (start, step) = (start + step, step * 2);
        }
        let end = self.same.min(start + step);
        start + times[start..end].partition_point(|time| (*time, self.file) < bar)
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
        for (file, reader) in readers.into_iter().enumerate() {
            order.load(file, reader, 0)?;
        }
        Ok(order)
    }

    /// Begins with a file's next batch, if there is one.
    fn load(
        &mut self,
        file: usize,
        mut reader: ParquetRecordBatchReader,
        before: usize,
    ) -> Result<(), ParquetError> {
        let Some(rows) = reader.next().transpose()? else { return Ok(()) };
        let column = |name: &str| rows.column_by_name(name).map(ArrayRef::clone);
        let none = || ParquetError::General("a file has no times".to_owned());
        let (times, partitions) = (column(TIME).ok_or_else(none)?, column(&self.partition));
        let mut cursor = Cursor { file, reader, before, row: 0, same: 0, times, partitions };
        cursor.same = cursor.end_of_same();
        self.cursors.push(cursor);
        Ok(())
    }

    /// The next rows in order, up to so many.
    pub(super) fn next(&mut self, most: usize, keep_from: i64) -> Result<Group, ParquetError> {
        let (mut runs, mut count): (Vec<Run>, _) = (Vec::new(), 0);
        while count < most {
            let Some((least, rival)) = self.least() else { break };
            let cursor = &self.cursors[least];
            let end = cursor.end_before(rival.map(|rival| &self.cursors[rival]));
            let end = end.min(cursor.row + (most - count));
            let gone = cursor.times()[cursor.row..end].partition_point(|time| *time < keep_from);
            let rows = cursor.before + cursor.row + gone..cursor.before + end;
            count += rows.len();
            match runs.last_mut() {
                Some(open) if open.part == cursor.file && open.rows.end == rows.start => {
                    open.rows.end = rows.end;
                }
                _ if rows.is_empty() => {}
                _ => runs.push(Run { part: cursor.file, rows }),
            }
            self.go_on(least, end)?;
        }
        Ok(self.group(runs))
    }

    /// Numbers parts where there were files.
    fn group(&self, mut runs: Vec<Run>) -> Group {
        let mut ranges: Vec<Option<Range<usize>>> = vec![None; self.files];
        for Run { part: file, rows } in &runs {
            // Each file's rows come in their order.
            ranges[*file].get_or_insert(rows.clone()).end = rows.end;
        }
        let mut numbers = vec![(0, 0); self.files];
        let mut parts = Vec::new();
        for (file, rows) in ranges.into_iter().enumerate() {
            let Some(rows) = rows else { continue };
            numbers[file] = (parts.len(), rows.start);
            parts.push(Part { file, rows });
        }
        for run in &mut runs {
            let (part, start) = numbers[run.part];
            *run = Run { part, rows: run.rows.start - start..run.rows.end - start };
        }
        Group { parts, runs }
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

    /// Goes on to a cursor's row; a batch that is at its end makes way for the file's next one, and cursors change places.
    fn go_on(&mut self, at: usize, row: usize) -> Result<(), ParquetError> {
        let cursor = &mut self.cursors[at];
        cursor.row = row;
        if row == cursor.times.len() {
            let Cursor { file, reader, before, .. } = self.cursors.swap_remove(at);
            return self.load(file, reader, before + row);
        }
        if row == cursor.same {
            cursor.same = cursor.end_of_same();
        }
        Ok(())
    }
}
