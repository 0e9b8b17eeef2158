//! What is asked for with each import and query, kept in memory so that no such question touches the file.
//!
//! ```text
//! commit ─▶ mirror ─▶ everybody sees it          seen, touch ─▶ mirror ─▶ (a few seconds later) file
//! ```
//!
//! The mirror is written only by who holds the writing connection, after the commit: it never shows what a power
//! cut could take back. The exceptions are the two times at the right, which may be a few seconds behind on disk.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use iobeam_model::{
    DeviceId, FieldName, FieldType, NamespaceId, NamespaceName, Permissions, ProjectId, Timestamp,
    TokenId, UserId, Value,
};
use parking_lot::{Mutex, RwLock};
use rusqlite::{Connection, Row};

use crate::record::{Device, Namespace, Project, Share, Token, parsed, permissions};

/// Everything kept in memory.
#[derive(Debug, Default)]
pub(crate) struct Mirror {
    pub(crate) projects: RwLock<Projects>,
    pub(crate) members: RwLock<HashMap<ProjectId, BTreeMap<UserId, Permissions>>>,
    /// Members who have not been in the project yet, and what they were called by who made them members.
    pub(crate) absent: RwLock<HashMap<(ProjectId, UserId), String>>,
    pub(crate) tokens: RwLock<HashMap<TokenId, KnownToken>>,
    /// Users whose accounts are disabled or deleted.
    pub(crate) inactive: RwLock<HashSet<UserId>>,
    /// Grows with each change, so that who was let in before it asks again.
    pub(crate) generation: AtomicU64,
    pub(crate) devices: RwLock<HashMap<ProjectId, HashMap<Box<str>, KnownDevice>>>,
    pub(crate) namespaces: RwLock<HashMap<ProjectId, BTreeMap<NamespaceName, Arc<Namespace>>>>,
    /// By what recognises their keys.
    pub(crate) shares: RwLock<HashMap<[u8; 32], KnownShare>>,
    /// Tables of the store that are not among the namespaces.
    pub(crate) orphans: RwLock<HashSet<(ProjectId, NamespaceName)>>,
    pub(crate) behind: Mutex<Behind>,
}

/// Projects by number and by name.
#[derive(Debug, Default)]
pub(crate) struct Projects {
    pub(crate) by_id: HashMap<ProjectId, Arc<Project>>,
    pub(crate) by_name: HashMap<String, ProjectId>,
}

/// A token, and when it was last used.
#[derive(Debug)]
pub(crate) struct KnownToken {
    pub(crate) token: Arc<Token>,
    pub(crate) last_used: Moment,
}

/// A link to a dashboard, and when it was last used.
#[derive(Debug)]
pub(crate) struct KnownShare {
    pub(crate) share: Arc<Share>,
    pub(crate) last_used: Moment,
}

/// A device as lists show it, and when it was last seen.
#[derive(Debug)]
pub(crate) struct KnownDevice {
    pub(crate) name: Box<str>,
    pub(crate) kind: Option<Box<str>>,
    pub(crate) created: Timestamp,
    pub(crate) last_seen: Moment,
}

/// What changed in memory and is not in the file yet.
#[derive(Debug, Default)]
pub(crate) struct Behind {
    pub(crate) devices: Vec<(ProjectId, DeviceId)>,
    pub(crate) tokens: Vec<TokenId>,
    pub(crate) shares: Vec<[u8; 32]>,
}

/// A time that moves often: changed without a lock, written back now and then.
#[derive(Debug)]
pub(crate) struct Moment {
    micros: AtomicI64,
    behind: AtomicBool,
}

/// Stands for "never"; no clock shows it.
const NEVER: i64 = i64::MIN;

impl Moment {
    pub(crate) fn new(time: Option<Timestamp>) -> Self {
        let micros = time.map_or(NEVER, Timestamp::micros);
        Self { micros: AtomicI64::new(micros), behind: AtomicBool::new(false) }
    }

    pub(crate) fn get(&self) -> Option<Timestamp> {
        let micros = self.micros.load(Ordering::Acquire);
        (micros != NEVER).then_some(Timestamp::from_micros(micros))
    }

    /// Moves it, also backwards: a clock that once ran ahead must not hold it there. True when the file was up to
    /// date until now.
    pub(crate) fn set(&self, time: Timestamp) -> bool {
        self.micros.store(time.micros(), Ordering::Release);
        !self.behind.swap(true, Ordering::AcqRel)
    }

    /// The time to write to the file. A `set` that comes after is behind again.
    pub(crate) fn take(&self) -> Option<Timestamp> {
        self.behind.store(false, Ordering::Release);
        self.get()
    }
}

impl Projects {
    pub(crate) fn put(&mut self, project: Arc<Project>) {
        if let Some(old) = self.by_id.get(&project.id) {
            self.by_name.remove(&old.name);
        }
        self.by_name.insert(project.name.clone(), project.id);
        self.by_id.insert(project.id, project);
    }
}

impl Projects {
    /// Takes a project away; gives its name.
    pub(crate) fn remove(&mut self, id: ProjectId) -> Option<String> {
        let gone = self.by_id.remove(&id)?;
        self.by_name.remove(&gone.name);
        Some(gone.name.clone())
    }
}

impl Mirror {
    /// Reads everything from the file.
    pub(crate) fn load(connection: &Connection) -> rusqlite::Result<Self> {
        let mirror = Self::default();
        mirror.load_projects(connection)?;
        mirror.load_tokens(connection)?;
        mirror.load_inactive(connection)?;
        mirror.load_devices(connection)?;
        mirror.load_namespaces(connection)?;
        mirror.load_shares(connection)?;
        Ok(mirror)
    }

    /// Shows a token, new or changed. When it was last used is known better here than in the file.
    pub(crate) fn put_token(&self, token: &Token) {
        let shown = Arc::new(token.clone());
        match self.tokens.write().entry(token.id) {
            Entry::Occupied(mut known) => known.get_mut().token = shown,
            Entry::Vacant(place) => {
                let last_used = Moment::new(token.last_used);
                place.insert(KnownToken { token: shown, last_used });
            }
        }
    }

    /// Shows a namespace, new or changed.
    pub(crate) fn put_namespace(&self, namespace: Arc<Namespace>) {
        let mut namespaces = self.namespaces.write();
        let of_project = namespaces.entry(namespace.project).or_default();
        of_project.insert(namespace.name.clone(), namespace);
    }

    /// Shows a new link.
    pub(crate) fn put_share(&self, hash: [u8; 32], share: Share) {
        let last_used = Moment::new(share.last_used);
        self.shares.write().insert(hash, KnownShare { share: Arc::new(share), last_used });
    }

    fn load_projects(&self, connection: &Connection) -> rusqlite::Result<()> {
        let columns = Project::COLUMNS;
        each(connection, &format!("SELECT {columns} FROM projects"), |row| {
            self.projects.write().put(Arc::new(Project::read(row)?));
            Ok(())
        })?;
        each(connection, "SELECT project, user, permissions, called FROM members", |row| {
            let (project, user) = (ProjectId(row.get(0)?), UserId(row.get(1)?));
            if let Some(called) = row.get(3)? {
                self.absent.write().insert((project, user), called);
            }
            let mut members = self.members.write();
            members.entry(project).or_default().insert(user, permissions(row, 2)?);
            Ok(())
        })
    }

    fn load_tokens(&self, connection: &Connection) -> rusqlite::Result<()> {
        each(connection, &format!("SELECT {} FROM tokens", Token::COLUMNS), |row| {
            self.put_token(&Token::read(row)?);
            Ok(())
        })
    }

    fn load_inactive(&self, connection: &Connection) -> rusqlite::Result<()> {
        each(connection, "SELECT id FROM users WHERE state <> 'active'", |row| {
            self.inactive.write().insert(UserId(row.get(0)?));
            Ok(())
        })
    }

    /// Shows whether an account can be used.
    pub(crate) fn put_active(&self, user: UserId, is_active: bool) {
        let mut inactive = self.inactive.write();
        if is_active {
            inactive.remove(&user)
        } else {
            inactive.insert(user)
        };
    }

    /// Shows what somebody may do in a project, who came there by themselves.
    pub(crate) fn put_member(&self, project: ProjectId, user: UserId, may: Permissions) {
        self.absent.write().remove(&(project, user));
        self.members.write().entry(project).or_default().insert(user, may);
    }

    /// Shows a device, new or changed. When it was last seen is known better here than in the file.
    pub(crate) fn put_device(&self, device: &Device) {
        let mut devices = self.devices.write();
        let of_project = devices.entry(device.project).or_default();
        let before = of_project.remove(device.id.as_str());
        let last_seen = before.map(|known| known.last_seen);
        let known = KnownDevice {
            name: device.name.as_str().into(),
            kind: device.kind.as_deref().map(Into::into),
            created: device.created,
            last_seen: last_seen.unwrap_or_else(|| Moment::new(device.last_seen)),
        };
        of_project.insert(device.id.as_str().into(), known);
    }

    fn load_devices(&self, connection: &Connection) -> rusqlite::Result<()> {
        each(connection, &format!("SELECT {} FROM devices", Device::COLUMNS), |row| {
            self.put_device(&Device::read(row)?);
            Ok(())
        })
    }

    fn load_namespaces(&self, connection: &Connection) -> rusqlite::Result<()> {
        let mut found: HashMap<NamespaceId, Namespace> = HashMap::new();
        each(connection, &format!("SELECT {} FROM namespaces", Namespace::COLUMNS), |row| {
            let namespace = Namespace::read(row)?;
            found.insert(namespace.id, namespace);
            Ok(())
        })?;
        each(connection, "SELECT namespace, name, type FROM fields", |row| {
            if let Some(namespace) = found.get_mut(&NamespaceId(row.get(0)?)) {
                let field: FieldName = parsed(row, 1)?;
                namespace.fields.insert(field, parsed(row, 2)?);
            }
            Ok(())
        })?;
        each(connection, "SELECT namespace, name, type, value FROM labels", |row| {
            if let Some(namespace) = found.get_mut(&NamespaceId(row.get(0)?)) {
                namespace.labels.insert(row.get(1)?, label(row)?);
            }
            Ok(())
        })?;
        for namespace in found.into_values() {
            self.put_namespace(Arc::new(namespace));
        }
        Ok(())
    }

    fn load_shares(&self, connection: &Connection) -> rusqlite::Result<()> {
        let columns = Share::COLUMNS;
        let sql = format!("SELECT {columns} FROM shares s JOIN dashboards d ON d.id = s.dashboard");
        each(connection, &sql, |row| {
            self.put_share(row.get(6)?, Share::read(row)?);
            Ok(())
        })
    }
}

/// A label's value: its type stands in column 2, itself in column 3.
fn label(row: &Row<'_>) -> rusqlite::Result<Value> {
    Ok(match parsed::<FieldType>(row, 2)? {
        FieldType::Double => Value::Double(row.get(3)?),
        FieldType::Long => Value::Long(row.get(3)?),
        FieldType::Boolean => Value::Boolean(row.get(3)?),
        FieldType::String => Value::String(row.get::<_, String>(3)?.into()),
    })
}

/// Hands each row of a question to `take`.
fn each(
    connection: &Connection,
    sql: &str,
    mut take: impl FnMut(&Row<'_>) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        take(row)?;
    }
    Ok(())
}
