//! Small files into large ones, so that a table of many flushes is read as quickly as one of few.
//!
//! ```text
//! rows:  1 1 1 1 1 1 1 1  ─▶ 8        so many files of about one size, neighbours in time, become one
//!        8 8 8 8 8 8 8 8  ─▶ 64       up to the size that a file should have
//! order: cursor per file over partition and time, least first ─▶ runs of rows that stay together, for a row group
//! merge: for each column: read it, put its runs in their order ─▶ encode ─▶ one sorted file
//! ```
//!
//! - Memory is bounded by the runs of a row group and one column of it, however large the files are and however many
//!   columns they have; it is taken out of the budget that imports and queries share.
//! - The files that go in stay untouched; what comes out counts once it is committed in their place.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::{
    Array, ArrayData, ArrayRef, ArrowPrimitiveType, AsArray as _, MutableArrayData, PrimitiveArray,
    make_array, new_null_array,
};
use arrow::compute::concat;
use arrow::datatypes::{
    DataType, Field, Float64Type, Int64Type, Schema, SchemaRef, TimestampMicrosecondType,
};
use iobeam_journal::Disk;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;

use crate::budget::Budget;
use crate::chunk::{TIME, time_field};
use crate::error::{FileError, StoreError};
use crate::lake::parquet::{Output, Target, name_of};
use crate::snapshot::verified::VerifiedFile;
use crate::snapshot::{DataFile, FileFacts};

use order::{Group, Order};
use room::{Load, Room};

pub(crate) use plan::{plan, unsummed};

mod plan;

pub(crate) mod rewrite;

mod order;

mod room;

/// Rows of a file that are decoded at once when it is read alone.
const BATCH: usize = 8192;

/// What is merged, and how.
#[derive(Debug)]
pub(crate) struct Merge {
    /// In the order in which their rows came.
    pub(crate) files: Vec<Arc<DataFile>>,
    /// Rows before this time fall away.
    pub(crate) keep_from: i64,
    pub(crate) target: Target,
    pub(crate) partition: Box<str>,
}

/// Merges files into one; nothing when no row is left, or when it was told to stop.
pub(crate) fn merge(
    disk: &Arc<dyn Disk>,
    merge: Merge,
    (budget, stop): (&Budget, &AtomicBool),
) -> Result<Option<FileFacts>, StoreError> {
    let Merge { files, keep_from, target, partition } = merge;
    let inputs = files.iter().map(Input::open);
    let inputs = inputs.collect::<Result<Vec<_>, _>>()?;
    let schema = unite(inputs.iter().map(|input| input.foot.schema()));
    let load = Load::of(&schema, inputs.iter().map(|input| &**input.foot.metadata()));
    let (group, last_bytes) = (target.row_group(load.rows()), target.last_bytes);
    let Some(room) = Room::take(budget, load.carrying(last_bytes as u64), group, stop) else {
        return Ok(None);
    };
    let made_of = files.iter().map(|file| name_of(file.path())).collect();
    let target = Target { made_of, ..target };
    let mut output = Output::new(&**disk, target, &partition, schema);
    let keys = |input: &Input| input.read(&[TIME, &partition], 0..input.rows(), room.cut.batch);
    let readers = inputs.iter().map(keys).collect::<Result<Vec<_>, _>>();
    let order = readers.and_then(|readers| Order::new(readers, &partition));
    let mut order = order.map_err(|error| output.failed(error))?;
    loop {
        let group = order.next(room.cut.group, keep_from).map_err(|error| output.failed(error))?;
        if group.runs.is_empty() {
            return output.finish();
        }
        output.group(|field| {
            if stop.load(Ordering::Relaxed) {
                return Err(ParquetError::General("the store is being closed".to_owned()));
            }
            gather(&inputs, &group, field)
        })?;
    }
}

/// A column of the rows of a group.
fn gather(inputs: &[Input], group: &Group, field: &Field) -> Result<ArrayRef, ParquetError> {
    let column = |part: &order::Part| -> Result<ArrayRef, ParquetError> {
        let (input, rows) = (&inputs[part.file], part.rows.clone());
        let length = rows.len();
        if input.foot.schema().column_with_name(field.name()).is_none() {
            return Ok(new_null_array(field.data_type(), length));
        }
        let read = input.read(&[field.name()], rows, length)?;
        let pieces = read
            .map(|piece| piece.map(|piece| Arc::clone(piece.column(0))))
            .collect::<Result<Vec<_>, _>>()?;
        if let [whole] = &pieces[..] {
            return Ok(Arc::clone(whole));
        }
        Ok(concat(&pieces.iter().map(AsRef::as_ref).collect::<Vec<&dyn Array>>())?)
    };
    let parts = group.parts.iter().map(column).collect::<Result<Vec<_>, _>>()?;
    let copied = match field.data_type() {
        DataType::Float64 => copied::<Float64Type>(&parts, group),
        DataType::Int64 => copied::<Int64Type>(&parts, group),
        DataType::Timestamp(..) => copied::<TimestampMicrosecondType>(&parts, group),
        _ => None,
    };
    if let Some(copied) = copied {
        return Ok(copied);
    }
    let parts: Vec<ArrayData> = parts.iter().map(Array::to_data).collect();
    let mut gathered = MutableArrayData::new(parts.iter().collect(), false, group.rows());
    for run in &group.runs {
        gathered.try_extend(run.part, run.rows.start, run.rows.end)?;
    }
    Ok(make_array(gathered.freeze()))
}

/// The rows of numbers of which none is missing: these are copied as they are.
fn copied<T: ArrowPrimitiveType>(parts: &[ArrayRef], group: &Group) -> Option<ArrayRef> {
    let arrays: Vec<_> =
        parts.iter().map(|part| part.as_primitive_opt::<T>()).collect::<Option<_>>()?;
    if arrays.iter().any(|array| array.null_count() > 0) {
        return None;
    }
    let parts: Vec<&[T::Native]> = arrays.iter().map(|array| &array.values()[..]).collect();
    let mut gathered = Vec::with_capacity(group.rows());
    for run in &group.runs {
        gathered.extend_from_slice(&parts[run.part][run.rows.clone()]);
    }
    let gathered = PrimitiveArray::<T>::new(gathered.into(), None);
    Some(Arc::new(gathered.with_data_type(arrays.first()?.data_type().clone())))
}

/// A file whose foot has been read.
struct Input {
    source: VerifiedFile,
    foot: ArrowReaderMetadata,
}

impl Input {
    fn open(file: &Arc<DataFile>) -> Result<Self, StoreError> {
        let source = file.open()?;
        let foot = ArrowReaderMetadata::load(&source, ArrowReaderOptions::default());
        Ok(Self { foot: foot.map_err(|error| damaged(file.path(), &error))?, source })
    }

    fn rows(&self) -> usize {
        usize::try_from(self.foot.metadata().file_metadata().num_rows()).unwrap_or(0)
    }

    /// Reads columns of a range of rows, those of them that there are.
    fn read(
        &self,
        names: &[&str],
        rows: Range<usize>,
        batch: usize,
    ) -> Result<ParquetRecordBatchReader, ParquetError> {
        let foot = self.foot.clone();
        let fields = self.foot.schema().fields().iter().enumerate();
        let wanted = fields.filter(|(_, field)| names.contains(&field.name().as_str()));
        let columns = ProjectionMask::roots(
            self.foot.metadata().file_metadata().schema_descr(),
            wanted.map(|(at, _)| at),
        );
        ParquetRecordBatchReaderBuilder::new_with_metadata(self.source.clone(), foot)
            .with_projection(columns)
            .with_offset(rows.start)
            .with_limit(rows.len())
            .with_batch_size(batch)
            .build()
    }
}

/// Opens a Parquet file to be read from its beginning.
pub(crate) fn open_at(
    file: &Arc<DataFile>,
) -> Result<(ParquetRecordBatchReader, ArrowReaderMetadata), StoreError> {
    let Input { source, foot } = Input::open(file)?;
    let known = foot.clone();
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(source, foot);
    let reader = builder.with_batch_size(BATCH).build();
    Ok((reader.map_err(|error| damaged(file.path(), &error))?, known))
}

fn damaged(path: &Path, error: &ParquetError) -> StoreError {
    if let Some(known) = FileError::within(error) {
        return known.clone().into();
    }
    StoreError::Damaged { path: path.to_owned(), reason: error.to_string() }
}

/// `time` first, the others by name.
fn unite<'a>(schemas: impl Iterator<Item = &'a SchemaRef>) -> SchemaRef {
    let mut fields: Vec<Arc<Field>> = Vec::new();
    let time = time_field();
    for field in
        schemas.flat_map(|schema| schema.fields()).filter(|field| field.name() != time.name())
    {
        if let Err(at) = fields.binary_search_by(|known| known.name().cmp(field.name())) {
            fields.insert(at, Arc::clone(field));
        }
    }
    fields.insert(0, Arc::new(time));
    Arc::new(Schema::new(fields))
}

#[cfg(test)]
mod tests {
    use iobeam_journal::RealDisk;
    use iobeam_model::{Column, Values};
    use proptest::prelude::*;

    use super::*;
    use crate::chunk::tests::{chunk, devices};
    use crate::lake::parquet;

    /// Some that fit into a view, some that do not and begin alike.
    const DEVICES: [Option<&str>; 5] = [
        None,
        Some("a"),
        Some("b"),
        Some("a device with a long name 1"),
        Some("a device with a long name 2"),
    ];

    /// A row: the device, the time, and a number that no other row has.
    type Row = (Option<&'static str>, i64, i64);

    fn chunk_of(rows: &[Row]) -> Arc<crate::Chunk> {
        let numbers = Values::Long(rows.iter().map(|(.., number)| *number).collect());
        let numbers = Column::new("number".parse().expect("a name"), numbers, None);
        let devices = devices(rows.iter().map(|(device, ..)| *device));
        let times = rows.iter().map(|(_, time, _)| *time).collect();
        chunk(vec![devices, numbers.expect("numbers")], times)
    }

    fn rows_of(disk: &Arc<dyn Disk>, file: &FileFacts) -> Vec<(Option<String>, i64, i64)> {
        let file = Arc::new(DataFile::new(file.clone(), disk));
        let (reader, _) = open_at(&file).expect("it opens");
        let rows = |rows: arrow::record_batch::RecordBatch| {
            let column = |name: &str| Arc::clone(rows.column_by_name(name).expect("it is there"));
            let (times, numbers) = (column(TIME), column("number"));
            let devices = rows.column_by_name("device_id").map(Arc::clone);
            let devices = devices.map_or_else(
                || vec![None; rows.num_rows()],
                |it| it.as_string_view().iter().map(|it| it.map(str::to_owned)).collect(),
            );
            let times = times.as_primitive::<TimestampMicrosecondType>().values().to_vec();
            let numbers = numbers.as_primitive::<Int64Type>().values().to_vec();
            let both = times.into_iter().zip(numbers);
            devices
                .into_iter()
                .zip(both)
                .map(|(one, (two, three))| (one, two, three))
                .collect::<Vec<_>>()
        };
        reader.flat_map(|read| rows(read.expect("rows"))).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

        #[test]
        fn a_merge_gives_the_rows_of_its_files_by_device_and_time_and_then_as_they_came(
            files in prop::collection::vec(
                (prop::collection::vec(0..DEVICES.len(), 1..5), 1_usize..700, 1_i64..400),
                1..5,
            ),
            keep_from in prop_oneof![Just(i64::MIN), 0_i64..200],
            few_rows in any::<bool>(),
        ) {
            let dir = tempfile::tempdir()?;
            let disk: Arc<dyn Disk> = Arc::new(RealDisk);
            let target = |seq| {
                let row_group_rows = if few_rows { 100 } else { 10_000 };
                let (dir, made_of) = (dir.path().to_owned(), Vec::new());
                Target { dir, seq, row_group_rows, last_bytes: 1 << 20, made_of }
            };
            let (mut expected, mut inputs) = (Vec::<Row>::new(), Vec::new());
            for (seq, (devices, count, span)) in (1..).zip(&files) {
                let row = |at: usize| {
                    let mixed = (at * 7919 + seq as usize * 104_729) % 100_003;
                    let time = mixed as i64 % span;
                    (DEVICES[devices[mixed % devices.len()]], time, seq * 1000 + at as i64)
                };
                let rows: Vec<Row> = (0..*count).map(row).collect();
                let chunks = vec![chunk_of(&rows)];
                let facts = parquet::write(&*disk, target(seq as u64), chunks, "device_id");
                inputs.push(facts.expect("it is written").expect("it has rows"));
                expected.extend(rows);
            }
            expected.retain(|(_, time, _)| *time >= keep_from);
            expected.sort_by_key(|(device, time, _)| (*device, *time));
            let file = |facts| Arc::new(DataFile::new(facts, &disk));
            let files = inputs.into_iter().map(file).collect();
            let asked = Merge { files, keep_from, target: target(9), partition: "device_id".into() };
            // So little memory that files are looked at in small pieces.
            let budget = Budget::new(1 << 20);
            let merged = merge(&disk, asked, (&budget, &AtomicBool::new(false)));
            let found = merged.expect("it is merged").map_or_else(Vec::new, |it| rows_of(&disk, &it));
            let found = found.iter().map(|(device, time, it)| (device.as_deref(), *time, *it));
            prop_assert_eq!(found.collect::<Vec<_>>(), expected);
        }
    }
}
