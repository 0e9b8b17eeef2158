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
/// Places of each file in the short form.
const SAMPLE: usize = 1;
/// So many damages are played with the program itself, in the short form.
const PLAYED: usize = 12;

fn is_long() -> bool {
    std::env::var_os("IOBEAM_TORTURE").is_some()
}

fn seed() -> u64 {
    let time = || std::time::UNIX_EPOCH.elapsed().map_or(7, |time| time.as_secs());
    let seed = asked("IOBEAM_SEED").unwrap_or_else(time);
    println!("IOBEAM_SEED={seed} repeats it");
    seed
}

/// What is done to a file of that many bytes.
fn damages(bytes: usize, chance: &mut Chance) -> Vec<Kind> {
    let mut kinds = vec![Kind::Gone, Kind::Cut(0)];
    if bytes == 0 {
        return kinds;
    }
    let block = (bytes / 2).min(4096).max(1);
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
                if !damage.is_named_in(told) {
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

fn play(folder: &Folder, chance: &mut Chance) -> BTreeMap<&'static str, usize> {
    let sound = inside::look(&folder.copy());
    assert!(sound.refused.is_none() && sound.reported.is_empty(), "{sound:?}");
    assert!(sound.tables.len() >= 3 && sound.tables.values().all(Result::is_ok), "{sound:?}");
    let mut counted = BTreeMap::new();
    for (path, bytes) in folder.files() {
        for kind in damages(bytes.len(), chance) {
            let damage = Damage { path: path.clone(), kind };
            let Some(damaged) = folder.damaged(&damage) else { continue };
            let found = inside::examine(damaged.path(), &damage);
            let seen = inside::look(&damaged);
            let judged = judge(&damage, &sound, &seen);
            judged.unwrap_or_else(|wrong| panic!("{} ({}): {wrong}", damage, folder.name()));
            if differs(&sound, &seen) {
                assert!(found.is_some(), "{damage} ({}): the doctor finds nothing", folder.name());
                *counted.entry("refused or reported").or_default() += 1;
            }
            if path.ends_with(".parquet") || damage.is_commit() {
                assert!(found.is_some(), "{damage} ({}): the doctor finds nothing", folder.name());
            }
            if path.ends_with(".parquet") && (!is_long() || chance.below(50) == 0) {
                let merged = inside::merge_and_look(folder.damaged(&damage).expect("as before"));
                let judged = judge(&damage, &sound, &merged);
                judged.unwrap_or_else(|wrong| panic!("{damage}, after a merge: {wrong}"));
                *counted.entry("merged").or_default() += 1;
            }
            *counted.entry("damaged").or_default() += 1;
        }
    }
    counted
}

#[test]
fn damage_of_any_file_of_a_stopped_server_is_answered_rightly_or_refused_by_name() {
    let mut chance = Chance::new(seed());
    let (stopped, _) = Folder::both();
    println!("{:?}", play(&stopped, &mut chance));
}

#[test]
fn damage_of_any_file_of_a_killed_server_is_answered_rightly_or_refused_by_name() {
    let mut chance = Chance::new(seed());
    let (_, killed) = Folder::both();
    println!("{:?}", play(&killed, &mut chance));
}

#[test]
fn the_program_itself_answers_rightly_or_names_the_file() {
    let mut chance = Chance::new(seed());
    let (stopped, killed) = Folder::both();
    for folder in [&stopped, &killed] {
        let sound = rot::outside::look(folder.copy(), folder);
        assert!(sound.refused.is_none() && sound.tables.values().all(Result::is_ok), "{sound:?}");
        let files: Vec<_> = folder.files().collect();
        // What only the program reads is flipped at each byte in the long form.
        let own = |path: &str| path.starts_with("keys/") || path == "catalog-id";
        let mut chosen = Vec::new();
        for (path, bytes) in &files {
            let kinds = damages(bytes.len(), &mut chance);
            let most = if is_long() && !own(path) { 20 } else { kinds.len() };
            let few = kinds.into_iter().take(most).map(|kind| Damage { path: path.clone(), kind });
            chosen.extend(few);
        }
        while !is_long() && chosen.len() > PLAYED / 2 {
            chosen.swap_remove(chance.below(chosen.len() as u64) as usize);
        }
        for damage in chosen {
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
