//! `iobeam import`: readings from the command line, a CSV file or standard input.
//!
//! ```text
//! --fields a,b --values 1,2 ─▶ one row ─▶ JSON ───────────────────────────────────────┐
//! --csv FILE ─▶ rows ─▶ scan: types by column, over all rows ─▶ batches with ids ─────┴▶ POST /v1/imports ─▶ "stored"
//! ```
//!
//! What is sent again is stored once: a row of the command line within a day, rows of a file always.

mod csv_file;

mod follow;

mod prepare;

mod report;

mod send;

mod batches;

mod cut_short;

mod scan;

mod rows;

mod layout;

mod flags;

mod typed;

mod names;

mod times;

mod zone;

mod source;

mod body;

use anyhow::Result;
use serde_json::{Map, Value};

use crate::api::Call;
use crate::failure::Failure;
use crate::session::{ProjectFlag, Session, with_remedy};
use crate::value;
use times::TimeReader;

/// What to send.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    iobeam import --device my-dev --fields temperature,ok --values 21.5,true\n  \
    iobeam import --csv readings.csv --device my-dev --dry-run\n  \
    iobeam import --csv logger.csv --device my-dev --delimiter ';' --decimal , --null NA \\\n    \
    --time-column Zeit --time-format dmy --timezone Europe/Berlin --rename 'Temperatur (°C)=temperature'\n  \
    zstdcat old.csv.zst | iobeam import --csv - --device my-dev --time-format seconds\n  \
    tail -n +1 -f live.csv | iobeam import --csv - --follow --device my-dev --type temperature:DOUBLE\n\n\
    Values: 12.5 double, 12 long, true or false boolean, anything else text, also 00042 and integers of more than 64 \
    bits; quotes make text of a number.")]
pub(crate) struct Import {
    #[command(flatten)]
    project: ProjectFlag,
    /// Where the rows belong
    #[arg(long, value_name = "NAME", default_value = "input")]
    namespace: String,
    /// The device that the rows are of. It must be registered, unless the project registers devices by itself
    #[arg(long, value_name = "ID")]
    device: Option<String>,
    /// Store a row that is of no device, without a warning
    #[arg(long, conflicts_with_all = ["device", "csv"])]
    no_device: bool,
    /// A value that each row has
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = value::label)]
    labels: Vec<(String, Value)>,
    /// Names of the values, separated by commas; one may be `time`
    #[arg(
        long,
        value_name = "LIST",
        required_unless_present = "csv",
        requires = "values",
        conflicts_with = "csv"
    )]
    fields: Option<String>,
    /// The values, separated by commas
    #[arg(
        long,
        value_name = "LIST",
        requires = "fields",
        conflicts_with = "csv",
        allow_hyphen_values = true
    )]
    values: Option<String>,
    /// When it was: milliseconds since 1970, a date, or as --time-format says; now when left out
    #[arg(long, value_name = "TIME", conflicts_with = "csv", allow_hyphen_values = true)]
    time: Option<String>,
    #[command(flatten)]
    times: flags::TimeFlags,
    #[command(flatten)]
    csv: flags::CsvFlags,
}

impl Import {
    /// Sends it.
    pub(crate) fn run(self, session: &Session) -> Result<()> {
        let project = session.project(self.project)?;
        let mut labels = Map::new();
        for (name, value) in self.labels {
            if labels.insert(name.clone(), value).is_some() {
                return Err(Failure::usage(format!("label '{name}' is given twice")).into());
            }
        }
        if self.device.is_some() && labels.contains_key("device_id") {
            return Err(
                Failure::usage("the device is given twice: by --device and as a label").into()
            );
        }
        let mut device = self.device;
        if self.namespace != "input"
            && let Some(id) = device.take()
        {
            // Only the namespace `input` is about devices; elsewhere the id is a value like any other.
            labels.insert(String::from("device_id"), Value::String(id));
        }
        let target = Target { session, project, namespace: self.namespace, device, labels };
        if self.csv.is_given() {
            return csv_file::import(&target, &self.csv, &self.times);
        }
        let (fields, values) = (self.fields.unwrap_or_default(), self.values.unwrap_or_default());
        let reader = rows::time_reader(&self.times, '.');
        let now = session.clock.now().micros();
        let (fields, row) = one_row(&fields, &values, self.time.as_deref(), &reader, now)?;
        if !self.no_device && target.lacks_device(&fields) {
            session.out.note(
                "warning: the row is of no device, so no page or list of devices shows it; name one with --device ID, or \
                 say --no-device",
            );
        }
        let reply = target.send(body::of_row(&target, &fields, &row))?;
        if session.out.wants_json() {
            return session.out.json(&reply);
        }
        let repeat = reply["repeat"].as_bool().unwrap_or(false);
        let what = if repeat { "was stored before" } else { "stored" };
        session.out.done(&format!("1 row {what} in '{}' of project {project}", target.namespace))
    }
}

/// Where rows go.
struct Target<'a> {
    session: &'a Session,
    project: u32,
    namespace: String,
    /// The device of all rows, whose registration the server is to check.
    device: Option<String>,
    /// Values that each row has.
    labels: Map<String, Value>,
}

impl Target<'_> {
    /// Sends one request and gives the server's reply.
    fn send(&self, body: Vec<u8>) -> Result<Value> {
        let call = Call::post(&["imports"]).with("fmt", "table").body(body);
        let sent = self.session.as_project(self.project, call);
        with_remedy(sent, 404, &self.missing_device())?.json()
    }

    /// What to do where the server knows no such device or namespace.
    fn missing_device(&self) -> String {
        match &self.device {
            Some(id) => format!("`iobeam device create --id {id}`"),
            None => String::from("`iobeam namespace list`, `iobeam device list`"),
        }
    }

    /// Whether a row of these fields would be of no device, though it should be of one.
    fn lacks_device(&self, fields: &[String]) -> bool {
        self.namespace == "input"
            && self.device.is_none()
            && !self.labels.contains_key("device_id")
            && !fields.iter().any(|field| field == "device_id")
    }
}

/// The one row of a command line: its fields, `time` first, and their values.
fn one_row(
    fields: &str,
    values: &str,
    time: Option<&str>,
    reader: &TimeReader,
    now: i64,
) -> Result<(Vec<String>, Vec<Value>)> {
    let mut fields: Vec<String> = fields.split(',').map(|name| name.trim().to_owned()).collect();
    let texts = value::split(values);
    if fields.len() != texts.len() {
        let message = format!("there are {} fields and {} values", fields.len(), texts.len());
        let remedy = "give one value for each field; text with a comma in it goes in double quotes";
        return Err(Failure::usage(message).remedy(remedy).into());
    }
    if let Some(nameless) = fields.iter().position(String::is_empty) {
        return Err(Failure::usage(format!("field {} has no name", nameless + 1)).into());
    }
    let read = |(name, text): (&String, &str)| match name.as_str() {
        "device_id" => Ok(value::parse_text(text)),
        "time" => reader.read(text).map(Value::from).map_err(Failure::not_understood),
        _ => value::parse(text).map_err(|error| Failure::usage(format!("field '{name}': {error}"))),
    };
    let row = fields.iter().zip(texts).map(read).collect::<Result<Vec<Value>, Failure>>();
    let mut row = row?;
    match (fields.iter().position(|name| name == "time"), time) {
        (Some(_), Some(_)) => {
            return Err(Failure::usage("the time is given twice: as a field and by --time").into());
        }
        (Some(at), None) => {
            fields[..=at].rotate_right(1);
            row[..=at].rotate_right(1);
        }
        (None, time) => {
            let micros = time.map_or(Ok(now), |time| reader.read(time));
            let micros = micros.map_err(Failure::not_understood)?;
            fields.insert(0, String::from("time"));
            row.insert(0, micros.into());
        }
    }
    Ok((fields, row))
}

#[cfg(test)]
mod tests {
    use super::times::TimeFormat;
    use super::zone::DstPolicy;
    use super::*;

    const THEN: &str = "1427316488000";

    fn row(fields: &str, values: &str, time: Option<&str>) -> String {
        let (format, policy) = (TimeFormat::Assumed, DstPolicy::Refuse);
        let reader = TimeReader { format, zone: None, policy, force: false, decimal: '.' };
        match one_row(fields, values, time, &reader, 1000) {
            Ok((fields, row)) => format!("{} = {}", fields.join(" "), Value::from(row)),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_row_has_the_time_that_is_given_or_now() {
        let then = "time temp = [1427316488000000,21.5]";
        assert_eq!(row("temp", "21.5", None), "time temp = [1000,21.5]");
        assert_eq!(row("temp", "21.5", Some(THEN)), then);
        assert_eq!(row("temp", "21.5", Some("2015-03-25T20:48:08Z")), then);
        assert_eq!(row("temp,time", "21.5,1427316488000", None), then);
        insta::assert_snapshot!(row("time", THEN, Some(THEN)), @"the time is given twice: as a field and by --time");
        insta::assert_snapshot!(row("time", "noon", None), @"the time 'noon' is neither a number of milliseconds nor a date such as 2026-11-22T12:30:00Z");
        assert!(row("temp", "1", Some("1427316488")).contains("1970-01-17"));
    }

    #[test]
    fn each_field_needs_its_value() {
        insta::assert_snapshot!(row("a,b", "1", None), @"there are 2 fields and 1 values");
        insta::assert_snapshot!(row("a,", "1,2", None), @"field 2 has no name");
        assert_eq!(row("a, b", "1, ", None), "time a b = [1000,1,null]");
    }

    #[test]
    fn a_device_id_among_the_fields_is_text() {
        assert_eq!(row("device_id,n", "42,42", None), r#"time device_id n = [1000,"42",42]"#);
    }

    #[test]
    fn what_may_be_a_code_or_a_number_is_for_the_user_to_say() {
        assert_eq!(
            row("iccid", "89014103211118510720", None),
            r#"time iccid = [1000,"89014103211118510720"]"#
        );
        insta::assert_snapshot!(row("code", "1e5", None), @r#"field 'code': '1e5' may be a number or a code; write the number as 100000.0, or text in double quotes: '"1e5"'"#);
    }
}
