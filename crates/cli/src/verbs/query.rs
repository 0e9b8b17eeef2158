//! `iobeam query`: readings of a namespace, newest first.
//!
//! ```text
//! terminal ─▶ table, times as dates          elsewhere ─▶ the server's JSON or CSV, as the original printed it
//! ```
//!
//! The server knows one field or all; several named fields are picked from its reply here.

use anyhow::Result;
use serde_json::{Value, json};

use crate::api::{Call, Reply};
use crate::csv_text::{Lexer, Record, Syntax};
use crate::failure::Failure;
use crate::output::{Form, Grid, plain};
use crate::session::{ProjectFlag, Session, with_remedy};

/// What to ask for.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    iobeam query --field temperature --limit 100\n  \
    iobeam query --where 'eq(device_id,my-dev)' --time 'now()-2h,now()'\n  \
    iobeam query --field temperature --operator mean --group-by 'time(15m),device_id'\n  \
    iobeam query --limit-by device_id,1")]
pub(crate) struct Query {
    #[command(flatten)]
    project: ProjectFlag,
    /// The namespace
    #[arg(long, value_name = "NAME", default_value = "input")]
    namespace: String,
    /// A field; all of them when left out
    #[arg(long = "field", value_name = "NAME")]
    fields: Vec<String>,
    /// From when to when: milliseconds, or now() and an offset such as now()-2h
    #[arg(long, value_name = "FROM,TO", allow_hyphen_values = true)]
    time: Option<String>,
    /// Only rows for which this holds: eq, lt, gt, le or ge of a field and a value
    #[arg(long = "where", value_name = "OP(FIELD,VALUE)")]
    conditions: Vec<String>,
    /// One row for each span of time or value of a field: time(1h), device_id, or time(1h),device_id
    #[arg(long, alias = "groupBy", value_name = "GROUP")]
    group_by: Option<String>,
    /// What to make of the values: sum, count, min, max or mean
    #[arg(long, value_name = "NAME")]
    operator: Option<String>,
    /// At most so many rows for each value of a field
    #[arg(long, alias = "limitBy", value_name = "FIELD,COUNT")]
    limit_by: Option<String>,
    /// At most so many spans of time
    #[arg(long, alias = "limitPeriods", value_name = "COUNT")]
    limit_periods: Option<u64>,
    /// At most so many rows: the newest
    #[arg(long, value_name = "COUNT", default_value = "10")]
    limit: u64,
    /// How times are written: sec, msec (the default), usec, timeval or iso
    #[arg(long, alias = "timeFmt", value_name = "UNIT")]
    time_fmt: Option<String>,
    /// The form of the answer; a table on a terminal and JSON elsewhere when left out
    #[arg(long, value_enum, value_name = "FORM")]
    output: Option<Form>,
}

impl Query {
    /// Asks, and shows the answer.
    pub(crate) fn run(self, session: &Session) -> Result<()> {
        let project = session.project(self.project)?;
        let form = Form::of(session.out, self.output);
        let sent = session.as_project(project, self.call(form));
        let remedy = format!(
            "see the namespaces and their fields: `iobeam namespace list --project-id {project}`"
        );
        let reply = with_remedy(sent, 404, &remedy)?;
        match form {
            Form::Csv => self.csv(session, &reply),
            Form::Json => session.out.json(&self.picked(reply.json()?)),
            Form::Table => self.table(session, &self.picked(reply.json()?)),
        }
    }

    fn call(&self, form: Form) -> Call {
        let field = if let [field] = &self.fields[..] { field } else { "" };
        let mut call = Call::get(&["data", &self.namespace, field]).with("limit", self.limit);
        call = call.with_some("time", self.time.as_ref());
        for condition in &self.conditions {
            call = call.with("where", condition);
        }
        // For a table times become dates, which lose nothing when they come as microseconds.
        let precise = (form == Form::Table).then_some("usec");
        call = call
            .with_some("group_by", self.group_by.as_ref())
            .with_some("operator", self.operator.as_ref())
            .with_some("limit_by", self.limit_by.as_ref())
            .with_some("limit_periods", self.limit_periods)
            .with_some("timefmt", self.time_fmt.as_deref().or(precise));
        if form == Form::Csv { call.with("output", "csv") } else { call }
    }

    /// The reply with only the fields that were asked for. Aggregates have names of their own and stay.
    fn picked(&self, mut reply: Value) -> Value {
        if self.fields.len() < 2 || self.group_by.is_some() {
            return reply;
        }
        for part in reply["result"].as_array_mut().into_iter().flatten() {
            let names: Vec<String> =
                part["fields"].as_array().into_iter().flatten().map(plain).collect();
            let columns: Vec<Option<usize>> = std::iter::once(Some(0))
                .chain(self.fields.iter().map(|field| names.iter().position(|name| name == field)))
                .collect();
            for row in part["values"].as_array_mut().into_iter().flatten() {
                let pick = |at: &Option<usize>| at.map_or(Value::Null, |at| row[at].clone());
                *row = columns.iter().map(pick).collect();
            }
            part["fields"] =
                std::iter::once("time").chain(self.fields.iter().map(String::as_str)).collect();
            // A server of an earlier version says nothing of types.
            if let Some(types) = part["types"].as_array() {
                let kind = |at: Option<usize>| at.and_then(|at| types.get(at)).cloned();
                let nothing = || Value::from("NULL");
                part["types"] =
                    columns.iter().map(|at| kind(*at).unwrap_or_else(nothing)).collect();
            }
        }
        reply
    }

    fn csv(&self, session: &Session, reply: &Reply) -> Result<()> {
        if self.fields.len() < 2 || self.group_by.is_some() {
            return session.out.bytes(&reply.body);
        }
        let source = Box::new(std::io::Cursor::new(reply.body.clone()));
        let mut lexer = Lexer::new(source, Syntax { delimiter: b',', comment: None });
        let mut record = Record::default();
        let mut columns: Option<Vec<usize>> = None;
        let mut picked = String::new();
        while lexer.read(&mut record)? {
            let columns = columns.get_or_insert_with(|| {
                let named = |field: &String| {
                    record.cells().position(|head| {
                        head.text.split_once('.').map_or(head.text, |(_, name)| name) == field
                    })
                };
                std::iter::once(0).chain(self.fields.iter().filter_map(named)).collect()
            });
            for (place, at) in columns.iter().enumerate() {
                if place > 0 {
                    picked.push(',');
                }
                record.cell(*at).write(&mut picked);
            }
            picked.push('\n');
        }
        session.out.bytes(picked.as_bytes())
    }

    fn table(&self, session: &Session, reply: &Value) -> Result<()> {
        let mut shown = 0;
        for part in reply["result"].as_array().into_iter().flatten() {
            let grid = grid(part, self.time_fmt.is_none());
            shown += part["values"].as_array().map_or(0, Vec::len) as u64;
            session.out.table(&grid, "no readings")?;
        }
        if shown == self.limit && self.limit_by.is_none() {
            session.out.hint(&format!("the newest {shown} rows; more with --limit"));
        }
        Ok(())
    }
}

/// An answer as a table. With `dates`, times are microseconds and are shown as dates: the columns that the reply says
/// are times, whatever they are called; the column `time` where it says nothing of types.
pub(crate) fn grid(part: &Value, dates: bool) -> Grid {
    let headings: Vec<String> =
        part["fields"].as_array().into_iter().flatten().map(plain).collect();
    let rows = || part["values"].as_array().into_iter().flatten().filter_map(Value::as_array);
    let is_numeric = |column: &usize| {
        let mut cells =
            rows().filter_map(|row| row.get(*column)).filter(|cell| !cell.is_null()).peekable();
        cells.peek().is_some() && cells.all(Value::is_number)
    };
    let numbers: Vec<usize> = (0..headings.len()).filter(is_numeric).collect();
    let is_time = |column: &usize| match part["types"].get(*column) {
        Some(kind) => dates && kind == "TIMESTAMP",
        None => dates && headings[*column] == "time",
    };
    let times: Vec<usize> = (0..headings.len()).filter(is_time).collect();
    let mut grid = Grid::with_headings(headings).right(numbers);
    for row in rows() {
        let cell = |(column, value): (usize, &Value)| match value.as_i64() {
            Some(micros) if times.contains(&column) => moment(micros),
            _ => plain(value),
        };
        grid.row(row.iter().enumerate().map(cell).collect());
    }
    grid
}

/// Microseconds since 1970 as a date in UTC, no longer than it needs to be.
pub(crate) fn moment(micros: i64) -> String {
    let form = match micros {
        whole if whole % 1_000_000 == 0 => "%Y-%m-%d %H:%M:%S",
        milli if milli % 1_000 == 0 => "%Y-%m-%d %H:%M:%S%.3f",
        _ => "%Y-%m-%d %H:%M:%S%.6f",
    };
    chrono::DateTime::from_timestamp_micros(micros)
        .map_or_else(|| micros.to_string(), |date| date.format(form).to_string())
}

/// The one answer in a reply, or a failure that says there is none.
pub(crate) fn answer(reply: &Value) -> Result<Value> {
    match reply["result"].as_array() {
        Some(parts) => {
            let nothing = || json!({"fields": [], "values": []});
            Ok(parts.first().cloned().unwrap_or_else(nothing))
        }
        None => Err(Failure::new("the server's reply holds no result").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(fields: &[&str], group_by: Option<&str>) -> Query {
        Query {
            project: ProjectFlag::default(),
            namespace: String::from("input"),
            fields: fields.iter().map(ToString::to_string).collect(),
            time: None,
            conditions: Vec::new(),
            group_by: group_by.map(str::to_owned),
            operator: None,
            limit_by: None,
            limit_periods: None,
            limit: 10,
            time_fmt: None,
            output: None,
        }
    }

    fn reply() -> Value {
        json!({"result": [{"fields": ["time", "a", "b", "c"], "values": [[1, 2, null, 1.0], [2, 3, "x", 2.5]]}]})
    }

    #[test]
    fn several_fields_are_picked_in_the_order_asked_for() {
        let picked = query(&["c", "a", "z"], None).picked(reply());
        insta::assert_snapshot!(picked, @r#"{"result":[{"fields":["time","c","a","z"],"values":[[1,1.0,2,null],[2,2.5,3,null]]}]}"#);
    }

    #[test]
    fn the_types_of_picked_fields_go_with_them() {
        let mut whole = reply();
        whole["result"][0]["types"] = json!(["TIMESTAMP", "LONG", "STRING", "DOUBLE"]);
        let picked = query(&["c", "a", "z"], None).picked(whole);
        assert_eq!(picked["result"][0]["types"], json!(["TIMESTAMP", "DOUBLE", "LONG", "NULL"]));
    }

    #[test]
    fn one_field_none_and_groups_are_left_as_they_come() {
        assert_eq!(query(&["a"], None).picked(reply()), reply());
        assert_eq!(query(&[], None).picked(reply()), reply());
        assert_eq!(query(&["a", "c"], Some("time(1h)")).picked(reply()), reply());
    }

    #[test]
    fn times_are_shown_as_dates_whatever_they_are_called() {
        let part = json!({"fields": ["runtime", "b", "b"], "types": ["LONG", "TIMESTAMP", "TIMESTAMP"],
            "values": [[1_767_225_600_000_000_i64, 1_767_225_600_000_000_i64, 1]]});
        let shown = grid(&part, true);
        assert_eq!(
            shown.cells(),
            [["1767225600000000", "2026-01-01 00:00:00", "1970-01-01 00:00:00.000001"]]
        );
    }

    #[test]
    fn a_date_is_as_long_as_it_needs_to_be() {
        assert_eq!(moment(0), "1970-01-01 00:00:00");
        assert_eq!(moment(1_500_000), "1970-01-01 00:00:01.500");
        assert_eq!(moment(-1), "1969-12-31 23:59:59.999999");
        assert_eq!(moment(i64::MAX), i64::MAX.to_string());
    }
}
