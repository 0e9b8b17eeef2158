//! What people and scripts read: tables, records and hints for people, JSON for scripts.
//!
//! ```text
//! stdout   the answer: a table, a record, "✓ done", or JSON with --json
//! stderr   errors always; hints and questions only when a person sits there
//! ```
//!
//! Colours appear only on a terminal and never when `NO_COLOR` is set.

use std::io::{self, IsTerminal, Write};

use anyhow::Result;
use clap::ValueEnum;
use comfy_table::{Attribute, Cell, CellAlignment, ContentArrangement, Table, presets};
use serde_json::Value;

use crate::failure::Failure;

/// The narrowest column that text is wrapped in.
const NARROWEST: usize = 12;

/// Where a command's words go, and in which form.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    json: bool,
    reader: Reader,
    err_is_terminal: bool,
}

/// Who reads the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reader {
    /// A program, or a file.
    Program,
    /// A person.
    Person,
    /// A person who likes colours.
    Painter,
}

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    Table,
    Json,
    Csv,
}

impl Form {
    /// The form that was asked for; else a table for a person and JSON for a program.
    pub(crate) fn of(out: Output, asked: Option<Self>) -> Self {
        match asked {
            _ if out.wants_json() => Self::Json,
            Some(form) => form,
            None if out.is_terminal() => Self::Table,
            None => Self::Json,
        }
    }
}

/// Rows and columns for people.
#[derive(Debug)]
pub(crate) struct Grid {
    headings: Vec<String>,
    rows: Vec<Vec<String>>,
    right: Vec<usize>,
}

impl Grid {
    /// A table with these headings and no rows yet.
    pub(crate) fn new<const N: usize>(headings: [&str; N]) -> Self {
        Self::with_headings(headings.iter().map(ToString::to_string).collect())
    }

    /// A table with headings that are known only now.
    pub(crate) fn with_headings(headings: Vec<String>) -> Self {
        Self { headings, rows: Vec::new(), right: Vec::new() }
    }

    /// Columns of numbers, which are aligned to the right.
    #[must_use]
    pub(crate) fn right(mut self, columns: impl IntoIterator<Item = usize>) -> Self {
        self.right.extend(columns);
        self
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// Whether there is no row.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Its cells, row by row.
    #[cfg(test)]
    pub(crate) fn cells(&self) -> &[Vec<String>] {
        &self.rows
    }

    fn lines(&self, terminal: bool, colour: bool) -> Vec<String> {
        let mut table = Table::new();
        table.load_preset(presets::NOTHING);
        let room = table.width().map_or(0, usize::from);
        if terminal && room > 0 && self.width() > room {
            // Cells are wrapped only where that leaves them readable.
            if room < NARROWEST * self.headings.len() {
                return self.stood_up(colour);
            }
            table.set_content_arrangement(ContentArrangement::Dynamic);
        }
        if colour {
            table.enforce_styling();
        } else {
            table.force_no_tty();
        }
        let align = |column: usize| {
            if self.right.contains(&column) { CellAlignment::Right } else { CellAlignment::Left }
        };
        table.set_header(self.headings.iter().enumerate().map(|(column, heading)| {
            Cell::new(heading).add_attribute(Attribute::Bold).set_alignment(align(column))
        }));
        for row in &self.rows {
            table.add_row(
                row.iter()
                    .enumerate()
                    .map(|(column, text)| Cell::new(printable(text)).set_alignment(align(column))),
            );
        }
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        table.lines().map(|line| line.trim_end().to_owned()).collect()
    }

    /// How many characters the widest line would have.
    fn width(&self) -> usize {
        let cells = |column: usize| self.rows.iter().filter_map(move |row| row.get(column));
        let widest = |column: usize| {
            let texts = cells(column).chain(self.headings.get(column));
            texts.map(|text| text.chars().count() + 2).max().unwrap_or(0)
        };
        (0..self.headings.len()).map(widest).sum()
    }

    /// A table with more columns than fit: a block for each row, its first cell above, without what is empty.
    fn stood_up(&self, colour: bool) -> Vec<String> {
        let (bold, plain) = if colour { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
        let name_width = self.headings.iter().map(|name| name.chars().count()).max().unwrap_or(0);
        let mut lines = Vec::new();
        for row in &self.rows {
            let mut cells = self.headings.iter().zip(row);
            if let Some((_, first)) = cells.next() {
                lines.push(format!("{bold}{}{plain}", printable(first)));
            }
            for (name, cell) in cells.filter(|(_, cell)| !cell.is_empty()) {
                lines.push(format!("  {name:name_width$}  {}", printable(cell)));
            }
        }
        lines
    }
}

impl Output {
    /// Looks at the terminal once.
    pub(crate) fn new(json: bool) -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|set| !set.is_empty())
            || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let reader = match (io::stdout().is_terminal(), plain) {
            (false, _) => Reader::Program,
            (true, true) => Reader::Person,
            (true, false) => Reader::Painter,
        };
        Self { json, reader, err_is_terminal: io::stderr().is_terminal() }
    }

    /// Whether the answer is to be JSON.
    pub(crate) fn wants_json(self) -> bool {
        self.json
    }

    /// Whether a person reads the answer.
    pub(crate) fn is_terminal(self) -> bool {
        self.reader != Reader::Program
    }

    fn colour(self) -> bool {
        self.reader == Reader::Painter
    }

    /// Whether a person reads what is said beside the answer.
    pub(crate) fn talks_to_a_person(self) -> bool {
        self.err_is_terminal && !self.json
    }

    /// Prints a value: over several lines for a person, on one line for a script.
    pub(crate) fn json(self, value: &Value) -> Result<()> {
        let text = if self.is_terminal() {
            serde_json::to_string_pretty(value)?
        } else {
            serde_json::to_string(value)?
        };
        self.line(&text)
    }

    /// Prints a line.
    #[expect(clippy::unused_self, reason = "all output goes through one hand")]
    pub(crate) fn line(self, text: &str) -> Result<()> {
        Ok(writeln!(io::stdout().lock(), "{text}")?)
    }

    /// Prints bytes as they are.
    #[expect(clippy::unused_self, reason = "all output goes through one hand")]
    pub(crate) fn bytes(self, bytes: &[u8]) -> Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(bytes)?;
        Ok(out.flush()?)
    }

    /// Says that it is done.
    pub(crate) fn done(self, text: &str) -> Result<()> {
        let text = printable(text);
        if self.colour() {
            self.line(&format!("\x1b[32m✓\x1b[0m {text}"))
        } else if self.is_terminal() {
            self.line(&format!("✓ {text}"))
        } else {
            self.line(&text)
        }
    }

    /// Prints names and values, aligned; empty values are left out.
    pub(crate) fn record(self, members: &[(&str, String)]) -> Result<()> {
        let width = members.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        for (name, value) in members.iter().filter(|(_, value)| !value.is_empty()) {
            let value = printable(value);
            let gap = " ".repeat(width - name.chars().count() + 2);
            if self.colour() {
                self.line(&format!("\x1b[1m{name}\x1b[0m{gap}{value}"))?;
            } else {
                self.line(&format!("{name}{gap}{value}"))?;
            }
        }
        Ok(())
    }

    /// Prints a table, or `nothing` when it has no rows.
    pub(crate) fn table(self, grid: &Grid, nothing: &str) -> Result<()> {
        if grid.is_empty() {
            return self.line(nothing);
        }
        for line in grid.lines(self.is_terminal(), self.colour()) {
            self.line(&line)?;
        }
        Ok(())
    }

    /// Tells a person what to do next.
    pub(crate) fn hint(self, text: &str) {
        if self.talks_to_a_person() {
            if self.colour() {
                self.note(&format!("\x1b[2m→ {text}\x1b[0m"));
            } else {
                self.note(&format!("→ {text}"));
            }
        }
    }

    /// Says something beside the answer. A closed stderr is no reason to fail.
    #[expect(clippy::unused_self, reason = "all output goes through one hand")]
    pub(crate) fn note(self, text: &str) {
        drop(writeln!(io::stderr().lock(), "{text}"));
    }

    /// Tells what went wrong and what to do about it.
    pub(crate) fn error(self, failure: &anyhow::Error) {
        let known = failure.downcast_ref::<Failure>();
        if self.json {
            let told = known
                .map_or_else(|| Failure::new(format!("{failure:#}")).to_json(), Failure::to_json);
            self.note(&told.to_string());
            return;
        }
        let colour = self.err_is_terminal && self.colour();
        let (red, dim, plain) =
            if colour { ("\x1b[1;31m", "\x1b[2m", "\x1b[0m") } else { ("", "", "") };
        let text = printable(&format!("{failure:#}"));
        self.note(&format!("{red}error:{plain} {text}"));
        if let Some(remedy) = known.and_then(Failure::known_remedy) {
            self.note(&format!("  {dim}try:{plain} {}", printable(remedy)));
        }
    }
}

/// The text without control characters, with which a server's words could move the cursor.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}

/// A member of an object as people read it; empty when it is missing.
pub(crate) fn text(object: &Value, member: &str) -> String {
    plain(&object[member])
}

/// A JSON value as people read it: text without quotes, nothing for null.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A date of the server, shortened for people: `2016-07-29 08:19:47`.
pub(crate) fn date(value: &Value) -> String {
    let text = plain(value).replacen('T', " ", 1);
    text.trim_end_matches('Z').trim_end_matches(" +0000").to_owned()
}

/// Milliseconds since 1970 as a date: `2016-07-29 08:19:47.250`.
pub(crate) fn moment(value: &Value) -> String {
    let time = value.as_i64().and_then(chrono::DateTime::from_timestamp_millis);
    time.map_or_else(|| plain(value), |time| time.format("%Y-%m-%d %H:%M:%S%.3f").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_aligned_and_has_no_trailing_blanks() {
        let mut grid = Grid::new(["id", "name"]).right([0]);
        grid.row(vec!["7".into(), "weather".into()]);
        grid.row(vec!["112".into(), "x".into()]);
        insta::assert_snapshot!(grid.lines(false, false).join("\n"), @r"
         id  name
          7  weather
        112  x
        ");
    }

    #[test]
    fn a_table_that_is_too_wide_stands_up_and_leaves_out_what_is_empty() {
        let mut grid = Grid::new(["time", "a", "longer"]);
        grid.row(vec!["12:00".into(), "1".into(), String::new()]);
        grid.row(vec!["12:01".into(), String::new(), "x".into()]);
        assert_eq!(grid.width(), 7 + 3 + 8);
        insta::assert_snapshot!(grid.stood_up(false).join("\n"), @r"
        12:00
          a       1
        12:01
          longer  x
        ");
    }

    #[test]
    fn a_servers_text_cannot_steer_the_terminal() {
        assert_eq!(printable("a\x1b[2Jb"), "a\u{fffd}[2Jb");
    }

    #[test]
    fn both_spellings_of_a_date_read_the_same() {
        assert_eq!(date(&"2016-07-29T08:19:47Z".into()), "2016-07-29 08:19:47");
        assert_eq!(date(&"2016-07-29 08:19:47 +0000".into()), "2016-07-29 08:19:47");
    }
}
