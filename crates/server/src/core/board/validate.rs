//! What the shape of a board cannot say: names that are unique, variables that exist, panels that fit on the grid.

use std::collections::HashSet;

use iobeam_model::{DeviceId, FieldName, NamespaceName};

use super::time_expr::is_time_expr;
use super::{Board, Limits, Panel, PanelKind, PanelQuery, Variable, VariableKind, wrong};
use crate::core::api_error::ApiError;

/// Columns of the grid.
const COLUMNS: u32 = 12;
/// Rows that a panel may begin at or span.
const MOST_ROWS: u32 = 10_000;
/// Longest title, in characters.
const LONGEST_TITLE: usize = 255;
/// Longest id of a panel, name of a variable or time zone.
const LONGEST_NAME: usize = 64;
/// More than anybody lists.
const MOST_LISTED: usize = 1000;

/// Refuses what makes no sense.
pub(super) fn check(board: &Board, limits: Limits) -> Result<(), ApiError> {
    check_time(board)?;
    let mut names = HashSet::new();
    for (at, variable) in board.variables.iter().enumerate() {
        let place = format!("variables[{at}]");
        check_variable(variable, &place)?;
        if !names.insert(&variable.name) {
            let reason = format!("another variable is called '{}'", variable.name);
            return Err(wrong(&format!("{place}.name"), &reason));
        }
    }
    if board.panels.len() > limits.panels {
        let reason = format!(
            "there are {}, and at most {} are allowed (setting dashboard-panels)",
            board.panels.len(),
            limits.panels
        );
        return Err(wrong("panels", &reason));
    }
    let mut ids = HashSet::new();
    for (at, panel) in board.panels.iter().enumerate() {
        let place = format!("panels[{at}]");
        check_panel(panel, &board.variables, &place)?;
        if !ids.insert(&panel.id) {
            let reason = format!("another panel has the id '{}'", panel.id);
            return Err(wrong(&format!("{place}.id"), &reason));
        }
    }
    Ok(())
}

fn check_time(board: &Board) -> Result<(), ApiError> {
    for (place, text) in [("time.from", &board.time.from), ("time.to", &board.time.to)] {
        if !is_time_expr(text) {
            let reason = format!(
                "'{text}' is no time; write it as now-1h, now-1d/d, 2026-01-31T08:00:00Z or milliseconds since 1970"
            );
            return Err(wrong(place, &reason));
        }
    }
    check_zone(board.time.timezone.as_deref(), "time.timezone")?;
    let is_fresh = matches!(board.refresh.as_str(), "live" | "off")
        || span(&board.refresh).is_some_and(|unit| matches!(unit, "s" | "m" | "h"));
    if is_fresh {
        return Ok(());
    }
    let reason =
        format!("'{}' is neither live, nor off, nor a time such as 10s or 5m", board.refresh);
    Err(wrong("refresh", &reason))
}

fn check_zone(zone: Option<&str>, place: &str) -> Result<(), ApiError> {
    let Some(zone) = zone else { return Ok(()) };
    let is_legal = |b: u8| b.is_ascii_alphanumeric() || b"_+-/".contains(&b);
    if (1..=LONGEST_NAME).contains(&zone.len()) && zone.bytes().all(is_legal) {
        return Ok(());
    }
    Err(wrong(place, "it is no time zone; write it as Europe/Paris or UTC"))
}

fn check_variable(variable: &Variable, place: &str) -> Result<(), ApiError> {
    let name = variable.name.as_bytes();
    let is_legal = name.first().is_some_and(u8::is_ascii_alphabetic)
        && name.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_')
        && name.len() <= LONGEST_NAME;
    if !is_legal {
        let reason =
            "it must begin with a letter and hold letters, digits and '_' only, at most 64";
        return Err(wrong(&format!("{place}.name"), reason));
    }
    let chosen = variable.value.as_ref().map(super::Chosen::each).unwrap_or_default();
    let place = format!("{place}.value");
    match variable.kind {
        VariableKind::Device => {
            check_count(chosen.len(), &place)?;
            if !variable.multi && chosen.len() > 1 {
                let reason = "it has several devices; say \"multi\": true, or choose one";
                return Err(wrong(&place, reason));
            }
            check_devices(chosen, &place)
        }
        VariableKind::Interval => match chosen {
            [] => Ok(()),
            [one] => check_bucket(one, &place),
            _ => Err(wrong(&place, "an interval is one length, such as 15m")),
        },
    }
}

fn check_panel(panel: &Panel, variables: &[Variable], place: &str) -> Result<(), ApiError> {
    let is_legal = |b: u8| b.is_ascii_alphanumeric() || b"_-".contains(&b);
    if !(1..=LONGEST_NAME).contains(&panel.id.len()) || !panel.id.bytes().all(is_legal) {
        let reason = "it must be made of 1 to 64 letters, digits, '_' and '-'";
        return Err(wrong(&format!("{place}.id"), reason));
    }
    if panel.title.chars().count() > LONGEST_TITLE || panel.title.contains(char::is_control) {
        let reason = "at most 255 characters are allowed, and no control characters";
        return Err(wrong(&format!("{place}.title"), reason));
    }
    let sides = [
        ("x", panel.x, 0, COLUMNS - 1),
        ("y", panel.y, 0, MOST_ROWS),
        ("w", panel.w, 1, COLUMNS.saturating_sub(panel.x)),
        ("h", panel.h, 1, MOST_ROWS),
    ];
    for (side, has, least, most) in sides {
        if !(least..=most).contains(&has) {
            let reason =
                format!("{has} is not from {least} to {most}; the grid has {COLUMNS} columns");
            return Err(wrong(&format!("{place}.{side}"), &reason));
        }
    }
    let place = format!("{place}.query");
    match (&panel.query, panel.kind) {
        (None, PanelKind::Text) => Ok(()),
        (None, _) => Err(wrong(&place, "a panel of this kind needs one")),
        (Some(_), PanelKind::Text) => Err(wrong(&place, "a text asks for nothing; leave it out")),
        (Some(query), _) => check_query(query, variables, &place),
    }
}

fn check_query(query: &PanelQuery, variables: &[Variable], place: &str) -> Result<(), ApiError> {
    if let Some(namespace) = &query.namespace {
        let parsed: Result<NamespaceName, _> = namespace.parse();
        parsed.map_err(|error| wrong(&format!("{place}.namespace"), &error.to_string()))?;
    }
    check_count(query.fields.len(), &format!("{place}.fields"))?;
    for (at, field) in query.fields.iter().enumerate() {
        check_field(field, &format!("{place}.fields[{at}]"))?;
    }
    let place_of_devices = format!("{place}.devices");
    match query.devices.as_deref() {
        Some([one]) if one.starts_with('$') => {
            check_named(one, VariableKind::Device, variables, &format!("{place_of_devices}[0]"))?;
        }
        Some(ids) => {
            check_count(ids.len(), &place_of_devices)?;
            check_devices(ids, &place_of_devices)?;
        }
        None => {}
    }
    check_count(query.predicates.len(), &format!("{place}.where"))?;
    for (at, predicate) in query.predicates.iter().enumerate() {
        let place = format!("{place}.where[{at}]");
        check_field(&predicate.field, &format!("{place}.field"))?;
        let value = &predicate.value;
        if !(value.is_string() || value.is_number() || value.is_boolean()) {
            let reason = "it is neither a text, nor a number, nor true or false";
            return Err(wrong(&format!("{place}.value"), reason));
        }
    }
    let place_of_bucket = format!("{place}.bucket");
    match query.bucket.as_deref() {
        Some(name) if name.starts_with('$') => {
            check_named(name, VariableKind::Interval, variables, &place_of_bucket)?;
        }
        Some(bucket) => check_bucket(bucket, &place_of_bucket)?,
        None => {}
    }
    check_zone(query.timezone.as_deref(), &format!("{place}.timezone"))
}

/// Refuses the name of a variable that is not there, or stands for something else.
fn check_named(
    name: &str,
    kind: VariableKind,
    variables: &[Variable],
    place: &str,
) -> Result<(), ApiError> {
    let found = variables.iter().find(|variable| Some(&*variable.name) == name.strip_prefix('$'));
    match found {
        None => {
            let reason = format!("there is no variable '{name}'; add it to board.variables");
            Err(wrong(place, &reason))
        }
        Some(variable) if variable.kind != kind => {
            let wanted = if kind == VariableKind::Device { "device" } else { "interval" };
            Err(wrong(place, &format!("the variable '{name}' is not of the kind {wanted}")))
        }
        Some(_) => Ok(()),
    }
}

fn check_field(field: &str, place: &str) -> Result<(), ApiError> {
    let parsed: Result<FieldName, _> = field.parse();
    parsed.map(drop).map_err(|error| wrong(place, &error.to_string()))
}

fn check_devices(ids: &[String], place: &str) -> Result<(), ApiError> {
    for (at, id) in ids.iter().enumerate() {
        let parsed: Result<DeviceId, _> = id.parse();
        parsed.map_err(|error| wrong(&format!("{place}[{at}]"), &error.to_string()))?;
    }
    Ok(())
}

fn check_count(count: usize, place: &str) -> Result<(), ApiError> {
    if count <= MOST_LISTED {
        return Ok(());
    }
    Err(wrong(place, &format!("there are {count}, and at most {MOST_LISTED} are allowed")))
}

fn check_bucket(text: &str, place: &str) -> Result<(), ApiError> {
    if is_bucket(text) {
        return Ok(());
    }
    let reason = format!("'{text}' is neither auto, raw, all nor a length such as 15m or 1d");
    Err(wrong(place, &reason))
}

/// Whether this looks like a bucket; which units there are, the query says.
pub(super) fn is_bucket(text: &str) -> bool {
    matches!(text, "auto" | "raw" | "all") || span(text).is_some()
}

/// The unit of a length such as `15m`.
fn span(text: &str) -> Option<&str> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let is_count = (1..=9).contains(&digits) && number.bytes().any(|b| b != b'0');
    let is_unit = (1..=2).contains(&unit.len()) && unit.bytes().all(|b| b.is_ascii_alphabetic());
    (is_count && is_unit).then_some(unit)
}
