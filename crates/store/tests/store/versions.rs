//! The formats on disk, pinned: a folder that this version wrote is opened by each later one, also when that one is
//! killed while it opens it; and what is newer is refused or set aside, with the reason.
//!
//! `golden/version-1` is such a folder: a log whose first records are in files already, receipts in memory and in a run,
//! Parquet files of two tables with their last rows, and the tables' logs. For later versions see [`corrected`].

use std::path::{Path, PathBuf};

use iobeam_store::Settings;
use iobeam_testkit::FaultyDisk;

use crate::rig::{Rig, Rows, batch, expected, hashed, numbered, project, rows, settings};

mod corrected;

/// Where the folder of a version is kept.
fn golden(version: u32) -> PathBuf {
    let folders = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    folders.join(format!("version-{version}"))
}

fn small() -> Settings {
    Settings { receipts_in_memory: 4, segment_bytes: 16 << 10, ..settings() }
}

fn table() -> iobeam_model::NamespaceName {
    "second".parse().expect("a name")
}

fn body(number: i64) -> iobeam_store::Write {
    hashed(batch("a body's device", &[number], 2.0), (number as u128) << 64 | 7)
}

/// What the folder holds: rows of `input`, and of the second table.
fn all() -> [Rows; 2] {
    let mut input = expected([
        ("d1", &[i64::MIN, 3, i64::MAX][..], 1.5),
        ("a device with a name too long for a view", &[1_700_000_000_123_456], -0.25),
        ("d1", &[4], f64::MAX),
    ]);
    input.extend(expected(
        (0..6)
            .map(|number| ("a body's device", [number]))
            .collect::<Vec<_>>()
            .iter()
            .map(|(device, times)| (*device, &times[..], 2.0)),
    ));
    [input, expected([("d2", &[5, 6][..], 0.1), ("d3", &[7], 0.2)])]
}

fn found(rig: &Rig) -> [Rows; 2] {
    let second = rig.store().snapshot(project(), &table());
    [rig.rows(), rows(&rig.disk, &second)]
}

/// Keeps what a power cut would leave of a store as the folder of a version: a close would say all that the log says.
fn keep(rig: &mut Rig, version: u32) {
    rig.disk = rig.disk.cut();
    for path in rig.disk.files() {
        let to = golden(version).join(path.strip_prefix("/store").expect("in the store"));
        std::fs::create_dir_all(to.parent().expect("a folder")).expect("made");
        let mut bytes = rig.disk.bytes(&path).expect("there");
        // The log's zeros need not be kept.
        let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        if path.extension().is_some_and(|ending| ending == "journal") {
            bytes.truncate(used.next_multiple_of(512));
        }
        std::fs::write(to, bytes).expect("written");
    }
}

/// A disk with the folder of a version on it.
fn disk(seed: u64, version: u32) -> FaultyDisk {
    fn put(disk: &FaultyDisk, from: &Path, to: &Path) {
        for entry in std::fs::read_dir(from).expect("kept beside the test") {
            let path = entry.expect("an entry").path();
            let to = to.join(path.file_name().expect("a name"));
            if path.is_dir() {
                put(disk, &path, &to);
            } else {
                disk.put(&to, std::fs::read(&path).expect("readable"));
            }
        }
    }
    let disk = FaultyDisk::new(seed);
    put(&disk, &golden(version), Path::new("/store"));
    disk
}

/// Opens the folder of a version.
pub(crate) fn opened(version: u32) -> Rig {
    let mut rig = Rig::with(1, small());
    rig.store = None;
    rig.disk = disk(1, version);
    rig.open();
    rig
}

#[tokio::test]
async fn a_folder_of_version_1_opens_with_all_that_is_in_it() {
    let mut rig = opened(1);
    assert_eq!(
        (rig.opened.torn.as_ref(), rig.opened.damage.len(), rig.opened.set_aside.len()),
        (None, 0, 0)
    );
    assert_eq!((rig.opened.replayed, rig.opened.leftovers), (2, 0));
    assert_eq!(found(&rig), all());
    for counter in 1..=3 {
        let times: &[i64] =
            [&[i64::MIN, 3, i64::MAX][..], &[1_700_000_000_123_456], &[4]][counter as usize - 1];
        assert!(
            rig.stored(numbered(batch("d1", times, 1.5), 7, counter)).await.repeat,
            "{counter}"
        );
    }
    for number in 0..6 {
        assert!(rig.stored(body(number)).await.repeat, "body {number} came before");
    }
    let last = rig.snapshot().last_rows().expect("each file carries its last rows");
    assert_eq!(last.num_rows(), 3, "a row for each device");
    rig.store().flush().await.expect("this version writes on");
    rig.cut();
    assert_eq!(found(&rig), all());
}

#[tokio::test]
async fn a_kill_or_a_power_cut_while_an_old_folder_is_opened_harms_nothing() {
    for steps in 0.. {
        let mut rig = Rig::with(steps, small());
        rig.store = None;
        rig.disk = disk(steps, 1);
        rig.disk.die_after(steps);
        let opened = rig.try_open().is_ok();
        if let Some(store) = rig.store.take() {
            // It may die later, in its first flush.
            let _ = store.flush().await;
        }
        let alive = rig.disk.steps() < steps;
        rig.disk = if steps % 2 == 0 { rig.disk.cut() } else { rig.disk.crash() };
        rig.open();
        assert_eq!(found(&rig), all(), "after {steps} steps");
        if alive {
            assert!(opened && steps > 30, "opening and flushing has more steps than {steps}");
            return;
        }
    }
}

#[tokio::test]
async fn a_flipped_byte_of_receipts_is_found_at_the_start_and_the_file_is_set_aside() {
    let receipts = opened(3).disk.files().into_iter();
    for path in receipts.filter(|path| path.starts_with("/store/receipts")) {
        let sound = disk(1, 3).bytes(&path).expect("there");
        // Of a run the checksum covers its ends; its entries are for doctor.
        let is_run = path.extension().is_some();
        let covered = |at: &usize| !is_run || *at < 16 || *at >= sound.len() - 8;
        for at in (0..sound.len()).filter(covered).step_by(3).chain([sound.len() - 1]) {
            let mut bytes = sound.clone();
            bytes[at] ^= 1 << (at % 8);
            let mut rig = Rig::with(1, small());
            rig.store = None;
            rig.disk = disk(1, 3);
            rig.disk.put(&path, bytes.clone());
            rig.open();
            let [told] = &rig.opened.damage[..] else { panic!("{at}: {:?}", rig.opened) };
            assert!(told.contains(&format!("receipts: {}", path.display())), "{at}: {told}");
            let aside = Path::new("/store/set-aside").join(path.file_name().expect("a name"));
            assert_eq!(rig.disk.bytes(&aside), Some(bytes), "{at}");
        }
    }
}

#[tokio::test]
async fn receipts_of_a_newer_version_are_set_aside_and_told() {
    let mut rig = Rig::with(1, small());
    rig.store = None;
    rig.disk = disk(1, 1);
    let path = PathBuf::from("/store/receipts/current");
    let mut bytes = rig.disk.bytes(&path).expect("there");
    bytes[4] = u8::MAX;
    let end = bytes.len() - 4;
    let crc = crc32c::crc32c(&bytes[..end]);
    bytes[end..].copy_from_slice(&crc.to_le_bytes());
    rig.disk.put(&path, bytes);
    rig.open();
    assert!(rig.opened.damage.iter().any(|told| told.contains("receipts")), "{:?}", rig.opened);
    assert_eq!(found(&rig), all());
}
