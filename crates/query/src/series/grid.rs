//! How a span of time is cut: into buckets, or into columns of pixels.

use iobeam_model::Timestamp;

use crate::functions::Buckets;

/// A cut of time. Each moment lies in exactly one cell, which is known by its start.
#[derive(Clone, Debug)]
pub(super) enum Grid {
    /// All of it is one cell.
    One {
        /// Its start.
        start: i64,
    },
    /// Cells of one width.
    Even {
        /// Where some cell begins.
        origin: i64,
        /// The width, more than 0.
        width: i64,
    },
    /// Buckets of time.
    Buckets(Buckets),
}

impl Grid {
    /// So many columns over a span.
    pub(super) fn columns(from: Timestamp, to: Timestamp, columns: usize) -> Self {
        let columns = i64::try_from(columns).unwrap_or(i64::MAX).max(1);
        let span = to.micros().saturating_sub(from.micros()).saturating_add(1);
        let width = span / columns + i64::from(span % columns != 0);
        Self::Even { origin: from.micros(), width: width.max(1) }
    }

    /// The cell of a moment: where it begins, and a moment up to which all from there on lie in it.
    pub(super) fn cell(&self, time: i64) -> (i64, i64) {
        match self {
            Self::One { start } => (*start, i64::MAX),
            Self::Even { origin, width } => {
                let since = (i128::from(time) - i128::from(*origin)).rem_euclid(i128::from(*width));
                let start = i128::from(time) - since;
                let last = start + i128::from(*width) - 1;
                let start = i64::try_from(start).unwrap_or(i64::MIN);
                (start, i64::try_from(last).unwrap_or(i64::MAX))
            }
            Self::Buckets(buckets) => {
                let start = buckets.start(time);
                (start, buckets.last(start))
            }
        }
    }
}
