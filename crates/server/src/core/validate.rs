//! Whether an upload may be stored, and as what: the sender's last chance to be wrong.
//!
//! ```text
//! JSON   ─ parse ──┐                                   ┌─ batches, each of its namespace's types
//!                  ├─▶ project? device? namespace? ─▶ Checked ─ fields seen for the first time
//! binary ─ decode ─┘                                   └─ devices heard of
//! ```
//!
//! Invariants: no side effects, in the catalog or elsewhere; a token that is bound to a device lets no row of another
//! device pass; where rows are partitioned by `device_id`, each device they name is registered or about to be, whatever
//! form the upload has; every refusal names what is wrong and what would be right.

mod batches;

mod json;

mod spelling;

pub(crate) mod sender;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use iobeam_catalog::{Catalog, CatalogError, Namespace, NewDevice};
use iobeam_model::{
    Batch, Column, DeviceId, FieldName, FieldType, NamespaceName, ProjectId, Values,
};
use iobeam_store::{Incoming, Write};

use crate::core::api_error::ApiError;
use crate::core::auth::ProjectCaller;
use crate::core::auth::refusal::Refusal;
use spelling::Spellings;

/// Most rows of one upload.
const MAX_ROWS: u32 = 1_000_000;

/// How much an upload may hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Bytes when unpacked.
    pub(crate) bytes: usize,
    /// Fields of one table or batch.
    pub(crate) fields: usize,
}

/// How the body of an upload is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum BodyFormat {
    /// JSON: series, each with its points.
    Series,
    /// JSON: rows in a table.
    Table,
    /// One or more batches in binary form.
    Batches,
}

/// Fields that namespaces do not have yet.
pub(crate) type NewFields = BTreeMap<NamespaceName, BTreeMap<FieldName, FieldType>>;

/// An upload in which nothing is wrong.
#[derive(Debug)]
pub(crate) struct ValidatedImport {
    /// What is to be stored.
    pub(crate) write: Write,
    /// What must be made known before.
    pub(crate) new_fields: NewFields,
    /// The devices whose readings these are.
    pub(crate) devices: Vec<DeviceId>,
    /// Some of them are not registered yet, and are to be.
    pub(crate) registers: bool,
}

/// Checks a body.
pub(crate) fn check(
    catalog: &Catalog,
    caller: &ProjectCaller,
    form: BodyFormat,
    body: &Bytes,
    limits: Limits,
) -> Result<ValidatedImport, ApiError> {
    let mut draft = ImportBuilder::new(catalog, caller);
    match form {
        BodyFormat::Series => json::read(&mut draft, body, false, limits)?,
        BodyFormat::Table => json::read(&mut draft, body, true, limits)?,
        BodyFormat::Batches => batches::read(&mut draft, body, limits)?,
    }
    Ok(draft.checked)
}

/// Registers a device, unless somebody else just did.
pub(crate) fn register(
    catalog: &Catalog,
    project: ProjectId,
    device: &DeviceId,
) -> Result<(), CatalogError> {
    if catalog.is_registered(project, device.as_str()) {
        return Ok(());
    }
    let new = NewDevice { id: Some(device.clone()), ..NewDevice::default() };
    match catalog.register_device(project, new) {
        Ok(_) | Err(CatalogError::DeviceIdTaken { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// An upload while it is being checked.
struct ImportBuilder<'c> {
    catalog: &'c Catalog,
    caller: &'c ProjectCaller,
    checked: ValidatedImport,
    spellings: Spellings,
}

impl<'c> ImportBuilder<'c> {
    fn new(catalog: &'c Catalog, caller: &'c ProjectCaller) -> Self {
        let write = Write { project: caller.project, batches: Vec::new(), body_hash: None };
        let checked = ValidatedImport {
            write,
            new_fields: NewFields::new(),
            devices: Vec::new(),
            registers: false,
        };
        Self { catalog, caller, checked, spellings: Spellings::default() }
    }

    /// The namespace of that name.
    fn namespace(&self, name: &NamespaceName) -> Result<Arc<Namespace>, ApiError> {
        self.catalog.namespace(self.caller.project, name).ok_or_else(|| {
            ApiError::not_found(
                format!("There is no namespace '{name}'"),
                "Declare it with POST /v1/namespaces, or send to 'input'",
            )
        })
    }

    /// The device of that id, which must be registered, or is about to be.
    fn device(&mut self, id: &str) -> Result<DeviceId, ApiError> {
        self.devices(&[id])?;
        self.checked.devices.last().cloned().ok_or_else(|| ApiError::internal("a device was lost"))
    }

    /// The devices of those ids, each of which must be registered, or is about to be.
    fn devices(&mut self, ids: &[&str]) -> Result<(), ApiError> {
        let heard = &mut self.checked.devices;
        heard.reserve(ids.len());
        for id in ids {
            self.caller.may_act_as(id)?;
            let device: DeviceId = id.parse().map_err(|error: iobeam_model::NameError| {
                ApiError::bad_request("Invalid device id", format!("device_id: {error}"))
            })?;
            // Of a body of many batches most are of one device. Named twice does no harm.
            if heard.last() != Some(&device) {
                heard.push(device);
            }
        }
        let unknown = self.catalog.first_unregistered(self.caller.project, ids.iter().copied());
        let Some(unknown) = unknown else { return Ok(()) };
        if !self.registers_by_itself() {
            return Err(ApiError::not_found(
                format!("There is no device '{unknown}'"),
                "Register it with POST /v1/devices before it sends readings, or let the project register devices by \
                 itself (auto_register)",
            ));
        }
        self.checked.registers = true;
        Ok(())
    }

    fn registers_by_itself(&self) -> bool {
        self.catalog.project(self.caller.project).is_some_and(|project| project.auto_register)
    }

    /// The type of a field: as declared, or as seen earlier in this upload.
    fn field_type(&self, namespace: &Namespace, field: &FieldName) -> Option<FieldType> {
        namespace
            .fields
            .get(field)
            .or_else(|| self.checked.new_fields.get(&namespace.name)?.get(field))
            .copied()
    }

    /// Takes a batch in whose fields are spelled, and typed, as in its namespace.
    fn take(&mut self, namespace: &Namespace, incoming: Incoming) -> Result<(), ApiError> {
        let batch = &incoming.batch;
        self.only_own_rows(namespace, batch)?;
        self.only_registered(namespace, batch)?;
        let new = batch
            .columns()
            .iter()
            .filter(|column| self.field_type(namespace, column.name()).is_none());
        let new: Vec<_> =
            new.map(|column| (column.name().clone(), column.values().field_type())).collect();
        self.note(namespace, new)?;
        if !batch.is_empty() {
            self.checked.write.batches.push(incoming);
        }
        Ok(())
    }

    /// Notes fields as new, if the namespace takes any.
    fn note(
        &mut self,
        namespace: &Namespace,
        new: Vec<(FieldName, FieldType)>,
    ) -> Result<(), ApiError> {
        let Some((first, _)) = new.first() else { return Ok(()) };
        if namespace.explicit {
            return Err(ApiError::bad_request(
                format!("The namespace '{}' has no field '{first}'", namespace.name),
                "Its fields were declared: add the field with PUT /v1/namespaces, or correct its name",
            ));
        }
        self.checked.new_fields.entry(namespace.name.clone()).or_default().extend(new);
        Ok(())
    }

    /// Sees to it that each device whose rows these are is registered, where rows belong to devices at all.
    fn only_registered(&mut self, namespace: &Namespace, batch: &Batch) -> Result<(), ApiError> {
        if !is_by_device(namespace) {
            return Ok(());
        }
        match batch.column(namespace.partition.as_str()) {
            Some(column) => self.devices(&texts(column)),
            None => Ok(()),
        }
    }

    /// Refuses rows that a token bound to a device may not write.
    fn only_own_rows(&self, namespace: &Namespace, batch: &Batch) -> Result<(), ApiError> {
        let Some(own) = &self.caller.device else { return Ok(()) };
        let column = batch.column(namespace.partition.as_str());
        let alone = column.is_some_and(|column| {
            column.present().is_none() && texts(column).iter().all(|text| *text == own.as_str())
        });
        if alone || batch.is_empty() { Ok(()) } else { Err(Refusal::OtherDevice.into()) }
    }
}

/// Whether the rows of a namespace belong to devices.
fn is_by_device(namespace: &Namespace) -> bool {
    namespace.partition.as_str().eq_ignore_ascii_case(FieldName::device_id().as_str())
}

/// The texts that really stand in a column, each once.
fn texts(column: &Column) -> Vec<&str> {
    let Values::String(texts) = column.values() else { return Vec::new() };
    let mut used = vec![false; texts.dictionary().len()];
    for (row, key) in texts.keys().iter().enumerate() {
        if column.present().is_none_or(|present| present.get(row)) {
            used[*key as usize] = true;
        }
    }
    texts.dictionary().iter().zip(used).filter(|(_, used)| *used).map(|(text, _)| &**text).collect()
}
