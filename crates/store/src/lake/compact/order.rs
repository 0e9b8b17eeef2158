//! The order of the rows of several sorted files, found from their partition values and times alone.

use std::ops::Range;

use arrow::array::{Array as _, AsArray as _, StringViewArray};
use arrow::buffer::ScalarBuffer;
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

impl Group {
    /// How many rows there are.
    pub(super) fn rows(&self) -> usize {
        self.runs.iter().map(|run| run.rows.len()).sum()
    }
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

/// Goes through files in the order of their rows: partition value by partition value, and within one by time. So names
/// are compared once for each file and value, and times, which are numbers, for each row.
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
    times: ScalarBuffer<i64>,
    partitions: Option<StringViewArray>,
}

impl Cursor {
    /// The partition value of the next row. A missing one comes first, as `None` does.
    fn value(&self) -> Option<&str> {
        self.value_of(self.row)
    }

    fn value_of(&self, row: usize) -> Option<&str> {
        let texts = self.partitions.as_ref()?;
        texts.is_valid(row).then(|| texts.value(row))
    }

    /// The end of the rows whose partition value is that of the next row.
    fn end_of_same(&self) -> usize {
        let Some(texts) = &self.partitions else { return self.times.len() };
        let (views, value) = (texts.views(), self.value());
        // Equal views are equal texts; equal long texts may have different views.
        let same = |row: &usize| {
            let alike = texts.null_count() == 0 && views[*row] == views[self.row];
            alike || self.value_of(*row) == value
        };
        let more = (self.row + 1..texts.len()).take_while(same).count();
        self.row + 1 + more
    }

    /// The end of the rows of one partition value that come before a time and file.
    fn end_before(&self, bar: Option<(i64, usize)>) -> usize {
        let Some(bar) = bar else { return self.same };
        let precedes = |time: &i64| (*time, self.file) < bar;
        // Often it is all of them or only one, so that a search begins with small steps.
        let (mut start, mut step) = (self.row, 1);
        while start + step < self.same && precedes(&self.times[start + step]) {
            (start, step) = (start + step, step * 2);
        }
        let end = self.same.min(start + step);
        start + self.times[start..end].partition_point(precedes)
    }
}

/// The next row of a cursor whose partition value is the one that has its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Head {
    time: i64,
    file: usize,
    cursor: usize,
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
        let times = rows.column_by_name(TIME);
        let times = times.and_then(|times| times.as_primitive_opt::<TimestampMicrosecondType>());
        let none = || ParquetError::General("a file has no times".to_owned());
        let times = times.ok_or_else(none)?.values().clone();
        let partitions = rows.column_by_name(&self.partition);
        let partitions = partitions.and_then(|texts| texts.as_string_view_opt()).cloned();
        let mut cursor = Cursor { file, reader, before, row: 0, same: 0, times, partitions };
        cursor.same = cursor.end_of_same();
        self.cursors.push(cursor);
        Ok(())
    }

    /// The next rows in order, up to so many.
    pub(super) fn next(&mut self, most: usize, keep_from: i64) -> Result<Group, ParquetError> {
        let (mut runs, mut left) = (Vec::new(), most);
        while left > 0 && !self.cursors.is_empty() {
            let heads = self.heads();
            self.take(heads, &mut left, keep_from, &mut runs);
            // All but those that are at the end of what they have of the value.
            for at in (0..self.cursors.len()).rev() {
                self.go_on(at)?;
            }
        }
        Ok(self.group(runs))
    }

    /// The heads of the cursors that stand at the least partition value.
    fn heads(&self) -> Vec<Head> {
        let least = self.cursors.iter().map(Cursor::value).min().flatten();
        let cursors = self.cursors.iter().enumerate();
        cursors
            .filter(|(_, cursor)| cursor.value() == least)
            .map(|(at, cursor)| Head {
                time: cursor.times[cursor.row],
                file: cursor.file,
                cursor: at,
            })
            .collect()
    }

    /// Takes rows of one partition value in order of time, until one of the cursors has no more of it in its batch.
    fn take(
        &mut self,
        mut heads: Vec<Head>,
        left: &mut usize,
        keep_from: i64,
        runs: &mut Vec<Run>,
    ) {
        while *left > 0 {
            let Some((least, rival)) = least(&heads) else { return };
            let head = heads[least];
            let cursor = &mut self.cursors[head.cursor];
            let end = cursor.end_before(rival.map(|rival| (rival.time, rival.file)));
            let end = end.min(cursor.row + *left);
            let times = &cursor.times[cursor.row..end];
            let gone = times.partition_point(|time| *time < keep_from);
            let rows = cursor.before + cursor.row + gone..cursor.before + end;
            *left -= rows.len();
            cursor.row = end;
            match runs.last_mut() {
                Some(open) if open.part == head.file && open.rows.end == rows.start => {
                    open.rows.end = rows.end;
                }
                _ if rows.is_empty() => {}
                _ => runs.push(Run { part: head.file, rows }),
            }
            if end == cursor.same {
                return;
            }
            heads[least].time = cursor.times[end];
        }
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

    /// Goes on to a cursor's next partition value; a batch that is at its end makes way for the file's next one, and
    /// cursors behind it change places.
    fn go_on(&mut self, at: usize) -> Result<(), ParquetError> {
        let cursor = &mut self.cursors[at];
        if cursor.row == cursor.times.len() {
            let Cursor { file, reader, before, row, .. } = self.cursors.swap_remove(at);
            return self.load(file, reader, before + row);
        }
        if cursor.row == cursor.same {
            cursor.same = cursor.end_of_same();
        }
        Ok(())
    }
}

/// The place of the least head, and the least of the others.
fn least(heads: &[Head]) -> Option<(usize, Option<Head>)> {
    let (first, others) = heads.split_first()?;
    let (mut least, mut place, mut rival) = (*first, 0, None);
    for (at, head) in (1..).zip(others) {
        if *head < least {
            (least, place, rival) = (*head, at, Some(least));
        } else if rival.is_none_or(|rival| *head < rival) {
            rival = Some(*head);
        }
    }
    Some((place, rival))
}
