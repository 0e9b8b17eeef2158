//! The plain sensor set: devices with ten float fields, each a random walk with two decimals, a row every ten seconds.

/// Float fields of a row.
pub(crate) const FIELDS: usize = 10;
/// The first row's time: 2024-01-01 00:00 UTC in microseconds.
const START: i64 = 1_704_067_200_000_000;
/// Time between two rows of one device, in microseconds.
const STEP: i64 = 10_000_000;

/// A row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    /// Microseconds since 1970 UTC.
    pub(crate) time: i64,
    /// The device's number.
    pub(crate) device: u32,
    /// The values.
    pub(crate) values: [f64; FIELDS],
}

/// Makes rows without end: all devices at one time, then all at the next. The same seed gives the same rows.
#[derive(Clone, Debug)]
pub(crate) struct Sensors {
    walks: Vec<[i32; FIELDS]>,
    state: u64,
    next: u32,
    time: i64,
}

impl Sensors {
    /// So many devices.
    pub(crate) fn new(devices: u32, seed: u64) -> Self {
        let walks = vec![[2000; FIELDS]; devices as usize];
        Self { walks, state: seed | 1, next: 0, time: START }
    }

    /// A device's name.
    pub(crate) fn device(number: u32) -> String {
        format!("sensor-{number:05}")
    }

    /// A field's name.
    pub(crate) fn field(number: usize) -> String {
        format!("value{number}")
    }

    fn random(&mut self) -> u64 {
        // splitmix64
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

impl Iterator for Sensors {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        let device = self.next;
        let mut values = [0.0; FIELDS];
        for (field, value) in values.iter_mut().enumerate() {
            let step = (self.random() % 101) as i32 - 50;
            let walk = &mut self.walks[device as usize][field];
            *walk += step;
            *value = f64::from(*walk) / 100.0;
        }
        let row = Row { time: self.time, device, values };
        self.next += 1;
        if self.next as usize == self.walks.len() {
            self.next = 0;
            self.time += STEP;
        }
        Some(row)
    }
}
