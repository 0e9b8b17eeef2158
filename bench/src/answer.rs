//! What an answer said, so that those of different systems can be compared: how many values, and their sum.

/// The measured values of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Digest {
    pub(crate) values: u64,
    pub(crate) sum: f64,
}

impl Digest {
    /// Counts one value; `nan` and `inf` are none, but may be words of a header.
    pub(crate) fn add(&mut self, value: f64) {
        if value.is_finite() {
            self.values += 1;
            self.sum += value;
        }
    }

    /// Of lines of comma-separated values whose last so many columns are measured; what is no number is a header or missing.
    pub(crate) fn of_lines(bytes: &[u8], columns: usize) -> Self {
        let mut digest = Self::default();
        for line in bytes.split(|byte| *byte == b'\n') {
            for cell in line.rsplit(|byte| *byte == b',').take(columns) {
                let text = std::str::from_utf8(cell).unwrap_or("").trim().trim_matches('"');
                digest.add(text.parse().unwrap_or(f64::NAN));
            }
        }
        digest
    }

    /// Whether both say the same, but for the last digits, in which sums of another order differ.
    pub(crate) fn agrees_with(self, other: Self) -> bool {
        let size = self.sum.abs().max(other.sum.abs()).max(1.0);
        self.values == other.values && (self.sum - other.sum).abs() <= size * 1e-6
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_names_and_missing_values_do_not_count() {
        let text =
            b"time,device,nan,b\n2024-01-01T00:00:00,7,1.5,\n2024-01-01T00:00:10,8,-2,\"3\"\n";
        assert_eq!(Digest::of_lines(text, 2), Digest { values: 3, sum: 2.5 });
    }

    #[test]
    fn a_wrong_count_or_sum_disagrees() {
        let one = Digest { values: 2, sum: 1e9 };
        assert!(one.agrees_with(Digest { values: 2, sum: 1e9 + 1.0 }));
        assert!(!one.agrees_with(Digest { values: 2, sum: 1e9 + 1e5 }));
        assert!(!one.agrees_with(Digest { values: 3, sum: 1e9 }));
    }
}
