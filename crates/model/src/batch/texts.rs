//! The texts of a column: each one once, and for each row which it is.

use std::collections::HashMap;

/// Texts as a dictionary of the distinct ones and a key for each row: a device id that stands in each row costs
/// four bytes a row.
#[derive(Clone, Debug, Default)]
pub struct Texts {
    dictionary: Vec<Box<str>>,
    keys: Vec<u32>,
    known: HashMap<Box<str>, u32>,
}

impl Texts {
    /// No rows yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same text in each of so many rows.
    pub fn constant(text: &str, rows: usize) -> Self {
        Self { dictionary: vec![text.into()], keys: vec![0; rows], known: HashMap::new() }
    }

    /// Texts from their dictionary; `None` when a key points beyond it.
    pub fn from_dictionary(dictionary: Vec<Box<str>>, keys: Vec<u32>) -> Option<Self> {
        let beyond = keys.iter().copied().max().map_or(0, |key| key as usize + 1);
        (beyond <= dictionary.len()).then_some(Self { dictionary, keys, known: HashMap::new() })
    }

    /// Adds a row.
    pub fn push(&mut self, text: &str) {
        // Runs are what a sender's column is mostly made of: the last key first, the hash table second.
        if let Some(&last) = self.keys.last()
            && &*self.dictionary[last as usize] == text
        {
            self.keys.push(last);
            return;
        }
        if self.known.len() != self.dictionary.len() {
            self.known = self.dictionary.iter().cloned().zip(0..).collect();
        }
        let key = if let Some(&key) = self.known.get(text) {
            key
        } else {
            let key = self.dictionary.len() as u32;
            self.dictionary.push(text.into());
            self.known.insert(text.into(), key);
            key
        };
        self.keys.push(key);
    }

    /// Adds a row whose text is missing; the column's bitmap says so.
    pub fn push_missing(&mut self) {
        if self.dictionary.is_empty() {
            self.dictionary.push("".into());
        }
        self.keys.push(0);
    }

    /// The text at a row.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn get(&self, row: usize) -> &str {
        &self.dictionary[self.keys[row] as usize]
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The distinct texts.
    pub fn dictionary(&self) -> &[Box<str>] {
        &self.dictionary
    }

    /// The texts of these rows, in this order.
    pub(super) fn pick(&self, rows: &[usize]) -> Self {
        let keys = rows.iter().map(|row| self.keys[*row]).collect();
        Self { dictionary: self.dictionary.clone(), keys, known: HashMap::new() }
    }

    /// Forgets the text of a row that is missing.
    pub(super) fn clear(&mut self, row: usize) {
        self.keys[row] = 0;
    }

    /// For each row, where its text stands in the dictionary.
    pub fn keys(&self) -> &[u32] {
        &self.keys
    }
}

impl PartialEq for Texts {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && (0..self.len()).all(|row| self.get(row) == other.get(row))
    }
}

impl<'a> FromIterator<&'a str> for Texts {
    fn from_iter<I: IntoIterator<Item = &'a str>>(texts: I) -> Self {
        let mut all = Self::new();
        texts.into_iter().for_each(|text| all.push(text));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_share_their_dictionary() {
        let texts: Texts = ["a", "a", "b", "a"].into_iter().collect();
        assert_eq!(texts.keys(), [0, 0, 1, 0]);
        assert_eq!(texts.dictionary().len(), 2);
        assert_eq!(Texts::from_dictionary(vec!["a".into()], vec![0, 1]), None);
    }
}
