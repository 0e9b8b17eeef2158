//! Tokens: issued, listed, used, revoked, forgotten.

use std::time::Duration;

use iobeam_catalog::{CatalogError, Changed, NewToken, Token};
use iobeam_model::{Clock, Permissions, ProjectId, TokenId, UserId};

use crate::scene::{Scene, device_id, nobody};

const DAY: Duration = Duration::from_hours(24);

fn new_token(scene: &Scene, user: UserId, project: Option<ProjectId>) -> NewToken {
    NewToken {
        user,
        tied: false,
        project,
        permissions: Permissions { read: true, write: true, admin: false },
        device: project.map(|_| device_id("boiler:1")),
        refreshable: true,
        expires: scene.clock.now().plus(30 * DAY),
        name: None,
    }
}

fn issue(scene: &Scene, project: Option<ProjectId>) -> Token {
    let ada = scene.catalog().user_by_name("ada@example.com").expect("ada").id;
    scene.catalog().issue_token(new_token(scene, ada, project)).expect("issued")
}

#[test]
fn a_token_is_known_as_it_was_issued_also_after_a_restart() {
    let mut scene = Scene::new();
    let project = scene.project().id;
    let (one, two) = (issue(&scene, Some(project)), issue(&scene, None));
    assert_ne!(one.id, two.id);
    for _ in 0..2 {
        assert_eq!(*scene.catalog().token(one.id).expect("known"), one);
        assert_eq!(*scene.catalog().token(two.id).expect("known"), two);
        let of_project = scene.catalog().tokens_of_project(project).expect("listed");
        assert_eq!(of_project, std::slice::from_ref(&one));
        assert_eq!(
            scene.catalog().tokens_of_user(one.user).expect("listed"),
            [two.clone(), one.clone()]
        );
        scene.reopen();
    }
}

#[test]
fn a_token_needs_a_user_and_a_project_that_exist() {
    let scene = Scene::new();
    let project = scene.project().id;
    let refused = scene.catalog().issue_token(new_token(&scene, nobody(), Some(project)));
    assert!(matches!(refused, Err(CatalogError::NotFound { what: "user", .. })));
    let missing = ProjectId::new(99);
    let ada = scene.catalog().user_by_name("ada@example.com").expect("ada").id;
    let refused = scene.catalog().issue_token(new_token(&scene, ada, missing));
    assert!(matches!(refused, Err(CatalogError::NotFound { what: "project", .. })));
}

#[test]
fn a_revoked_token_stays_revoked() {
    let mut scene = Scene::new();
    let project = scene.project().id;
    let token = issue(&scene, Some(project));
    scene.clock.advance(DAY);
    assert_eq!(scene.catalog().revoke_token(token.id).expect("revoked"), Changed::Yes);
    scene.clock.advance(DAY);
    assert_eq!(scene.catalog().revoke_token(token.id).expect("was revoked"), Changed::No);
    for _ in 0..2 {
        let known = scene.catalog().token(token.id).expect("known");
        assert_eq!(known.revoked, Some(token.created.plus(DAY)));
        scene.reopen();
    }
    let missing = TokenId::new(99).expect("not zero");
    assert!(matches!(
        scene.catalog().revoke_token(missing),
        Err(CatalogError::NotFound { what: "token", .. })
    ));
}

#[test]
fn when_a_token_was_last_used_is_listed_at_once_and_survives_a_restart() {
    let mut scene = Scene::new();
    let project = scene.project().id;
    let token = issue(&scene, Some(project));
    scene.clock.advance(DAY);
    scene.catalog().touch_token(token.id);
    let expected = Some(token.created.plus(DAY));
    for _ in 0..2 {
        let listed = scene.catalog().tokens_of_project(project).expect("listed");
        assert_eq!(listed[0].last_used, expected);
        scene.reopen();
    }
    scene.catalog().revoke_token(token.id).expect("revoked");
    assert_eq!(scene.catalog().tokens_of_project(project).expect("listed")[0].last_used, expected);
}

#[test]
fn a_token_is_forgotten_sixty_days_after_its_end_and_not_earlier() {
    let mut scene = Scene::new();
    let project = scene.project().id;
    let token = issue(&scene, Some(project));
    scene.clock.advance(30 * DAY + 60 * DAY);
    assert_eq!(scene.catalog().prune().expect("pruned"), 0);
    assert!(scene.catalog().token(token.id).is_some());
    scene.clock.advance(Duration::from_secs(1));
    assert_eq!(scene.catalog().prune().expect("pruned"), 1);
    for _ in 0..2 {
        assert!(scene.catalog().token(token.id).is_none());
        assert!(scene.catalog().tokens_of_project(project).expect("listed").is_empty());
        scene.reopen();
    }
    assert_ne!(issue(&scene, Some(project)).id, token.id, "a number is not given twice");
}

#[test]
fn a_clock_ten_years_ahead_at_the_start_voids_no_token() {
    let mut scene = Scene::new();
    let project = scene.project().id;
    let token = issue(&scene, Some(project));
    let right = scene.clock.now();
    scene.clock.set(right.plus(3650 * DAY));
    scene.reopen();
    scene.clock.set(right);
    assert_eq!(*scene.reopen().token(token.id).expect("known"), token);
}
