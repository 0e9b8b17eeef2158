//! A file rewritten by a correction: the same rows in the same order, without those that go, or with a field changed.
//!
//! ```text
//! delete: which rows of the file match? ─ none ─▶ it stays ─ all ─▶ it goes ─ some ─▶ written without them
//! fields: column by column, under its new name or type; what does not convert goes to the quarantine
//! ```
//!
//! A damaged file stops the correction. It may only go as a whole, for which nothing of it has to be read.

use arrow::array::{Array as _, AsArray as _};
use arrow::compute::filter as filter_column;
use arrow::datatypes::TimestampMicrosecondType;
use iobeam_model::Value;

use super::order::Group;
use super::room::{Load, Room};
use super::{
    Arc, ArrayRef, AtomicBool, BATCH, Budget, DataFile, Disk, FileFacts, Input, Order, Ordering,
    Output, ParquetError, SchemaRef, StoreError, TIME, Target, damaged, gather, name_of, unite,
};
use crate::edit::{Edit, RowFilter, convert, staying};
use crate::quarantine::Quarantine;

/// What became of a file.
#[derive(Debug)]
pub(crate) enum Rewritten {
    /// Nothing in it changes.
    Same,
    /// Something does: another file takes its place, or none where no row is left.
    Changed {
        /// The file in its place.
        output: Option<FileFacts>,
        /// Rows that went, or whose field changed.
        rows: u64,
    },
}

/// What the rewriting of a file takes with it.
pub(crate) struct Tools<'a> {
    pub(crate) disk: &'a Arc<dyn Disk>,
    pub(crate) budget: &'a Budget,
    pub(crate) stop: &'a AtomicBool,
    pub(crate) quarantine: &'a mut Quarantine,
}

/// Rewrites a file. Rows before `keep_from` are past the retention: they are neither shown nor counted.
pub(crate) fn rewrite(
    tools: &mut Tools<'_>,
    file: &Arc<DataFile>,
    edit: &Edit,
    (target, partition, keep_from): (Target, &str, i64),
) -> Result<Rewritten, StoreError> {
    let matching = match edit {
        Edit::DeleteRows(rows) => {
            let matching = count(file, &rows.since(keep_from))?;
            if matching == 0 {
                return Ok(Rewritten::Same);
            }
            if matching == file.rows {
                return Ok(Rewritten::Changed { output: None, rows: matching });
            }
            matching
        }
        _ => 0,
    };
    refuse_damaged(file)?;
    let input = Input::open(file)?;
    let before = unite(std::iter::once(input.foot.schema()));
    let after = match edit {
        Edit::DeleteRows(_) => Arc::clone(&before),
        fields => match fields.schema(&before) {
            Some(after) => after,
            None => return Ok(Rewritten::Same),
        },
    };
    let mut work = Work { inputs: [input], edit, partition, rows: matching };
    let target = Target { made_of: vec![name_of(file.path())], ..target };
    let output = work.write(tools, (target, after))?;
    Ok(Rewritten::Changed { output, rows: work.rows })
}

/// Nothing is made of a damaged file: what is sound of it would pass for all of it.
pub(crate) fn refuse_damaged(file: &DataFile) -> Result<(), StoreError> {
    file.damage().map_or(Ok(()), |damage| Err(damage.clone().into()))
}

/// How many rows of a file match.
pub(crate) fn count(file: &Arc<DataFile>, filter: &RowFilter) -> Result<u64, StoreError> {
    if !filter.may_match(file.min_time, file.max_time) {
        return Ok(0);
    }
    let whole = filter.may_match(file.min_time, file.min_time)
        && filter.may_match(file.max_time, file.max_time);
    if whole && filter.conditions.is_empty() {
        return Ok(file.rows);
    }
    let input = Input::open(file)?;
    let failed = |error: ParquetError| damaged(file.path(), &error);
    let reader = input.read(&filter.columns(), 0..input.rows(), BATCH).map_err(failed)?;
    let mut matching = 0;
    for rows in reader {
        let rows = rows.map_err(|error| failed(error.into()))?;
        let column = |name: &str| Ok::<_, StoreError>(rows.column_by_name(name).map(Arc::clone));
        let marks = filter.matches(rows.num_rows(), column)?;
        matching += marks.iter().filter(|is_matching| **is_matching).count() as u64;
    }
    Ok(matching)
}

/// A file on its way to become another.
struct Work<'a> {
    inputs: [Input; 1],
    edit: &'a Edit,
    partition: &'a str,
    rows: u64,
}

impl Work<'_> {
    fn write(
        &mut self,
        tools: &mut Tools<'_>,
        (target, schema): (Target, SchemaRef),
    ) -> Result<Option<FileFacts>, StoreError> {
        let [input] = &self.inputs;
        let load = Load::of(&schema, self.inputs.iter().map(|input| &**input.foot.metadata()));
        let (group, last_bytes) = (target.row_group(load.rows()), target.last_bytes);
        let load = load.carrying(last_bytes as u64);
        let room = Room::take(tools.budget, load, group, tools.stop).ok_or(StoreError::Closed)?;
        let mut output = Output::new(&**tools.disk, target, self.partition, schema);
        let keys = input.read(&[TIME, self.partition], 0..input.rows(), room.cut.batch);
        let order = keys.and_then(|keys| Order::new(vec![keys], self.partition));
        let mut order = order.map_err(|error| output.failed(error))?;
        loop {
            let group = order.next(room.cut.group, i64::MIN);
            let group = group.map_err(|error| output.failed(error))?;
            if group.runs.is_empty() {
                return output.finish();
            }
            if tools.stop.load(Ordering::Relaxed) {
                return Err(StoreError::Closed);
            }
            let written = self.write_group(&mut output, &group, tools.quarantine);
            self.rows += written?;
        }
    }

    /// Writes a group of rows, and says how many values changed in it.
    fn write_group(
        &self,
        output: &mut Output<'_>,
        group: &Group,
        quarantine: &mut Quarantine,
    ) -> Result<u64, StoreError> {
        let column = |name: &str| -> Result<Option<ArrayRef>, ParquetError> {
            let field = self.inputs[0].foot.schema().field_with_name(name).ok().cloned();
            field.map(|field| gather(&self.inputs, group, &field)).transpose()
        };
        if let Edit::DeleteRows(filter) = self.edit {
            let marks = filter.matches(group.rows(), column);
            let marks = marks.map_err(|error| output.failed(error))?;
            if marks.iter().any(|is_matching| !is_matching) {
                let staying = staying(&marks);
                output.group(|field| {
                    let values = gather(&self.inputs, group, field)?;
                    Ok(filter_column(&values, &staying)?)
                })?;
            }
            return Ok(0);
        }
        let mut changed = 0;
        if let Edit::DropField { field } = self.edit {
            let values = column(field.as_str()).map_err(|error| output.failed(error))?;
            changed = values.map_or(0, |values| (values.len() - values.null_count()) as u64);
        }
        output.group(|field| {
            let source = self.edit.source(field.name());
            let values = column(source)?.ok_or_else(|| {
                ParquetError::General(format!("the column '{source}' is not there"))
            })?;
            match self.edit {
                Edit::RetypeField { field: name, to } if name.as_str() == field.name() => {
                    changed += (values.len() - values.null_count()) as u64;
                    let (converted, misfits) = convert::convert(&values, *to);
                    self.set_aside(&values, &misfits, &column, quarantine)?;
                    Ok(converted)
                }
                Edit::RenameField { to, .. } if to.as_str() == field.name() => {
                    changed += (values.len() - values.null_count()) as u64;
                    Ok(values)
                }
                _ => Ok(values),
            }
        })?;
        Ok(changed)
    }

    /// Keeps the values that do not convert, with the times and partition values of their rows.
    fn set_aside(
        &self,
        values: &ArrayRef,
        misfits: &[usize],
        column: &impl Fn(&str) -> Result<Option<ArrayRef>, ParquetError>,
        quarantine: &mut Quarantine,
    ) -> Result<(), ParquetError> {
        if misfits.is_empty() {
            return Ok(());
        }
        let times = column(TIME)?;
        let keys = column(self.partition)?;
        for row in misfits {
            let Some(value) = convert::value_at(values, *row) else { continue };
            let time = times
                .as_ref()
                .map_or(0, |times| times.as_primitive::<TimestampMicrosecondType>().value(*row));
            let key = keys.as_ref().and_then(|keys| match convert::value_at(keys, *row) {
                Some(Value::String(key)) => Some(key),
                _ => None,
            });
            quarantine
                .add(time, key, value)
                .map_err(|error| ParquetError::External(error.into()))?;
        }
        Ok(())
    }
}
