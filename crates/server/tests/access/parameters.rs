//! Query parameters: what the description names is taken, anything else is refused by its name.

use serde_json::{Value, json};

use crate::platform::Platform;

/// Method, path with its free parts filled, and the names of the query parameters, of each call of the description.
fn calls(platform: &Platform) -> Vec<(String, String, Vec<String>)> {
    let description = platform.get("/v1/openapi.json", "").expect(200);
    let mut calls = Vec::new();
    for (path, methods) in description["paths"].as_object().expect("paths") {
        let filled: Vec<&str> = path
            .split('/')
            .map(|part| match part {
                "{namespace}" => "input",
                "{field}" | "{device}" | "{series}" => "all",
                free if free.starts_with('{') => "1",
                fixed => fixed,
            })
            .collect();
        for (method, call) in methods.as_object().expect("methods") {
            let parameters = call["parameters"].as_array().cloned().unwrap_or_default();
            let names = parameters
                .iter()
                .filter(|parameter| parameter["in"] == "query")
                .map(|parameter| parameter["name"].as_str().expect("a name").to_owned());
            calls.push((method.to_uppercase(), filled.join("/"), names.collect()));
        }
    }
    calls
}

fn body(method: &str) -> Value {
    if matches!(method, "GET" | "DELETE") { Value::Null } else { json!({}) }
}

#[test]
fn a_parameter_that_a_call_does_not_take_is_400_and_named_on_every_route() {
    let platform = Platform::start();
    let owner = platform.person("owner");
    let project = platform.project(&owner, "p");
    let token = platform.token(&owner, project, "");
    let calls = calls(&platform);
    assert!(calls.len() > 50, "the description names the calls: {}", calls.len());
    for (method, path, names) in &calls {
        for token in [&token, &owner.token] {
            let path = format!("{path}?nonsense=1");
            let reply = platform.call(method, &path, token, &body(method));
            let text = reply.refused(400).to_string();
            assert!(text.contains("'nonsense'"), "{method} {path}: {text}");
        }
        // A blank in the name, another letter case, a second one beside a known one: all of them mean nothing.
        if let Some(known) = names.first() {
            for query in
                [format!("{known}=1&nonsense"), known.to_uppercase(), format!("+{known}=1")]
            {
                let path = format!("{path}?{query}");
                let reply = platform.call(method, &path, &token, &body(method));
                let text = reply.refused(400).to_string();
                assert!(text.contains("is unknown"), "{method} {path}: {text}");
            }
        }
    }
}

#[test]
fn a_parameter_that_the_description_names_is_not_unknown() {
    let platform = Platform::start();
    let owner = platform.person("owner");
    let project = platform.project(&owner, "p");
    let token = platform.token(&owner, project, "");
    // What it answers goes on until somebody ends it.
    let ending = calls(&platform).into_iter().filter(|(_, path, _)| path != "/v1/live");
    for (method, path, names) in ending {
        for name in names {
            let path = format!("{path}?{name}=x");
            for token in [&token, &owner.token] {
                let reply = platform.call(&method, &path, token, &body(&method));
                assert!(!reply.text.contains("is unknown"), "{method} {path}: {}", reply.text);
            }
        }
    }
    let reply = platform.get("/v1/data/input/all?limt=10", &token).refused(400).to_string();
    assert!(reply.contains("did you mean 'limit'"), "{reply}");
    let reply =
        platform.get("/v1/data/input/all?limit=10&offset=10", &token).refused(400).to_string();
    assert!(reply.contains("'offset'"), "{reply}");
}

#[test]
fn what_the_original_clients_send_is_taken() {
    let platform = Platform::start();
    let owner = platform.person("owner");
    let project = platform.project(&owner, "p");
    let token = platform.token(&owner, project, "&include_user=false&duration=5w&refreshable=True");
    for (path, token) in [
        ("/v1/devices/?project_id=1&offset=0&count=10".to_owned(), &token),
        ("/v1/devices/timestamp?timefmt=TIMEVAL".to_owned(), &token),
        ("/v1/namespaces/?name=input".to_owned(), &token),
        ("/v1/namespaces/?namespace_name=input".to_owned(), &token),
        ("/v1/data/input/device_id?limit_by=device_id,1&limit=1000".to_owned(), &token),
        (
            "/v1/data/input/?limit=10&time=1,now()&timefmt=msec&output=json&where=eq(device_id,d)"
                .to_owned(),
            &token,
        ),
        (
            format!("/v1/exports/{project}/all/all?limit=10&from=1&to=2&timefmt=usec&output=json"),
            &token,
        ),
        ("/v1/projects/".to_owned(), &owner.token),
        ("/v1/projects?name=p".to_owned(), &owner.token),
        ("/v1/users?name=owner".to_owned(), &owner.token),
        (
            format!(
                "/v1/tokens/project?project_id={project}&read=true&write=false&admin=false&include_user=false"
            ),
            &owner.token,
        ),
    ] {
        platform.get(&path, token).expect(200);
    }
}
