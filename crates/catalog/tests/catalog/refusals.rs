//! Imports that were refused: kept, listed, and never too many.

use iobeam_catalog::Refusal;
use iobeam_model::{Clock, ProjectId};

use crate::scene::Scene;

fn refusal(scene: &Scene, project: ProjectId, device: &str, text: &str) -> Refusal {
    Refusal {
        project,
        at: scene.clock.now(),
        device: (!device.is_empty()).then(|| device.to_owned()),
        status: 400,
        code: 1,
        message: text.to_owned(),
        details: "do better".to_owned(),
        times: 1,
    }
}

fn texts(scene: &Scene, project: ProjectId, device: Option<&str>, count: usize) -> Vec<String> {
    let found = scene.catalog().refusals(project, device, count).expect("a list");
    found.into_iter().map(|refusal| refusal.message).collect()
}

#[test]
fn refusals_are_listed_newest_first_by_device_and_after_a_restart() {
    let mut scene = Scene::new();
    let project = scene.project().id;
    let noted = [
        refusal(&scene, project, "a", "one"),
        refusal(&scene, project, "b", "two"),
        refusal(&scene, project, "", "three"),
        refusal(&scene, project, "a", "four"),
    ];
    scene.catalog().note_refusals(&noted, 100).expect("noted");
    scene.reopen();
    assert_eq!(texts(&scene, project, None, 9), ["four", "three", "two", "one"]);
    assert_eq!(texts(&scene, project, None, 2), ["four", "three"]);
    assert_eq!(texts(&scene, project, Some("a"), 9), ["four", "one"]);
    assert_eq!(texts(&scene, project, Some("'; DROP TABLE refusals"), 9), [""; 0]);
    assert_eq!(scene.catalog().refusals(project, None, 1).expect("a list"), noted[3..]);
}

#[test]
fn of_each_project_the_newest_stay() {
    let scene = Scene::new();
    let project = scene.project().id;
    let ada = scene.catalog().members(project)[0].0;
    let other = scene.catalog().create_project(ada, "other").expect("a project").id;
    scene.catalog().note_refusals(&[refusal(&scene, other, "a", "theirs")], 2).expect("noted");
    for text in ["one", "two", "three"] {
        let noted = [refusal(&scene, project, "a", text)];
        scene.catalog().note_refusals(&noted, 2).expect("noted");
    }
    assert_eq!(texts(&scene, project, None, 9), ["three", "two"]);
    assert_eq!(texts(&scene, other, None, 9), ["theirs"]);
    let gone = ProjectId::new(other.get() + 7).expect("not zero");
    scene
        .catalog()
        .note_refusals(&[refusal(&scene, gone, "a", "of nobody")], 2)
        .expect("passed over");
    assert!(texts(&scene, gone, None, 9).is_empty());
}
