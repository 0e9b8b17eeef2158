//! The questions on the sensor set, and how those who speak SQL are asked them.
//!
//! Each answer has its measured values in the last columns, so that answers can be compared whatever stands before.

use crate::machine;
use crate::sensors::{FIELDS, START, Sensors};

/// A question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    LastOfOne,
    LastOfEach,
    Last100OfOne,
    Last10OfOne,
    MinuteMeans,
    HourMeans,
    Maxima,
    Above,
    Count,
    ExportCsv,
    ExportArrow,
}

/// All that are asked of the query set, in the order of the table.
pub(crate) const ALL: [Question; 10] = [
    Question::LastOfOne,
    Question::LastOfEach,
    Question::Last100OfOne,
    Question::MinuteMeans,
    Question::HourMeans,
    Question::Maxima,
    Question::Above,
    Question::Count,
    Question::ExportCsv,
    Question::ExportArrow,
];

/// What the set holds, as far as questions depend on it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope {
    pub(crate) devices: u32,
    pub(crate) hours: u32,
    /// Seconds between two rows of a device.
    pub(crate) step: u32,
}

/// What of SQL differs between systems.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dialect {
    pub(crate) table: &'static str,
    /// A time literal, from seconds since 1970.
    pub(crate) time: fn(i64) -> String,
    /// The start of the bucket of so many seconds that a column's time falls into.
    pub(crate) bucket: fn(u32, &str) -> String,
}

impl Scope {
    /// Rows of the whole set.
    pub(crate) fn rows(self) -> u64 {
        u64::from(self.devices) * u64::from(self.hours) * 3600 / u64::from(self.step)
    }

    /// Where the set begins, in seconds since 1970.
    pub(crate) fn start() -> i64 {
        START / 1_000_000
    }

    /// Where it ends.
    pub(crate) fn end(self) -> i64 {
        Self::start() + i64::from(self.hours) * 3600
    }

    /// Where the second half of it begins: twelve hours of a day.
    pub(crate) fn middle(self) -> i64 {
        self.end() - i64::from(self.hours) * 1800
    }

    /// The device that is asked for.
    pub(crate) fn device(self) -> String {
        Sensors::device(self.devices / 3)
    }

    /// Eight of the devices.
    pub(crate) fn eight(self) -> Vec<String> {
        (0..8).map(|place| Sensors::device(place * (self.devices / 8).max(1))).collect()
    }
}

/// What counts as above.
pub(crate) const THRESHOLD: f64 = 35.0;

impl Question {
    /// As it stands in the table.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::LastOfOne => "last row of one device",
            Self::LastOfEach => "last row of each device",
            Self::Last100OfOne => "last 100 rows of one device",
            Self::Last10OfOne => "latest 10 rows of one device",
            Self::MinuteMeans => "mean per minute of one device over an hour",
            Self::HourMeans => "mean per hour and device over a day, all devices",
            Self::Maxima => "hourly maximum of 5 fields, 8 devices, 12 h",
            Self::Above => "rows above a threshold in 12 h",
            Self::Count => "count of all rows",
            Self::ExportCsv => "export of a day as CSV",
            Self::ExportArrow => "export of a day as Arrow",
        }
    }

    /// How many of an answer's last columns are measured values.
    pub(crate) fn columns(self) -> usize {
        match self {
            Self::Maxima => 5,
            Self::MinuteMeans | Self::HourMeans | Self::Above | Self::Count => 1,
            _ => FIELDS,
        }
    }

    /// In standard SQL; `each` is how the last row of each device is best asked there.
    pub(crate) fn sql(self, scope: Scope, dialect: Dialect, each: &str) -> String {
        let table = dialect.table;
        let all = fields(FIELDS, |name| name);
        let device = scope.device();
        let newest = |rows: usize| {
            format!(
                "SELECT time, device_id, {all} FROM {table} WHERE device_id = '{device}' ORDER BY time DESC LIMIT {rows}"
            )
        };
        let (start, end) = ((dialect.time)(Scope::start()), (dialect.time)(scope.end()));
        let middle = (dialect.time)(scope.middle());
        let (minute, hour) = ((dialect.bucket)(60, "time"), (dialect.bucket)(3600, "time"));
        match self {
            Self::LastOfOne => newest(1),
            Self::Last10OfOne => newest(10),
            Self::Last100OfOne => newest(100),
            Self::LastOfEach => each.to_owned(),
            Self::MinuteMeans => {
                let until = (dialect.time)(scope.middle() + 3600);
                format!(
                    "SELECT {minute} AS bucket, avg(value0) AS mean FROM {table} WHERE device_id = '{device}' \
                     AND time >= {middle} AND time < {until} GROUP BY bucket ORDER BY bucket"
                )
            }
            Self::HourMeans => format!(
                "SELECT {hour} AS bucket, device_id, avg(value0) AS mean FROM {table} \
                 WHERE time >= {start} AND time < {end} GROUP BY bucket, device_id"
            ),
            Self::Maxima => {
                let eight = scope.eight().join("','");
                let five = fields(5, |name| format!("max({name}) AS most_{name}"));
                format!(
                    "SELECT {hour} AS bucket, {five} FROM {table} WHERE device_id IN ('{eight}') \
                     AND time >= {middle} AND time < {end} GROUP BY bucket ORDER BY bucket"
                )
            }
            Self::Above => format!(
                "SELECT time, device_id, value0 FROM {table} WHERE value0 > {THRESHOLD} AND time >= {middle} AND time < {end}"
            ),
            Self::Count => format!("SELECT count(*) AS rows FROM {table}"),
            Self::ExportCsv | Self::ExportArrow => format!(
                "SELECT time, device_id, {all} FROM {table} WHERE time >= {start} AND time < {end}"
            ),
        }
    }
}

/// The first so many fields, each in such a form.
pub(crate) fn fields(count: usize, form: impl Fn(String) -> String) -> String {
    (0..count).map(|field| form(Sensors::field(field))).collect::<Vec<_>>().join(", ")
}

/// Seconds since 1970 as `2024-01-01T00:00:00Z`.
pub(crate) fn utc(seconds: i64) -> String {
    machine::output("date", &["-u", "-d", &format!("@{seconds}"), "+%Y-%m-%dT%H:%M:%SZ"])
}
