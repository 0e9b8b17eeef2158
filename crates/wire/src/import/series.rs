//! Series: each has the name of its field, and points of its own.
//!
//! ```text
//! name, data: [ {time, value}, … ] ─▶ two Cells, times and values
//! ```

use iobeam_model::FieldName;
use serde::de::{self, DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::cells::{Cell, Cells};
use super::place::{Context, Place, Section, TIME_OF_POINT, VALUE_OF_POINT};
use crate::error::ImportError;

/// One series.
#[derive(Debug)]
pub(super) struct Series {
    pub(super) name: FieldName,
    pub(super) time: Cells,
    pub(super) value: Cells,
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
                    context.refuse_second(name.is_some(), section, &member)?;
                    let text = object.next_value::<String>()?;
                    name = Some(context.field_name(&text)?);
                }
                "data" => {
                    context.refuse_second(points.is_some(), section, &member)?;
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
