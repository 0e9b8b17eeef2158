//! The rows of a CSV file: a time and the other cells as text, with the line they stand on.
//!
//! ```text
//! time,temp,note          fields  temp note
//! 1427316488000,21.5,x ─▶ Row { line 2, micros 1427316488000000, cells [21.5 x] }
//! ```

use std::io::Read;

use anyhow::Result;
use chrono::{DateTime, NaiveDateTime};
use clap::ValueEnum;

use crate::failure::Failure;

/// How a time is written in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TimeUnit {
    Sec,
    Msec,
    Usec,
    Rfc3339,
}

/// A row of the file.
pub(super) struct Row {
    /// Its line in the file, from 1.
    pub(super) line: u64,
    /// Its time.
    pub(super) micros: i64,
    /// Its other cells, in the order of the fields.
    pub(super) cells: Vec<Box<str>>,
}

/// A file that is being read.
pub(super) struct Rows {
    reader: csv::Reader<Box<dyn Read>>,
    record: csv::StringRecord,
    fields: Vec<String>,
    time_at: usize,
    unit: Option<TimeUnit>,
}

impl Rows {
    /// Reads the first line.
    pub(super) fn open(
        source: Box<dyn Read>,
        delimiter: u8,
        time_column: &str,
        unit: Option<TimeUnit>,
    ) -> Result<Self> {
        let mut reader =
            csv::ReaderBuilder::new().delimiter(delimiter).trim(csv::Trim::All).from_reader(source);
        let headings = reader.headers().map_err(|error| unreadable(&error))?;
        let mut fields: Vec<String> = headings.iter().map(str::to_owned).collect();
        if let Some(first) = fields.first_mut() {
            // Spreadsheets begin a file with a byte order mark.
            *first = first.trim_start_matches('\u{feff}').to_owned();
        }
        let Some(time_at) = fields.iter().position(|name| name == time_column) else {
            let message = format!("the file has no column '{time_column}'");
            let remedy =
                format!("name one of its columns with --time-column: {}", fields.join(", "));
            return Err(Failure::usage(message).remedy(remedy).into());
        };
        fields.remove(time_at);
        if let Some(at) = fields.iter().position(String::is_empty) {
            let column = if at < time_at { at + 1 } else { at + 2 };
            return Err(Failure::usage(format!("column {column} of the file has no name")).into());
        }
        let twice = fields.iter().enumerate().find(|(at, name)| fields[..*at].contains(name));
        if let Some((_, name)) = twice {
            return Err(Failure::usage(format!("the file has two columns '{name}'")).into());
        }
        Ok(Self { reader, record: csv::StringRecord::new(), fields, time_at, unit })
    }

    /// The names of the cells beside the time.
    pub(super) fn fields(&self) -> &[String] {
        &self.fields
    }

    /// Leaves out so many rows.
    pub(super) fn skip(&mut self, rows: u64) -> Result<()> {
        for _ in 0..rows {
            if !self.reader.read_record(&mut self.record).map_err(|error| unreadable(&error))? {
                break;
            }
        }
        Ok(())
    }

    /// The next rows: so many, or fewer at the end of the file.
    pub(super) fn take(&mut self, most: usize) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        while rows.len() < most
            && self.reader.read_record(&mut self.record).map_err(|error| unreadable(&error))?
        {
            let line = self.record.position().map_or(0, csv::Position::line);
            let time = self.record.get(self.time_at).unwrap_or_default();
            let Some(micros) = micros(time, self.unit) else {
                return Err(bad_time(line, time, self.unit).into());
            };
            let cells = self.record.iter().enumerate();
            let cells = cells.filter(|(at, _)| *at != self.time_at).map(|(_, text)| text.into());
            rows.push(Row { line, micros, cells: cells.collect() });
        }
        Ok(rows)
    }
}

fn bad_time(line: u64, time: &str, unit: Option<TimeUnit>) -> Failure {
    let wanted = match unit {
        Some(TimeUnit::Sec) => "a number of seconds",
        Some(TimeUnit::Msec) => "a number of milliseconds",
        Some(TimeUnit::Usec) => "a whole number of microseconds",
        Some(TimeUnit::Rfc3339) => "a date with its time zone, such as 2026-11-22T12:30:00Z",
        None => "a number of milliseconds nor a date such as 2026-11-22T12:30:00Z",
    };
    let not = if unit.is_none() { "neither" } else { "not" };
    Failure::new(format!("line {line}: the time '{time}' is {not} {wanted}"))
        .remedy("say how times are written: --time-format sec|msec|usec|rfc3339")
}

fn unreadable(error: &csv::Error) -> Failure {
    if let csv::ErrorKind::UnequalLengths { pos, expected_len, len } = error.kind() {
        let line = pos.as_ref().map_or(0, csv::Position::line);
        return Failure::new(format!(
            "line {line} has {len} cells; the first line has {expected_len}"
        ));
    }
    Failure::new(format!("cannot read the file: {error}"))
}

/// A time as microseconds since 1970.
fn micros(text: &str, unit: Option<TimeUnit>) -> Option<i64> {
    match unit {
        Some(TimeUnit::Sec) => decimal(text, 6),
        Some(TimeUnit::Msec) => decimal(text, 3),
        Some(TimeUnit::Usec) => decimal(text, 0),
        Some(TimeUnit::Rfc3339) => moment(text),
        None => decimal(text, 3).or_else(|| moment(text)),
    }
}

/// A date with its zone; without one only `Z` would be a guess, so it is refused.
fn moment(text: &str) -> Option<i64> {
    if let Ok(date) = DateTime::parse_from_rfc3339(text) {
        return Some(date.timestamp_micros());
    }
    let utc = text.strip_suffix(" UTC").or_else(|| text.strip_suffix(" +0000"))?;
    let date = NaiveDateTime::parse_from_str(utc, "%Y-%m-%d %H:%M:%S%.f").ok()?;
    Some(date.and_utc().timestamp_micros())
}

/// A decimal number times 10^`digits`, exactly; what is finer than that is cut off.
fn decimal(text: &str, digits: usize) -> Option<i64> {
    let (sign, number) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty()
        || !all_digits(whole)
        || !all_digits(fraction)
        || digits == 0 && number.contains('.')
    {
        return None;
    }
    let mut result = whole.parse::<i64>().ok()?;
    for place in 0..digits {
        let digit = fraction.as_bytes().get(place).map_or(0, |byte| i64::from(byte - b'0'));
        result = result.checked_mul(10)?.checked_add(digit)?;
    }
    Some(sign * result)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &'static str, unit: Option<TimeUnit>) -> Result<(Vec<String>, Vec<Row>)> {
        let mut rows = Rows::open(Box::new(text.as_bytes()), b',', "time", unit)?;
        let taken = rows.take(100)?;
        Ok((rows.fields().to_vec(), taken))
    }

    fn refusal(text: &'static str, unit: Option<TimeUnit>) -> String {
        rows(text, unit).err().expect("refused").to_string()
    }

    #[test]
    fn the_time_may_stand_anywhere() {
        let (fields, rows) = rows("a,time,b\n1,5,x\n2,6,\n", None).expect("readable");
        assert_eq!(fields, ["a", "b"]);
        assert_eq!((rows[0].line, rows[0].micros), (2, 5000));
        assert_eq!(rows[1].cells, [Box::from("2"), Box::from("")]);
    }

    #[test]
    fn a_time_is_exact_in_each_unit() {
        assert_eq!(micros("1427316488.123456", Some(TimeUnit::Sec)), Some(1_427_316_488_123_456));
        assert_eq!(micros("-0.5", Some(TimeUnit::Sec)), Some(-500_000));
        assert_eq!(micros("1.5", Some(TimeUnit::Msec)), Some(1_500));
        assert_eq!(micros("9223372036854775807", Some(TimeUnit::Usec)), Some(i64::MAX));
        assert_eq!(micros("9223372036854775807", Some(TimeUnit::Sec)), None);
        for zoned in [
            "1970-01-01T01:00:00.000001+01:00",
            "1970-01-01 00:00:00.000001Z",
            "1970-01-01 00:00:00.000001 UTC",
        ] {
            assert_eq!(micros(zoned, None), Some(1), "{zoned}");
        }
        assert_eq!(micros("1970-01-01T00:00:00", Some(TimeUnit::Rfc3339)), None);
        assert_eq!(micros("1.5", Some(TimeUnit::Usec)), None);
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said_with_its_line() {
        insta::assert_snapshot!(refusal("a,b\n1,2\n", None), @"the file has no column 'time'");
        insta::assert_snapshot!(refusal("time,a\n1,2\nnoon,2\n", None), @"line 3: the time 'noon' is neither a number of milliseconds nor a date such as 2026-11-22T12:30:00Z");
        insta::assert_snapshot!(refusal("time,a\n1,2,3\n", None), @"line 2 has 3 cells; the first line has 2");
        insta::assert_snapshot!(refusal("time,a,a\n1,2,3\n", None), @"the file has two columns 'a'");
        insta::assert_snapshot!(refusal("time,,a\n1,2,3\n", None), @"column 2 of the file has no name");
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_a_name() {
        let (fields, _) = rows("\u{feff}time,a\n1,2\n", None).expect("readable");
        assert_eq!(fields, ["a"]);
    }
}
