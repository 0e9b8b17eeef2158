//! Files that rot: what is asked of the catalog is answered as ever, or it is refused; also after a kill, when much is in
//! the write-ahead log alone.

use std::fs::{self, File};
use std::sync::Arc;
use std::time::SystemTime;

use iobeam_catalog::{Catalog, CatalogError, Settings};
use iobeam_model::Remedy;
use iobeam_testkit::TestClock;

use crate::file::{everything, furnish};
use crate::scene::Scene;

/// A file's name, what is in it, and when it was written.
type Left = (&'static str, Vec<u8>, SystemTime);

/// The files of a catalog that is open, as a kill leaves them: nothing is brought into the file any more.
fn killed(scene: &Scene) -> Vec<Left> {
    scene.catalog().write_back().expect("written");
    let names = ["catalog.db", "catalog.db-wal", "catalog.sum", "catalog.mark"];
    let read = |name| {
        let path = scene.folder.path().join(name);
        let written = fs::metadata(&path).and_then(|facts| facts.modified()).expect("there");
        (name, fs::read(&path).expect("read"), written)
    };
    names.map(read).to_vec()
}

/// Opens a copy of such files, one of which was changed: none is left out.
fn open_copy(
    files: &[Left],
    (which, bytes): (&str, Option<&[u8]>),
) -> Result<Catalog, CatalogError> {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, sound, written) in files {
        let Some(bytes) = (if *name == which { bytes } else { Some(&sound[..]) }) else { continue };
        let path = folder.path().join(name);
        fs::write(&path, bytes).expect("written");
        // As rot leaves it.
        File::options()
            .write(true)
            .open(&path)
            .and_then(|file| file.set_modified(*written))
            .expect("set");
    }
    let path = folder.path().join("catalog.db");
    let looked = iobeam_catalog::inspect(&path);
    let opened = Catalog::open(&path, Settings::default(), Arc::new(TestClock::new()));
    assert_eq!(looked.is_ok(), opened.is_ok(), "{which}: {looked:?} {opened:?}");
    opened
}

/// The damage is told as such, and is for the operator.
fn expect_refused(files: &[Left], which: &str, bytes: Option<&[u8]>, what: &str) {
    let refused = open_copy(files, (which, bytes)).expect_err(what);
    assert!(matches!(refused, CatalogError::Damaged { .. }), "{what}: {refused}");
    assert_eq!(refused.remedy(), Remedy::CallOperator);
}

#[test]
fn each_damage_of_the_files_of_a_killed_process_is_refused() {
    let mut scene = Scene::new();
    furnish(&scene);
    // Some of it is in the file, and some in the log alone.
    let devices = {
        let ada = scene.catalog().user_by_name("ada@example.com").expect("ada").id;
        scene.catalog().create_project(ada, "many").expect("a project").id
    };
    for number in 0..60 {
        if number == 30 {
            scene.reopen();
        }
        scene.device(devices, &format!("device-{number}"));
    }
    let files = killed(&scene);
    let expected = everything(scene.catalog());
    let whole = everything(&open_copy(&files, ("none", None)).expect("nothing is damaged"));
    assert!(whole == expected);
    for which in ["catalog.db", "catalog.db-wal"] {
        let sound = &files.iter().find(|(name, ..)| *name == which).expect("there").1;
        assert!(sound.len() > 8 * 4120, "{which} has {} bytes", sound.len());
        // The last bytes of the log are of the very last change.
        let ends = [sound.len() - 1, sound.len() - 4000, sound.len() - 4110];
        for at in (0..sound.len()).step_by(sound.len() / 60).chain(ends) {
            let mut bytes = sound.clone();
            bytes[at] ^= 0x10;
            match open_copy(&files, (which, Some(&bytes))) {
                Err(CatalogError::Damaged { .. }) => {}
                Err(other) => panic!("{which}, byte {at}: {other}"),
                // A page that is in the log too is read from there.
                Ok(opened) => {
                    assert!(everything(&opened) == expected, "{which}, byte {at}");
                    assert_eq!(which, "catalog.db", "byte {at}");
                }
            }
        }
        for end in [0, 20, sound.len() / 2, sound.len() - 4120, sound.len() - 1] {
            match open_copy(&files, (which, Some(&sound[..end]))) {
                Err(refused) => {
                    assert!(matches!(refused, CatalogError::Damaged { .. }), "{refused}");
                }
                // What is cut off the file may all be in the log.
                Ok(opened) => {
                    assert!(everything(&opened) == expected, "{which} ends at {end}");
                    assert_eq!(which, "catalog.db", "it ends at {end}");
                }
            }
        }
        let mut zeros = sound.clone();
        let from = sound.len() / 2;
        zeros[from..from + 8192].fill(0);
        if which == "catalog.db-wal" {
            expect_refused(&files, which, Some(&zeros), "zeros in the log");
            expect_refused(&files, which, None, "without the log");
        } else if let Ok(opened) = open_copy(&files, (which, Some(&zeros))) {
            assert!(everything(&opened) == expected, "zeros in the file");
        }
    }
    // What only helps to find damage changes nothing.
    for which in ["catalog.sum", "catalog.mark"] {
        let sound = &files.iter().find(|(name, ..)| *name == which).expect("there").1;
        let mut flipped = sound.clone();
        flipped[sound.len() / 2] ^= 1;
        for bytes in [None, Some(&[][..]), Some(&flipped[..])] {
            let opened = open_copy(&files, (which, bytes)).expect(which);
            assert!(everything(&opened) == expected, "{which}");
        }
    }
    scene.close();
}

#[test]
fn a_catalog_whose_checksums_could_not_be_written_at_the_stop_is_whole_at_the_next_start() {
    let mut scene = Scene::new();
    let project = scene.project().id;
    scene.reopen();
    scene.device(project, "device-1");
    let draft = scene.path().with_extension("sum.new");
    fs::create_dir(&draft).expect("no file can be there now");
    scene.close();
    fs::remove_dir(&draft).expect("removed");
    assert_eq!(scene.reopen().device_count(project), 1);
    scene.close();
}

#[test]
fn zeros_in_a_closed_file_are_refused_and_a_backup_is_taken_whatever_became_of_the_server() {
    let mut scene = Scene::new();
    scene.user("ada@example.com");
    scene.close();
    let backup = fs::read(scene.path()).expect("read");
    scene.reopen();
    furnish(&scene);
    let killed = killed(&scene);
    scene.close();
    let whole = fs::read(scene.path()).expect("read");
    let sum = fs::read(scene.path().with_extension("sum")).expect("there are checksums");
    for at in (0..whole.len() - 512)
        .step_by(4096)
        .filter(|at| whole[*at..*at + 512].iter().any(|byte| *byte != 0))
    {
        let mut bytes = whole.clone();
        bytes[at..at + 512].fill(0);
        fs::write(scene.path(), &bytes).expect("zeroed");
        fs::write(scene.path().with_extension("sum"), &sum).expect("as it was");
        let refused = scene.try_open().expect_err("zeros");
        assert!(matches!(refused, CatalogError::Damaged { .. }), "from byte {at}: {refused}");
    }
    // A backup is put back as the operator is told to, and also where the checksums were forgotten.
    for leaves in [&["catalog.sum", "catalog.mark"][..], &[]] {
        for (name, bytes, _) in &killed {
            fs::write(scene.folder.path().join(name), bytes).expect("as a kill left it");
        }
        fs::write(scene.path(), &backup).expect("put back");
        for name in ["catalog.db-wal", "catalog.db-shm"].iter().chain(leaves) {
            let _ = fs::remove_file(scene.folder.path().join(name));
        }
        assert!(scene.reopen().has_users().expect("asked"));
        scene.close();
    }
}

#[test]
fn what_a_long_life_brought_into_the_file_is_checked_after_a_kill() {
    let scene = Scene::new();
    let project = scene.project().id;
    // Some thousand frames of the log: it is brought into the file and begun anew some times.
    for number in 0..600 {
        scene.device(project, &format!("device-{number}"));
    }
    let files = killed(&scene);
    let (file, log) = (&files[0].1, &files[1].1);
    assert!(log.len() < 1500 * 4120, "the log is begun anew: {} bytes", log.len());
    let opened = open_copy(&files, ("none", None)).expect("nothing is damaged");
    assert_eq!(opened.device_count(project), 600);
    drop(opened);
    let mut refused = 0;
    for at in (4100..file.len()).step_by(4096 * 3) {
        let mut bytes = file.clone();
        bytes[at] ^= 2;
        match open_copy(&files, ("catalog.db", Some(&bytes))) {
            Err(CatalogError::Damaged { .. }) => refused += 1,
            Err(other) => panic!("byte {at}: {other}"),
            Ok(opened) => assert_eq!(opened.device_count(project), 600, "byte {at}"),
        }
    }
    assert!(refused > 2, "pages that the log does not have: {refused}");
}
