//! What an import says: what it would do (`--dry-run`), and what it did.

use anyhow::Result;
use iobeam_model::Timestamp;
use serde_json::{Value, json};

use super::Target;
use super::layout::Column;
use super::scan::{DecidedBy, Scan, Seen};
use super::send::Progress;
use super::typed::Kind;
use crate::output::Grid;

/// Shows what the file is, and how it would be stored.
pub(super) fn dry_run(target: &Target<'_>, columns: &[Column], scan: &Scan) -> Result<()> {
    let out = target.session.out;
    let iso = |micros| Timestamp::from_micros(micros).to_iso();
    let decided = |seen: &Seen| match (seen.kind, seen.by) {
        (None, _) => "no values",
        (_, DecidedBy::Flag) => "--type",
        (_, DecidedBy::Field) => "the field",
        (_, DecidedBy::Cells) => "its cells",
    };
    let kind = |seen: &Seen| seen.kind.map_or("", Kind::name);
    let both = || columns.iter().zip(&scan.columns);
    if out.wants_json() {
        let columns: Vec<Value> = both()
            .map(|(column, seen)| {
                json!({"column": column.heading, "field": column.name.as_str(), "type": seen.kind.map(Kind::name),
                    "decided_by": decided(seen), "values": seen.values})
            })
            .collect();
        let first = scan.times.map(|(first, _)| iso(first));
        let last = scan.times.map(|(_, last)| iso(last));
        return out.json(
            &json!({"rows": scan.rows, "first_time": first, "last_time": last, "columns": columns}),
        );
    }
    let mut grid = Grid::new(["column", "field", "type", "decided by", "values"]).right([4]);
    for (column, seen) in both() {
        grid.row(vec![
            column.heading.clone(),
            column.name.to_string(),
            kind(seen).to_owned(),
            decided(seen).to_owned(),
            seen.values.to_string(),
        ]);
    }
    out.table(&grid, "no columns beside the time")?;
    out.line("")?;
    let headings = std::iter::once("time").chain(columns.iter().map(|column| column.name.as_str()));
    let mut first = Grid::with_headings(headings.map(str::to_owned).collect());
    for (micros, cells) in &scan.samples {
        let mut row = vec![iso(*micros)];
        row.extend((0..columns.len()).map(|at| cells.get(at).cloned().unwrap_or_default()));
        first.row(row);
    }
    out.table(&first, "no rows")?;
    let between = scan.times.map(|(first, last)| format!(", from {} to {}", iso(first), iso(last)));
    out.line("")?;
    out.line(&format!(
        "{} rows{}; nothing was stored (--dry-run)",
        scan.rows,
        between.unwrap_or_default()
    ))
}

/// Says what was stored.
pub(super) fn done(target: &Target<'_>, progress: &Progress) -> Result<()> {
    let Progress { stored, repeated, expired, batches } = *progress;
    let out = target.session.out;
    if out.wants_json() {
        let mut told = json!({"stored": stored, "stored_before": repeated, "requests": batches});
        if expired > 0 {
            told["expired"] = json!(expired);
        }
        return out.json(&told);
    }
    let before =
        if repeated > 0 { format!("; {repeated} were there before") } else { String::new() };
    let gone = if expired > 0 {
        format!("; {expired} of them are past the namespace's retention and are not shown")
    } else {
        String::new()
    };
    out.done(&format!(
        "{stored} rows stored in '{}' of project {}{before}{gone}",
        target.namespace, target.project
    ))
}
