//! `iobeam import`: readings from the command line, a CSV file or standard input.
//!
//! ```text
//! --fields a,b --values 1,2 ──────────────▶ one row ─┐
//! --csv FILE ─▶ rows ─▶ types by column ─▶ batches ──┴▶ POST /v1/imports?fmt=table ─▶ "stored"
//! ```
//!
//! A batch is sent again when the server was busy or out of reach: identical requests count once there. So does a
//! file that is imported a second time.

mod rows;

mod typed;

mod body;

mod csv_file;

use anyhow::Result;
use serde_json::{Map, Value};

use crate::api::Call;
use crate::failure::Failure;
use crate::session::{ProjectFlag, Session, with_remedy};
use crate::value;

/// What to send.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    iobeam import --device my-dev --fields temperature,ok --values 21.5,true\n  \
    iobeam import --csv readings.csv --device my-dev --time-column ts --time-format rfc3339\n  \
    sensor | iobeam import --csv - --time-format sec\n\n\
    Values: 12.5 double, 12 long, true or false boolean, anything else text; quotes make text of a number.")]
pub(crate) struct Import {
    #[command(flatten)]
    project: ProjectFlag,
    /// Where the rows belong
    #[arg(long, value_name = "NAME", default_value = "input")]
    namespace: String,
    /// The device that the rows are of. It must be registered, unless the project registers devices by itself
    #[arg(long, value_name = "ID")]
    device: Option<String>,
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
    /// When it was, in milliseconds since 1970; now when left out
    #[arg(long, value_name = "MSEC", conflicts_with = "csv", allow_hyphen_values = true)]
    time: Option<i64>,
    #[command(flatten)]
    csv: csv_file::CsvFlags,
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
            return csv_file::import(&target, &self.csv);
        }
        let (fields, values) = (self.fields.unwrap_or_default(), self.values.unwrap_or_default());
        let now = session.clock.now().millis();
        let (fields, row) = one_row(&fields, &values, self.time, now)?;
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
        let remedy = match &self.device {
            Some(id) => format!("`iobeam device create --id {id}`"),
            None => String::from("`iobeam namespace list`, `iobeam device list`"),
        };
        with_remedy(sent, 404, &remedy)?.json()
    }
}

/// The one row of a command line: its fields, `time` first, and their values.
fn one_row(
    fields: &str,
    values: &str,
    time: Option<i64>,
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
    let read = |(name, text): (&String, &str)| {
        if name == "device_id" { value::parse_text(text) } else { value::parse(text) }
    };
    let mut row: Vec<Value> = fields.iter().zip(texts).map(read).collect();
    match (fields.iter().position(|name| name == "time"), time) {
        (Some(_), Some(_)) => {
            return Err(Failure::usage("the time is given twice: as a field and by --time").into());
        }
        (Some(at), None) if !row[at].is_i64() => {
            let message = format!("the time '{}' is no whole number of milliseconds", row[at]);
            return Err(Failure::usage(message).into());
        }
        (Some(at), None) => {
            fields[..=at].rotate_right(1);
            row[..=at].rotate_right(1);
        }
        (None, time) => {
            fields.insert(0, String::from("time"));
            row.insert(0, time.unwrap_or(now).into());
        }
    }
    Ok((fields, row))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(fields: &str, values: &str, time: Option<i64>) -> String {
        match one_row(fields, values, time, 1000) {
            Ok((fields, row)) => format!("{} = {}", fields.join(" "), Value::from(row)),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_row_has_the_time_that_is_given_or_now() {
        assert_eq!(row("temp", "21.5", None), "time temp = [1000,21.5]");
        assert_eq!(row("temp", "21.5", Some(7)), "time temp = [7,21.5]");
        assert_eq!(row("temp,time", "21.5,8", None), "time temp = [8,21.5]");
        insta::assert_snapshot!(row("time", "8", Some(7)), @"the time is given twice: as a field and by --time");
        insta::assert_snapshot!(row("time", "noon", None), @r#"the time '"noon"' is no whole number of milliseconds"#);
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
}
