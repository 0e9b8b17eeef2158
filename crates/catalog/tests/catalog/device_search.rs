//! Devices as people look for them.

use std::collections::BTreeMap;
use std::time::Duration;

use iobeam_catalog::DeviceState::{NeverSeen, Offline, Online, Stale};
use iobeam_catalog::{
    CatalogError, Device, DeviceChanges, DeviceOrder, DeviceSearch, DeviceState, FoundDevices,
    NewDevice, Page, Patience,
};
use iobeam_model::{Clock, ProjectId};

use crate::scene::{Scene, device_id};

const PATIENCE: Patience =
    Patience { stale_after: Duration::from_mins(2), offline_after: Duration::from_mins(15) };

fn find(scene: &Scene, project: ProjectId, search: &DeviceSearch) -> FoundDevices {
    scene.catalog().search_devices(project, search, PATIENCE).expect("found")
}

fn ids(found: &FoundDevices) -> Vec<&str> {
    found.devices.iter().map(|(device, _)| device.id.as_str()).collect()
}

fn text(text: &str) -> DeviceSearch {
    DeviceSearch { text: Some(text.to_owned()), ..DeviceSearch::default() }
}

/// Five devices of two types, heard of at different times.
fn greenhouse() -> (Scene, ProjectId) {
    let scene = Scene::new();
    let project = scene.project().id;
    for (id, name, kind) in [
        ("p-10", "Pump 10", Some("pump")),
        ("p-2", "pump 2", Some("pump")),
        ("door", "Türe", Some("door")),
        ("loose", "Spare PUMP", None),
        ("p-3", "pump 3", Some("pump")),
    ] {
        let new = NewDevice {
            id: Some(device_id(id)),
            name: Some(name.to_owned()),
            kind: kind.map(str::to_owned),
            created: None,
        };
        scene.catalog().register_device(project, new).expect("registered");
        scene.clock.advance(Duration::from_secs(1));
    }
    for (id, ago) in [("p-10", 1000), ("p-2", 100), ("door", 300)] {
        let then = scene.clock.now().minus(Duration::from_secs(ago));
        scene.catalog().seen(project, &device_id(id), then);
    }
    (scene, project)
}

#[test]
fn a_search_is_by_a_part_of_id_or_name_in_any_letter_case() {
    let (scene, project) = greenhouse();
    for (searched, expected) in [
        ("pump", vec!["p-10", "p-2", "loose", "p-3"]),
        ("PUMP 1", vec!["p-10"]),
        ("P-", vec!["p-10", "p-2", "p-3"]),
        ("tÜR", vec!["door"]),
        ("  ", vec!["p-10", "p-2", "door", "loose", "p-3"]),
        ("%", vec![]),
    ] {
        let found = find(&scene, project, &text(searched));
        assert_eq!((ids(&found), found.total), (expected.clone(), expected.len() as u64));
    }
}

#[test]
fn filters_count_what_each_other_choice_would_show() {
    let (scene, project) = greenhouse();
    let all = find(&scene, project, &DeviceSearch::default());
    assert_eq!(all.states, BTreeMap::from([(Online, 1), (Stale, 1), (Offline, 1), (NeverSeen, 2)]));
    let type_of = |name: &str| Some(name.to_owned());
    assert_eq!(all.types, BTreeMap::from([(None, 1), (type_of("door"), 1), (type_of("pump"), 3)]));
    let states: Vec<DeviceState> = all.devices.iter().map(|(_, state)| *state).collect();
    assert_eq!(states, [Offline, Online, Stale, NeverSeen, NeverSeen]);

    let pumps = DeviceSearch { kind: Some("pump".to_owned()), ..DeviceSearch::default() };
    let pumps = DeviceSearch { state: Some(NeverSeen), ..pumps };
    let found = find(&scene, project, &pumps);
    assert_eq!((ids(&found), found.total), (vec!["p-3"], 1));
    assert_eq!(found.types, BTreeMap::from([(None, 1), (type_of("pump"), 1)]), "of any type");
    assert_eq!(
        found.states,
        BTreeMap::from([(Online, 1), (Offline, 1), (NeverSeen, 1)]),
        "in any state"
    );
    let of_none = DeviceSearch { kind: Some("tap".to_owned()), ..DeviceSearch::default() };
    assert_eq!(find(&scene, project, &of_none).total, 0);
}

#[test]
fn every_page_of_every_order_is_a_part_of_the_whole() {
    let (scene, project) = greenhouse();
    for (order, expected) in [
        (DeviceOrder::Created, ["p-10", "p-2", "door", "loose", "p-3"]),
        (DeviceOrder::Id, ["door", "loose", "p-2", "p-3", "p-10"]),
        (DeviceOrder::Name, ["p-2", "p-3", "p-10", "loose", "door"]),
        (DeviceOrder::Type, ["loose", "door", "p-10", "p-2", "p-3"]),
        (DeviceOrder::LastSeen, ["loose", "p-3", "p-10", "door", "p-2"]),
    ] {
        for descending in [false, true] {
            let search = DeviceSearch { order, descending, ..DeviceSearch::default() };
            let whole = find(&scene, project, &search);
            if !descending {
                assert_eq!(ids(&whole), expected, "{order:?}");
            } else if matches!(order, DeviceOrder::Type) {
                // Alike ones stay in the order of their ids.
                assert_eq!(ids(&whole), ["p-10", "p-2", "p-3", "door", "loose"]);
            }
            for (offset, count) in (0..7).flat_map(|from| (0..7).map(move |count| (from, count))) {
                let page = Page { offset, count: Some(count) };
                let found = find(&scene, project, &DeviceSearch { page, ..search.clone() });
                let part = whole.devices.iter().skip(offset as usize).take(count as usize);
                let part: Vec<_> = part.cloned().collect();
                assert_eq!(found.devices, part, "{order:?} {offset} {count}");
                assert_eq!(found.total, 5);
            }
        }
    }
}

#[test]
fn a_device_that_nobody_named_stands_where_its_id_would_in_the_order_of_names() {
    let (scene, project) = greenhouse();
    for id in ["zinc", "apple", "q-1"] {
        let new = NewDevice { id: Some(device_id(id)), ..NewDevice::default() };
        scene.catalog().register_device(project, new).expect("registered");
    }
    let search = DeviceSearch { order: DeviceOrder::Name, ..DeviceSearch::default() };
    let found = find(&scene, project, &search);
    assert_eq!(ids(&found), ["apple", "p-2", "p-3", "p-10", "q-1", "loose", "door", "zinc"]);
}

#[test]
fn a_search_shows_what_the_file_holds_after_each_change_and_after_a_restart() {
    let (mut scene, project) = greenhouse();
    let changes = DeviceChanges { name: Some("Valve".to_owned()), kind: Some(String::new()) };
    scene.catalog().update_device(project, &device_id("p-2"), changes).expect("changed");
    scene.catalog().delete_device(project, &device_id("p-3")).expect("deleted");
    let before = find(&scene, project, &DeviceSearch::default());
    let listed = |scene: &Scene| -> Vec<Device> {
        scene.catalog().devices(project, Page::default()).expect("listed")
    };
    let found: Vec<Device> = before.devices.iter().map(|(device, _)| device.clone()).collect();
    assert_eq!(found, listed(&scene));
    assert_eq!(ids(&find(&scene, project, &text("valve"))), ["p-2"]);
    scene.reopen();
    assert_eq!(find(&scene, project, &DeviceSearch::default()), before);
    let other = ProjectId::new(project.get() + 1).expect("a number");
    assert_eq!(find(&scene, other, &DeviceSearch::default()).total, 0);
}

#[test]
fn devices_are_registered_together_all_or_none() {
    let (scene, project) = greenhouse();
    let named = |id: &str| NewDevice { id: Some(device_id(id)), ..NewDevice::default() };
    let new = vec![named("a"), NewDevice::default(), named("b")];
    let made = scene.catalog().register_devices(project, new).expect("registered");
    assert_eq!(made.len(), 3);
    assert_eq!(made[2].id, device_id("b"));
    assert!(scene.catalog().is_registered(project, "a"));
    for taken in [vec![named("c"), named("door")], vec![named("c"), named("c")]] {
        let refused = scene.catalog().register_devices(project, taken);
        assert!(matches!(refused, Err(CatalogError::DeviceIdTaken { .. })), "{refused:?}");
        assert!(!scene.catalog().is_registered(project, "c"));
        assert_eq!(find(&scene, project, &DeviceSearch::default()).total, 8);
    }
}
