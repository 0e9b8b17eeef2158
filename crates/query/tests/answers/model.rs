//! The same questions answered the slow and obvious way, over a list of rows.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use iobeam_model::{FieldName, FieldType, Value};
use iobeam_query::DataRequest;
use iobeam_query::request::{
    Bucket, Comparison, Condition, ExportRequest, Number, Operator, ValueFilter,
};

use crate::world::{FIELDS, Row};

/// A cell of an answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    Null,
    Time(i64),
    Value(Value),
    /// An exact sum of integers.
    Whole(i128),
    /// A sum or mean of doubles, which depends on their order, and the size of what went into it.
    About(f64, f64),
}

pub(crate) struct Expected {
    pub(crate) fields: Vec<String>,
    /// Every row that may stand in the answer, newest first.
    pub(crate) candidates: Vec<Vec<Cell>>,
    /// The times of the answer, in order.
    pub(crate) times: Vec<i64>,
    /// The rows are these and no others, in any order among equal times.
    pub(crate) exact: bool,
}

fn kind(name: &str) -> FieldType {
    FIELDS.iter().find(|(field, _)| *field == name).expect("a known field").1
}

fn sorted_fields() -> Vec<&'static str> {
    let mut names: Vec<_> = FIELDS.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    names
}

/// Answers a data request.
pub(crate) fn data(rows: &[Row], request: &DataRequest) -> Expected {
    let mut rows: Vec<Row> = rows
        .iter()
        .filter(|row| request.range.contains(iobeam_model::Timestamp::from_micros(row.time)))
        .filter(|row| request.conditions.iter().all(|it| holds(row, it)))
        .filter(|row| {
            request.field.as_ref().is_none_or(|field| row.value(field.as_str()).is_some())
        })
        .filter(|row| {
            request.limit_by.as_ref().is_none_or(|by| row.value(by.field.as_str()).is_some())
        })
        .cloned()
        .collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.time));
    match request.operator {
        Some(operator) => figures(&rows, request, operator),
        None => plain(&rows, request),
    }
}

fn plain(rows: &[Row], request: &DataRequest) -> Expected {
    let names: Vec<&str> = match &request.field {
        Some(field) => {
            let groups = request.group_by.fields.iter().filter(|group| *group != field);
            groups.map(FieldName::as_str).chain([field.as_str()]).collect()
        }
        None => sorted_fields(),
    };
    let cells = |row: &Row| -> Vec<Cell> {
        let values =
            names.iter().map(|name| row.value(name).cloned().map_or(Cell::Null, Cell::Value));
        std::iter::once(Cell::Time(row.time)).chain(values).collect()
    };
    let mut seen: Vec<(&Value, usize)> = Vec::new();
    let mut times = Vec::new();
    for row in rows {
        if let Some(by) = &request.limit_by {
            let value = row.value(by.field.as_str()).expect("filtered before");
            match seen.iter_mut().find(|(known, _)| *known == value) {
                Some((_, count)) if *count == by.rows => continue,
                Some((_, count)) => *count += 1,
                None => seen.push((value, 1)),
            }
        }
        times.push(row.time);
    }
    let exact = request.limit.is_none() && request.limit_by.is_none();
    times.truncate(request.limit.unwrap_or(usize::MAX));
    let fields = std::iter::once("time").chain(names.iter().copied()).map(str::to_owned).collect();
    Expected { fields, candidates: rows.iter().map(cells).collect(), times, exact }
}

/// Rows that are put together: their bucket, the values they share, the rows.
type Set<'r> = (Option<i64>, Vec<Option<Value>>, Vec<&'r Row>);

/// Where a bucket begins: whole weeks are counted from a Monday, all else from 1970.
fn bucket_start(bucket: Bucket, time: i64) -> i64 {
    const DAY: i64 = 86_400_000_000;
    let Bucket::Micros(width) = bucket else { panic!("the model knows no months") };
    let origin = if width % (7 * DAY) == 0 { i128::from(4 * DAY) } else { 0 };
    let since = (i128::from(time) - origin).rem_euclid(width.into());
    i64::try_from(i128::from(time) - since).unwrap_or(i64::MIN)
}

fn figures(rows: &[Row], request: &DataRequest, operator: Operator) -> Expected {
    let groups: Vec<&str> = request.group_by.fields.iter().map(FieldName::as_str).collect();
    let names: Vec<&str> = if let Some(field) = &request.field {
        vec![field.as_str()]
    } else {
        let fits = |name: &&str| fits(operator, kind(name)) && !groups.contains(name);
        sorted_fields().into_iter().filter(fits).collect()
    };
    let mut sets: Vec<Set<'_>> = Vec::new();
    for row in rows {
        let bucket = request.group_by.bucket.map(|width| bucket_start(width, row.time));
        let key: Vec<_> = groups.iter().map(|name| row.value(name).cloned()).collect();
        match sets.iter_mut().find(|(b, k, _)| *b == bucket && *k == key) {
            Some((.., set)) => set.push(row),
            None => sets.push((bucket, key, vec![row])),
        }
    }
    let mut lines: Vec<(i64, Vec<Option<Value>>, Vec<Cell>)> = Vec::new();
    for (bucket, key, set) in sets {
        let newest = set.iter().map(|row| row.time).max().expect("not empty");
        let time = bucket.unwrap_or(newest);
        let mut cells = vec![Cell::Time(time)];
        cells.extend(key.iter().map(|it| it.clone().map_or(Cell::Null, Cell::Value)));
        for name in &names {
            let values: Vec<&Value> = set.iter().filter_map(|row| row.value(name)).collect();
            cells.push(figure(operator, &values));
        }
        lines.push((time, key, cells));
    }
    lines.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| keys(&a.1, &b.1)));
    if let Some(periods) = request.limit_periods {
        let mut times: Vec<i64> = lines.iter().map(|line| line.0).collect();
        times.dedup();
        let last = times.get(periods - 1).copied().unwrap_or(i64::MIN);
        lines.retain(|line| line.0 >= last);
    }
    if let Some(by) = &request.limit_by {
        let at =
            request.group_by.fields.iter().position(|field| *field == by.field).expect("grouped");
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        lines.retain(|(_, key, _)| {
            let count = seen.entry(format!("{:?}", key[at])).or_default();
            *count += 1;
            *count <= by.rows
        });
    }
    let times = lines.iter().map(|line| line.0).take(request.limit.unwrap_or(usize::MAX)).collect();
    let heading = |name: &&str| {
        if request.group_by.is_empty() {
            (*name).to_owned()
        } else {
            format!("{}({name})", operator.name())
        }
    };
    let fields = std::iter::once("time".to_owned())
        .chain(groups.iter().map(|name| (*name).to_owned()))
        .chain(names.iter().map(heading))
        .collect();
    let candidates = lines.into_iter().map(|line| line.2).collect();
    Expected { fields, candidates, times, exact: request.limit.is_none() }
}

fn keys(a: &[Option<Value>], b: &[Option<Value>]) -> Ordering {
    let each = a.iter().zip(b).map(|(a, b)| match (a, b) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
        (Some(a), Some(b)) => compare(a, b).expect("of one type"),
    });
    each.fold(Ordering::Equal, Ordering::then)
}

fn compare(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Double(a), Value::Double(b)) => a.partial_cmp(b),
        (Value::Long(a), Value::Long(b)) => Some(a.cmp(b)),
        (Value::Boolean(a), Value::Boolean(b)) => Some(a.cmp(b)),
        (Value::String(a), Value::String(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
        _ => None,
    }
}

pub(crate) fn fits(operator: Operator, kind: FieldType) -> bool {
    match operator {
        Operator::Count => true,
        Operator::Min | Operator::Max => kind != FieldType::Boolean,
        Operator::Sum | Operator::Mean => matches!(kind, FieldType::Double | FieldType::Long),
    }
}

fn figure(operator: Operator, values: &[&Value]) -> Cell {
    let extreme = |want: Ordering| {
        let best =
            values.iter().copied().reduce(|a, b| if compare(b, a) == Some(want) { b } else { a });
        best.cloned().map_or(Cell::Null, Cell::Value)
    };
    match operator {
        Operator::Count => Cell::Whole(values.len() as i128),
        Operator::Min => extreme(Ordering::Less),
        Operator::Max => extreme(Ordering::Greater),
        _ if values.is_empty() => Cell::Null,
        Operator::Sum if matches!(values[0], Value::Long(_)) => {
            Cell::Whole(values.iter().map(|it| whole(it)).sum())
        }
        Operator::Sum | Operator::Mean => {
            let sum: f64 = values.iter().map(|it| number(it)).sum();
            let size = values.iter().map(|it| number(it).abs()).sum();
            if operator == Operator::Sum {
                Cell::About(sum, size)
            } else {
                Cell::About(sum / values.len() as f64, size)
            }
        }
    }
}

fn whole(value: &Value) -> i128 {
    match value {
        Value::Long(number) => i128::from(*number),
        other => panic!("{other:?} is no integer"),
    }
}

fn number(value: &Value) -> f64 {
    match value {
        Value::Long(number) => *number as f64,
        Value::Double(number) => *number,
        other => panic!("{other:?} is no number"),
    }
}

fn holds(row: &Row, condition: &Condition) -> bool {
    let Some(value) = row.value(condition.field.as_str()) else { return false };
    let order = match value {
        Value::String(text) => Some(text.as_bytes().cmp(condition.value.as_bytes())),
        Value::Boolean(truth) => Some(truth.cmp(&condition.value.eq_ignore_ascii_case("true"))),
        Value::Double(number) => number.partial_cmp(&condition.value.parse().expect("a number")),
        Value::Long(number) => Some(against(*number, &condition.value)),
    };
    fulfils(order, condition.comparison)
}

/// An integer against a number as it is written, compared exactly.
fn against(number: i64, text: &str) -> Ordering {
    if let Ok(whole) = text.parse::<i64>() {
        return number.cmp(&whole);
    }
    let fraction: f64 = text.parse().expect("a number");
    let floor = fraction.floor();
    let order = i128::from(number).cmp(&(floor as i128));
    if order == Ordering::Equal && fraction > floor { Ordering::Less } else { order }
}

fn fulfils(order: Option<Ordering>, comparison: Comparison) -> bool {
    order.is_some_and(|order| match comparison {
        Comparison::Eq => order.is_eq(),
        Comparison::Ne => order.is_ne(),
        Comparison::Lt => order.is_lt(),
        Comparison::Gt => order.is_gt(),
        Comparison::Le => order.is_le(),
        Comparison::Ge => order.is_ge(),
    })
}

/// Answers an exports request: for each series and device, in order, the times of its points, oldest first.
pub(crate) fn exports(rows: &[Row], request: &ExportRequest) -> Vec<(String, String, Vec<i64>)> {
    let mut all = Vec::new();
    for series in sorted_fields() {
        let asked = request.series.as_ref().is_none_or(|name| name.as_str() == series);
        if series == "device_id" || !asked {
            continue;
        }
        let mut devices: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        for row in rows {
            let (Some(Value::String(device)), Some(value)) =
                (row.value("device_id"), row.value(series))
            else {
                continue;
            };
            let time = iobeam_model::Timestamp::from_micros(row.time);
            let wanted = request.device.as_ref().is_none_or(|it| **it == **device);
            if wanted && request.range.contains(time) && passes(value, &request.values) {
                devices.entry(device.to_string()).or_default().push(row.time);
            }
        }
        for (device, mut times) in devices {
            times.sort_unstable();
            let skip = times.len().saturating_sub(request.limit);
            all.push((device, series.to_owned(), times.split_off(skip)));
        }
    }
    all
}

fn passes(value: &Value, bounds: &ValueFilter) -> bool {
    let check = |bound: Option<Number>, comparison| {
        let Some(bound) = bound else { return true };
        let order = match (value, bound) {
            (Value::Long(number), Number::Whole(whole)) => Some(number.cmp(&whole)),
            (Value::Long(number), Number::Fraction(it)) => Some(against(*number, &it.to_string())),
            (Value::Double(number), Number::Whole(whole)) => number.partial_cmp(&(whole as f64)),
            (Value::Double(number), Number::Fraction(it)) => number.partial_cmp(&it),
            _ => None,
        };
        fulfils(order, comparison)
    };
    check(bounds.less_than, Comparison::Lt)
        && check(bounds.greater_than, Comparison::Gt)
        && check(bounds.equals, Comparison::Eq)
}
