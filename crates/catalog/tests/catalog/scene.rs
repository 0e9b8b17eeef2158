//! A catalog in a folder of its own, with a clock to turn, that can be closed and opened again.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use iobeam_catalog::{
    Catalog, CatalogError, Dashboard, NewDashboard, NewDevice, NewUser, Project, Settings, SignUp,
    User,
};
use iobeam_model::{Clock, DeviceId, FieldName, ProjectId, UserId};
use iobeam_testkit::TestClock;
use tempfile::TempDir;

pub(crate) const PASSWORD: &str = "correct horse battery";

pub(crate) struct Scene {
    pub(crate) folder: TempDir,
    pub(crate) clock: Arc<TestClock>,
    open: Option<Catalog>,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut scene = Self { folder, clock: Arc::new(TestClock::new()), open: None };
        scene.reopen();
        scene
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("catalog.db")
    }

    pub(crate) fn catalog(&self) -> &Catalog {
        self.open.as_ref().expect("the catalog is open")
    }

    pub(crate) fn close(&mut self) {
        self.open = None;
    }

    /// Opens the file beside the catalog, to change it on purpose.
    pub(crate) fn tamper(&self) -> rusqlite::Connection {
        let _ = std::fs::remove_file(self.path().with_extension("sum"));
        rusqlite::Connection::open(self.path()).expect("opened beside the catalog")
    }

    pub(crate) fn try_open(&self) -> Result<Catalog, CatalogError> {
        self.try_open_with(Settings::default())
    }

    pub(crate) fn try_open_with(&self, settings: Settings) -> Result<Catalog, CatalogError> {
        Catalog::open(&self.path(), settings, Arc::clone(&self.clock) as Arc<dyn Clock>)
    }

    /// Closes the catalog, if it is open, and opens it again.
    pub(crate) fn reopen(&mut self) -> &Catalog {
        self.close();
        // A program that another test starts holds the files of all tests for the blink until it is that program.
        let opened = (0..500).find_map(|_| match self.try_open() {
            Err(CatalogError::InUse { .. }) => {
                std::thread::sleep(Duration::from_millis(10));
                None
            }
            other => Some(other),
        });
        self.open = Some(opened.expect("nobody has it").expect("the catalog opens"));
        self.catalog()
    }

    pub(crate) fn user(&self, email: &str) -> User {
        self.catalog().create_user(new_user(email), SignUp::Open).expect("a user")
    }

    pub(crate) fn project(&self) -> Arc<Project> {
        let user = self
            .catalog()
            .user_by_name("ada@example.com")
            .unwrap_or_else(|_| self.user("ada@example.com"));
        self.catalog().create_project(user.id, "greenhouse").expect("a project")
    }

    pub(crate) fn dashboard(&self, project: ProjectId, name: &str) -> Dashboard {
        let board = r#"{"panels":[]}"#.to_owned();
        let new = NewDashboard { project, name: name.to_owned(), board, panels: 0, limit: 1000 };
        self.catalog().create_dashboard(new).expect("a dashboard")
    }

    pub(crate) fn device(&self, project: ProjectId, id: &str) -> DeviceId {
        let new = NewDevice { id: Some(device_id(id)), ..NewDevice::default() };
        self.catalog().register_device(project, new).expect("registered").id
    }
}

pub(crate) fn new_user(email: &str) -> NewUser {
    NewUser { email: email.to_owned(), password: PASSWORD.to_owned(), ..NewUser::default() }
}

pub(crate) fn device_id(text: &str) -> DeviceId {
    text.parse().expect("a device id")
}

pub(crate) fn field(text: &str) -> FieldName {
    text.parse().expect("a field name")
}

/// The number of somebody who does not exist.
pub(crate) fn nobody() -> UserId {
    UserId::new(4_000_000).expect("not zero")
}
