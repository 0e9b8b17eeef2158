//! The questions of the Time Series Benchmark Suite's IoT case, on trucks: `readings` (where they are, how they drive) and
//! `diagnostics` (fuel, load, status).
//!
//! Written once, in SQL that all four systems take but for buckets, times and the newest value of a group.

use crate::questions::Dialect;

/// A question; `{ten}` stands for the ten minutes that a row falls into, `{day}` for its day, `{last:x}` for the newest `x` of a
/// group, `{ago:n}` for the moment so many seconds before the end of the set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FleetQuestion {
    pub(crate) title: &'static str,
    sql: &'static str,
    /// How many of an answer's last columns are values.
    pub(crate) columns: usize,
    /// Where the set ends, in seconds since 1970.
    pub(crate) end: i64,
}

impl FleetQuestion {
    /// Whether it needs window functions.
    pub(crate) fn has_windows(&self) -> bool {
        self.sql.contains(" OVER ")
    }

    /// For a system's dialect, and its newest value of a group.
    pub(crate) fn sql(&self, dialect: Dialect, last: impl Fn(&str) -> String) -> String {
        let mut text = String::new();
        let mut pieces = self.sql.split('{');
        text.push_str(pieces.next().unwrap_or(""));
        for piece in pieces {
            let (named, rest) = piece.split_once('}').expect("braces come in pairs");
            let filled = match named.split_once(':') {
                Some(("last", value)) => last(value),
                Some(("ago", seconds)) => {
                    (dialect.time)(self.end - seconds.parse::<i64>().expect("seconds"))
                }
                Some(("day", column)) => (dialect.bucket)(86_400, column),
                _ => (dialect.bucket)(600, "time"),
            };
            text.push_str(&filled);
            text.push_str(rest);
        }
        text
    }
}

/// All twelve.
pub(crate) fn all(end: i64) -> Vec<FleetQuestion> {
    let question = |(title, columns, sql)| FleetQuestion { title, sql, columns, end };
    TEXTS.into_iter().map(question).collect()
}

const TEXTS: [(&str, usize, &str); 12] = [
    (
        "last location per truck",
        2,
        "SELECT name, driver, {last:longitude} AS east, {last:latitude} AS north FROM readings \
         WHERE longitude IS NOT NULL AND latitude IS NOT NULL GROUP BY name, driver",
    ),
    (
        "trucks with low fuel",
        1,
        "SELECT name, driver, fuel FROM (SELECT name, driver, {last:fuel_state} AS fuel FROM diagnostics \
         WHERE fuel_state IS NOT NULL GROUP BY name, driver) AS newest WHERE fuel < 0.1",
    ),
    (
        "trucks with high load",
        2,
        "SELECT name, driver, carried, load_capacity FROM (SELECT name, driver, load_capacity, {last:current_load} AS carried \
         FROM diagnostics WHERE current_load IS NOT NULL AND load_capacity IS NOT NULL GROUP BY name, driver, load_capacity) \
         AS newest WHERE carried / load_capacity >= 0.9",
    ),
    (
        "stationary trucks",
        1,
        "SELECT name, driver, avg(velocity) AS mean FROM readings WHERE time >= {ago:600} AND time < {ago:0} \
         GROUP BY name, driver HAVING avg(velocity) < 1",
    ),
    (
        "long driving sessions (4 h)",
        1,
        "SELECT name, driver, count(*) AS driven FROM (SELECT name, driver, {ten} AS ten FROM readings \
         WHERE time >= {ago:14400} AND time < {ago:0} GROUP BY name, driver, ten HAVING avg(velocity) > 1) AS tens \
         GROUP BY name, driver HAVING count(*) > 22",
    ),
    (
        "long daily sessions (24 h)",
        1,
        "SELECT name, driver, count(*) AS driven FROM (SELECT name, driver, {ten} AS ten FROM readings \
         WHERE time >= {ago:86400} AND time < {ago:0} GROUP BY name, driver, ten HAVING avg(velocity) > 1) AS tens \
         GROUP BY name, driver HAVING count(*) > 60",
    ),
    (
        "average versus projected fuel consumption",
        2,
        "SELECT fleet, avg(fuel_consumption) AS mean, avg(nominal_fuel_consumption) AS projected FROM readings \
         WHERE velocity > 1 GROUP BY fleet",
    ),
    (
        "average daily driving duration",
        1,
        "SELECT fleet, name, driver, avg(hours) AS mean FROM (SELECT fleet, name, driver, {day:ten} AS day, count(*) / 6.0 AS hours \
         FROM (SELECT fleet, name, driver, {ten} AS ten FROM readings GROUP BY fleet, name, driver, ten HAVING avg(velocity) > 1) \
         AS tens GROUP BY fleet, name, driver, day) AS days GROUP BY fleet, name, driver",
    ),
    (
        "average daily driving session",
        1,
        "SELECT name, {day:start} AS day, avg(date_part('epoch', stop) - date_part('epoch', start)) AS mean FROM \
         (SELECT name, start, driving, lead(start) OVER (PARTITION BY name ORDER BY start) AS stop FROM \
         (SELECT name, ten AS start, driving, lag(driving) OVER (PARTITION BY name ORDER BY ten) AS before FROM \
         (SELECT name, {ten} AS ten, avg(velocity) > 5 AS driving FROM readings GROUP BY name, ten) AS tens) AS turns \
         WHERE before IS NULL OR driving <> before) AS sessions WHERE driving AND stop IS NOT NULL GROUP BY name, day",
    ),
    (
        "average load",
        1,
        "SELECT fleet, model, avg(current_load / load_capacity) AS mean FROM diagnostics GROUP BY fleet, model",
    ),
    (
        "daily activity",
        1,
        "SELECT fleet, model, day, count(*) / 144.0 AS activity FROM (SELECT fleet, model, name, {day:time} AS day, {ten} AS ten \
         FROM diagnostics GROUP BY fleet, model, name, day, ten HAVING avg(status) < 1) AS tens GROUP BY fleet, model, day",
    ),
    (
        "breakdown frequency",
        1,
        "SELECT model, count(*) AS breakdowns FROM (SELECT model, ten, broken, lead(broken) OVER (PARTITION BY name ORDER BY ten) \
         AS next FROM (SELECT model, name, {ten} AS ten, avg(CASE WHEN status = 0 THEN 1.0 ELSE 0.0 END) >= 0.5 AS broken \
         FROM diagnostics GROUP BY model, name, ten) AS tens) AS turns WHERE NOT broken AND next GROUP BY model",
    ),
];
