//! Every call × every kind of caller, generated from the description that the server gives of itself.
//!
//! What must come out follows from the description's `x-iobeam-who` alone; the whole table is pinned below, so a new
//! route, or one whose rule changes, has to be looked at here.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::thread::sleep;
use std::time::Duration;

use serde_json::{Value, json};

use crate::platform::{Browser, PASSWORD, Person, Platform, Reply};

/// A call of the description.
struct Call {
    method: String,
    path: String,
    who: String,
    /// Whether a token that is bound to a device may make it.
    device: bool,
}

/// Everything of the description's paths.
fn calls(platform: &Platform) -> Vec<Call> {
    let description = platform.get("/v1/openapi.json", "").expect(200);
    let paths = description["paths"].as_object().expect("paths");
    let mut calls = Vec::new();
    for (path, methods) in paths {
        for (method, call) in methods.as_object().expect("methods") {
            if method == "parameters" {
                continue;
            }
            calls.push(Call {
                method: method.to_uppercase(),
                path: path.clone(),
                who: call["x-iobeam-who"].as_str().unwrap_or("nobody").to_owned(),
                device: call["x-iobeam-device"] == true,
            });
        }
    }
    calls
}

/// Callers who show nothing, nothing of ours, or what counted once.
const ENDED: [&str; 9] = [
    "none",
    "garbage",
    "expired",
    "revoked",
    "revoked user",
    "removed member",
    "disabled member",
    "disabled user",
    "deleted device",
];

/// The callers, and the things of the project under test, `p`.
struct World {
    platform: Platform,
    operator: Person,
    member: Person,
    project: u64,
    namespace: u64,
    /// The dashboard that the call being made is about.
    dashboard: Cell<u64>,
    tokens: Vec<(&'static str, String)>,
    /// The session of somebody whose account is disabled since.
    disabled: Browser,
}

impl World {
    fn new() -> Self {
        let platform = Platform::start_with(|config| config.auth.login_attempts = 100_000);
        let operator = platform.person("operator");
        let member = platform.person("member");
        let outsider = platform.person("outsider");
        let project = platform.project(&member, "p");
        let other = platform.project(&outsider, "other");
        let issue = |flags: &str| platform.token(&member, project, flags);
        let only = |right: &str| issue(&format!("&{right}=true"));
        let expired = issue("&duration=1s");
        let revoked = issue("");
        let ended =
            platform.log_in("member", crate::platform::PASSWORD).expect(200)["token"].clone();
        let mut tokens = vec![
            ("none", String::new()),
            ("garbage", "not.a.token".to_owned()),
            ("expired", expired),
            ("revoked", revoked.clone()),
            ("revoked user", ended.as_str().expect("a token").to_owned()),
            ("no right", issue("&read=false&write=false&admin=false")),
            ("read", only("read")),
            ("write", only("write")),
            ("admin", only("admin")),
            ("device", issue("&device_id=bound&read=true&write=true&admin=true")),
            ("all", issue("")),
            ("other project", platform.token(&outsider, other, "")),
            ("outsider", outsider.token.clone()),
            ("operator", operator.token.clone()),
            ("user", member.token.clone()),
        ];
        for token in [&revoked, ended.as_str().expect("a token")] {
            let id = number_of(&platform, &member, token);
            platform.delete(&format!("/v1/tokens/{id}"), &member.token).expect_empty(204);
        }
        let disabled = ended_callers(&platform, (&operator, &member), project, &mut tokens);
        let all = tokens[10].1.as_str();
        let namespace =
            platform.get("/v1/namespaces", all).expect(200)["namespaces"][0]["namespace_id"]
                .as_u64()
                .expect("a number");
        let key = shared(&platform, all);
        tokens.push(("share", key));
        sleep(Duration::from_millis(1500));
        let dashboard = Cell::new(0);
        let world =
            Self { platform, operator, member, project, namespace, dashboard, tokens, disabled };
        world.renew();
        world
    }

    fn token(&self, caller: &str) -> &str {
        let (_, token) = self.tokens.iter().find(|(name, _)| *name == caller).expect("a caller");
        token
    }

    /// Puts back what a call may have taken away.
    fn renew(&self) {
        let all = self.token("all");
        for id in ["theirs", "bound"] {
            let body = json!({"device_id": id, "device_name": format!("{id} of p")});
            let reply = self.platform.post("/v1/devices", all, &body);
            assert!(matches!(reply.status, 201 | 422), "{reply:?}");
        }
    }

    /// A token of the member that may be revoked.
    fn fresh_token(&self) -> u64 {
        let token = self.platform.token(&self.member, self.project, "");
        number_of(&self.platform, &self.member, &token)
    }

    /// A project of the member that may be deleted.
    fn fresh_project(&self) -> u64 {
        let all = self.platform.get("/v1/projects", &self.member.token).expect(200);
        let count = all["projects"].as_array().expect("a list").len();
        let name = format!("{count} of p {}", self.fresh_token());
        self.platform.project(&self.member, &name)
    }

    /// A dashboard that may be deleted.
    fn fresh_dashboard(&self) -> u64 {
        let made = dashboard(&self.platform, self.token("all"));
        self.dashboard.set(made);
        made
    }

    /// A link to that dashboard that may be revoked.
    fn fresh_share(&self) -> u64 {
        let path = format!("/v1/dashboards/{}/shares", self.dashboard.get());
        let made = self.platform.post(&path, self.token("all"), &json!({})).expect(201);
        made["share_id"].as_u64().expect("a number")
    }

    /// Makes the call as a client would, with everything in it that belongs to `p`.
    fn make(&self, call: &Call, token: &str) -> Reply {
        self.platform.call(&call.method, &self.path(call), token, &self.body(call))
    }

    /// Makes it as a page would, with the cookie of a session.
    fn visit(&self, call: &Call, browser: &Browser, project: Option<u64>) -> Reply {
        let path = self.path(call);
        self.platform.visit(browser, (&call.method, &path), project, &self.body(call))
    }

    /// The path of the call and its parameters.
    fn path(&self, call: &Call) -> String {
        let project = self.project.to_string();
        let deletes_a_project = call.method == "DELETE" && call.path == "/v1/projects/{project_id}";
        let fill = |name: &str| match name {
            "project_id" if deletes_a_project => self.fresh_project().to_string(),
            "project_id" => project.clone(),
            "device_id" => "theirs".to_owned(),
            "namespace_id" => self.namespace.to_string(),
            "namespace" => "input".to_owned(),
            "field" => "device_id".to_owned(),
            "token_id" => self.fresh_token().to_string(),
            "invite_id" | "correction_id" => "1".to_owned(),
            // Nobody's: what is done to accounts is done to somebody in tests of their own.
            "user_id" => "4000000".to_owned(),
            "dashboard_id" => self.fresh_dashboard().to_string(),
            "share_id" => self.fresh_share().to_string(),
            "device" | "series" => "all".to_owned(),
            other => panic!("the path of {} has a new part: {other}", call.path),
        };
        let parts: Vec<String> = call
            .path
            .split('/')
            .map(|part| match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
                Some(name) => fill(name),
                None => part.to_owned(),
            })
            .collect();
        let query = match (call.method.as_str(), call.path.as_str()) {
            ("GET", "/v1/users") => "?name=member".to_owned(),
            ("GET", "/v1/users/password") => "?reset=nobody@example.org".to_owned(),
            ("GET", "/v1/tokens/project" | "/v1/tokens" | "/v1/devices" | "/v1/namespaces") => {
                format!("?project_id={project}")
            }
            // Of what is there, it would go on for ever.
            ("GET", "/v1/live") => "?namespace=nothing".to_owned(),
            _ => String::new(),
        };
        format!("{}{query}", parts.join("/"))
    }

    fn body(&self, call: &Call) -> Value {
        let project = self.project;
        match (call.method.as_str(), call.path.as_str()) {
            ("GET" | "DELETE" | "HEAD", _) => Value::Null,
            ("POST", "/v1/projects") => json!({"project_name": "p"}),
            ("PATCH", "/v1/projects/{project_id}/permissions") => {
                json!({"user_id": self.operator.id})
            }
            ("POST", "/v1/projects/{project_id}/invites") => {
                json!({"email": "new@example.org", "read": true})
            }
            ("POST", "/v1/devices") => json!({"project_id": project, "device_id": "theirs"}),
            ("PATCH", "/v1/devices/{device_id}") => json!({"project_id": project}),
            ("POST", "/v1/namespaces") => {
                json!({"project_id": project, "namespace_name": "input", "fields": {}})
            }
            ("POST", "/v1/imports/known") => {
                json!({"namespace": "input", "stream": "0".repeat(32)})
            }
            ("POST", "/v1/imports") => {
                json!({"project_id": project, "device_id": "theirs", "sources": []})
            }
            ("PATCH", "/v1/accounts/{user_id}") => json!({"disabled": false}),
            ("PATCH", "/v1/tokens/{token_id}") => json!({"review": false}),
            ("POST", "/v1/dashboards") => json!({"name": "new", "board": {}}),
            ("PUT", "/v1/dashboards/{dashboard_id}") => json!({"version": 1}),
            ("POST", "/v1/sql") => json!({"query": "SELECT 1"}),
            _ => json!({}),
        }
    }
}

/// Adds callers who had every right in the project until it was taken from them: by removing the member, by disabling the
/// account, by lowering the permission, by deleting the device. Gives the session of the one whose account is disabled.
fn ended_callers(
    platform: &Platform,
    (operator, admin): (&Person, &Person),
    project: u64,
    tokens: &mut Vec<(&'static str, String)>,
) -> Browser {
    let path = format!("/v1/projects/{project}/permissions");
    let join = |name: &str| {
        let person = platform.person(name);
        let body = json!({"user_id": person.id, "read": true, "write": true, "admin": true});
        platform.patch(&path, &admin.token, &body).expect_empty(201);
        let token = platform.token(&person, project, "");
        (person, token)
    };
    let (removed, of_removed) = join("removed");
    platform.patch(&path, &admin.token, &json!({"user_id": removed.id})).expect(200);
    let (lowered, of_lowered) = join("lowered");
    let body = json!({"user_id": lowered.id, "read": true});
    platform.patch(&path, &admin.token, &body).expect(200);
    let (disabled, of_disabled) = join("disabled");
    let browser = platform.browser("disabled", PASSWORD);
    let account = format!("/v1/accounts/{}", disabled.id);
    platform.patch(&account, &operator.token, &json!({"disabled": true})).expect(200);
    let all = platform.token(admin, project, "");
    let of_device =
        platform.token(admin, project, "&device_id=theirs&read=true&write=true&admin=true");
    let device = json!({"device_id": "theirs"});
    platform.post("/v1/devices", &all, &device).expect(201);
    platform.delete("/v1/devices/theirs", &all).expect_empty(204);
    platform.post("/v1/devices", &all, &device).expect(201);
    platform.delete("/v1/devices/theirs", &all).expect_empty(204);
    tokens.extend([
        ("removed member", of_removed),
        ("removed user", removed.token),
        ("lowered", of_lowered),
        ("disabled member", of_disabled),
        ("disabled user", disabled.token),
        ("deleted device", of_device),
    ]);
    browser
}

/// Makes a dashboard.
fn dashboard(platform: &Platform, token: &str) -> u64 {
    let made = platform.post("/v1/dashboards", token, &json!({"name": "of p", "board": {}}));
    made.expect(201)["dashboard_id"].as_u64().expect("a number")
}

/// Makes a dashboard and a link to it, and gives what a visitor shows.
fn shared(platform: &Platform, token: &str) -> String {
    let path = format!("/v1/dashboards/{}/shares", dashboard(platform, token));
    let made = platform.post(&path, token, &json!({})).expect(201);
    format!("Share {}", made["key"].as_str().expect("a key"))
}

fn number_of(platform: &Platform, owner: &Person, token: &str) -> u64 {
    let claims = iobeam_wire::token::peek_claims(token).expect("a token");
    let list = platform.get("/v1/tokens", &owner.token).expect(200);
    let known = list["tokens"].as_array().expect("a list").iter();
    let known =
        known.filter_map(|token| token["token_id"].as_u64()).find(|id| *id == u64::from(claims.id));
    known.expect("it is listed")
}

/// What may come out.
#[derive(Debug, PartialEq)]
enum Outcome {
    /// 401.
    Unknown,
    /// 403.
    Forbidden,
    /// Let in: anything but 401 and 403.
    In,
    /// Let in, to find that nothing of `p` is there: 403, 404, or a reply without a word of it.
    NothingOfP,
}

fn expected(call: &Call, caller: &str) -> Outcome {
    use Outcome::{Forbidden, In, NothingOfP, Unknown};
    let is_user = matches!(caller, "user" | "operator" | "outsider" | "removed user");
    let speaks_of_p = call.path.contains('{') || call.path.starts_with("/v1/tokens");
    let only_if = |allowed| if allowed { In } else { Forbidden };
    match (call.who.as_str(), caller) {
        ("anyone", _) => In,
        // No caller here brings the password that "log-in" wants.
        ("log-in", _) => Unknown,
        (_, caller) if ENDED.contains(&caller) => Unknown,
        // Whoever was given a link may look at that, and the link opens nothing else.
        ("share", _) | (_, "share") => only_if(call.who == caller),
        ("user", "outsider" | "operator" | "removed user") if speaks_of_p => NothingOfP,
        ("user", _) => only_if(is_user),
        ("operator", _) => only_if(caller == "operator"),
        (_, "other project") => NothingOfP,
        (right, _) => only_if(!is_user && holds(call, right, caller)),
    }
}

/// Whether this project token grants what the call takes.
fn holds(call: &Call, right: &str, caller: &str) -> bool {
    match caller {
        "all" => true,
        // It is bound to another device than the one that each call is about.
        "device" => call.device && !is_about_a_device(call),
        "lowered" => right == "project" || right == "project:read",
        _ => right == "project" || right == format!("project:{caller}"),
    }
}

/// Whether the call is about the device `theirs`, or all devices, and not about the one that the token is bound to.
fn is_about_a_device(call: &Call) -> bool {
    // Who looks up a stream knows its name, and with that what is in it.
    let is_lookup = call.path == "/v1/imports/known";
    call.who == "project:write" && !is_lookup || call.path.contains("{device")
}

#[test]
fn every_call_lets_in_whom_the_table_names_and_nobody_else() {
    let world = World::new();
    let mut wrong = String::new();
    for call in calls(&world.platform) {
        for (caller, token) in &world.tokens {
            let reply = world.make(&call, token);
            let expected = expected(&call, caller);
            let holds = match expected {
                Outcome::Unknown => reply.status == 401,
                Outcome::Forbidden => reply.status == 403,
                Outcome::In => !matches!(reply.status, 401 | 403) && reply.status < 500,
                Outcome::NothingOfP => {
                    matches!(reply.status, 403 | 404)
                        || (reply.status < 400 && !reply.text.contains("of p"))
                        || (reply.status == 422 && !reply.text.contains("of p"))
                }
            };
            if !holds {
                writeln!(
                    wrong,
                    "{} {} by {caller}: expected {expected:?}, got {} {}",
                    call.method, call.path, reply.status, reply.text
                )
                .expect("written");
            }
            if reply.status >= 400 {
                reply.refused(reply.status);
            }
            if call.method == "DELETE" {
                world.renew();
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// What must come of a call by the cookie of a session.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Visit {
    /// By one who may do everything in `p`, as a page does it.
    Member,
    /// The same, without the header that proves it.
    WithoutCsrf,
    /// The same, without a word about the project.
    WithoutProject,
    /// By one who may do nothing in `p`.
    Outsider,
    /// By one whose session was revoked.
    Revoked,
    /// By one whose account was disabled while the session went on.
    Disabled,
}

fn expected_by_cookie(call: &Call, visit: Visit) -> &'static [u16] {
    let changes = call.method != "GET" || call.path == "/v1/tokens/project";
    let of_project = call.who.starts_with("project");
    match (call.who.as_str(), visit) {
        ("anyone", Visit::WithoutCsrf) if call.method == "DELETE" => &[403],
        ("anyone", _) => &[],
        ("log-in", _) | (_, Visit::Revoked | Visit::Disabled) => &[401],
        ("share", _) => &[403],
        (_, Visit::WithoutCsrf) if changes => &[403],
        (_, Visit::WithoutProject) if of_project => &[400],
        (_, Visit::Outsider) if of_project => &[404],
        ("operator", _) => &[403],
        ("user", Visit::Outsider) if call.path.contains("_id}") => &[404],
        _ => &[],
    }
}

#[test]
fn every_call_by_cookie_wants_its_proof_and_its_project_and_a_session_that_counts() {
    let world = World::new();
    let (mut wrong, mut visits) = (String::new(), 0);
    let stays = world.platform.browser("member", PASSWORD);
    for call in calls(&world.platform) {
        for visit in [
            Visit::WithoutCsrf,
            Visit::Outsider,
            Visit::Revoked,
            Visit::Disabled,
            Visit::WithoutProject,
            Visit::Member,
        ] {
            let name = if visit == Visit::Outsider { "outsider" } else { "member" };
            let mut browser = match visit {
                Visit::Disabled => world.disabled.clone(),
                _ => world.platform.browser(name, PASSWORD),
            };
            if visit == Visit::Revoked {
                world
                    .platform
                    .visit(&browser, ("DELETE", "/v1/session"), None, &Value::Null)
                    .expect_empty(204);
            }
            if visit == Visit::WithoutCsrf {
                browser = browser.without_csrf();
            }
            let project = (visit != Visit::WithoutProject).then_some(world.project);
            // Whoever says nothing of a project says it in no way.
            let reply = if project.is_none() && call.who.starts_with("project") {
                let bare = world.path(&call).split('?').next().expect("a path").to_owned();
                world.platform.visit(&browser, (&call.method, &bare), None, &world.body(&call))
            } else {
                world.visit(&call, &browser, project)
            };
            let expected = expected_by_cookie(&call, visit);
            let holds = match expected {
                [] => !matches!(reply.status, 401 | 403) && reply.status < 500,
                _ => expected.contains(&reply.status),
            };
            if !holds {
                writeln!(
                    wrong,
                    "{} {} as {visit:?}: expected {expected:?}, got {} {}",
                    call.method, call.path, reply.status, reply.text
                )
                .expect("written");
            }
            assert_eq!(reply.headers["cache-control"], "no-store", "{} {}", call.method, call.path);
            visits += 1;
            if call.method == "DELETE" {
                world.renew();
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(visits > 200, "{visits}");
    world.platform.visit(&stays, ("GET", "/v1/users/me"), None, &Value::Null).expect(200);
}

#[test]
fn nothing_of_a_project_changes_by_the_hand_of_another() {
    let world = World::new();
    let all = world.token("all");
    let see = || {
        let devices = world.platform.get("/v1/devices", all).expect(200);
        (devices, world.platform.get("/v1/namespaces", all).expect(200))
    };
    let before = see();
    for call in calls(&world.platform) {
        for caller in [
            "other project",
            "outsider",
            "garbage",
            "none",
            "expired",
            "revoked",
            "no right",
            "removed member",
            "removed user",
            "disabled member",
            "disabled user",
            "deleted device",
            "device",
        ] {
            world.make(&call, world.token(caller));
        }
    }
    assert_eq!(see(), before);
}

#[test]
fn a_method_that_a_path_does_not_have_is_405_with_those_it_has() {
    let world = World::new();
    let reply = world.platform.call("PUT", "/v1/devices", world.token("all"), &json!({}));
    reply.refused(405);
    let allowed = reply.headers["allow"].to_str().expect("ascii").to_owned();
    assert!(allowed.contains("POST") && allowed.contains("GET"), "{allowed}");
    world.platform.get("/v1/no/such/path", world.token("all")).refused(404);
}

#[test]
fn the_table_is_this_one() {
    let platform = Platform::start();
    let mut calls = calls(&platform);
    calls.sort_by(|a, b| (&a.path, &a.method).cmp(&(&b.path, &b.method)));
    let rows: Vec<String> = calls
        .iter()
        .map(|call| format!("{:6} {:43} {}", call.method, call.path, call.who))
        .collect();
    let table = rows.join("\n");
    assert!(!table.contains("nobody"), "a route has no row in the table of permissions:\n{table}");
    insta::assert_snapshot!(table, @r"
    GET    /health                                     anyone
    GET    /metrics                                    anyone
    GET    /ready                                      anyone
    GET    /v1/accounts                                operator
    DELETE /v1/accounts/{user_id}                      operator
    PATCH  /v1/accounts/{user_id}                      operator
    GET    /v1/audit                                   operator
    GET    /v1/audit/check                             operator
    GET    /v1/dashboards                              project:read
    POST   /v1/dashboards                              project:write
    DELETE /v1/dashboards/{dashboard_id}               project:write
    GET    /v1/dashboards/{dashboard_id}               project:read
    PUT    /v1/dashboards/{dashboard_id}               project:write
    GET    /v1/dashboards/{dashboard_id}/shares        project:admin
    POST   /v1/dashboards/{dashboard_id}/shares        project:admin
    DELETE /v1/dashboards/{dashboard_id}/shares/{share_id} project:admin
    GET    /v1/data/{namespace}                        project:read
    GET    /v1/data/{namespace}/{field}                project:read
    GET    /v1/devices                                 project:read
    POST   /v1/devices                                 project:write
    GET    /v1/devices/timestamp                       project
    DELETE /v1/devices/{device_id}                     project:write
    GET    /v1/devices/{device_id}                     project:read
    PATCH  /v1/devices/{device_id}                     project:write
    GET    /v1/devices/{device_id}/latest              project:read
    GET    /v1/devices/{device_id}/statistics          project:read
    GET    /v1/exports/{project_id}                    project:read
    GET    /v1/exports/{project_id}/{device}           project:read
    GET    /v1/exports/{project_id}/{device}/{series}  project:read
    POST   /v1/imports                                 project:write
    POST   /v1/imports/known                           project:write
    GET    /v1/invites                                 operator
    POST   /v1/invites                                 operator
    POST   /v1/invites/accept                          user
    DELETE /v1/invites/{invite_id}                     operator
    GET    /v1/live                                    project:read
    GET    /v1/namespaces                              project:read
    POST   /v1/namespaces                              project:admin
    DELETE /v1/namespaces/{namespace_id}               project:admin
    GET    /v1/namespaces/{namespace_id}               project:read
    PUT    /v1/namespaces/{namespace_id}               project:admin
    GET    /v1/namespaces/{namespace_id}/corrections   project:admin
    GET    /v1/namespaces/{namespace_id}/corrections/{correction_id} project:admin
    GET    /v1/namespaces/{namespace_id}/corrections/{correction_id}/quarantine project:admin
    DELETE /v1/namespaces/{namespace_id}/fields/{field} project:admin
    PATCH  /v1/namespaces/{namespace_id}/fields/{field} project:admin
    POST   /v1/namespaces/{namespace_id}/rows/delete   project:admin
    GET    /v1/namespaces/{namespace_id}/statistics    project:read
    POST   /v1/namespaces/{namespace_id}/truncate      project:admin
    GET    /v1/openapi.json                            anyone
    GET    /v1/ping                                    anyone
    GET    /v1/projects                                user
    POST   /v1/projects                                user
    DELETE /v1/projects/{project_id}                   user
    GET    /v1/projects/{project_id}                   user
    PATCH  /v1/projects/{project_id}                   user
    GET    /v1/projects/{project_id}/invites           user
    POST   /v1/projects/{project_id}/invites           user
    DELETE /v1/projects/{project_id}/invites/{invite_id} user
    GET    /v1/projects/{project_id}/permissions       user
    PATCH  /v1/projects/{project_id}/permissions       user
    POST   /v1/query                                   project:read
    GET    /v1/refusals                                project:read
    DELETE /v1/session                                 anyone
    GET    /v1/session                                 anyone
    POST   /v1/session                                 anyone
    GET    /v1/shared                                  share
    POST   /v1/shared/query                            share
    POST   /v1/sql                                     project:read
    GET    /v1/storage/problems                        operator
    GET    /v1/tokens                                  user
    GET    /v1/tokens/project                          user
    POST   /v1/tokens/project                          anyone
    GET    /v1/tokens/user                             log-in
    DELETE /v1/tokens/{token_id}                       user
    PATCH  /v1/tokens/{token_id}                       user
    GET    /v1/users                                   user
    POST   /v1/users                                   anyone
    POST   /v1/users/email                             anyone
    POST   /v1/users/email/revert                      anyone
    GET    /v1/users/me                                user
    PATCH  /v1/users/me                                user
    POST   /v1/users/me/deletion                       user
    POST   /v1/users/me/verification                   user
    GET    /v1/users/password                          anyone
    POST   /v1/users/password                          anyone
    ");
}

#[test]
fn a_devices_token_may_make_these_calls_and_no_others() {
    let platform = Platform::start();
    let mut calls = calls(&platform);
    calls.retain(|call| call.device);
    let mut rows: Vec<String> =
        calls.iter().map(|call| format!("{:6} {}", call.method, call.path)).collect();
    rows.sort_unstable();
    insta::assert_snapshot!(rows.join("\n"), @r"
    DELETE /v1/devices/{device_id}
    GET    /v1/data/{namespace}
    GET    /v1/data/{namespace}/{field}
    GET    /v1/devices
    GET    /v1/devices/timestamp
    GET    /v1/devices/{device_id}
    GET    /v1/devices/{device_id}/latest
    GET    /v1/devices/{device_id}/statistics
    GET    /v1/exports/{project_id}/{device}
    GET    /v1/exports/{project_id}/{device}/{series}
    GET    /v1/live
    GET    /v1/refusals
    PATCH  /v1/devices/{device_id}
    POST   /v1/devices
    POST   /v1/imports
    POST   /v1/imports/known
    POST   /v1/query
    ");
}

#[test]
fn every_call_is_described_completely() {
    let platform = Platform::start();
    let description = platform.get("/v1/openapi.json", "").expect(200);
    let mut names = BTreeSet::new();
    for (path, methods) in description["paths"].as_object().expect("paths") {
        for (method, call) in methods.as_object().expect("methods") {
            let place = format!("{method} {path}: {call}");
            let name = call["operationId"].as_str().expect("a name").to_owned();
            assert!(names.insert(name), "two calls have one name: {place}");
            assert!(call["summary"].is_string(), "{place}");
            let replies = call["responses"].as_object().expect("replies");
            assert!(replies.keys().any(|status| status.starts_with('2')), "{place}");
            assert!(replies.contains_key("default"), "{place}");
            assert!(call["security"].is_array(), "{place}");
            if matches!(method.as_str(), "post" | "put" | "patch") {
                assert!(call["requestBody"].is_object(), "{place}");
            }
        }
    }
    let text = description.to_string();
    for (at, _) in text.match_indices("#/components/schemas/") {
        let name = text[at..].split('"').next().and_then(|path| path.rsplit('/').next());
        let name = name.expect("a name");
        assert!(
            description["components"]["schemas"][name].is_object(),
            "{name} is described nowhere"
        );
    }
}

#[test]
fn a_refused_request_leaves_its_connection_usable() {
    use std::io::{Read as _, Write as _};

    let platform = Platform::start();
    let mut stream = std::net::TcpStream::connect(platform.address()).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a limit");
    let calls = [("POST /v1/devices", 401), ("PUT /v1/devices", 405), ("POST /v1/nothing", 404)];
    for (call, status) in calls.into_iter().cycle().take(21) {
        let head = format!("{call} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n");
        stream.write_all(head.as_bytes()).expect("sent");
        // As many clients do, the body comes in a segment of its own, after the server has made up its mind.
        sleep(Duration::from_millis(20));
        stream.write_all(&[b' '; 1000]).expect("sent");
        let mut reply = [0; 2048];
        let length = stream.read(&mut reply).expect("a reply");
        let reply = String::from_utf8_lossy(&reply[..length]);
        assert!(reply.starts_with(&format!("HTTP/1.1 {status}")), "{call}: {reply:?}");
    }
}
