//! Cuts a large batch into smaller ones.

use iobeam_model::{Batch, BatchError, Bitmap, Column, Texts, Values};

/// The rows of a batch in order, at most so many in each part.
pub(crate) fn slices(batch: Batch, most: usize) -> Result<Vec<Batch>, BatchError> {
    if batch.rows() <= most {
        return Ok(vec![batch]);
    }
    let mut parts = Vec::with_capacity(batch.rows().div_ceil(most));
    for from in (0..batch.rows()).step_by(most) {
        let to = (from + most).min(batch.rows());
        let columns = batch.columns().iter().map(|column| cut(column, from, to));
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        let times = batch.times()[from..to].to_vec();
        parts.push(Batch::new(batch.namespace().clone(), times, columns)?);
    }
    Ok(parts)
}

fn cut(column: &Column, from: usize, to: usize) -> Result<Column, BatchError> {
    let values = match column.values() {
        Values::Double(all) => Values::Double(all[from..to].to_vec()),
        Values::Long(all) => Values::Long(all[from..to].to_vec()),
        Values::Boolean(all) => Values::Boolean(all[from..to].to_vec()),
        // Through `get`, so that each part has only the texts it uses.
        Values::String(all) => {
            Values::String((from..to).map(|row| all.get(row)).collect::<Texts>())
        }
    };
    let present = column.present().map(|bits| {
        let mut part = Bitmap::new();
        (from..to).for_each(|row| part.push(bits.get(row)));
        part
    });
    Column::new(column.name().clone(), values, present)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_together_are_the_whole() {
        let rows = 25;
        let numbers = (0..rows).map(|row| f64::from(row) / 2.0).collect();
        let mut present = Bitmap::filled(25, true);
        present.set(12, false);
        let texts: Texts = (0..rows).map(|row| if row < 20 { "a" } else { "b" }).collect();
        let columns = vec![
            Column::new("n".parse().expect("a name"), Values::Double(numbers), Some(present))
                .expect("sound"),
            Column::new("t".parse().expect("a name"), Values::String(texts), None).expect("sound"),
        ];
        let namespace: iobeam_model::NamespaceName = "input".parse().expect("a name");
        let whole = Batch::new(namespace, (0..i64::from(rows)).collect(), columns).expect("sound");
        let parts = slices(whole.clone(), 10).expect("sound");
        assert_eq!(parts.iter().map(Batch::rows).collect::<Vec<_>>(), [10, 10, 5]);
        for row in 0..whole.rows() {
            let part = &parts[row / 10];
            assert_eq!(part.times()[row % 10], whole.times()[row]);
            for (column, cut) in whole.columns().iter().zip(part.columns()) {
                assert_eq!(cut.value(row % 10), column.value(row));
            }
        }
    }
}
