//! Uploads in JSON, in the three shapes that clients send.

use iobeam_catalog::Namespace;
use iobeam_model::{Column, FieldName, FieldType, NamespaceName, Texts, Value, Values};
use iobeam_store::Incoming;
use iobeam_wire::import::{
    self, Import, ImportLimits, LooseColumn, LooseTable, Shape, constant_column,
};

use super::{ImportBuilder, Limits, MAX_ROWS};
use crate::core::api_error::{ApiError, Category};

/// Bytes that a label takes in each row.
const LABEL: usize = 8;

/// Reads a body into the draft.
pub(super) fn read(
    draft: &mut ImportBuilder<'_>,
    body: &[u8],
    table: bool,
    limits: Limits,
) -> Result<(), ApiError> {
    let most = ImportLimits { max_rows: MAX_ROWS as usize, max_columns: limits.fields };
    let import = import::parse(body, table, &most)?;
    draft.caller.is_of_project(import.project_id)?;
    match import.shape {
        Shape::Series | Shape::Table => of_one_device(draft, import),
        Shape::NamespaceTable => {
            labels_fit(&import, limits.bytes)?;
            of_any_namespace(draft, import)
        }
    }
}

/// Spells the fields of a body as its namespace does. All its tables are one batch to who sent them.
fn spell(
    draft: &mut ImportBuilder<'_>,
    namespace: &Namespace,
    import: &mut Import,
) -> Result<(), ApiError> {
    let columns =
        import.tables.iter().flat_map(|table| table.columns().iter().map(LooseColumn::name));
    let labels = import.labels.iter().map(|(name, _)| name);
    let device = import.device_id.is_some().then_some(&namespace.partition);
    let sent = device.into_iter().chain(labels).chain(columns);
    let respelled = draft.spellings.respelled(namespace, sent)?;
    if respelled.is_empty() {
        return Ok(());
    }
    import.tables.iter_mut().for_each(|table| table.rename(&respelled));
    for (name, _) in &mut import.labels {
        if let Some(spelling) = respelled.get(name) {
            *name = spelling.clone();
        }
    }
    Ok(())
}

/// A label is said once and stands in every row: a small body could grow into gigabytes.
fn labels_fit(import: &Import, limit: usize) -> Result<(), ApiError> {
    let rows: usize = import.tables.iter().map(LooseTable::rows).sum();
    let labels = import.labels.len();
    if rows.saturating_mul(labels).saturating_mul(LABEL) <= limit {
        return Ok(());
    }
    let most = limit / LABEL / labels;
    Err(ApiError::new(
        Category::TooLarge,
        "The labels would take too much",
        format!(
            "labels: {labels} in each of {rows} rows are more than {limit} bytes (setting max-request-size); send at most \
             {most} rows at a time, or fewer labels"
        ),
    ))
}

/// The shapes that name one device, whose rows belong to the namespace `input`.
fn of_one_device(draft: &mut ImportBuilder<'_>, mut import: Import) -> Result<(), ApiError> {
    let Some(id) = import.device_id.as_deref() else {
        return Err(ApiError::bad_request(
            "The device is missing",
            "device_id: send the id of the device whose readings these are",
        ));
    };
    let device = draft.device(id)?;
    let namespace = draft.namespace(&NamespaceName::input())?;
    spell(draft, &namespace, &mut import)?;
    for table in import.tables {
        let texts = Texts::constant(device.as_str(), table.rows());
        let partition = namespace.partition.clone();
        let whose = Column::new(partition, Values::String(texts), None)
            .map_err(|error| unlikely(&error))?;
        take(draft, &namespace, table, vec![whose])?;
    }
    Ok(())
}

/// The shape that names a namespace, and the device, if any, as a label.
fn of_any_namespace(draft: &mut ImportBuilder<'_>, mut import: Import) -> Result<(), ApiError> {
    let name = import.namespace.as_deref().map_or_else(
        || Ok(NamespaceName::input()),
        |name| {
            name.parse().map_err(|error: iobeam_model::NameError| {
                ApiError::bad_request("This is no namespace name", format!("namespace: {error}"))
            })
        },
    )?;
    let namespace = draft.namespace(&name)?;
    // It belongs to the other shapes, and means nothing in this one.
    import.device_id = None;
    spell(draft, &namespace, &mut import)?;
    for table in import.tables {
        let labels = constants(draft, &namespace, &import.labels, table.rows())?;
        take(draft, &namespace, table, labels)?;
    }
    Ok(())
}

/// Labels as columns.
fn constants(
    draft: &ImportBuilder<'_>,
    namespace: &Namespace,
    labels: &[(FieldName, Value)],
    rows: usize,
) -> Result<Vec<Column>, ApiError> {
    labels
        .iter()
        .map(|(name, value)| {
            let wanted = draft.field_type(namespace, name);
            Ok(constant_column(name.clone(), value, wanted, rows)?)
        })
        .collect()
}

/// Gives a table its types, and takes it in.
fn take(
    draft: &mut ImportBuilder<'_>,
    namespace: &Namespace,
    table: LooseTable,
    extra: Vec<Column>,
) -> Result<(), ApiError> {
    let types = |field: &FieldName| -> Option<FieldType> { draft.field_type(namespace, field) };
    let batch = table.into_batch(namespace.name.clone(), &types, extra)?;
    let partition = namespace.partition.clone();
    draft.take(namespace, Incoming { id: None, partition, batch, encoded: None })
}

fn unlikely(error: &iobeam_model::BatchError) -> ApiError {
    ApiError::bad_request("The readings cannot be imported", error.to_string())
}
