//! Parquet files as a scan, with what is known of them told to the engine.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, Result, ScalarValue, Statistics};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::object_store::ObjectStoreUrl;
use datafusion::datasource::physical_plan::parquet::ParquetFileReaderFactory;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{
    BinaryExpr as BinaryPhysicalExpr, Column as PhysicalColumn, Literal,
};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::projection::ProjectionExec;
use iobeam_store::DataFile;

use crate::guard::plain;
use crate::reader::partitioned;
use crate::scope::TIME;

/// Files to scan, newest first.
pub(super) struct Scan<'a> {
    pub(super) files: Vec<Arc<DataFile>>,
    /// How many rows are decoded at once, unless the usual number.
    pub(super) batch_rows: Option<usize>,
    pub(super) schema: &'a SchemaRef,
    pub(super) partition: &'a str,
    pub(super) reader: Arc<dyn ParquetFileReaderFactory>,
}

impl Scan<'_> {
    /// `selective`: few rows match, so that looking at the filter's columns first pays.
    pub(super) fn plan(
        &self,
        projection: &[usize],
        partitions: usize,
        limit: Option<usize>,
        selective: bool,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let source = ParquetSource::new(Arc::clone(self.schema))
            .with_parquet_file_reader_factory(Arc::clone(&self.reader))
            .with_pushdown_filters(selective)
            .with_reorder_filters(selective);
        let files = self.files.iter().map(|file| self.file(file)).collect::<Result<Vec<_>>>()?;
        // The threads take files from the front of one list, so the list stays in order over all groups.
        let share = files.len().div_ceil(partitions.max(1));
        let groups = files.chunks(share).map(|group| FileGroup::new(group.to_vec())).collect();
        let config =
            FileScanConfigBuilder::new(ObjectStoreUrl::local_filesystem(), Arc::new(source))
                .with_file_groups(groups)
                .with_statistics(self.statistics(&self.files))
                .with_projection_indices(Some(projection.to_vec()))?
                .with_limit(limit)
                .with_batch_size(self.batch_rows)
                .build();
        Ok(plain(DataSourceExec::from_data_source(config)))
    }

    /// The rows from a time on: those before it are past the retention and only wait to be removed.
    pub(super) fn since(
        &self,
        keep_from: i64,
        projection: &[usize],
        partitions: usize,
        selective: bool,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        // The time is read in any case; it is the first column of the table.
        let mut read = projection.to_vec();
        let time = projection.iter().position(|column| *column == 0).unwrap_or_else(|| {
            read.push(0);
            read.len() - 1
        });
        let scan = self.plan(&read, partitions, None, selective)?;
        let keep_from = ScalarValue::TimestampMicrosecond(Some(keep_from), Some("UTC".into()));
        let wanted = BinaryPhysicalExpr::new(
            Arc::new(PhysicalColumn::new(TIME, time)),
            Operator::GtEq,
            Arc::new(Literal::new(keep_from)),
        );
        let kept = FilterExec::try_new(Arc::new(wanted), scan)?;
        let columns = projection.iter().enumerate().map(|(at, column)| {
            let name = self.schema.field(*column).name();
            (Arc::new(PhysicalColumn::new(name, at)) as Arc<dyn PhysicalExpr>, name.clone())
        });
        let columns: Vec<_> = columns.collect();
        Ok(Arc::new(ProjectionExec::try_new(columns, Arc::new(kept))?))
    }

    fn file(&self, file: &Arc<DataFile>) -> Result<PartitionedFile> {
        // The file must not go while it is read: its last holder deletes it once it is replaced.
        Ok(partitioned(file)?
            .with_statistics(Arc::new(self.statistics(std::slice::from_ref(file))))
            .with_extension(Arc::clone(file)))
    }

    /// Exact figures over some files.
    fn statistics(&self, files: &[Arc<DataFile>]) -> Statistics {
        let mut statistics = Statistics::new_unknown(self.schema);
        statistics.num_rows = Precision::Exact(files.iter().map(|file| file.rows as usize).sum());
        for (field, column) in self.schema.fields().iter().zip(&mut statistics.column_statistics) {
            if field.name() == TIME {
                *column = times(files);
            } else if field.name() == self.partition {
                *column = partitions(files);
            }
        }
        statistics
    }
}

fn times(files: &[Arc<DataFile>]) -> ColumnStatistics {
    let time = |micros| ScalarValue::TimestampMicrosecond(micros, Some("UTC".into()));
    ColumnStatistics {
        null_count: Precision::Exact(0),
        min_value: Precision::Exact(time(files.iter().map(|file| file.min_time).min())),
        max_value: Precision::Exact(time(files.iter().map(|file| file.max_time).max())),
        ..ColumnStatistics::new_unknown()
    }
}

fn partitions(files: &[Arc<DataFile>]) -> ColumnStatistics {
    let text = |text: Option<&str>| match text {
        Some(text) => Precision::Exact(ScalarValue::Utf8View(Some(text.to_owned()))),
        None => Precision::Absent,
    };
    let nulls: u64 = files.iter().map(|file| file.partition_nulls).sum();
    ColumnStatistics {
        null_count: Precision::Exact(nulls as usize),
        min_value: text(files.iter().filter_map(|file| file.min_partition.as_deref()).min()),
        max_value: text(files.iter().filter_map(|file| file.max_partition.as_deref()).max()),
        ..ColumnStatistics::new_unknown()
    }
}

/// Whether the filters pick few values of the partition field: one device among many.
pub(super) fn is_selective(filters: &[Expr], partition: &str) -> bool {
    let is_partition =
        |expr: &Expr| expr.try_as_col().is_some_and(|column| column.name == partition);
    filters.iter().flat_map(split_conjunction).any(|filter| match filter {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => {
            is_partition(left) || is_partition(right)
        }
        Expr::InList(list) => !list.negated && is_partition(&list.expr),
        _ => false,
    })
}
