//! Keys sent by mail.

use std::time::Duration;

use iobeam_catalog::{CatalogError, NewToken, TokenOwner, UserChanges};
use iobeam_model::{Clock, Permissions};

use crate::scene::{PASSWORD, Scene};

#[test]
fn a_verification_key_works_once_within_a_week() {
    let scene = Scene::new();
    let ada = scene.user("ada@example.com");
    assert!(!ada.email_verified);
    let key = scene.catalog().new_verification_key(ada.id).expect("a key");
    scene.clock.advance(Duration::from_hours(7 * 24 - 1));
    assert!(
        scene
            .catalog()
            .verify_email(&format!(" {} ", key.to_uppercase()))
            .expect("verified")
            .email_verified
    );
    assert!(scene.catalog().user(ada.id).expect("kept").email_verified);
    let again = scene.catalog().verify_email(&key);
    assert!(matches!(again, Err(CatalogError::KeyRefused { what: "verification" })));
}

#[test]
fn a_key_that_ran_out_is_refused() {
    let scene = Scene::new();
    let ada = scene.user("ada@example.com");
    let key = scene.catalog().new_verification_key(ada.id).expect("a key");
    let (_, reset) =
        scene.catalog().start_password_reset("ada@example.com").expect("asked").expect("known");
    scene.clock.advance(Duration::from_hours(1));
    let late = scene.catalog().reset_password(&reset, "another horse");
    assert!(matches!(late, Err(CatalogError::KeyRefused { what: "reset" })), "{late:?}");
    scene.clock.advance(Duration::from_hours(7 * 24 - 1));
    let late = scene.catalog().verify_email(&key);
    assert!(matches!(late, Err(CatalogError::KeyRefused { what: "verification" })), "{late:?}");
}

#[test]
fn a_key_opens_only_what_it_is_for() {
    let scene = Scene::new();
    let ada = scene.user("ada@example.com");
    let key = scene.catalog().new_verification_key(ada.id).expect("a key");
    assert!(scene.catalog().reset_password(&key, "another horse").is_err());
    assert!(scene.catalog().log_in("ada@example.com", PASSWORD).is_ok());
}

#[test]
fn a_reset_sets_the_password_and_voids_user_tokens_but_no_project_tokens() {
    let mut scene = Scene::new();
    let project = scene.project();
    let ada = scene.catalog().user_by_name("ada@example.com").expect("ada");
    let issue = |project| {
        let expires = scene.clock.now().plus(Duration::from_hours(24));
        let (permissions, device) = (Permissions::ALL, None);
        let new = NewToken {
            user: ada.id,
            tied: true,
            project,
            permissions,
            device,
            refreshable: true,
            expires,
            name: None,
            owner: TokenOwner::Creator,
        };
        scene.catalog().issue_token(new).expect("issued").id
    };
    let (of_user, of_project) = (issue(None), issue(Some(project.id)));
    let ask = || {
        scene.catalog().start_password_reset("ADA@example.com").expect("asked").expect("known").1
    };
    let (key, spare) = (ask(), ask());
    assert!(matches!(
        scene.catalog().reset_password(&key, "short"),
        Err(CatalogError::Invalid { .. })
    ));
    scene.catalog().reset_password(&key, "another horse").expect("reset");
    assert!(scene.catalog().log_in("ada@example.com", PASSWORD).is_err());
    assert!(scene.catalog().log_in("ada@example.com", "another horse").is_ok());
    for used in [key, spare] {
        assert!(matches!(
            scene.catalog().reset_password(&used, "a third horse"),
            Err(CatalogError::KeyRefused { .. })
        ));
    }
    for _ in 0..2 {
        assert!(scene.catalog().token(of_user).expect("known").revoked.is_some());
        assert!(scene.catalog().token(of_project).expect("known").revoked.is_none());
        scene.reopen();
    }
}

#[test]
fn only_an_address_starts_a_reset() {
    let scene = Scene::new();
    let ada = scene.user("ada@example.com");
    let username = UserChanges { username: Some("ada".to_owned()), ..UserChanges::default() };
    scene.catalog().update_user(ada.id, username, None, false).expect("changed");
    for name in ["eve@example.com", "ada", ""] {
        assert!(scene.catalog().start_password_reset(name).expect("asked").is_none(), "{name}");
    }
}

#[test]
fn a_new_address_voids_the_keys_sent_to_the_old_one() {
    let scene = Scene::new();
    let ada = scene.user("ada@example.com");
    let first = scene.catalog().new_verification_key(ada.id).expect("a key");
    scene.catalog().verify_email(&first).expect("verified");
    let key = scene.catalog().new_verification_key(ada.id).expect("a key");
    let email = |text: &str| UserChanges { email: Some(text.to_owned()), ..UserChanges::default() };
    scene
        .catalog()
        .update_user(ada.id, email("ada@example.org"), Some(PASSWORD), false)
        .expect("changed");
    assert!(!scene.catalog().user(ada.id).expect("kept").email_verified);
    assert!(scene.catalog().verify_email(&key).is_err());
}

#[test]
fn asking_again_does_not_void_the_key_on_its_way_but_keys_do_not_pile_up() {
    let scene = Scene::new();
    let ada = scene.user("ada@example.com");
    let mut keys = Vec::new();
    for _ in 0..6 {
        keys.push(scene.catalog().new_verification_key(ada.id).expect("a key"));
        scene.clock.advance(Duration::from_secs(1));
    }
    assert!(scene.catalog().verify_email(&keys[0]).is_err(), "five are enough");
    assert!(scene.catalog().verify_email(&keys[1]).is_ok());
}
