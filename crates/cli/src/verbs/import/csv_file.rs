//! A CSV file on its way to the server: read once to check all of it, and once to send it.
//!
//! ```text
//! file ─▶ rows ─▶ scan: columns, types, times ─▶ refused as a whole, or shown (--dry-run)
//! file ─▶ rows ─▶ batches with ids ─▶ send ─▶ report
//! ```
//!
//! Importing the same file again stores nothing twice, and goes on where an import was interrupted.

use std::io::Read;

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};

use super::Target;
use super::batches::{Batches, Block};
use super::flags::{CsvFlags, TimeFlags};
use super::follow;
use super::prepare::{
    add_row, batches, check_columns, declare_longs, going_on, known, namespace, with_long_remedy,
};
use super::report;
use super::rows::Rows;
use super::scan::{Scan, scan};
use super::send::send_all;
use super::source::Source;
use crate::csv_text::Record;

/// Checks and sends the file.
pub(super) fn import(target: &Target<'_>, flags: &CsvFlags, times: &TimeFlags) -> Result<()> {
    if flags.follow {
        return follow::import(target, flags, times);
    }
    let source = Source::open(flags.csv.as_deref().unwrap_or("-"), flags.encoding)?;
    let bar = bar(target, source.bytes());
    let open = |what: &'static str| {
        bar.reset();
        bar.set_message(what);
        let watched = |text: Box<dyn Read>| -> Box<dyn Read> { Box::new(bar.wrap_read(text)) };
        Rows::open(source.text(watched)?, flags, times)
    };
    let mut rows = open("checking")?;
    check_columns(target, &rows, flags)?;
    let space = namespace(target)?;
    let known = known(target, flags, &space);
    let scanned = scan(&mut rows, &known);
    bar.finish_and_clear();
    let scanned = scanned?;
    if flags.dry_run {
        return report::dry_run(target, &rows.layout.columns, &scanned);
    }
    if scanned.rows > 0 {
        declare_longs(target, &space, &rows, &scanned)?;
    }
    let mut batches = batches(target, flags, &rows, &scanned)?;
    let mut rows = open("0 rows")?;
    let asks = !flags.allow_repeat;
    let (progress, done) =
        send_all(target, &bar, asks, || next_block(&mut rows, &scanned, &mut batches));
    bar.finish_and_clear();
    done.map_err(|error| {
        let error = with_long_remedy(error, &space, &rows, &scanned);
        going_on(error, &progress, Some(scanned.rows))
    })?;
    report::done(target, &progress)
}

/// Reads rows up to the next full block.
fn next_block(rows: &mut Rows, scanned: &Scan, batches: &mut Batches) -> Result<Option<Block>> {
    let mut record = Record::default();
    while rows.read(&mut record)? {
        if let Some(block) = add_row(rows, &record, scanned, batches)? {
            return Ok(Some(block));
        }
    }
    batches.take()
}

fn bar(target: &Target<'_>, bytes: u64) -> ProgressBar {
    if !target.session.out.talks_to_a_person() {
        return ProgressBar::hidden();
    }
    let form = "{bar:28} {percent:>3}%  {msg}  {bytes_per_sec}  {eta}";
    ProgressBar::new(bytes).with_style(
        ProgressStyle::with_template(form).unwrap_or_else(|_| ProgressStyle::default_bar()),
    )
}
