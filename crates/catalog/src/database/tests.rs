//! What can only be played from inside: a file that may not grow, a write-back that fails.

use std::sync::Arc;

use iobeam_model::{DeviceId, FieldType, NamespaceName, Remedy};
use iobeam_testkit::TestClock;
use tempfile::TempDir;

use super::*;
use crate::{NewDevice, NewUser, Project, SignUp};

struct Scene {
    catalog: Catalog,
    project: Arc<Project>,
    _folder: TempDir,
}

fn scene() -> Scene {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("catalog.db");
    // Long, so that only the test itself writes back.
    let settings = Settings { write_back: Duration::from_hours(1), ..Settings::default() };
    let catalog = Catalog::open(&path, settings, Arc::new(TestClock::new())).expect("opens");
    let (email, password) = ("ada@example.com".to_owned(), "correct horse".to_owned());
    let ada = NewUser { email, password, ..NewUser::default() };
    let ada = catalog.create_user(ada, SignUp::Open).expect("a user");
    let project = catalog.create_project(ada.id, "greenhouse").expect("a project");
    Scene { catalog, project, _folder: folder }
}

/// The file may have at most that many pages; `u32::MAX` lifts the limit.
fn limit_pages(catalog: &Catalog, pages: u32) {
    let writer = &catalog.open.core.writer.lock().connection;
    // SQLite never goes below what the file has, so 1 means "as it is now".
    writer.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).expect("limited");
}

fn register(scene: &Scene, number: u32) -> Result<DeviceId, CatalogError> {
    let id = format!("{number:0>200}").parse().expect("a device id");
    let new = NewDevice { id: Some(id), ..NewDevice::default() };
    scene.catalog.register_device(scene.project.id, new).map(|device| device.id)
}

#[test]
fn a_full_disk_refuses_changes_whole_goes_on_answering_and_passes() {
    let scene = scene();
    limit_pages(&scene.catalog, 1);
    let (refused, number) = (0..1000)
        .find_map(|number| register(&scene, number).err().map(|error| (error, number)))
        .expect("the file cannot grow for ever");
    assert!(matches!(refused, CatalogError::DiskFull), "{refused:?}");
    assert_eq!(refused.remedy(), Remedy::Retry);
    let id = format!("{number:0>200}");
    assert!(!scene.catalog.is_registered(scene.project.id, &id), "memory shows what is on disk");
    assert_eq!(scene.catalog.device_count(scene.project.id), number as usize);
    limit_pages(&scene.catalog, u32::MAX - 1);
    assert_eq!(register(&scene, number).expect("there is room again").as_str(), id);
}

#[test]
fn times_that_could_not_be_written_back_are_written_later() {
    let scene = scene();
    let id = register(&scene, 1).expect("registered");
    scene.catalog.seen(scene.project.id, &id, Timestamp::from_micros(1));
    let break_it = "CREATE TEMP TRIGGER broken BEFORE UPDATE ON main.devices BEGIN SELECT RAISE(ABORT, 'no'); END";
    let sql = |sql: &str| {
        scene.catalog.open.core.writer.lock().connection.execute_batch(sql).expect("done");
    };
    sql(break_it);
    assert!(scene.catalog.write_back().is_err());
    sql("DROP TRIGGER broken");
    assert_eq!(scene.catalog.write_back().expect("written"), 1);
    let stored: Option<i64> = scene
        .catalog
        .read(|connection| {
            Ok(connection.query_row("SELECT last_seen FROM devices", [], |row| row.get(0))?)
        })
        .expect("read");
    assert_eq!(stored, Some(1));
}

#[test]
fn a_change_returns_after_its_sync() {
    let scene = scene();
    let writer = &scene.catalog.open.core.writer.lock().connection;
    let ask = |what: &str| {
        let answer =
            writer.pragma_query_value(None, what, |row| row.get::<_, rusqlite::types::Value>(0));
        answer.expect("answered")
    };
    assert_eq!(ask("journal_mode"), "wal".to_owned().into());
    // 2 is FULL: every commit waits for the disk, not only every checkpoint.
    assert_eq!(ask("synchronous"), 2.into());
    assert_eq!(ask("foreign_keys"), 1.into());
}

#[test]
fn a_change_that_fails_half_way_leaves_nothing_and_the_next_one_works() {
    let scene = scene();
    let sql = "CREATE TEMP TRIGGER broken BEFORE INSERT ON main.fields WHEN NEW.name = 'second' \
               BEGIN SELECT RAISE(ABORT, 'no'); END";
    scene.catalog.open.core.writer.lock().connection.execute_batch(sql).expect("done");
    let (id, name) = (scene.project.id, NamespaceName::input());
    let double = |name: &str| (name.parse().expect("a field name"), FieldType::Double);
    let fields = [double("first"), double("second")];
    let failed = scene.catalog.add_fields(id, &name, &fields).expect_err("it fails half-way");
    assert_eq!(failed.remedy(), Remedy::CallOperator);
    assert_eq!(scene.catalog.namespace(id, &name).expect("input").fields.len(), 1);
    // The first field is not in the file either: it can be added as if for the first time.
    let added = scene.catalog.add_fields(id, &name, &fields[..1]).expect("added");
    assert_eq!(added.fields.len(), 2);
}
