//! Plays a history on a store and on the model, and compares.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use iobeam_model::{BatchId, FieldName, NamespaceName, ProjectId, Timestamp};
use iobeam_store::edit::{RowCondition, RowFilter, ValueTest};
use iobeam_store::{CorrectionState, Edit, Receipt, Settings, Snapshot, StoreError, Write};
use proptest::prelude::*;

use super::history::{Death, History, Import, Name, Step, TABLES};
use super::watch::{Bounds, Watch};
use crate::rig::{self, Rig, Rows, incoming, settings};

/// How long a body is known, in hours.
const KNOWN: u64 = 24;

/// What was done, for whoever wants to know how much it was.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Figures {
    steps: u64,
    rows: u64,
    repeats: u64,
    refused: u64,
    unanswered: u64,
    starts: u64,
    flushes: u64,
    merges: u64,
}

impl Figures {
    pub(super) fn add(&mut self, other: &Self) {
        self.steps += other.steps;
        self.rows += other.rows;
        self.repeats += other.repeats;
        self.refused += other.refused;
        self.unanswered += other.unanswered;
        self.starts += other.starts;
        self.flushes += other.flushes;
        self.merges += other.merges;
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { steps, rows, repeats, refused, unanswered, starts, flushes, merges } = self;
        write!(
            f,
            "{steps} steps, {rows} rows stored, {repeats} repeats, {refused} imports refused, {unanswered} unanswered, \
             {flushes} flushes, {merges} merges, {starts} starts after a kill, a power cut or a stop"
        )
    }
}

pub(super) fn project() -> ProjectId {
    rig::project()
}

/// A table's namespace.
pub(super) fn namespace(table: usize) -> NamespaceName {
    ["input", "second", "third"][table].parse().expect("a name")
}

/// An import with what tells its rows from all others'.
#[derive(Clone, Debug)]
struct Sent {
    import: Import,
    value: f64,
}

impl Sent {
    fn write(&self) -> Write {
        let Import { table, device, times, name } = &self.import;
        let batch = rig::batch_in(&namespace(*table), &device_name(*device), times, self.value);
        let (id, body_hash) = match name {
            Name::None => (None, None),
            Name::Number(stream, counter) => {
                (Some(BatchId { stream: [*stream; 16], counter: *counter }), None)
            }
            Name::Hash(hash) => (None, Some(u128::from(*hash) << 120 | 5)),
        };
        Write { project: project(), batches: vec![incoming(batch, id)], body_hash }
    }

    fn row(&self, time: i64) -> (String, i64, u64) {
        (device_name(self.import.device), time, self.value.to_bits())
    }
}

fn device_name(device: u8) -> String {
    format!("device number {device}")
}

/// What must be there.
#[derive(Default)]
struct Model {
    tables: [Rows; TABLES],
    /// Rows before these times may be there or not.
    floors: [Option<i64>; TABLES],
    /// When what had a name was stored, in hours.
    known: BTreeMap<Name, u64>,
    /// What was sent under each name, and all in their order.
    named: BTreeMap<Name, Sent>,
    sent: Vec<Sent>,
    hours: u64,
}

impl Model {
    /// Gives an import its content: what has a name has the same one each time.
    fn send(&mut self, import: Import) -> Sent {
        if let Some(sent) = self.named.get(&import.name) {
            return sent.clone();
        }
        let sent = Sent { value: self.sent.len() as f64, import };
        if sent.import.name != Name::None {
            self.named.insert(sent.import.name, sent.clone());
        }
        self.sent.push(sent.clone());
        sent
    }

    fn knows(&self, name: Name) -> bool {
        self.known.get(&name).is_some_and(|at| match name {
            Name::Hash(_) => self.hours - at < KNOWN,
            Name::None | Name::Number(..) => true,
        })
    }

    fn store(&mut self, sent: &Sent) {
        for time in &sent.import.times {
            *self.tables[sent.import.table].entry(sent.row(*time)).or_default() += 1;
        }
        if sent.import.name != Name::None {
            self.known.insert(sent.import.name, self.hours);
        }
    }

    fn total(&self, table: usize) -> u64 {
        self.tables[table].values().sum::<usize>() as u64
    }

    /// Whether these rows are what the table should hold.
    fn check(&self, table: usize, rows: &Rows, when: &str) -> Result<(), TestCaseError> {
        let floor = self.floors[table].unwrap_or(i64::MIN);
        let wanted = &self.tables[table];
        let differs = |row: &&(String, i64, u64)| {
            let (found, wanted) = (rows.get(row).unwrap_or(&0), wanted.get(row).unwrap_or(&0));
            found > wanted || (row.1 >= floor && found < wanted)
        };
        let wrong: Vec<_> = rows.keys().chain(wanted.keys()).filter(differs).collect();
        let told = wrong.first().map(|row| (row, rows.get(row), wanted.get(row)));
        prop_assert!(
            wrong.is_empty(),
            "{} rows of table {table} differ {when}: {told:?}",
            wrong.len()
        );
        Ok(())
    }
}

struct Play {
    rig: Rig,
    model: Model,
    bounds: Arc<Bounds>,
    watch: Option<Watch>,
    watched: bool,
    looks: Vec<(usize, Snapshot, Rows)>,
    done: Figures,
}

/// Plays a history.
pub(super) async fn play(seed: u64, history: History) -> Result<Figures, TestCaseError> {
    let History { sizes, steps } = history;
    let settings = Settings {
        receipts_in_memory: sizes.receipts_in_memory,
        merge_files: sizes.merge_files,
        flush_bytes: sizes.flush_bytes,
        segment_bytes: sizes.segment_bytes,
        row_group_rows: 7,
        file_rows: 300,
        ..settings()
    };
    let mut play = Play {
        rig: Rig::with(seed, settings),
        model: Model::default(),
        bounds: Arc::default(),
        watch: None,
        watched: !steps.iter().any(|step| matches!(step, Step::Retain { .. })),
        looks: Vec::new(),
        done: Figures::default(),
    };
    play.begin();
    for step in steps {
        play.step(step).await?;
        play.done.steps += 1;
        play.glance()?;
    }
    play.end_of_store()?;
    play.rig.disk.heal();
    play.rig.cut();
    play.check("at the end, after a power cut")?;
    play.done.rows += (0..TABLES).map(|table| play.model.total(table)).sum::<u64>();
    Ok(play.done)
}

impl Play {
    async fn step(&mut self, step: Step) -> Result<(), TestCaseError> {
        match step {
            Step::Write(imports) => self.write(imports, false).await,
            Step::Flush(imports) => self.write(imports, true).await,
            Step::Again(back) => {
                let count = self.model.sent.len();
                let Some(sent) = count.checked_sub(1 + usize::from(back) % count.max(1)) else {
                    return Ok(());
                };
                let import = self.model.sent[sent].import.clone();
                self.write(vec![import], false).await
            }
            Step::Retain { table, keep_from } => self.retain(table, keep_from).await,
            Step::Delete { table, times, device } => self.delete(table, times, device).await,
            Step::Look => self.look(),
            Step::Rest => {
                tokio::time::sleep(Duration::from_millis(3)).await;
                Ok(())
            }
            Step::Wait(hours) => {
                self.rig.clock.advance(Duration::from_hours(u64::from(hours)));
                self.model.hours += u64::from(hours);
                Ok(())
            }
            Step::Fault { operation, after, fault } => {
                // One at a time: when a sync fails, and so does the making of the next segment, the journal promises
                // no more than that nobody was told "stored".
                self.rig.disk.heal();
                self.rig.disk.fail(operation, u64::from(after), fault);
                Ok(())
            }
            Step::Close => {
                self.end_of_store()?;
                // What could not be saved is in the journal.
                let _ = self.rig.store.take().expect("open").close().await;
                self.rig.disk.heal();
                self.rig.open();
                self.begin();
                self.check("after a stop")
            }
            Step::Die(death) => self.die(death).await,
        }
    }

    /// Sends imports at once, and compares the answers.
    async fn write(&mut self, imports: Vec<Import>, flush: bool) -> Result<(), TestCaseError> {
        let sent: Vec<Sent> = imports.into_iter().map(|import| self.model.send(import)).collect();
        for (sent, answer) in sent.iter().zip(self.answers(&sent, flush).await) {
            self.answered(sent, answer.as_ref())?;
        }
        Ok(())
    }

    async fn answers(&self, sent: &[Sent], flush: bool) -> Vec<Result<Receipt, StoreError>> {
        self.expect_at_most(sent);
        let store = self.rig.store();
        let flushing = async {
            if flush {
                // On a disk that fails it may fail; then the rows are where they were.
                let _ = store.flush().await;
            }
        };
        let writes = sent.iter().map(|sent| store.write(sent.write()));
        let writes = futures::future::join_all(writes);
        // The other way round every other time, as what is asked first is done first.
        if sent.len().is_multiple_of(2) {
            tokio::join!(writes, flushing).0
        } else {
            tokio::join!(flushing, writes).1
        }
    }

    fn answered(
        &mut self,
        sent: &Sent,
        answer: Result<&Receipt, &StoreError>,
    ) -> Result<(), TestCaseError> {
        let known = self.model.knows(sent.import.name);
        match answer {
            Ok(receipt) => {
                prop_assert_eq!(receipt.rows, sent.import.times.len() as u64);
                prop_assert_eq!(receipt.repeat, known, "is {:?} a repeat?", sent);
                if known {
                    self.done.repeats += 1;
                } else {
                    self.model.store(sent);
                }
            }
            // Nothing of it was stored, and nothing of it will be.
            Err(_) => self.done.refused += 1,
        }
        Ok(())
    }

    async fn retain(&mut self, table: usize, keep_from: i64) -> Result<(), TestCaseError> {
        let old = |snapshot: &Snapshot| -> Vec<_> {
            let files = snapshot.files.iter().filter(|file| file.max_time < keep_from);
            files.map(|file| file.path().to_owned()).collect()
        };
        let before = old(&self.snapshot(table));
        let floor = self.model.floors[table].get_or_insert(i64::MIN);
        *floor = keep_from.max(*floor);
        let keep = Timestamp::from_micros(keep_from);
        if self.rig.store().retain(project(), &namespace(table), keep).await.is_ok() {
            let after = old(&self.snapshot(table));
            prop_assert!(!after.iter().any(|path| before.contains(path)), "an old file stayed");
        }
        Ok(())
    }

    /// Deletes rows. On a sound disk, as what is told of an order that could not be written is left open.
    async fn delete(
        &mut self,
        table: usize,
        (from, to): (i64, i64),
        device: Option<u8>,
    ) -> Result<(), TestCaseError> {
        self.rig.disk.heal();
        let is_meant = |row: &(String, i64, u64)| {
            (from..=to).contains(&row.1) && device.is_none_or(|it| row.0 == device_name(it))
        };
        let meant = self.model.tables[table].iter().filter(|(row, _)| is_meant(row));
        let meant: usize = meant.map(|(_, count)| count).sum();
        self.bounds.least[table].fetch_sub(meant as u64, Ordering::SeqCst);
        let conditions = device.map(|device| RowCondition {
            field: FieldName::device_id(),
            test: ValueTest::OneOf(vec![device_name(device).into()]),
        });
        let conditions = conditions.into_iter().collect();
        let edit = Edit::DeleteRows(RowFilter { from: Some(from), to: Some(to), conditions });
        let store = self.rig.store().clone();
        let namespace = namespace(table);
        let order = || store.correct(project(), &namespace, (edit.clone(), String::new()));
        let mut ordered = order().await;
        if ordered.is_err() {
            // A flush that was under way took the last failure of the disk with it: nothing was ordered.
            ordered = order().await;
        }
        let Ok(number) = ordered else {
            return Err(TestCaseError::fail(format!("a deletion was refused: {ordered:?}")));
        };
        let done = loop {
            let settled = store.correction_settled(number);
            match tokio::time::timeout(Duration::from_millis(500), settled).await {
                Ok(settled) => break settled.expect("it is known"),
                Err(_) => self.rig.clock.advance(Duration::from_secs(11)),
            }
        };
        prop_assert_eq!(done.state, CorrectionState::Done);
        if self.model.floors[table].is_none() {
            prop_assert_eq!(done.rows, meant as u64, "rows deleted of table {}", table);
        }
        self.model.tables[table].retain(|row, _| !is_meant(row));
        Ok(())
    }

    fn look(&mut self) -> Result<(), TestCaseError> {
        for table in 0..TABLES {
            let snapshot = self.snapshot(table);
            let rows = rig::rows(&self.rig.disk, &snapshot);
            self.model.check(table, &rows, "looked at")?;
            self.looks.push((table, snapshot, rows));
        }
        Ok(())
    }

    /// The process or the machine dies while something is being done.
    async fn die(&mut self, death: Death) -> Result<(), TestCaseError> {
        let Death { after, imports, flush, power, again } = death;
        let sent: Vec<Sent> = imports.into_iter().map(|import| self.model.send(import)).collect();
        self.rig.disk.die_after(u64::from(after));
        let answers = self.answers(&sent, flush).await;
        let mut unanswered = Vec::new();
        for (sent, answer) in sent.into_iter().zip(answers) {
            match answer {
                Ok(_) => self.answered(&sent, answer.as_ref())?,
                Err(_) => unanswered.push(sent),
            }
        }
        self.end_of_store()?;
        self.rig.disk = if power { self.rig.disk.cut() } else { self.rig.disk.crash() };
        if let Some(after) = again {
            self.rig.disk.die_after(u64::from(after));
            let _ = self.rig.try_open();
            self.rig.disk = self.rig.disk.cut();
        }
        self.rig.open();
        let unsure = self.find_out(&unanswered);
        self.begin();
        self.check("after a kill or a power cut")?;
        self.done.unanswered += unanswered.len() as u64;
        self.send_again(&unanswered, &unsure).await?;
        self.repeat_all(&unsure).await
    }

    /// What was not answered is there as a whole or not at all. Gives the names of which nobody can tell: their rows
    /// may go at any time.
    fn find_out(&mut self, unanswered: &[Sent]) -> Vec<Name> {
        let mut unsure = Vec::new();
        for sent in unanswered {
            let Import { table, times, name, .. } = &sent.import;
            if self.model.knows(*name) {
                continue;
            }
            let floor = self.model.floors[*table].unwrap_or(i64::MIN);
            let Some(time) = times.iter().find(|time| **time >= floor) else {
                unsure.push(*name);
                self.model.store(sent);
                continue;
            };
            let rows = rig::rows(&self.rig.disk, &self.snapshot(*table));
            let row = sent.row(*time);
            if rows.get(&row) > self.model.tables[*table].get(&row) {
                self.model.store(sent);
            }
        }
        unsure
    }

    /// Whoever got no answer sends again.
    async fn send_again(&mut self, sent: &[Sent], unsure: &[Name]) -> Result<(), TestCaseError> {
        for sent in sent.iter().filter(|sent| sent.import.name != Name::None) {
            for answer in self.answers(std::slice::from_ref(sent), false).await {
                prop_assert!(answer.is_ok(), "{:?}", answer);
                if !unsure.contains(&sent.import.name) {
                    self.answered(sent, answer.as_ref())?;
                }
            }
        }
        Ok(())
    }

    /// All that has a name comes again, as after an outage: it is known, or its time has passed.
    async fn repeat_all(&mut self, unsure: &[Name]) -> Result<(), TestCaseError> {
        let known = |sent: &&Sent| {
            let name = sent.import.name;
            !unsure.contains(&name) && self.model.knows(name)
        };
        let again: Vec<Sent> = self.model.named.values().filter(known).cloned().collect();
        for (sent, answer) in again.iter().zip(self.answers(&again, false).await) {
            self.answered(sent, answer.as_ref())?;
        }
        Ok(())
    }

    /// A store was opened.
    fn begin(&mut self) {
        self.done.starts += 1;
        self.tell_bounds();
        if self.watched {
            let store = self.rig.store().clone();
            self.watch = Some(Watch::over(store, Arc::clone(&self.bounds)));
        }
    }

    /// A store is about to end: what was seen of it still holds.
    fn end_of_store(&mut self) -> Result<(), TestCaseError> {
        if let Some(wrong) = self.watch.take().and_then(Watch::end) {
            return Err(TestCaseError::fail(wrong));
        }
        for (table, look, seen) in self.looks.drain(..) {
            let rows = rig::rows(&self.rig.disk, &look);
            prop_assert_eq!(rows, seen, "a snapshot of table {} changed", table);
        }
        let figures = self.rig.store().statistics();
        self.done.flushes += figures.flushes.counts.iter().sum::<u64>();
        self.done.merges += figures.compactions;
        Ok(())
    }

    /// Compares the number of rows, which costs little.
    fn glance(&mut self) -> Result<(), TestCaseError> {
        self.tell_bounds();
        for table in (0..TABLES).filter(|table| self.model.floors[*table].is_none()) {
            let rows = self.snapshot(table).rows();
            prop_assert_eq!(rows, self.model.total(table), "rows of table {}", table);
        }
        Ok(())
    }

    /// Compares each row.
    fn check(&self, when: &str) -> Result<(), TestCaseError> {
        for table in 0..TABLES {
            let rows = rig::rows(&self.rig.disk, &self.snapshot(table));
            self.model.check(table, &rows, when)?;
        }
        Ok(())
    }

    fn snapshot(&self, table: usize) -> Snapshot {
        self.rig.store().snapshot(project(), &namespace(table))
    }

    fn tell_bounds(&self) {
        for table in 0..TABLES {
            let total = self.model.total(table);
            self.bounds.most[table].store(total, Ordering::SeqCst);
            self.bounds.least[table].store(total, Ordering::SeqCst);
        }
    }

    fn expect_at_most(&self, sent: &[Sent]) {
        for sent in sent {
            let rows = sent.import.times.len() as u64;
            self.bounds.most[sent.import.table].fetch_add(rows, Ordering::SeqCst);
        }
    }
}
