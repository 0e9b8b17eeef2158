//! Which files and chunks can hold a row that a query asks for.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, StringViewArray, TimestampMicrosecondArray, UInt64Array,
};
use arrow::datatypes::SchemaRef;
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::{Column, Result, ScalarValue};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::pruning::{PruningPredicate, PruningPredicateBuilder};
use iobeam_store::{Chunk, DataFile};

use crate::scope::TIME;

/// Decides from exact statistics.
pub(super) struct Prune<'a> {
    predicate: Option<Arc<PruningPredicate>>,
    partition: &'a str,
}

impl<'a> Prune<'a> {
    pub(super) fn new(
        predicate: Option<Arc<dyn PhysicalExpr>>,
        schema: &SchemaRef,
        partition: &'a str,
    ) -> Self {
        let build = |predicate| {
            PruningPredicateBuilder::new().with_file_schema(Arc::clone(schema)).build(predicate)
        };
        Self { predicate: predicate.and_then(build), partition }
    }

    /// The chunks that may hold a matching row, with their numbers.
    pub(super) fn chunks(&self, chunks: &[Arc<Chunk>]) -> Result<Vec<(usize, Arc<Chunk>)>> {
        let numbered = chunks.iter().cloned().enumerate();
        let with_rows: Vec<_> = numbered.filter(|(_, chunk)| chunk.rows.num_rows() > 0).collect();
        let facts = || Facts {
            times: with_rows.iter().map(|(_, chunk)| (chunk.min_time, chunk.max_time)).collect(),
            partition: None,
            rows: with_rows.iter().map(|(_, chunk)| chunk.rows.num_rows() as u64).collect(),
        };
        let keep = self.keep(with_rows.len(), facts)?;
        Ok(with_rows
            .into_iter()
            .zip(keep)
            .filter_map(|(chunk, keep)| keep.then_some(chunk))
            .collect())
    }

    /// The files that may hold a matching row, those with the newest rows first.
    pub(super) fn files(&self, files: &[Arc<DataFile>]) -> Result<Vec<Arc<DataFile>>> {
        let facts = || Facts {
            times: files.iter().map(|file| (file.min_time, file.max_time)).collect(),
            partition: Some(Partitions {
                name: self.partition,
                min: files.iter().map(|file| file.min_partition.as_deref()).collect(),
                max: files.iter().map(|file| file.max_partition.as_deref()).collect(),
                nulls: files.iter().map(|file| file.partition_nulls).collect(),
            }),
            rows: files.iter().map(|file| file.rows).collect(),
        };
        let keep = self.keep(files.len(), facts)?;
        let kept = files.iter().zip(keep).filter(|(_, keep)| *keep);
        let mut kept: Vec<_> = kept.map(|(file, _)| Arc::clone(file)).collect();
        kept.sort_by_key(|file| std::cmp::Reverse((file.max_time, file.min_time)));
        Ok(kept)
    }

    fn keep<'f>(&self, count: usize, facts: impl FnOnce() -> Facts<'f>) -> Result<Vec<bool>> {
        match &self.predicate {
            Some(predicate) if count > 0 => predicate.prune(&facts()),
            _ => Ok(vec![true; count]),
        }
    }
}

/// What is known of some containers of rows.
struct Facts<'a> {
    times: Vec<(i64, i64)>,
    partition: Option<Partitions<'a>>,
    rows: Vec<u64>,
}

struct Partitions<'a> {
    name: &'a str,
    min: Vec<Option<&'a str>>,
    max: Vec<Option<&'a str>>,
    nulls: Vec<u64>,
}

impl Facts<'_> {
    fn times(&self, pick: impl Fn(&(i64, i64)) -> i64) -> ArrayRef {
        let times: TimestampMicrosecondArray =
            self.times.iter().map(pick).collect::<Vec<_>>().into();
        Arc::new(times.with_timezone("UTC"))
    }

    fn partition(&self, column: &Column) -> Option<&Partitions<'_>> {
        self.partition.as_ref().filter(|partition| partition.name == column.name)
    }
}

impl PruningStatistics for Facts<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        if column.name == TIME {
            return Some(self.times(|(min, _)| *min));
        }
        let partition = self.partition(column)?;
        Some(Arc::new(partition.min.iter().copied().collect::<StringViewArray>()))
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        if column.name == TIME {
            return Some(self.times(|(_, max)| *max));
        }
        let partition = self.partition(column)?;
        Some(Arc::new(partition.max.iter().copied().collect::<StringViewArray>()))
    }

    fn num_containers(&self) -> usize {
        self.rows.len()
    }

    fn null_counts(&self, column: &Column) -> Option<ArrayRef> {
        if column.name == TIME {
            return Some(Arc::new(UInt64Array::from(vec![0; self.rows.len()])));
        }
        let partition = self.partition(column)?;
        Some(Arc::new(UInt64Array::from(partition.nulls.clone())))
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        Some(Arc::new(UInt64Array::from(self.rows.clone())))
    }

    fn contained(&self, _: &Column, _: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}
