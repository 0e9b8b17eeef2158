//! Projects and namespaces that are deleted, with their rows and files.

use std::path::Path;
use std::sync::Arc;

use iobeam_catalog::Catalog;
use iobeam_model::{ProjectId, SystemClock};
use serde_json::{Value, json};

use crate::platform::{PASSWORD, Person, Platform};

struct Scene {
    platform: Platform,
    ada: Person,
    project: u64,
    token: String,
}

fn scene() -> Scene {
    // Each write is filed at once, so that there are files to delete.
    let platform = Platform::start_with(|config| config.storage.flush_size = 1);
    let ada = platform.person("ada");
    let project = platform.project(&ada, "glasshouse");
    let token = platform.token(&ada, project, "");
    platform.post("/v1/devices", &token, &json!({"device_id": "boiler"})).expect(201);
    let scene = Scene { platform, ada, project, token };
    scene.import("input", 3);
    scene
}

impl Scene {
    /// Stores rows, and waits until they are in a file.
    fn import(&self, namespace: &str, rows: u64) {
        let values: Vec<Value> = (1..=rows).map(|n| json!([n, n])).collect();
        let body = json!({
            "project_id": self.project, "namespace": namespace, "labels": {"device_id": "boiler"},
            "data": {"fields": ["time", "value"], "values": values},
        });
        self.platform.post("/v1/imports?fmt=table", &self.token, &body).expect(200);
        let folder = format!("{}/{namespace}", self.project);
        for _ in 0..2400 {
            if has_files(self.platform.data(), &folder) {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(25));
        }
        panic!("nothing was filed in {folder}");
    }

    fn weather(&self) -> u64 {
        let fields = json!({"value": "DOUBLE"});
        let body =
            json!({"project_id": self.project, "namespace_name": "weather", "fields": fields});
        let made = self.platform.post("/v1/namespaces", &self.token, &body).expect(201);
        made["namespace_id"].as_u64().expect("a number")
    }

    fn count(&self, namespace: &str) -> Value {
        let query = json!({"query": format!("SELECT count(*) AS n FROM {namespace}")});
        let reply = self.platform.post("/v1/sql", &self.token, &query).expect(200);
        reply["result"][0]["values"][0][0].clone()
    }
}

/// Whether anything of a project or namespace is in the lake.
fn has_files(data: &Path, folder: &str) -> bool {
    let mut waiting = vec![data.join("lake").join(folder)];
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.expect("an entry").path();
            if !path.is_dir() {
                return true;
            }
            waiting.push(path);
        }
    }
    false
}

#[test]
fn a_project_is_deleted_by_its_admin_with_all_that_is_in_it() {
    let scene = scene();
    let (platform, path) = (&scene.platform, format!("/v1/projects/{}", scene.project));
    let bob = platform.person("bob");
    platform.delete(&path, &bob.token).refused(404);
    let member = json!({"user_id": bob.id, "read": true, "write": true});
    platform.patch(&format!("{path}/permissions"), &scene.ada.token, &member);
    platform.delete(&path, &bob.token).refused(403);
    platform.delete(&path, &scene.token).refused(403);
    let other = platform.project(&scene.ada, "other");
    let other = platform.token(&scene.ada, other, "");
    platform.delete(&path, &scene.ada.token).expect_empty(204);
    platform.get(&path, &scene.ada.token).refused(404);
    platform.delete(&path, &scene.ada.token).refused(404);
    platform.get("/v1/devices", &scene.token).refused(401);
    assert!(!has_files(platform.data(), &scene.project.to_string()));
    platform.get("/v1/devices", &other).expect(200);
    let again = platform.project(&scene.ada, "glasshouse");
    assert!(again > scene.project, "the name is free, the number is not");
    let token = platform.token(&scene.ada, again, "");
    assert_eq!(platform.get("/v1/devices", &token).expect(200)["devices"], json!([]));
}

#[test]
fn a_namespace_is_deleted_with_its_rows_and_can_be_made_anew() {
    let scene = scene();
    let id = scene.weather();
    scene.import("weather", 5);
    assert_eq!((scene.count("weather"), scene.count("input")), (json!(5), json!(3)));
    let path = format!("/v1/namespaces/{id}");
    let keep = json!({"retention": "1s"});
    let reader = scene.platform.token(&scene.ada, scene.project, "&read=true&write=true");
    scene.platform.delete(&path, &reader).refused(403);
    scene.platform.put(&path, &scene.token, &keep).expect_empty(204);
    scene.platform.delete(&path, &scene.token).expect_empty(204);
    scene.platform.get(&path, &scene.token).refused(404);
    assert!(!has_files(scene.platform.data(), &format!("{}/weather", scene.project)));
    let again = scene.weather();
    assert!(again > id);
    assert_eq!(scene.count("weather"), json!(0));
    scene.import("weather", 2);
    assert_eq!(scene.count("weather"), json!(2), "nothing of the old one's retention holds");
    assert_eq!(scene.count("input"), json!(3));
    let list = scene.platform.get("/v1/namespaces?name=input", &scene.token).expect(200);
    let input = format!("/v1/namespaces/{}", list["namespaces"][0]["namespace_id"]);
    let refused = scene.platform.delete(&input, &scene.token).refused(400);
    assert!(refused["details"].as_str().expect("a text").contains("retention"), "{refused}");
}

#[test]
fn what_a_stop_cut_short_is_ended_by_the_next_start() {
    let scene = scene();
    scene.weather();
    scene.import("weather", 5);
    let project = ProjectId::new(scene.project as u32).expect("not zero");
    let lake = scene.project.to_string();
    let folder = scene.platform.stop();
    assert!(folder.path().join("journal").is_dir());
    // As if the process had ended right after the catalog's part.
    let catalog = Catalog::open(
        &folder.path().join("catalog.db"),
        iobeam_catalog::Settings::default(),
        Arc::new(SystemClock::new()),
    );
    let catalog = catalog.expect("the catalog opens");
    catalog.delete_project(project).expect("deleted");
    drop(catalog);
    let found =
        iobeam_server::doctor::examine(folder.path(), false, &mut |_| {}).expect("looked at");
    assert!(found.is_sound(), "{:?}", found.findings);
    let platform = Platform::start_in(folder, |_| {});
    assert!(!has_files(platform.data(), &lake));
    let ada = platform.log_in("ada", PASSWORD).expect(200)["token"].clone();
    let ada = ada.as_str().expect("a token");
    platform.get(&format!("/v1/projects/{project}"), ada).refused(404);
    let folder = platform.stop();
    let catalog = Catalog::open(
        &folder.path().join("catalog.db"),
        iobeam_catalog::Settings::default(),
        Arc::new(SystemClock::new()),
    );
    assert_eq!(catalog.expect("it opens").deletions().expect("a list"), []);
}
