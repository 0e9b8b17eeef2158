//! Ways in: invites to projects, links in letters, how many accounts an address may make, names of tokens.

use iobeam_server::config::SignUp;
use serde_json::{Value, json};

use crate::platform::{PASSWORD, Platform, key_in};

const PUBLIC: &str = "https://iot.example";

#[test]
fn an_invite_by_mail_makes_a_member_of_who_opens_its_link() {
    let platform = Platform::start_with(|config| config.http.public_url = Some(PUBLIC.to_owned()));
    let (ada, bob) = (platform.person("ada"), platform.person("bob"));
    let project = platform.project(&ada, "greenhouse");
    let invites = format!("/v1/projects/{project}/invites");
    let body = json!({"email": "bob@work.org", "read": true, "write": true});
    let made = platform.post(&invites, &ada.token, &body).expect(201);
    let code = made["code"].as_str().expect("a code");
    assert_eq!(made["link"], format!("{PUBLIC}/invite#{code}"));
    let letter = platform.letters("invite", 1).remove(0);
    assert!(letter.contains("To: bob@work.org") && letter.contains("'greenhouse'"), "{letter}");
    assert!(letter.contains(&format!("    {PUBLIC}/invite#{code}\r\n")), "{letter}");
    let list = platform.get(&invites, &ada.token);
    assert!(!list.text.contains(code), "the code is shown once");
    let listed = &list.expect(200)["invites"][0];
    assert_eq!((&listed["email"], &listed["admin"]), (&json!("bob@work.org"), &json!(false)));

    let accept =
        |code: &str| platform.post("/v1/invites/accept", &bob.token, &json!({"code": code}));
    accept("nonsense").refused(400);
    assert_eq!(accept(code).expect(200)["project_id"], project);
    accept(code).refused(400);
    let shown = platform.get(&format!("/v1/projects/{project}"), &bob.token).expect(200);
    let member = json!({"user_id": bob.id, "username": "bob", "email": bob.email});
    assert!(shown["members"].as_array().expect("members").contains(&member), "{shown}");
    // Who does not administer the project invites nobody to it.
    platform.post(&invites, &bob.token, &body).refused(403);
    platform.get(&invites, &bob.token).refused(403);

    let made = platform.post(&invites, &ada.token, &body).expect(201);
    let one = format!("{invites}/{}", made["invite_id"]);
    platform.delete(&one, &bob.token).refused(403);
    platform.delete(&one, &ada.token).expect_empty(204);
    platform.delete(&one, &ada.token).refused(404);
    accept(made["code"].as_str().expect("a code")).refused(400);
    platform.post(&invites, &ada.token, &json!({"email": "x@x.org"})).refused(400);
}

#[test]
fn an_invite_to_a_project_opens_a_platform_that_lets_in_by_invitation() {
    let platform = Platform::start_with(|config| config.auth.signup = SignUp::Invite);
    let first = std::fs::read_to_string(platform.data().join("first-invite")).expect("a code");
    let sign_up = |name: &str, code: &str| {
        let email = format!("{name}@example.org");
        let body = json!({"email": email, "password": PASSWORD, "invite": code.trim()});
        platform.post("/v1/users", "", &body)
    };
    sign_up("ada", &first).expect(201);
    let browser = platform.browser("ada@example.org", PASSWORD);
    let visit = |call, body: &Value| platform.visit(&browser, call, None, body);
    let project = visit(("POST", "/v1/projects"), &json!({"project_name": "p"})).expect(201);
    let invites = format!("/v1/projects/{}/invites", project["project_id"]);
    let body = json!({"email": "new@example.org", "read": true});
    let made = visit(("POST", &invites), &body).expect(201);
    let code = made["code"].as_str().expect("a code");
    assert_eq!(made["link"], format!("/invite#{code}"));
    sign_up("stranger", "nonsense").refused(403);
    sign_up("new", code).expect(201);
    sign_up("another", code).refused(403);
    let new = platform.browser("new@example.org", PASSWORD);
    let list = platform.visit(&new, ("GET", "/v1/projects"), None, &Value::Null).expect(200);
    assert_eq!(list["projects"][0]["permissions"]["read"], true, "{list}");
}

#[test]
fn letters_lead_to_the_web_app_and_can_be_asked_for_again() {
    let platform = Platform::start_with(|config| config.http.public_url = Some(PUBLIC.to_owned()));
    let ada = platform.person("ada");
    let link = key_in(&platform.letters("verify", 1)[0]);
    assert!(link.starts_with("https://iot.example/verify#"), "{link}");
    let again = || platform.post("/v1/users/me/verification", &ada.token, &json!({}));
    again().expect_empty(204);
    let second = key_in(&platform.letters("verify", 2)[1]);
    assert_ne!(link, second);
    for link in [link, second] {
        let key = link.rsplit('#').next().expect("a key");
        platform.post("/v1/users/email", "", &json!({"verification_key": key})).expect_empty(204);
    }
    again().expect_empty(204);
    platform.get("/v1/users/password?reset=ada@example.org", "").expect_empty(204);
    let reset = key_in(&platform.letters("reset", 1)[0]);
    assert!(reset.starts_with("https://iot.example/reset#"), "{reset}");
    assert_eq!(platform.letters_now("verify").len(), 2, "a verified address needs no letter");
    let browser = platform.browser("ada", PASSWORD);
    let me = platform.visit(&browser, ("GET", "/v1/session"), None, &Value::Null).expect(200);
    assert_eq!(me["user"]["email_verified"], true);
}

#[test]
fn an_address_makes_so_many_accounts_and_those_that_were_refused_do_not_count() {
    let platform = Platform::start_with(|config| config.auth.signups_per_hour = 2);
    platform.person("ada");
    let sign_up = |name: &str, password: &str| {
        let body = json!({"email": format!("{name}@example.org"), "password": password});
        platform.post("/v1/users", "", &body)
    };
    for _ in 0..3 {
        sign_up("short", "short").refused(400);
        sign_up("ada", PASSWORD).refused(422);
    }
    sign_up("bob", PASSWORD).expect(201);
    let refused = sign_up("eve", PASSWORD);
    refused.refused(429);
    assert!(refused.headers.contains_key("retry-after"));
    platform.log_in("ada", PASSWORD).expect(200);
}

#[test]
fn a_token_has_the_name_that_it_was_given_and_its_successor_too() {
    let platform = Platform::start();
    let ada = platform.person("ada");
    let project = platform.project(&ada, "greenhouse");
    let named = platform.token(&ada, project, "&name=%20North%20door%20");
    let plain = platform.token(&ada, project, "");
    platform.post("/v1/tokens/project", "", &json!({"refresh_token": named})).expect(200);
    platform.browser("ada", PASSWORD);
    let list = platform.get("/v1/tokens", &ada.token).expect(200);
    let called: Vec<Value> = list["tokens"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|token| token.get("name").cloned().unwrap_or_default())
        .collect();
    let door = json!("North door");
    assert_eq!(called, [json!("web browser"), door.clone(), Value::Null, door, Value::Null]);
    platform.get("/v1/devices", &plain).expect(200);
    for wrong in ["%00", &"n".repeat(101)] {
        let path = format!("/v1/tokens/project?project_id={project}&name={wrong}");
        platform.get(&path, &ada.token).refused(400);
    }
}
