//! InfluxDB's line protocol, which two systems take.

use std::fmt::Write;

use crate::sensors::{Row, Sensors};

/// Rows as lines, times in nanoseconds.
pub(crate) fn lines(rows: &[Row]) -> Vec<u8> {
    let mut text = String::with_capacity(rows.len() * 170);
    for row in rows {
        text.push_str("sensors,device_id=");
        text.push_str(&Sensors::device(row.device));
        for (field, value) in row.values.iter().enumerate() {
            text.push(if field == 0 { ' ' } else { ',' });
            // Writing to a String cannot fail.
            let _ = write!(text, "value{field}={value}");
        }
        let _ = writeln!(text, " {}", row.time * 1000);
    }
    text.into_bytes()
}
