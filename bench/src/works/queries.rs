//! The query work: the same rows in each system, the same questions, the answers compared.
//!
//! ```text
//! load ─▶ settle ─▶ weigh ─▶ each question: warm ×n, cold (restarted, page cache dropped), warm while rows come in
//! ```
//!
//! An answer that says something else than ours is a wrong one, and does not count as fast.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::{Patience, Plan, folder, python, repeat};
use crate::answer::Digest;
use crate::clock::{milliseconds, timed};
use crate::machine::drop_page_cache;
use crate::peers::duckdb::DuckDb;
use crate::peers::iobeam::{Form, Iobeam, Started};
use crate::peers::{Asker, Peer, Running, installed};
use crate::questions::{ALL, Question, Scope};
use crate::results::{Figure, Work};
use crate::sensors::{FIELDS, START, Sensors};

/// Rows of a batch while the set is loaded.
const LOAD_BATCH: usize = 10_000;
/// Rows a second that come in while questions are asked; each system can take so many.
const TRICKLE: usize = 20_000;

/// One system on the query set: its figures, question by question.
struct Asked<'a> {
    plan: Plan<'a>,
    scope: Scope,
    work: &'a mut Work,
    /// What the first system answered.
    right: &'a mut HashMap<&'static str, Digest>,
}

/// Loads each system and asks it.
pub(crate) fn run(plan: Plan) -> Result<Work> {
    let mut work = Work::begin();
    let mut right = HashMap::new();
    let options = plan.options;
    let scope = Scope { devices: options.devices, hours: options.hours, step: options.step };
    ensure!(scope.rows() > 0 && scope.devices >= 8, "a set of at least 8 devices with a row each");
    let field = installed("");
    for program in &field.absent {
        work.note(format!("{program} is not installed: left out"));
    }
    let only = options.only.to_lowercase();
    // One mode of each: what is asked does not depend on how it was sent.
    let mut seen: Vec<&str> = Vec::new();
    for peer in field.peers {
        let again = seen.contains(&peer.system());
        seen.push(peer.system());
        if again || !(peer.system().to_lowercase().contains(&only) || peer.system() == "iobeam") {
            continue;
        }
        let mut asked = Asked { plan, scope, work: &mut work, right: &mut right };
        let done = if peer.system() == "iobeam" {
            asked.ourselves()
        } else if plan.deadline.passed() {
            Err(anyhow::anyhow!("left out: the time was up"))
        } else {
            asked.peer(peer.as_ref())
        };
        if let Err(error) = done {
            work.note(format!("{}: {error:#}", peer.system()));
        }
    }
    work.note(format!(
        "{} rows: {} devices × {} h, a row every {} s, {FIELDS} float fields; the same in each system, loaded in batches of \
         {LOAD_BATCH} over 2 connections and settled (ours flushed and compacted). Warm: median of as many \
         answers as 0.6 s give, up to 500; cold: the server restarted and the page cache dropped before each question; importing: warm, while {TRICKLE} rows a second \
         come in. Answers were compared with ours by count and sum of their values.",
        scope.rows(), scope.devices, scope.hours, scope.step
    ));
    Ok(work)
}

impl Asked<'_> {
    /// Ourselves, and DuckDB on our files.
    fn ourselves(&mut self) -> Result<()> {
        let folder = folder(self.plan.options)?;
        let mut running = Started::start(Form::Batch, folder.path())?;
        self.measure(&Iobeam { form: Form::Batch }, &mut running)?;
        let Some(python) = python() else {
            self.work.note("DuckDB could not be installed: left out");
            return Ok(());
        };
        let open = || DuckDb::open(&python, &running.lake(), folder.path());
        let mut duckdb = open().context("DuckDB")?;
        self.work.versions.insert("DuckDB".to_owned(), duckdb.version.clone());
        let warm = self.patience();
        for question in ALL {
            self.ask("DuckDB on our files", &mut duckdb, question, "warm_ms", warm);
        }
        for question in ALL {
            let mut anew = open()?;
            if drop_page_cache() {
                self.ask("DuckDB on our files", &mut anew, question, "cold_ms", ONCE);
            }
        }
        Ok(())
    }

    fn peer(&mut self, peer: &dyn Peer) -> Result<()> {
        let folder = folder(self.plan.options)?;
        let mut running = peer.start(folder.path())?;
        self.measure(peer, running.as_mut())
    }

    fn measure(&mut self, peer: &dyn Peer, running: &mut dyn Running) -> Result<()> {
        let system = peer.system();
        self.work.versions.insert(system.to_owned(), running.version());
        let (time, loaded) = timed(|| load(running, self.scope));
        loaded?;
        let (settling, settled) = timed(|| running.settle());
        settled?;
        let bytes = running.stored_bytes()? as f64 / (self.scope.rows() as f64 * FIELDS as f64);
        eprintln!(
            "  {system}: loaded in {:.1} s, settled in {:.1} s, {bytes:.2} bytes a value",
            time.as_secs_f64(),
            settling.as_secs_f64()
        );
        self.work.figures.push(Figure {
            group: "disk".to_owned(),
            system: system.to_owned(),
            durability: "settled".to_owned(),
            values: [("bytes_per_value".to_owned(), bytes)].into(),
            remark: String::new(),
        });
        let warm = self.patience();
        for (name, mut asker) in running.askers()? {
            for question in ALL {
                self.ask(&name, asker.as_mut(), question, "warm_ms", warm);
            }
        }
        self.ask_cold(running)?;
        if let Err(error) = self.ask_while_importing(running) {
            self.work.note(format!("{system}, while rows come in: {error:#}"));
        }
        Ok(())
    }

    fn patience(&self) -> Patience {
        let quick = self.plan.options.quick;
        Patience {
            // Of a quick question many: how long a thread takes to wake differs more than all else.
            times: if quick { 2 } else { 501 },
            time: Duration::from_millis(if quick { 100 } else { 600 }),
        }
    }

    fn ask_cold(&mut self, running: &mut dyn Running) -> Result<()> {
        let ways = running.askers()?.len();
        for question in ALL {
            for way in 0..ways {
                let (name, asker) = running.askers()?.swap_remove(way);
                if asker.phrase(question, self.scope).is_none() || self.is_slow(&name, question) {
                    continue;
                }
                drop(asker);
                running.restart()?;
                if !drop_page_cache() {
                    self.work
                        .note("The page cache cannot be dropped without root: nothing is cold.");
                    return Ok(());
                }
                let (name, mut asker) = running.askers()?.swap_remove(way);
                self.ask(&name, asker.as_mut(), question, "cold_ms", ONCE);
            }
        }
        Ok(())
    }

    /// Whether asking again would take too much of the time.
    fn is_slow(&self, system: &str, question: Question) -> bool {
        let known = self.work.of_group(question.title()).find(|figure| figure.system == system);
        let warm = known.and_then(|figure| figure.values.get("warm_ms")).copied();
        warm.is_none_or(|warm| warm > 4000.0) || self.plan.deadline.passed()
    }

    fn ask_while_importing(&mut self, running: &dyn Running) -> Result<()> {
        let patience = Patience { times: 201, time: Duration::from_millis(300) };
        let (stop, set) = (AtomicBool::new(false), self.scope);
        std::thread::scope(|scope| {
            let import = scope.spawn(|| trickle(running, set, &stop));
            let asked = self.ask_all(running, patience);
            stop.store(true, Ordering::Relaxed);
            import.join().expect("the sender does not panic")?;
            asked
        })
    }

    fn ask_all(&mut self, running: &dyn Running, patience: Patience) -> Result<()> {
        for (name, mut asker) in running.askers()? {
            for question in ALL {
                if !self.is_slow(&name, question) {
                    self.ask(&name, asker.as_mut(), question, "importing_ms", patience);
                }
            }
        }
        Ok(())
    }

    /// Asks one system one question so often, and puts the median in its figure.
    fn ask(
        &mut self,
        system: &str,
        asker: &mut dyn Asker,
        question: Question,
        key: &str,
        patience: Patience,
    ) {
        let Some(phrase) = asker.phrase(question, self.scope) else { return };
        let place = self.figure(system, question.title());
        let outcome = repeat(asker, &phrase, patience).and_then(|(time, answer)| {
            let digest = asker.digest(&answer, question.columns())?;
            Ok((time, digest, answer.len()))
        });
        let figure = &mut self.work.figures[place];
        match outcome {
            Ok((time, digest, length)) => {
                let is_text = question != Question::ExportArrow;
                // While rows come in, answers differ from moment to moment.
                if key != "importing_ms" && is_text {
                    let right = *self.right.entry(question.title()).or_insert(digest);
                    if !digest.agrees_with(right) {
                        figure.remark = format!(
                            "says {} values, sum {}, where {}, {} is right",
                            digest.values, digest.sum, right.values, right.sum
                        );
                    }
                }
                figure.values.insert(key.to_owned(), milliseconds(time));
                eprintln!(
                    "  {} · {system} · {key}: {:.2} ({} values, {length} bytes) {}",
                    figure.group,
                    milliseconds(time),
                    digest.values,
                    figure.remark
                );
            }
            Err(error) => {
                let error = format!("{error:#}");
                if key == "warm_ms" {
                    figure.remark = format!("failed: {}", error.lines().next().unwrap_or(""));
                }
                eprintln!("  {} · {system} · {key}: {error}", figure.group);
            }
        }
    }

    fn figure(&mut self, system: &str, group: &str) -> usize {
        let figures = &mut self.work.figures;
        let known = figures.iter().position(|f| f.system == system && f.group == group);
        known.unwrap_or_else(|| {
            figures.push(Figure {
                group: group.to_owned(),
                system: system.to_owned(),
                ..Figure::default()
            });
            figures.len() - 1
        })
    }
}

const ONCE: Patience = Patience { times: 1, time: Duration::ZERO };

/// Sends the whole set over two connections.
pub(crate) fn load(running: &dyn Running, scope: Scope) -> Result<()> {
    let mut sensors = Sensors::new(scope.devices, 7).starting(START, scope.step);
    let mut left = scope.rows() as usize;
    let (give, take) = std::sync::mpsc::sync_channel::<Vec<u8>>(4);
    let take = std::sync::Mutex::new(take);
    std::thread::scope(|threads| {
        let senders: Vec<_> = (0..2)
            .map(|_| {
                let take = &take;
                threads.spawn(move || -> Result<()> {
                    let mut sender = running.connect()?;
                    loop {
                        let body = take.lock().expect("no sender panicked").recv();
                        let Ok(body) = body else { return Ok(()) };
                        sender.send(&body)?;
                    }
                })
            })
            .collect();
        while left > 0 {
            let count = left.min(LOAD_BATCH);
            left -= count;
            if give.send(running.body(&sensors.by_time(count))).is_err() {
                break;
            }
        }
        drop(give);
        senders.into_iter().try_for_each(|sender| sender.join().expect("no sender panicked"))
    })
}

/// Sends rows of the time after the set, at a steady pace.
fn trickle(running: &dyn Running, scope: Scope, stop: &AtomicBool) -> Result<()> {
    let mut sensors = Sensors::new(scope.devices, 11).starting(scope.end() * 1_000_000, scope.step);
    let mut sender = running.connect()?;
    while !stop.load(Ordering::Relaxed) {
        let body = running.body(&sensors.by_time(1000));
        let (took, sent) = timed(|| sender.send(&body));
        sent?;
        let pause = Duration::from_secs_f64(1000.0 / TRICKLE as f64);
        std::thread::sleep(pause.saturating_sub(took));
    }
    Ok(())
}
