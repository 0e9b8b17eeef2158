//! The pages that a run leaves behind: RESULTS.md, the plots, and the table in the project's README.

use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result};

use crate::goals::{self, Goal};
use crate::plots;
use crate::results::{Results, Work};
use crate::tables::{GROWTH, IMPORT, SOAK, by_figure, by_group, by_system, grouped, short};

/// Between these lines README's table stands.
const BEGIN: &str = "<!-- bench: written by `iobeam-bench readme` -->";
const END: &str = "<!-- bench: end -->";

/// Writes RESULTS.md and the plots.
pub(crate) fn write(results: &Results, folder: &Path) -> Result<()> {
    let plots = plots::write(results, &folder.join("plots"))?;
    Ok(std::fs::write(folder.join("RESULTS.md"), page(results, &plots))?)
}

fn page(results: &Results, plots: &[(String, String)]) -> String {
    let mut text = "# Results\n\nWritten by `make bench`; do not edit. [README.md](README.md) says how to run it, what each figure means, \
        and how each peer is set up.\n\n"
        .to_owned();
    text += &goal_table(&goals::all(results));
    let mut section = |name: &str, title: &str, body: &dyn Fn(&Work) -> String| {
        if let Some(work) = results.works.get(name) {
            let _ = write!(text, "## {title}\n\n{}{}", about(work), body(work));
        }
    };
    section("import", "Import", &|work| by_group(work, IMPORT));
    section("queries", "Questions on the sensor set", &queries);
    section("fleet", "Questions on the fleet (TSBS, IoT case), warm, ms", &|work| {
        by_system(work, "warm_ms")
    });
    section("recovery", "After a kill, and a large set", &list);
    section("figures", "Ourselves alone", &list);
    section("growth", "Growth", &|work| by_figure(work, GROWTH));
    section("sustained", "Sustained import", &|work| by_figure(work, SOAK));
    section("soak", "An hour at a pace", &|work| by_figure(work, SOAK));
    section("devices", "On the device", &list);
    if !plots.is_empty() {
        text += "## Plots\n\n";
        for (name, title) in plots {
            let _ = writeln!(text, "![{title}](plots/{name}.svg)\n");
        }
    }
    text.trim_end().to_owned() + "\n"
}

/// When, where, with what.
fn about(work: &Work) -> String {
    let versions: Vec<_> =
        work.versions.iter().map(|(system, version)| format!("{system} {version}")).collect();
    let mut text = format!("{} · {}", work.date, work.machine);
    if !versions.is_empty() {
        let _ = write!(text, " · {}", versions.join(", "));
    }
    text += "\n\n";
    for note in &work.notes {
        let _ = writeln!(text, "- {note}");
    }
    text + if work.notes.is_empty() { "" } else { "\n" }
}

fn goal_table(goals: &[Goal]) -> String {
    let mut text = "| work | goal | measured | |\n| --- | --- | --- | --- |\n".to_owned();
    for goal in goals {
        let met = match goal.met {
            Some(true) => "met",
            Some(false) => "**missed**",
            None => "not measured",
        };
        let _ = writeln!(text, "| {} | {} | {} | {met} |", goal.work, goal.wanted, goal.found);
    }
    text + "\n"
}

fn queries(work: &Work) -> String {
    let mut text = String::new();
    for (key, title) in [
        ("warm_ms", "Warm, ms"),
        ("cold_ms", "Cold, ms"),
        ("importing_ms", "While rows come in, ms"),
        ("bytes_per_value", "Bytes on disk for a value"),
    ] {
        let _ = write!(text, "### {title}\n\n{}", by_system(work, key));
    }
    text
}

/// A line for each figure, whatever its values.
fn list(work: &Work) -> String {
    let mut text = "| what | system | | |\n| --- | --- | --- | --- |\n".to_owned();
    for figure in &work.figures {
        let values: Vec<_> = figure
            .values
            .iter()
            .map(|(key, value)| match key.rsplit_once('_') {
                Some((what, unit @ ("ms" | "s" | "mb"))) => {
                    format!("{} {} {unit}", what.replace('_', " "), short(*value))
                }
                _ => format!("{} {}", grouped(*value), key.replace('_', " ")),
            })
            .collect();
        let values = values.join(", ");
        let _ = writeln!(
            text,
            "| {} | {} | {} | {values} |",
            figure.group, figure.system, figure.durability
        );
    }
    text + "\n"
}

/// Puts the short table into the project's README, between its markers.
pub(crate) fn write_readme(results: &Results, readme: &Path) -> Result<()> {
    let page = std::fs::read_to_string(readme)?;
    let (before, rest) =
        page.split_once(BEGIN).with_context(|| format!("README.md has no line {BEGIN}"))?;
    let (_, after) =
        rest.split_once(END).with_context(|| format!("README.md has no line {END}"))?;
    Ok(std::fs::write(readme, format!("{before}{BEGIN}\n{}{END}{after}", short_table(results)))?)
}

fn short_table(results: &Results) -> String {
    let mut text = String::new();
    let Some(import) = results.works.get("import") else { return text };
    let groups = [
        ("1000 a batch", "batches of 1000 rows, 4 connections"),
        ("10 000 a batch", "batches of 10000 rows, 4 connections"),
        ("single, 64 connections", "batches of 1 row, 64 connections"),
    ];
    let titles = groups.map(|(title, _)| title).join(" | ");
    let _ =
        writeln!(text, "| rows/s, 10 float fields each | an acknowledgement means | {titles} |");
    text += "| --- | --- | ---: | ---: | ---: |\n";
    let mut systems: Vec<(&str, &str)> = Vec::new();
    for figure in &import.figures {
        let system = (figure.system.as_str(), figure.durability.as_str());
        if !systems.contains(&system) {
            systems.push(system);
        }
    }
    for (system, durability) in systems {
        let cells = groups.map(|(_, group)| {
            let figure =
                import.of_group(group).find(|f| f.system == system && f.durability == durability);
            figure
                .and_then(|figure| figure.values.get("rows_per_second"))
                .map_or("-".to_owned(), |value| grouped(*value))
        });
        let _ = writeln!(text, "| {system} | {durability} | {} |", cells.join(" | "));
    }
    let _ =
        writeln!(text, "\n{}, {}. [All results](bench/RESULTS.md).", import.date, import.machine);
    text
}
