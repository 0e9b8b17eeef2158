//! Projects and namespaces that are deleted, and nothing of them that stays.

use iobeam_catalog::{Catalog, CatalogError, NewNamespace, NewToken, Page, Refusal, TokenOwner};
use iobeam_model::{Clock, FieldName, NamespaceName, Permissions, ProjectId, Remedy, Retention};

use crate::scene::Scene;

fn weather(project: ProjectId) -> NewNamespace {
    NewNamespace {
        project,
        name: "weather".parse().expect("a name"),
        partition: FieldName::device_id(),
        fields: [].into(),
        labels: [].into(),
        retention: Retention::Default,
    }
}

/// Something of each kind that belongs to a project.
fn furnish(scene: &Scene) -> (ProjectId, iobeam_catalog::Token, String) {
    let project = scene.project();
    let (id, user) = (project.id, scene.catalog().members(project.id)[0].0);
    let device = scene.device(id, "boiler");
    scene.catalog().create_namespace(weather(id)).expect("a namespace");
    let (tied, refreshable, permissions) = (true, true, Permissions::ALL);
    let expires = scene.clock.now().plus(std::time::Duration::from_hours(1));
    let (project, device) = (Some(id), Some(device));
    let token = NewToken {
        user,
        tied,
        project,
        permissions,
        device,
        refreshable,
        expires,
        name: None,
        owner: TokenOwner::Creator,
    };
    let token = scene.catalog().issue_token(token).expect("a token");
    let board = scene.dashboard(id, "glass").id;
    let (_, key) = scene.catalog().create_share(id, board, None, 9).expect("a link");
    let (at, device) = (scene.clock.now(), Some("boiler".to_owned()));
    let (message, details) = ("no".to_owned(), "never".to_owned());
    let refusal =
        Refusal { project: id, at, device, status: 400, code: 1, message, details, times: 1 };
    scene.catalog().note_refusals(&[refusal], 9).expect("noted");
    (id, token, key)
}

fn nothing_is_left(catalog: &Catalog, id: ProjectId, token: &iobeam_catalog::Token, key: &str) {
    assert!(catalog.project(id).is_none() && catalog.project_by_name("greenhouse").is_none());
    assert!(catalog.members(id).is_empty() && catalog.namespaces(id).is_empty());
    assert!(!catalog.is_registered(id, "boiler") && catalog.token(token.id).is_none());
    assert!(catalog.share_by_key(key).is_none());
    assert!(catalog.devices(id, Page::default()).expect("a list").is_empty());
    assert!(catalog.tokens_of_project(id).expect("a list").is_empty());
    assert!(catalog.dashboards(id).expect("a list").is_empty());
    assert!(catalog.refusals(id, None, 9).expect("a list").is_empty());
}

#[test]
fn a_project_goes_with_all_that_belongs_to_it_and_its_number_never_comes_again() {
    let mut scene = Scene::new();
    let (id, token, key) = furnish(&scene);
    let noted = scene.catalog().delete_project(id).expect("deleted");
    nothing_is_left(scene.catalog(), id, &token, &key);
    nothing_is_left(scene.reopen(), id, &token, &key);
    assert_eq!(scene.catalog().deletions().expect("a list"), std::slice::from_ref(&noted));
    assert_eq!((noted.project, &noted.namespace), (id, &None));
    scene.catalog().end_deletion(noted.id).expect("ended");
    assert!(scene.reopen().deletions().expect("a list").is_empty());
    let gone = scene.catalog().delete_project(id).expect_err("gone");
    assert!(matches!(gone, CatalogError::NotFound { .. }), "{gone}");
    assert!(scene.project().id > id, "the name is free, the number is not");
    scene.close();
    let file = scene.tamper();
    for table in ["tokens", "devices", "dashboards", "shares", "refusals"] {
        let sql = format!("SELECT count(*) FROM {table}");
        let left: u32 = file.query_row(&sql, [], |row| row.get(0)).expect("counted");
        assert_eq!(left, 0, "{table}");
    }
}

#[test]
fn a_namespace_goes_and_its_name_is_free_once_its_rows_are_gone() {
    let mut scene = Scene::new();
    let (id, _, _) = furnish(&scene);
    let name: NamespaceName = "weather".parse().expect("a name");
    let namespace = scene.catalog().namespace(id, &name).expect("it is there").id;
    let noted = scene.catalog().delete_namespace(id, namespace).expect("deleted");
    assert_eq!(noted.namespace.as_ref(), Some(&name));
    assert!(scene.catalog().namespace(id, &name).is_none());
    assert!(scene.reopen().namespace(id, &name).is_none());
    let refused = scene.catalog().create_namespace(weather(id)).expect_err("still going");
    assert!(matches!(refused, CatalogError::BeingDeleted { .. }), "{refused}");
    assert_eq!(refused.remedy(), Remedy::Retry);
    scene.catalog().end_deletion(noted.id).expect("ended");
    let again = scene.catalog().create_namespace(weather(id)).expect("made anew");
    assert!(again.id > namespace);
}

#[test]
fn input_stays_and_so_does_what_is_of_another_project() {
    let scene = Scene::new();
    let (id, _, _) = furnish(&scene);
    let input = scene.catalog().namespace(id, &NamespaceName::input()).expect("input").id;
    let refused = scene.catalog().delete_namespace(id, input).expect_err("input");
    assert!(matches!(refused, CatalogError::Invalid { what: "namespace", .. }), "{refused}");
    let other = ProjectId::new(id.get() + 1).expect("not zero");
    let weather = scene.catalog().namespaces(id)[1].id;
    assert!(scene.catalog().delete_namespace(other, weather).is_err());
    assert!(scene.catalog().delete_project(other).is_err());
    assert_eq!(scene.catalog().namespaces(id).len(), 2);
    assert!(scene.catalog().deletions().expect("a list").is_empty());
}
