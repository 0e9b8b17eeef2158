//! Somebody who looks at a store all the time while it works.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use iobeam_store::Store;

use super::history::TABLES;
use super::play::{namespace, project};

/// How many rows a table must have, and how many it may have.
#[derive(Debug, Default)]
pub(super) struct Bounds {
    pub(super) least: [AtomicU64; TABLES],
    pub(super) most: [AtomicU64; TABLES],
}

/// The one who looks, until dropped.
pub(super) struct Watch {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Option<String>>>,
}

impl Watch {
    pub(super) fn over(store: Store, bounds: Arc<Bounds>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            while !told.load(Ordering::Relaxed) {
                for table in 0..TABLES {
                    let least = bounds.least[table].load(Ordering::SeqCst);
                    let rows = store.snapshot(project(), &namespace(table)).rows();
                    let most = bounds.most[table].load(Ordering::SeqCst);
                    if rows < least || rows > most {
                        return Some(format!(
                            "a snapshot of table {table} has {rows} rows, not {least} to {most}"
                        ));
                    }
                }
                std::thread::sleep(Duration::from_micros(100));
            }
            None
        });
        Self { stop, thread: Some(thread) }
    }

    /// Ends it, and says what was wrong.
    pub(super) fn end(mut self) -> Option<String> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().and_then(|thread| thread.join().expect("looking does not panic"))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
