//! The first reading of a CSV file: what its columns are, and whether all of it can be stored.
//!
//! Nothing is sent before the last cell was looked at, so a file is refused as a whole, with the line that is wrong.

use anyhow::Result;

use super::layout::Column;
use super::rows::Rows;
use super::typed::{Cells, Kind, KnownTypes, Looks, misfit};
use crate::csv_text::{Cell, Record};
use crate::failure::Failure;
use crate::number::quoted;

/// Rows shown by a dry run.
const SAMPLES: usize = 5;

/// Where a column's type comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DecidedBy {
    /// A flag.
    Flag,
    /// The field has it already.
    Field,
    /// What all cells look like.
    Cells,
}

/// A column, looked through.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) kind: Option<Kind>,
    pub(super) by: DecidedBy,
    /// Cells that have a value.
    pub(super) values: u64,
    looks: Looks,
}

/// What the file is.
#[derive(Clone, Debug, Default)]
pub(super) struct Scan {
    /// One for each column of the layout.
    pub(super) columns: Vec<Seen>,
    pub(super) rows: u64,
    /// The first and the last time.
    pub(super) times: Option<(i64, i64)>,
    /// The first rows: the time, then the cells.
    pub(super) samples: Vec<(i64, Vec<String>)>,
}

/// What is known before the file is read.
pub(super) struct Known<'a> {
    pub(super) types: KnownTypes,
    pub(super) flags: &'a [(String, Kind)],
    /// Each row must say its device.
    pub(super) needs_device: bool,
    /// The field whose values are always text.
    pub(super) partition: String,
}

impl Known<'_> {
    fn column(&self, name: &str, heading: &str) -> Seen {
        let flag = self.flags.iter().find(|(column, _)| column == name || column == heading);
        let field = || {
            // A device's id is text even where all ids are numbers.
            let is_text = name.eq_ignore_ascii_case("device_id")
                || name.eq_ignore_ascii_case(&self.partition);
            self.types.of(name).or(is_text.then_some(Kind::String))
        };
        let (kind, by) = match (flag, field()) {
            (Some((_, kind)), _) => (Some(*kind), DecidedBy::Flag),
            (None, Some(kind)) => (Some(kind), DecidedBy::Field),
            (None, None) => (None, DecidedBy::Cells),
        };
        Seen { kind, by, values: 0, looks: Looks::default() }
    }
}

/// Reads all rows.
pub(super) fn scan(rows: &mut Rows, known: &Known<'_>) -> Result<Scan> {
    let mut scan = Scan::default();
    let mut record = Record::default();
    while rows.read(&mut record)? {
        let micros = rows.micros(&record)?;
        let (first, last) = scan.times.unwrap_or((micros, micros));
        scan.times = Some((first.min(micros), last.max(micros)));
        scan.rows += 1;
        let is_sample = scan.samples.len() < SAMPLES;
        if is_sample {
            scan.samples.push((micros, Vec::new()));
        }
        let mut has_device = !known.needs_device;
        let (line, cells) = (record.line, &rows.cells);
        let Scan { columns, samples, .. } = &mut scan;
        rows.layout.visit(&record, |at, column, cell| {
            if is_sample && let Some((_, sample)) = samples.last_mut() {
                sample.resize(sample.len().max(at + 1), String::new());
                cell.text.clone_into(&mut sample[at]);
            }
            has_device |= column.is_device() && !cell.text.trim().is_empty();
            while columns.len() <= at {
                columns.push(known.column(column.name.as_str(), &column.heading));
            }
            columns[at].look(cell, cells, column, line).map_err(Into::into)
        })?;
        if !has_device {
            return Err(no_device(line).into());
        }
    }
    decide(&mut scan, rows)?;
    Ok(scan)
}

/// What is known of the columns without their cells: every one must have a type.
pub(super) fn declared(rows: &Rows, known: &Known<'_>) -> Result<Scan> {
    let columns = rows.layout.columns.iter();
    let columns: Vec<Seen> = columns
        .map(|column| Seen { values: 1, ..known.column(column.name.as_str(), &column.heading) })
        .collect();
    let without = rows.layout.columns.iter().zip(&columns).filter(|(_, seen)| seen.kind.is_none());
    let flags: Vec<String> = without
        .map(|(column, _)| format!("--type {}", quoted(&format!("{}:DOUBLE", column.heading))))
        .collect();
    if rows.layout.names_fields_in_rows() || !flags.is_empty() {
        let message = "rows are stored as they come, so the types of columns cannot be decided by their cells";
        let remedy = if flags.is_empty() {
            String::from("import the file without --follow: each of its rows names its field")
        } else {
            format!("say the types (DOUBLE, LONG, BOOLEAN or STRING): {}", flags.join(" "))
        };
        return Err(Failure::usage(message).remedy(remedy).into());
    }
    Ok(Scan { columns, ..Scan::default() })
}

impl Seen {
    /// Looks at a cell.
    fn look(
        &mut self,
        cell: Cell<'_>,
        cells: &Cells,
        column: &Column,
        line: u64,
    ) -> Result<(), Failure> {
        let Some(kind) = self.kind else {
            self.looks.see(cell, cells, line);
            return Ok(());
        };
        let Ok(value) = cells.value(cell, kind) else {
            let field = (self.by == DecidedBy::Field).then_some(column.name.as_str());
            return Err(misfit(&column.heading, kind, line, cell.text.trim(), field));
        };
        self.values += u64::from(value.is_some());
        Ok(())
    }
}

/// Gives the columns a type that have none yet.
fn decide(scan: &mut Scan, rows: &Rows) -> Result<()> {
    for (seen, column) in scan.columns.iter_mut().zip(&rows.layout.columns) {
        if seen.kind.is_none() {
            seen.kind = seen.looks.decide(&column.heading)?;
            seen.values = seen.looks.values();
        }
    }
    Ok(())
}

/// A row of `input` that is of no device.
pub(super) fn no_device(line: u64) -> Failure {
    Failure::new(format!("line {line} has no device, and each row of 'input' is of one")).remedy(
        "fill in the column device_id, or import rows without a device into another namespace",
    )
}
