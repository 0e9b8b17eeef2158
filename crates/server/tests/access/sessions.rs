//! Sessions of browsers: signing in, who is let in by the cookie, what a foreign page cannot do.

use serde_json::{Value, json};

use crate::platform::{Browser, PASSWORD, Person, Platform};

fn with_project() -> (Platform, Person, u64) {
    let platform = Platform::start();
    let ada = platform.person("ada");
    let project = platform.project(&ada, "greenhouse");
    (platform, ada, project)
}

fn sign_in(platform: &Platform, headers: &[(&str, &str)]) -> crate::platform::Reply {
    let body = json!({"name": "ada", "password": PASSWORD}).to_string();
    platform.send("POST", "/v1/session", headers, Some(&body))
}

/// A call without a body, with these headers beside the cookie.
fn with(platform: &Platform, browser: &Browser, call: (&str, &str), more: &[(&str, &str)]) -> u16 {
    let mut headers = vec![("Cookie", browser.cookie.as_str())];
    headers.extend(more);
    platform.send(call.0, call.1, &headers, None).status
}

#[test]
fn a_browser_signs_in_sees_itself_and_signs_out() {
    let (platform, ada, project) = with_project();
    let before = platform.get("/v1/session", "").expect(200);
    assert_eq!(before["user"], Value::Null);
    assert_eq!((&before["signup"], &before["mail"]), (&json!("open"), &json!(false)));
    assert!(before.get("csrf").is_none() && before["version"].is_string(), "{before}");

    let reply = sign_in(&platform, &[]);
    let said = reply.expect(200);
    let user = &said["user"];
    assert_eq!((&user["user_id"], &user["email"]), (&json!(ada.id), &json!(ada.email)));
    assert_eq!((&user["operator"], &user["email_verified"]), (&json!(true), &json!(false)));
    let cookie = reply.headers["set-cookie"].to_str().expect("ascii");
    for attribute in ["Path=/", "Max-Age=2592000", "HttpOnly", "SameSite=Strict"] {
        assert!(cookie.split("; ").any(|part| part == attribute), "{attribute}: {cookie}");
    }
    assert!(cookie.starts_with("iobeam_session=") && !cookie.contains("Secure"), "{cookie}");
    assert_eq!(reply.headers["cache-control"], "no-store");

    let csrf = said["csrf"].as_str().expect("a value").to_owned();
    let browser = Browser { cookie: reply.cookie(), csrf, known: String::new() };
    let visit = |call, body: &Value| platform.visit(&browser, call, Some(project), body);
    assert_eq!(visit(("GET", "/v1/session"), &Value::Null).expect(200), said);
    assert_eq!(visit(("GET", "/v1/users/me"), &Value::Null).expect(200)["user_id"], ada.id);
    visit(("POST", "/v1/devices"), &json!({"device_id": "d"})).expect(201);
    // The session stands in the list of tokens, and its cookie in no reply.
    let list = visit(("GET", "/v1/tokens"), &Value::Null);
    let text = browser.cookie.rsplit('.').next().expect("a signature");
    assert!(!list.text.contains(text));
    assert_eq!(list.expect(200)["tokens"].as_array().expect("a list").len(), 2);

    let gone = visit(("DELETE", "/v1/session"), &Value::Null);
    gone.expect_empty(204);
    let cleared = gone.headers["set-cookie"].to_str().expect("ascii");
    assert!(cleared.starts_with("iobeam_session=; ") && cleared.contains("Max-Age=0"), "{cleared}");
    visit(("GET", "/v1/users/me"), &Value::Null).refused(401);
    assert_eq!(visit(("GET", "/v1/session"), &Value::Null).expect(200)["user"], Value::Null);
    visit(("DELETE", "/v1/session"), &Value::Null).expect_empty(204);
}

#[test]
fn a_cookie_alone_changes_nothing() {
    let (platform, ada, project) = with_project();
    let browser = platform.browser("ada", PASSWORD);
    let other = platform.browser("ada", PASSWORD);
    let of = format!("?project_id={project}");
    let issue = format!("/v1/tokens/project{of}");
    let before = platform.get("/v1/tokens", &ada.token).expect(200);
    let half = &browser.csrf[..browser.csrf.len() / 2];
    for csrf in ["", "x", half, &other.csrf, &browser.cookie["iobeam_session=".len()..]] {
        for call in [("GET", &*issue), ("HEAD", &*issue), ("POST", "/v1/projects")] {
            let status = with(&platform, &browser, call, &[("X-CSRF-Token", csrf)]);
            assert_eq!(status, 403, "{call:?} with {csrf:?}");
        }
    }
    for call in [("GET", &*issue), ("HEAD", &*issue), ("DELETE", "/v1/session")] {
        assert_eq!(with(&platform, &browser, call, &[]), 403, "{call:?}");
    }
    let twice = [("X-CSRF-Token", &*browser.csrf), ("X-CSRF-Token", &*browser.csrf)];
    assert_eq!(with(&platform, &browser, ("GET", &issue), &twice), 403);
    let shown = |list: &Value| {
        let tokens = list["tokens"].as_array().expect("a list").iter();
        tokens.map(|token| token["token_id"].clone()).collect::<Vec<_>>()
    };
    let after = platform.get("/v1/tokens", &ada.token).expect(200);
    assert_eq!(shown(&after), shown(&before), "no token was made");
    platform.visit(&browser, ("GET", &issue), None, &Value::Null).expect(200);
}

#[test]
fn a_page_of_another_site_is_not_let_in_whatever_it_sends_along() {
    let (platform, ..) = with_project();
    let browser = platform.browser("ada", PASSWORD);
    let own = format!("http://{}", platform.address());
    for (header, value, status) in [
        ("Sec-Fetch-Site", "cross-site", 403),
        ("Sec-Fetch-Site", "same-site", 403),
        ("Sec-Fetch-Site", "same-origin", 200),
        ("Origin", "http://127.0.0.1:1", 403),
        ("Origin", "null", 403),
        ("Origin", &own, 200),
    ] {
        let more = [(header, value), ("X-CSRF-Token", &*browser.csrf)];
        assert_eq!(with(&platform, &browser, ("GET", "/v1/users/me"), &more), status, "{value}");
        assert_eq!(sign_in(&platform, &[(header, value)]).status, status, "{value}");
    }
    // A form cannot say that it sends JSON.
    let body = json!({"name": "ada", "password": PASSWORD}).to_string();
    let mut form = std::net::TcpStream::connect(platform.address()).expect("a connection");
    let head =
        "POST /v1/session HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nConnection: close\r\n";
    let request = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
    std::io::Write::write_all(&mut form, request.as_bytes()).expect("sent");
    let reply = std::io::read_to_string(form).expect("a reply");
    assert!(reply.starts_with("HTTP/1.1 415") && !reply.contains("set-cookie"), "{reply}");
}

#[test]
fn scripts_of_other_sites_are_never_allowed_to_bring_a_cookie() {
    let (platform, ..) = with_project();
    let browser = platform.browser("ada", PASSWORD);
    let headers = [("Origin", "http://evil.example"), ("Cookie", &*browser.cookie)];
    for method in ["OPTIONS", "GET"] {
        for path in ["/v1/session", "/v1/users/me", "/v1/projects", "/"] {
            let reply = platform.send(method, path, &headers, None);
            let of = format!("{method} {path}");
            assert!(!reply.headers.contains_key("access-control-allow-credentials"), "{of}");
            let origin = reply.headers.get("access-control-allow-origin");
            assert!(origin.is_none_or(|origin| origin == "*"), "{of}");
            let allowed = reply.headers.get("access-control-allow-headers");
            let allowed = allowed.map_or("", |names| names.to_str().expect("ascii")).to_lowercase();
            assert!(!allowed.contains("csrf") && !allowed.contains("x-project-id"), "{of}");
            assert!(!reply.text.contains("ada@"), "{of}: {}", reply.text);
        }
    }
}

#[test]
fn in_a_project_a_cookie_grants_what_its_user_holds_at_this_moment() {
    let (platform, ada, project) = with_project();
    let bob = platform.person("bob");
    let browser = platform.browser("bob", PASSWORD);
    let list = |project| platform.visit(&browser, ("GET", "/v1/devices"), project, &Value::Null);
    let register = || {
        platform.visit(&browser, ("POST", "/v1/devices"), Some(project), &json!({"device_id": "d"}))
    };
    let members = format!("/v1/projects/{project}/permissions");
    let allow = |rights: Value| {
        let mut body = json!({"user_id": bob.id});
        body.as_object_mut().expect("an object").extend(rights.as_object().expect("one").clone());
        platform.patch(&members, &ada.token, &body)
    };
    list(Some(project)).refused(404);
    allow(json!({"read": true})).expect_empty(201);
    list(Some(project)).expect(200);
    register().refused(403);
    allow(json!({"read": true, "write": true})).expect(200);
    register().expect(201);
    // Plain links name the project themselves.
    let link = format!("/v1/devices?project_id={project}");
    assert_eq!(with(&platform, &browser, ("GET", &link), &[]), 200);
    assert_eq!(with(&platform, &browser, ("GET", "/v1/devices"), &[]), 400);
    assert_eq!(with(&platform, &browser, ("GET", "/v1/devices?project_id=x"), &[]), 400);
    for other in [0, project + 1, 4_294_967_296] {
        let status = list(Some(other)).status;
        assert!(matches!(status, 400 | 404), "{other}: {status}");
    }
    // The header says it; a parameter that says otherwise is refused.
    let other = platform.project(&bob, "another");
    let status = with(&platform, &browser, ("GET", &link), &[("X-Project-Id", &other.to_string())]);
    assert_eq!(status, 403);
    allow(json!({})).expect(200);
    list(Some(project)).refused(404);
}

#[test]
fn a_header_goes_before_the_cookie_even_when_it_opens_nothing() {
    let (platform, ..) = with_project();
    let browser = platform.browser("ada", PASSWORD);
    for value in ["Bearer not.a.token", "Basic YTpi", ""] {
        let more = [("Authorization", value)];
        assert_eq!(with(&platform, &browser, ("GET", "/v1/users/me"), &more), 401, "{value:?}");
    }
}

#[test]
fn a_project_token_is_no_session_and_two_cookies_are_none() {
    let (platform, ada, project) = with_project();
    let browser = platform.browser("ada", PASSWORD);
    let project_token = platform.token(&ada, project, "");
    let twice = format!("{}; iobeam_session=x", browser.cookie);
    for cookie in [format!("iobeam_session={project_token}"), twice, "iobeam_session=x".to_owned()]
    {
        let browser = Browser { cookie, csrf: browser.csrf.clone(), known: String::new() };
        let call = ("GET", "/v1/devices");
        platform.visit(&browser, call, Some(project), &Value::Null).refused(401);
        platform.visit(&browser, ("GET", "/v1/users/me"), None, &Value::Null).refused(401);
        let session = platform.visit(&browser, ("GET", "/v1/session"), None, &Value::Null);
        assert_eq!(session.expect(200)["user"], Value::Null);
    }
}

#[test]
fn signing_in_again_ends_the_browsers_earlier_session() {
    let (platform, ..) = with_project();
    let first = platform.browser("ada", PASSWORD);
    let other = platform.browser("ada", PASSWORD);
    let second = sign_in(&platform, &[("Cookie", &first.cookie)]);
    assert_ne!(second.cookie(), first.cookie);
    let me = |browser: &Browser| with(&platform, browser, ("GET", "/v1/users/me"), &[]);
    assert_eq!((me(&first), me(&other)), (401, 200));
    // A session that is revoked in the list ends at once.
    let claims = iobeam_wire::token::peek_claims(&other.cookie["iobeam_session=".len()..]);
    let path = format!("/v1/tokens/{}", claims.expect("a token").id);
    platform.visit(&other, ("DELETE", &path), None, &Value::Null).expect_empty(204);
    assert_eq!(me(&other), 401);
}

#[test]
fn a_new_password_ends_the_other_sessions_and_this_one_goes_on() {
    let (platform, ada, _) = with_project();
    let (here, there) = (platform.browser("ada", PASSWORD), platform.browser("ada", PASSWORD));
    let body = json!({"password": "a better password", "old_password": PASSWORD});
    platform.visit(&here, ("PATCH", "/v1/users/me"), None, &body).expect(200);
    let me = |browser: &Browser| with(&platform, browser, ("GET", "/v1/users/me"), &[]);
    assert_eq!((me(&here), me(&there)), (200, 401));
    platform.get("/v1/users/me", &ada.token).refused(401);
}

#[test]
fn guesses_by_session_and_by_token_are_counted_together() {
    let platform = Platform::start_with(|config| config.auth.login_attempts = 3);
    platform.person("ada");
    let wrong = json!({"name": "ada", "password": "wrong"});
    platform.log_in("ada", "wrong").refused(401);
    platform.post("/v1/session", "", &wrong).refused(401);
    platform.post("/v1/session", "", &wrong).refused(401);
    let refused = platform.post("/v1/session", "", &wrong);
    refused.refused(429);
    assert!(refused.headers.contains_key("retry-after"));
    assert_eq!(sign_in(&platform, &[]).status, 429);
}

#[test]
fn over_tls_the_cookie_has_the_name_that_no_neighbour_can_set() {
    let (platform, ..) = with_project();
    let forwarded = ("X-Forwarded-Proto", "https");
    let reply = sign_in(&platform, &[forwarded]);
    let cookie = reply.headers["set-cookie"].to_str().expect("ascii");
    assert!(cookie.starts_with("__Host-iobeam_session="), "{cookie}");
    assert!(cookie.ends_with("; Secure"), "{cookie}");
    let browser = Browser { cookie: reply.cookie(), csrf: String::new(), known: String::new() };
    let me = ("GET", "/v1/users/me");
    assert_eq!(with(&platform, &browser, me, &[forwarded]), 200);
    assert_eq!(with(&platform, &browser, me, &[]), 401);
    // What somebody on a plain connection planted is not looked at.
    let planted = Browser { cookie: browser.cookie.replace("__Host-", ""), ..browser };
    assert_eq!(with(&platform, &planted, me, &[forwarded]), 401);
}
