//! The file: private, checked, versioned, one process at a time.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use iobeam_catalog::{
    AuditFilter, Catalog, CatalogError, NamespaceChanges, NewToken, Page, Settings, TokenOwner,
};
use iobeam_model::{Clock, FieldType, NamespaceName, Permissions, Remedy, Retention, Value};
use iobeam_testkit::{Chance, TestClock};
use rusqlite::Connection;

use crate::scene::{PASSWORD, Scene, device_id, field};

/// Everything that can be asked of a catalog, as one text to compare.
pub(crate) fn everything(catalog: &Catalog) -> String {
    let mut parts = Vec::new();
    for user in catalog.users().expect("users") {
        for (project, may) in catalog.projects_of(user.id).expect("projects") {
            parts.push(format!("{project:?} {may:?} {:?}", catalog.members(project.id)));
            parts.push(format!("{:?}", catalog.namespaces(project.id)));
            let devices = catalog.devices(project.id, Page::default()).expect("devices");
            parts.push(format!("{devices:?}"));
            let tokens = catalog.tokens_of_project(project.id).expect("tokens");
            parts.push(format!("{tokens:?}"));
            for listed in catalog.dashboards(project.id).expect("dashboards") {
                let board = catalog.dashboard(project.id, listed.id).expect("a dashboard");
                let shares = catalog.shares(project.id, listed.id).expect("links");
                parts.push(format!("{listed:?} {board:?} {shares:?}"));
            }
        }
        parts.push(format!("{user:?} {:?}", catalog.tokens_of_user(user.id).expect("tokens")));
    }
    parts.push(format!("{:?}", catalog.invites().expect("invites")));
    parts.join("\n")
}

/// Fills a catalog with something of each kind.
pub(crate) fn furnish(scene: &Scene) {
    let project = scene.project().id;
    let ada = scene.catalog().user_by_name("ada@example.com").expect("ada").id;
    let boiler = scene.device(project, "boiler:1");
    scene.catalog().seen(project, &boiler, scene.clock.now());
    let fields = [(field("temperature"), FieldType::Double), (field("ok"), FieldType::Boolean)];
    scene.catalog().add_fields(project, &NamespaceName::input(), &fields).expect("added");
    let input = scene.catalog().namespace(project, &NamespaceName::input()).expect("input");
    let retention = Some("30d".parse().expect("a retention"));
    let changes = NamespaceChanges { retention, ..NamespaceChanges::default() };
    scene.catalog().update_namespace(project, input.id, changes).expect("changed");
    // The last bytes of the file belong to a time: one that does not end in zeros.
    let odd = scene.clock.now().plus(Duration::from_micros(86_400_000_077));
    scene.catalog().set_retention_clock(odd).expect("noted");
    scene.catalog().create_invite(Some(ada), 3, None).expect("a code");
    scene.catalog().new_verification_key(ada).expect("a key");
    let new = NewToken {
        user: ada,
        tied: true,
        project: Some(project),
        permissions: Permissions::ALL,
        device: Some(boiler),
        refreshable: true,
        expires: scene.clock.now().plus(Duration::from_hours(24)),
        name: None,
        owner: TokenOwner::Creator,
    };
    scene.catalog().issue_token(new).expect("issued");
    let board = scene.dashboard(project, "glass").id;
    scene.catalog().create_share(project, board, Some(odd), 9).expect("a link");
}

#[test]
fn nobody_else_can_read_any_file_of_the_catalog() {
    let mut scene = Scene::new();
    furnish(&scene);
    let modes = |folder: &Path| {
        let entries =
            fs::read_dir(folder).expect("the folder").map(|entry| entry.expect("an entry"));
        let mode =
            |entry: fs::DirEntry| entry.metadata().expect("metadata").permissions().mode() & 0o777;
        entries.map(|entry| (entry.file_name(), mode(entry))).collect::<Vec<_>>()
    };
    let open = modes(scene.folder.path());
    assert!(open.len() >= 3, "the file, its log, the lock: {open:?}");
    assert!(open.iter().all(|(_, mode)| *mode == 0o600), "{open:?}");
    fs::set_permissions(scene.path(), fs::Permissions::from_mode(0o644)).expect("loosened");
    scene.reopen();
    let again = modes(scene.folder.path());
    assert!(again.iter().all(|(_, mode)| *mode == 0o600), "{again:?}");
}

#[test]
fn a_second_opening_is_refused_while_the_first_lasts() {
    let mut scene = Scene::new();
    let refused = scene.try_open().expect_err("in use");
    assert!(matches!(refused, CatalogError::InUse { .. }), "{refused}");
    let clone = scene.catalog().clone();
    scene.close();
    assert!(scene.try_open().is_err(), "a clone still lives");
    drop(clone);
    assert!(scene.try_open().is_ok());
}

#[test]
fn a_catalog_of_a_newer_version_is_refused_and_left_as_it_is() {
    let mut scene = Scene::new();
    furnish(&scene);
    scene.close();
    let file = scene.tamper();
    file.pragma_update(None, "user_version", 99).expect("as if from the future");
    drop(file);
    let before = fs::read(scene.path()).expect("read");
    let refused = scene.try_open().expect_err("newer");
    assert!(matches!(refused, CatalogError::NewerVersion { found: 99, .. }), "{refused}");
    let text = refused.to_string().replace(&scene.path().display().to_string(), "catalog.db");
    insta::assert_snapshot!(text, @"the catalog catalog.db has version 99, and this program knows versions up to 7; start the newer program that wrote it, or restore a backup");
    assert_eq!(refused.remedy(), Remedy::CallOperator);
    assert_eq!(fs::read(scene.path()).expect("read"), before);
}

#[test]
fn what_is_no_catalog_is_refused_and_left_as_it_is() {
    let mut scene = Scene::new();
    scene.close();
    let refuse = |bytes: &[u8]| {
        fs::write(scene.path(), bytes).expect("written");
        let refused = scene.try_open().expect_err("no catalog");
        assert!(matches!(refused, CatalogError::Damaged { .. }), "{refused}");
        assert_eq!(fs::read(scene.path()).expect("read"), bytes);
    };
    refuse(&b"this is a letter to somebody else\n".repeat(100));
    let other = scene.folder.path().join("other.db");
    let connection = Connection::open(&other).expect("another program's file");
    connection.execute_batch("CREATE TABLE birds (name TEXT)").expect("made");
    drop(connection);
    refuse(&fs::read(other).expect("read"));
}

#[test]
fn an_empty_file_is_a_first_start_that_was_cut_short() {
    let mut scene = Scene::new();
    scene.close();
    fs::write(scene.path(), b"").expect("emptied");
    assert!(!scene.reopen().has_users().expect("asked"));
}

#[test]
fn a_file_that_was_cut_is_refused() {
    let mut scene = Scene::new();
    furnish(&scene);
    scene.close();
    let whole = fs::read(scene.path()).expect("read");
    // Zeros at its end are those of tables in which nothing is: without them nothing is missing.
    let last = whole.iter().rposition(|byte| *byte != 0).expect("it is not empty");
    for length in [100, 4096, whole.len() / 2, whole.len() - 4096, last] {
        fs::write(scene.path(), &whole[..length]).expect("cut");
        let refused = scene.try_open();
        assert!(matches!(refused, Err(CatalogError::Damaged { .. })), "{length}: {refused:?}");
    }
}

#[test]
fn a_flipped_bit_is_found_or_changes_nothing() {
    const FLIPS: usize = 200;
    let mut scene = Scene::new();
    furnish(&scene);
    scene.close();
    let expected = everything(scene.reopen());
    scene.close();
    let whole = fs::read(scene.path()).expect("read");
    let mut chance = Chance::new(2026);
    let mut found = 0;
    for _ in 0..FLIPS {
        let (at, bit) = (chance.below(whole.len() as u64) as usize, chance.below(8));
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << bit;
        fs::write(scene.path(), &bytes).expect("flipped");
        match scene.try_open() {
            Ok(catalog) => {
                assert_eq!(everything(&catalog), expected, "byte {at}, bit {bit}");
                assert!(
                    catalog.log_in("ada@example.com", PASSWORD).is_ok(),
                    "byte {at}, bit {bit}"
                );
            }
            Err(error) => {
                assert_eq!(error.remedy(), Remedy::CallOperator, "byte {at}, bit {bit}: {error}");
                found += 1;
            }
        }
    }
    assert!(found > 0, "of {FLIPS} flips some must hit what matters");
}

#[test]
fn a_copy_taken_at_any_moment_opens_with_all_that_was_acknowledged() {
    let scene = Scene::new();
    let project = scene.project().id;
    for n in 0..20 {
        let id = format!("device-{n}");
        scene.device(project, &id);
        // What a kill at this moment would leave: nobody closed or checkpointed anything.
        let left = tempfile::tempdir().expect("a folder");
        for name in ["catalog.db", "catalog.db-wal"] {
            fs::copy(scene.folder.path().join(name), left.path().join(name)).expect("copied");
        }
        let clock = Arc::clone(&scene.clock) as Arc<dyn Clock>;
        let path = left.path().join("catalog.db");
        let after = Catalog::open(&path, Settings::default(), clock).expect("opens");
        assert!(after.is_registered(project, &id));
        assert_eq!(after.device_count(project), n + 1);
    }
}

#[test]
fn a_log_torn_anywhere_leaves_whole_changes_only() {
    let scene = Scene::new();
    let project = scene.project().id;
    let name = NamespaceName::input();
    for n in 0..3 {
        let pair = [format!("left{n}"), format!("right{n}")];
        let fields = pair.map(|text| (field(&text), FieldType::Double));
        scene.catalog().add_fields(project, &name, &fields).expect("added");
    }
    let (file, log) = ("catalog.db", "catalog.db-wal");
    let whole = fs::read(scene.folder.path().join(log)).expect("the log");
    for length in (0..=whole.len()).step_by(whole.len() / 97) {
        let left = tempfile::tempdir().expect("a folder");
        fs::copy(scene.folder.path().join(file), left.path().join(file)).expect("copied");
        fs::write(left.path().join(log), &whole[..length]).expect("torn");
        let clock = Arc::clone(&scene.clock) as Arc<dyn Clock>;
        let after = Catalog::open(&left.path().join(file), Settings::default(), clock);
        let after = after.expect("opens");
        if let Some(input) = after.namespace(project, &name) {
            assert_eq!(input.fields.len() % 2, 1, "device_id, and pairs: {:?}", input.fields);
        }
    }
}

#[test]
fn each_version_of_the_file_opens_in_this_one() {
    let month = "30d".parse().expect("a retention");
    for version in 1..=7 {
        let retention = if version == 1 { Retention::Default } else { month };
        opens_with_all_that_is_in_it(version, retention);
    }
}

fn opens_with_all_that_is_in_it(version: u32, retention: Retention) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("catalog.db");
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    fs::copy(golden.join(format!("catalog-v{version}.db")), &path).expect("copied");
    let clock = Arc::new(TestClock::new());
    let catalog = Catalog::open(&path, Settings::default(), clock).expect("opens");
    let audited = catalog.audit_log(&AuditFilter::default(), 100).expect("the audit log").len();
    assert_eq!(audited, if version < 5 { 0 } else { 6 }, "version {version}");
    let ada = catalog.log_in("Ada@example.com", PASSWORD).expect("the password still works");
    assert!(ada.operator);
    let project = catalog.project_by_name("greenhouse").expect("the project");
    assert_eq!(catalog.permissions(ada.id, project.id), Permissions::ALL);
    let device = catalog.device(project.id, &device_id("boiler:1")).expect("the device");
    assert!(device.last_seen.is_some());
    let input = catalog.namespace(project.id, &NamespaceName::input()).expect("the namespace");
    assert_eq!(input.fields[&field("temperature")], FieldType::Double);
    assert_eq!(input.retention, retention, "version {version}");
    assert_eq!(input.labels["device_id:distinct"], Value::Boolean(true));
    let token = &catalog.tokens_of_project(project.id).expect("the tokens")[0];
    assert_eq!(token.device.as_ref(), Some(&device.id));
    assert_eq!(catalog.invites().expect("the invites")[0].uses, 3);
    let dashboards = catalog.dashboards(project.id).expect("the dashboards");
    let shown: Vec<_> =
        dashboards.iter().map(|board| (board.name.as_str(), board.shares)).collect();
    assert_eq!(shown, if version < 3 { vec![] } else { vec![("glass", 1)] });
    drop(catalog);
    let problems = iobeam_catalog::inspect(&path).expect("readable").problems;
    assert_eq!(problems, Vec::<String>::new(), "version {version}: the audit log is one chain");
}

/// Run once for each new version: `cargo test -p iobeam-catalog -- --ignored golden`.
#[test]
#[ignore = "writes the golden file of the version at hand"]
fn write_the_golden_file() {
    let mut scene = Scene::new();
    furnish(&scene);
    scene.close();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    fs::create_dir_all(&folder).expect("the folder");
    fs::copy(scene.path(), folder.join("catalog-v7.db")).expect("written");
}

#[test]
fn each_flipped_byte_of_a_closed_file_is_refused_and_an_older_file_is_taken() {
    let mut scene = Scene::new();
    scene.close();
    let older = fs::read(scene.path()).expect("read");
    scene.reopen();
    furnish(&scene);
    scene.close();
    let whole = fs::read(scene.path()).expect("read");
    let sum = fs::read(scene.path().with_extension("sum")).expect("there are checksums");
    for at in (7..whole.len()).step_by(whole.len() / 12) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x41;
        fs::write(scene.path(), &bytes).expect("flipped");
        fs::write(scene.path().with_extension("sum"), &sum).expect("as it was");
        let refused = scene.try_open().expect_err("a byte is another");
        assert!(matches!(refused, CatalogError::Damaged { .. }), "byte {at}: {refused}");
        assert!(iobeam_catalog::inspect(&scene.path()).is_err(), "byte {at}");
        assert_eq!(fs::read(scene.path()).expect("read"), bytes, "it is left as it is");
    }
    // A copy of an earlier time is no damage.
    fs::write(scene.path(), &older).expect("put back");
    scene.reopen();
    scene.close();
}
