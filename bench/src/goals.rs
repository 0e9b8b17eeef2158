//! The goals, and whether the figures meet them.

use crate::results::{Figure, Results, Work};
use crate::tables::{geometric_mean, grouped, ratio, short};

/// One goal.
#[derive(Clone, Debug)]
pub(crate) struct Goal {
    pub(crate) work: &'static str,
    pub(crate) wanted: &'static str,
    /// What was measured; empty when it was not.
    pub(crate) found: String,
    pub(crate) met: Option<bool>,
}

/// All goals, in the order of the issue.
pub(crate) fn all(results: &Results) -> Vec<Goal> {
    let mut goals = Vec::new();
    if let Some(import) = results.works.get("import") {
        imports(import, &mut goals);
    }
    goals.push(sustained(results.works.get("sustained")));
    if let Some(queries) = results.works.get("queries") {
        goals.extend(answers(queries, "each query on the sensor set"));
        goals.push(below(
            queries,
            "last row of each device",
            "last row per device, 4000 devices",
            5.0,
            "≤ 5 ms",
        ));
        goals.push(disk(queries));
    }
    if let Some(fleet) = results.works.get("fleet") {
        goals.extend(answers(fleet, "each question on the fleet"));
    }
    if let Some(recovery) = results.works.get("recovery") {
        large(recovery, &mut goals);
    }
    memory(results, &mut goals);
    goals
}

fn goal(work: &'static str, wanted: &'static str, found: String, met: bool) -> Goal {
    Goal { work, wanted, found, met: Some(met) }
}

fn imports(work: &Work, goals: &mut Vec<Goal>) {
    let pace = |group: &str, who: &str| {
        let figures = work.of_group(group).filter(|figure| figure.system.starts_with(who));
        figures.filter_map(|figure| figure.values.get("rows_per_second").copied()).reduce(f64::max)
    };
    let large = "batches of 10000 rows, 4 connections";
    let middle = "batches of 1000 rows, 4 connections";
    let single = "batches of 1 row, 64 connections";
    let mut push = |name, text, group: &str, who: &str, peers: Option<f64>, least: (f64, f64)| {
        let Some(ours) = pace(group, who) else { return };
        let times = peers.map(|best| ours / best);
        let told = times.map_or(String::new(), |times| format!(", {times:.2} ×"));
        let met = ours >= least.0 && times.is_none_or(|times| times >= least.1);
        goals.push(goal(name, text, format!("{} rows/s{told}", grouped(ours)), met));
    };
    let best = |group: &str| work.best(group, "rows_per_second", false, true);
    push(
        "import by binary batches of 10 000 rows",
        "≥ 1.5 M rows/s, ≥ 1.5 × the best peer",
        large,
        "iobeam, binary",
        best(large),
        (1.5e6, 1.5),
    );
    push(
        "import by binary batches of 1000 rows",
        "≥ 1 M rows/s, ≥ 4 × the best peer",
        middle,
        "iobeam, binary",
        best(middle),
        (1e6, 4.0),
    );
    push(
        "import by JSON table of 1000 rows",
        "≥ 500 k rows/s, ≥ 10 × InfluxDB",
        middle,
        "iobeam, JSON",
        pace(middle, "InfluxDB"),
        (5e5, 10.0),
    );
    push(
        "one-row requests, 64 connections",
        "≥ 30 k/s, ≥ 2 × InfluxDB",
        single,
        "iobeam, binary",
        pace(single, "InfluxDB"),
        (3e4, 2.0),
    );
    if let Some(p99) = work.best(single, "p99_ms", true, false) {
        goals.push(goal("one-row requests, p99", "≤ 10 ms", format!("{p99:.2} ms"), p99 <= 10.0));
    }
}

fn sustained(work: Option<&Work>) -> Goal {
    let name = "sustained import by batches of 1000 rows, with flush and compaction";
    let wanted = "≥ 1 M rows/s over 10 minutes";
    let Some(work) = work else {
        return Goal { work: name, wanted, found: String::new(), met: None };
    };
    let minutes: Vec<f64> = work
        .figures
        .iter()
        .filter_map(|figure| figure.values.get("rows_per_second").copied())
        .collect();
    let mean = minutes.iter().sum::<f64>() / minutes.len().max(1) as f64;
    let found = format!("{} rows/s over {} minutes", grouped(mean), minutes.len());
    goal(name, wanted, found, mean >= 1e6)
}

fn answers(work: &Work, name: &'static str) -> Vec<Goal> {
    let slower: Vec<&str> = work
        .groups()
        .into_iter()
        .filter(|group| ratio(work, group, "warm_ms").is_some_and(|ratio| ratio > 1.0))
        .collect();
    let compared =
        work.groups().into_iter().filter(|group| ratio(work, group, "warm_ms").is_some()).count();
    let found = if slower.is_empty() {
        format!("all {compared}")
    } else {
        format!("{} of {compared}; slower: {}", compared - slower.len(), slower.join(", "))
    };
    let mut goals = vec![goal(name, "no slower than the best peer", found, slower.is_empty())];
    if let Some(mean) = geometric_mean(work, "warm_ms") {
        goals.push(goal(
            name,
            "geometric mean ≤ 0.5 of the best peer",
            format!("{mean:.2}"),
            mean <= 0.5,
        ));
    }
    goals
}

fn below(work: &Work, group: &str, name: &'static str, most: f64, text: &'static str) -> Goal {
    match work.best(group, "warm_ms", true, false) {
        Some(time) => goal(name, text, format!("{} ms", short(time)), time <= most),
        None => Goal { work: name, wanted: text, found: String::new(), met: None },
    }
}

fn disk(work: &Work) -> Goal {
    let (name, text) = ("disk, sensor set", "≤ 1.5 bytes per value, no more than the best peer");
    let ours = work.best("disk", "bytes_per_value", true, false);
    let peer = work.best("disk", "bytes_per_value", false, false);
    let Some(ours) = ours else {
        return Goal { work: name, wanted: text, found: String::new(), met: None };
    };
    let told = peer.map_or(String::new(), |peer| format!(" (best peer {peer:.2})"));
    goal(
        name,
        text,
        format!("{ours:.2} bytes{told}"),
        ours <= 1.5 && peer.is_none_or(|peer| ours <= peer),
    )
}

fn large(work: &Work, goals: &mut Vec<Goal>) {
    let newest = work.groups().into_iter().find(|group| group.starts_with("latest 10 rows"));
    if let Some(group) = newest {
        goals.push(below(
            work,
            group,
            "latest 10 rows of one device among 20 M rows",
            3.0,
            "≤ 3 ms",
        ));
    }
    let start = work
        .figures
        .iter()
        .find_map(|figure| figure.values.get("start_s").zip(figure.values.get("log_mb")));
    if let Some((seconds, log)) = start {
        let found = format!("{seconds:.1} s with {log:.0} MB");
        goals.push(goal(
            "start after a kill with 1 GiB of log",
            "≤ 10 s to the first query",
            found,
            *seconds <= 10.0,
        ));
    }
}

fn memory(results: &Results, goals: &mut Vec<Goal>) {
    let most = |work: &str, key: &str| {
        let figures =
            results.works.get(work).map(|work| work.figures.as_slice()).unwrap_or_default();
        let ours = figures.iter().filter(|figure| Figure::is_ours(figure));
        ours.filter_map(|figure| figure.values.get(key).copied()).reduce(f64::max)
    };
    if let Some(idle) = most("figures", "idle_mb") {
        goals.push(goal("memory, idle", "≤ 80 MB", format!("{idle:.0} MB"), idle <= 80.0));
    }
    let full =
        most("sustained", "peak_mb").into_iter().chain(most("import", "peak_mb")).reduce(f64::max);
    if let Some(full) = full {
        goals.push(goal(
            "memory, full import with flush",
            "≤ 1 GiB",
            format!("{full:.0} MB"),
            full <= 1074.0,
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(figures: &[(&str, &str, &str, f64)]) -> Work {
        let figure = |(group, system, key, value): &(&str, &str, &str, f64)| Figure {
            group: (*group).to_owned(),
            system: (*system).to_owned(),
            values: [((*key).to_owned(), *value)].into(),
            ..Figure::default()
        };
        Work { figures: figures.iter().map(figure).collect(), ..Work::default() }
    }

    #[test]
    fn a_goal_is_missed_by_pace_or_by_ratio_alone() {
        let group = "batches of 1000 rows, 4 connections";
        let met = |ours: f64, peer: f64| {
            let figures = [
                (group, "iobeam, binary batches", "rows_per_second", ours),
                (group, "A", "rows_per_second", peer),
            ];
            let results = Results { works: [("import".to_owned(), work(&figures))].into() };
            all(&results)
                .iter()
                .find(|goal| goal.work.contains("1000 rows"))
                .and_then(|goal| goal.met)
        };
        assert_eq!(met(1.2e6, 2e5), Some(true));
        assert_eq!(met(0.9e6, 2e5), Some(false), "too slow");
        assert_eq!(met(1.2e6, 4e5), Some(false), "too near to the peer");
    }

    #[test]
    fn one_slower_answer_is_named() {
        let figures = [
            ("last row", "iobeam, SQL", "warm_ms", 1.0),
            ("last row", "A", "warm_ms", 4.0),
            ("count", "iobeam, SQL", "warm_ms", 2.0),
            ("count", "A", "warm_ms", 1.0),
        ];
        let goals = answers(&work(&figures), "each query");
        assert_eq!((goals[0].met, goals[0].found.as_str()), (Some(false), "1 of 2; slower: count"));
        assert_eq!(goals[1].met, Some(false), "{}", goals[1].found);
    }
}
