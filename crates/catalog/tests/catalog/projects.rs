//! Projects and their members.

use std::thread;

use iobeam_catalog::{CatalogError, Changed, PermissionChange};
use iobeam_model::{FieldName, FieldType, NamespaceName, Permissions, ProjectId, Value};

use crate::scene::{Scene, nobody};

const READ: Permissions = Permissions { read: true, write: false, admin: false };

#[test]
fn a_new_project_has_an_admin_and_the_namespace_input() {
    let mut scene = Scene::new();
    let project = scene.project();
    let ada = scene
        .catalog()
        .user_by_name("ada")
        .or_else(|_| scene.catalog().user_by_name("ada@example.com"));
    let ada = ada.expect("ada").id;
    for _ in 0..2 {
        let catalog = scene.catalog();
        assert_eq!(catalog.project(project.id).expect("known"), project);
        assert_eq!(catalog.project_by_name("greenhouse").expect("known"), project);
        assert_eq!(catalog.permissions(ada, project.id), Permissions::ALL);
        assert_eq!(catalog.members(project.id), [(ada, Permissions::ALL)]);
        assert_eq!(catalog.projects_of(ada).expect("listed").len(), 1);
        let input = catalog.namespace(project.id, &NamespaceName::input()).expect("input");
        assert_eq!(input.partition, FieldName::device_id());
        assert_eq!(input.fields[&FieldName::device_id()], FieldType::String);
        assert_eq!(input.labels["device_id:distinct"], Value::Boolean(true));
        assert!(!input.explicit);
        scene.reopen();
    }
}

#[test]
fn a_project_name_is_unique_on_the_server() {
    let scene = Scene::new();
    scene.project();
    let bob = scene.user("bob@example.com");
    let taken = scene.catalog().create_project(bob.id, " greenhouse ").expect_err("taken");
    insta::assert_snapshot!(taken, @"project 'greenhouse' exists already; choose another name");
    assert!(scene.catalog().projects_of(bob.id).expect("listed").is_empty());
    for name in ["", "  ", "a\nb", &"x".repeat(256)] {
        let refused = scene.catalog().create_project(bob.id, name);
        assert!(
            matches!(refused, Err(CatalogError::Invalid { what: "project_name", .. })),
            "{name:?}"
        );
    }
    let nobody = scene.catalog().create_project(nobody(), "shed");
    assert!(matches!(nobody, Err(CatalogError::NotFound { what: "user", .. })));
    assert!(scene.catalog().project_by_name("shed").is_none());
}

#[test]
fn of_many_who_want_one_project_name_at_once_one_gets_it() {
    let scene = Scene::new();
    let ada = scene.user("ada@example.com").id;
    let made = thread::scope(|threads| {
        let make = || scene.catalog().create_project(ada, "greenhouse").is_ok();
        let all: Vec<_> = (0..8).map(|_| threads.spawn(make)).collect();
        all.into_iter().filter_map(|one| one.join().ok()).filter(|made| *made).count()
    });
    assert_eq!(made, 1);
}

#[test]
fn a_renamed_project_is_found_by_its_new_name_only() {
    let mut scene = Scene::new();
    let id = scene.project().id;
    assert_eq!(scene.catalog().rename_project(id, "greenhouse").expect("same"), Changed::No);
    assert_eq!(scene.catalog().rename_project(id, "orangery").expect("renamed"), Changed::Yes);
    assert_eq!(scene.catalog().set_auto_register(id, true).expect("set"), Changed::Yes);
    assert_eq!(scene.catalog().set_auto_register(id, true).expect("set"), Changed::No);
    for _ in 0..2 {
        assert!(scene.catalog().project_by_name("greenhouse").is_none());
        let found = scene.catalog().project_by_name("orangery").expect("found");
        assert!(found.auto_register && found.id == id);
        scene.reopen();
    }
    let ada = scene.catalog().user_by_name("ada@example.com").expect("ada").id;
    scene.catalog().create_project(ada, "shed").expect("another");
    assert!(matches!(
        scene.catalog().rename_project(id, "shed"),
        Err(CatalogError::AlreadyExists { .. })
    ));
    let missing = ProjectId::new(99).expect("not zero");
    assert!(matches!(
        scene.catalog().rename_project(missing, "x"),
        Err(CatalogError::NotFound { .. })
    ));
}

#[test]
fn permissions_are_added_changed_and_removed() {
    let mut scene = Scene::new();
    let project = scene.project().id;
    let bob = scene.user("bob@example.com").id;
    let set = |may| scene.catalog().set_permissions(project, bob, may).expect("set");
    assert_eq!(scene.catalog().permissions(bob, project), Permissions::NONE);
    assert_eq!(set(Permissions::NONE), PermissionChange::Unchanged);
    assert_eq!(set(READ), PermissionChange::Added);
    assert_eq!(set(READ), PermissionChange::Unchanged);
    assert_eq!(set(Permissions::ALL), PermissionChange::Changed);
    assert_eq!(set(Permissions::NONE), PermissionChange::Removed);
    assert_eq!(set(READ), PermissionChange::Added);
    for _ in 0..2 {
        assert_eq!(scene.catalog().permissions(bob, project), READ);
        assert_eq!(scene.catalog().projects_of(bob).expect("listed")[0].1, READ);
        scene.reopen();
    }
    let refused = scene.catalog().set_permissions(project, nobody(), READ);
    assert!(matches!(refused, Err(CatalogError::NotFound { what: "user", .. })));
}

#[test]
fn the_last_admin_of_a_project_stays() {
    let scene = Scene::new();
    let project = scene.project().id;
    let ada = scene.catalog().user_by_name("ada@example.com").expect("ada").id;
    let bob = scene.user("bob@example.com").id;
    scene.catalog().set_permissions(project, bob, READ).expect("a reader");
    for may in [Permissions::NONE, READ] {
        let refused = scene.catalog().set_permissions(project, ada, may).expect_err("the last one");
        assert!(matches!(refused, CatalogError::LastAdmin { .. }), "{refused}");
    }
    assert_eq!(scene.catalog().permissions(ada, project), Permissions::ALL);
    scene.catalog().set_permissions(project, bob, Permissions::ALL).expect("another admin");
    let removed =
        scene.catalog().set_permissions(project, ada, Permissions::NONE).expect("removed");
    assert_eq!(removed, PermissionChange::Removed);
}

#[test]
fn of_two_admins_who_remove_each_other_at_once_one_stays() {
    for _ in 0..10 {
        let scene = Scene::new();
        let project = scene.project().id;
        let ada = scene.catalog().user_by_name("ada@example.com").expect("ada").id;
        let bob = scene.user("bob@example.com").id;
        scene.catalog().set_permissions(project, bob, Permissions::ALL).expect("another admin");
        thread::scope(|threads| {
            let scene = &scene;
            for user in [ada, bob] {
                let remove =
                    move || scene.catalog().set_permissions(project, user, Permissions::NONE);
                threads.spawn(move || drop(remove()));
            }
        });
        assert_eq!(scene.catalog().members(project).len(), 1);
    }
}
