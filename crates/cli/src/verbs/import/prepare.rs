//! What an import needs to know before its first row, and how a row of a file becomes one of a block.
//!
//! ```text
//! namespace, flags, headings ─▶ types of columns, or what is wrong      record ─▶ values of its columns ─▶ block
//! ```

use anyhow::Result;
use iobeam_model::{FieldName, NamespaceName};
use serde_json::{Value, json};

use super::Target;
use super::batches::{Batches, Block};
use super::cut_short::CutShort;
use super::flags::CsvFlags;
use super::layout::Column;
use super::rows::Rows;
use super::scan::{DecidedBy, Known, Scan, Seen, no_device};
use super::send::Progress;
use super::typed::{Kind, KnownTypes, Typed, misfit};
use crate::api::Call;
use crate::csv_text::Record;
use crate::failure::Failure;
use crate::number::quoted;
use crate::session::with_remedy;

/// What is known of the namespace before the file is read.
pub(super) fn known<'f>(target: &Target<'_>, flags: &'f CsvFlags, space: &Value) -> Known<'f> {
    let fields = space["fields"].as_object().cloned().unwrap_or_default();
    let is_given = target.device.is_some() || target.labels.contains_key("device_id");
    Known {
        types: KnownTypes { fields },
        flags: &flags.types,
        needs_device: target.namespace == "input" && !is_given,
        partition: space["partitioning_field"].as_str().unwrap_or("device_id").to_owned(),
    }
}

/// Columns that are given by a flag too, or missing, are told before anything is read.
pub(super) fn check_columns(target: &Target<'_>, rows: &Rows, flags: &CsvFlags) -> Result<()> {
    let columns = &rows.layout.columns;
    let given = |name: &str| {
        target.labels.contains_key(name) || target.device.is_some() && name == "device_id"
    };
    if let Some(column) = columns.iter().find(|column| given(column.name.as_str())) {
        let message = format!("'{}' is a column of the file and given by a flag too", column.name);
        let remedy =
            format!("leave the flag out, or the column: --ignore {}", quoted(&column.heading));
        return Err(Failure::usage(message).remedy(remedy).into());
    }
    let has = |name: &String| {
        columns.iter().any(|column| column.name.as_str() == name || column.heading == *name)
    };
    if let Some((name, _)) = flags.types.iter().find(|(name, _)| !has(name))
        && !rows.layout.names_fields_in_rows()
    {
        let names: Vec<&str> = columns.iter().map(|column| column.heading.as_str()).collect();
        return Err(Failure::usage(format!("--type {name}: the file has no such column"))
            .remedy(format!("its columns are {}", names.join(", ")))
            .into());
    }
    let has_device = columns.iter().any(Column::is_device);
    if target.namespace == "input" && !has_device && !given("device_id") && target.device.is_none()
    {
        return Err(Failure::usage(no_device(rows.layout.line + 1).to_string())
            .remedy(
                "name the device with --device ID, or its column with --rename 'COLUMN=device_id'",
            )
            .into());
    }
    Ok(())
}

/// The namespace, as far as the token lets us see it.
pub(super) fn namespace(target: &Target<'_>) -> Result<Value> {
    let call = Call::get(&["namespaces", ""]).with("name", &target.namespace);
    let sent = target.session.as_project(target.project, call);
    match sent {
        Err(error) if error.downcast_ref::<Failure>().is_some_and(|f| f.http == 403) => {
            Ok(Value::Null)
        }
        sent => {
            let reply = with_remedy(sent, 404, "see `iobeam namespace list`")?.json()?;
            let list = reply["namespaces"].as_array().cloned().unwrap_or_default();
            let ours = list.into_iter().find(|space| space["namespace_name"] == *target.namespace);
            ours.ok_or_else(|| {
                Failure::new(format!("there is no namespace '{}'", target.namespace))
                    .remedy("`iobeam namespace list` shows those there are")
                    .into()
            })
        }
    }
}

/// Makes the LONG fields that are not there yet: a field that comes with its first reading would be DOUBLE, which does
/// not hold all integers. Where the token may not see the fields they are left to the server, which takes no integer that a
/// field does not hold.
pub(super) fn declare_longs(
    target: &Target<'_>,
    space: &Value,
    rows: &Rows,
    scanned: &Scan,
) -> Result<()> {
    let new = new_longs(space, rows, scanned);
    if space.is_null() || new.is_empty() {
        return Ok(());
    }
    let mut wanted = space.clone();
    for column in &new {
        wanted["fields"][column.name.as_str()] = json!("LONG");
    }
    let id = space["namespace_id"].to_string();
    let call = Call::new(ureq::http::Method::PUT, &["namespaces", &id]).json(&wanted)?;
    match target.session.as_project(target.project, call) {
        Ok(_) => Ok(()),
        Err(error) if error.downcast_ref::<Failure>().is_some_and(|f| f.http == 403) => {
            let heading = new.first().map_or("", |column| column.heading.as_str());
            let message = format!(
                "the column '{heading}' needs a field of type LONG, which must be declared: {error}"
            );
            Err(Failure::new(message).remedy(long_remedy(&id, &new)).into())
        }
        Err(error) => Err(error),
    }
}

/// What to do about integers that the server did not take, where it was not known which fields are LONG.
pub(super) fn with_long_remedy(
    error: anyhow::Error,
    space: &Value,
    rows: &Rows,
    scanned: &Scan,
) -> anyhow::Error {
    let new = new_longs(space, rows, scanned);
    match error.downcast::<Failure>() {
        Ok(failure) if failure.http == 400 && space.is_null() && !new.is_empty() => {
            failure.or_remedy(long_remedy("ID", &new)).into()
        }
        Ok(failure) => failure.into(),
        Err(other) => other,
    }
}

fn long_remedy(id: &str, new: &[&Column]) -> String {
    let fields = new.iter().map(|column| quoted(&format!("{}:LONG", column.name)));
    let fields: Vec<String> = fields.map(|field| format!("--field {field}")).collect();
    let types = new.iter().map(|column| quoted(&format!("{}:STRING", column.heading)));
    let types: Vec<String> = types.map(|text| format!("--type {text}")).collect();
    format!(
        "with a token that may administer the project: `iobeam namespace update --id {id} {}`; or {} to store the column \
         as text",
        fields.join(" "),
        types.join(" ")
    )
}

/// The columns of integers whose fields are not there yet, as far as the namespace can be seen.
fn new_longs<'r>(space: &Value, rows: &'r Rows, scanned: &Scan) -> Vec<&'r Column> {
    let types = KnownTypes { fields: space["fields"].as_object().cloned().unwrap_or_default() };
    let columns = rows.layout.columns.iter().zip(&scanned.columns);
    let new = columns.filter(|(column, seen)| {
        seen.kind == Some(Kind::Long) && seen.values > 0 && types.of(column.name.as_str()).is_none()
    });
    new.map(|(column, _)| column).collect()
}

/// No rows yet.
pub(super) fn batches(
    target: &Target<'_>,
    flags: &CsvFlags,
    rows: &Rows,
    scanned: &Scan,
) -> Result<Batches> {
    let namespace: NamespaceName = target
        .namespace
        .parse()
        .map_err(|error| Failure::usage(format!("--namespace {}: {error}", target.namespace)))?;
    let mut constants = Vec::new();
    if let Some(device) = &target.device {
        constants.push((FieldName::device_id(), Value::from(device.as_str())));
    }
    for (name, value) in &target.labels {
        let field: FieldName =
            name.parse().map_err(|error| Failure::usage(format!("label '{name}': {error}")))?;
        constants.push((field, value.clone()));
    }
    let columns = rows.layout.columns.iter().zip(&scanned.columns);
    let fields = columns.map(|(column, seen)| seen.kind.map(|kind| (column.name.clone(), kind)));
    let salt = if flags.allow_repeat {
        let mut salt = [0; 16];
        getrandom::fill(&mut salt)
            .map_err(|error| Failure::new(format!("no randomness: {error}")))?;
        Some(u128::from_le_bytes(salt))
    } else {
        None
    };
    Ok(Batches::new(namespace, constants, fields.collect(), salt, flags.skip_rows))
}

/// Refuses a row that cannot be added.
pub(super) fn check_row(rows: &mut Rows, record: &Record, scanned: &Scan) -> Result<()> {
    rows.micros(record)?;
    visit_values(rows, record, scanned, |_, _| {})
}

/// Adds a row; gives a block when it is full. Of a row that is refused a part may be added: nothing may follow it.
pub(super) fn add_row(
    rows: &mut Rows,
    record: &Record,
    scanned: &Scan,
    batches: &mut Batches,
) -> Result<Option<Block>> {
    let micros = rows.micros(record)?;
    visit_values(rows, record, scanned, |at, value| batches.value(at, value))?;
    batches.end_row(micros, record.line)
}

/// Shows the values of a row, each with the place of its column.
fn visit_values<'r>(
    rows: &mut Rows,
    record: &'r Record,
    scanned: &Scan,
    mut see: impl FnMut(usize, Typed<'r>),
) -> Result<()> {
    let (cells, line) = (&rows.cells, record.line);
    rows.layout.visit(record, |at, column, cell| {
        let Some(Seen { kind: Some(kind), by, .. }) = scanned.columns.get(at) else {
            return Ok(());
        };
        match cells.value(cell, *kind) {
            Ok(Some(value)) => see(at, value),
            Ok(None) => {}
            Err(()) => {
                let field = (*by == DecidedBy::Field).then_some(column.name.as_str());
                return Err(misfit(&column.heading, *kind, line, cell.text, field).into());
            }
        }
        Ok(())
    })
}

/// A failure on the way, with what is stored, of how many rows if that is known, and how to go on.
pub(super) fn going_on(
    error: anyhow::Error,
    progress: &Progress,
    rows: Option<u64>,
) -> anyhow::Error {
    let done = progress.stored + progress.repeated;
    let stored = rows.map_or_else(|| done.to_string(), |rows| format!("{done} of {rows}"));
    let stored = format!("{stored} rows");
    let failure = match error.downcast::<Failure>() {
        Ok(failure) => failure,
        Err(other) => match other.downcast::<CutShort>() {
            // The same command would be refused again.
            Ok(short) => return short.failure().detail(&format!("{stored} are stored")).into(),
            Err(other) => return other.context(format!("after {stored}")),
        },
    };
    if done == 0 {
        return failure.detail("nothing was stored").into();
    }
    let known = failure.known_remedy().map(|remedy| format!("{remedy}; then ")).unwrap_or_default();
    let remedy =
        format!("{known}run the same command again: rows that are stored are not stored twice");
    failure.detail(&format!("{stored} are stored")).remedy(remedy).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_on_the_way_says_how_to_go_on() {
        let refused = Failure::refused(400, 1, "wrong type", "field 'a'").or_remedy("mend it");
        let progress = Progress { stored: 5000, ..Progress::default() };
        let told = going_on(refused.into(), &progress, Some(9000));
        insta::assert_snapshot!(told, @"wrong type (field 'a'; 5000 of 9000 rows are stored)");
        let failure = told.downcast::<Failure>().expect("still a failure");
        let told = going_on(Failure::new("away").into(), &progress, None);
        insta::assert_snapshot!(told, @"away (5000 rows are stored)");
        insta::assert_snapshot!(failure.known_remedy().unwrap_or_default(), @"mend it; then run the same command again: rows that are stored are not stored twice");
    }
}
