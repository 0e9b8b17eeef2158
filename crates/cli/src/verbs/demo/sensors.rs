//! What this machine can tell about itself, a device for each group of sensors.
//!
//! ```text
//! <host>-load         load_1m load_5m load_15m cpu_percent
//! <host>-memory       memory_used_mb memory_available_mb memory_percent swap_used_mb
//! <host>-disk         disk_free_gb disk_percent disk_read_kb_s disk_written_kb_s
//! <host>-network      network_received_kb_s network_sent_kb_s
//! <host>-temperature  temperature_<sensor> in °C, where there are sensors
//! ```

use std::time::Duration;

use iobeam_model::{Clock, SystemClock};
use sysinfo::{Components, Disks, Networks, System};

/// The most temperature sensors that are read.
const MOST_SENSORS: usize = 12;
const MEGABYTE: f64 = 1e6;
const GIGABYTE: f64 = 1e9;

/// The machine's sensors.
pub(super) struct Sensors {
    host: String,
    system: System,
    disks: Disks,
    networks: Networks,
    components: Components,
    clock: SystemClock,
    read_at: Duration,
}

/// The readings of one group at one moment.
pub(super) struct Reading {
    /// The device's id.
    pub(super) device: String,
    /// When, in microseconds since 1970.
    pub(super) micros: i64,
    /// Names and values.
    pub(super) values: Vec<(String, f64)>,
}

impl Sensors {
    /// Looks what there is.
    pub(super) fn new() -> Self {
        let clock = SystemClock::new();
        let mut system = System::new();
        system.refresh_memory();
        system.refresh_cpu_usage();
        Self {
            host: word(&System::host_name().unwrap_or_default(), "this-machine"),
            system,
            disks: Disks::new_with_refreshed_list(),
            networks: Networks::new_with_refreshed_list(),
            components: Components::new_with_refreshed_list(),
            read_at: clock.monotonic(),
            clock,
        }
    }

    /// The ids of the devices, one for each group that this machine has.
    pub(super) fn groups(&self) -> Vec<String> {
        let mut kinds = vec!["load", "memory"];
        if !self.disks.list().is_empty() {
            kinds.push("disk");
        }
        if !self.networks.list().is_empty() {
            kinds.push("network");
        }
        if self.components.iter().any(|sensor| sensor.temperature().is_some()) {
            kinds.push("temperature");
        }
        kinds.into_iter().map(|kind| format!("{}-{kind}", self.host)).collect()
    }

    /// Reads all sensors.
    pub(super) fn read(&mut self) -> Vec<Reading> {
        self.system.refresh_memory();
        self.system.refresh_cpu_usage();
        self.disks.refresh(true);
        self.networks.refresh(true);
        self.components.refresh(true);
        let moment = self.clock.monotonic();
        let seconds = moment.saturating_sub(self.read_at).as_secs_f64().max(0.001);
        self.read_at = moment;
        let micros = self.clock.now().micros();
        let reading = |device: String| {
            let values = match device.rsplit_once('-').map_or("", |(_, kind)| kind) {
                "load" => self.load(),
                "memory" => self.memory(),
                "disk" => self.disk(seconds),
                "network" => self.network(seconds),
                _ => self.temperature(),
            };
            let values = values.into_iter().filter(|(_, value)| value.is_finite());
            let values = values.map(|(name, value)| (name, (value * 1000.0).round() / 1000.0));
            Reading { device, micros, values: values.collect() }
        };
        self.groups().into_iter().map(reading).collect()
    }

    fn load(&self) -> Vec<(String, f64)> {
        let load = System::load_average();
        named([
            ("load_1m", load.one),
            ("load_5m", load.five),
            ("load_15m", load.fifteen),
            ("cpu_percent", f64::from(self.system.global_cpu_usage())),
        ])
    }

    fn memory(&self) -> Vec<(String, f64)> {
        let (used, total) = (self.system.used_memory() as f64, self.system.total_memory() as f64);
        named([
            ("memory_used_mb", used / MEGABYTE),
            ("memory_available_mb", self.system.available_memory() as f64 / MEGABYTE),
            ("memory_percent", 100.0 * used / total),
            ("swap_used_mb", self.system.used_swap() as f64 / MEGABYTE),
        ])
    }

    /// The largest disk: the others are mostly parts of it seen from elsewhere.
    fn disk(&self, seconds: f64) -> Vec<(String, f64)> {
        let Some(disk) = self.disks.iter().max_by_key(|disk| disk.total_space()) else {
            return Vec::new();
        };
        let (free, total) = (disk.available_space() as f64, disk.total_space() as f64);
        let usage = disk.usage();
        named([
            ("disk_free_gb", free / GIGABYTE),
            ("disk_percent", 100.0 * (total - free) / total),
            ("disk_read_kb_s", usage.read_bytes as f64 / 1000.0 / seconds),
            ("disk_written_kb_s", usage.written_bytes as f64 / 1000.0 / seconds),
        ])
    }

    fn network(&self, seconds: f64) -> Vec<(String, f64)> {
        let (mut received, mut sent) = (0, 0);
        for (_, interface) in &self.networks {
            received += interface.received();
            sent += interface.transmitted();
        }
        named([
            ("network_received_kb_s", received as f64 / 1000.0 / seconds),
            ("network_sent_kb_s", sent as f64 / 1000.0 / seconds),
        ])
    }

    fn temperature(&self) -> Vec<(String, f64)> {
        let mut values: Vec<(String, f64)> = Vec::new();
        for sensor in &self.components {
            let Some(degrees) = sensor.temperature() else { continue };
            let name =
                format!("temperature_{}", word(sensor.label(), "sensor").to_ascii_lowercase());
            if values.len() < MOST_SENSORS && values.iter().all(|(other, _)| *other != name) {
                values.push((name, f64::from(degrees)));
            }
        }
        values
    }
}

fn named<const N: usize>(values: [(&str, f64); N]) -> Vec<(String, f64)> {
    values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// A text made fit for an id or a field's name.
fn word(text: &str, otherwise: &str) -> String {
    let fit = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    let word: String = text.chars().map(fit).take(40).collect();
    let word = word.trim_matches('_');
    if word.is_empty() { otherwise.to_owned() } else { word.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_group_gives_finite_values_under_legal_names() {
        let mut sensors = Sensors::new();
        let groups = sensors.groups();
        let readings = sensors.read();
        assert_eq!(
            readings.iter().map(|reading| &reading.device).collect::<Vec<_>>(),
            groups.iter().collect::<Vec<_>>()
        );
        for reading in readings {
            assert!(reading.device.parse::<iobeam_model::DeviceId>().is_ok(), "{}", reading.device);
            for (name, value) in reading.values {
                assert!(name.parse::<iobeam_model::FieldName>().is_ok(), "{name}");
                assert!(value.is_finite(), "{name}");
            }
        }
    }

    #[test]
    fn a_label_becomes_a_word() {
        assert_eq!(word("coretemp Package id 0", "x"), "coretemp_Package_id_0");
        assert_eq!(word("°", "x"), "x");
    }
}
