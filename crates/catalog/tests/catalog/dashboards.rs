//! Dashboards, and the links by which they are seen without an account.

use std::time::Duration;

use iobeam_catalog::{CatalogError, DashboardChanges, NewDashboard};
use iobeam_model::{Clock, ProjectId};

use crate::scene::Scene;

fn changes(version: u32, name: &str) -> DashboardChanges {
    DashboardChanges { version, name: Some(name.to_owned()), board: None }
}

#[test]
fn a_dashboard_is_kept_changed_and_deleted() {
    let mut scene = Scene::new();
    let project = scene.project().id;
    let made = scene.dashboard(project, " glass ");
    assert_eq!((made.name.as_str(), made.version), ("glass", 1));
    scene.clock.advance(Duration::from_secs(5));
    let board = Some((r#"{"panels":[{}]}"#.to_owned(), 1));
    let change = DashboardChanges { version: 1, name: None, board };
    let after = scene.catalog().update_dashboard(project, made.id, change).expect("changed");
    assert_eq!((after.name.as_str(), after.panels, after.version), ("glass", 1, 2));
    assert!(after.last_modified > after.created);
    assert_eq!(scene.reopen().dashboard(project, made.id).expect("it is there"), after);
    scene.catalog().delete_dashboard(project, made.id).expect("deleted");
    assert!(scene.reopen().dashboards(project).expect("a list").is_empty());
    let gone = scene.catalog().delete_dashboard(project, made.id).expect_err("gone");
    assert!(matches!(gone, CatalogError::NotFound { what: "dashboard", .. }), "{gone}");
}

#[test]
fn a_change_of_an_old_version_overwrites_nothing() {
    let scene = Scene::new();
    let project = scene.project().id;
    let id = scene.dashboard(project, "glass").id;
    scene.catalog().update_dashboard(project, id, changes(1, "mine")).expect("changed");
    let refused =
        scene.catalog().update_dashboard(project, id, changes(1, "theirs")).expect_err("old");
    insta::assert_snapshot!(refused, @"dashboard 1 has version 2 by now, not 1; look at what changed, and send it again with version 2");
    assert_eq!(scene.catalog().dashboard(project, id).expect("it is there").name, "mine");
}

#[test]
fn a_dashboard_of_another_project_is_not_there() {
    let scene = Scene::new();
    let project = scene.project().id;
    let id = scene.dashboard(project, "glass").id;
    let other = ProjectId::new(project.get() + 1).expect("not zero");
    let catalog = scene.catalog();
    assert!(catalog.dashboard(other, id).is_err());
    assert!(catalog.update_dashboard(other, id, changes(1, "x")).is_err());
    assert!(catalog.delete_dashboard(other, id).is_err());
    assert!(catalog.create_share(other, id, None, 9).is_err());
    assert!(catalog.shares(other, id).is_err());
    let (share, key) = catalog.create_share(project, id, None, 9).expect("a link");
    assert!(catalog.revoke_share(other, id, share.id).is_err());
    assert!(catalog.share_by_key(&key).is_some());
}

#[test]
fn names_without_a_sign_and_too_many_dashboards_are_refused() {
    let scene = Scene::new();
    let project = scene.project().id;
    let make = |name: &str| {
        let (name, board) = (name.to_owned(), "{}".to_owned());
        scene.catalog().create_dashboard(NewDashboard { project, name, board, panels: 0, limit: 2 })
    };
    for name in ["", "  ", "a\nb", &"x".repeat(256)] {
        let refused = make(name).expect_err("no name");
        assert!(matches!(refused, CatalogError::Invalid { what: "name", .. }), "{refused}");
    }
    make("one").expect("made");
    make("one").expect("a second one of the same name");
    let refused = make("three").expect_err("too many");
    assert!(matches!(refused, CatalogError::TooMany { limit: 2, .. }), "{refused}");
}

#[test]
fn a_link_is_known_by_its_key_until_it_is_taken_back() {
    let mut scene = Scene::new();
    let project = scene.project().id;
    let id = scene.dashboard(project, "glass").id;
    let (share, key) = scene.catalog().create_share(project, id, None, 9).expect("a link");
    let (other, _) = scene.catalog().create_share(project, id, None, 9).expect("a second link");
    assert!(scene.catalog().create_share(project, id, None, 2).is_err(), "there are two already");
    assert_eq!(scene.catalog().dashboards(project).expect("a list")[0].shares, 2);
    scene.clock.advance(Duration::from_secs(7));
    let now = scene.clock.now();
    scene.catalog().touch_share(&key);
    let used = |scene: &Scene| {
        let shares = scene.catalog().shares(project, id).expect("a list");
        shares.iter().map(|share| (share.id, share.last_used)).collect::<Vec<_>>()
    };
    assert_eq!(used(&scene), [(other.id, None), (share.id, Some(now))], "before it is written");
    scene.reopen();
    assert_eq!(used(&scene), [(other.id, None), (share.id, Some(now))]);
    let known = scene.catalog().share_by_key(&key).expect("known after a restart");
    assert_eq!((known.dashboard, known.project), (id, project));
    scene.catalog().revoke_share(project, id, share.id).expect("taken back");
    assert!(scene.catalog().share_by_key(&key).is_none());
    assert!(scene.reopen().share_by_key(&key).is_none());
    assert!(scene.catalog().revoke_share(project, id, share.id).is_err());
}

#[test]
fn the_links_of_a_dashboard_go_with_it() {
    let mut scene = Scene::new();
    let project = scene.project().id;
    let id = scene.dashboard(project, "glass").id;
    let (_, key) = scene.catalog().create_share(project, id, None, 9).expect("a link");
    scene.catalog().delete_dashboard(project, id).expect("deleted");
    assert!(scene.catalog().share_by_key(&key).is_none());
    assert!(scene.reopen().share_by_key(&key).is_none());
}

#[test]
fn a_key_is_nowhere_in_the_file_and_an_expired_link_is_forgotten_in_time() {
    let mut scene = Scene::new();
    let project = scene.project().id;
    let id = scene.dashboard(project, "glass").id;
    let hour = scene.clock.now().plus(Duration::from_hours(1));
    let past = scene.catalog().create_share(project, id, Some(scene.clock.now()), 9);
    assert!(matches!(past, Err(CatalogError::Invalid { what: "expires", .. })), "{past:?}");
    let (_, key) = scene.catalog().create_share(project, id, Some(hour), 9).expect("a link");
    scene.close();
    let file = std::fs::read(scene.path()).expect("read");
    assert!(!file.windows(key.len()).any(|part| part == key.as_bytes()));
    scene.reopen();
    scene.clock.advance(Duration::from_hours(2));
    assert_eq!(scene.catalog().dashboards(project).expect("a list")[0].shares, 0, "it ran out");
    assert!(scene.catalog().share_by_key(&key).is_some(), "whoever shows it hears that it ran out");
    scene.clock.advance(Duration::from_hours(61 * 24));
    assert!(scene.catalog().prune().expect("pruned") >= 1);
    assert!(scene.catalog().share_by_key(&key).is_none());
    assert!(scene.catalog().shares(project, id).expect("a list").is_empty());
}
