//! The audit log: each change leaves a row, and no row can be changed without being found out.

use iobeam_catalog::{Actor, AuditAction, AuditEvent, inspect};
use iobeam_model::{Permissions, TokenId};
use rusqlite::Connection;

use crate::scene::Scene;

fn actions(scene: &Scene) -> Vec<String> {
    let log = scene.catalog().audit_log(None, 1000).expect("read");
    log.into_iter().rev().map(|entry| entry.action).collect()
}

#[test]
fn a_change_and_its_row_of_the_audit_log_are_there_together_or_not_at_all() {
    let scene = Scene::new();
    let project = scene.project().id;
    let ada = scene.catalog().user_by_name("ada@example.com").expect("ada").id;
    let actor =
        Actor { user: Some(ada), token: TokenId::new(7), address: Some([192, 0, 2, 1].into()) };
    scene.device(project, "boiler");
    let before = actions(&scene).len();
    let catalog = scene.catalog().acting_as(actor);
    catalog.delete_device(project, &"boiler".parse().expect("an id")).expect("deleted");
    let log = scene.catalog().audit_log(None, 1).expect("read");
    assert_eq!(log[0].action, AuditAction::DeviceDelete.name());
    assert_eq!((log[0].actor, log[0].project), (actor, Some(project)));
    assert_eq!(log[0].target.as_deref(), Some("device:boiler"));
    // What is refused leaves no row.
    catalog.delete_device(project, &"boiler".parse().expect("an id")).expect_err("gone");
    catalog.set_permissions(project, ada, Permissions::NONE).expect_err("the last admin");
    assert_eq!(actions(&scene).len(), before + 1);
    assert_eq!(scene.catalog().verify_audit_log().expect("read"), None);
}

#[test]
fn the_audit_log_holds_no_address_name_or_password_of_a_user() {
    let scene = Scene::new();
    scene.project();
    for name in ["ada@example.com", "correct horse battery", "nobody@example.com"] {
        scene.catalog().log_in(name, "a wrong password").expect_err("wrong");
    }
    let text = format!("{:?}", scene.catalog().audit_log(None, 1000).expect("read"));
    assert!(text.contains("sign-in.failed"), "{text}");
    for secret in ["ada@", "horse", "nobody", "wrong"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
}

#[test]
fn the_database_refuses_to_change_remove_or_replace_rows_of_the_audit_log() {
    let mut scene = Scene::new();
    scene.project();
    scene.close();
    let file = Connection::open(scene.path()).expect("opened beside the catalog");
    for sql in [
        "UPDATE audit SET user = 9 WHERE id = 1",
        "DELETE FROM audit WHERE id = 1",
        "DELETE FROM audit",
        "INSERT OR REPLACE INTO audit (id, at, action, details, previous, hash) VALUES (1, 0, 'x', '{}', x'00', x'00')",
    ] {
        let refused = file.execute(sql, []).expect_err(sql).to_string();
        assert!(refused.contains("append-only"), "{sql}: {refused}");
    }
}

#[test]
fn a_row_that_was_changed_removed_added_or_cut_off_behind_the_triggers_is_found() {
    for (sql, found) in [
        ("UPDATE audit SET user = 9 WHERE id = 2", "row 2"),
        ("UPDATE audit SET details = '{\"a\":1}' WHERE id = 3", "row 3"),
        ("UPDATE audit SET project = NULL WHERE project = 1", "row"),
        ("UPDATE audit SET at = at + 1 WHERE id = 1", "row 1"),
        ("DELETE FROM audit WHERE id = 2", "no row 2"),
        ("DELETE FROM audit WHERE id = (SELECT max(id) FROM audit)", "ends with row"),
        ("DELETE FROM audit", "ends with row 0"),
        (
            "INSERT INTO audit (at, action, details, previous, hash) \
             SELECT at, action, details, hash, hash FROM audit ORDER BY id DESC LIMIT 1",
            "row",
        ),
    ] {
        let mut scene = Scene::new();
        scene.device(scene.project().id, "boiler");
        for n in 0..3 {
            let event = AuditEvent::new(AuditAction::RowsDelete).detail("rows", n);
            scene.catalog().record_audit(event).expect("recorded");
        }
        assert_eq!(scene.catalog().verify_audit_log().expect("read"), None, "{sql}");
        scene.close();
        let file = Connection::open(scene.path()).expect("opened beside the catalog");
        let triggers: Vec<(String, String)> = file
            .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' ORDER BY name")
            .and_then(|mut all| all.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect())
            .expect("triggers");
        assert!(triggers.len() >= 3, "{triggers:?}");
        for (name, _) in &triggers {
            file.execute_batch(&format!("DROP TRIGGER {name}")).expect("dropped");
        }
        file.execute_batch(sql).expect(sql);
        for (_, sql) in &triggers {
            file.execute_batch(sql).expect("put back");
        }
        drop(file);
        let problems = inspect(&scene.path()).expect("looked at").problems;
        assert!(problems.iter().any(|problem| problem.contains(found)), "{sql}: {problems:?}");
    }
}
