//! Signing up, logging in, changing an account.

use std::fs;
use std::thread;

use iobeam_catalog::{CatalogError, Changed, NewUser, Settings, SignUp, UserChanges};
use iobeam_model::Permissions;

use crate::scene::{PASSWORD, Scene, new_user, nobody};

#[test]
fn the_first_user_is_the_operator_and_nobody_else_is() {
    let scene = Scene::new();
    assert!(!scene.catalog().has_users().expect("asked"));
    assert!(scene.user("ada@example.com").operator);
    assert!(scene.catalog().has_users().expect("asked"));
    let second = scene.user("bob@example.com");
    assert!(!second.operator);
    assert_eq!(scene.catalog().user(second.id).expect("kept"), second);
}

#[test]
fn of_many_who_sign_up_first_at_once_one_becomes_the_operator() {
    let mut scene = Scene::new();
    scene.close();
    // All hash at once, so that they come to the file together.
    let settings = Settings { hashes_at_once: 8, ..Settings::default() };
    let catalog = scene.try_open_with(settings).expect("opened");
    let operators = thread::scope(|threads| {
        let sign_up = |n: u32| {
            let new = new_user(&format!("user{n}@example.com"));
            catalog.create_user(new, SignUp::Open).expect("a user").operator
        };
        let all: Vec<_> = (0..8).map(|n| threads.spawn(move || sign_up(n))).collect();
        all.into_iter().filter_map(|one| one.join().ok()).filter(|operator| *operator).count()
    });
    assert_eq!(operators, 1);
}

#[test]
fn an_address_and_a_user_name_are_taken_in_any_letter_case() {
    let scene = Scene::new();
    let new = NewUser { username: Some("Ada".to_owned()), ..new_user("Ada@Example.com") };
    scene.catalog().create_user(new, SignUp::Open).expect("a user");
    let again = scene.catalog().create_user(new_user("ADA@example.COM"), SignUp::Open);
    assert!(matches!(again, Err(CatalogError::AlreadyExists { what: "user", .. })), "{again:?}");
    let new = NewUser { username: Some("aDA".to_owned()), ..new_user("other@example.com") };
    let again = scene.catalog().create_user(new, SignUp::Open);
    assert!(
        matches!(again, Err(CatalogError::AlreadyExists { what: "user", name }) if name == "aDA")
    );
}

#[test]
fn of_two_who_want_one_address_at_once_one_gets_it() {
    let scene = Scene::new();
    let made = thread::scope(|threads| {
        let sign_up =
            || scene.catalog().create_user(new_user("ada@example.com"), SignUp::Open).is_ok();
        let both: Vec<_> = (0..2).map(|_| threads.spawn(sign_up)).collect();
        both.into_iter().filter_map(|one| one.join().ok()).filter(|made| *made).count()
    });
    assert_eq!(made, 1);
}

#[test]
fn one_logs_in_with_address_or_user_name_in_any_letter_case() {
    let scene = Scene::new();
    let new = NewUser { username: Some("ada".to_owned()), ..new_user("ada@example.com") };
    let ada = scene.catalog().create_user(new, SignUp::Open).expect("a user");
    for name in ["ada@example.com", "ADA@EXAMPLE.COM", "ada", " Ada "] {
        assert_eq!(scene.catalog().log_in(name, PASSWORD).expect(name), ada);
        assert_eq!(scene.catalog().user_by_name(name).expect(name), ada);
    }
}

#[test]
fn a_wrong_password_and_an_unknown_user_are_told_the_same() {
    let scene = Scene::new();
    scene.user("ada@example.com");
    let wrong = scene.catalog().log_in("ada@example.com", "something else").expect_err("wrong");
    let unknown = scene.catalog().log_in("eve@example.com", PASSWORD).expect_err("unknown");
    assert!(matches!(wrong, CatalogError::WrongPassword));
    assert_eq!(wrong.to_string(), unknown.to_string());
    assert!(scene.catalog().log_in("ada@example.com", "").is_err());
}

#[test]
fn a_password_that_is_too_easy_is_refused_with_the_reason() {
    let scene = Scene::new();
    let refusal = |password: &str| {
        let new = NewUser { password: password.to_owned(), ..new_user("ada@example.com") };
        scene.catalog().create_user(new, SignUp::Open).expect_err("too easy").to_string()
    };
    insta::assert_snapshot!(refusal("1234567"), @"password: shorter than 8 characters");
    insta::assert_snapshot!(refusal("aaaaaaaaaa"), @"password: one character over and over");
    insta::assert_snapshot!(refusal("Ada@example.com"), @"password: the same as the user name or address");
    insta::assert_snapshot!(refusal(&"ab".repeat(513)), @"password: longer than 1024 bytes");
    assert!(!scene.catalog().has_users().expect("asked"));
    let new = NewUser { password: "grün grün".to_owned(), ..new_user("ada@example.com") };
    assert!(scene.catalog().create_user(new, SignUp::Open).is_ok());
}

#[test]
fn what_is_no_address_is_refused() {
    let scene = Scene::new();
    let strange = [
        "",
        "ada",
        "@example.com",
        "ada@",
        "ada@@example.com",
        "a b@example.com",
        "ada@example.com\r\nBcc: x",
        "Ada <ada@example.com>",
        "a,b@example.com",
        "ada@.com",
        "a:b@example.com",
    ];
    for email in strange {
        let refused = scene.catalog().create_user(new_user(email), SignUp::Open);
        assert!(matches!(refused, Err(CatalogError::Invalid { what: "email", .. })), "{email:?}");
    }
    let new =
        NewUser { username: Some("eve@example.com".to_owned()), ..new_user("ada@example.com") };
    let refused = scene.catalog().create_user(new, SignUp::Open);
    assert!(matches!(refused, Err(CatalogError::Invalid { what: "username", .. })));
}

#[test]
fn an_account_is_changed_member_by_member() {
    let scene = Scene::new();
    let ada = scene.user("ada@example.com");
    let change = |changes| {
        scene.catalog().update_user(ada.id, changes, None, false).expect("changed").changed
    };
    let company =
        || UserChanges { company_name: Some("Engines".to_owned()), ..UserChanges::default() };
    assert_eq!(change(company()), Changed::Yes);
    assert_eq!(change(company()), Changed::No);
    assert_eq!(change(UserChanges::default()), Changed::No);
    let username =
        |name: &str| UserChanges { username: Some(name.to_owned()), ..UserChanges::default() };
    assert_eq!(change(username("ada")), Changed::Yes);
    assert_eq!(scene.catalog().user_by_name("ADA").expect("found").company_name, "Engines");
    assert_eq!(change(username("")), Changed::Yes);
    assert!(scene.catalog().user_by_name("ada").is_err());
    let missing = scene.catalog().update_user(nobody(), company(), None, false);
    assert!(matches!(missing, Err(CatalogError::NotFound { what: "user", .. })));
}

#[test]
fn nobody_takes_a_name_that_another_has() {
    let scene = Scene::new();
    let ada = NewUser { username: Some("ada".to_owned()), ..new_user("ada@example.com") };
    scene.catalog().create_user(ada, SignUp::Open).expect("a user");
    let bob = scene.user("bob@example.com");
    let email = UserChanges { email: Some("ADA@example.com".to_owned()), ..UserChanges::default() };
    let taken =
        scene.catalog().update_user(bob.id, email, Some(PASSWORD), false).expect_err("taken");
    insta::assert_snapshot!(taken, @"user 'ADA@example.com' exists already; choose another name");
    let username = UserChanges { username: Some("Ada".to_owned()), ..UserChanges::default() };
    let taken = scene.catalog().update_user(bob.id, username, None, false).expect_err("taken");
    insta::assert_snapshot!(taken, @"user 'Ada' exists already; choose another name");
    assert_eq!(scene.catalog().user(bob.id).expect("as before"), bob);
}

#[test]
fn a_new_password_needs_the_old_one() {
    let scene = Scene::new();
    let ada = scene.user("ada@example.com");
    let changes =
        || UserChanges { password: Some("another horse".to_owned()), ..UserChanges::default() };
    let email = || UserChanges { email: Some("eve@example.com".into()), ..UserChanges::default() };
    for changes in [changes, email] {
        let refused = scene.catalog().update_user(ada.id, changes(), None, false);
        assert!(matches!(refused, Err(CatalogError::PasswordNeeded)));
        let guess = Some("a guess, perhaps");
        let refused = scene.catalog().update_user(ada.id, changes(), guess, false);
        assert!(matches!(refused, Err(CatalogError::WrongPassword)));
    }
    assert!(scene.catalog().log_in("ada@example.com", PASSWORD).is_ok());
    assert_eq!(
        scene
            .catalog()
            .update_user(ada.id, changes(), Some(PASSWORD), false)
            .expect("changed")
            .changed,
        Changed::Yes
    );
    assert!(scene.catalog().log_in("ada@example.com", PASSWORD).is_err());
    assert!(scene.catalog().log_in("ada@example.com", "another horse").is_ok());
}

#[test]
fn strangers_are_found_by_their_whole_address_or_name_and_members_by_a_part_of_it() {
    let scene = Scene::new();
    let named = NewUser {
        last_name: "Lovelace".to_owned(),
        username: Some("ada".to_owned()),
        ..new_user("ada@example.com")
    };
    let ada = scene.catalog().create_user(named, SignUp::Open).expect("a user").id;
    let bob = scene.user("bob_100%@example.com").id;
    let found = |by, text: &str| {
        let users = scene.catalog().find_users(by, text).expect("searched");
        users.into_iter().map(|user| user.email).collect::<Vec<_>>()
    };
    for part in ["@", "", "example", "ad", "lovelace", "ada@", "%", "_"] {
        assert!(found(bob, part).is_empty(), "{part}");
    }
    assert_eq!(found(bob, "ADA@example.com"), ["ada@example.com"]);
    assert_eq!(found(bob, " Ada "), ["ada@example.com"]);
    let project = scene.catalog().create_project(ada, "mill").expect("a project").id;
    let read = Permissions { read: true, ..Permissions::NONE };
    scene.catalog().set_permissions(project, bob, read).expect("a member");
    assert_eq!(found(bob, "lovel"), ["ada@example.com"]);
    assert_eq!(found(ada, "b_1"), ["bob_100%@example.com"], "'_' stands for itself");
    assert_eq!(found(ada, "0%@"), ["bob_100%@example.com"], "'%' stands for itself");
    assert_eq!(found(ada, "example").len(), 2);
    assert!(found(ada, "eve").is_empty());
    let named = NewUser { first_name: "\u{d6}zg\u{fc}r".to_owned(), ..new_user("o@example.com") };
    let other = scene.catalog().create_user(named, SignUp::Open).expect("a user").id;
    scene.catalog().set_permissions(project, other, read).expect("a member");
    assert_eq!(found(ada, "\u{f6}ZG"), ["o@example.com"], "letters of all scripts have cases");
}

#[test]
fn accounts_survive_a_restart() {
    let mut scene = Scene::new();
    let ada = scene.user("ada@example.com");
    let catalog = scene.reopen();
    assert_eq!(catalog.log_in("ada@example.com", PASSWORD).expect("logged in"), ada);
}

#[test]
fn no_password_key_or_code_is_in_the_file() {
    let mut scene = Scene::new();
    let ada = scene.user("ada@example.com");
    let catalog = scene.catalog();
    let key = catalog.new_verification_key(ada.id).expect("a key");
    let (_, reset) =
        catalog.start_password_reset("ada@example.com").expect("asked").expect("known");
    let code = catalog.create_invite(Some(ada.id), 1, None).expect("a code");
    scene.close();
    for entry in fs::read_dir(scene.folder.path()).expect("the folder") {
        let path = entry.expect("an entry").path();
        let bytes = fs::read(&path).expect("read");
        for secret in [PASSWORD, &key, &reset, &code] {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "a secret stands in {}", path.display());
        }
    }
}
