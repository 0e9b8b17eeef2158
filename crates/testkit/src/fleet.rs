//! Rows as fleets send them, the same for the same seed.
//!
//! ```text
//! step 0: device 0, device 1, … │ step 1: device 0, device 1, … │ …      each device walks on from where it was
//!         some late, some missing, some changed places
//! ```

use iobeam_model::{Batch, Bitmap, Column, FieldName, NamespaceName, Texts, Values};

use crate::chance::Chance;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Where trucks are and how they drive: seven numbers, and what is known of the truck: texts and capacities.
    TruckReadings,
    /// How trucks are: fuel, load, a status of 0 (broken down) to 5, and the same that is known of the truck.
    TruckDiagnostics,
    /// Ten numbers with two decimals each, on a random walk.
    Sensors,
}

/// How orderly rows come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Disorder {
    /// The share of rows that are up to an hour late.
    pub late: f64,
    /// The share of values that are missing.
    pub missing: f64,
    /// The share of rows that changed places with another of their batch.
    pub shuffled: f64,
}

impl Disorder {
    /// All in order, nothing missing.
    pub const NONE: Self = Self { late: 0.0, missing: 0.0, shuffled: 0.0 };
    /// As it is in the field.
    pub const USUAL: Self = Self { late: 0.02, missing: 0.05, shuffled: 0.05 };
}

/// Gives rows without end.
#[derive(Clone, Debug)]
pub struct Fleet {
    kind: Kind,
    disorder: Disorder,
    chance: Chance,
    /// Each device's numbers.
    walks: Vec<Vec<f64>>,
    row: u64,
    start: i64,
    step: i64,
}

const TRUCK: [(&str, f64, f64); 7] = [
    ("latitude", 0.0, 90.0),
    ("longitude", 0.0, 180.0),
    ("elevation", 0.0, 5_000.0),
    ("velocity", 0.0, 100.0),
    ("heading", 0.0, 360.0),
    ("grade", 0.0, 100.0),
    ("fuel_consumption", 0.0, 50.0),
];
const DIAGNOSTICS: [(&str, f64, f64); 3] =
    [("fuel_state", 0.0, 1.0), ("current_load", 0.0, 5_000.0), ("status", 0.0, 5.0)];
const FLEETS: [&str; 4] = ["East", "West", "North", "South"];
const DRIVERS: [&str; 6] = ["Derek", "Rodney", "Albert", "Andy", "Seth", "Trish"];
const MODELS: [&str; 3] = ["F-150", "G-2000", "H-2"];
const VERSIONS: [&str; 4] = ["v1.0", "v1.5", "v2.0", "v2.3"];
/// What a model can carry, what its tank holds, what it should burn.
const CAPACITIES: [(&str, [f64; 3]); 3] = [
    ("load_capacity", [2_000.0, 5_000.0, 1_500.0]),
    ("fuel_capacity", [200.0, 300.0, 150.0]),
    ("nominal_fuel_consumption", [15.0, 19.0, 12.0]),
];

impl Fleet {
    /// So many devices that send every ten seconds, from 2026-01-01 on.
    pub fn new(seed: u64, kind: Kind, devices: usize) -> Self {
        let mut chance = Chance::new(seed);
        let ranges = kind.ranges();
        let walks = (0..devices.max(1))
            .map(|_| {
                let walk =
                    ranges.iter().map(|(_, low, high)| low + (high - low) * chance.fraction());
                walk.collect()
            })
            .collect();
        Self {
            kind,
            disorder: Disorder::NONE,
            chance,
            walks,
            row: 0,
            start: 1_767_225_600_000_000,
            step: 10_000_000,
        }
    }

    /// The same with rows late, missing and out of order.
    #[must_use]
    pub fn with_disorder(mut self, disorder: Disorder) -> Self {
        self.disorder = disorder;
        self
    }

    /// The same with so many microseconds between a device's rows.
    #[must_use]
    pub fn every(mut self, micros: i64) -> Self {
        self.step = micros;
        self
    }

    /// The id of a device.
    pub fn device_id(&self, device: usize) -> String {
        match self.kind {
            Kind::TruckReadings | Kind::TruckDiagnostics => format!("truck_{device}"),
            Kind::Sensors => format!("sensor_{device:05}"),
        }
    }

    /// The next rows, for the namespace `input`.
    pub fn batch(&mut self, rows: usize) -> Batch {
        let order = self.order(rows);
        let ranges = self.kind.ranges();
        let (mut times, mut devices) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
        let mut numbers = vec![Vec::with_capacity(rows); ranges.len()];
        let mut present = vec![Bitmap::new(); ranges.len()];
        for row in order {
            let device = (row % self.walks.len() as u64) as usize;
            let step = (row / self.walks.len() as u64) as i64;
            times.push(self.start + step * self.step - self.lateness());
            devices.push(device);
            for (column, (_, low, high)) in ranges.iter().enumerate() {
                let walk = &mut self.walks[device][column];
                let stride = (high - low) / 50.0 * (self.chance.fraction() - 0.5);
                *walk = (*walk + stride).clamp(*low, *high);
                let whole = ranges[column].0 == "status";
                numbers[column].push(if whole {
                    walk.round()
                } else {
                    (*walk * 100.0).round() / 100.0
                });
                present[column].push(self.chance.fraction() >= self.disorder.missing);
            }
        }
        self.assemble(times, &devices, numbers, present)
    }

    /// The numbers of the next rows, some of which changed places.
    fn order(&mut self, rows: usize) -> Vec<u64> {
        let mut order: Vec<u64> = (self.row..self.row + rows as u64).collect();
        self.row += rows as u64;
        for place in 0..rows {
            if self.chance.fraction() < self.disorder.shuffled {
                order.swap(place, self.chance.below(rows as u64) as usize);
            }
        }
        order
    }

    fn lateness(&mut self) -> i64 {
        let late = self.chance.fraction() < self.disorder.late;
        if late { self.chance.below(3_600_000_000) as i64 } else { 0 }
    }

    fn assemble(
        &self,
        times: Vec<i64>,
        devices: &[usize],
        numbers: Vec<Vec<f64>>,
        present: Vec<Bitmap>,
    ) -> Batch {
        let mut columns = vec![texts("device_id", devices, |device| self.device_id(device))];
        if self.kind != Kind::Sensors {
            columns.push(texts("name", devices, |device| format!("truck_{device}")));
            columns.push(texts("fleet", devices, |device| FLEETS[device % 4].to_owned()));
            columns.push(texts("driver", devices, |device| DRIVERS[device % 6].to_owned()));
            columns.push(texts("model", devices, |device| MODELS[device % 3].to_owned()));
            columns
                .push(texts("device_version", devices, |device| VERSIONS[device % 4].to_owned()));
            for (field, by_model) in CAPACITIES {
                let values = devices.iter().map(|device| by_model[device % 3]).collect();
                let column = Column::new(name(field), Values::Double(values), None);
                columns.push(column.expect("finite numbers"));
            }
        }
        let ranges = self.kind.ranges();
        for (((field, ..), numbers), present) in ranges.iter().zip(numbers).zip(present) {
            let column = Column::new(name(field), Values::Double(numbers), Some(present));
            columns.push(column.expect("finite numbers"));
        }
        let batch = Batch::new(NamespaceName::input(), times, columns);
        batch.expect("columns as long as the times")
    }
}

impl Kind {
    /// The numbers' names, and between what they walk.
    fn ranges(self) -> Vec<(String, f64, f64)> {
        let named = |ranges: &[(&str, f64, f64)]| {
            ranges.iter().map(|(name, low, high)| ((*name).to_owned(), *low, *high)).collect()
        };
        match self {
            Self::TruckReadings => named(&TRUCK),
            Self::TruckDiagnostics => named(&DIAGNOSTICS),
            Self::Sensors => (0..10).map(|field| (format!("field_{field}"), 0.0, 100.0)).collect(),
        }
    }
}

fn name(text: &str) -> FieldName {
    text.parse().expect("a name of this file")
}

fn texts(field: &str, devices: &[usize], text: impl Fn(usize) -> String) -> Column {
    let mut texts = Texts::new();
    for device in devices {
        texts.push(&text(*device));
    }
    Column::new(name(field), Values::String(texts), None).expect("texts are always sound")
}

#[cfg(test)]
mod tests {
    use super::*;
    use iobeam_model::Value;

    #[test]
    fn the_same_seed_gives_the_same_rows() {
        for kind in [Kind::TruckReadings, Kind::TruckDiagnostics, Kind::Sensors] {
            let fleet = |seed| Fleet::new(seed, kind, 7).with_disorder(Disorder::USUAL);
            assert_eq!(fleet(1).batch(100), fleet(1).batch(100));
            assert_ne!(fleet(1).batch(100), fleet(2).batch(100));
        }
    }

    #[test]
    fn rows_are_in_order_and_whole_unless_told_otherwise() {
        let tidy = Fleet::new(1, Kind::Sensors, 10).batch(1_000);
        assert!(tidy.times().is_sorted());
        assert!(tidy.columns().iter().all(|column| column.present().is_none()));
        assert_eq!(tidy.columns().len(), 11);
        let untidy = Fleet::new(1, Kind::Sensors, 10).with_disorder(Disorder::USUAL).batch(1_000);
        assert!(!untidy.times().is_sorted());
        let missing: usize = untidy.columns().iter().map(|column| 1_000 - column.count()).sum();
        assert!((300..700).contains(&missing), "{missing} of 10000 values are missing");
    }

    #[test]
    fn a_truck_stays_the_truck_that_it_is_and_its_status_is_whole() {
        let batch = Fleet::new(1, Kind::TruckDiagnostics, 3).batch(9);
        let cell = |field: &str, row: usize| batch.column(field).expect("a column").value(row);
        for field in ["name", "driver", "device_version", "load_capacity"] {
            assert_eq!(cell(field, 1), cell(field, 4), "{field}");
        }
        let whole = |row| matches!(cell("status", row), Some(Value::Double(status)) if status.fract() == 0.0);
        assert!((0..9).all(whole));
    }

    #[test]
    fn a_second_batch_goes_on_where_the_first_ended() {
        let mut fleet = Fleet::new(1, Kind::TruckReadings, 3);
        let (first, second) = (fleet.batch(6), fleet.batch(6));
        assert_eq!(first.times()[5] + 10_000_000, second.times()[0]);
    }
}
