//! Namespaces: tables of rows, with typed fields that are added by imports and changed by corrections alone.
//!
//! ```text
//! import ─ all fields known? (memory) ──────────────────────────────▶ go on
//!             └ no ─▶ add_fields: all of them or none, on disk ─▶ go on      the first to add a field decides its type
//! ```
//!
//! The partitioning field is always there, as `STRING`. No two fields of a namespace differ in letter case alone: names that
//! do are one field, which keeps the spelling it had first.
//! The label `<partitioning field>:distinct` is set from the start.

use std::collections::BTreeMap;
use std::sync::Arc;

use iobeam_model::{
    FieldName, FieldType, NamespaceId, NamespaceName, ProjectId, Retention, Timestamp, Value,
};
use rusqlite::{OptionalExtension, Transaction, params};

use crate::audit::{AuditAction, AuditEvent};
use crate::database::Catalog;
use crate::deletions::expect_free;
use crate::error::CatalogError;
use crate::record::Namespace;

pub use corrections::FieldChange;

mod corrections;

/// How many labels a namespace may have.
const MAX_LABELS: usize = 1000;

/// Longest label, name and text, in characters.
const LONGEST_LABEL: usize = 1024;

/// A namespace that someone declares.
#[derive(Clone, Debug)]
pub struct NewNamespace {
    /// The project.
    pub project: ProjectId,
    /// Unique within the project.
    pub name: NamespaceName,
    /// The field whose values part the rows; added to the fields as `STRING` when it is not among them.
    pub partition: FieldName,
    /// The fields to begin with.
    pub fields: BTreeMap<FieldName, FieldType>,
    /// Notes to begin with.
    pub labels: BTreeMap<String, Value>,
    /// How long its rows are kept.
    pub retention: Retention,
}

/// What to change about a namespace.
#[derive(Clone, Debug, Default)]
pub struct NamespaceChanges {
    /// All fields it shall have: those it has, with their types, and new ones. `None` leaves them as they are.
    pub fields: Option<BTreeMap<FieldName, FieldType>>,
    /// Labels to add or overwrite; others stay.
    pub labels: BTreeMap<String, Value>,
    /// How long its rows are kept; `None` leaves it as it is.
    pub retention: Option<Retention>,
}

impl NewNamespace {
    /// What each project has from the start.
    pub(crate) fn input(project: ProjectId) -> Self {
        Self {
            project,
            name: NamespaceName::input(),
            partition: FieldName::device_id(),
            fields: BTreeMap::new(),
            labels: BTreeMap::new(),
            retention: Retention::Default,
        }
    }
}

impl Catalog {
    /// The namespace of that name. From memory.
    pub fn namespace(&self, project: ProjectId, name: &NamespaceName) -> Option<Arc<Namespace>> {
        self.mirror().namespaces.read().get(&project)?.get(name).cloned()
    }

    /// The namespace of that number, when it is of this project. From memory.
    pub fn namespace_by_id(&self, project: ProjectId, id: NamespaceId) -> Option<Arc<Namespace>> {
        let namespaces = self.mirror().namespaces.read();
        namespaces.get(&project)?.values().find(|namespace| namespace.id == id).cloned()
    }

    /// The namespaces of a project, by name. From memory.
    pub fn namespaces(&self, project: ProjectId) -> Vec<Arc<Namespace>> {
        let namespaces = self.mirror().namespaces.read();
        namespaces.get(&project).map(|of| of.values().cloned().collect()).unwrap_or_default()
    }

    /// Declares a namespace. Readings cannot add fields to it by themselves.
    ///
    /// # Errors
    /// `NotFound` for the project, `AlreadyExists`, `Invalid` when the partitioning field is not `STRING` or a label
    /// breaks a rule, `FieldCase`, `TooMany`.
    pub fn create_namespace(&self, new: NewNamespace) -> Result<Arc<Namespace>, CatalogError> {
        if let Some(kind) =
            new.fields.get(&new.partition).filter(|kind| **kind != FieldType::String)
        {
            let reason = format!("the field '{}' is {kind}; it must be STRING", new.partition);
            return Err(CatalogError::invalid("partitioning_field", reason));
        }
        check_labels(&new.labels)?;
        let created = self.now();
        self.change(
            |transaction| {
                self.expect_project(new.project)?;
                if self.namespace(new.project, &new.name).is_some() {
                    let name = new.name.to_string();
                    return Err(CatalogError::AlreadyExists { what: "namespace", name });
                }
                expect_free(transaction, new.project, &new.name)?;
                self.expect_no_orphan(new.project, &new.name)?;
                let partition = BTreeMap::from([(new.partition.clone(), FieldType::String)]);
                let fields: Vec<_> = new.fields.clone().into_iter().collect();
                missing(&partition, &fields, self.settings().max_fields)?;
                let event = AuditEvent::new(AuditAction::NamespaceCreate).in_project(new.project);
                self.audit(transaction, event.target("namespace", &new.name))?;
                insert_namespace(transaction, new, true, created).map(Arc::new)
            },
            |mirror, namespace| mirror.put_namespace(Arc::clone(namespace)),
        )
    }

    /// Every namespace of every project. From memory.
    pub fn all_namespaces(&self) -> Vec<Arc<Namespace>> {
        let namespaces = self.mirror().namespaces.read();
        namespaces.values().flat_map(BTreeMap::values).cloned().collect()
    }

    /// The time by which rows were last found to have expired; `None` when that never happened.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn retention_clock(&self) -> Result<Option<Timestamp>, CatalogError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT known FROM retention_clock")?;
            let known = statement.query_row([], |row| row.get(0)).optional()?;
            Ok(known.map(Timestamp::from_micros))
        })
    }

    /// Notes the time by which rows are found to have expired now.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn set_retention_clock(&self, known: Timestamp) -> Result<(), CatalogError> {
        let sql = "INSERT INTO retention_clock (id, known) VALUES (1, ?1) \
                   ON CONFLICT (id) DO UPDATE SET known = excluded.known";
        self.change(
            |transaction| {
                transaction.prepare_cached(sql)?.execute([known.micros()])?;
                Ok(())
            },
            |_, ()| {},
        )
    }

    /// Adds fields and labels to a namespace, overwrites labels, or changes its retention. Fields neither change nor
    /// go.
    ///
    /// # Errors
    /// `NotFound`; `FieldTypeConflict`; `Invalid` when a field it has is not among those sent, or a label breaks a
    /// rule; `FieldCase`; `TooMany`.
    pub fn update_namespace(
        &self,
        project: ProjectId,
        id: NamespaceId,
        changes: NamespaceChanges,
    ) -> Result<Arc<Namespace>, CatalogError> {
        check_labels(&changes.labels)?;
        let now = self.now();
        self.change(
            move |transaction| {
                let before = self.namespace_by_id(project, id);
                let before = before.ok_or_else(|| CatalogError::not_found("namespace", &id))?;
                let mut fields = Vec::new();
                if let Some(wanted) = changes.fields.clone() {
                    let wanted = spelled(&before.fields, wanted)?;
                    if let Some(left_out) = before.fields.keys().find(|f| !wanted.contains_key(*f))
                    {
                        let reason = format!(
                            "the field '{left_out}' is not removed this way; send it along with its type, or drop it with DELETE /v1/namespaces/{id}/fields/{left_out}"
                        );
                        return Err(CatalogError::invalid("fields", reason));
                    }
                    let wanted: Vec<_> = wanted.into_iter().collect();
                    fields = missing(&before.fields, &wanted, self.settings().max_fields)?;
                }
                let is_new =
                    |label: &(&String, &Value)| before.labels.get(label.0) != Some(label.1);
                let labels: Vec<_> = changes.labels.iter().filter(is_new).collect();
                let event = AuditEvent::new(AuditAction::NamespaceChange).in_project(project);
                let event = event.target("namespace", &before.name);
                let event = event.detail("new_fields", fields.len()).detail("labels", labels.len());
                self.audit(transaction, event.detail("retention", changes.retention.is_some()))?;
                let before = keep_for(transaction, before, changes.retention, now)?;
                extend(transaction, &before, &fields, &labels, now)
            },
            |mirror, namespace| mirror.put_namespace(Arc::clone(namespace)),
        )
    }

    /// Sees to it that the namespace has these fields: all of them, or none is added. Fields that are there already
    /// cost a look into memory. Whether readings may add fields to this namespace is for the caller to know
    /// ([`Namespace::explicit`]).
    ///
    /// # Errors
    /// `NotFound`; `FieldTypeConflict` when one exists with another type; `FieldCase` when one exists in another letter
    /// case; `TooMany`.
    pub fn add_fields(
        &self,
        project: ProjectId,
        name: &NamespaceName,
        fields: &[(FieldName, FieldType)],
    ) -> Result<Arc<Namespace>, CatalogError> {
        let known = self.expect_namespace(project, name)?;
        if missing(&known.fields, fields, self.settings().max_fields)?.is_empty() {
            return Ok(known);
        }
        let now = self.now();
        self.change(
            |transaction| {
                // Again, as another may have added some of them meanwhile.
                let before = self.expect_namespace(project, name)?;
                let fields = missing(&before.fields, fields, self.settings().max_fields)?;
                extend(transaction, &before, &fields, &[], now)
            },
            |mirror, namespace| mirror.put_namespace(Arc::clone(namespace)),
        )
    }

    fn expect_namespace(
        &self,
        project: ProjectId,
        name: &NamespaceName,
    ) -> Result<Arc<Namespace>, CatalogError> {
        self.namespace(project, name).ok_or_else(|| CatalogError::not_found("namespace", &name))
    }
}

/// The wanted fields, those that are there already in the spelling they have.
fn spelled(
    known: &BTreeMap<FieldName, FieldType>,
    wanted: BTreeMap<FieldName, FieldType>,
) -> Result<BTreeMap<FieldName, FieldType>, CatalogError> {
    if wanted.keys().all(|name| known.contains_key(name)) {
        return Ok(wanted);
    }
    let lower_case = |name: &FieldName| name.as_str().to_ascii_lowercase();
    let spellings: BTreeMap<_, _> = known.keys().map(|name| (lower_case(name), name)).collect();
    let mut spelled = BTreeMap::new();
    for (name, kind) in wanted {
        let existing = spellings.get(&lower_case(&name)).map_or(&name, |known| *known).clone();
        if spelled.insert(existing.clone(), kind).is_some() {
            return Err(CatalogError::FieldCase { field: name, existing });
        }
    }
    Ok(spelled)
}

/// Those of the wanted fields that are not there yet; each once.
fn missing(
    known: &BTreeMap<FieldName, FieldType>,
    wanted: &[(FieldName, FieldType)],
    limit: usize,
) -> Result<Vec<(FieldName, FieldType)>, CatalogError> {
    let mut new: BTreeMap<FieldName, FieldType> = BTreeMap::new();
    for (field, wanted) in wanted {
        match known.get(field).or_else(|| new.get(field)) {
            Some(has) if has == wanted => {}
            Some(has) => {
                let (field, has, wanted) = (field.clone(), *has, *wanted);
                return Err(CatalogError::FieldTypeConflict { field, has, wanted });
            }
            None => drop(new.insert(field.clone(), *wanted)),
        }
    }
    if new.is_empty() {
        return Ok(Vec::new());
    }
    if known.len() + new.len() > limit {
        return Err(CatalogError::TooMany { what: "fields in a namespace", limit });
    }
    let mut in_lower_case = BTreeMap::new();
    for name in known.keys().chain(new.keys()) {
        let existing = in_lower_case.insert(name.as_str().to_ascii_lowercase(), name);
        if let Some(existing) = existing {
            let (field, existing) = (name.clone(), existing.clone());
            return Err(CatalogError::FieldCase { field, existing });
        }
    }
    Ok(new.into_iter().collect())
}

fn check_labels(labels: &BTreeMap<String, Value>) -> Result<(), CatalogError> {
    if labels.len() > MAX_LABELS {
        return Err(CatalogError::TooMany { what: "labels", limit: MAX_LABELS });
    }
    for (name, value) in labels {
        let wrong = match value {
            Value::Double(number) if !number.is_finite() => Some("its number is not finite"),
            Value::String(text) if text.chars().count() > LONGEST_LABEL => {
                Some("its text is too long")
            }
            _ if name.is_empty() => Some("its name is empty"),
            _ if name.chars().count() > LONGEST_LABEL => Some("its name is too long"),
            _ => None,
        };
        if let Some(wrong) = wrong {
            let name: String = name.chars().take(64).collect();
            return Err(CatalogError::invalid("labels", format!("label '{name}': {wrong}")));
        }
    }
    Ok(())
}

/// Writes a namespace with its partitioning field and that field's label.
pub(crate) fn insert_namespace(
    transaction: &Transaction<'_>,
    mut new: NewNamespace,
    explicit: bool,
    created: Timestamp,
) -> Result<Namespace, CatalogError> {
    new.fields.insert(new.partition.clone(), FieldType::String);
    let distinct = format!("{}:distinct", new.partition);
    new.labels.entry(distinct).or_insert(Value::Boolean(true));
    let id = transaction
        .prepare_cached(
            "INSERT INTO namespaces (project, name, partition, explicit, created, last_modified, retention) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6) ON CONFLICT (project, name) DO NOTHING RETURNING id",
        )?
        .query_row(
            params![
                new.project.get(),
                new.name.as_str(),
                new.partition.as_str(),
                explicit,
                created.micros(),
                stored(new.retention),
            ],
            |row| row.get(0),
        )
        .optional()?;
    let Some(id) = id.map(NamespaceId) else {
        let name = new.name.to_string();
        return Err(CatalogError::AlreadyExists { what: "namespace", name });
    };
    new.fields.iter().try_for_each(|(name, kind)| put_field(transaction, id, name, *kind))?;
    new.labels.iter().try_for_each(|(name, value)| put_label(transaction, id, name, value))?;
    Ok(Namespace {
        id,
        project: new.project,
        name: new.name,
        partition: new.partition,
        fields: new.fields,
        labels: new.labels,
        retention: new.retention,
        explicit,
        created,
        last_modified: created,
    })
}

/// A retention as its column holds it.
fn stored(retention: Retention) -> Option<i64> {
    match retention {
        Retention::Default => None,
        Retention::Forever => Some(0),
        Retention::For(seconds) => Some(seconds.get().cast_signed()),
    }
}

/// Writes another retention, when it is one.
fn keep_for(
    transaction: &Transaction<'_>,
    before: Arc<Namespace>,
    wanted: Option<Retention>,
    now: Timestamp,
) -> Result<Arc<Namespace>, CatalogError> {
    let Some(retention) = wanted.filter(|wanted| *wanted != before.retention) else {
        return Ok(before);
    };
    transaction.execute(
        "UPDATE namespaces SET retention = ?2, last_modified = ?3 WHERE id = ?1",
        params![before.id.get(), stored(retention), now.micros()],
    )?;
    Ok(Arc::new(Namespace { retention, last_modified: now, ..Namespace::clone(&before) }))
}

/// Writes what is new about a namespace.
fn extend(
    transaction: &Transaction<'_>,
    before: &Arc<Namespace>,
    fields: &[(FieldName, FieldType)],
    labels: &[(&String, &Value)],
    now: Timestamp,
) -> Result<Arc<Namespace>, CatalogError> {
    if fields.is_empty() && labels.is_empty() {
        return Ok(Arc::clone(before));
    }
    let mut after = Namespace::clone(before);
    for (name, kind) in fields {
        put_field(transaction, after.id, name, *kind)?;
        after.fields.insert(name.clone(), *kind);
    }
    for (name, value) in labels {
        put_label(transaction, after.id, name, value)?;
        after.labels.insert((*name).clone(), (*value).clone());
    }
    if after.labels.len() > MAX_LABELS {
        return Err(CatalogError::TooMany { what: "labels", limit: MAX_LABELS });
    }
    after.last_modified = now;
    transaction.execute(
        "UPDATE namespaces SET last_modified = ?2 WHERE id = ?1",
        params![after.id.get(), now.micros()],
    )?;
    Ok(Arc::new(after))
}

fn put_field(
    transaction: &Transaction<'_>,
    namespace: NamespaceId,
    name: &FieldName,
    kind: FieldType,
) -> Result<(), CatalogError> {
    transaction
        .prepare_cached("INSERT INTO fields (namespace, name, type) VALUES (?1, ?2, ?3)")?
        .execute(params![namespace.get(), name.as_str(), kind.name()])?;
    Ok(())
}

fn put_label(
    transaction: &Transaction<'_>,
    namespace: NamespaceId,
    name: &str,
    value: &Value,
) -> Result<(), CatalogError> {
    use rusqlite::types::Value as Cell;
    let kind = value.field_type().name();
    let cell = match value {
        Value::Double(number) => Cell::Real(*number),
        Value::Long(number) => Cell::Integer(*number),
        Value::Boolean(truth) => Cell::Integer((*truth).into()),
        Value::String(text) => Cell::Text(text.to_string()),
    };
    transaction
        .prepare_cached(
            "INSERT INTO labels (namespace, name, type, value) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT (namespace, name) DO UPDATE SET type = excluded.type, value = excluded.value",
        )?
        .execute(params![namespace.get(), name, kind, cell])?;
    Ok(())
}
