//! Which files are merged, if any should be.

use std::sync::Arc;

use crate::snapshot::DataFile;
use crate::snapshot::verified::is_unsummed;

/// Files to be merged, in the order in which their rows came: neighbours in time of about one size, together no larger
/// than a file should be.
///
/// The file that comes out counts as the latest of its members. So a file that came between two of them and overlaps
/// the earlier one in time goes in as well: its rows would otherwise count as earlier than those they came after.
/// A damaged file is left alone, and so is what could only be merged along with it.
pub(crate) fn plan(
    files: &[Arc<DataFile>],
    at_once: usize,
    file_rows: u64,
) -> Option<Vec<Arc<DataFile>>> {
    let at_once = at_once.max(2);
    let tier = |file: &DataFile| file.rows.max(1).ilog2() / at_once.ilog2();
    let mut sorted: Vec<&Arc<DataFile>> =
        files.iter().filter(|file| file.damage().is_none()).collect();
    sorted.sort_by_key(|file| (tier(file), file.min_time, file.max_time));
    let alike = sorted.chunk_by(|one, other| tier(one) == tier(other));
    let groups = alike.flat_map(|tier| tier.chunks_exact(at_once));
    let fits = |group: &Vec<_>| {
        group.iter().map(|file: &Arc<DataFile>| file.rows).sum::<u64>() <= file_rows
            && group.iter().all(|file| file.damage().is_none())
    };
    groups.map(|group| closed(group, files)).find(fits)
}

/// A sound file that an earlier version wrote, without checksums of its blocks: it is written again with them.
pub(crate) fn unsummed(files: &[Arc<DataFile>]) -> Option<Vec<Arc<DataFile>>> {
    let is_old = |file: &&Arc<DataFile>| is_unsummed(file) && file.damage().is_none();
    files.iter().find(is_old).map(|file| vec![Arc::clone(file)])
}

/// A group and what has to go along with it, in the order in which their rows came.
fn closed(group: &[&Arc<DataFile>], files: &[Arc<DataFile>]) -> Vec<Arc<DataFile>> {
    let mut chosen: Vec<Arc<DataFile>> = group.iter().map(|file| Arc::clone(file)).collect();
    loop {
        let more: Vec<_> =
            files.iter().filter(|file| is_between(file, &chosen)).map(Arc::clone).collect();
        if more.is_empty() {
            break;
        }
        chosen.extend(more);
    }
    chosen.sort_by_key(|file| file.seq);
    chosen
}

/// Whether a file that is not chosen came between those that are, and has times of one that came before it.
fn is_between(file: &Arc<DataFile>, chosen: &[Arc<DataFile>]) -> bool {
    let overlaps = |one: &DataFile| one.min_time <= file.max_time && file.min_time <= one.max_time;
    !chosen.iter().any(|one| Arc::ptr_eq(one, file))
        && chosen.iter().any(|one| one.seq > file.seq)
        && chosen.iter().any(|one| one.seq < file.seq && overlaps(one))
}

#[cfg(test)]
mod tests {
    use iobeam_journal::{Disk, RealDisk};
    use proptest::prelude::*;

    use super::*;
    use crate::snapshot::FileFacts;

    fn file(seq: u64, rows: u64, (min_time, max_time): (i64, i64)) -> Arc<DataFile> {
        let facts = FileFacts {
            path: format!("part-{seq}").into(),
            size: 1,
            rows,
            min_time,
            max_time,
            min_partition: None,
            max_partition: None,
            partition_nulls: 0,
            seq,
            crc: None,
            tail: None,
        };
        let disk: Arc<dyn Disk> = Arc::new(RealDisk);
        Arc::new(DataFile::new(facts, &disk))
    }

    fn seqs(files: &[Arc<DataFile>], at_once: usize, file_rows: u64) -> Option<Vec<u64>> {
        let chosen = plan(files, at_once, file_rows)?;
        Some(chosen.iter().map(|file| file.seq).collect())
    }

    #[test]
    fn a_file_that_came_between_and_has_the_same_times_is_merged_along() {
        let old = file(1, 10, (0, 5));
        let large = file(2, 1000, (5, 5));
        let late = file(3, 10, (7, 9));
        let files = [Arc::clone(&old), Arc::clone(&large), Arc::clone(&late)];
        assert_eq!(seqs(&files, 2, 2000), Some(vec![1, 2, 3]));
        assert_eq!(seqs(&files, 2, 1000), None, "all of them are too many rows for a file");
        let elsewhere = [Arc::clone(&old), file(2, 1000, (6, 9)), Arc::clone(&late)];
        assert_eq!(
            seqs(&elsewhere, 2, 2000),
            Some(vec![1, 3]),
            "what overlaps later ones alone stays"
        );
        let next = [old, large, late, file(4, 10, (20, 21)), file(5, 10, (22, 23))];
        assert_eq!(seqs(&next, 2, 1000), Some(vec![4, 5]), "the next group is looked at");
    }

    proptest! {
        #[test]
        fn no_file_that_stays_came_after_rows_of_its_times_and_before_the_merged_file(
            of in prop::collection::vec((1_u64..40, 0_i64..60, 0_i64..8), 0..24),
            at_once in 2_usize..5,
            file_rows in 10_u64..200,
        ) {
            let made = of.iter().zip(1..).map(|((rows, min, length), seq)| {
                file(seq, *rows, (*min, min + length))
            });
            let files: Vec<_> = made.collect();
            let Some(chosen) = plan(&files, at_once, file_rows) else { return Ok(()) };
            prop_assert!(chosen.len() >= at_once);
            prop_assert!(chosen.is_sorted_by_key(|file| file.seq));
            prop_assert!(chosen.iter().map(|file| file.rows).sum::<u64>() <= file_rows);
            let is_chosen = |file: &Arc<DataFile>| chosen.iter().any(|one| one.seq == file.seq);
            let last = chosen[chosen.len() - 1].seq;
            for stays in files.iter().filter(|file| !is_chosen(file) && file.seq < last) {
                for one in chosen.iter().filter(|one| one.seq < stays.seq) {
                    let apart = one.max_time < stays.min_time || stays.max_time < one.min_time;
                    prop_assert!(apart, "{} goes past {} to {last}", one.seq, stays.seq);
                }
            }
        }
    }
}
