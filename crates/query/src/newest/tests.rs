use std::collections::BTreeMap;

use arrow::array::{Int64Array, TimestampMicrosecondArray};
use arrow::datatypes::{Field, Schema};
use datafusion::execution::memory_pool::UnboundedMemoryPool;
use futures::TryStreamExt;
use proptest::prelude::*;

use super::*;
use crate::scope::{TIME, time_type};

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("key", DataType::Utf8View, true),
        Field::new(TIME, time_type(), false),
        Field::new("value", DataType::Int64, false),
    ]))
}

fn batch(rows: &[(Option<String>, i64)], start: i64) -> RecordBatch {
    let keys: StringViewArray = rows.iter().map(|(key, _)| key.as_deref()).collect();
    let times: TimestampMicrosecondArray =
        rows.iter().map(|(_, time)| *time).collect::<Vec<_>>().into();
    let values = Int64Array::from_iter_values((0..rows.len() as i64).map(|at| start + at));
    let columns: Vec<ArrayRef> =
        vec![Arc::new(keys), Arc::new(times.with_timezone("UTC")), Arc::new(values)];
    RecordBatch::try_new(schema(), columns).expect("a batch")
}

fn run(batches: Vec<RecordBatch>, rows: usize, order: Order) -> Vec<(String, i64)> {
    let pool: Arc<dyn MemoryPool> = Arc::new(UnboundedMemoryPool::default());
    let rule = NewestPerKey { key: 0, time: 1, arrival: None, rows, order };
    let input = stream::iter(batches.into_iter().map(Ok)).boxed();
    let output: Vec<RecordBatch> = futures::executor::block_on(async {
        rule.run(input, &schema(), &pool, 0).await.expect("kept").try_collect().await.expect("rows")
    });
    assert_eq!(pool.reserved(), 0, "nothing stays reserved");
    let each = output.iter().flat_map(|batch| {
        let keys = batch.column(0).as_string_view().iter().map(|key| key.unwrap_or("?").to_owned());
        let times = batch.column(1).as_primitive::<TimestampMicrosecondType>().values().to_vec();
        keys.zip(times).collect::<Vec<_>>()
    });
    each.collect()
}

proptest! {
    #[test]
    fn the_newest_rows_of_each_key_are_kept_whatever_the_batches(
        rows in prop::collection::vec((prop::option::weighted(0.9, "[a-d]"), -50_i64..50), 0..300),
        cut in 1_usize..40,
        most in 1_usize..6,
    ) {
        let batches = rows.chunks(cut).zip(0..).map(|(rows, at)| batch(rows, at * 1000)).collect();
        let mut by_key: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        for (key, time) in &rows {
            if let Some(key) = key {
                by_key.entry(key.clone()).or_default().push(*time);
            }
        }
        let mut expected = Vec::new();
        for (key, mut times) in by_key {
            times.sort_unstable();
            let newest = times.split_off(times.len().saturating_sub(most));
            expected.extend(newest.into_iter().map(|time| (key.clone(), time)));
        }
        prop_assert_eq!(run(batches, most, Order::KeyThenOldestFirst), expected);
    }
}

#[test]
fn many_rows_are_dropped_as_they_come() {
    let batches: Vec<RecordBatch> = (0..40_i64)
        .map(|at| {
            let rows: Vec<_> = (0..8192)
                .map(|row| (Some(format!("k{}", row % 7)), (at * 8192 + row) % 100_003))
                .collect();
            batch(&rows, 0)
        })
        .collect();
    let kept = run(batches, 1, Order::NewestFirst);
    assert_eq!(kept.len(), 7);
    assert!(kept.windows(2).all(|pair| pair[0].1 >= pair[1].1), "{kept:?}");
    assert_eq!(kept[0].1, 100_002);
}

fn times(batches: Vec<Vec<i64>>, cut: impl FnOnce(Rows) -> Rows) -> Vec<i64> {
    let batches: Vec<_> = batches
        .into_iter()
        .map(|times| Ok(batch(&times.into_iter().map(|time| (None, time)).collect::<Vec<_>>(), 0)))
        .collect();
    let output: Vec<RecordBatch> =
        futures::executor::block_on(cut(stream::iter(batches).boxed()).try_collect())
            .expect("rows");
    output
        .iter()
        .flat_map(|batch| {
            batch.column(1).as_primitive::<TimestampMicrosecondType>().values().to_vec()
        })
        .collect()
}

#[test]
fn the_newest_times_are_counted_over_the_borders_of_batches() {
    let batches = || vec![vec![9, 9, 8], vec![], vec![8, 8], vec![7, 6], vec![5]];
    assert_eq!(times(batches(), |rows| first_times(rows, 1, 1)), [9, 9]);
    assert_eq!(times(batches(), |rows| first_times(rows, 1, 2)), [9, 9, 8, 8, 8]);
    assert_eq!(times(batches(), |rows| first_times(rows, 1, 3)), [9, 9, 8, 8, 8, 7]);
    assert_eq!(times(batches(), |rows| first_times(rows, 1, 9)).len(), 8);
}

#[test]
fn the_first_rows_end_in_the_middle_of_a_batch() {
    let batches = || vec![vec![3, 2], vec![1, 0]];
    assert_eq!(times(batches(), |rows| first_rows(rows, 3)), [3, 2, 1]);
    assert_eq!(times(batches(), |rows| first_rows(rows, 9)).len(), 4);
}
