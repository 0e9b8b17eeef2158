use std::time::Duration;

use super::settings::{FORMER_NAMES, SETTINGS};
use super::{Config, ConfigError, SignUp};

fn flag(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

fn refusal(flags: &[(String, String)]) -> ConfigError {
    Config::load(flags, [], None).expect_err("refused")
}

fn lines(refusals: &[ConfigError]) -> String {
    refusals.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_settings_without_any_word_from_the_operator() {
    let (_, origins) = Config::load(&[], [], None).expect("defaults");
    insta::assert_snapshot!(origins.print());
}

#[test]
fn a_flag_beats_the_environment_which_beats_the_file_which_beats_the_default() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("iobeam.toml");
    std::fs::write(&file, "listen = '127.0.0.1:1'\nbody-limit = '1MiB'\nlogin-attempts = 3\n")
        .expect("written");
    let env = [
        flag("IOBEAM_LISTEN", "127.0.0.1:2"),
        flag("IOBEAM_MAX_REQUEST_SIZE", "2MiB"),
        flag("IOBEAM_TOKEN", "x"),
    ];
    let (config, origins) =
        Config::load(&[flag("listen", "127.0.0.1:3")], env, Some(&file)).expect("sound");
    assert_eq!(config.http.listen.port(), 3);
    assert_eq!(config.http.max_request_size, 2 << 20);
    assert_eq!(config.auth.login_attempts, 3);
    let shown: Vec<String> = origins
        .iter()
        .filter(|(setting, ..)| {
            ["listen", "max-request-size", "login-attempts", "signup"].contains(&setting.name)
        })
        .map(|(setting, value, origin)| format!("{} {value} {origin}", setting.name))
        .collect();
    let shown = shown.join("\n").replace(&dir.path().display().to_string(), "DIR");
    insta::assert_snapshot!(shown, @r"
    listen 127.0.0.1:3 flag
    signup auto default
    max-request-size 2MiB environment IOBEAM_MAX_REQUEST_SIZE
    login-attempts 3 file DIR/iobeam.toml
    ");
}

#[test]
fn an_unknown_name_is_refused_with_the_nearest_one() {
    let env = [flag("IOBEAM_MAX_REQUEST_SIZES", "1")];
    let refusals = [
        refusal(&[flag("data_dirs", "x")]),
        refusal(&[flag("colour", "x")]),
        Config::load(&[], env, None).expect_err("misspelt"),
    ];
    insta::assert_snapshot!(lines(&refusals), @r"
    flag: there is no setting 'data_dirs'; did you mean 'data-dir'?
    flag: there is no setting 'colour'
    environment IOBEAM_MAX_REQUEST_SIZES: there is no setting 'max-request-sizes'; did you mean 'max-request-size'?
    ");
}

#[test]
fn a_wrong_value_is_refused_with_its_origin_and_without_its_password() {
    let wrong = [
        flag("max-request-size", "many"),
        flag("query-timeout", "0s"),
        flag("smtp-url", "http://me:secret@host"),
        flag("tls-listen", "127.0.0.1:1"),
    ];
    let refusals: Vec<ConfigError> = wrong.into_iter().map(|wrong| refusal(&[wrong])).collect();
    insta::assert_snapshot!(lines(&refusals), @r"
    flag: max-request-size = 'many': use bytes, or a number with KiB, MiB or GiB, such as 32MiB
    flag: query-timeout = '0s': use a number above zero with w, d, h, m, s or ms, such as 30s
    flag: smtp-url = 'http://me:***@host/': use smtp://host or smtps://user:password@host
    tls-listen needs a certificate: set tls-cert and tls-key, or tls-self-signed
    ");
}

#[test]
fn a_password_in_a_setting_is_never_shown() {
    let flags = [flag("smtp-url", "smtps://me:secret@host")];
    let (config, origins) = Config::load(&flags, [], None).expect("sound");
    assert!(!origins.print().contains("secret"));
    assert!(!format!("{config:?}").contains("secret"));
    assert_eq!(config.mail.smtp_url.expect("set").reveal().password(), Some("secret"));
}

#[test]
fn what_is_printed_can_be_loaded_again() {
    let dir = tempfile::tempdir().expect("a folder");
    let (config, origins) = Config::load(&[flag("signup", "closed")], [], None).expect("sound");
    let file = dir.path().join("printed.toml");
    std::fs::write(&file, origins.print()).expect("written");
    let (again, _) = Config::load(&[], [], Some(&file)).expect("sound");
    assert_eq!(again, config);
}

#[test]
fn sign_up_is_open_where_only_this_machine_can_reach_it() {
    for (listen, signup) in
        [("127.0.0.1:1", SignUp::Open), ("[::1]:1", SignUp::Open), ("0.0.0.0:1", SignUp::Invite)]
    {
        let (config, _) = Config::load(&[flag("listen", listen)], [], None).expect("sound");
        assert_eq!(config.auth.signup, signup, "{listen}");
    }
}

#[test]
fn a_setting_by_its_former_name_is_accepted_and_told_of() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("settings.toml");
    std::fs::write(&file, "stop_timeout = \"3s\"\n").expect("written");
    let env = [flag("IOBEAM_QUERY_ROWS", "7")];
    let flags = [flag("body-limit", "2MiB"), flag("flush-age", "1m")];
    let (config, origins) = Config::load(&flags, env, Some(&file)).expect("sound");
    assert_eq!(config.http.shutdown_timeout, Duration::from_secs(3));
    assert_eq!((config.query.max_rows, config.http.max_request_size), (7, 2 << 20));
    let warnings: Vec<_> = origins.warnings().collect();
    assert_eq!(warnings.len(), 3, "{warnings:?}");
    for (former, current) in FORMER_NAMES {
        assert!(SETTINGS.iter().any(|setting| setting.name == *current), "{current}");
        assert!(SETTINGS.iter().all(|setting| setting.name != *former), "{former}");
    }
    assert!(warnings[2].contains("'body-limit' is called 'max-request-size' now"), "{warnings:?}");
}
