//! Tables in Markdown, from figures.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::results::{Figure, Work};

/// A column: its key among the values, its title, digits behind the point.
pub(crate) type Columns = &'static [(&'static str, &'static str, usize)];

/// Columns of the import work.
pub(crate) const IMPORT: Columns = &[
    ("rows_per_second", "rows/s", 0),
    ("values_per_second", "values/s", 0),
    ("cpu_per_million_values", "server CPU s per 10⁶ values", 3),
    ("p50_ms", "p50 ms", 2),
    ("p99_ms", "p99 ms", 2),
    ("p999_ms", "p99.9 ms", 2),
    ("peak_mb", "peak MB", 0),
    ("runs", "runs", 0),
];
/// Columns of a soak.
pub(crate) const SOAK: Columns = &[
    ("rows_per_second", "rows/s", 0),
    ("p50_ms", "p50 ms", 2),
    ("p99_ms", "p99 ms", 2),
    ("p999_ms", "p99.9 ms", 2),
    ("query_p50_ms", "query p50 ms", 1),
    ("query_p99_ms", "query p99 ms", 1),
    ("server_cores", "server cores", 2),
    ("sender_cores", "sender cores", 2),
    ("resident_mb", "resident MB", 0),
    ("peak_mb", "peak MB", 0),
    ("files", "files", 0),
    ("disk_mb", "disk MB", 0),
    ("bytes_per_value", "bytes/value", 2),
];
/// Columns of growth.
pub(crate) const GROWTH: Columns = &[
    ("rows", "rows", 0),
    ("rows_per_second", "rows/s", 0),
    ("peak_mb", "peak MB", 0),
    ("bytes_per_value", "bytes/value", 2),
    ("files", "files", 0),
    ("last_ms", "last row ms", 2),
    ("last_of_each_ms", "last of each ms", 2),
    ("last_100_ms", "last 100 ms", 2),
    ("minute_means_ms", "minute means ms", 2),
    ("count_ms", "count ms", 2),
];

/// A table for each group, the best first, with the ratio to the best peer.
pub(crate) fn by_group(work: &Work, columns: Columns) -> String {
    let mut text = String::new();
    let (lead, ..) = columns[0];
    for group in work.groups() {
        let mut here: Vec<&Figure> = work.of_group(group).collect();
        here.sort_by(|one, other| value(other, lead).total_cmp(&value(one, lead)));
        let best_peer = work.best(group, lead, false, true);
        let titles: Vec<_> = columns.iter().map(|(_, title, _)| *title).collect();
        let _ = writeln!(text, "### {group}\n");
        let _ = writeln!(text, "| system | durability | × best peer | {} |", titles.join(" | "));
        let _ = writeln!(text, "| --- | --- | ---: |{}", " ---: |".repeat(columns.len()));
        for figure in here {
            let ratio = best_peer
                .map_or("-".to_owned(), |best| format!("{:.2}", value(figure, lead) / best));
            let cells: Vec<_> =
                columns.iter().map(|(key, _, digits)| cell(figure, key, *digits)).collect();
            let _ = writeln!(
                text,
                "| {} | {} | {ratio} | {} |",
                figure.system,
                figure.durability,
                cells.join(" | ")
            );
        }
        text.push('\n');
    }
    text
}

/// One table: a row for each figure.
pub(crate) fn by_figure(work: &Work, columns: Columns) -> String {
    let titles: Vec<_> = columns.iter().map(|(_, title, _)| *title).collect();
    let mut text =
        format!("| | {} |\n| --- |{}\n", titles.join(" | "), " ---: |".repeat(columns.len()));
    for figure in &work.figures {
        let cells: Vec<_> =
            columns.iter().map(|(key, _, digits)| cell(figure, key, *digits)).collect();
        let _ = writeln!(text, "| {} | {} |", figure.group, cells.join(" | "));
    }
    text + "\n"
}

/// One table: a row for each group, a column for each system, and ours against the best peer. Only one value of each figure.
pub(crate) fn by_system(work: &Work, key: &str) -> String {
    let has = |figure: &&Figure| figure.values.contains_key(key) || !figure.remark.is_empty();
    let systems: Vec<_> = work
        .systems()
        .into_iter()
        .filter(|system| work.figures.iter().any(|figure| figure.system == *system && has(&figure)))
        .collect();
    let mut text = format!("| | {} | ours ÷ best peer |\n", systems.join(" | "));
    let _ = writeln!(text, "| --- |{}", " ---: |".repeat(systems.len() + 1));
    let mut wrong = BTreeMap::new();
    let mut rows = 0;
    for group in work.groups() {
        if !work.of_group(group).any(|figure| figure.values.contains_key(key)) {
            continue;
        }
        let cells: Vec<_> = systems
            .iter()
            .map(|system| {
                let Some(figure) = work.of_group(group).find(|figure| figure.system == *system)
                else {
                    return "-".to_owned();
                };
                if !figure.remark.is_empty() {
                    wrong.insert(format!("{group}, {system}"), figure.remark.clone());
                    return "✗".to_owned();
                }
                figure.values.get(key).map_or("-".to_owned(), |value| short(*value))
            })
            .collect();
        rows += 1;
        let ratio = ratio(work, group, key).map_or("-".to_owned(), |ratio| format!("{ratio:.2}"));
        let _ = writeln!(text, "| {group} | {} | {ratio} |", cells.join(" | "));
    }
    if let Some(mean) = geometric_mean(work, key).filter(|_| rows > 1) {
        let _ =
            writeln!(text, "| **geometric mean** |{} **{mean:.2}** |", " |".repeat(systems.len()));
    }
    for (place, remark) in wrong {
        let _ = write!(text, "\n✗ {place}: {remark}\n");
    }
    text + "\n"
}

/// Ours against the best peer, where both have an answer.
pub(crate) fn ratio(work: &Work, group: &str, key: &str) -> Option<f64> {
    Some(work.best(group, key, true, false)? / work.best(group, key, false, false)?)
}

/// The geometric mean of those ratios.
pub(crate) fn geometric_mean(work: &Work, key: &str) -> Option<f64> {
    let ratios: Vec<f64> =
        work.groups().iter().filter_map(|group| ratio(work, group, key)).map(f64::ln).collect();
    (!ratios.is_empty()).then(|| (ratios.iter().sum::<f64>() / ratios.len() as f64).exp())
}

fn value(figure: &Figure, key: &str) -> f64 {
    figure.values.get(key).copied().unwrap_or(f64::NAN)
}

fn cell(figure: &Figure, key: &str, digits: usize) -> String {
    figure.values.get(key).map_or("-".to_owned(), |value| {
        if digits == 0 { grouped(*value) } else { format!("{value:.digits$}") }
    })
}

/// With a thin gap between thousands.
pub(crate) fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// Three digits that count.
pub(crate) fn short(value: f64) -> String {
    let digits = if value >= 100.0 {
        0
    } else if value >= 10.0 {
        1
    } else {
        2
    };
    if digits == 0 { grouped(value) } else { format!("{value:.digits$}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(system: &str, time: f64, remark: &str) -> Figure {
        Figure {
            group: "last row".to_owned(),
            system: system.to_owned(),
            values: [("warm_ms".to_owned(), time)].into(),
            remark: remark.to_owned(),
            ..Figure::default()
        }
    }

    #[test]
    fn a_wrong_answer_does_not_count_as_fast() {
        let figures = vec![
            figure("iobeam, SQL", 2.0, ""),
            figure("A", 4.0, ""),
            figure("B", 0.1, "says 1 value where 2 is right"),
        ];
        let work = Work { figures, ..Work::default() };
        assert_eq!(ratio(&work, "last row", "warm_ms"), Some(0.5));
        let table = by_system(&work, "warm_ms");
        assert!(table.contains("| last row | 2.00 | 4.00 | ✗ | 0.50 |"), "{table}");
        assert!(table.contains("✗ last row, B: says 1 value"), "{table}");
    }

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(grouped(1_234_567.4), "1 234 567");
        assert_eq!(grouped(12.0), "12");
    }
}
