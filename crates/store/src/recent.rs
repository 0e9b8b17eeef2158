//! The latest rows of a table, record by record, for whoever follows them: the writer adds and lets go, readers look
//! back from the newest one, and neither waits for the other.
//!
//! ```text
//! newest ─▶ [seq 9, rows] ─▶ [seq 7, rows] ─▶ [seq 6, rows] ─▶ [seq 4, let go]
//!                  a reader that has seen up to 6 takes 7 and 9; one that has seen up to 3 finds that it missed some
//! ```
//!
//! The locks and atomics come from `super`: `tests/hand_over` compiles this very file with those of a scheduler that
//! tries the orders in which threads may run.

use std::collections::VecDeque;
use std::sync::Arc;

use super::primitives::Swap;

/// The latest rows of one table.
#[derive(Debug)]
pub(crate) struct Line<R>(Swap<Node<R>>);

/// The rows of one batch of a record, and the way to those before it.
#[derive(Debug)]
pub(crate) struct Node<R> {
    seq: u64,
    /// Nothing once it is let go, along with all before it.
    held: Swap<Option<Held<R>>>,
}

#[derive(Debug)]
struct Held<R> {
    /// Nothing when the record has no rows that anybody may see.
    rows: Option<R>,
    before: Arc<Node<R>>,
}

/// Rows, with the number of their record.
pub(crate) type Numbered<R> = (u64, R);

impl<R> Node<R> {
    /// The begin: records up to this one are elsewhere.
    pub(crate) fn begin(seq: u64) -> Arc<Self> {
        Arc::new(Self { seq, held: Swap::from_pointee(None) })
    }

    /// What comes after another.
    pub(crate) fn after(before: &Arc<Self>, seq: u64, rows: Option<R>) -> Arc<Self> {
        let held = Held { rows, before: Arc::clone(before) };
        Arc::new(Self { seq, held: Swap::from_pointee(Some(held)) })
    }

    fn let_go(&self) {
        self.held.store(Arc::new(None));
    }
}

impl<R: Clone> Line<R> {
    /// A line that begins with what comes after a record.
    pub(crate) fn new(seq: u64) -> Self {
        Self(Swap::new(Node::begin(seq)))
    }

    /// From now on readers find everything up to this node.
    pub(crate) fn show(&self, newest: &Arc<Node<R>>) {
        self.0.store(Arc::clone(newest));
    }

    /// The number of the newest record.
    pub(crate) fn newest(&self) -> u64 {
        self.0.load_full().seq
    }

    /// The rows of records after `seq`, in their order: whole records, as few as have `most` of whatever `count`
    /// counts, but at least one. Nothing when some are no longer held.
    pub(crate) fn since(
        &self,
        seq: u64,
        most: usize,
        count: impl Fn(&R) -> usize,
    ) -> Option<Vec<Numbered<R>>> {
        let mut newer = Vec::new();
        let mut node = self.0.load_full();
        while node.seq > seq {
            let held = node.held.load_full();
            let before = Arc::clone(&held.as_ref().as_ref()?.before);
            newer.push((node.seq, held));
            node = before;
        }
        let (mut found, mut counted, mut last) = (Vec::new(), 0, 0);
        for (seq, held) in newer.into_iter().rev() {
            if counted >= most && seq != last {
                break;
            }
            last = seq;
            if let Some(rows) = held.as_ref().as_ref().and_then(|held| held.rows.as_ref()) {
                counted += count(rows);
                found.push((seq, rows.clone()));
            }
        }
        Some(found)
    }
}

/// What is held of all tables, the oldest first, up to so many bytes.
#[derive(Debug)]
pub(crate) struct Allowance<R> {
    held: VecDeque<(Arc<Node<R>>, usize)>,
    bytes: usize,
    most: usize,
}

impl<R> Allowance<R> {
    /// Nothing yet, of at most so many bytes.
    pub(crate) fn new(most: usize) -> Self {
        Self { held: VecDeque::new(), bytes: 0, most }
    }

    /// Holds a node of so many bytes, and lets go of the oldest ones that no longer fit.
    pub(crate) fn hold(&mut self, node: &Arc<Node<R>>, bytes: usize) {
        self.held.push_back((Arc::clone(node), bytes));
        self.bytes += bytes;
        while self.bytes > self.most {
            let Some((oldest, bytes)) = self.held.pop_front() else { return };
            self.bytes -= bytes;
            oldest.let_go();
        }
    }
}

impl<R> Drop for Allowance<R> {
    fn drop(&mut self) {
        // One by one: a long chain that goes at once would go by recursion.
        for (node, _) in self.held.drain(..) {
            node.let_go();
        }
    }
}
