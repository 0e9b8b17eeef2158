//! What was kept of a series becomes its points.

use std::collections::HashMap;

use iobeam_model::FieldName;

use super::answer::{Method, OneSeries, Points};
use super::fold::AnySeries;
use super::held::{Bin, Held, Item, Point, Series, newest};
use super::lttb;
use crate::request::{Downsample, Summary};

/// How points are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// One for each bucket.
    Figures(Summary),
    /// Rows as they are, or those that stand for the others.
    Rows { downsample: Downsample, width: usize },
}

/// The points of one series, and whether some were left out. Nothing when it has none.
pub(super) fn finish(
    (device, field): (Option<Box<str>>, FieldName),
    series: AnySeries,
    shape: Shape,
    limit: usize,
) -> Option<(OneSeries, bool)> {
    let made = match series {
        AnySeries::Double(series) => made(series, shape, limit, &Numbers),
        AnySeries::Long(series) => made(series, shape, limit, &Numbers),
        AnySeries::Boolean(series) => made(series, shape, limit, &States),
        AnySeries::String(series) => made(series, shape, limit, &States),
    };
    if made.times.is_empty() {
        return None;
    }
    let Made { method, rows, times, values, bounds, cut } = made;
    let kind = values.kind();
    Some((OneSeries { device, field, kind, method, rows, times, values, bounds }, cut))
}

struct Made {
    method: Method,
    rows: u64,
    times: Vec<i64>,
    values: Points,
    bounds: Option<(Points, Points)>,
    cut: bool,
}

/// What can be made of values of a type.
trait Making<T: Item> {
    fn values(&self, values: Vec<T>) -> Points;
    /// A figure of each bin.
    fn figures(&self, bins: Vec<Bin<T>>, summary: Summary) -> (Points, Option<(Points, Points)>);
    /// Fewer points of the same form.
    fn fewer(&self, points: Vec<Point<T>>, most: usize) -> Vec<Point<T>>;
}

fn made<T: Item>(series: Series<T>, shape: Shape, limit: usize, making: &impl Making<T>) -> Made {
    let rows = series.seen;
    match (series.held, shape) {
        (Held::Rows(mut points), Shape::Rows { downsample, width }) => {
            newest(&mut points, limit);
            let cut = (points.len() as u64) < rows;
            points.sort_by_key(|(place, _)| *place);
            let mut method = Method::Raw;
            if downsample == Downsample::Lttb && points.len() > width && T::ORDERED {
                method = Method::Lttb;
                points = making.fewer(points, width);
            }
            of_points(points, rows, method, (cut, making))
        }
        (Held::Bins(bins), Shape::Rows { downsample, width }) => {
            let mut method = Method::MinMax;
            let mut points: Vec<_> = bins.into_values().flat_map(Bin::points).collect();
            points.sort_by_key(|(place, _)| *place);
            if downsample == Downsample::Lttb && T::ORDERED {
                method = Method::Lttb;
                points = making.fewer(points, width);
            }
            let cut = points.len() > limit;
            points.drain(..points.len().saturating_sub(limit));
            of_points(points, rows, method, (cut, making))
        }
        (Held::Bins(bins), Shape::Figures(summary)) => {
            of_bins(bins, rows, (summary, limit), making)
        }
        // Figures are made of bins alone.
        (Held::Rows(_), Shape::Figures(_)) => {
            of_points(Vec::new(), rows, Method::Aggregate, (false, making))
        }
    }
}

fn of_points<T: Item>(
    points: Vec<Point<T>>,
    rows: u64,
    method: Method,
    (cut, making): (bool, &impl Making<T>),
) -> Made {
    let (times, values) = points.into_iter().map(|((time, _), value)| (time, value)).unzip();
    Made { method, rows, times, values: making.values(values), bounds: None, cut }
}

fn of_bins<T: Item>(
    bins: HashMap<i64, Bin<T>>,
    rows: u64,
    (summary, limit): (Summary, usize),
    making: &impl Making<T>,
) -> Made {
    let mut bins: Vec<_> = bins.into_iter().collect();
    bins.sort_unstable_by_key(|(start, _)| *start);
    let cut = bins.len() > limit;
    bins.drain(..bins.len().saturating_sub(limit));
    let (times, bins): (Vec<_>, Vec<_>) = bins.into_iter().unzip();
    let (values, bounds) = making.figures(bins, summary);
    Made { method: Method::Aggregate, rows, times, values, bounds, cut }
}

/// What every type has.
fn common<T: Item>(bins: Vec<Bin<T>>, summary: Summary) -> Result<Vec<T>, Points> {
    match summary {
        Summary::First => Ok(bins.into_iter().map(|bin| bin.first.1).collect()),
        Summary::Last => Ok(bins.into_iter().map(|bin| bin.last.1).collect()),
        Summary::Min => Ok(bins.into_iter().map(|bin| bin.least.1).collect()),
        Summary::Max => Ok(bins.into_iter().map(|bin| bin.greatest.1).collect()),
        Summary::Count | Summary::Sum | Summary::Mean => {
            Err(Points::Long(bins.iter().map(|bin| bin.count as i64).collect()))
        }
    }
}

/// DOUBLE and LONG.
struct Numbers;

/// BOOLEAN and STRING.
struct States;

impl Making<f64> for Numbers {
    fn values(&self, values: Vec<f64>) -> Points {
        Points::Double(values)
    }

    fn figures(&self, bins: Vec<Bin<f64>>, summary: Summary) -> (Points, Option<(Points, Points)>) {
        let all = |figure: fn(&Bin<f64>) -> f64| Points::Double(bins.iter().map(figure).collect());
        match summary {
            Summary::Sum => (all(|bin| bin.sum), None),
            Summary::Mean => {
                let bounds = (all(|bin| bin.least.1), all(|bin| bin.greatest.1));
                (all(|bin| bin.sum / bin.count as f64), Some(bounds))
            }
            _ => (common(bins, summary).map_or_else(|counts| counts, Points::Double), None),
        }
    }

    fn fewer(&self, points: Vec<Point<f64>>, most: usize) -> Vec<Point<f64>> {
        let numbers: Vec<_> = points.iter().map(|((time, _), value)| (*time, *value)).collect();
        lttb::chosen(&numbers, most).into_iter().map(|at| points[at]).collect()
    }
}

impl Making<i64> for Numbers {
    fn values(&self, values: Vec<i64>) -> Points {
        Points::Long(values)
    }

    fn figures(&self, bins: Vec<Bin<i64>>, summary: Summary) -> (Points, Option<(Points, Points)>) {
        let all = |figure: fn(&Bin<i64>) -> i64| Points::Long(bins.iter().map(figure).collect());
        match summary {
            Summary::Sum => (Points::Sum(bins.iter().map(|bin| bin.sum).collect()), None),
            Summary::Mean => {
                let bounds = (all(|bin| bin.least.1), all(|bin| bin.greatest.1));
                let means = bins.iter().map(|bin| bin.sum as f64 / bin.count as f64);
                (Points::Double(means.collect()), Some(bounds))
            }
            _ => (common(bins, summary).map_or_else(|counts| counts, Points::Long), None),
        }
    }

    fn fewer(&self, points: Vec<Point<i64>>, most: usize) -> Vec<Point<i64>> {
        let numbers: Vec<_> =
            points.iter().map(|((time, _), value)| (*time, *value as f64)).collect();
        lttb::chosen(&numbers, most).into_iter().map(|at| points[at]).collect()
    }
}

impl Making<bool> for States {
    fn values(&self, values: Vec<bool>) -> Points {
        Points::Boolean(values)
    }

    fn figures(
        &self,
        bins: Vec<Bin<bool>>,
        summary: Summary,
    ) -> (Points, Option<(Points, Points)>) {
        (common(bins, summary).map_or_else(|counts| counts, Points::Boolean), None)
    }

    fn fewer(&self, points: Vec<Point<bool>>, _: usize) -> Vec<Point<bool>> {
        points
    }
}

impl Making<Box<str>> for States {
    fn values(&self, values: Vec<Box<str>>) -> Points {
        Points::String(values)
    }

    fn figures(
        &self,
        bins: Vec<Bin<Box<str>>>,
        summary: Summary,
    ) -> (Points, Option<(Points, Points)>) {
        (common(bins, summary).map_or_else(|counts| counts, Points::String), None)
    }

    fn fewer(&self, points: Vec<Point<Box<str>>>, _: usize) -> Vec<Point<Box<str>>> {
        points
    }
}
