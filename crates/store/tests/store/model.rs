//! The store against a naive model: whatever is done, in whatever order, both hold the same rows.

use std::collections::BTreeSet;
use std::time::Duration;

use iobeam_store::Snapshot;
use proptest::prelude::*;

use crate::rig::{Rig, Rows, batch, hashed, numbered, one, rows, settings};

#[derive(Clone, Debug)]
enum Step {
    Plain {
        device: u8,
        times: Vec<i64>,
    },
    Numbered {
        stream: u8,
        counter: u64,
        times: Vec<i64>,
    },
    Hashed {
        hash: u8,
        times: Vec<i64>,
    },
    Flush,
    Reopen,
    Close,
    Cut,
    /// A snapshot taken now must show the same later on.
    Look,
    /// Merges get the time they need.
    Rest,
    Wait {
        hours: u8,
    },
}

fn time() -> impl Strategy<Value = i64> {
    prop_oneof![
        Just(i64::MIN),
        Just(i64::MAX),
        -5i64..5,
        any::<i64>(),
        1_600_000_000_000_000i64..1_800_000_000_000_000
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let times = || prop::collection::vec(time(), 1..40);
    prop_oneof![
        4 => (0..4u8, times()).prop_map(|(device, times)| Step::Plain { device, times }),
        4 => (0..2u8, 0..9u64, times()).prop_map(|(stream, counter, times)| Step::Numbered { stream, counter, times }),
        4 => (0..6u8, times()).prop_map(|(hash, times)| Step::Hashed { hash, times }),
        3 => Just(Step::Flush),
        1 => Just(Step::Reopen),
        1 => Just(Step::Close),
        2 => Just(Step::Cut),
        2 => Just(Step::Look),
        2 => Just(Step::Rest),
        1 => (1..20u8).prop_map(|hours| Step::Wait { hours }),
    ]
}

#[derive(Default)]
struct Model {
    rows: Rows,
    numbers: BTreeSet<(u8, u64)>,
    bodies: Vec<(u8, u64)>,
    hours: u64,
}

impl Model {
    fn add(&mut self, device: &str, times: &[i64]) {
        for time in times {
            *self.rows.entry((device.to_owned(), *time, 1.0f64.to_bits())).or_default() += 1;
        }
    }
}

async fn play(seed: u64, steps: Vec<Step>) -> Result<(), TestCaseError> {
    let mut rig = Rig::with(
        seed,
        iobeam_store::Settings {
            receipts_in_memory: 3,
            merge_files: 2,
            row_group_rows: 7,
            ..settings()
        },
    );
    let mut model = Model::default();
    let mut looks = Vec::new();
    for step in steps {
        match step {
            Step::Plain { device, times } => {
                let device = format!("device number {device}");
                rig.stored(one(batch(&device, &times, 1.0))).await;
                model.add(&device, &times);
            }
            Step::Numbered { stream, counter, times } => {
                // The same number has the same rows.
                let times =
                    vec![i64::from(stream) + counter as i64; times.len().min(1) + counter as usize];
                let receipt = rig.stored(numbered(batch("n", &times, 1.0), stream, counter)).await;
                prop_assert_eq!(receipt.repeat, !model.numbers.insert((stream, counter)));
                if !receipt.repeat {
                    model.add("n", &times);
                }
            }
            Step::Hashed { hash, times } => {
                let receipt =
                    rig.stored(hashed(batch("h", &times, 1.0), u128::from(hash) << 120)).await;
                let hours = model.hours;
                let known =
                    model.bodies.iter().any(|(known, at)| *known == hash && hours - at < 24);
                prop_assert_eq!(receipt.repeat, known);
                if !known {
                    model.bodies.push((hash, hours));
                    model.add("h", &times);
                }
            }
            Step::Flush => rig.store().flush().await.expect("flushed"),
            Step::Reopen => {
                check(&rig, &mut looks)?;
                rig.open();
            }
            Step::Close => {
                check(&rig, &mut looks)?;
                rig.store.take().expect("open").close().await.expect("closed");
                rig.open();
            }
            Step::Cut => {
                check(&rig, &mut looks)?;
                rig.cut();
            }
            Step::Look => looks.push((rig.snapshot(), model.rows.clone())),
            Step::Rest => tokio::time::sleep(Duration::from_millis(40)).await,
            Step::Wait { hours } => {
                rig.clock.advance(Duration::from_hours(u64::from(hours)));
                model.hours += u64::from(hours);
            }
        }
        prop_assert_eq!(&rig.rows(), &model.rows);
    }
    check(&rig, &mut looks)
}

/// Snapshots taken since the store was opened still show what they showed.
fn check(rig: &Rig, looks: &mut Vec<(Snapshot, Rows)>) -> Result<(), TestCaseError> {
    for (look, seen) in looks.drain(..) {
        prop_assert_eq!(rows(&rig.disk, &look), seen, "a snapshot changed");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_done_in_whatever_order_the_rows_are_the_models(
        seed in any::<u64>(), steps in prop::collection::vec(step(), 1..25)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(play(seed, steps))?;
    }
}
