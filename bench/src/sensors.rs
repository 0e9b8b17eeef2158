//! The plain sensor set: devices with ten float fields, each a random walk with two decimals.
//!
//! ```text
//! by time:    device 0, device 1, … at one time, then all at the next       what a gateway sends
//! by device:  so many rows of device 0, so many of device 1, …              what a device sends from its spool
//! ```

/// Float fields of a row.
pub(crate) const FIELDS: usize = 10;
/// The first row's time: 2024-01-01 00:00 UTC in microseconds.
pub(crate) const START: i64 = 1_704_067_200_000_000;

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

/// Makes rows without end. The same seed gives the same rows.
#[derive(Clone, Debug)]
pub(crate) struct Sensors {
    walks: Vec<[i32; FIELDS]>,
    /// How many rows each device has had.
    had: Vec<i64>,
    state: u64,
    next: usize,
    start: i64,
    step: i64,
}

impl Sensors {
    /// So many devices with a row every ten seconds each.
    pub(crate) fn new(devices: u32, seed: u64) -> Self {
        let devices = devices.max(1) as usize;
        Self {
            walks: vec![[2000; FIELDS]; devices],
            had: vec![0; devices],
            state: seed | 1,
            next: 0,
            start: START,
            step: 10_000_000,
        }
    }

    /// The same from another moment on, with so many seconds between a device's rows.
    pub(crate) fn starting(mut self, start: i64, seconds: u32) -> Self {
        (self.start, self.step) = (start, i64::from(seconds) * 1_000_000);
        self
    }

    /// A device's name.
    pub(crate) fn device(number: u32) -> String {
        format!("sensor-{number:05}")
    }

    /// A field's name.
    pub(crate) fn field(number: usize) -> String {
        format!("value{number}")
    }

    /// The next rows by time.
    pub(crate) fn by_time(&mut self, rows: usize) -> Vec<Row> {
        (0..rows)
            .map(|_| {
                let row = self.row(self.next);
                self.next = (self.next + 1) % self.walks.len();
                row
            })
            .collect()
    }

    /// The next rows of the next device.
    pub(crate) fn by_device(&mut self, rows: usize) -> Vec<Row> {
        let device = self.next;
        self.next = (self.next + 1) % self.walks.len();
        (0..rows).map(|_| self.row(device)).collect()
    }

    fn row(&mut self, device: usize) -> Row {
        let mut values = [0.0; FIELDS];
        for (field, value) in values.iter_mut().enumerate() {
            let stride = (self.random() % 101) as i32 - 50;
            let walk = &mut self.walks[device][field];
            *walk += stride;
            *value = f64::from(*walk) / 100.0;
        }
        let time = self.start + self.had[device] * self.step;
        self.had[device] += 1;
        Row { time, device: device as u32, values }
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
