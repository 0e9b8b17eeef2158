//! The part of a body that holds the rows: a table of fields and lists, or a list of series.
//!
//! ```text
//! Loose   fields ─▶ names     data: [ [cell, cell], … ] ─▶ one Cells for each position   (either may come first)
//! Series  name, data: [ {time, value}, … ] ─▶ two Cells
//! ```

use iobeam_model::FieldName;
use serde::de::{self, DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::cells::{Cell, Cells};
use super::place::{Context, Place, Section, TIME_OF_POINT, VALUE_OF_POINT};
use crate::error::ImportError;

/// The column that holds the time.
const TIME: &str = "time";

/// A table whose columns may not have names yet.
#[derive(Debug, Default)]
pub(super) struct Loose {
    pub(super) fields: Option<Fields>,
    pub(super) columns: Vec<Cells>,
    /// Whether there was a list of rows, however short.
    pub(super) has_rows: bool,
    pub(super) rows: usize,
}

/// The names of a table's columns.
#[derive(Debug)]
pub(super) struct Fields {
    /// Which of them is the time.
    pub(super) time: usize,
    /// The others, each with its position in a row.
    pub(super) names: Vec<(usize, FieldName)>,
}

impl Fields {
    pub(super) fn len(&self) -> usize {
        self.names.len() + 1
    }
}

/// One series.
#[derive(Debug)]
pub(super) struct Series {
    pub(super) name: FieldName,
    pub(super) time: Cells,
    pub(super) value: Cells,
}

/// Reads a table: `{"fields":[…],"data":[[…]]}`, where `data` may be called `values`.
pub(super) struct TableSeed<'a> {
    pub(super) section: Section,
    pub(super) context: &'a mut Context,
}

impl<'de> DeserializeSeed<'de> for TableSeed<'_> {
    type Value = Loose;

    fn deserialize<D: de::Deserializer<'de>>(self, from: D) -> Result<Loose, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for TableSeed<'_> {
    type Value = Loose;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "an object of 'fields' and '{}'", rows_member(self.section))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Loose, A::Error> {
        let Self { section, context } = self;
        let mut loose = Loose::default();
        while let Some(member) = object.next_key::<String>()? {
            if member == "fields" {
                refuse_second(context, loose.fields.is_some(), section, &member)?;
                let fields = object.next_value_seed(FieldsSeed { section, context })?;
                if !loose.has_rows {
                    loose.columns = (0..fields.len()).map(|_| Cells::missing(0)).collect();
                }
                loose.fields = Some(fields);
            } else if member == rows_member(section) {
                refuse_second(context, loose.has_rows, section, &member)?;
                loose.has_rows = true;
                object.next_value_seed(RowsSeed { section, loose: &mut loose, context })?;
            } else {
                object.next_value::<IgnoredAny>()?;
            }
            context.place = Place::Section(section);
        }
        Ok(loose)
    }
}

/// What the list of rows is called.
pub(super) const fn rows_member(section: Section) -> &'static str {
    match section {
        Section::NamespaceTable => "values",
        Section::Table | Section::Series(_) => "data",
    }
}

fn refuse_second<E: de::Error>(
    context: &mut Context,
    second: bool,
    section: Section,
    member: &str,
) -> Result<(), E> {
    if second {
        let place = format!("{}.{member}", Place::Section(section));
        return Err(context.refuse(ImportError::Twice { place }));
    }
    Ok(())
}

/// Reads the list of a table's fields.
struct FieldsSeed<'a> {
    section: Section,
    context: &'a mut Context,
}

impl<'de> DeserializeSeed<'de> for FieldsSeed<'_> {
    type Value = Fields;

    fn deserialize<D: de::Deserializer<'de>>(self, from: D) -> Result<Fields, D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for FieldsSeed<'_> {
    type Value = Fields;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list of field names")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Fields, A::Error> {
        let Self { section, context } = self;
        let mut seen = std::collections::HashSet::new();
        let (mut time, mut names) = (None, Vec::new());
        for at in 0.. {
            context.place = Place::Fields(section, at);
            let Some(name) = list.next_element::<String>()? else {
                break;
            };
            if at > context.limits.max_columns {
                let (place, limit) = (context.place.to_string(), context.limits.max_columns);
                return Err(context.refuse(ImportError::TooMany { place, what: "fields", limit }));
            }
            if !seen.insert(name.clone()) {
                let place = format!("{}: the field {name:?}", context.place);
                return Err(context.refuse(ImportError::Twice { place }));
            }
            if name == TIME {
                time = Some(at);
            } else {
                names.push((at, field_name(&name, context)?));
            }
        }
        let Some(time) = time else {
            let place = format!("{}.fields: \"time\"", Place::Section(section));
            let remedy = "one of the fields must be the time of the row";
            return Err(context.refuse(ImportError::Missing { place, remedy }));
        };
        Ok(Fields { time, names })
    }
}

fn field_name<E: de::Error>(name: &str, context: &mut Context) -> Result<FieldName, E> {
    name.parse().map_err(|source| {
        let place = context.place.to_string();
        let name = super::place::shortened(name);
        context.refuse(ImportError::Name { place, name, source })
    })
}

/// Reads a table's list of rows.
struct RowsSeed<'a> {
    section: Section,
    loose: &'a mut Loose,
    context: &'a mut Context,
}

impl<'de> DeserializeSeed<'de> for RowsSeed<'_> {
    type Value = ();

    fn deserialize<D: de::Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for RowsSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Self { section, loose, context } = self;
        loop {
            context.place = Place::Cell(section, loose.rows, 0);
            let row = RowSeed { section, loose: &mut *loose, context: &mut *context };
            if list.next_element_seed(row)?.is_none() {
                return Ok(());
            }
            context.row()?;
            loose.rows += 1;
        }
    }
}

/// Reads one row of a table.
struct RowSeed<'a> {
    section: Section,
    loose: &'a mut Loose,
    context: &'a mut Context,
}

impl<'de> DeserializeSeed<'de> for RowSeed<'_> {
    type Value = ();

    fn deserialize<D: de::Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for RowSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a row: a list of values")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Self { section, loose, context } = self;
        let row = loose.rows;
        // The first row tells how many columns there are when the names come later.
        let open = row == 0 && loose.fields.is_none();
        let mut at = 0;
        loop {
            context.place = Place::Cell(section, row, at);
            if open && at <= context.limits.max_columns {
                loose.columns.push(Cells::missing(0));
            }
            let Some(cells) = loose.columns.get_mut(at) else {
                break;
            };
            if list.next_element_seed(Cell { cells, context: &mut *context })?.is_none() {
                break;
            }
            at += 1;
        }
        if open {
            loose.columns.truncate(at);
        }
        let fields = loose.columns.len();
        let more = at == fields && list.next_element::<IgnoredAny>()?.is_some();
        if at < fields || more {
            let found = at + usize::from(more);
            let place = context.place.to_string();
            return Err(context.refuse(ImportError::Width { place, found, fields }));
        }
        Ok(())
    }
}

/// Reads one series: `{"name":"temp","data":[{"time":1,"value":2.5}]}`.
pub(super) struct SeriesSeed<'a> {
    pub(super) at: usize,
    pub(super) context: &'a mut Context,
}

impl<'de> DeserializeSeed<'de> for SeriesSeed<'_> {
    type Value = Series;

    fn deserialize<D: de::Deserializer<'de>>(self, from: D) -> Result<Series, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for SeriesSeed<'_> {
    type Value = Series;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a series: an object of 'name' and 'data'")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Series, A::Error> {
        let Self { at, context } = self;
        let section = Section::Series(at);
        let (mut name, mut points) = (None, None);
        while let Some(member) = object.next_key::<String>()? {
            context.place = Place::Section(section);
            match member.as_str() {
                "name" => {
                    refuse_second(context, name.is_some(), section, &member)?;
                    let text = object.next_value::<String>()?;
                    name = Some(field_name(&text, context)?);
                }
                "data" => {
                    refuse_second(context, points.is_some(), section, &member)?;
                    points = Some(object.next_value_seed(PointsSeed { section, context })?);
                }
                _ => {
                    object.next_value::<IgnoredAny>()?;
                }
            }
        }
        context.place = Place::Section(section);
        let mut missing = |member, remedy| {
            let place = format!("{}.{member}", Place::Section(section));
            context.refuse(ImportError::Missing { place, remedy })
        };
        let name = name.ok_or_else(|| missing("name", "a series needs the name of its field"))?;
        let Some((time, value)) = points else {
            return Err(missing("data", "a series needs a list of points, which may be empty"));
        };
        Ok(Series { name, time, value })
    }
}

/// Reads the points of a series.
struct PointsSeed<'a> {
    section: Section,
    context: &'a mut Context,
}

impl<'de> DeserializeSeed<'de> for PointsSeed<'_> {
    type Value = (Cells, Cells);

    fn deserialize<D: de::Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for PointsSeed<'_> {
    type Value = (Cells, Cells);

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list of points")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let Self { section, context } = self;
        let (mut time, mut value) = (Cells::missing(0), Cells::missing(0));
        for row in 0.. {
            context.place = Place::Cell(section, row, TIME_OF_POINT);
            let context = &mut *context;
            let (time, value) = (&mut time, &mut value);
            let point = PointSeed { section, row, time, value, context };
            if list.next_element_seed(point)?.is_none() {
                break;
            }
            context.row()?;
        }
        Ok((time, value))
    }
}

/// Reads one point of a series.
struct PointSeed<'a> {
    section: Section,
    row: usize,
    time: &'a mut Cells,
    value: &'a mut Cells,
    context: &'a mut Context,
}

#[derive(serde::Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum PointMember {
    Time,
    Value,
    #[serde(other)]
    Other,
}

impl<'de> DeserializeSeed<'de> for PointSeed<'_> {
    type Value = ();

    fn deserialize<D: de::Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for PointSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a point: an object of 'time' and 'value'")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        let Self { section, row, time, value, context } = self;
        let mut seen = [false; 2];
        while let Some(member) = object.next_key::<PointMember>()? {
            let (cell, cells) = match member {
                PointMember::Time => (TIME_OF_POINT, &mut *time),
                PointMember::Value => (VALUE_OF_POINT, &mut *value),
                PointMember::Other => {
                    object.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            context.place = Place::Cell(section, row, cell);
            if std::mem::replace(&mut seen[cell], true) {
                let place = context.place.to_string();
                return Err(context.refuse(ImportError::Twice { place }));
            }
            object.next_value_seed(Cell { cells, context: &mut *context })?;
        }
        if !seen[TIME_OF_POINT] {
            let place = Place::Cell(section, row, TIME_OF_POINT).to_string();
            let remedy = "each point needs a time";
            return Err(context.refuse(ImportError::Missing { place, remedy }));
        }
        if !seen[VALUE_OF_POINT] {
            value.null();
        }
        Ok(())
    }
}
