//! One budget of memory for rows, queries and merges.
//!
//! ```text
//! rows:     reserve ─▶ queued ─ apply ─▶ held ─ flushed ─▶ free        ┐
//! queries:  take ─▶ ... ─▶ give                                        ├ together no more than the limit
//! merges:   take ─▶ ... ─▶ give                                        ┘
//! ```
//!
//! - Each of the three has a floor that the others cannot take; what is above the floors belongs to who comes first. So a
//!   hard question never keeps imports out altogether, and a flood of imports never all questions.
//! - Rows that are alone go through however many they are, as else they never could.
//! - The lock comes from `super`: `tests/hand_over` compiles this very file with that of a scheduler that tries the
//!   orders in which threads may run.

use super::primitives::Mutex;

/// What memory is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Rows that wait for the writer, or that no file holds yet.
    Rows,
    /// What queries hold while they run.
    Queries,
    /// Files that are being merged.
    Merges,
}

/// How many bytes there may be, and how many are taken.
#[derive(Debug)]
pub struct Budget {
    limit: u64,
    floors: [u64; 3],
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    /// Of the rows, those that wait for the writer. The others are in tables.
    queued: u64,
    of: [u64; 3],
}

impl Budget {
    /// So many bytes in all: a quarter each is kept for rows and for queries, an eighth for merges.
    pub fn new(limit: u64) -> Self {
        let floors = [limit / 4, limit / 4, limit / 8];
        Self { limit, floors, taken: Mutex::new(Taken::default()) }
    }

    /// The bytes in all.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// Takes bytes, if there are so many for this use.
    pub fn take(&self, by: Use, bytes: u64) -> bool {
        let mut taken = self.taken.lock();
        let wanted = taken.of[by as usize].saturating_add(bytes);
        let fits = wanted <= self.most(&taken, by);
        if fits {
            taken.of[by as usize] = wanted;
        }
        fits
    }

    /// Takes bytes that are in use already, whether there is room or not.
    pub fn force(&self, by: Use, bytes: u64) {
        self.taken.lock().of[by as usize] += bytes;
    }

    /// Gives bytes back.
    pub fn give(&self, by: Use, bytes: u64) {
        let mut taken = self.taken.lock();
        taken.of[by as usize] = taken.of[by as usize].saturating_sub(bytes);
    }

    /// Takes bytes that will be in use, whether there is room or not, until what is returned is dropped.
    pub(crate) fn hold(&self, by: Use, bytes: u64) -> Held<'_> {
        self.force(by, bytes);
        Held { budget: self, by, bytes }
    }

    /// The same, if there is room.
    pub(crate) fn try_hold(&self, by: Use, bytes: u64) -> Option<Held<'_>> {
        self.take(by, bytes).then_some(Held { budget: self, by, bytes })
    }

    /// The bytes that are taken now.
    pub fn taken(&self, by: Use) -> u64 {
        self.taken.lock().of[by as usize]
    }

    /// The most that a use could take at this moment, with what it has.
    pub fn room(&self, by: Use) -> u64 {
        self.most(&self.taken.lock(), by)
    }

    /// The most that a use could ever take, if the others had nothing.
    pub fn most_ever(&self, by: Use) -> u64 {
        self.most(&Taken::default(), by)
    }

    fn most(&self, taken: &Taken, by: Use) -> u64 {
        let uses = taken.of.iter().zip(self.floors).enumerate();
        let others = uses.filter(|(at, _)| *at != by as usize);
        let others: u64 = others.map(|(_, (taken, floor))| floor.max(*taken)).sum();
        self.limit.saturating_sub(others).max(self.floors[by as usize])
    }

    /// Takes a write's bytes, if they fit beside those that are queued and held, or are alone.
    pub(crate) fn reserve(&self, weight: u64) -> bool {
        let mut taken = self.taken.lock();
        let rows = taken.of[Use::Rows as usize];
        let fits = rows == 0 || rows.saturating_add(weight) <= self.most(&taken, Use::Rows);
        if fits {
            taken.queued += weight;
            taken.of[Use::Rows as usize] = rows + weight;
        }
        fits
    }

    /// Writes' bytes are no longer queued: the tables hold so many now, theirs among them if they were stored.
    pub(crate) fn apply(&self, weight: u64, now_held: u64) {
        let mut taken = self.taken.lock();
        taken.queued = taken.queued.saturating_sub(weight);
        taken.of[Use::Rows as usize] = taken.queued + now_held;
    }
}

/// Bytes that are taken until this is dropped.
#[derive(Debug)]
pub(crate) struct Held<'b> {
    budget: &'b Budget,
    by: Use,
    bytes: u64,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.budget.give(self.by, self.bytes);
    }
}
