//! Tokens: issued, refreshed, listed, revoked, forged.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::platform::{PASSWORD, Person, Platform};

fn with_project() -> (Platform, Person, u64) {
    let platform = Platform::start();
    let ada = platform.person("ada");
    let project = platform.project(&ada, "greenhouse");
    (platform, ada, project)
}

/// What a token says.
fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).expect("three parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).expect("base64url")).expect("JSON")
}

/// The end of a token as the reply spells it, in seconds since 1970.
fn end(reply: &Value) -> i64 {
    let text = reply["expires"].as_str().expect("a date");
    assert!(text.len() == 25 && text.ends_with(" +0000"), "{text}");
    iobeam_wire::v1::date::parse(text).expect("a date").seconds()
}

#[test]
fn a_log_in_is_by_basic_or_by_query_and_basic_wins() {
    let (platform, ada, _) = with_project();
    let reply = platform.log_in("ada", PASSWORD);
    assert_eq!(reply.headers["cache-control"], "no-store");
    let reply = reply.expect(200);
    assert_eq!(reply["user_id"], ada.id);
    assert!(reply.get("project_id").is_none(), "{reply}");
    end(&reply);
    let query = format!("/v1/tokens/user?name=ada&password={}", PASSWORD.replace(' ', "%20"));
    assert_eq!(platform.get(&query, "").expect(200)["user_id"], ada.id);
    // A token of whatever kind that comes along is not looked at.
    assert_eq!(platform.get(&query, "not.a.token").expect(200)["user_id"], ada.id);
    let wrong = [("Authorization", "Basic YWRhOndyb25n")];
    platform.send("GET", &query, &wrong, None).refused(401);
    let nonsense = [("Authorization", "Basic %%%")];
    platform.send("GET", &query, &nonsense, None).refused(401);
    platform.get("/v1/tokens/user", "").refused(401);
    platform.get("/v1/tokens/user?name=ada", "").refused(401);
}

#[test]
fn a_project_token_fits_a_small_device_and_says_what_clients_decode() {
    let (platform, ada, project) = with_project();
    let path = format!("/v1/tokens/project?project_id={project}&device_id={}", "d".repeat(48));
    let reply = platform.get(&path, &ada.token).expect(200);
    let token = reply["token"].as_str().expect("a token");
    assert!(token.len() <= 231, "{}", token.len());
    assert!(!token.contains('='), "{token}");
    let claims = claims(token);
    assert_eq!(claims["pid"], project);
    assert_eq!(claims["uid"], 0);
    assert_eq!(claims["exp"], end(&reply));
    let header =
        URL_SAFE_NO_PAD.decode(token.split('.').next().expect("a part")).expect("base64url");
    let header: Value = serde_json::from_slice(&header).expect("JSON");
    assert!(header.get("kid").is_none(), "{header}");
    let life = end(&reply)
        - iobeam_wire::v1::date::parse(reply["created"].as_str().expect("a date"))
            .expect("a date")
            .seconds();
    assert!(life > 1000 * 365 * 24 * 3600, "a device's key does not expire unless asked: {life}");
    let plain = platform.get(&format!("/v1/tokens/project?project_id={project}"), &ada.token);
    let plain = plain.expect(200);
    let begin = iobeam_wire::v1::date::parse(plain["created"].as_str().expect("a date"));
    assert_eq!(end(&plain) - begin.expect("a date").seconds(), 30 * 24 * 3600);
}

#[test]
fn clients_that_know_no_padding_can_read_header_and_claims_of_every_token() {
    let (platform, ada, project) = with_project();
    for n in 0..60_u64 {
        let flags = match n % 6 {
            0 => "&device_id=d".to_owned(),
            1 => "&include_user=true".to_owned(),
            2 => "&read=true&write=false".to_owned(),
            3 => "&read=false&write=false&admin=false".to_owned(),
            _ => format!(
                "&duration={}s&owner=project",
                1 + 10_u64.pow(u32::try_from(n % 9).expect("small"))
            ),
        };
        let token = platform.token(&ada, project, &flags);
        let parts: Vec<&str> = token.split('.').collect();
        for part in &parts[..2] {
            assert_eq!(part.len() % 4, 0, "{flags}: {part} would need padding");
            // The standard alphabet reads them as well.
            assert!(!part.contains(['-', '_']), "{part}");
        }
        assert!(token.len() <= 231, "{}", token.len());
        assert_eq!(claims(&token)["pid"], project);
    }
}

#[test]
fn a_token_grants_what_was_asked_for_and_never_more_than_its_user_holds() {
    let (platform, ada, project) = with_project();
    let bob = platform.person("bob");
    let members = format!("/v1/projects/{project}/permissions");
    let body = json!({"user_id": bob.id, "read": true, "write": true});
    platform.patch(&members, &ada.token, &body).expect_empty(201);
    let issue = |who: &Person, query: &str| {
        platform.get(&format!("/v1/tokens/project?project_id={project}{query}"), &who.token)
    };
    let rights = |reply: Value| {
        ["read", "write", "admin"].map(|right| reply[right].as_bool().expect("a truth"))
    };
    assert_eq!(rights(issue(&ada, "").expect(200)), [true, true, true]);
    assert_eq!(rights(issue(&bob, "").expect(200)), [true, true, false]);
    assert_eq!(rights(issue(&ada, "&device_id=d").expect(200)), [true, true, false]);
    assert_eq!(rights(issue(&ada, "&read=True").expect(200)), [true, false, false]);
    let none = "&read=false&write=False&admin=false&include_user=false";
    assert_eq!(rights(issue(&ada, none).expect(200)), [false, false, false]);
    issue(&bob, "&admin=true").refused(403);
    issue(&bob, "&read=true&write=true&admin=true").refused(403);
    let tied = issue(&bob, "&include_user=true").expect(200);
    assert_eq!(tied["user_id"], bob.id);
    for query in [
        "&read=maybe",
        "&duration=soon",
        "&duration=0s",
        "&duration=9999w",
        "&duration=9999w&owner=project",
        "&duration=53w",
        "&duration=never",
        "&owner=nobody",
        "&owner=project&include_user=true",
        "&device_id=a%20b",
    ] {
        issue(&ada, query).refused(400);
    }
    issue(&ada, "&duration=521w&owner=project").expect(200);
    issue(&ada, "&duration=never&owner=project").expect(200);
    issue(&bob, "&owner=project").refused(403);
    platform.get("/v1/tokens/project", &ada.token).refused(400);
    platform.get("/v1/tokens/project?project_id=x", &ada.token).refused(400);
    platform.get("/v1/tokens/project?project_id=0", &ada.token).refused(404);
}

#[test]
fn a_token_loses_what_its_creator_loses_and_a_removed_member_keeps_none() {
    let (platform, ada, project) = with_project();
    let bob = platform.person("bob");
    let members = format!("/v1/projects/{project}/permissions");
    platform
        .patch(&members, &ada.token, &json!({"user_id": bob.id, "read": true}))
        .expect_empty(201);
    let tied = platform.token(&bob, project, "&include_user=true");
    let free = platform.token(&bob, project, "");
    platform.get("/v1/devices", &tied).expect(200);
    platform.patch(&members, &ada.token, &json!({"user_id": bob.id})).expect(200);
    platform.get("/v1/devices", &tied).refused(401);
    platform.get("/v1/devices", &free).refused(401);
    let refresh =
        |token: &str| platform.post("/v1/tokens/project", "", &json!({"refresh_token": token}));
    refresh(&tied).refused(403);
    refresh(&free).refused(403);
}

#[test]
fn a_refresh_can_be_repeated_and_leaves_the_old_token_good() {
    let (platform, ada, project) = with_project();
    let path =
        format!("/v1/tokens/project?project_id={project}&duration=3d&device_id=d&write=true");
    let old = platform.get(&path, &ada.token).expect(200);
    let body = json!({"refresh_token": old["token"]});
    sleep(Duration::from_millis(1100));
    let new = platform.post("/v1/tokens/project/", "", &body).expect(200);
    assert_ne!(new["token"], old["token"]);
    assert!(end(&new) > end(&old));
    for member in ["project_id", "read", "write", "admin", "user_id"] {
        assert_eq!(new[member], old[member], "{member}");
    }
    let again = platform.post("/v1/tokens/project", "", &body).expect(200);
    assert_eq!(again["token"], new["token"], "a client that refreshes at every call fills no list");
    let list = platform.get("/v1/tokens", &ada.token).expect(200);
    let bound =
        list["tokens"].as_array().expect("a list").iter().filter(|token| token["device_id"] == "d");
    assert_eq!(bound.count(), 2);
    // What came of a refresh is exchanged for itself while it is young: no chain grows.
    let mut chained = new["token"].clone();
    for _ in 0..20 {
        chained = platform
            .post("/v1/tokens/project", "", &json!({"refresh_token": chained}))
            .expect(200)["token"]
            .clone();
    }
    assert_eq!(chained, new["token"]);
    for reply in [&old, &new] {
        let token = reply["token"].as_str().expect("a token");
        platform.post("/v1/devices", token, &json!({"device_id": "other"})).refused(403);
        platform.get("/v1/devices/timestamp", token).expect(200);
    }
}

#[test]
fn a_token_that_ended_is_401_and_can_still_be_refreshed() {
    let (platform, ada, project) = with_project();
    let token = platform.token(&ada, project, "&duration=1s");
    sleep(Duration::from_millis(1500));
    let ended = platform.get("/v1/devices", &token);
    ended.refused(401);
    assert_eq!(ended.headers["www-authenticate"], "Bearer");
    // The new one lives for a second as well, which a busy machine may take to ask.
    let works = (0..20).any(|_| {
        let body = json!({"refresh_token": token});
        let new = platform.post("/v1/tokens/project", "", &body).expect(200);
        let new = new["token"].as_str().expect("a token").to_owned();
        platform.get("/v1/devices", &new).status == 200
    });
    assert!(works, "a refreshed token opens what the old one did");
}

#[test]
fn what_may_not_be_refreshed_is_not() {
    let (platform, ada, project) = with_project();
    let refresh =
        |token: &str| platform.post("/v1/tokens/project", "", &json!({"refresh_token": token}));
    refresh(&platform.token(&ada, project, "&refreshable=False")).refused(403);
    refresh(&ada.token).refused(403);
    refresh("nonsense").refused(401);
    refresh("").refused(401);
    let token = platform.token(&ada, project, "");
    platform.delete(&format!("/v1/tokens/{}", claims(&token)["id"]), &ada.token).expect_empty(204);
    refresh(&token).refused(403);
    platform.post("/v1/tokens/project", "", &json!({})).refused(400);
}

#[test]
fn tokens_are_listed_without_their_texts_and_revoked_by_their_number() {
    let (platform, ada, project) = with_project();
    let bob = platform.person("bob");
    let token = platform.token(&ada, project, "&device_id=d");
    platform.get("/v1/devices/timestamp", &token).expect(200);
    let id = claims(&token)["id"].clone();
    for path in ["/v1/tokens".to_owned(), format!("/v1/tokens/?project_id={project}")] {
        let reply = platform.get(&path, &ada.token);
        let list = reply.expect(200);
        assert!(!reply.text.contains(token.rsplit('.').next().expect("a signature")));
        let tokens = list["tokens"].as_array().expect("a list");
        let listed = tokens.iter().find(|token| token["token_id"] == id).expect("listed");
        assert_eq!((&listed["kind"], &listed["device_id"]), (&json!("project"), &json!("d")));
        assert!(listed["last_used"].is_string(), "{listed}");
    }
    let path = format!("/v1/tokens/{id}");
    platform.delete(&path, &bob.token).refused(404);
    platform.delete(&path, &ada.token).expect_empty(204);
    platform.delete(&path, &ada.token).expect_empty(204);
    platform.get("/v1/devices", &token).refused(401);
    platform.delete("/v1/tokens/999999", &ada.token).refused(404);
    // A log-in can be ended the same way.
    platform
        .delete(&format!("/v1/tokens/{}", claims(&ada.token)["id"]), &ada.token)
        .expect_empty(204);
    platform.get("/v1/users/me", &ada.token).refused(401);
}

#[test]
fn a_forged_token_opens_nothing_even_with_the_right_key() {
    let (platform, ada, project) = with_project();
    let token = platform.token(&ada, project, "");
    let good = claims(&token);
    let key = fs::read(platform.data().join("keys/token.key")).expect("the key");
    let sign = |alg: Algorithm, key: &[u8], claims: &Value| {
        jsonwebtoken::encode(&Header::new(alg), claims, &EncodingKey::from_secret(key))
            .expect("signs")
    };
    let with = |member: &str, value: Value| {
        let mut claims = good.clone();
        claims[member] = value;
        claims
    };
    let without = |member: &str| {
        let mut claims = good.clone();
        claims.as_object_mut().expect("an object").remove(member);
        claims
    };
    // The key is right: the same claims are the same token.
    platform.get("/v1/devices", &sign(Algorithm::HS256, &key, &good)).expect(200);

    let mut kid = Header::new(Algorithm::HS256);
    kid.kid = Some("../../dev/null".to_owned());
    let foreign = [b"another key that nobody here uses".as_slice(), b""];
    let mut forged = vec![
        jsonwebtoken::encode(&kid, &good, &EncodingKey::from_secret(foreign[0])).expect("signs"),
        sign(Algorithm::HS384, &key, &good),
        sign(Algorithm::HS512, &key, &good),
        sign(Algorithm::HS256, foreign[0], &good),
        sign(Algorithm::HS256, foreign[1], &good),
        sign(Algorithm::HS256, &key, &with("stuff", json!("x".repeat(5000)))),
        "x".repeat(5000),
        ".".repeat(100),
        format!("{token}{token}"),
    ];
    for (member, values) in [
        (
            "exp",
            vec![
                json!("9999999999"),
                json!(9.9e9),
                json!(null),
                json!([1]),
                json!(9_999_999_999_i64),
                json!(-1),
            ],
        ),
        ("id", vec![json!(0), json!(999_999), json!("1"), json!(1e30)]),
        ("pid", vec![json!(0), json!(project + 1), json!(null), json!("1")]),
        ("uid", vec![json!(ada.id), json!(-1)]),
        ("pms", vec![json!(1), json!(255), json!(true)]),
    ] {
        forged.extend(
            values.into_iter().map(|value| sign(Algorithm::HS256, &key, &with(member, value))),
        );
        if member != "uid" {
            forged.push(sign(Algorithm::HS256, &key, &without(member)));
        }
    }
    let (_, rest) = token.split_once('.').expect("three parts");
    let payload = rest.split('.').next().expect("a payload");
    for alg in ["none", "NONE", "RS256", "ES256", "HS256 "] {
        let header = URL_SAFE_NO_PAD.encode(json!({"typ": "JWT", "alg": alg}).to_string());
        forged.extend([
            format!("{header}.{rest}"),
            format!("{header}.{payload}."),
            format!("{header}.{payload}"),
        ]);
    }
    for token in &forged {
        let reply = platform.get("/v1/devices", token);
        assert_eq!(reply.status, 401, "{token}: {}", reply.text);
        platform.post("/v1/tokens/project", "", &json!({"refresh_token": token})).refused(401);
    }
}

#[test]
fn a_header_that_is_no_bearer_is_401() {
    let (platform, ada, project) = with_project();
    let token = platform.token(&ada, project, "");
    let get = |values: &[&str]| {
        let headers: Vec<_> = values.iter().map(|value| ("Authorization", *value)).collect();
        platform.send("GET", "/v1/devices", &headers, None)
    };
    let bearer = format!("Bearer {token}");
    get(&[&bearer]).expect(200);
    get(&[&bearer.replace("Bearer", "bearer")]).expect(200);
    for value in ["", "Bearer", "Bearer ", &token, &format!("Token {token}"), "Bearer undefined"] {
        get(&[value]).refused(401);
    }
    get(&[&bearer, &bearer]).refused(401);
    // Neither is a token in the address ever looked at.
    platform.get(&format!("/v1/devices?token={token}&access_token={token}"), "").refused(401);
}
