//! Tokens: issued, listed, used, revoked, forgotten.

use std::time::Duration;

use iobeam_catalog::{
    CatalogError, Changed, MemberTokens, NEVER_EXPIRES, NewToken, Token, TokenOwner,
};
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
        owner: TokenOwner::Creator,
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

/// A member with these rights, and the tokens they made: plain, of a device, speaking for them.
fn member_with_tokens(scene: &Scene, project: ProjectId, may: Permissions) -> (UserId, [Token; 3]) {
    let bob = scene.user("bob@example.com").id;
    scene.catalog().set_permissions(project, bob, may).expect("a member");
    let issue = |device, tied| {
        let new =
            NewToken { tied, device, permissions: may, ..new_token(scene, bob, Some(project)) };
        scene.catalog().issue_token(new).expect("issued")
    };
    let tokens = [issue(None, false), issue(Some(device_id("d")), false), issue(None, true)];
    (bob, tokens)
}

const WRITER: Permissions = Permissions { read: true, write: true, admin: false };

#[test]
fn what_becomes_of_a_removed_members_tokens_is_as_it_was_chosen_and_stays_so() {
    for (choice, kept) in [
        (MemberTokens::EndOwn, [false, true, false]),
        (MemberTokens::Keep, [true, true, false]),
        (MemberTokens::Revoke, [false, false, false]),
    ] {
        let mut scene = Scene::new();
        let project = scene.project().id;
        let (bob, tokens) = member_with_tokens(&scene, project, WRITER);
        scene
            .catalog()
            .set_member((project, bob), Permissions::NONE, choice, None)
            .expect("removed");
        // Who is let in again later gets none of them back.
        scene.catalog().set_permissions(project, bob, Permissions::ALL).expect("back");
        for _ in 0..2 {
            let catalog = scene.catalog();
            for (token, kept) in tokens.iter().zip(kept) {
                let now = catalog.token(token.id).expect("listed");
                assert_eq!(now.revoked.is_none(), kept, "{choice:?} {token:?}");
                if kept {
                    assert_eq!((now.owner, now.review), (TokenOwner::Project, true));
                    assert_eq!(catalog.granted(&now), WRITER);
                }
            }
            scene.reopen();
        }
    }
}

#[test]
fn a_creators_token_grants_what_the_creator_holds_and_a_projects_token_what_it_was_made_with() {
    let scene = Scene::new();
    let project = scene.project().id;
    let (bob, [plain, device, _]) = member_with_tokens(&scene, project, Permissions::ALL);
    let new = NewToken { owner: TokenOwner::Project, ..new_token(&scene, bob, Some(project)) };
    let own = scene.catalog().issue_token(new).expect("issued");
    let reader = Permissions { read: true, ..Permissions::NONE };
    scene.catalog().set_permissions(project, bob, reader).expect("lowered");
    for token in [&plain, &device] {
        assert_eq!(scene.catalog().granted(token), reader);
        let refused = scene.catalog().refresh_token(token.id).expect_err("no refresh");
        assert!(matches!(refused, CatalogError::NotRefreshable), "{refused}");
    }
    assert_eq!(scene.catalog().granted(&own), own.permissions);
    // What had been lost before the member left is not left behind with the token.
    scene
        .catalog()
        .set_member((project, bob), Permissions::NONE, MemberTokens::Keep, None)
        .expect("gone");
    let device = scene.catalog().token(device.id).expect("listed");
    assert_eq!(scene.catalog().granted(&device), reader);
}

#[test]
fn a_token_that_the_project_shall_own_is_made_by_an_administrator_alone() {
    let scene = Scene::new();
    let project = scene.project().id;
    let (bob, _) = member_with_tokens(&scene, project, WRITER);
    let new = |owner, permissions| NewToken {
        owner,
        permissions,
        ..new_token(&scene, bob, Some(project))
    };
    for (owner, may) in [(TokenOwner::Project, WRITER), (TokenOwner::Creator, Permissions::ALL)] {
        let refused = scene.catalog().issue_token(new(owner, may)).expect_err("refused");
        assert!(matches!(refused, CatalogError::MoreThanHeld), "{refused}");
    }
}

#[test]
fn tokens_of_a_deleted_device_end_for_good() {
    let mut scene = Scene::new();
    let project = scene.project().id;
    let id = scene.device(project, "boiler:1");
    let token = issue(&scene, Some(project));
    let young = scene.catalog().refresh_token(token.id).expect("refreshed");
    scene.catalog().delete_device(project, &id).expect("deleted");
    scene.device(project, "boiler:1");
    for _ in 0..2 {
        for id in [token.id, young.id] {
            assert!(scene.catalog().token(id).expect("listed").revoked.is_some());
            assert!(scene.catalog().refresh_token(id).is_err());
        }
        scene.reopen();
    }
    assert!(issue(&scene, Some(project)).revoked.is_none(), "the new device gets a new one");
}

#[test]
fn chains_of_refreshes_make_few_tokens_whatever_their_life() {
    for (life, step, most) in [
        // As fast as can be, while the newest is young.
        (30 * DAY, Duration::ZERO, 2),
        (30 * DAY, DAY, 1 + 10 * 12),
        (Duration::from_secs(1), Duration::from_secs(1), 70),
    ] {
        let mut scene = Scene::new();
        let project = scene.project().id;
        let ada = scene.catalog().user_by_name("ada@example.com").expect("ada").id;
        let expires = scene.clock.now().plus(life);
        let new = NewToken { expires, ..new_token(&scene, ada, Some(project)) };
        let first = scene.catalog().issue_token(new).expect("issued");
        let mut last = first.clone();
        for _ in 0..300 {
            scene.clock.advance(step);
            last = scene.catalog().refresh_token(last.id).expect("refreshed");
            assert_eq!(scene.catalog().refresh_token(first.id).expect("again").id, last.id);
        }
        let count =
            |scene: &Scene| scene.catalog().tokens_of_project(project).expect("listed").len();
        assert!(count(&scene) <= most, "{life:?} {step:?}: {}", count(&scene));
        // The one they all came from, and the newest, are there after a restart, too, and nothing is made anew.
        let before = count(&scene);
        scene.reopen();
        assert_eq!(scene.catalog().refresh_token(first.id).expect("again").id, last.id);
        assert_eq!(count(&scene), before);
    }
}

#[test]
fn a_token_that_never_ends_is_kept_until_it_is_revoked() {
    let scene = Scene::new();
    let project = scene.project().id;
    let ada = scene.catalog().user_by_name("ada@example.com").expect("ada").id;
    let new = NewToken { expires: NEVER_EXPIRES, ..new_token(&scene, ada, Some(project)) };
    let token = scene.catalog().issue_token(new).expect("issued");
    scene.clock.advance(3650 * DAY);
    assert_eq!(scene.catalog().prune().expect("pruned"), 0);
    assert_eq!(scene.catalog().refresh_token(token.id).expect("refreshed").expires, NEVER_EXPIRES);
    scene.catalog().revoke_token(token.id).expect("revoked");
    scene.clock.advance(61 * DAY);
    assert_eq!(scene.catalog().prune().expect("pruned"), 1);
    assert!(scene.catalog().token(token.id).is_none());
}

#[test]
fn tokens_of_an_earlier_version_belong_to_their_projects_and_wait_for_a_look() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("catalog.db");
    let golden =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/catalog-v4.db");
    std::fs::copy(golden, &path).expect("copied");
    // The token in it speaks for its user; another one does not.
    let file = rusqlite::Connection::open(&path).expect("opened");
    let sql = "INSERT INTO tokens (user, tied, project, permissions, refreshable, created, expires) \
               SELECT user, 0, project, 7, 1, created, expires FROM tokens";
    file.execute(sql, []).expect("added");
    drop(file);
    let clock = std::sync::Arc::new(iobeam_testkit::TestClock::new());
    let catalog = iobeam_catalog::Catalog::open(&path, iobeam_catalog::Settings::default(), clock);
    let catalog = catalog.expect("opens");
    let project = catalog.project_by_name("greenhouse").expect("the project");
    let tokens = catalog.tokens_of_project(project.id).expect("listed");
    let owned: Vec<_> = tokens.iter().map(|one| (one.tied, one.owner, one.review)).collect();
    assert_eq!(owned, [(false, TokenOwner::Project, true), (true, TokenOwner::Creator, false)]);
    catalog.confirm_token(tokens[0].id).expect("looked at");
    assert!(!catalog.token(tokens[0].id).expect("listed").review);
}
