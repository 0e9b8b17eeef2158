//! The store's figures, asked for each time somebody looks.

use std::fmt;

use iobeam_store::Store;
use iobeam_store::statistics::{BOUNDS, Durations};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

/// Asks the store.
#[derive(Debug)]
pub(super) struct Figures(pub(super) Store);

impl Collector for Figures {
    fn encode(&self, mut to: DescriptorEncoder<'_>) -> fmt::Result {
        let now = self.0.statistics();
        for (name, help, figure) in [
            ("store_writes", "Writes acknowledged, repeats among them", now.writes),
            ("store_rows", "Rows stored", now.rows),
            ("store_repeats", "Writes that were repeats", now.repeats),
            ("store_refused", "Writes refused or failed", now.refused),
            (
                "store_flush_failures",
                "Flushes that failed; each is tried again",
                now.flush_failures,
            ),
            ("store_compactions", "Merges of small files", now.compactions),
            (
                "store_expired_rows",
                "Rows removed because they were past their retention",
                now.expired_rows,
            ),
        ] {
            let counter = ConstCounter::new(figure);
            let encoder = to.encode_descriptor(name, help, None, MetricType::Counter)?;
            counter.encode(encoder)?;
        }
        for (name, help, figure) in [
            ("store_queued", "Writes waiting for the writer", now.queued),
            ("store_memory_bytes", "Bytes of rows in memory", now.memory_bytes),
            ("store_query_bytes", "Bytes that queries hold in memory", now.query_bytes),
            ("store_merge_bytes", "Bytes that merges hold in memory", now.merge_bytes),
            (
                "store_memory_limit_bytes",
                "Bytes that rows, queries and merges share",
                now.memory_limit,
            ),
            ("store_memtable_rows", "Rows that no file holds yet", now.memtable_rows),
            ("store_journal_bytes", "Bytes of the write-ahead log", now.journal_bytes),
            ("store_tables", "Namespaces that have rows", now.tables),
            ("store_files", "Parquet files", now.files),
            ("store_file_rows", "Rows in Parquet files", now.file_rows),
            ("store_file_bytes", "Bytes of Parquet files", now.file_bytes),
            (
                "store_tables_out_of_service",
                "Tables that take no rows because their logs are damaged",
                now.out_of_service,
            ),
            (
                "store_damaged_files",
                "Parquet files found damaged since the start; iobeam doctor says more",
                now.damaged_files,
            ),
            ("dedup_bodies", "Bodies remembered to recognise repeats", now.receipts),
            ("dedup_streams", "Numbered streams remembered to recognise repeats", now.streams),
            ("store_set_aside", "Log records that could not be applied", now.set_aside),
        ] {
            let gauge = ConstGauge::new(i64::try_from(figure).unwrap_or(i64::MAX));
            let encoder = to.encode_descriptor(name, help, None, MetricType::Gauge)?;
            gauge.encode(encoder)?;
        }
        histogram(&mut to, "store_sync_seconds", "Syncs of the write-ahead log", &now.syncs)?;
        histogram(&mut to, "store_flush_seconds", "Flushes to Parquet", &now.flushes)
    }
}

fn histogram(
    to: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    took: &Durations,
) -> fmt::Result {
    let bounds = BOUNDS.iter().copied().chain([f64::MAX]);
    let buckets: Vec<(f64, u64)> = bounds.zip(took.counts).collect();
    let count = took.counts.iter().sum();
    to.encode_descriptor(name, help, None, MetricType::Histogram)?
        .encode_histogram::<[(&str, &str); 0]>(took.sum, count, &buckets, None)
}
