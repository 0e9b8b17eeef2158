//! A byte that rots anywhere in the data directory is never an answer: what is asked is answered as ever, or refused with
//! the name of the file; a damaged table concerns no other, nothing damaged is merged, and `iobeam doctor` finds it.
//!
//! ```text
//! the program fills a folder ─┬─ stopped ─┐                        ┌─▶ catalog and store, opened here: everything
//!                             └─ killed ──┴▶ one file is damaged ─┼─▶ the doctor
//!                                            flipped, cut, zeroed, └─▶ the program itself, for some of them
//!                                            gone
//! ```
//!
//! `IOBEAM_TORTURE` flips each byte of files up to 64 KiB and 2000 of larger ones, from the seed that it prints.

use std::collections::BTreeMap;
use std::path::Path;

use iobeam_promises::asked;
use iobeam_testkit::Chance;

mod rot {
    pub(crate) mod damage;
    pub(crate) mod folder;
    pub(crate) mod inside;
    pub(crate) mod outside;
}

use rot::damage::{Damage, Kind};
use rot::folder::Folder;
use rot::inside::{self, Seen};

/// Files up to this size are flipped at each byte in the long form.
const SMALL_BYTES: usize = 64 << 10;
/// Places of larger ones.
const PLACES: usize = 2000;
/// Places of each file in the short form, of which so many damages in all are chosen for each folder.
const SAMPLE: usize = 2;
const CHOSEN: usize = 25;
/// So many are played with the program itself, for each folder.
const PLAYED: usize = 5;
/// The seed of the short form.
const SEED: u64 = 7;

fn is_long() -> bool {
    std::env::var_os("IOBEAM_TORTURE").is_some()
}

/// The short form plays the same damages each time, the long form others each time.
fn seed() -> u64 {
    let time = || std::time::UNIX_EPOCH.elapsed().map_or(SEED, |time| time.as_secs());
    let usual = if is_long() { time() } else { SEED };
    let seed = asked("IOBEAM_SEED").unwrap_or(usual);
    eprintln!("IOBEAM_SEED={seed} repeats it");
    seed
}

/// What is done to a file of that many bytes.
fn damages(bytes: usize, chance: &mut Chance) -> Vec<Kind> {
    let mut kinds = vec![Kind::Gone, Kind::Cut(0)];
    if bytes == 0 {
        return kinds;
    }
    let block = (bytes / 2).clamp(1, 4096);
    kinds.push(Kind::Zeros(chance.below((bytes - block + 1) as u64) as usize, block));
    kinds.push(Kind::Cut(chance.below(bytes as u64) as usize));
    let places: Vec<usize> = match (is_long(), bytes) {
        (true, 0..=SMALL_BYTES) => (0..bytes).collect(),
        (true, _) => (0..PLACES).map(|_| chance.below(bytes as u64) as usize).collect(),
        (false, _) => (0..SAMPLE).map(|_| chance.below(bytes as u64) as usize).collect(),
    };
    kinds.extend(places.into_iter().map(|at| Kind::Flip(at, 1 << chance.below(8))));
    kinds
}

/// What must hold whatever was damaged.
fn judge(damage: &Damage, sound: &Seen, seen: &Seen) -> Result<(), String> {
    if let Some(refused) = &seen.refused {
        return if damage.is_named_in(refused) {
            Ok(())
        } else {
            Err(format!("it does not start, and does not name the file: {refused}"))
        };
    }
    let reported = seen.reported.iter().any(|told| damage.is_named_in(told));
    if seen.people != sound.people && !reported {
        return Err("users, projects, devices or tokens are others, and nothing is said".to_owned());
    }
    for (table, rows) in &sound.tables {
        match seen.tables.get(table) {
            Some(Ok(now)) if Ok(now) == rows.as_ref() => {}
            Some(Ok(now)) => {
                // Only what the write-ahead log alone had may be missing, and values that did not convert, and that
                // is told.
                let all = rows.as_ref().map_err(ToString::to_string)?;
                let invented =
                    now.iter().any(|(row, times)| all.get(row).is_none_or(|had| had < times));
                let may_lack =
                    ["journal/", "corrections/"].iter().any(|part| damage.path.starts_with(part));
                if invented || !reported || !may_lack {
                    return Err(format!("table {table} has other rows: {:?}", seen.reported));
                }
            }
            Some(Err(told)) => {
                if !damage.path.starts_with(&format!("lake/{table}")) {
                    return Err(format!("table {table} is not served: {told}"));
                }
                // Without its last commit a table is at the one before, whose files may be gone: one of them is named.
                let by_a_file_of_it = damage.is_commit() && damage.is_of_table_in(told);
                if !damage.is_named_in(told) && !by_a_file_of_it {
                    return Err(format!("table {table} does not name the file: {told}"));
                }
            }
            None if reported && damage.path.starts_with("journal") => {}
            None if damage.path.starts_with(&format!("lake/{table}")) && reported => {}
            None => return Err(format!("table {table} is not there")),
        }
    }
    Ok(())
}

/// Whether anything is another than it was.
fn differs(sound: &Seen, seen: &Seen) -> bool {
    seen.refused.is_some() || seen.people != sound.people || seen.tables != sound.tables
}

/// What is played: everything in the long form.
fn chosen(folder: &Folder, chance: &mut Chance, most: usize) -> Vec<Damage> {
    let mut all = Vec::new();
    for (path, bytes) in folder.files() {
        let kinds = damages(bytes.len(), chance).into_iter();
        all.extend(kinds.map(|kind| Damage { path: path.clone(), kind }));
    }
    while !is_long() && all.len() > most {
        all.swap_remove(chance.below(all.len() as u64) as usize);
    }
    all
}

fn play(folder: &Folder, chance: &mut Chance) -> BTreeMap<&'static str, usize> {
    let sound = inside::look(&folder.copy());
    assert!(sound.refused.is_none() && sound.reported.is_empty(), "{sound:?}");
    assert!(sound.tables.len() >= 3 && sound.tables.values().all(Result::is_ok), "{sound:?}");
    let mut counted = BTreeMap::new();
    for damage in chosen(folder, chance, CHOSEN) {
        let Some(damaged) = folder.damaged(&damage) else { continue };
        let found = inside::examine(damaged.path(), &damage);
        let seen = inside::look(&damaged);
        let judged = judge(&damage, &sound, &seen);
        judged.unwrap_or_else(|wrong| panic!("{damage} ({}): {wrong}", folder.name()));
        let is_file = damage.path.ends_with(".parquet");
        if differs(&sound, &seen) || is_file || damage.is_commit() {
            assert!(found.is_some(), "{damage} ({}): the doctor finds nothing", folder.name());
            *counted.entry("found").or_default() += 1;
        }
        if is_file && chance.below(if is_long() { 50 } else { 3 }) == 0 {
            let merged = inside::merge_and_look(&folder.damaged(&damage).expect("as before"));
            let judged = judge(&damage, &sound, &merged);
            judged.unwrap_or_else(|wrong| panic!("{damage}, after a merge: {wrong}"));
            *counted.entry("merged").or_default() += 1;
        }
        *counted.entry("damaged").or_default() += 1;
    }
    counted
}

#[test]
fn damage_of_any_file_of_a_stopped_server_is_answered_rightly_or_refused_by_name() {
    let mut chance = Chance::new(seed());
    let (stopped, _) = Folder::both();
    eprintln!("{:?}", play(&stopped, &mut chance));
}

#[test]
fn damage_of_any_file_of_a_killed_server_is_answered_rightly_or_refused_by_name() {
    let mut chance = Chance::new(seed());
    let (_, killed) = Folder::both();
    eprintln!("{:?}", play(&killed, &mut chance));
}

#[test]
fn the_program_itself_answers_rightly_or_names_the_file() {
    let mut chance = Chance::new(seed());
    let (stopped, killed) = Folder::both();
    for folder in [&stopped, &killed] {
        let sound = rot::outside::look(folder.copy(), folder);
        assert!(sound.refused.is_none() && sound.tables.values().all(Result::is_ok), "{sound:?}");
        // What only the program reads is flipped at each byte in the long form, and of all others some are.
        let own = |path: &str| path.starts_with("keys/") || path == "catalog-id";
        let mut all = chosen(folder, &mut chance, PLAYED);
        all.retain(|damage| !is_long() || own(&damage.path) || chance.below(200) == 0);
        for damage in all {
            let Some(damaged) = folder.damaged(&damage) else { continue };
            let seen = rot::outside::look(damaged, folder);
            let judged = judge(&damage, &sound, &seen);
            judged.unwrap_or_else(|wrong| panic!("{damage} ({}): {wrong}", folder.name()));
        }
    }
}

/// A path as the harness names it.
fn relative(path: &Path, base: &Path) -> String {
    path.strip_prefix(base).expect("below it").to_str().expect("ours are plain").to_owned()
}
