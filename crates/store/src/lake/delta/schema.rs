//! A table's fields as its log has them, and as we do.

use std::collections::BTreeMap;

use arrow::datatypes::DataType as ArrowType;
use deltalake_core::kernel::{DataType, PrimitiveType, StructField, StructType};

use crate::chunk::TIME;
use crate::edit::Edit;

/// The fields of a table and how they are held.
pub(crate) type Fields = BTreeMap<Box<str>, ArrowType>;

/// The type that a table's log has for ours.
pub(super) fn delta_type(kind: &ArrowType) -> DataType {
    match kind {
        ArrowType::Int64 => DataType::LONG,
        ArrowType::Boolean => DataType::BOOLEAN,
        ArrowType::Utf8View => DataType::STRING,
        _ => DataType::DOUBLE,
    }
}

/// Our type for that of a table's log.
fn arrow_type(kind: &DataType) -> ArrowType {
    match kind {
        DataType::Primitive(PrimitiveType::Long) => ArrowType::Int64,
        DataType::Primitive(PrimitiveType::Boolean) => ArrowType::Boolean,
        DataType::Primitive(PrimitiveType::String) => ArrowType::Utf8View,
        _ => ArrowType::Float64,
    }
}

/// What a correction makes of a field; nothing when it goes.
pub(super) fn corrected(field: StructField, edit: &Edit) -> Option<StructField> {
    if field.name() == TIME {
        return Some(field);
    }
    let before = arrow_type(field.data_type());
    let (name, kind) = edit.of_field(field.name(), &before)?;
    let same = *name == **field.name() && kind == before;
    Some(if same { field } else { StructField::nullable(&*name, delta_type(&kind)) })
}

/// The fields of a table, without `time`.
pub(crate) fn fields_of(schema: &StructType) -> Fields {
    let others = schema.fields().filter(|field| field.name() != TIME);
    others.map(|field| (field.name().as_str().into(), arrow_type(field.data_type()))).collect()
}
