//! Parquet files as a scan, with what is known of them told to the engine.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, Result, ScalarValue, Statistics};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::object_store::ObjectStoreUrl;
use datafusion::datasource::physical_plan::parquet::ParquetFileReaderFactory;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
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
use parquet::arrow::RowNumber;

use super::numbering::numbered;
use crate::arrival::Arrivals;
use crate::context::engine_error;
use crate::guard::plain;
use crate::reader::partitioned;
use crate::scope::TIME;

/// The column of the first arrival of each file.
const FIRST: &str = "$first";
/// The column of the numbers of rows in their file.
const ROW: &str = "$row";

/// Files to scan, newest first.
pub(super) struct Scan<'a> {
    pub(super) files: Vec<Arc<DataFile>>,
    /// Where they stand in the order of arrival, if that is asked for.
    pub(super) arrivals: Option<&'a Arrivals>,
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
        let (schema, read) = self.read(projection);
        let source = ParquetSource::new(schema)
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
                .with_projection_indices(Some(read))?
                .with_limit(limit)
                .with_batch_size(self.batch_rows)
                .build();
        let scan: Arc<dyn ExecutionPlan> = DataSourceExec::from_data_source(config);
        if self.arrivals.is_none() {
            return Ok(plain(scan));
        }
        let scan = numbered(scan);
        let arrival = self.schema.fields().len() - 1;
        let Some(at) = projection.iter().position(|column| *column == arrival) else {
            return Ok(plain(scan));
        };
        if at + 1 == projection.len() {
            return Ok(plain(scan));
        }
        // It comes last out of the scan; the others move up.
        let place = |it: usize| match it.cmp(&at) {
            std::cmp::Ordering::Less => it,
            std::cmp::Ordering::Equal => projection.len() - 1,
            std::cmp::Ordering::Greater => it - 1,
        };
        let columns = projection.iter().enumerate().map(|(it, column)| (place(it), *column));
        self.columns(columns, plain(scan))
    }

    /// What the files are read as, and which columns of that are read for a projection.
    fn read(&self, projection: &[usize]) -> (TableSchema, Vec<usize>) {
        if self.arrivals.is_none() {
            return (TableSchema::from(self.schema), projection.to_vec());
        }
        let arrival = self.schema.fields().len() - 1;
        let fields: Vec<_> = self.schema.fields().iter().take(arrival).cloned().collect();
        let row = Field::new(ROW, DataType::Int64, false).with_extension_type(RowNumber);
        let schema = TableSchema::builder(Arc::new(Schema::new(fields)))
            .with_table_partition_cols(vec![Arc::new(Field::new(FIRST, DataType::Int64, false))])
            .with_virtual_columns(vec![Arc::new(row)])
            .build();
        let others = projection.iter().copied().filter(|column| *column != arrival);
        (schema, others.chain([arrival, arrival + 1]).collect())
    }

    /// Columns of an input: which of its own, under the name of which of the table's.
    fn columns(
        &self,
        columns: impl Iterator<Item = (usize, usize)>,
        input: Arc<dyn ExecutionPlan>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let columns = columns.map(|(at, column)| {
            let name = self.schema.field(column).name();
            (Arc::new(PhysicalColumn::new(name, at)) as Arc<dyn PhysicalExpr>, name.clone())
        });
        let columns: Vec<_> = columns.collect();
        Ok(Arc::new(ProjectionExec::try_new(columns, input)?))
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
        self.columns(projection.iter().copied().enumerate(), Arc::new(kept))
    }

    fn file(&self, file: &Arc<DataFile>) -> Result<PartitionedFile> {
        // The file must not go while it is read: its last holder deletes it once it is replaced.
        let mut partitioned = partitioned(file)?;
        if let Some(arrivals) = self.arrivals {
            let first = arrivals.of_file(file).map_err(engine_error)?;
            partitioned = partitioned.with_partition_values(vec![first.into()]);
        }
        Ok(partitioned
            .with_statistics(Arc::new(self.facts(std::slice::from_ref(file))))
            .with_extension(Arc::clone(file)))
    }

    /// Exact figures over some files, for all columns that they are read as.
    fn statistics(&self, files: &[Arc<DataFile>]) -> Statistics {
        let mut statistics = self.facts(files);
        if self.arrivals.is_some() {
            let unknown = ColumnStatistics::new_unknown();
            statistics.column_statistics.extend([unknown.clone(), unknown]);
        }
        statistics
    }

    /// Exact figures over some files, for the columns that they have.
    fn facts(&self, files: &[Arc<DataFile>]) -> Statistics {
        let mut statistics = Statistics::new_unknown(self.schema);
        if self.arrivals.is_some() {
            statistics.column_statistics.pop();
        }
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
