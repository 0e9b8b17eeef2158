//! Plots: bars in SVG, plain enough to be written by hand.

use std::fmt::Write;
use std::path::Path;

use anyhow::Result;

use crate::results::{Results, Work};
use crate::tables::short;

/// One plot: bars in groups, each with a label.
#[derive(Clone, Debug)]
struct Plot {
    title: String,
    unit: &'static str,
    /// Whether a step is ten times as much.
    logarithmic: bool,
    bars: Vec<Bar>,
}

#[derive(Clone, Debug)]
struct Bar {
    label: String,
    value: f64,
    ours: bool,
    /// A gap before it.
    first: bool,
}

/// Writes the plots into a folder and gives their names.
pub(crate) fn write(results: &Results, folder: &Path) -> Result<Vec<(String, String)>> {
    std::fs::create_dir_all(folder)?;
    let mut names = Vec::new();
    let mut put = |name: &str, plot: Option<Plot>| -> Result<()> {
        if let Some(plot) = plot.filter(|plot| !plot.bars.is_empty()) {
            std::fs::write(folder.join(format!("{name}.svg")), plot.draw())?;
            names.push((name.to_owned(), plot.title));
        }
        Ok(())
    };
    let work = |name: &str| results.works.get(name);
    put(
        "import-1000",
        work("import").map(|work| import(work, "batches of 1000 rows, 4 connections")),
    )?;
    put(
        "import-10000",
        work("import").map(|work| import(work, "batches of 10000 rows, 4 connections")),
    )?;
    put("one-row", work("import").map(|work| import(work, "batches of 1 row, 64 connections")))?;
    put("queries", work("queries").map(|work| times(work, "Questions on the sensor set, warm")))?;
    put("fleet", work("fleet").map(|work| times(work, "Questions on the fleet, warm")))?;
    put("disk", work("queries").map(disk))?;
    put("sustained", work("sustained").map(sustained))?;
    Ok(names)
}

fn import(work: &Work, group: &str) -> Plot {
    let mut bars: Vec<_> = work
        .of_group(group)
        .filter_map(|figure| {
            let value = *figure.values.get("rows_per_second")?;
            let label = format!("{} ({})", figure.system, figure.durability);
            Some(Bar { label, value, ours: figure.is_ours(), first: false })
        })
        .collect();
    bars.sort_by(|one, other| other.value.total_cmp(&one.value));
    Plot { title: format!("Import: {group}"), unit: "rows/s", logarithmic: false, bars }
}

fn times(work: &Work, title: &str) -> Plot {
    let mut bars = Vec::new();
    for group in work.groups() {
        let mut first = true;
        for figure in work.of_group(group).filter(|figure| figure.remark.is_empty()) {
            if let Some(value) = figure.values.get("warm_ms").copied() {
                let label = format!("{group}: {}", figure.system);
                bars.push(Bar { label, value, ours: figure.is_ours(), first });
                first = false;
            }
        }
    }
    Plot { title: title.to_owned(), unit: "ms", logarithmic: true, bars }
}

fn disk(work: &Work) -> Plot {
    let bars = work.of_group("disk").filter_map(|figure| {
        let value = *figure.values.get("bytes_per_value")?;
        Some(Bar { label: figure.system.clone(), value, ours: figure.is_ours(), first: false })
    });
    Plot {
        title: "Bytes on disk for a value, settled".to_owned(),
        unit: "bytes",
        logarithmic: false,
        bars: bars.collect(),
    }
}

fn sustained(work: &Work) -> Plot {
    let bars = work.figures.iter().filter_map(|figure| {
        let value = *figure.values.get("rows_per_second")?;
        Some(Bar { label: figure.group.clone(), value, ours: true, first: false })
    });
    Plot {
        title: "Sustained import: rows a second, minute by minute".to_owned(),
        unit: "rows/s",
        logarithmic: false,
        bars: bars.collect(),
    }
}

const LABELS: f64 = 430.0;
const BARS: f64 = 420.0;
const LINE: f64 = 18.0;

impl Plot {
    /// Horizontal bars, ours in another colour.
    fn draw(&self) -> String {
        let gaps = self.bars.iter().filter(|bar| bar.first).count() as f64;
        let height = 50.0 + self.bars.len() as f64 * LINE + gaps * 8.0;
        let width = LABELS + BARS + 90.0;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
             <text x=\"10\" y=\"22\" font-size=\"15\" font-weight=\"bold\">{}, {}{}</text>\n",
            escaped(&self.title),
            self.unit,
            if self.logarithmic { " (logarithmic; shorter is faster)" } else { "" }
        );
        let mut top = 36.0;
        for bar in &self.bars {
            top += if bar.first { 8.0 } else { 0.0 };
            let length = self.length(bar.value);
            let colour = if bar.ours { "#d9480f" } else { "#748ffc" };
            let middle = top + LINE * 0.68;
            let _ = writeln!(
                svg,
                "<text x=\"{LABELS}\" y=\"{middle:.1}\" text-anchor=\"end\">{}</text>\
                 <rect x=\"{:.1}\" y=\"{:.1}\" width=\"{length:.1}\" height=\"13\" fill=\"{colour}\"/>\
                 <text x=\"{:.1}\" y=\"{middle:.1}\">{}</text>",
                escaped(&bar.label),
                LABELS + 6.0,
                top + 2.0,
                LABELS + length + 12.0,
                short(bar.value)
            );
            top += LINE;
        }
        svg + "</svg>\n"
    }

    fn length(&self, value: f64) -> f64 {
        let values = || self.bars.iter().map(|bar| bar.value.max(1e-6));
        let most = values().fold(0.0, f64::max);
        if !self.logarithmic {
            return (value / most * BARS).max(1.0);
        }
        let least = values().fold(f64::INFINITY, f64::min) / 2.0;
        ((value.max(1e-6) / least).ln() / (most / least).ln() * BARS).max(1.0)
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
