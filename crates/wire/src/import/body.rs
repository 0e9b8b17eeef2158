//! The body as a whole: who sends, for which namespace, and the part with the rows.
//!
//! Members come in any order, so nothing is decided before the last was read: the unit of the times may stand behind
//! them.

use std::collections::HashSet;

use iobeam_model::{FieldName, TimeFormat, Value};
use serde::de::{self, DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::place::{Context, Place, Section, TIME_OF_POINT, VALUE_OF_POINT, shortened};
use super::rows::{Loose, TableSeed, rows_member};
use super::series::{Series, SeriesSeed};
use super::table::{LooseColumn, LooseTable, times};
use super::{Import, Shape};
use crate::error::ImportError;

/// What a body held.
#[derive(Debug, Default)]
pub(super) struct Draft {
    project_id: Option<u64>,
    device_id: Option<String>,
    namespace: Option<String>,
    time_format: TimeFormat,
    labels: Vec<(FieldName, Value)>,
    rows: Option<Rows>,
}

#[derive(Debug)]
enum Rows {
    Series(Vec<Series>),
    Table(Section, Loose),
}

/// Reads the members of a body.
pub(super) fn read(
    body: &[u8],
    table: bool,
    context: &mut Context,
) -> Result<Draft, serde_json::Error> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let draft = serde::Deserializer::deserialize_map(&mut json, BodyVisitor { table, context })?;
    json.end()?;
    Ok(draft)
}

struct BodyVisitor<'a> {
    table: bool,
    context: &'a mut Context,
}

impl<'de> Visitor<'de> for BodyVisitor<'_> {
    type Value = Draft;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Draft, A::Error> {
        let Self { table, context } = self;
        let mut draft = Draft::default();
        let mut seen = HashSet::new();
        while let Some(member) = object.next_key::<String>()? {
            let Some(member) = known(&member) else {
                object.next_value::<IgnoredAny>()?;
                continue;
            };
            context.place = Place::Member(member);
            if !seen.insert(member) {
                return Err(context.refuse(ImportError::Twice { place: member.to_owned() }));
            }
            match member {
                "project_id" => draft.project_id = object.next_value()?,
                "device_id" => draft.device_id = object.next_value()?,
                "namespace" => draft.namespace = object.next_value()?,
                "timefmt" => {
                    let name = object.next_value::<Option<String>>()?;
                    draft.time_format =
                        name.as_deref().map_or(Ok(TimeFormat::default()), |name| {
                            name.parse::<TimeFormat>().map_err(de::Error::custom)
                        })?;
                }
                "labels" => draft.labels = object.next_value_seed(LabelsSeed { context })?,
                _ => {
                    if draft.rows.is_some() {
                        let place = "'sources' or 'data'".to_owned();
                        return Err(context.refuse(ImportError::Twice { place }));
                    }
                    let rows = RowsMember { member, table, context };
                    draft.rows = Some(object.next_value_seed(rows)?);
                }
            }
            context.place = Place::Body;
        }
        if draft.rows.is_none() {
            let place = if table { "'sources' or 'data'" } else { "'sources'" }.to_owned();
            let remedy = "the body needs its rows there";
            return Err(context.refuse(ImportError::Missing { place, remedy }));
        }
        Ok(draft)
    }
}

/// The members that mean something; any other is an echo and ignored.
fn known(member: &str) -> Option<&'static str> {
    ["project_id", "device_id", "namespace", "timefmt", "labels", "sources", "data"]
        .into_iter()
        .find(|known| *known == member)
}

/// Reads the member that holds the rows: its name, its kind and `fmt` must agree.
struct RowsMember<'a> {
    member: &'static str,
    table: bool,
    context: &'a mut Context,
}

impl<'de> DeserializeSeed<'de> for RowsMember<'_> {
    type Value = Rows;

    fn deserialize<D: de::Deserializer<'de>>(self, from: D) -> Result<Rows, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for RowsMember<'_> {
    type Value = Rows;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match (self.member, self.table) {
            ("data", false) => "no 'data' without ?fmt=table in the address of the request",
            ("data", true) => "an object of 'fields' and 'values'",
            (_, true) => "an object of 'fields' and 'data', as the request says fmt=table",
            (_, false) => "a list of series (for a table, add ?fmt=table to the address)",
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Rows, A::Error> {
        if self.member == "data" || self.table {
            return Err(de::Error::invalid_type(de::Unexpected::Seq, &self));
        }
        let context = self.context;
        let mut all = Vec::new();
        for at in 0.. {
            context.place = Place::Section(Section::Series(at));
            let Some(series) = list.next_element_seed(SeriesSeed { at, context })? else {
                break;
            };
            if at >= context.limits.max_rows {
                let (place, limit) = (context.place.to_string(), context.limits.max_rows);
                return Err(context.refuse(ImportError::TooMany { place, what: "series", limit }));
            }
            all.push(series);
        }
        Ok(Rows::Series(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Rows, A::Error> {
        if !self.table {
            return Err(de::Error::invalid_type(de::Unexpected::Map, &self));
        }
        let section = if self.member == "data" { Section::NamespaceTable } else { Section::Table };
        self.context.place = Place::Section(section);
        let loose = TableSeed { section, context: self.context }.visit_map(object)?;
        Ok(Rows::Table(section, loose))
    }
}

/// Reads the labels.
struct LabelsSeed<'a> {
    context: &'a mut Context,
}

impl<'de> DeserializeSeed<'de> for LabelsSeed<'_> {
    type Value = Vec<(FieldName, Value)>;

    fn deserialize<D: de::Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for LabelsSeed<'_> {
    type Value = Vec<(FieldName, Value)>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object whose members are texts, numbers, true or false")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let context = self.context;
        let mut labels: Vec<(FieldName, Value)> = Vec::new();
        let mut seen = HashSet::new();
        while let Some(name) = object.next_key::<String>()? {
            let place = format!("labels.{}", shortened(&name));
            let name: FieldName = match name.parse() {
                Ok(name) => name,
                Err(source) => {
                    return Err(context.refuse(ImportError::Name { place, name, source }));
                }
            };
            if !seen.insert(name.clone()) {
                return Err(context.refuse(ImportError::Twice { place }));
            }
            if labels.len() >= context.limits.max_columns {
                let limit = context.limits.max_columns;
                return Err(context.refuse(ImportError::TooMany { place, what: "labels", limit }));
            }
            if let Some(value) = object.next_value_seed(LabelSeed { context })? {
                labels.push((name, value));
            }
        }
        Ok(labels)
    }
}

/// Reads one label's value.
struct LabelSeed<'a> {
    context: &'a mut Context,
}

impl<'de> DeserializeSeed<'de> for LabelSeed<'_> {
    type Value = Option<Value>;

    fn deserialize<D: de::Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl Visitor<'_> for LabelSeed<'_> {
    type Value = Option<Value>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a text, a number, true, false or null")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E: de::Error>(self, truth: bool) -> Result<Self::Value, E> {
        Ok(Some(Value::Boolean(truth)))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Some(Value::Long(number)))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
        let Ok(number) = i64::try_from(number) else {
            let value = number.to_string();
            return Err(self.context.refuse(ImportError::TooLong { value }));
        };
        Ok(Some(Value::Long(number)))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Self::Value, E> {
        if number.abs() >= 9e18 {
            self.context.saw_huge = true;
        }
        Ok(Some(Value::Double(number)))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(Value::String(text.into())))
    }
}

impl Draft {
    /// Now that the unit of the times is known, the columns get their names and the rows their times.
    pub(super) fn finish(self) -> Result<Import, ImportError> {
        let (shape, tables) = match self.rows {
            None => (Shape::Series, Vec::new()),
            Some(Rows::Series(all)) => {
                let tables = all.into_iter().enumerate();
                let tables = tables.map(|(at, series)| of_series(at, series, self.time_format));
                (Shape::Series, tables.collect::<Result<_, _>>()?)
            }
            Some(Rows::Table(section, loose)) => {
                let shape = match section {
                    Section::NamespaceTable => Shape::NamespaceTable,
                    Section::Table | Section::Series(_) => Shape::Table,
                };
                (shape, vec![of_table(section, loose, self.time_format)?])
            }
        };
        Ok(Import {
            project_id: self.project_id,
            device_id: self.device_id,
            namespace: self.namespace,
            labels: self.labels,
            shape,
            tables,
        })
    }
}

fn of_series(at: usize, series: Series, format: TimeFormat) -> Result<LooseTable, ImportError> {
    let section = Section::Series(at);
    let times = times(&series.time, section, TIME_OF_POINT, format)?;
    let column =
        LooseColumn { section, name: series.name, at: VALUE_OF_POINT, cells: series.value };
    Ok(LooseTable { times, columns: vec![column] })
}

fn of_table(section: Section, loose: Loose, format: TimeFormat) -> Result<LooseTable, ImportError> {
    let missing = |member, remedy| ImportError::Missing {
        place: format!("{}.{member}", Place::Section(section)),
        remedy,
    };
    let fields =
        loose.fields.ok_or_else(|| missing("fields", "a table needs the names of its columns"))?;
    if !loose.has_rows {
        return Err(missing(
            rows_member(section),
            "a table needs a list of rows, which may be empty",
        ));
    }
    if loose.rows > 0 && loose.columns.len() != fields.len() {
        return Err(ImportError::Width {
            place: Place::Cell(section, 0, 0).to_string(),
            found: loose.columns.len(),
            fields: fields.len(),
        });
    }
    let mut cells: Vec<_> = loose.columns.into_iter().map(Some).collect();
    let mut take = |at: usize| cells.get_mut(at).and_then(Option::take);
    let times = match take(fields.time) {
        Some(cells) => times(&cells, section, fields.time, format)?,
        None => Vec::new(),
    };
    let columns = fields
        .names
        .into_iter()
        .filter_map(|(at, name)| take(at).map(|cells| LooseColumn { section, name, at, cells }));
    let columns = columns.collect();
    Ok(LooseTable { times, columns })
}
