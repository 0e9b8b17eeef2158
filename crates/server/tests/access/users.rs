//! Accounts.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use crate::platform::{Browser, PASSWORD, Platform, key_in};

#[test]
fn who_signs_up_can_log_in_at_once_and_never_sees_the_password_again() {
    let platform = Platform::start();
    let body = json!({"email": "a@example.org", "password": PASSWORD, "username": "ada",
        "first_name": "Ada", "invite": "whatever"});
    let made = platform.post("/v1/users/", "", &body).expect(201);
    assert_eq!(
        made,
        json!({"user_id": made["user_id"], "email": "a@example.org",
        "username": "ada", "first_name": "Ada", "last_name": "", "company_name": "", "url": ""})
    );
    for name in ["a@example.org", "A@Example.ORG", "ada"] {
        let token = platform.log_in(name, PASSWORD).expect(200);
        assert_eq!(token["user_id"], made["user_id"]);
        let token = token["token"].as_str().expect("a token");
        assert_eq!(platform.get("/v1/users/me", token).expect(200), made);
    }
}

#[test]
fn a_sign_up_that_makes_no_sense_is_told_why() {
    let platform = Platform::start();
    platform.person("ada");
    let taken = json!({"email": "ADA@example.org", "password": PASSWORD});
    assert_eq!(platform.post("/v1/users", "", &taken).refused(422)["code"], 33);
    let password = json!({"email": "b@example.org", "password": "short"});
    let refusal = platform.post("/v1/users", "", &password).refused(400);
    assert!(refusal["details"].as_str().expect("a text").contains("password"), "{refusal}");
    assert!(!refusal.to_string().contains("short\""), "{refusal}");
    for body in [json!({}), json!({"email": 5, "password": PASSWORD}), json!([])] {
        platform.post("/v1/users", "", &body).refused(400);
    }
    platform.send("POST", "/v1/users", &[], Some("{nonsense")).refused(400);
}

#[test]
fn a_user_is_found_by_name_as_one_object_and_by_search_as_a_list() {
    let platform = Platform::start();
    let ada = platform.person("ada");
    let bob = platform.person("bob");
    for name in ["bob", "bob@example.org", "BOB"] {
        let found = platform.get(&format!("/v1/users?name={name}"), &ada.token).expect(200);
        assert_eq!(found["user_id"], bob.id);
        assert_eq!(found["email"], bob.email);
    }
    let expected = json!({"users": [{"user_id": bob.id, "username": "bob", "email": bob.email}]});
    let search =
        |by: &str, text: &str| platform.get(&format!("/v1/users/?search={text}"), by).expect(200);
    assert_eq!(search(&ada.token, "bob"), expected);
    // Who shares a project is found by a part of the name.
    assert_eq!(search(&ada.token, "bo"), json!({"users": []}));
    let project = platform.project(&ada, "mill");
    let path = format!("/v1/projects/{project}/permissions");
    platform.patch(&path, &ada.token, &json!({"user_id": bob.id, "read": true})).expect_empty(201);
    platform.token(&bob, project, "");
    assert_eq!(search(&ada.token, "bo"), expected);
    assert_eq!(platform.get("/v1/users?name=nobody", &ada.token).refused(404)["code"], 32);
    platform.get("/v1/users", &ada.token).refused(400);
}

#[test]
fn nobody_lists_strangers_or_learns_an_address_from_a_name() {
    let platform = Platform::start();
    platform.person("operator");
    let ada = platform.person("ada");
    let eve = platform.person("eve");
    for text in ["@", "example", "a", "%25", "_", "ada@", "@example.org", ".", "%20", "ADA@"] {
        let reply = platform.get(&format!("/v1/users?search={text}"), &eve.token);
        assert!(!reply.text.contains("ada"), "{text}: {}", reply.text);
        assert!(!reply.text.contains("operator"), "{text}: {}", reply.text);
    }
    for query in ["name=ada", "search=ada"] {
        let reply = platform.get(&format!("/v1/users?{query}"), &eve.token);
        assert_eq!(reply.status, 200);
        assert!(reply.text.contains(&ada.id.to_string()), "{}", reply.text);
        assert!(!reply.text.contains('@'), "a name brings no address: {}", reply.text);
    }
    let by_address = platform.get("/v1/users?name=ada@example.org", &eve.token).expect(200);
    assert_eq!((&by_address["user_id"], &by_address["email"]), (&json!(ada.id), &json!(ada.email)));
    assert_eq!(by_address["username"], "", "nor does an address bring a name");
}

#[test]
fn a_stolen_token_changes_neither_address_nor_password_and_the_old_address_hears_of_a_change() {
    let platform = Platform::start();
    platform.person("operator");
    let ada = platform.person("ada");
    let thief = json!({"email": "thief@example.org"});
    let with = |password: &str| {
        let mut body = thief.clone();
        body["old_password"] = json!(password);
        body
    };
    platform.patch("/v1/users/me", &ada.token, &thief).refused(401);
    platform.patch("/v1/users/me", &ada.token, &with("a guess, perhaps")).refused(401);
    let browser = platform.browser("ada", PASSWORD);
    platform.visit(&browser, ("PATCH", "/v1/users/me"), None, &thief).refused(401);
    assert_eq!(platform.get("/v1/users/me", &ada.token).expect(200)["email"], ada.email);
    assert!(platform.letters_now("revert").is_empty());
    // Other spellings of the same address and other members need no password.
    let same = json!({"email": "Ada@example.org", "company_name": "Engines"});
    platform.patch("/v1/users/me", &ada.token, &same).expect(200);
    // With the password it changes, and the old address can take it back.
    platform.patch("/v1/users/me", &ada.token, &with(PASSWORD)).expect(200);
    assert_eq!(platform.get("/v1/users/me", &ada.token).expect(200)["email"], "thief@example.org");
    let letter = platform.letters("revert", 1).remove(0);
    assert!(letter.contains("To: Ada@example.org"), "{letter}");
    let body = json!({"revert_key": key_in(&letter)});
    platform.post("/v1/users/email/revert", "", &body).expect_empty(204);
    platform.post("/v1/users/email/revert", "", &body).refused(400);
    platform.get("/v1/users/me", &ada.token).refused(401);
    platform.visit(&browser, ("GET", "/v1/users/me"), None, &json!(null)).refused(401);
    platform.log_in("ada", PASSWORD).refused(401);
    let reset = json!({"reset_key": key_in(&platform.letters("reset", 1)[0]), "password": "another fine password"});
    platform.post("/v1/users/password", "", &reset).expect_empty(204);
    let back = platform.log_in("ada@example.org", "another fine password").expect(200);
    assert_eq!(back["user_id"], ada.id);
}

#[test]
fn with_mail_a_new_address_is_used_once_its_key_came_back() {
    // Nobody listens there: letters end up in the outbox all the same.
    let url = "smtp://127.0.0.1:9".parse().expect("a url");
    let platform = Platform::start_with(|config| config.mail.smtp_url = Some(url));
    let ada = platform.person("ada");
    let body = json!({"email": "new@example.org", "old_password": PASSWORD});
    let shown = platform.patch("/v1/users/me", &ada.token, &body).expect(200);
    assert_eq!(shown["email"], ada.email, "not yet");
    platform.log_in("new@example.org", PASSWORD).refused(401);
    let letters = platform.letters("verify", 2);
    let letter = letters.iter().find(|letter| letter.contains("To: new@example.org"));
    let revert = platform.letters("revert", 1).remove(0);
    assert!(revert.contains(&format!("To: {}", ada.email)), "{revert}");
    let body = json!({"verification_key": key_in(letter.expect("a letter to the new address"))});
    platform.post("/v1/users/email", "", &body).expect_empty(204);
    platform.log_in("new@example.org", PASSWORD).expect(200);
}

#[test]
fn a_new_password_is_told_by_mail() {
    let platform = Platform::start();
    let ada = platform.person("ada");
    let body = json!({"password": "another fine password", "old_password": PASSWORD});
    platform.patch("/v1/users/me", &ada.token, &body).expect(200);
    let letter = platform.letters("password", 1).remove(0);
    assert!(letter.contains(&format!("To: {}", ada.email)), "{letter}");
    assert!(!letter.contains("another fine"), "{letter}");
}

#[test]
fn a_change_is_200_and_no_change_is_204() {
    let platform = Platform::start();
    let ada = platform.person("ada");
    let body = json!({"company_name": "Engines", "user_id": 77, "email": ada.email});
    let changed = platform.patch("/v1/users/me", &ada.token, &body).expect(200);
    assert_eq!(
        (changed["company_name"].as_str(), &changed["user_id"]),
        (Some("Engines"), &json!(ada.id))
    );
    platform.patch("/v1/users/me/", &ada.token, &body).expect_empty(204);
    platform.patch("/v1/users/me", &ada.token, &json!({})).expect_empty(204);
}

#[test]
fn a_new_password_needs_the_old_one_and_ends_the_other_log_ins() {
    let platform = Platform::start();
    let ada = platform.person("ada");
    let other = platform.log_in("ada", PASSWORD).expect(200)["token"].clone();
    let other = other.as_str().expect("a token");
    let body = json!({"password": "another fine password"});
    platform.patch("/v1/users/me", &ada.token, &body).refused(401);
    platform.patch("/v1/users/me?old_password=wrong", &ada.token, &body).refused(401);
    let path = "/v1/users/me?old_password=correct+horse%20battery";
    platform.patch(path, &ada.token, &body).expect(200);
    platform.log_in("ada", PASSWORD).refused(401);
    platform.log_in("ada", "another fine password").expect(200);
    platform.get("/v1/users/me", &ada.token).expect(200);
    platform.get("/v1/users/me", other).refused(401);
}

#[test]
fn a_letter_brings_the_key_that_verifies_an_address() {
    let platform = Platform::start();
    let ada = platform.person("ada");
    let letters = platform.letters("verify", 1);
    assert!(letters[0].contains(&format!("To: {}", ada.email)), "{letters:?}");
    let body = json!({"verification_key": key_in(&letters[0])});
    platform.post("/v1/users/email", "", &body).expect_empty(204);
    platform.post("/v1/users/email", "", &json!({"verification_key": "no such"})).refused(400);
}

#[test]
fn a_letter_brings_the_key_that_resets_a_password_and_nobody_learns_who_has_an_account() {
    let platform = Platform::start();
    let ada = platform.person("ada");
    platform.get("/v1/users/password?reset=nobody@example.org", "").expect_empty(204);
    platform.get(&format!("/v1/users/password?reset={}", ada.email), "").expect_empty(204);
    let letters = platform.letters("reset", 1);
    assert_eq!(letters.len(), 1);
    let key = key_in(&letters[0]);
    let body = json!({"reset_key": key, "password": "x"});
    platform.post("/v1/users/password", "", &body).refused(400);
    let body = json!({"reset_key": key, "password": "another fine password"});
    platform.post("/v1/users/password", "", &body).expect_empty(204);
    platform.post("/v1/users/password", "", &body).refused(400);
    platform.get("/v1/users/me", &ada.token).refused(401);
    platform.log_in("ada", "another fine password").expect(200);
}

#[test]
fn signing_up_can_be_by_invite_or_closed() {
    use iobeam_server::config::SignUp;
    let platform = Platform::start_with(|config| config.auth.signup = SignUp::Closed);
    let body = json!({"email": "a@example.org", "password": PASSWORD});
    platform.post("/v1/users", "", &body).refused(403);
    let platform = Platform::start_with(|config| config.auth.signup = SignUp::Invite);
    platform.post("/v1/users", "", &body).refused(403);
    let body = json!({"email": "a@example.org", "password": PASSWORD, "invite": "guess"});
    platform.post("/v1/users", "", &body).refused(403);
    // Whoever runs the server finds the first code in its folder, and it is good for one.
    let file = platform.data().join("first-invite");
    let mode = fs::metadata(&file).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let code = fs::read_to_string(&file).expect("a code");
    let body = json!({"email": "a@example.org", "password": PASSWORD, "invite": code.trim()});
    platform.post("/v1/users", "", &body).expect(201);
    let body = json!({"email": "b@example.org", "password": PASSWORD, "invite": code.trim()});
    platform.post("/v1/users", "", &body).refused(403);
    let token = platform.log_in("a@example.org", PASSWORD).expect(200)["token"].clone();
    let invite = platform.post("/v1/invites", token.as_str().expect("a token"), &json!({}));
    let body = json!({"email": "b@example.org", "password": PASSWORD, "invite": invite.expect(201)["code"]});
    platform.post("/v1/users", "", &body).expect(201);
}

#[test]
fn the_operator_invites_and_nobody_else() {
    let platform = Platform::start();
    let operator = platform.person("ada");
    let user = platform.person("bob");
    let invite = json!({"uses": 2, "duration": "1w"});
    platform.post("/v1/invites", &user.token, &invite).refused(403);
    let made = platform.post("/v1/invites", &operator.token, &invite).expect(201);
    let code = made["code"].as_str().expect("a code");
    let list = platform.get("/v1/invites", &operator.token).expect(200);
    assert!(!list.to_string().contains(code), "{list}");
    let listed = &list["invites"][0];
    assert_eq!((&listed["uses"], &listed["used"]), (&json!(2), &json!(0)));
    assert!(code.starts_with(listed["hint"].as_str().expect("a hint")));
    let path = format!("/v1/invites/{}", listed["invite_id"]);
    platform.delete(&path, &user.token).refused(403);
    platform.delete(&path, &operator.token).expect_empty(204);
    platform.delete("/v1/invites/999", &operator.token).refused(404);
    platform.post("/v1/invites", &operator.token, &json!({"uses": 0})).refused(400);
    platform.post("/v1/invites", &operator.token, &json!({"duration": "soon"})).refused(400);
}

#[test]
fn who_makes_members_by_number_sees_no_address_until_they_come() {
    let platform = Platform::start();
    platform.person("operator");
    let (ada, eve) = (platform.person("ada"), platform.person("eve"));
    let project = platform.project(&eve, "trap");
    let path = format!("/v1/projects/{project}");
    let member = json!({"user_id": ada.id, "read": true, "write": true, "admin": true});
    platform.patch(&format!("{path}/permissions"), &eve.token, &member).expect_empty(201);
    let looks = || {
        ["", "/permissions"]
            .map(|part| format!("{path}{part}"))
            .into_iter()
            .chain([
                "/v1/users?search=@".to_owned(),
                "/v1/users?search=ad".to_owned(),
                format!("/v1/tokens?project_id={project}"),
                "/v1/projects".to_owned(),
            ])
            .map(|path| platform.get(&path, &eve.token).text)
            .collect::<String>()
    };
    assert!(!looks().contains("ada"), "{}", looks());
    // A page of hers that opens the project shows that she is there.
    let browser = platform.browser("ada", PASSWORD);
    let data = ("GET", "/v1/data/input");
    assert_eq!(platform.visit(&browser, data, Some(project), &json!(null)).status, 200);
    assert!(looks().contains(&ada.email), "{}", looks());
    // Who was asked for by name is shown by that name.
    let bob = platform.person("bob");
    let member = json!({"user_id": bob.id, "name": "Bob", "read": true});
    platform.patch(&format!("{path}/permissions"), &eve.token, &member).expect_empty(201);
    let shown = platform.get(&path, &eve.token).expect(200)["members"].to_string();
    assert!(shown.contains("\"bob\"") && !shown.contains("bob@"), "{shown}");
    let wrong = json!({"user_id": bob.id, "name": "operator", "read": true, "write": true});
    let operator = json!({"user_id": 1, "name": "bob", "read": true});
    platform.patch(&format!("{path}/permissions"), &eve.token, &operator).refused(404);
    platform.patch(&format!("{path}/permissions"), &eve.token, &wrong).expect(200);
}

#[test]
fn an_account_is_deleted_by_who_knows_its_password_and_by_no_stolen_token() {
    let platform = Platform::start_with(|config| config.auth.login_attempts = 5);
    let operator = platform.person("operator");
    let (ada, bob) = (platform.person("ada"), platform.person("bob"));
    let project = platform.project(&ada, "mill");
    let key = platform.token(&ada, project, "&device_id=d");
    let path = "/v1/users/me/deletion";
    let delete = |by: &str, body| platform.post(path, by, &body);
    let right = || json!({"password": PASSWORD});
    delete(&operator.token, right()).refused(400);
    delete(&ada.token, json!({})).refused(400);
    let refused = delete(&ada.token, right()).refused(409);
    assert!(refused["details"].as_str().expect("a text").contains("'mill'"), "{refused}");
    delete(&ada.token, json!({"password": PASSWORD, "heir": bob.id})).refused(400);
    let member = json!({"user_id": bob.id, "read": true});
    let permissions = format!("/v1/projects/{project}/permissions");
    platform.patch(&permissions, &ada.token, &member).expect_empty(201);
    let browser = platform.browser("ada", PASSWORD);
    let without_csrf = Browser { csrf: String::new(), ..browser.clone() };
    let with_heir = json!({"password": PASSWORD, "heir": bob.id});
    platform.visit(&without_csrf, ("POST", path), None, &with_heir).refused(403);
    platform.visit(&browser, ("POST", path), None, &with_heir).expect_empty(204);
    platform.visit(&browser, ("GET", "/v1/users/me"), None, &json!(null)).refused(401);
    platform.get("/v1/users/me", &ada.token).refused(401);
    platform.log_in("ada", PASSWORD).refused(401);
    assert_eq!(
        platform.get("/v1/projects", &bob.token).expect(200)["projects"][0]["project_id"],
        project
    );
    // Its device goes on, as the project's.
    let row = json!({"project_id": project, "device_id": "d", "sources": []});
    assert_ne!(platform.post("/v1/imports", &key, &row).status, 401);
    assert!(platform.letters("deleted", 1)[0].contains("To: ada@example.org"));
    let log = platform.get("/v1/audit?action=user.delete", &operator.token).expect(200);
    assert_eq!(log["rows"].as_array().expect("rows").len(), 1);
    assert_eq!(
        (&log["rows"][0]["user_id"], &log["rows"][0]["target"]),
        (&json!(ada.id), &json!(format!("user:{}", ada.id)))
    );
    // With a token alone one may guess a few times.
    for _ in 0..5 {
        delete(&bob.token, json!({"password": "a guess, perhaps"})).refused(401);
    }
    delete(&bob.token, right()).refused(429);
    platform.get("/v1/users/me", &bob.token).expect(200);
}

#[test]
fn the_audit_log_is_asked_for_parts_of_it_and_checked() {
    let platform = Platform::start();
    let operator = platform.person("operator");
    let ada = platform.person("ada");
    let project = platform.project(&ada, "mill");
    platform.token(&ada, project, "&device_id=d");
    let rows = |query: &str| {
        let reply = platform.get(&format!("/v1/audit?{query}"), &operator.token).expect(200);
        let rows = reply["rows"].as_array().expect("rows").iter();
        rows.map(|row| row["action"].as_str().expect("a text").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(rows(&format!("project_id={project}")), ["token.issue", "project.create"]);
    assert_eq!(rows(&format!("user_id={}&action=token", ada.id)), ["token.issue"]);
    assert_eq!(rows(&format!("target=user:{}", ada.id)), ["sign-in", "user.create"]);
    assert_eq!(rows("action=user&to=2020-01-01T00:00:00Z"), [""; 0]);
    assert_eq!(rows("action=project&from=2020-01-01T00:00:00Z"), ["project.create"]);
    for wrong in [
        "action=tok",
        "action=nonsense",
        "from=yesterday",
        "to=",
        "user_id=0",
        "project_id=0",
        "user_id=x",
    ] {
        let reply = platform.get(&format!("/v1/audit?{wrong}"), &operator.token);
        assert!(matches!(reply.status, 400 | 404), "{wrong}: {reply:?}");
    }
    let check = |query: &str| platform.get(&format!("/v1/audit/check{query}"), &operator.token);
    let state = check("").expect(200);
    assert_eq!(state["sound"], true);
    let hash = state["hash"].as_str().expect("a hash").to_owned();
    assert_eq!(check(&format!("?hash={hash}")).expect(200)["sound"], true);
    let other = format!("{}{}", &hash[1..], &hash[..1]);
    let state = check(&format!("?hash={other}")).expect(200);
    assert_eq!(state["sound"], false);
    assert!(state["problem"].as_str().expect("a text").contains("hash"), "{state}");
    for wrong in [
        "?hash=",
        "?hash=ab",
        "?hash=zz",
        &format!("?hash={hash}00"),
        &format!("?hash=+{}", &hash[1..]),
    ] {
        check(wrong).refused(400);
    }
    platform.get("/v1/audit/check", &ada.token).refused(403);
}
