//! The store against a naive model: whatever is done, in whatever order, both hold the same rows.
//!
//! ```text
//! seed ─▶ history: imports, repeats, bursts, flushes, merges, retention, faults, kills and power cuts half-way
//!           ├─▶ store on a disk in memory     acknowledged ⇒ there, whole, once; refused ⇒ not there
//!           └─▶ model: a bag of rows          unanswered ⇒ there as a whole or not at all, and sent again
//! ```
//!
//! `IOBEAM_MODEL_CASES` asks for more histories and `IOBEAM_MODEL_SEED` for others; one that fails says its seed.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::ProptestConfig;
use proptest::test_runner::{RngAlgorithm, TestError, TestRng, TestRunner};

mod history;

mod play;

mod watch;

use play::Figures;

/// Histories played when nobody asks for more.
const CASES: u64 = 80;

fn asked(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is a number, not '{text}'")))
}

/// Plays the history of a seed; a failure is shrunk and told with what repeats it.
fn case(seed: u64, runtime: &tokio::runtime::Runtime, figures: &Mutex<Figures>) {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = ProptestConfig {
        cases: 1,
        failure_persistence: None,
        max_shrink_iters: 300,
        ..ProptestConfig::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let played = TestRunner::new_with_rng(config, rng).run(&history::histories(), |history| {
        let done = runtime.block_on(play::play(seed, history))?;
        figures.lock().expect("no case panicked").add(&done);
        Ok(())
    });
    match played {
        Ok(()) => {}
        Err(TestError::Fail(reason, history)) => panic!(
            "{reason}\nagain: IOBEAM_MODEL_SEED={seed} IOBEAM_MODEL_CASES=1\nthe smallest history that shows it:\n{history:#?}"
        ),
        Err(TestError::Abort(reason)) => panic!("{reason}"),
    }
}

#[test]
fn whatever_is_done_in_whatever_order_the_rows_are_the_models() {
    let cases = asked("IOBEAM_MODEL_CASES").unwrap_or(CASES);
    let first = asked("IOBEAM_MODEL_SEED").unwrap_or(1);
    eprintln!("model: {cases} histories from seed {first} on");
    let figures = Mutex::new(Figures::default());
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                let runtime = runtime.expect("a runtime");
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= cases {
                        return;
                    }
                    case(first.wrapping_add(number), &runtime, &figures);
                }
            });
        }
    });
    let figures = figures.into_inner().expect("no case panicked");
    eprintln!("model: {cases} histories from seed {first} on: {figures}; lost 0, doubled 0");
}
