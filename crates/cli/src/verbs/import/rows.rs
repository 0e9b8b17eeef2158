//! The rows of a CSV file: read, of the right width, each with its time.

use std::collections::VecDeque;
use std::io::Read;

use anyhow::Result;

use super::flags::{CsvFlags, TimeFlags};
use super::layout::Layout;
use super::times::{TimeFormat, TimeReader};
use super::typed::Cells;
use crate::csv_text::{Lexer, Record, Syntax};
use crate::failure::Failure;
use crate::number::NumberFormat;

/// A file that is being read.
pub(super) struct Rows {
    lexer: Lexer,
    /// What its columns are.
    pub(super) layout: Layout,
    /// How its cells become values.
    pub(super) cells: Cells,
    times: TimeReader,
    footer: usize,
    /// Records that are rows if enough others follow.
    waiting: VecDeque<Record>,
}

/// How times are read with these flags.
pub(super) fn time_reader(flags: &TimeFlags, decimal: char) -> TimeReader {
    TimeReader {
        format: flags.time_format.clone().unwrap_or(TimeFormat::Assumed),
        zone: flags.timezone,
        policy: flags.dst_policy,
        force: flags.force_times,
        decimal,
    }
}

impl Rows {
    /// Reads up to the first row.
    pub(super) fn open(text: Box<dyn Read>, flags: &CsvFlags, times: &TimeFlags) -> Result<Self> {
        let numbers = NumberFormat { decimal: flags.decimal, thousands: flags.thousands };
        if flags.thousands == Some(flags.decimal) {
            return Err(Failure::usage("--decimal and --thousands are the same").into());
        }
        let mut lexer =
            Lexer::new(text, Syntax { delimiter: flags.delimiter, comment: flags.comment });
        lexer.skip_lines(flags.skip_lines)?;
        let mut record = Record::default();
        if !lexer.read(&mut record)? {
            return Err(Failure::usage("the file has no line that names its columns").into());
        }
        let layout = Layout::of(&record, flags)?;
        lexer.skip_lines(flags.skip_below_heading)?;
        let mut rows = Self {
            lexer,
            layout,
            cells: Cells { numbers, nulls: flags.nulls.clone() },
            times: time_reader(times, flags.decimal),
            footer: usize::try_from(flags.skip_footer)?,
            waiting: VecDeque::new(),
        };
        for _ in 0..flags.skip_rows {
            if !rows.next(&mut record)? {
                break;
            }
        }
        Ok(rows)
    }

    /// Reads the next row; false at the end.
    pub(super) fn read(&mut self, record: &mut Record) -> Result<bool> {
        let there_is = self.next(record)?;
        if there_is {
            self.layout.check(record)?;
        }
        Ok(there_is)
    }

    /// The time of a row.
    pub(super) fn micros(&self, record: &Record) -> Result<i64, Failure> {
        self.times
            .read(&self.layout.time(record))
            .map_err(|failure| failure.before(&format!("line {}: ", record.line)))
    }

    fn next(&mut self, record: &mut Record) -> Result<bool> {
        if self.footer == 0 {
            return self.lexer.read(record);
        }
        while self.waiting.len() <= self.footer {
            let mut ahead = Record::default();
            if !self.lexer.read(&mut ahead)? {
                return Ok(false);
            }
            self.waiting.push_back(ahead);
        }
        *record = self.waiting.pop_front().unwrap_or_default();
        Ok(true)
    }
}
