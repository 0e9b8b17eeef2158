//! Largest Triangle Three Buckets: few points that keep the form of a line.
//!
//! ```text
//! first ─ bucket ─ bucket ─ ... ─ last      of each bucket the point that spans the largest triangle with the one
//!                                           chosen before it and the middle of the bucket after it
//! ```
//!
//! After Sveinn Steinarsson, "Downsampling Time Series for Visual Representation", 2013. As proposed for it later
//! (MinMaxLTTB), long series come here with the extremes of many cells only.

/// Which of the points stay: at most so many, in order, the first and the last among them.
pub(super) fn chosen(points: &[(i64, f64)], most: usize) -> Vec<usize> {
    let total = points.len();
    if total <= most || most < 3 {
        let ends = [0, total.saturating_sub(1)];
        return if total <= most { (0..total).collect() } else { ends[..most.min(2)].to_vec() };
    }
    let inner = total - 2;
    let buckets = most - 2;
    // Bucket b holds the points from bound(b) up to bound(b + 1).
    let bound = |bucket: usize| 1 + (bucket as u128 * inner as u128 / buckets as u128) as usize;
    let mut chosen = vec![0];
    let mut before = 0;
    for bucket in 0..buckets {
        let (start, end) = (bound(bucket), bound(bucket + 1));
        let next = end..if bucket + 1 == buckets { total } else { bound(bucket + 2) };
        let middle = middle(&points[next]);
        let area = |at: &usize| triangle(position(points[before]), position(points[*at]), middle);
        let best = (start..end).max_by(|a, b| area(a).total_cmp(&area(b)));
        before = best.unwrap_or(start);
        chosen.push(before);
    }
    chosen.push(total - 1);
    chosen
}

fn position((time, value): (i64, f64)) -> (f64, f64) {
    (time as f64, value)
}

fn middle(points: &[(i64, f64)]) -> (f64, f64) {
    let count = points.len().max(1) as f64;
    let sum = points.iter().fold((0.0, 0.0), |sum, point| {
        let (time, value) = position(*point);
        (sum.0 + time / count, sum.1 + value / count)
    });
    (sum.0, sum.1)
}

/// Twice its area.
fn triangle(a: (f64, f64), b: (f64, f64), c: (f64, f64)) -> f64 {
    ((a.0 - c.0) * (b.1 - a.1) - (a.0 - b.0) * (c.1 - a.1)).abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lonely_peak_stays() {
        let mut points: Vec<(i64, f64)> = (0..10_000).map(|time| (time, 0.0)).collect();
        points[4_711].1 = 5.0;
        let kept = chosen(&points, 100);
        assert_eq!(kept.len(), 100);
        assert!(kept.contains(&4_711) && kept[0] == 0 && kept[99] == 9_999, "{kept:?}");
        assert!(kept.is_sorted_by(|a, b| a < b), "in order, none twice");
    }

    #[test]
    fn few_points_stay_all_and_tiny_answers_keep_the_ends() {
        let points: Vec<(i64, f64)> = (0..5).map(|time| (time, 1.0)).collect();
        assert_eq!(chosen(&points, 5), [0, 1, 2, 3, 4]);
        assert_eq!(chosen(&points, 2), [0, 4]);
        assert_eq!(chosen(&points, 1), [0]);
        assert_eq!(chosen(&points, 3).len(), 3);
        assert_eq!(chosen(&[], 3), Vec::<usize>::new());
    }
}
