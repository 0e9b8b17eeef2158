//! A table: the names of its columns, and lists of cells.
//!
//! ```text
//! fields ─▶ names     data: [ [cell, cell], … ] ─▶ one Cells for each position   (either may come first)
//! ```

use iobeam_model::FieldName;
use serde::de::{self, DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::cells::{Cell, Cells};
use super::place::{Context, Place, Section};
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
                context.refuse_second(loose.fields.is_some(), section, &member)?;
                let fields = object.next_value_seed(FieldsSeed { section, context })?;
                if !loose.has_rows {
                    loose.columns = (0..fields.len()).map(|_| Cells::missing(0)).collect();
                }
                loose.fields = Some(fields);
            } else if member == rows_member(section) {
                context.refuse_second(loose.has_rows, section, &member)?;
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
                names.push((at, context.field_name(&name)?));
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
