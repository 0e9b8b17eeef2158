//! Signing up by invitation.

use std::thread;
use std::time::Duration;

use iobeam_catalog::{CatalogError, Changed, NewUser, SignUp, User};
use iobeam_model::Clock;

use crate::scene::{Scene, new_user};

fn join(scene: &Scene, email: &str, code: Option<&str>) -> Result<User, CatalogError> {
    let new = NewUser { invite: code.map(str::to_owned), ..new_user(email) };
    scene.catalog().create_user(new, SignUp::Invite)
}

#[test]
fn a_closed_platform_takes_nobody() {
    let scene = Scene::new();
    let refused = scene.catalog().create_user(new_user("ada@example.com"), SignUp::Closed);
    assert!(matches!(refused, Err(CatalogError::SignUpClosed)));
}

#[test]
fn by_invitation_even_the_first_user_needs_a_code() {
    let scene = Scene::new();
    for code in [None, Some(""), Some("abcdefghjkmnpqrstuvw")] {
        assert!(matches!(join(&scene, "eve@example.com", code), Err(CatalogError::NotInvited)));
    }
    let code = scene.catalog().create_invite(None, 1, None).expect("a code");
    assert!(join(&scene, "ada@example.com", Some(&code)).expect("invited").operator);
}

#[test]
fn a_code_for_two_makes_two_accounts_however_many_ask_at_once() {
    let mut scene = Scene::new();
    let code = scene.catalog().create_invite(None, 2, None).expect("a code");
    let made = thread::scope(|threads| {
        let (scene, code) = (&scene, code.as_str());
        let try_it = move |n: u32| join(scene, &format!("user{n}@example.com"), Some(code)).is_ok();
        let all: Vec<_> = (0..6).map(|n| threads.spawn(move || try_it(n))).collect();
        all.into_iter().filter_map(|one| one.join().ok()).filter(|made| *made).count()
    });
    assert_eq!(made, 2);
    scene.reopen();
    assert!(matches!(join(&scene, "late@example.com", Some(&code)), Err(CatalogError::NotInvited)));
    let invites = scene.catalog().invites().expect("listed");
    assert_eq!((invites[0].uses, invites[0].used), (2, 2));
    assert!(code.starts_with(&invites[0].hint));
}

#[test]
fn a_sign_up_that_fails_does_not_use_the_code_up() {
    let scene = Scene::new();
    let code = scene.catalog().create_invite(None, 1, None).expect("a code");
    scene.user("ada@example.com");
    let taken = join(&scene, "ada@example.com", Some(&code));
    assert!(matches!(taken, Err(CatalogError::AlreadyExists { .. })));
    assert!(join(&scene, "bob@example.com", Some(&code)).is_ok());
}

#[test]
fn a_code_that_ran_out_or_was_taken_back_is_refused() {
    let scene = Scene::new();
    let expires = scene.clock.now().plus(Duration::from_hours(1));
    let short = scene.catalog().create_invite(None, 5, Some(expires)).expect("a code");
    let revoked = scene.catalog().create_invite(None, 5, None).expect("a code");
    let id = scene.catalog().invites().expect("listed")[0].id;
    assert_eq!(scene.catalog().revoke_invite(id).expect("revoked"), Changed::Yes);
    assert_eq!(scene.catalog().revoke_invite(id).expect("was revoked"), Changed::No);
    assert!(matches!(
        scene.catalog().revoke_invite(99),
        Err(CatalogError::NotFound { what: "invite", .. })
    ));
    assert!(join(&scene, "ada@example.com", Some(&short)).is_ok());
    scene.clock.advance(Duration::from_hours(1));
    for code in [short, revoked] {
        assert!(matches!(
            join(&scene, "eve@example.com", Some(&code)),
            Err(CatalogError::NotInvited)
        ));
    }
    assert!(scene.catalog().create_invite(None, 0, None).is_err());
}
