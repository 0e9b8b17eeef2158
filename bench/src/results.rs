//! What was measured, kept as `results.json` so that tables and plots are made from figures and never by hand.
//!
//! A run replaces the works that it measured and leaves those of other runs, each of which says when and on which machine it was.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::machine;

/// All works.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Results {
    pub(crate) works: BTreeMap<String, Work>,
}

/// One work, measured in one run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Work {
    pub(crate) date: String,
    pub(crate) machine: String,
    pub(crate) versions: BTreeMap<String, String>,
    /// What a reader must know: sizes, what was left out and why.
    pub(crate) notes: Vec<String>,
    pub(crate) figures: Vec<Figure>,
}

/// What one system did in one piece of work.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Figure {
    /// The piece of work.
    pub(crate) group: String,
    pub(crate) system: String,
    pub(crate) durability: String,
    pub(crate) values: BTreeMap<String, f64>,
    /// What is wrong or special with it.
    #[serde(default)]
    pub(crate) remark: String,
}

impl Work {
    /// A work that is measured now.
    pub(crate) fn begin() -> Self {
        Self { date: machine::date(), machine: machine::describe(), ..Self::default() }
    }

    /// Says something that a reader must know, to who watches, too.
    pub(crate) fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        eprintln!("  {note}");
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// The pieces of work, in the order in which they were done.
    pub(crate) fn groups(&self) -> Vec<&str> {
        distinct(self.figures.iter().map(|figure| figure.group.as_str()))
    }

    /// The systems, in the order in which they were measured.
    pub(crate) fn systems(&self) -> Vec<&str> {
        distinct(self.figures.iter().map(|figure| figure.system.as_str()))
    }

    /// The figures of one piece of work.
    pub(crate) fn of_group<'a>(&'a self, group: &'a str) -> impl Iterator<Item = &'a Figure> {
        self.figures.iter().filter(move |figure| figure.group == group)
    }

    /// The best of ours or of the peers' values in a group: the largest or the smallest.
    pub(crate) fn best(&self, group: &str, key: &str, ours: bool, largest: bool) -> Option<f64> {
        let values = self
            .of_group(group)
            .filter(|figure| figure.is_ours() == ours && figure.remark.is_empty())
            .filter_map(|figure| figure.values.get(key).copied());
        if largest { values.reduce(f64::max) } else { values.reduce(f64::min) }
    }
}

impl Figure {
    /// What one system did, with nothing special about it.
    pub(crate) fn new(
        group: impl Into<String>,
        system: &str,
        durability: &str,
        values: &[(&str, f64)],
    ) -> Self {
        Self {
            group: group.into(),
            system: system.to_owned(),
            durability: durability.to_owned(),
            values: values.iter().map(|(key, value)| ((*key).to_owned(), *value)).collect(),
            remark: String::new(),
        }
    }

    /// Whether it is one of ours.
    pub(crate) fn is_ours(&self) -> bool {
        self.system.starts_with("iobeam")
    }
}

fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = Vec::new();
    for name in names {
        if !seen.contains(&name) {
            seen.push(name);
        }
    }
    seen
}

impl Results {
    /// What earlier runs left, if anything.
    pub(crate) fn load(folder: &Path) -> Result<Self> {
        match std::fs::read_to_string(file(folder)) {
            Ok(text) => serde_json::from_str(&text).context("results.json"),
            Err(_) => Ok(Self::default()),
        }
    }

    /// Keeps them.
    pub(crate) fn save(&self, folder: &Path) -> Result<()> {
        std::fs::create_dir_all(folder)?;
        let mut kept = self.clone();
        for figure in kept.works.values_mut().flat_map(|work| &mut work.figures) {
            // What is no number has no place in JSON.
            figure.values.retain(|_, value| value.is_finite());
        }
        Ok(std::fs::write(file(folder), serde_json::to_string_pretty(&kept)? + "\n")?)
    }
}

fn file(folder: &Path) -> PathBuf {
    folder.join("results.json")
}
