//! `iobeam spool`: the folder in which a device keeps its readings, looked at where it lies. No server is asked.
//!
//! ```text
//! spool/           what waits            ls: how much, since when     (the device's program may be using it)
//! spool/rejected/  what was set aside    ls, show ─▶ JSON ─ mended ─▶ resend --from     drop
//! spool/resend/    what goes out again   ◀─ resend: the device's program takes it in at its next flush
//! ```
//!
//! Batches that were set aside can be handled while the device's program runs. What waits is told only while it
//! does not: a spool is one process's at a time.

mod mended;

mod waiting;

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use iobeam::{Clock, Rejected, RejectedFolder, SystemClock, Timestamp};
use serde_json::{Value, json};

use self::waiting::Waiting;
use crate::ask;
use crate::failure::Failure;
use crate::output::{Grid, Output, plain};

/// So many batches that wait are shown to people.
const SHOWN: usize = 20;

/// The verbs of a device's spool.
#[derive(clap::Subcommand)]
pub(crate) enum Spool {
    /// List what waits to be sent, and what the server refused
    Ls(List),
    /// Show the rows of a refused batch
    Show(Show),
    /// Have a refused batch sent again, as it is or mended
    Resend(Resend),
    /// Discard refused batches for good
    Drop(Drop),
}

/// Which spool.
#[derive(clap::Args)]
pub(crate) struct List {
    /// The spool's folder
    dir: PathBuf,
}

/// Which batch.
#[derive(clap::Args)]
pub(crate) struct Show {
    /// The spool's folder
    dir: PathBuf,
    /// The batch's name as `ls` shows it, its beginning, or its number
    name: String,
}

/// Which batches, and how.
#[derive(clap::Args)]
pub(crate) struct Resend {
    #[command(flatten)]
    which: Which,
    /// Send these rows instead: what `show --json` printed, mended; `-` is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "all")]
    from: Option<PathBuf>,
}

/// Which batches.
#[derive(clap::Args)]
pub(crate) struct Drop {
    #[command(flatten)]
    which: Which,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

/// One batch or all.
#[derive(clap::Args)]
struct Which {
    /// The spool's folder
    dir: PathBuf,
    /// The batch's name as `ls` shows it, its beginning, or its number
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    name: Option<String>,
    /// All that were refused
    #[arg(long)]
    all: bool,
}

impl Spool {
    /// Does what the verb says.
    pub(crate) fn run(self, out: Output) -> Result<()> {
        match self {
            Self::Ls(list) => list.run(out),
            Self::Show(show) => show.run(out),
            Self::Resend(resend) => resend.run(out),
            Self::Drop(drop) => drop.run(out),
        }
    }
}

impl List {
    fn run(self, out: Output) -> Result<()> {
        let refused = folder(&self.dir)?.list().map_err(told)?;
        let waiting = Waiting::of_spool(&self.dir)?;
        if out.wants_json() {
            return out.json(&json!({"waiting": waiting.to_json(), "rejected": refused}));
        }
        out.line(&waiting.to_string())?;
        if let Some((grid, more)) = waiting.table(SHOWN) {
            out.line("")?;
            out.table(&grid, "")?;
            if more > 0 {
                out.line(&format!("and {more} more; --json lists them all"))?;
            }
            out.line("")?;
        }
        if refused.is_empty() {
            return out.line("refused: nothing");
        }
        out.line(&format!("refused: {}\n", counted(refused.len() as u64, "batch", "batches")))?;
        let mut grid =
            Grid::new(["name", "namespace", "rows", "bytes", "age", "reason"]).right([2, 3, 4]);
        let now = SystemClock::new().now();
        for batch in &refused {
            grid.row(vec![
                batch.name.clone(),
                batch.namespace.clone(),
                batch.rows.to_string(),
                batch.bytes.to_string(),
                waiting::age_at(now, batch.at),
                reason(batch),
            ]);
        }
        out.table(&grid, "")?;
        out.hint("look at its rows: iobeam spool show DIR NAME");
        Ok(())
    }
}

impl Show {
    fn run(self, out: Output) -> Result<()> {
        let folder = folder(&self.dir)?;
        let refused = folder.list().map_err(told)?;
        let name = found(&refused, &self.name)?.name.clone();
        let batch = folder.batch(&name).map_err(told)?;
        let known = refused.iter().find(|one| one.name == name);
        if out.wants_json() {
            let mut shown = known.map_or_else(|| Ok(json!({})), serde_json::to_value)?;
            if let (Value::Object(shown), Value::Object(rows)) = (&mut shown, mended::json(&batch))
            {
                shown.extend(rows);
            }
            return out.json(&shown);
        }
        if let Some(known) = known {
            out.record(&[
                ("name", name.clone()),
                ("namespace", known.namespace.clone()),
                ("refused", moment(known.at)),
                ("reason", reason(known)),
            ])?;
            out.line("")?;
        }
        let names = batch.columns().iter().map(|column| column.name().to_string());
        let mut grid =
            Grid::with_headings([String::from("time")].into_iter().chain(names).collect());
        for (row, time) in batch.times().iter().enumerate() {
            let mut cells = vec![super::query::moment(*time)];
            cells.extend(batch.columns().iter().map(|column| plain(&mended::cell(column, row))));
            grid.row(cells);
        }
        out.table(&grid, "no rows")?;
        out.hint("mend it: iobeam spool show DIR NAME --json > batch.json, then spool resend DIR NAME --from batch.json");
        Ok(())
    }
}

impl Resend {
    fn run(self, out: Output) -> Result<()> {
        let folder = folder(&self.which.dir)?;
        let chosen = self.which.chosen(&folder)?;
        let mut rows = 0;
        for batch in &chosen {
            rows += match &self.from {
                None => {
                    folder.resend(&batch.name).map_err(told)?;
                    batch.rows
                }
                Some(file) => {
                    let refused = folder.batch(&batch.name).map_err(told)?;
                    let mended = mended::batch(&text_of(file)?, &refused)?;
                    folder.resend_mended(&batch.name, &mended).map_err(told)?;
                    mended.rows() as u64
                }
            };
        }
        if out.wants_json() {
            return out.json(&json!({"resent": names(&chosen), "rows": rows}));
        }
        let batches = counted(chosen.len() as u64, "batch", "batches");
        out.done(&format!(
            "{batches}, {} put back; sent at the next flush or start of the device's program",
            counted(rows, "row", "rows")
        ))
    }
}

impl Drop {
    fn run(self, out: Output) -> Result<()> {
        let folder = folder(&self.which.dir)?;
        let chosen = self.which.chosen(&folder)?;
        let rows = counted(chosen.iter().map(|batch| batch.rows).sum(), "row", "rows");
        let batches = counted(chosen.len() as u64, "batch", "batches");
        if !chosen.is_empty()
            && !self.yes
            && !ask::sure(&format!("Discard {batches}, {rows}, for good"))?
        {
            return Err(Failure::new("nothing was discarded").into());
        }
        for batch in &chosen {
            folder.discard(&batch.name).map_err(told)?;
        }
        if out.wants_json() {
            return out.json(&json!({"dropped": names(&chosen)}));
        }
        out.done(&format!("{batches}, {rows} discarded"))
    }
}

impl Which {
    fn chosen(&self, folder: &RejectedFolder) -> Result<Vec<Rejected>> {
        let refused = folder.list().map_err(told)?;
        match &self.name {
            None => Ok(refused),
            Some(given) => Ok(vec![found(&refused, given)?.clone()]),
        }
    }
}

/// The refused batches of a spool, if there is one in that folder: a slip of the pen makes no new one.
fn folder(dir: &Path) -> Result<RejectedFolder> {
    let shown = dir.display();
    let there = fs::read_dir(dir).with_context(|| format!("cannot read the spool {shown}"))?;
    drop(there);
    if !waiting::is_spool(dir) && !dir.join("rejected").is_dir() {
        let remedy = "name the folder that the device's program was given as its spool";
        return Err(Failure::new(format!("there is no spool in {shown}")).remedy(remedy).into());
    }
    Ok(RejectedFolder::of_spool(dir))
}

/// The one batch that is meant: by its name, the beginning of it, or the number at its end.
fn found<'a>(refused: &'a [Rejected], given: &str) -> Result<&'a Rejected> {
    let number = given.parse::<u64>().ok();
    let numbered = |batch: &Rejected| {
        let tail = batch.name.rsplit_once('-').and_then(|(_, tail)| tail.parse().ok());
        number.is_some() && tail == number
    };
    let whole = |batch: &&Rejected| batch.name == given;
    if let Some(batch) = refused.iter().find(whole) {
        return Ok(batch);
    }
    let mut meant = refused
        .iter()
        .filter(|batch| !given.is_empty() && (batch.name.starts_with(given) || numbered(batch)));
    match (meant.next(), meant.next()) {
        (Some(batch), None) => Ok(batch),
        (None, _) => Err(Failure::new(format!("there is no refused batch '{given}'"))
            .remedy("`iobeam spool ls DIR` shows their names")
            .into()),
        (Some(_), Some(_)) => {
            Err(Failure::usage(format!("more than one refused batch is called '{given}'"))
                .remedy("give more of its name")
                .into())
        }
    }
}

/// Why a batch was refused, as people read it.
fn reason(batch: &Rejected) -> String {
    if batch.status == 0 {
        return batch.message.clone();
    }
    format!("{} {}", batch.status, batch.message)
}

fn names(batches: &[Rejected]) -> Vec<&str> {
    batches.iter().map(|batch| batch.name.as_str()).collect()
}

fn moment(at: Timestamp) -> String {
    super::query::moment(at.seconds() * 1_000_000)
}

fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn text_of(file: &Path) -> Result<String> {
    if file == Path::new("-") {
        let mut text = String::new();
        io::stdin().lock().read_to_string(&mut text).context("cannot read standard input")?;
        return Ok(without_mark(&text));
    }
    let text = fs::read_to_string(file);
    text.map(|text| without_mark(&text)).with_context(|| format!("cannot read {}", file.display()))
}

/// The text without the byte order mark that some editors begin a file with.
fn without_mark(text: &str) -> String {
    text.strip_prefix('\u{feff}').unwrap_or(text).to_owned()
}

/// What the client said, with its remedy where there is one.
fn told(error: iobeam::Error) -> anyhow::Error {
    match error {
        iobeam::Error::File { ref source, .. }
            if source.kind() == io::ErrorKind::PermissionDenied =>
        {
            let remedy = "run this as the user that the device's program runs as";
            Failure::new(error.to_string()).remedy(remedy).into()
        }
        other => Failure::new(other.to_string()).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(names: &[&str]) -> Vec<Rejected> {
        let one = |name: &&str| Rejected {
            name: (*name).to_owned(),
            namespace: String::from("input"),
            rows: 1,
            bytes: 9,
            at: Timestamp::from_micros(0),
            status: 400,
            code: 31,
            message: String::from("no"),
        };
        names.iter().map(one).collect()
    }

    #[test]
    fn a_batch_is_found_by_its_name_its_beginning_or_its_number() {
        let all = refused(&["aa10-0000000001", "aa20-0000000042", "bb30-0000000042"]);
        let name = |given: &str| found(&all, given).map(|batch| batch.name.as_str()).ok();
        assert_eq!(name("aa10-0000000001"), Some("aa10-0000000001"));
        assert_eq!(name("bb"), Some("bb30-0000000042"));
        assert_eq!(name("1"), Some("aa10-0000000001"));
        for vague in ["aa", "42", "", "cc", "2"] {
            assert_eq!(name(vague), None, "{vague:?}");
        }
    }
}
