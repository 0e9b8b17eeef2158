//! The answer: for each series its times and its values, column by column, as JSON.

use std::io::Write as _;

use iobeam_model::{FieldName, FieldType};

use crate::error::QueryError;

/// Series of points.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesAnswer {
    /// The first and the last millisecond of the span that was looked at.
    pub span: (i64, i64),
    /// How the points came to be.
    pub method: Method,
    /// The buckets' width as it is written, when there are buckets.
    pub bucket: Option<String>,
    /// Their width in milliseconds, where they have one.
    pub bucket_ms: Option<i64>,
    /// How many values went into the answer.
    pub rows: u64,
    /// Whether a limit left out points or series.
    pub truncated: bool,
    /// The highest journal record that was looked at: what comes later is told by the live door from here on.
    pub seq: u64,
    /// By device, and for each in the order in which the fields were asked for.
    pub series: Vec<OneSeries>,
}

/// How points came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// They are all the rows there are.
    Raw,
    /// Of each column of pixels the first, the least, the greatest and the last row.
    MinMax,
    /// The rows that keep the form of the line best.
    Lttb,
    /// One for each bucket.
    Aggregate,
}

impl Method {
    /// The word on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::MinMax => "minmax",
            Self::Lttb => "lttb",
            Self::Aggregate => "aggregate",
        }
    }
}

/// The points of one device and field, in order of time.
#[derive(Clone, Debug, PartialEq)]
pub struct OneSeries {
    /// The device; `None` for rows that name none.
    pub device: Option<Box<str>>,
    /// The field.
    pub field: FieldName,
    /// The type of the values.
    pub kind: FieldType,
    /// How its points came to be.
    pub method: Method,
    /// How many values went into it.
    pub rows: u64,
    /// Microseconds since 1970.
    pub times: Vec<i64>,
    /// As many values.
    pub values: Points,
    /// For means: the least and the greatest value of each bucket.
    pub bounds: Option<(Points, Points)>,
}

/// The values of a series.
#[derive(Clone, Debug, PartialEq)]
pub enum Points {
    /// Numbers.
    Double(Vec<f64>),
    /// Exact integers.
    Long(Vec<i64>),
    /// Exact sums of integers.
    Sum(Vec<i128>),
    /// Truths.
    Boolean(Vec<bool>),
    /// Texts.
    String(Vec<Box<str>>),
}

impl SeriesAnswer {
    /// The JSON text.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn to_json(&self) -> Result<Vec<u8>, QueryError> {
        let points: usize = self.series.iter().map(|series| series.times.len()).sum();
        let mut out = Vec::with_capacity(512 + points * 32);
        self.write(&mut out).map_err(QueryError::internal)?;
        Ok(out)
    }

    fn write(&self, out: &mut Vec<u8>) -> std::io::Result<()> {
        let (from, to) = self.span;
        write!(
            out,
            "{{\"from\":{from},\"to\":{to},\"method\":\"{}\",\"bucket\":",
            self.method.name()
        )?;
        serde_json::to_writer(&mut *out, &self.bucket)?;
        out.extend_from_slice(b",\"bucket_ms\":");
        serde_json::to_writer(&mut *out, &self.bucket_ms)?;
        let (rows, truncated, seq) = (self.rows, self.truncated, self.seq);
        write!(out, ",\"rows\":{rows},\"truncated\":{truncated},\"point\":\"{seq}\",\"series\":[")?;
        for (at, series) in self.series.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            series.write(out)?;
        }
        out.extend_from_slice(b"]}");
        Ok(())
    }
}

impl OneSeries {
    fn write(&self, out: &mut Vec<u8>) -> std::io::Result<()> {
        out.extend_from_slice(b"{\"device_id\":");
        serde_json::to_writer(&mut *out, &self.device)?;
        out.extend_from_slice(b",\"field\":");
        serde_json::to_writer(&mut *out, self.field.as_str())?;
        let (kind, method, rows) = (self.kind, self.method.name(), self.rows);
        write!(out, ",\"type\":\"{kind}\",\"method\":\"{method}\",\"rows\":{rows},\"times\":")?;
        let millis = self.times.iter().map(|time| time.div_euclid(1000));
        list(millis, out, |time, out| write!(out, "{time}"))?;
        out.extend_from_slice(b",\"values\":");
        self.values.write(out)?;
        if let Some((least, greatest)) = &self.bounds {
            out.extend_from_slice(b",\"mins\":");
            least.write(out)?;
            out.extend_from_slice(b",\"maxs\":");
            greatest.write(out)?;
        }
        out.push(b'}');
        Ok(())
    }
}

impl Points {
    /// The type that JSON readers find.
    pub(super) const fn kind(&self) -> FieldType {
        match self {
            Self::Double(_) => FieldType::Double,
            Self::Long(_) | Self::Sum(_) => FieldType::Long,
            Self::Boolean(_) => FieldType::Boolean,
            Self::String(_) => FieldType::String,
        }
    }

    fn write(&self, out: &mut Vec<u8>) -> std::io::Result<()> {
        match self {
            // What JSON has no number for is null.
            Self::Double(all) => list(all, out, |it, out| Ok(serde_json::to_writer(out, it)?)),
            Self::Long(all) => list(all, out, |it, out| write!(out, "{it}")),
            Self::Sum(all) => list(all, out, |it, out| write!(out, "{it}")),
            Self::Boolean(all) => list(all, out, |it, out| write!(out, "{it}")),
            Self::String(all) => list(all, out, |it, out| Ok(serde_json::to_writer(out, it)?)),
        }
    }
}

fn list<T>(
    all: impl IntoIterator<Item = T>,
    out: &mut Vec<u8>,
    mut one: impl FnMut(T, &mut Vec<u8>) -> std::io::Result<()>,
) -> std::io::Result<()> {
    out.push(b'[');
    for (at, it) in all.into_iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        one(it, out)?;
    }
    out.push(b']');
    Ok(())
}
