//! Namespaces, their fields and labels.

use std::collections::BTreeMap;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use iobeam_catalog::{CatalogError, NamespaceChanges, NewNamespace, Settings};
use iobeam_model::{
    Clock, FieldName, FieldType, NamespaceId, NamespaceName, ProjectId, Retention, Value,
};
use proptest::prelude::*;

use crate::scene::{Scene, field};

use FieldType::{Boolean, Double, Long, String as Text};

fn weather(project: ProjectId) -> NewNamespace {
    NewNamespace {
        project,
        name: "weather".parse().expect("a name"),
        partition: field("station"),
        fields: BTreeMap::from([(field("rain"), Double), (field("count"), Long)]),
        labels: BTreeMap::from([("unit".to_owned(), Value::String("mm".into()))]),
        retention: Retention::Default,
    }
}

fn add(
    scene: &Scene,
    project: ProjectId,
    fields: &[(&str, FieldType)],
) -> Result<usize, CatalogError> {
    let fields: Vec<_> = fields.iter().map(|(name, kind)| (field(name), *kind)).collect();
    let namespace = scene.catalog().add_fields(project, &NamespaceName::input(), &fields)?;
    Ok(namespace.fields.len())
}

#[test]
fn fields_are_added_once_and_survive_a_restart() {
    let mut scene = Scene::new();
    let project = scene.project().id;
    let made = scene.catalog().namespace(project, &NamespaceName::input()).expect("input");
    scene.clock.advance(Duration::from_secs(1));
    assert_eq!(
        add(&scene, project, &[("temperature", Double), ("ok", Boolean)]).expect("added"),
        3
    );
    assert_eq!(add(&scene, project, &[("ok", Boolean), ("ok", Boolean)]).expect("known"), 3);
    assert_eq!(add(&scene, project, &[]).expect("nothing"), 3);
    for _ in 0..2 {
        let input = scene.catalog().namespace(project, &NamespaceName::input()).expect("input");
        let expected =
            [(field("device_id"), Text), (field("ok"), Boolean), (field("temperature"), Double)];
        assert_eq!(input.fields, BTreeMap::from(expected));
        assert_eq!(input.created, made.created);
        assert_eq!(input.last_modified, made.created.plus(Duration::from_secs(1)));
        assert_eq!(scene.catalog().namespace_by_id(project, input.id).expect("by id"), input);
        scene.reopen();
    }
}

#[test]
fn a_field_never_changes_its_type_and_a_refused_request_adds_nothing() {
    let mut scene = Scene::new();
    let project = scene.project().id;
    add(&scene, project, &[("temperature", Double)]).expect("added");
    for wanted in [Long, Boolean, Text] {
        let refused = add(&scene, project, &[("fresh", Double), ("temperature", wanted)]);
        let refused = refused.expect_err("another type");
        assert!(
            matches!(&refused, CatalogError::FieldTypeConflict { has: Double, .. }),
            "{refused}"
        );
    }
    let refused =
        add(&scene, project, &[("x", Double), ("x", Text)]).expect_err("two types at once");
    insta::assert_snapshot!(refused, @"field 'x' has the type DOUBLE, not STRING; send values of that type, or retype the field (PATCH /v1/namespaces/<id>/fields/x)");
    scene.reopen();
    assert_eq!(add(&scene, project, &[]).expect("as before"), 2);
}

#[test]
fn a_field_that_differs_in_letter_case_alone_is_refused() {
    let scene = Scene::new();
    let project = scene.project().id;
    add(&scene, project, &[("Temperature", Double)]).expect("added");
    let refused = add(&scene, project, &[("temperature", Double)]).expect_err("letter case");
    insta::assert_snapshot!(refused, @"field 'temperature' differs from the field 'Temperature' in letter case alone; use 'Temperature'");
    let refused = add(&scene, project, &[("DEVICE_ID", Text)]).expect_err("letter case");
    assert!(matches!(refused, CatalogError::FieldCase { .. }));
    let refused =
        add(&scene, project, &[("abc", Double), ("aBc", Double)]).expect_err("letter case");
    assert!(matches!(refused, CatalogError::FieldCase { .. }));
    assert_eq!(add(&scene, project, &[]).expect("as before"), 2);
}

#[test]
fn a_namespace_has_no_more_fields_than_was_set() {
    let mut scene = Scene::new();
    let project = scene.project().id;
    scene.close();
    let few = Settings { max_fields: 3, ..Settings::default() };
    let catalog = scene.try_open_with(few).expect("opened");
    let add = |names: &[&str]| {
        let fields: Vec<_> = names.iter().map(|name| (field(name), Double)).collect();
        catalog.add_fields(project, &NamespaceName::input(), &fields)
    };
    add(&["a"]).expect("one more");
    let refused = add(&["b", "c"]).expect_err("one too many");
    insta::assert_snapshot!(refused, @"too many fields in a namespace: at most 3 are allowed");
    assert_eq!(add(&["b"]).expect("the last one").fields.len(), 3);
    assert!(add(&["a", "b"]).is_ok(), "known ones are no more");
}

#[test]
fn of_two_who_add_a_field_with_different_types_at_once_one_wins_and_the_other_is_told() {
    let mut scene = Scene::new();
    let project = scene.project().id;
    for round in 0..20 {
        let name = format!("field{round}");
        let start = Barrier::new(4);
        let outcomes = thread::scope(|threads| {
            let (scene, start, name) = (&scene, &start, name.as_str());
            let racer = move |kind| {
                start.wait();
                add(scene, project, &[(name, kind)])
            };
            let all = [Double, Boolean, Text, Long].map(|kind| threads.spawn(move || racer(kind)));
            all.map(|one| one.join().expect("no panic"))
        });
        let won = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        assert_eq!(won, 1, "{outcomes:?}");
        for refused in outcomes.into_iter().filter_map(Result::err) {
            assert!(matches!(refused, CatalogError::FieldTypeConflict { .. }), "{refused}");
        }
    }
    let input = NamespaceName::input();
    let before = scene.catalog().namespace(project, &input);
    assert_eq!(scene.reopen().namespace(project, &input), before, "memory and file agree");
}

#[test]
fn a_declared_namespace_has_its_partitioning_field_and_survives_a_restart() {
    let mut scene = Scene::new();
    let project = scene.project().id;
    let made = scene.catalog().create_namespace(weather(project)).expect("made");
    assert!(made.explicit);
    assert_eq!(made.fields[&field("station")], Text);
    assert_eq!(made.labels["station:distinct"], Value::Boolean(true));
    for _ in 0..2 {
        assert_eq!(scene.catalog().namespace(project, &made.name).expect("known"), made);
        let names: Vec<_> =
            scene.catalog().namespaces(project).iter().map(|one| one.name.to_string()).collect();
        assert_eq!(names, ["input", "weather"]);
        scene.reopen();
    }
    let again = scene.catalog().create_namespace(weather(project)).expect_err("exists");
    insta::assert_snapshot!(again, @"namespace 'weather' exists already; choose another name");
    let wrong = NewNamespace {
        name: "w2".parse().expect("a name"),
        partition: field("rain"),
        ..weather(project)
    };
    let wrong = scene.catalog().create_namespace(wrong).expect_err("a number");
    insta::assert_snapshot!(wrong, @"partitioning_field: the field 'rain' is DOUBLE; it must be STRING");
    let missing = weather(ProjectId::new(99).expect("not zero"));
    assert!(matches!(
        scene.catalog().create_namespace(missing),
        Err(CatalogError::NotFound { .. })
    ));
}

#[test]
fn a_retention_is_kept_over_a_restart_and_changes_alone() {
    let mut scene = Scene::new();
    let project = scene.project().id;
    let month: Retention = "30d".parse().expect("a retention");
    let new = NewNamespace { retention: month, ..weather(project) };
    let made = scene.catalog().create_namespace(new).expect("made");
    let input = scene.catalog().namespace(project, &NamespaceName::input()).expect("input");
    assert_eq!((made.retention, input.retention), (month, Retention::Default));
    for wanted in [Retention::Forever, month, Retention::Default] {
        scene.clock.advance(Duration::from_secs(1));
        let changes = NamespaceChanges { retention: Some(wanted), ..NamespaceChanges::default() };
        let after = scene.catalog().update_namespace(project, input.id, changes.clone());
        let after = after.expect("changed");
        assert_eq!((after.retention, &after.fields), (wanted, &input.fields));
        let again = scene.catalog().update_namespace(project, input.id, changes).expect("the same");
        assert_eq!(again.last_modified, after.last_modified, "nothing was changed");
        scene.reopen();
        assert_eq!(scene.catalog().namespace_by_id(project, input.id), Some(after));
    }
    assert_eq!(scene.catalog().all_namespaces().len(), 2);
}

#[test]
fn the_time_by_which_rows_expired_is_kept_over_a_restart() {
    let mut scene = Scene::new();
    assert_eq!(scene.catalog().retention_clock().expect("read"), None);
    for seconds in [1, 2] {
        let known = scene.clock.now().plus(Duration::from_secs(seconds));
        scene.catalog().set_retention_clock(known).expect("written");
        scene.reopen();
        assert_eq!(scene.catalog().retention_clock().expect("read"), Some(known));
    }
}

#[test]
fn another_projects_namespace_is_not_there() {
    let scene = Scene::new();
    let one = scene.project().id;
    let ada = scene.catalog().user_by_name("ada@example.com").expect("ada").id;
    let two = scene.catalog().create_project(ada, "shed").expect("a project").id;
    let made = scene.catalog().create_namespace(weather(one)).expect("made");
    assert!(scene.catalog().namespace_by_id(two, made.id).is_none());
    assert!(scene.catalog().namespace(two, &made.name).is_none());
    let refused = scene.catalog().update_namespace(two, made.id, NamespaceChanges::default());
    assert!(matches!(refused, Err(CatalogError::NotFound { what: "namespace", .. })));
}

#[test]
fn an_update_adds_fields_and_overwrites_labels_but_removes_nothing() {
    let mut scene = Scene::new();
    let project = scene.project().id;
    let made = scene.catalog().create_namespace(weather(project)).expect("made");
    let update = |fields: Option<&[(&str, FieldType)]>, labels: &[(&str, Value)]| {
        let fields =
            fields.map(|all| all.iter().map(|(name, kind)| (field(name), *kind)).collect());
        let labels =
            labels.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        scene.catalog().update_namespace(
            project,
            made.id,
            NamespaceChanges { fields, labels, ..NamespaceChanges::default() },
        )
    };
    let all = [("station", Text), ("rain", Double), ("count", Long), ("sun", Boolean)];
    let after = update(Some(&all), &[("unit", Value::Double(2.5)), ("n", Value::Long(i64::MAX))])
        .expect("updated");
    assert_eq!(after.fields.len(), 4);
    assert_eq!(after.labels.len(), 3);
    assert_eq!(update(None, &[]).expect("nothing"), after);
    let removed = update(Some(&all[1..]), &[]).expect_err("one is left out");
    insta::assert_snapshot!(removed, @"fields: the field 'station' is not removed this way; send it along with its type, or drop it with DELETE /v1/namespaces/2/fields/station");
    let retyped = [("station", Text), ("rain", Long), ("count", Long), ("sun", Boolean)];
    let retyped =
        update(Some(&retyped), &[("unit", Value::Boolean(true))]).expect_err("another type");
    assert!(matches!(retyped, CatalogError::FieldTypeConflict { .. }));
    assert!(update(None, &[("", Value::Boolean(true))]).is_err());
    assert!(update(None, &[("x", Value::Double(f64::NAN))]).is_err());
    for _ in 0..2 {
        assert_eq!(scene.catalog().namespace_by_id(project, made.id).expect("known"), after);
        scene.reopen();
    }
    let missing = NamespaceId::new(99).expect("not zero");
    assert!(
        scene.catalog().update_namespace(project, missing, NamespaceChanges::default()).is_err()
    );
}

/// A field that may or may not agree with others: few names, so that they meet.
fn any_field() -> impl Strategy<Value = (FieldName, FieldType)> {
    let name = "[abAB]{1,2}".prop_map(|text| field(&text));
    (name, prop_oneof![Just(Double), Just(Long), Just(Boolean), Just(Text)])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Against the simplest model there is: a map that refuses what the rules refuse.
    #[test]
    fn any_row_of_additions_leaves_the_fields_that_a_plain_map_would(
        requests in prop::collection::vec(prop::collection::vec(any_field(), 0..4), 0..12)
    ) {
        let mut scene = Scene::new();
        let project = scene.project().id;
        let mut model = BTreeMap::from([(FieldName::device_id(), Text)]);
        for request in requests {
            let mut wished = model.clone();
            let fits = request.iter().all(|(name, kind)| {
                let same_case = |other: &&FieldName| other.as_str().eq_ignore_ascii_case(name.as_str());
                let clash = wished.keys().find(same_case).is_some_and(|other| other != name);
                !clash && *wished.entry(name.clone()).or_insert(*kind) == *kind
            });
            let outcome = scene.catalog().add_fields(project, &NamespaceName::input(), &request);
            prop_assert_eq!(outcome.is_ok(), fits);
            if fits {
                model = wished;
            }
        }
        for _ in 0..2 {
            let input = scene.catalog().namespace(project, &NamespaceName::input()).expect("input");
            prop_assert_eq!(&input.fields, &model);
            scene.reopen();
        }
    }
}
