//! A file as a commit names it: with its facts, exact for any time there is, and with statistics for other readers.

use std::collections::HashMap;
use std::path::Path;

use chrono::{DateTime, Datelike as _};
use deltalake_core::kernel::Add;
use iobeam_model::FieldName;

use super::folders::last_name;
use crate::chunk::TIME;
use crate::error::StoreError;
use crate::snapshot::FileFacts;

/// The tag under which a file's facts stand.
const FACTS: &str = "iobeam.facts";

/// A file's facts as they stand in its tag.
#[derive(serde::Serialize, serde::Deserialize)]
struct TaggedFacts {
    rows: u64,
    min_time: i64,
    max_time: i64,
    min_partition: Option<Box<str>>,
    max_partition: Option<Box<str>>,
    partition_nulls: u64,
    seq: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    crc: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tail: Option<u32>,
}

/// The entry of a file that counts from now on.
pub(super) fn add(
    facts: &FileFacts,
    partition: &FieldName,
    now: i64,
    data_change: bool,
) -> Result<Add, StoreError> {
    let tagged = TaggedFacts {
        rows: facts.rows,
        min_time: facts.min_time,
        max_time: facts.max_time,
        min_partition: facts.min_partition.clone(),
        max_partition: facts.max_partition.clone(),
        partition_nulls: facts.partition_nulls,
        seq: facts.seq,
        crc: facts.crc,
        tail: facts.tail,
    };
    let tag = serde_json::to_string(&tagged)
        .map_err(|error| StoreError::io("describe", &facts.path, error.into()))?;
    Ok(Add {
        path: last_name(&facts.path).to_owned(),
        size: facts.size.cast_signed(),
        modification_time: now,
        data_change,
        stats: Some(statistics(facts, partition)),
        tags: Some(HashMap::from([(FACTS.to_owned(), Some(tag))])),
        ..Add::default()
    })
}

/// The statistics as other readers of the table know them.
fn statistics(facts: &FileFacts, partition: &FieldName) -> String {
    let bounds = |time: i64, text: Option<&str>| {
        let mut bounds = serde_json::Map::new();
        if let Some(time) = written_time(time) {
            bounds.insert(TIME.to_owned(), time.into());
        }
        if let Some(text) = text {
            bounds.insert(partition.to_string(), text.into());
        }
        bounds
    };
    serde_json::json!({
        "numRecords": facts.rows,
        "minValues": bounds(facts.min_time, facts.min_partition.as_deref()),
        "maxValues": bounds(facts.max_time, facts.max_partition.as_deref()),
        "nullCount": { TIME: 0, partition.as_str(): facts.partition_nulls },
    })
    .to_string()
}

/// A time to the microsecond; `None` for years that the format cannot write.
fn written_time(micros: i64) -> Option<String> {
    let time = DateTime::from_timestamp_micros(micros)?;
    (0..=9999).contains(&time.year()).then(|| time.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string())
}

/// What a commit says of a file.
pub(crate) fn facts_of(add: &Add, dir: &Path) -> FileFacts {
    let tag = add.tags.as_ref().and_then(|tags| tags.get(FACTS)?.as_deref());
    let tagged = tag.and_then(|tag| serde_json::from_str(tag).ok()).unwrap_or_else(|| {
        // Another program's file: it may hold anything.
        let stats = add.stats.as_deref().and_then(|stats| serde_json::from_str(stats).ok());
        let stats: serde_json::Value = stats.unwrap_or_default();
        TaggedFacts {
            rows: stats["numRecords"].as_u64().unwrap_or(1),
            min_time: i64::MIN,
            max_time: i64::MAX,
            min_partition: Some("".into()),
            max_partition: Some("\u{10ffff}".into()),
            partition_nulls: 1,
            seq: 0,
            crc: None,
            tail: None,
        }
    });
    FileFacts {
        path: dir.join(&add.path),
        size: add.size.cast_unsigned(),
        rows: tagged.rows,
        min_time: tagged.min_time,
        max_time: tagged.max_time,
        min_partition: tagged.min_partition,
        max_partition: tagged.max_partition,
        partition_nulls: tagged.partition_nulls,
        seq: tagged.seq,
        crc: tagged.crc,
        tail: tagged.tail,
    }
}
