use super::*;

fn token() -> Token {
    Token {
        token: "a.b.c".into(),
        expires: "2016-08-28 17:25:31 +0000".into(),
        project_id: 6,
        read: true,
        ..Token::default()
    }
}

fn home() -> (tempfile::TempDir, Home) {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let home = Home::at(&folder.path().join("state"));
    (folder, home)
}

#[test]
fn the_files_have_the_originals_names_and_members() {
    let (folder, home) = home();
    let profile = Profile {
        active_project: 6,
        active_user: 101,
        activer_user_email: "a@b.c".into(),
        ..Profile::default()
    };
    home.save("default", &profile).expect("saved");
    home.save_project_token("default", &token()).expect("saved");
    let user = Token { token: "t".into(), user_id: 101, ..Token::default() };
    home.save_user_token("default", &user).expect("saved");

    let text = |file: &str| {
        fs::read_to_string(folder.path().join("state").join(file)).expect("the file is there")
    };
    insta::assert_snapshot!(text("profile"), @r#"{"profile":"default"}"#);
    insta::assert_snapshot!(text("default/profile.config"), @r#"{"server":"http://127.0.0.1:8420","active_project":6,"active_user":101,"activer_user_email":"a@b.c"}"#);
    insta::assert_snapshot!(text("default/proj_6.json"), @r#"{"Token":"a.b.c","Expires":"2016-08-28 17:25:31 +0000","project_id":6,"Read":true,"Write":false,"Admin":false}"#);
    insta::assert_snapshot!(text("default/token.json"), @r#"{"Token":"t","Expires":"","user_id":101,"Read":false,"Write":false,"Admin":false}"#);
}

#[cfg(unix)]
#[test]
fn nobody_else_can_read_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, home) = home();
    home.save("default", &Profile::default()).expect("saved");
    home.save_project_token("default", &token()).expect("saved");
    let mode = |path: &str| {
        let path = folder.path().join("state").join(path);
        fs::metadata(path).expect("it is there").permissions().mode() & 0o777
    };
    assert_eq!(["", "default"].map(mode), [0o700; 2]);
    let files = ["profile", "default/profile.config", "default/proj_6.json"];
    assert_eq!(files.map(mode), [0o600; 3]);
}

#[test]
fn what_was_written_is_read_again() {
    let (_folder, home) = home();
    assert!(home.load("work").expect("readable").is_none());
    home.save("work", &Profile::default()).expect("saved");
    home.save_project_token("work", &token()).expect("saved");
    assert_eq!(home.load("work").expect("readable"), Some(Profile::default()));
    assert!(home.project_token("work", 6).expect("readable") == Some(token()));
    assert_eq!(home.projects_with_tokens("work").expect("readable"), [6]);
    home.forget_project_token("work", 6).expect("forgotten");
    home.forget_project_token("work", 6).expect("forgotten before");
    assert!(home.project_token("work", 6).expect("readable").is_none());
}

#[test]
fn the_first_profile_becomes_active_and_later_ones_do_not() {
    let (_folder, home) = home();
    assert_eq!(home.active().expect("readable"), None);
    home.save("one", &Profile::default()).expect("saved");
    home.save("two", &Profile::default()).expect("saved");
    assert_eq!(home.active().expect("readable").as_deref(), Some("one"));
    assert_eq!(home.profiles().expect("listed"), ["one", "two"]);
    home.delete("two").expect("deleted");
    assert_eq!(home.profiles().expect("listed"), ["one"]);
}

#[test]
fn a_files_missing_and_unknown_members_are_no_error() {
    let token: Token =
        serde_json::from_str(r#"{"Token":"t","Created":"x","user_id":3}"#).expect("readable");
    assert_eq!((token.token.as_str(), token.user_id, token.read), ("t", 3, false));
}

#[test]
fn a_profiles_name_cannot_lead_out_of_the_folder() {
    let (_folder, home) = home();
    for name in ["", "..", "../x", "a/b", ".hidden", "profile"] {
        assert!(home.save(name, &Profile::default()).is_err(), "{name:?}");
    }
}

#[test]
fn a_token_has_ended_when_its_date_has_passed_in_either_spelling() {
    let end = 1_472_405_131_000_000;
    for expires in ["2016-08-28 17:25:31 +0000", "2016-08-28T17:25:31Z"] {
        let token = Token { expires: expires.into(), ..token() };
        assert!(token.has_expired(Timestamp::from_micros(end)));
        assert!(!token.has_expired(Timestamp::from_micros(end - 1)));
    }
    let unreadable = Token { expires: "soon".into(), ..token() };
    assert!(!unreadable.has_expired(Timestamp::from_micros(i64::MAX)));
}
