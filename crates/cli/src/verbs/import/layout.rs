//! What the columns of a CSV file are: the time, fields, or nothing.
//!
//! ```text
//! Date;Time;Temperature (°C);          ─▶  date 0, time 1, field temperature 2, nothing 3
//! time,input.a,input.b                 ─▶  time 0, fields a 1, b 2                      (iobeam query --output csv)
//! project_id,device_id,series_name,time,value  ─▶  a field for each series              (/v1/exports)
//! ```

use std::borrow::Cow;
use std::collections::HashMap;

use anyhow::Result;
use iobeam_model::FieldName;

use super::flags::CsvFlags;
use super::names::{position, suggestion};
use crate::csv_text::{Cell, Record};
use crate::failure::Failure;
use crate::number::quoted;

/// The headings of an export, whose rows are points of many series.
const SERIES: [&str; 5] = ["project_id", "device_id", "series_name", "time", "value"];
/// Names that columns of times have.
const TIMES: [&str; 10] = [
    "time",
    "timestamp",
    "datetime",
    "date_time",
    "date time",
    "date",
    "zeit",
    "zeitstempel",
    "datum",
    "ts",
];

/// A column that is a field.
#[derive(Clone, Debug)]
pub(super) struct Column {
    /// The field's name.
    pub(super) name: FieldName,
    /// Its heading in the file.
    pub(super) heading: String,
    /// Where it stands in a record.
    at: usize,
}

impl Column {
    /// Whether it tells the device.
    pub(super) fn is_device(&self) -> bool {
        self.name.as_str().eq_ignore_ascii_case("device_id")
    }
}

/// The columns of a file.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    /// The fields, in the file's order; more may come where each row says its field.
    pub(super) columns: Vec<Column>,
    /// The line of the headings.
    pub(super) line: u64,
    width: usize,
    time: usize,
    date: Option<usize>,
    /// Columns without a name, which must be empty.
    nameless: Vec<usize>,
    /// The fields that rows name, by what they are called there.
    series: Option<HashMap<String, usize>>,
}

impl Layout {
    /// Understands the line of headings.
    pub(super) fn of(record: &Record, flags: &CsvFlags) -> Result<Self> {
        let raw: Vec<String> = record.cells().map(|cell| cell.text.to_owned()).collect();
        check_kind(&raw, record.line, flags)?;
        let mut names = without_namespace(&raw);
        for (old, new) in &flags.renames {
            let at = position(&raw, old).or_else(|| position(&names, old));
            names[at.ok_or_else(|| no_column("--rename", old, &raw))?].clone_from(new);
        }
        let mut ignored = Vec::new();
        for name in &flags.ignored {
            let at = position(&raw, name).or_else(|| position(&names, name));
            ignored.push(at.ok_or_else(|| no_column("--ignore", name, &raw))?);
        }
        let find = |name: &str| position(&names, name).or_else(|| position(&raw, name));
        let time = find(&flags.time_column).ok_or_else(|| no_time(&flags.time_column, &raw))?;
        let date = match &flags.date_column {
            Some(name) => Some(find(name).ok_or_else(|| no_column("--date-column", name, &raw))?),
            None => None,
        };
        let mut layout = Self {
            columns: Vec::new(),
            line: record.line,
            width: raw.len(),
            time,
            date,
            nameless: Vec::new(),
            series: None,
        };
        if raw == SERIES && flags.renames.is_empty() {
            layout.series = Some(HashMap::new());
            if !ignored.contains(&1) {
                layout.add("device_id".parse()?, "device_id", 1);
            }
            return Ok(layout);
        }
        let is_field = |at: &usize| *at != time && Some(*at) != date && !ignored.contains(at);
        let fields: Vec<usize> = (0..raw.len()).filter(is_field).collect();
        layout.nameless = fields.iter().copied().filter(|at| names[*at].is_empty()).collect();
        let used = fields.into_iter().filter(|at| !names[*at].is_empty()).collect::<Vec<_>>();
        if flags.auto_rename {
            let mut taken = Vec::new();
            for at in &used {
                if names[*at].parse::<FieldName>().is_err() || taken.contains(&names[*at]) {
                    names[*at] = suggestion(&names[*at], &taken);
                }
                taken.push(names[*at].clone());
            }
        }
        check_names(&names, &used, record.line)?;
        for at in used {
            layout.add(names[at].parse()?, &raw[at], at);
        }
        Ok(layout)
    }

    fn add(&mut self, name: FieldName, heading: &str, at: usize) {
        self.columns.push(Column { name, heading: heading.to_owned(), at });
    }

    /// Whether each row says which field its value is of.
    pub(super) fn names_fields_in_rows(&self) -> bool {
        self.series.is_some()
    }

    /// The text of a row's time.
    pub(super) fn time<'r>(&self, record: &'r Record) -> Cow<'r, str> {
        let time = record.cell(self.time).text;
        match self.date {
            Some(date) => Cow::Owned(format!("{} {time}", record.cell(date).text)),
            None => Cow::Borrowed(time),
        }
    }

    /// Whether a row says its device.
    pub(super) fn has_device(&self, record: &Record) -> bool {
        let column = self.columns.iter().find(|column| column.is_device());
        column.is_some_and(|column| !record.cell(column.at).text.trim().is_empty())
    }

    /// Refuses a row that has more or fewer cells than there are headings.
    pub(super) fn check(&self, record: &Record) -> Result<()> {
        let extra = (self.width..record.len()).any(|at| !record.cell(at).is_missing());
        if record.len() >= self.width && !extra {
            return Ok(());
        }
        let (line, found, width) = (record.line, record.len(), self.width);
        let message = format!(
            "line {line} has {found} cells; the headings on line {} are {width}",
            self.line
        );
        let remedy = if found > width {
            "put text with the delimiter in it in quotes, or name another --delimiter"
        } else {
            "leave lines out that are no rows: --skip-footer COUNT at the end, --comment CHAR anywhere"
        };
        Err(Failure::new(message).remedy(remedy).into())
    }

    /// Shows the cells of a row that belong to fields, each with the place of its field in `columns`.
    pub(super) fn visit<'r>(
        &mut self,
        record: &'r Record,
        mut see: impl FnMut(usize, &Column, Cell<'r>) -> Result<()>,
    ) -> Result<()> {
        if let Some(at) = self.nameless.iter().find(|at| !record.cell(**at).is_missing()) {
            let message = format!(
                "column {} has no name on line {}, but a value on line {}",
                at + 1,
                self.line,
                record.line
            );
            let remedy = format!(
                "give it a name or leave it out: --rename '#{0}=NAME' or --ignore '#{0}'",
                at + 1
            );
            return Err(Failure::usage(message).remedy(remedy).into());
        }
        for (place, column) in self.columns.iter().enumerate() {
            if self.series.is_none() || place == 0 && column.heading == "device_id" {
                see(place, column, record.cell(column.at))?;
            }
        }
        let Some(series) = &mut self.series else { return Ok(()) };
        let called = record.cell(2).text;
        let place = if let Some(place) = series.get(called) {
            *place
        } else {
            let name = called.parse::<FieldName>().map_err(|error| {
                Failure::new(format!("line {}: the series '{called}': {error}", record.line))
            })?;
            self.columns.push(Column { name, heading: called.to_owned(), at: 4 });
            series.insert(called.to_owned(), self.columns.len() - 1);
            self.columns.len() - 1
        };
        see(place, &self.columns[place], record.cell(4))
    }
}

/// Refuses files that are no table from this line on.
fn check_kind(raw: &[String], line: u64, flags: &CsvFlags) -> Result<()> {
    if raw.first().is_some_and(|first| first == "TOA5") {
        return Err(Failure::usage(
            "this is a TOA5 file of a Campbell Scientific logger, with four lines of headings",
        )
        .remedy("--skip-lines 1 --skip-below-heading 2 --time-column TIMESTAMP --timezone ZONE")
        .into());
    }
    let only = if let [only] = raw { only.as_str() } else { "" };
    let other = [(';', "';'"), ('\t', "tab"), ('|', "'|'"), (',', "','")];
    let other =
        other.iter().find(|(sign, _)| only.contains(*sign) && flags.delimiter != *sign as u8);
    match other {
        Some((_, flag)) => Err(Failure::usage(format!("line {line} has only one cell: '{only}'"))
            .remedy(format!("name the delimiter: --delimiter {flag}"))
            .into()),
        None => Ok(()),
    }
}

/// The names without `<namespace>.`, which stands before each field in the platform's own CSV. No field has a dot.
fn without_namespace(raw: &[String]) -> Vec<String> {
    let spaces = |name: &String| name.split_once('.').map(|(space, _)| space.to_owned());
    let dotted: Vec<_> = raw.iter().filter(|name| *name != "time").map(spaces).collect();
    let is_ours = !dotted.is_empty()
        && dotted.iter().all(|space| space.is_some() && *space == dotted[0])
        && raw.iter().any(|name| name == "time");
    if !is_ours {
        return raw.to_vec();
    }
    raw.iter()
        .map(|name| name.split_once('.').map_or(name.as_str(), |(_, name)| name).to_owned())
        .collect()
}

fn no_column(flag: &str, name: &str, raw: &[String]) -> Failure {
    Failure::usage(format!("{flag} {name}: the file has no such column"))
        .remedy(format!("its columns are {}", raw.join(", ")))
}

fn no_time(name: &str, raw: &[String]) -> Failure {
    let likely = |heading: &&String| {
        let heading = heading.to_lowercase();
        TIMES.iter().any(|time| heading == *time || heading.starts_with(&format!("{time},")))
    };
    let remedy = match raw.iter().find(likely) {
        Some(heading) => format!("--time-column {}", quoted(heading)),
        None if raw.len() == 1 => String::from(
            "if the headings stand on a later line, leave out those before it: --skip-lines COUNT",
        ),
        None => format!("name one of its columns with --time-column: {}", raw.join(", ")),
    };
    Failure::usage(format!("the file has no column '{name}'")).remedy(remedy)
}

/// Refuses names that no field may have, and names that stand twice: with the flags that would put it right.
fn check_names(names: &[String], fields: &[usize], line: u64) -> Result<()> {
    let mut taken: Vec<String> = Vec::new();
    let mut flags = Vec::new();
    let mut first = None;
    for at in fields {
        let name = &names[*at];
        let twice = taken.iter().find(|other| other.eq_ignore_ascii_case(name));
        let wrong = match (name.parse::<FieldName>(), twice) {
            (Err(error), _) => {
                Some(format!("the column '{name}' (line {line}) is no field: {error}"))
            }
            (Ok(_), Some(_)) => Some(format!("two columns are called '{name}' (line {line})")),
            (Ok(_), None) => None,
        };
        if let Some(wrong) = wrong {
            let is_twice = names.iter().filter(|other| *other == name).count() > 1;
            let old = if is_twice { format!("#{}", at + 1) } else { name.clone() };
            let new = suggestion(
                name,
                &[
                    &taken[..],
                    &names.iter().filter(|other| *other != name).cloned().collect::<Vec<_>>(),
                ]
                .concat(),
            );
            flags.push(format!("--rename {}", quoted(&format!("{old}={new}"))));
            taken.push(new);
            first.get_or_insert(wrong);
        } else {
            taken.push(name.clone());
        }
    }
    match first {
        Some(first) => Err(Failure::usage(first)
            .remedy(format!("{}; or --auto-rename", flags.join(" ")))
            .into()),
        None => Ok(()),
    }
}
