//! What a question may see: the namespaces of one project, each as it stood at one moment.
//!
//! ```text
//! catalog: names, fields ─┐
//! store:   Snapshot ──────┴▶ Table ─▶ Scope { project, tables }
//! ```
//!
//! Nothing outside the scope can be named by any query, so nothing of another project can be seen.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use iobeam_model::{FieldName, FieldType, NamespaceName, ProjectId};
use iobeam_store::Snapshot;

use crate::error::QueryError;

/// The column that holds each row's time.
pub const TIME: &str = "time";

/// The namespaces of one project.
#[derive(Clone, Debug)]
pub struct Scope {
    /// Whose they are.
    pub project: ProjectId,
    /// Each namespace once.
    pub tables: Vec<Table>,
}

/// One namespace at one moment.
#[derive(Clone, Debug)]
pub struct Table {
    /// Its name, which is the table's name in SQL.
    pub name: NamespaceName,
    /// The field it is partitioned by.
    pub partition: FieldName,
    /// All its fields.
    pub fields: Vec<(FieldName, FieldType)>,
    /// Its rows.
    pub snapshot: Snapshot,
}

impl Table {
    /// The type of a field; `None` when there is no such field.
    pub fn field_type(&self, name: &str) -> Option<FieldType> {
        self.fields.iter().find(|(field, _)| field.as_str() == name).map(|(_, kind)| *kind)
    }

    /// A field's name as the namespace spells it, whatever the letter case of this one; what it does not have stays.
    pub(crate) fn spelled(&self, name: FieldName) -> FieldName {
        self.spelling(name.as_str()).cloned().unwrap_or(name)
    }

    /// The field that has this name, whatever the letter case.
    pub(crate) fn spelling(&self, name: &str) -> Option<&FieldName> {
        let exact = self.fields.iter().find(|(field, _)| field.as_str() == name);
        let same =
            || self.fields.iter().find(|(field, _)| field.as_str().eq_ignore_ascii_case(name));
        exact.or_else(same).map(|(field, _)| field)
    }

    /// Refuses to answer from a table of which nothing can be known.
    pub(crate) fn check(&self) -> Result<(), QueryError> {
        let fault = self.snapshot.fault.as_ref();
        fault.map_or(Ok(()), |fault| Err(QueryError::Unavailable { reason: fault.to_string() }))
    }

    /// The fields in alphabetical order.
    pub(crate) fn sorted_fields(&self) -> Vec<(FieldName, FieldType)> {
        let mut fields = self.fields.clone();
        fields.sort();
        fields
    }

    /// The columns: the time, then the fields in alphabetical order.
    pub(crate) fn schema(&self) -> SchemaRef {
        let fields = self.sorted_fields();
        let columns =
            fields.iter().map(|(name, kind)| Field::new(name.as_str(), column_type(*kind), true));
        let time = Field::new(TIME, time_type(), false);
        Arc::new(Schema::new(std::iter::once(time).chain(columns).collect::<Vec<_>>()))
    }
}

/// How a row's time is kept.
pub(crate) fn time_type() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// How a field's values are kept.
pub(crate) const fn column_type(kind: FieldType) -> DataType {
    match kind {
        FieldType::Double => DataType::Float64,
        FieldType::Long => DataType::Int64,
        FieldType::Boolean => DataType::Boolean,
        FieldType::String => DataType::Utf8View,
    }
}
