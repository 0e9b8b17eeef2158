//! The audit log: each change leaves a row, and no row can be changed without being found out.

use std::time::Duration;

use iobeam_catalog::{Actor, AuditAction, AuditEvent, AuditFilter, inspect};
use iobeam_model::{Clock, Permissions, TokenId};

use crate::scene::Scene;

fn actions(scene: &Scene) -> Vec<String> {
    let log = scene.catalog().audit_log(&AuditFilter::default(), 1000).expect("read");
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
    let log = scene.catalog().audit_log(&AuditFilter::default(), 1).expect("read");
    assert_eq!(log[0].action, AuditAction::DeviceDelete.name());
    assert_eq!((log[0].actor, log[0].project), (actor, Some(project)));
    assert_eq!(log[0].target.as_deref(), Some("device:boiler"));
    // What is refused leaves no row.
    catalog.delete_device(project, &"boiler".parse().expect("an id")).expect_err("gone");
    catalog.set_permissions(project, ada, Permissions::NONE).expect_err("the last admin");
    assert_eq!(actions(&scene).len(), before + 1);
    assert_eq!(scene.catalog().audit_seal(None).expect("read").problem, None);
}

#[test]
fn the_audit_log_holds_no_address_name_or_password_of_a_user() {
    let scene = Scene::new();
    scene.project();
    for name in ["ada@example.com", "correct horse battery", "nobody@example.com"] {
        scene.catalog().log_in(name, "a wrong password").expect_err("wrong");
    }
    let text =
        format!("{:?}", scene.catalog().audit_log(&AuditFilter::default(), 1000).expect("read"));
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
    let file = scene.tamper();
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
        assert_eq!(scene.catalog().audit_seal(None).expect("read").problem, None, "{sql}");
        scene.close();
        let file = scene.tamper();
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

#[test]
fn rows_are_found_by_who_what_where_and_when() {
    let scene = Scene::new();
    let project = scene.project().id;
    let ada = scene.catalog().user_by_name("ada@example.com").expect("ada").id;
    let bob = scene.user("bob@example.com").id;
    let read = Permissions { read: true, ..Permissions::NONE };
    let before = scene.clock.now();
    scene.clock.advance(Duration::from_secs(10));
    let catalog = scene.catalog().acting_as(Actor { user: Some(ada), ..Actor::default() });
    catalog.set_permissions(project, bob, read).expect("a member");
    catalog.set_permissions(project, bob, Permissions::NONE).expect("removed");
    let found = |filter: AuditFilter| {
        let log = scene.catalog().audit_log(&filter, 100).expect("read");
        log.into_iter().map(|entry| entry.action).collect::<Vec<_>>()
    };
    let any = AuditFilter::default;
    let text = |text: &str| Some(text.to_owned());
    let both = ["member.remove", "member.add"];
    assert_eq!(found(AuditFilter { action: text("member"), ..any() }), both);
    assert_eq!(found(AuditFilter { action: text("member.add"), ..any() }), ["member.add"]);
    assert!(found(AuditFilter { action: text("mem"), ..any() }).is_empty());
    let mine = AuditFilter { user: Some(ada), from: Some(scene.clock.now()), ..any() };
    assert_eq!(found(mine.clone()), both);
    assert_eq!(found(AuditFilter { before: Some(newest_row(&scene)), ..mine }), ["member.add"]);
    let target = AuditFilter { target: Some(format!("user:{bob}")), ..any() };
    assert_eq!(found(target), ["member.remove", "member.add", "user.create"]);
    assert_eq!(found(AuditFilter { target: text("user"), ..any() }).len(), 4);
    assert!(found(AuditFilter { target: text("use"), ..any() }).is_empty());
    let there = AuditFilter { project: Some(project), ..any() };
    assert_eq!(found(there), ["member.remove", "member.add", "project.create"]);
    let earlier = found(AuditFilter { to: Some(before.plus(Duration::from_secs(1))), ..any() });
    assert!(!earlier.is_empty() && !earlier.iter().any(|action| action.starts_with("member")));
}

/// The number of the newest row.
fn newest_row(scene: &Scene) -> u64 {
    scene.catalog().audit_log(&AuditFilter::default(), 1).expect("read")[0].id
}

#[test]
fn a_log_that_was_written_anew_is_told_by_a_hash_that_was_kept_elsewhere() {
    let scene = Scene::new();
    scene.project();
    let seal = |known| scene.catalog().audit_seal(known).expect("read");
    let first = seal(None);
    assert_eq!((first.rows, first.problem), (newest_row(&scene), None));
    let mut hash = [0; 32];
    for (at, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&first.hash[2 * at..2 * at + 2], 16).expect("digits");
    }
    scene.user("bob@example.com");
    assert_ne!(seal(None).hash, first.hash);
    assert_eq!(seal(Some(hash)).problem, None, "the rows up to it are the same");
    // The log of another catalog is sound in itself.
    let other = Scene::new();
    other.user("eve@example.com");
    other.project();
    let told = other.catalog().audit_seal(Some(hash)).expect("read").problem.expect("found");
    assert!(told.contains("replaced"), "{told}");
    assert_eq!(other.catalog().audit_seal(None).expect("read").problem, None);
}
