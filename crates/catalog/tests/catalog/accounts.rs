//! Accounts that are disabled, enabled and deleted, and addresses that change.

use iobeam_catalog::{CatalogError, Changed, NewToken, Token, TokenOwner, UserChanges, UserState};
use iobeam_model::{Clock, Permissions, ProjectId, UserId};

use crate::scene::{PASSWORD, Scene};

fn token(scene: &Scene, user: UserId, project: Option<ProjectId>, owner: TokenOwner) -> Token {
    let new = NewToken {
        user,
        tied: project.is_none(),
        project,
        permissions: Permissions { read: true, ..Permissions::NONE },
        device: None,
        refreshable: true,
        expires: scene.clock.now().plus(std::time::Duration::from_hours(24)),
        name: None,
        owner,
    };
    scene.catalog().issue_token(new).expect("issued")
}

struct Three {
    scene: Scene,
    ada: UserId,
    bob: UserId,
    project: ProjectId,
}

/// Ada operates the platform and has a project; Bob is its other administrator.
fn three() -> Three {
    let scene = Scene::new();
    let project = scene.project().id;
    let ada = scene.catalog().user_by_name("ada@example.com").expect("ada").id;
    let bob = scene.user("bob@example.com").id;
    scene.catalog().set_permissions(project, bob, Permissions::ALL).expect("a member");
    Three { scene, ada, bob, project }
}

#[test]
fn a_disabled_account_opens_nothing_until_it_is_enabled_and_its_sessions_never_again() {
    let Three { mut scene, bob, project, .. } = three();
    let session = token(&scene, bob, None, TokenOwner::Creator);
    let own = token(&scene, bob, Some(project), TokenOwner::Creator);
    let of_project = token(&scene, bob, Some(project), TokenOwner::Project);
    let before = scene.catalog().generation();
    assert_eq!(scene.catalog().disable_user(bob).expect("disabled"), Changed::Yes);
    assert!(scene.catalog().generation() > before, "who was let in must hear of it");
    for _ in 0..2 {
        let catalog = scene.catalog();
        assert_eq!(catalog.disable_user(bob).expect("is so"), Changed::No);
        assert!(!catalog.is_active(bob));
        assert!(catalog.token(session.id).expect("listed").revoked.is_some());
        assert!(!catalog.is_backed(&own) && catalog.granted(&own).is_empty());
        assert!(catalog.is_backed(&of_project) && !catalog.granted(&of_project).is_empty());
        let refused = catalog.log_in("bob@example.com", PASSWORD).expect_err("disabled");
        assert!(matches!(refused, CatalogError::AccountDisabled), "{refused}");
        let wrong = catalog.log_in("bob@example.com", "a guess, perhaps").expect_err("wrong");
        assert!(matches!(wrong, CatalogError::WrongPassword), "{wrong}");
        assert!(catalog.start_password_reset("bob@example.com").expect("asked").is_none());
        assert!(catalog.refresh_token(own.id).is_err());
        scene.reopen();
    }
    assert_eq!(scene.catalog().enable_user(bob).expect("enabled"), Changed::Yes);
    scene.catalog().log_in("bob@example.com", PASSWORD).expect("enabled");
    assert!(scene.catalog().is_backed(&own));
    assert!(scene.catalog().token(session.id).expect("listed").revoked.is_some());
}

#[test]
fn a_deleted_account_leaves_a_number_and_what_belongs_to_projects() {
    let Three { mut scene, ada, bob, project } = three();
    let session = token(&scene, bob, None, TokenOwner::Creator);
    let own = token(&scene, bob, Some(project), TokenOwner::Creator);
    let of_project = token(&scene, bob, Some(project), TokenOwner::Project);
    scene.catalog().delete_user(bob, None).expect("deleted");
    for _ in 0..2 {
        let catalog = scene.catalog();
        assert_eq!(catalog.user(bob).expect("the number stays").state, UserState::Deleted);
        assert_eq!(catalog.members(project), [(ada, Permissions::ALL)]);
        for ended in [&session, &own] {
            assert!(catalog.token(ended.id).expect("listed").revoked.is_some());
        }
        assert!(!catalog.granted(&catalog.token(of_project.id).expect("listed")).is_empty());
        for name in ["bob@example.com", &format!("deleted:{bob}")] {
            assert!(catalog.log_in(name, PASSWORD).is_err(), "{name}");
            assert!(catalog.user_by_name(name).is_err(), "{name}");
            assert!(catalog.find_users(ada, name).expect("searched").is_empty(), "{name}");
        }
        assert!(catalog.enable_user(bob).is_err() && catalog.disable_user(bob).is_err());
        scene.reopen();
    }
    // The address is free again, and is another account.
    assert_ne!(scene.user("bob@example.com").id, bob);
}

#[test]
fn the_only_administrator_of_a_project_is_deleted_only_with_an_heir() {
    let Three { scene, ada, bob, .. } = three();
    let mill = scene.catalog().create_project(bob, "mill").expect("a project").id;
    let refused = scene.catalog().delete_user(bob, None).expect_err("an only administrator");
    assert!(refused.to_string().contains("'mill'"), "{refused}");
    assert_eq!(scene.catalog().permissions(bob, mill), Permissions::ALL, "nothing has changed");
    scene.catalog().delete_user(bob, Some(bob)).expect_err("no heir of oneself");
    scene.catalog().delete_user(bob, Some(ada)).expect("deleted");
    assert_eq!(scene.catalog().members(mill), [(ada, Permissions::ALL)]);
}

#[test]
fn the_operator_can_be_neither_disabled_nor_deleted() {
    let Three { scene, ada, .. } = three();
    assert!(matches!(scene.catalog().disable_user(ada), Err(CatalogError::Invalid { .. })));
    assert!(matches!(scene.catalog().delete_user(ada, None), Err(CatalogError::Invalid { .. })));
}

#[test]
fn a_disabled_administrator_is_not_counted_as_one() {
    let Three { scene, ada, bob, project } = three();
    scene.catalog().disable_user(bob).expect("disabled");
    let refused = scene.catalog().set_permissions(project, ada, Permissions::NONE);
    assert!(matches!(refused, Err(CatalogError::LastAdmin { .. })), "{refused:?}");
}

fn another(email: &str) -> UserChanges {
    UserChanges { email: Some(email.to_owned()), ..UserChanges::default() }
}

#[test]
fn a_new_address_that_is_to_be_confirmed_is_used_only_then() {
    let Three { scene, bob, .. } = three();
    let catalog = scene.catalog();
    let asked = catalog.update_user(bob, another("new@example.com"), Some(PASSWORD), true);
    let email = asked.expect("asked").email.expect("another address");
    assert_eq!((&*email.old, &*email.new), ("bob@example.com", "new@example.com"));
    assert_eq!(catalog.user(bob).expect("bob").email, "bob@example.com");
    assert!(catalog.log_in("new@example.com", PASSWORD).is_err());
    let user = catalog.verify_email(&email.key).expect("confirmed");
    assert_eq!((&*user.email, user.email_verified), ("new@example.com", true));
    assert!(catalog.verify_email(&email.key).is_err(), "it works once");
    catalog.log_in("new@example.com", PASSWORD).expect("the new address");
}

#[test]
fn the_old_mailbox_takes_a_change_back_even_after_another_one_and_ends_what_the_thief_holds() {
    for confirm in [false, true] {
        let Three { scene, bob, .. } = three();
        let catalog = scene.catalog();
        let change = |email: &str| {
            let changed = catalog.update_user(bob, another(email), Some(PASSWORD), confirm);
            let changed = changed.expect("changed").email.expect("another address");
            if confirm {
                catalog.verify_email(&changed.key).expect("confirmed");
            }
            changed
        };
        let (first, _) = (change("thief@example.com"), change("thief2@example.com"));
        assert_eq!(catalog.user(bob).expect("bob").email, "thief2@example.com");
        let session = token(&scene, bob, None, TokenOwner::Creator);
        // Nobody else takes the address as long as it can come back.
        let taken = catalog
            .create_user(crate::scene::new_user("Bob@example.com"), iobeam_catalog::SignUp::Open);
        assert!(matches!(taken, Err(CatalogError::AlreadyExists { .. })), "{taken:?}");
        let (user, reset) = catalog.revert_email(&first.revert).expect("taken back");
        assert_eq!(user.email, "bob@example.com");
        assert!(catalog.token(session.id).expect("listed").revoked.is_some());
        assert!(catalog.log_in("bob@example.com", PASSWORD).is_err(), "the password is void");
        catalog.reset_password(&reset, "another horse battery").expect("a new password");
        catalog.log_in("bob@example.com", "another horse battery").expect("home again");
        assert!(catalog.revert_email(&first.revert).is_err(), "it works once");
    }
}

#[test]
fn an_account_is_known_where_it_was_used_and_by_each_of_its_names() {
    use iobeam_catalog::Actor;
    let Three { scene, bob, .. } = three();
    let name = UserChanges { username: Some("bob".to_owned()), ..UserChanges::default() };
    scene.catalog().update_user(bob, name, None, false).expect("named");
    let home = "2001:db8::1".parse().expect("an address");
    let at_home = scene.catalog().acting_as(Actor { address: Some(home), ..Actor::default() });
    let known = |name: &str, address: &str| {
        scene.catalog().account_of(name, address.parse().expect("an address")).expect("asked")
    };
    assert_eq!(known("bob", "2001:db8::2"), Some((bob, false)));
    let new = NewToken {
        user: bob,
        tied: true,
        project: None,
        permissions: Permissions::NONE,
        device: None,
        refreshable: false,
        expires: scene.clock.now().plus(std::time::Duration::from_hours(24)),
        name: None,
        owner: TokenOwner::Creator,
    };
    at_home.issue_token(new).expect("signed in");
    for name in ["bob", "BOB@example.com"] {
        assert_eq!(known(name, "2001:db8::2"), Some((bob, true)));
        assert_eq!(known(name, "2001:db9::2"), Some((bob, false)));
    }
    assert_eq!(known("nobody", "2001:db8::2"), None);
}

#[test]
fn who_has_an_account_deletes_it_with_its_password_and_hands_projects_to_members_alone() {
    let Three { mut scene, ada, bob, project } = three();
    let catalog = scene.catalog();
    let own = catalog.create_project(bob, "mill").expect("a project").id;
    let eve = scene.user("eve@example.com").id;
    let session = token(&scene, bob, None, TokenOwner::Creator);
    let wrong = catalog.delete_own_account(bob, "a guess, perhaps", None).expect_err("wrong");
    assert!(matches!(wrong, CatalogError::WrongPassword), "{wrong}");
    let alone = catalog.delete_own_account(bob, PASSWORD, None).expect_err("the only admin");
    assert!(matches!(alone, CatalogError::OnlyAdmin { .. }), "{alone}");
    assert!(alone.to_string().contains("'mill'") && !alone.to_string().contains("greenhouse"));
    for heir in [eve, bob, crate::scene::nobody()] {
        let refused = catalog.delete_own_account(bob, PASSWORD, Some(heir));
        refused.expect_err("nobody is made to answer for a project they know nothing of");
    }
    assert!(catalog.is_active(bob), "nothing of it happened");
    let operator = catalog.delete_own_account(ada, PASSWORD, Some(bob)).expect_err("operator");
    assert!(operator.to_string().contains("operator"), "{operator}");
    let read = Permissions { read: true, ..Permissions::NONE };
    catalog.set_permissions(own, eve, read).expect("a member");
    let gone = catalog.delete_own_account(bob, PASSWORD, Some(eve)).expect("deleted");
    assert_eq!(gone.email, "bob@example.com");
    for _ in 0..2 {
        let catalog = scene.catalog();
        assert!(!catalog.is_active(bob));
        assert!(catalog.token(session.id).expect("listed").revoked.is_some());
        assert_eq!(catalog.permissions(eve, own), Permissions::ALL);
        assert!(catalog.permissions(bob, own).is_empty());
        assert!(catalog.permissions(bob, project).is_empty());
        catalog.log_in("bob@example.com", PASSWORD).expect_err("gone");
        catalog.delete_own_account(bob, PASSWORD, None).expect_err("gone");
        scene.reopen();
    }
    scene.user("bob@example.com");
}

#[test]
fn an_address_that_may_be_taken_back_is_kept_for_its_owner_in_any_letter_case_of_any_script() {
    let scene = Scene::new();
    scene.user("ada@example.com");
    let old = scene.user("\u{d6}zg\u{fc}r@example.com").id;
    let changes =
        UserChanges { email: Some("new@example.com".to_owned()), ..UserChanges::default() };
    let update = scene.catalog().update_user(old, changes, Some(PASSWORD), false).expect("changed");
    for taken in ["\u{f6}zg\u{fc}r@example.com", "\u{d6}ZG\u{dc}R@example.com"] {
        let new = crate::scene::new_user(taken);
        let refused = scene.catalog().create_user(new, iobeam_catalog::SignUp::Open);
        assert!(matches!(refused, Err(CatalogError::AlreadyExists { .. })), "{taken}");
    }
    scene.catalog().revert_email(&update.email.expect("a change").revert).expect("taken back");
}
