//! How a span of time is cut: into buckets, or into columns of pixels.

use iobeam_model::Timestamp;

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
    /// Cells that begin at these moments, at least one of them, in order.
    Listed(Vec<i64>),
}

impl Grid {
    /// So many columns over a span.
    pub(super) fn columns(from: Timestamp, to: Timestamp, columns: usize) -> Self {
        let columns = i64::try_from(columns).unwrap_or(i64::MAX).max(1);
        let span = to.micros().saturating_sub(from.micros()).saturating_add(1);
        let width = span / columns + i64::from(span % columns != 0);
        Self::Even { origin: from.micros(), width: width.max(1) }
    }

    /// The cell of a moment: where it begins, and the last moment in it.
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
            Self::Listed(starts) => {
                let at = starts.partition_point(|start| *start <= time).max(1);
                let last = starts.get(at).map_or(i64::MAX, |next| next - 1);
                (starts[at - 1], last)
            }
        }
    }
}
