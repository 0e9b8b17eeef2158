//! Devices: registered once, known by id, seen whenever they send.
//!
//! ```text
//! register_device ─ id free? (DeviceIdTaken) ─ name free? (DeviceNameTaken) ─▶ Device
//! is_registered    from memory, on each import           seen    in memory, written back every few seconds
//! devices          by created, then id; a page costs what it holds          search_devices    from memory
//! ```
//!
//! Ids and names are unique within the project. The id is looked at first: "register, or go on as who I am" depends
//! on hearing that the id is taken even when the name is too.

mod listing;

use iobeam_model::{DeviceId, ProjectId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Params, Transaction, params};

pub use listing::{DeviceOrder, DeviceSearch, DeviceState, FoundDevices, Patience};

use crate::audit::{AuditAction, AuditEvent};
use crate::database::{Catalog, Mirror};
use crate::error::CatalogError;
use crate::record::{Changed, Device};
use crate::secret::random_text;
use crate::tokens::end_tokens_of_device;

/// How many signs a generated id has: small boards hold up to 48, and take less than 16 for none at all.
const ID_SIGNS: usize = 20;

/// How many random signs a generated name ends in.
const NAME_SIGNS: usize = 10;

/// How names begin that nobody gave.
const MADE_UP: &str = "device-";

/// Longest name and kind, in characters.
const LONGEST_NAME: usize = 255;

/// A device that is to be registered.
#[derive(Clone, Debug, Default)]
pub struct NewDevice {
    /// Its id; one is made up when there is none.
    pub id: Option<DeviceId>,
    /// Its name; one is made up when there is none.
    pub name: Option<String>,
    /// What sort of device it is.
    pub kind: Option<String>,
    /// When it says it was made; otherwise now.
    pub created: Option<Timestamp>,
}

/// What to change about a device; `None` leaves a member as it is.
#[derive(Clone, Debug, Default)]
pub struct DeviceChanges {
    /// Another name.
    pub name: Option<String>,
    /// Another kind; an empty one takes it away.
    pub kind: Option<String>,
}

/// Which part of a listing is wanted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Page {
    /// How many to leave out at the start.
    pub offset: u64,
    /// How many to give at most; `None`: all.
    pub count: Option<u64>,
}

impl Catalog {
    /// Registers a device.
    ///
    /// # Errors
    /// `NotFound` for the project, `DeviceIdTaken` before `DeviceNameTaken`, `Invalid` for name or kind.
    pub fn register_device(
        &self,
        project: ProjectId,
        new: NewDevice,
    ) -> Result<Device, CatalogError> {
        let legal = LegalDevice::new(new, self.now())?;
        self.change(
            |transaction| {
                self.expect_project(project)?;
                legal.insert(transaction, project)
            },
            Mirror::put_device,
        )
    }

    /// Registers devices, all of them or none, for the price of one.
    ///
    /// # Errors
    /// As [`Self::register_device`], for the first of them that cannot be registered.
    pub fn register_devices(
        &self,
        project: ProjectId,
        new: Vec<NewDevice>,
    ) -> Result<Vec<Device>, CatalogError> {
        let now = self.now();
        let legal: Result<Vec<_>, _> =
            new.into_iter().map(|new| LegalDevice::new(new, now)).collect();
        let legal = legal?;
        self.change(
            |transaction| {
                self.expect_project(project)?;
                legal.into_iter().map(|legal| legal.insert(transaction, project)).collect()
            },
            |mirror, devices: &Vec<Device>| devices.iter().for_each(|one| mirror.put_device(one)),
        )
    }

    /// Whether the project has a device of that id. From memory.
    pub fn is_registered(&self, project: ProjectId, id: &str) -> bool {
        self.mirror().devices.read().get(&project).is_some_and(|known| known.contains_key(id))
    }

    /// The first of these ids that is no device of the project. From memory, in one go: an import may name thousands.
    pub fn first_unregistered<'i>(
        &self,
        project: ProjectId,
        ids: impl IntoIterator<Item = &'i str>,
    ) -> Option<&'i str> {
        let devices = self.mirror().devices.read();
        let known = devices.get(&project);
        ids.into_iter().find(|id| known.is_none_or(|known| !known.contains_key(*id)))
    }

    /// Notes that a device sent something at that time. In memory; written to the file every few seconds.
    pub fn seen(&self, project: ProjectId, id: &DeviceId, time: Timestamp) {
        self.all_seen(project, [id], time);
    }

    /// As [`Self::seen`], for all devices of an import at once.
    pub fn all_seen<'d>(
        &self,
        project: ProjectId,
        ids: impl IntoIterator<Item = &'d DeviceId>,
        time: Timestamp,
    ) {
        let devices = self.mirror().devices.read();
        let Some(known) = devices.get(&project) else { return };
        for id in ids {
            if known.get(id.as_str()).is_some_and(|known| known.last_seen.set(time)) {
                self.mirror().behind.lock().devices.push((project, id.clone()));
            }
        }
    }

    /// The device of that id.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn device(&self, project: ProjectId, id: &DeviceId) -> Result<Device, CatalogError> {
        let found = self.read(|connection| find(connection, project, id))?;
        Ok(self.with_last_seen(found))
    }

    /// The device of that name.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn device_by_name(&self, project: ProjectId, name: &str) -> Result<Device, CatalogError> {
        let name = name.trim();
        let found = self.read(|connection| {
            one(connection, "project = ?1 AND name = ?2", params![project.get(), name])
        })?;
        let found = found.ok_or_else(|| CatalogError::not_found("device", &name))?;
        Ok(self.with_last_seen(found))
    }

    /// The devices of a project, oldest first, those made at the same time by id.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn devices(&self, project: ProjectId, page: Page) -> Result<Vec<Device>, CatalogError> {
        // The inner question is answered from the index alone, so that skipping a page does not read its devices.
        let sql = format!(
            "SELECT {} FROM devices WHERE number IN (SELECT number FROM devices WHERE project = ?1 \
             ORDER BY created, id LIMIT ?2 OFFSET ?3) ORDER BY created, id",
            Device::COLUMNS
        );
        let most = page.count.map_or(i64::MAX, |count| i64::try_from(count).unwrap_or(i64::MAX));
        let offset = i64::try_from(page.offset).unwrap_or(i64::MAX);
        let found: Vec<Device> = self.read(|connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            let rows = statement.query_map(params![project.get(), most, offset], Device::read)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })?;
        Ok(found.into_iter().map(|device| self.with_last_seen(device)).collect())
    }

    /// How many devices a project has. From memory.
    pub fn device_count(&self, project: ProjectId) -> usize {
        self.mirror().devices.read().get(&project).map_or(0, std::collections::HashMap::len)
    }

    /// Changes a device's name or kind.
    ///
    /// # Errors
    /// `NotFound`, `DeviceNameTaken`, `Invalid`.
    pub fn update_device(
        &self,
        project: ProjectId,
        id: &DeviceId,
        changes: DeviceChanges,
    ) -> Result<Changed, CatalogError> {
        let name = changes.name.map(|name| legal_name(&name)).transpose()?;
        let kind = changes.kind.map(|kind| legal_kind(&kind)).transpose()?;
        let after = self.change(
            |transaction| {
                let before = find(transaction, project, id)?;
                let mut after = before.clone();
                if let Some(name) = name
                    && name != before.name
                {
                    after.name = free_name(transaction, project, Some(name))?;
                }
                if let Some(kind) = kind {
                    after.kind = kind;
                }
                if after == before {
                    return Ok(None);
                }
                transaction.execute(
                    "UPDATE devices SET name = ?3, kind = ?4 WHERE project = ?1 AND id = ?2",
                    params![project.get(), id.as_str(), after.name, after.kind],
                )?;
                Ok(Some(after))
            },
            |mirror, after| after.iter().for_each(|device| mirror.put_device(device)),
        )?;
        Ok(Changed::when(after.is_some()))
    }

    /// Removes a device. Its readings stay; the tokens that are bound to it end, also for a device that is registered
    /// under the same id later.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn delete_device(&self, project: ProjectId, id: &DeviceId) -> Result<(), CatalogError> {
        let now = self.now();
        self.change(
            |transaction| {
                let gone = transaction.execute(
                    "DELETE FROM devices WHERE project = ?1 AND id = ?2",
                    params![project.get(), id.as_str()],
                )?;
                if gone == 0 {
                    return Err(CatalogError::not_found("device", &id));
                }
                let ended = end_tokens_of_device(transaction, project, id, now)?;
                let event = AuditEvent::new(AuditAction::DeviceDelete).in_project(project);
                let event = event.detail("tokens_revoked", ended.len());
                self.audit(transaction, event.target("device", id))?;
                Ok(ended)
            },
            |mirror, ended| {
                for token in ended {
                    mirror.put_token(token);
                }
                mirror
                    .devices
                    .write()
                    .get_mut(&project)
                    .and_then(|known| known.remove(id.as_str()));
            },
        )
        .map(drop)
    }

    /// The time in memory, which may be ahead of the file.
    fn with_last_seen(&self, mut device: Device) -> Device {
        let devices = self.mirror().devices.read();
        let known = devices.get(&device.project).and_then(|known| known.get(device.id.as_str()));
        device.last_seen = known.and_then(|known| known.last_seen.get()).or(device.last_seen);
        device
    }
}

/// A device that keeps the rules, unless its id or name is taken.
struct LegalDevice {
    id: Option<DeviceId>,
    name: Option<String>,
    kind: Option<String>,
    created: Timestamp,
}

impl LegalDevice {
    fn new(new: NewDevice, now: Timestamp) -> Result<Self, CatalogError> {
        Ok(Self {
            id: new.id,
            name: new.name.as_deref().map(legal_name).transpose()?,
            kind: new.kind.as_deref().map(legal_kind).transpose()?.flatten(),
            created: new.created.unwrap_or(now),
        })
    }

    fn insert(
        self,
        transaction: &Transaction<'_>,
        project: ProjectId,
    ) -> Result<Device, CatalogError> {
        let device = Device {
            id: free_id(transaction, project, self.id)?,
            project,
            name: free_name(transaction, project, self.name)?,
            kind: self.kind,
            created: self.created,
            last_seen: None,
        };
        insert(transaction, &device)?;
        Ok(device)
    }
}

fn legal_name(name: &str) -> Result<String, CatalogError> {
    let name = name.trim();
    if name.is_empty() {
        let reason = "it is empty; leave it out to have one made up";
        return Err(CatalogError::invalid("device_name", reason));
    }
    checked("device_name", name)
}

/// An empty kind is none.
fn legal_kind(kind: &str) -> Result<Option<String>, CatalogError> {
    let kind = kind.trim();
    if kind.is_empty() { Ok(None) } else { checked("device_type", kind).map(Some) }
}

fn checked(what: &'static str, text: &str) -> Result<String, CatalogError> {
    if text.contains(char::is_control) {
        return Err(CatalogError::invalid(what, "control characters are not allowed"));
    }
    let length = text.chars().count();
    if length > LONGEST_NAME {
        let reason = format!("it has {length} characters, and at most {LONGEST_NAME} are allowed");
        return Err(CatalogError::invalid(what, reason));
    }
    Ok(text.to_owned())
}

/// The id wanted, when it is free, or a new one.
fn free_id(
    connection: &Connection,
    project: ProjectId,
    wanted: Option<DeviceId>,
) -> Result<DeviceId, CatalogError> {
    let taken = |id: &str| exists(connection, "id", project, id);
    match wanted {
        Some(id) if taken(id.as_str())? => Err(CatalogError::DeviceIdTaken { id }),
        Some(id) => Ok(id),
        None => loop {
            let id = random_text(ID_SIGNS);
            if !taken(&id)? {
                let reason = |error: iobeam_model::NameError| error.to_string();
                return id
                    .parse()
                    .map_err(|error| CatalogError::invalid("device_id", reason(error)));
            }
        },
    }
}

/// The name wanted, when it is free, or a new one.
fn free_name(
    connection: &Connection,
    project: ProjectId,
    wanted: Option<String>,
) -> Result<String, CatalogError> {
    let taken = |name: &str| exists(connection, "name", project, name);
    match wanted {
        Some(name) if taken(&name)? => Err(CatalogError::DeviceNameTaken { name }),
        Some(name) => Ok(name),
        None => loop {
            let name = format!("{MADE_UP}{}", random_text(NAME_SIGNS));
            if !taken(&name)? {
                return Ok(name);
            }
        },
    }
}

/// Whether a name is one that was made up, as far as its form tells. The web app shows ids in their place by the same
/// rule (`calledBy`).
fn is_made_up(name: &str) -> bool {
    let signs = name.strip_prefix(MADE_UP).map_or(&[][..], str::as_bytes);
    let is_sign = |sign: &u8| sign.is_ascii_lowercase() || sign.is_ascii_digit();
    signs.len() == NAME_SIGNS && signs.iter().all(is_sign)
}

fn exists(
    connection: &Connection,
    column: &str,
    project: ProjectId,
    text: &str,
) -> Result<bool, CatalogError> {
    let sql = format!("SELECT EXISTS (SELECT 1 FROM devices WHERE project = ?1 AND {column} = ?2)");
    let mut statement = connection.prepare_cached(&sql)?;
    Ok(statement.query_row(params![project.get(), text], |row| row.get(0))?)
}

fn find(
    connection: &Connection,
    project: ProjectId,
    id: &DeviceId,
) -> Result<Device, CatalogError> {
    one(connection, "project = ?1 AND id = ?2", params![project.get(), id.as_str()])?
        .ok_or_else(|| CatalogError::not_found("device", &id))
}

fn one(
    connection: &Connection,
    which: &str,
    values: impl Params,
) -> Result<Option<Device>, CatalogError> {
    let sql = format!("SELECT {} FROM devices WHERE {which}", Device::COLUMNS);
    Ok(connection.prepare_cached(&sql)?.query_row(values, Device::read).optional()?)
}

fn insert(connection: &Connection, device: &Device) -> Result<(), CatalogError> {
    connection
        .prepare_cached(
            "INSERT INTO devices (project, id, name, kind, created) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            device.project.get(),
            device.id.as_str(),
            device.name,
            device.kind,
            device.created.micros(),
        ])?;
    Ok(())
}
