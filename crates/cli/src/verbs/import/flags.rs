//! The flags that say how a CSV file is written.

use encoding_rs::Encoding;

use super::names;
use super::source;
use super::typed::{self, Kind};
use super::zone::{self, DstPolicy, Zone};

/// Flags for CSV.
#[derive(clap::Args)]
#[command(next_help_heading = "CSV")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct CsvFlags {
    /// Import this file, also packed with gzip or zstd; `-` reads standard input to its end, then stores it. The first line names the
    /// columns; an empty cell is no value
    #[arg(long, value_name = "FILE")]
    pub(crate) csv: Option<String>,
    /// Check the whole file and show columns, types, times and first rows, but store nothing
    #[arg(long, requires = "csv")]
    pub(super) dry_run: bool,
    /// Store rows of standard input as they come, until it ends, instead of checking all of them first; each column needs
    /// a type, by --type or as its field has it
    #[arg(long, requires = "csv", conflicts_with_all = ["dry_run", "skip_footer"])]
    pub(super) follow: bool,
    /// The column that tells the time
    #[arg(long, value_name = "NAME", default_value = "time", requires = "csv")]
    pub(super) time_column: String,
    /// The column that tells the date, where the time's column tells only the time of day
    #[arg(long, value_name = "NAME", requires = "csv")]
    pub(super) date_column: Option<String>,
    /// The type of a column: DOUBLE, LONG, BOOLEAN or STRING; the field's, or decided from all cells, when left out
    #[arg(long = "type", value_name = "COLUMN:TYPE", requires = "csv", value_parser = typed::declared)]
    pub(super) types: Vec<(String, Kind)>,
    /// Text that means no value, such as NA
    #[arg(long = "null", value_name = "TEXT", requires = "csv", allow_hyphen_values = true)]
    pub(super) nulls: Vec<String>,
    /// The decimal separator of numbers
    #[arg(long, value_name = "CHAR", default_value = ".", requires = "csv")]
    pub(super) decimal: char,
    /// The separator between groups of three digits
    #[arg(long, value_name = "CHAR", requires = "csv")]
    pub(super) thousands: Option<char>,
    /// Give a column another name: 'Temperature (°C)=temperature'; #3 is the third column
    #[arg(long = "rename", value_name = "COLUMN=FIELD", requires = "csv", value_parser = names::rename)]
    pub(super) renames: Vec<(String, String)>,
    /// Turn the names of all columns into legal ones
    #[arg(long, requires = "csv")]
    pub(super) auto_rename: bool,
    /// Leave a column out
    #[arg(long = "ignore", value_name = "COLUMN", requires = "csv")]
    pub(super) ignored: Vec<String>,
    /// The character between two cells, or `tab`
    #[arg(long, value_name = "CHAR", default_value = ",", requires = "csv", value_parser = delimiter)]
    pub(super) delimiter: u8,
    /// The encoding: utf-8, utf-16, latin-1, cp1252; a byte order mark goes before it
    #[arg(long, value_name = "NAME", requires = "csv", value_parser = source::encoding)]
    pub(super) encoding: Option<&'static Encoding>,
    /// Leave out lines that begin with this character
    #[arg(long, value_name = "CHAR", requires = "csv", value_parser = comment)]
    pub(super) comment: Option<u8>,
    /// Lines to leave out before the one that names the columns
    #[arg(long, value_name = "COUNT", default_value = "0", requires = "csv")]
    pub(super) skip_lines: u64,
    /// Lines to leave out below the one that names the columns, such as units
    #[arg(long, value_name = "COUNT", default_value = "0", requires = "csv")]
    pub(super) skip_below_heading: u64,
    /// Lines to leave out at the end
    #[arg(long, value_name = "COUNT", default_value = "0", requires = "csv")]
    pub(super) skip_footer: u64,
    /// Rows to leave out at the beginning, such as those that were imported when the file was shorter
    #[arg(long, value_name = "COUNT", default_value = "0", requires = "csv")]
    pub(super) skip_rows: u64,
    /// Store rows that were imported before a second time
    #[arg(long, requires = "csv")]
    pub(super) allow_repeat: bool,
    /// Accepted, without effect: how many rows a request has follows from the rows themselves
    #[arg(long, value_name = "COUNT", requires = "csv", hide = true, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) batch_rows: Option<u32>,
}

/// Flags about times, of a CSV file or of the one row of a command line.
#[derive(clap::Args)]
#[command(next_help_heading = "Times")]
pub(crate) struct TimeFlags {
    /// How times are written: seconds, milliseconds, microseconds or nanoseconds since 1970; iso; dmy, mdy or ymd for
    /// dates in that order; excel; or a pattern such as '%d.%m.%Y %H:%M:%S'. When left out, numbers are milliseconds and
    /// everything else iso
    #[arg(long, value_name = "FORMAT", value_parser = super::times::format)]
    pub(super) time_format: Option<super::times::TimeFormat>,
    /// The zone of times that say none: UTC, +01:00 or Europe/Berlin
    #[arg(long, value_name = "ZONE", value_parser = zone::zone, allow_hyphen_values = true)]
    pub(super) timezone: Option<Zone>,
    /// What to do with local times that were twice, or never, when clocks were changed
    #[arg(long, value_enum, value_name = "POLICY", default_value = "refuse")]
    pub(super) dst_policy: DstPolicy,
    /// Take times before 1971 and after 2100 though the unit of the number was assumed
    #[arg(long)]
    pub(super) force_times: bool,
}

impl CsvFlags {
    /// Whether there is a file to import.
    pub(crate) fn is_given(&self) -> bool {
        self.csv.is_some()
    }
}

/// Reads a delimiter.
fn delimiter(text: &str) -> Result<u8, String> {
    match text {
        "tab" | "\\t" => Ok(b'\t'),
        _ => one_sign(text),
    }
}

/// Reads the sign of a comment.
fn comment(text: &str) -> Result<u8, String> {
    one_sign(text)
}

fn one_sign(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r') => Ok(*byte),
        _ => Err(String::from("use one ASCII character, but no quote; a tab is written tab")),
    }
}
