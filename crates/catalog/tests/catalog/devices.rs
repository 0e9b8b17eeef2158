//! Devices: registered, listed, seen.

use std::collections::HashSet;
use std::thread;
use std::time::Duration;

use iobeam_catalog::{CatalogError, Changed, DeviceChanges, NewDevice, Page};
use iobeam_model::{Clock, ProjectId, Timestamp};
use rusqlite::params;

use crate::scene::{Scene, device_id};

fn named(id: Option<&str>, name: Option<&str>) -> NewDevice {
    NewDevice { id: id.map(device_id), name: name.map(str::to_owned), ..NewDevice::default() }
}

#[test]
fn a_device_that_brings_nothing_gets_an_id_and_a_name_that_fit_small_boards() {
    let scene = Scene::new();
    let project = scene.project().id;
    let mut names = HashSet::new();
    for _ in 0..50 {
        let device =
            scene.catalog().register_device(project, NewDevice::default()).expect("registered");
        assert!((16..=48).contains(&device.id.as_str().len()));
        let reply = format!(
            r#"{{"device_id":"{}","device_name":"{}","project_id":{},"created":"2026-01-01T00:00:00Z"}}"#,
            device.id,
            device.name,
            u32::MAX
        );
        assert!(reply.len() <= 255, "{reply}");
        assert!(names.insert(device.name) && names.insert(device.id.to_string()), "each is new");
    }
}

#[test]
fn a_taken_id_is_told_before_a_taken_name() {
    let scene = Scene::new();
    let project = scene.project().id;
    let register = |id, name| scene.catalog().register_device(project, named(id, name));
    register(Some("boiler:1"), Some("Boiler")).expect("registered");
    let both = register(Some("boiler:1"), Some("Boiler")).expect_err("both taken");
    insta::assert_snapshot!(both, @"device id 'boiler:1' is registered already in this project");
    let id = register(Some("boiler:1"), Some("Another")).expect_err("id taken");
    assert!(matches!(id, CatalogError::DeviceIdTaken { .. }));
    let name = register(Some("boiler:2"), Some(" Boiler ")).expect_err("name taken");
    insta::assert_snapshot!(name, @"device name 'Boiler' is used already in this project");
    assert!(!scene.catalog().is_registered(project, "boiler:2"), "nothing of it is kept");
    let name = register(None, Some("Boiler")).expect_err("name taken");
    assert!(matches!(name, CatalogError::DeviceNameTaken { .. }));
}

#[test]
fn two_projects_may_have_devices_of_one_id() {
    let scene = Scene::new();
    let one = scene.project();
    let ada = scene.catalog().user_by_name("ada@example.com").expect("ada").id;
    let two = scene.catalog().create_project(ada, "shed").expect("a project");
    scene.device(one.id, "boiler:1");
    assert!(!scene.catalog().is_registered(two.id, "boiler:1"));
    scene.device(two.id, "boiler:1");
    scene.catalog().delete_device(one.id, &device_id("boiler:1")).expect("deleted");
    assert!(!scene.catalog().is_registered(one.id, "boiler:1"));
    assert!(scene.catalog().is_registered(two.id, "boiler:1"));
    let missing = ProjectId::new(99).expect("not zero");
    let refused = scene.catalog().register_device(missing, NewDevice::default());
    assert!(matches!(refused, Err(CatalogError::NotFound { what: "project", .. })));
}

#[test]
fn of_many_who_register_one_id_at_once_one_is_registered() {
    let scene = Scene::new();
    let project = scene.project().id;
    let made = thread::scope(|threads| {
        let register =
            || scene.catalog().register_device(project, named(Some("boiler:1"), None)).is_ok();
        let all: Vec<_> = (0..8).map(|_| threads.spawn(register)).collect();
        all.into_iter().filter_map(|one| one.join().ok()).filter(|made| *made).count()
    });
    assert_eq!(made, 1);
    assert_eq!(scene.catalog().device_count(project), 1);
}

#[test]
fn devices_survive_a_restart_with_all_that_is_known() {
    let mut scene = Scene::new();
    let project = scene.project().id;
    let new = NewDevice {
        kind: Some("boiler".to_owned()),
        created: Some(Timestamp::from_micros(1_000_000)),
        ..named(Some("boiler:1"), Some("Kessel im Keller, größer"))
    };
    let device = scene.catalog().register_device(project, new).expect("registered");
    for _ in 0..2 {
        assert!(scene.catalog().is_registered(project, "boiler:1"));
        assert!(!scene.catalog().is_registered(project, "BOILER:1"), "letter case counts");
        assert_eq!(scene.catalog().device(project, &device.id).expect("by id"), device);
        assert_eq!(scene.catalog().device_by_name(project, &device.name).expect("by name"), device);
        scene.reopen();
    }
    assert!(matches!(
        scene.catalog().device_by_name(project, "x"),
        Err(CatalogError::NotFound { .. })
    ));
}

#[test]
fn a_device_is_changed_and_deleted() {
    let scene = Scene::new();
    let project = scene.project().id;
    let (one, two) = (scene.device(project, "one"), scene.device(project, "two"));
    let name = |name: &str| DeviceChanges { name: Some(name.to_owned()), kind: None };
    let update = |id, changes| scene.catalog().update_device(project, id, changes);
    assert_eq!(update(&one, name("Boiler")).expect("changed"), Changed::Yes);
    assert_eq!(update(&one, name("Boiler")).expect("same"), Changed::No);
    assert_eq!(update(&one, DeviceChanges::default()).expect("nothing"), Changed::No);
    assert!(matches!(update(&two, name("Boiler")), Err(CatalogError::DeviceNameTaken { .. })));
    assert!(matches!(
        update(&two, name(" ")),
        Err(CatalogError::Invalid { what: "device_name", .. })
    ));
    assert!(matches!(update(&two, name("a\u{7}b")), Err(CatalogError::Invalid { .. })));
    let kind = |kind: &str| DeviceChanges { name: None, kind: Some(kind.to_owned()) };
    assert_eq!(update(&one, kind("boiler")).expect("changed"), Changed::Yes);
    assert_eq!(update(&one, kind("")).expect("taken away"), Changed::Yes);
    assert_eq!(scene.catalog().device(project, &one).expect("kept").kind, None);
    scene.catalog().delete_device(project, &one).expect("deleted");
    assert!(matches!(
        scene.catalog().delete_device(project, &one),
        Err(CatalogError::NotFound { .. })
    ));
    assert!(matches!(update(&one, name("x")), Err(CatalogError::NotFound { what: "device", .. })));
    assert!(matches!(scene.catalog().device(project, &one), Err(CatalogError::NotFound { .. })));
    assert_eq!(update(&two, name("Boiler")).expect("free again"), Changed::Yes);
}

#[test]
fn when_a_device_was_last_seen_is_told_at_once_and_survives_a_restart() {
    let mut scene = Scene::new();
    let project = scene.project().id;
    let id = scene.device(project, "boiler:1");
    let look = |scene: &Scene| scene.catalog().device(project, &id).expect("known").last_seen;
    assert_eq!(look(&scene), None);
    let later = scene.clock.now().plus(Duration::from_hours(1));
    scene.catalog().seen(project, &id, later);
    assert_eq!(look(&scene), Some(later));
    assert_eq!(
        scene.catalog().devices(project, Page::default()).expect("listed")[0].last_seen,
        Some(later)
    );
    scene.reopen();
    assert_eq!(look(&scene), Some(later));
    // A clock that ran ahead and was set right must not leave its mark for ever.
    let earlier = scene.clock.now();
    scene.catalog().seen(project, &id, earlier);
    assert_eq!(scene.catalog().write_back().expect("written"), 1);
    assert_eq!(scene.catalog().write_back().expect("nothing new"), 0);
    scene.catalog().seen(project, &device_id("unknown"), earlier);
    assert_eq!(scene.catalog().write_back().expect("nothing known"), 0);
    scene.reopen();
    assert_eq!(look(&scene), Some(earlier));
}

#[test]
fn a_listing_is_by_age_then_id_and_pages_join_without_gaps() {
    let scene = Scene::new();
    let project = scene.project().id;
    for id in ["c", "a", "b"] {
        scene.device(project, id);
    }
    scene.clock.advance(Duration::from_secs(1));
    scene.device(project, "0-younger");
    let list = |offset, count| {
        let devices = scene.catalog().devices(project, Page { offset, count }).expect("listed");
        devices.into_iter().map(|device| device.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(list(0, None), ["a", "b", "c", "0-younger"]);
    assert_eq!([list(0, Some(3)), list(3, Some(3))].concat(), list(0, None));
    assert_eq!(list(1, Some(2)), ["b", "c"]);
    assert!(list(0, Some(0)).is_empty());
    assert!(list(u64::MAX, Some(u64::MAX)).is_empty());
}

#[test]
fn a_hundred_thousand_devices_are_listed_paged_and_seen() {
    const DEVICES: u32 = 100_000;
    let mut scene = Scene::new();
    let project = scene.project().id;
    scene.close();
    let mut file = scene.tamper();
    let transaction = file.transaction().expect("begun");
    for number in 0..DEVICES {
        let sql = "INSERT INTO devices (project, id, name, created) VALUES (?1, ?2, ?3, ?4)";
        let id = format!("device-{:08x}", number.wrapping_mul(2_654_435_761));
        let mut insert = transaction.prepare_cached(sql).expect("prepared");
        insert.execute(params![project.get(), id, id, number % 1000]).expect("inserted");
    }
    transaction.commit().expect("committed");
    drop(file);

    scene.reopen();
    let catalog = scene.catalog();
    assert_eq!(catalog.device_count(project), DEVICES as usize);
    let all = catalog.devices(project, Page::default()).expect("listed");
    assert_eq!(all.len(), DEVICES as usize);
    assert!(all.is_sorted_by_key(|device| (device.created, device.id.clone())));
    for offset in (50_000..52_000_usize).step_by(20) {
        let page = catalog
            .devices(project, Page { offset: offset as u64, count: Some(20) })
            .expect("listed");
        let same = page
            .iter()
            .map(|device| &device.id)
            .eq(all[offset..][..20].iter().map(|device| &device.id));
        assert!(same, "the page at {offset} is a part of the list");
    }
    assert!((0..DEVICES).all(|n| !catalog.is_registered(project, &format!("other-{n}"))));
    let now = scene.clock.now();
    for device in &all {
        catalog.seen(project, &device.id, now);
    }
    catalog.write_back().expect("written");
    scene.reopen();
    let last = &all[all.len() - 1].id;
    let seen = scene.catalog().device(project, last).expect("there").last_seen;
    assert_eq!(seen, Some(now), "and it is kept");
}

#[test]
fn of_many_ids_the_first_that_is_no_device_is_named_and_all_others_are_seen() {
    let scene = Scene::new();
    let project = scene.project().id;
    let ids = ["a", "b", "c"].map(|id| scene.device(project, id));
    let unknown =
        |ids: &[&'static str]| scene.catalog().first_unregistered(project, ids.iter().copied());
    assert_eq!(unknown(&["a", "b", "c"]), None);
    assert_eq!(unknown(&["a", "x", "c", "y"]), Some("x"));
    let now = Timestamp::from_micros(77);
    scene.catalog().all_seen(project, [&ids[1], &device_id("x"), &ids[2]], now);
    let seen = |id| scene.catalog().device(project, id).expect("there").last_seen;
    assert_eq!([seen(&ids[0]), seen(&ids[1]), seen(&ids[2])], [None, Some(now), Some(now)]);
}
