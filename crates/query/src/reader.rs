//! How the engine opens files: through their checksums, and with footers that are kept.
//!
//! ```text
//! scan ─▶ reader ─ footer ─▶ kept? ─ no ─▶ VerifiedFile ─▶ footer, kept
//!                └ ranges ────────────────▶ VerifiedFile ─▶ bytes that are those that were written
//! ```

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use datafusion::common::internal_datafusion_err;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::ParquetFileMetrics;
use datafusion::datasource::physical_plan::parquet::{
    CachedParquetMetaData, ParquetFileReaderFactory,
};
use datafusion::error::DataFusionError;
use datafusion::execution::cache::cache_manager::{CachedFileMetadataEntry, FileMetadataCache};
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use iobeam_store::{DataFile, VerifiedFile};
use object_store::ObjectMeta;
use object_store::path::Path;
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::ParquetError;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};

/// A file as the engine names it, under which its footer is kept in memory.
pub(crate) fn partitioned(file: &DataFile) -> Result<PartitionedFile, DataFusionError> {
    let location = Path::from_absolute_path(file.path())
        .map_err(|error| DataFusionError::External(Box::new(error)))?;
    let mut partitioned = PartitionedFile::new("", file.size);
    partitioned.object_meta.location = location;
    Ok(partitioned)
}

/// The footer of a file with its page index, if it is kept.
pub(crate) fn kept_footer(
    file: &ObjectMeta,
    footers: &FileMetadataCache,
) -> Option<Arc<ParquetMetaData>> {
    let known = footers.get(&file.location).filter(|known| known.is_valid_for(file))?;
    let known = known.file_metadata.as_any().downcast_ref::<CachedParquetMetaData>()?;
    let known = known.parquet_metadata();
    known.offset_index().is_some().then(|| Arc::clone(known))
}

/// Reads the footer of a file with its page index, and keeps it.
pub(crate) fn read_footer(
    opened: &VerifiedFile,
    file: ObjectMeta,
    footers: &FileMetadataCache,
) -> Result<Arc<ParquetMetaData>, ParquetError> {
    let reader = ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Optional);
    let metadata = Arc::new(reader.parse_and_finish(opened)?);
    let kept = Arc::new(CachedParquetMetaData::new(Arc::clone(&metadata)));
    footers.put(&file.location.clone(), CachedFileMetadataEntry::new(file, kept));
    Ok(metadata)
}

/// Opens the files of scans.
#[derive(Debug)]
pub(crate) struct VerifiedReaders {
    footers: Arc<FileMetadataCache>,
}

impl VerifiedReaders {
    /// Keeps footers where the engine keeps them.
    pub(crate) fn new(footers: Arc<FileMetadataCache>) -> Self {
        Self { footers }
    }
}

impl ParquetFileReaderFactory for VerifiedReaders {
    fn create_reader(
        &self,
        partition: usize,
        file: PartitionedFile,
        _: Option<usize>,
        metrics: &ExecutionPlanMetricsSet,
    ) -> Result<Box<dyn AsyncFileReader + Send>, DataFusionError> {
        let data = file.extension::<Arc<DataFile>>();
        let data = data.ok_or_else(|| internal_datafusion_err!("a scan names no file of ours"))?;
        let name = file.object_meta.location.as_ref();
        Ok(Box::new(Reader {
            metrics: ParquetFileMetrics::new(partition, name, metrics),
            data: Arc::clone(data),
            opened: None,
            target: file.object_meta,
            footers: Arc::clone(&self.footers),
        }))
    }
}

/// Reads one file for a scan.
struct Reader {
    data: Arc<DataFile>,
    opened: Option<VerifiedFile>,
    target: ObjectMeta,
    footers: Arc<FileMetadataCache>,
    metrics: ParquetFileMetrics,
}

impl Reader {
    /// Does something with the open file where it is fine to wait for the disk.
    async fn with<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&VerifiedFile) -> Result<T, ParquetError> + Send + 'static,
    ) -> Result<T, ParquetError> {
        let (known, data) = (self.opened.take(), Arc::clone(&self.data));
        let done = tokio::task::spawn_blocking(move || {
            let opened = known.map_or_else(|| data.open(), Ok)?;
            let done = work(&opened)?;
            Ok::<_, ParquetError>((opened, done))
        });
        let (opened, done) = done.await.map_err(|error| ParquetError::External(error.into()))??;
        self.opened = Some(opened);
        Ok(done)
    }
}

impl AsyncFileReader for Reader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, ParquetError>> {
        self.metrics.bytes_scanned.add((range.end - range.start) as usize);
        self.with(move |file| Ok(file.read(range)?)).boxed()
    }

    fn get_byte_ranges(
        &mut self,
        ranges: Vec<Range<u64>>,
    ) -> BoxFuture<'_, Result<Vec<Bytes>, ParquetError>> {
        let total: u64 = ranges.iter().map(|range| range.end - range.start).sum();
        self.metrics.bytes_scanned.add(total as usize);
        self.with(move |file| Ok(file.read_all(&ranges)?)).boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>, ParquetError>> {
        async move {
            if let Some(kept) = kept_footer(&self.target, &*self.footers) {
                return Ok(kept);
            }
            let (target, footers) = (self.target.clone(), Arc::clone(&self.footers));
            self.with(move |file| read_footer(file, target, &*footers)).await
        }
        .boxed()
    }
}
