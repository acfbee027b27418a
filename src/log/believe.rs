//! Which side files are believed when a log is opened: those that the batches, or a second witness, bear out. The others are
//! rebuilt, or nothing is taken from them.

use std::collections::BTreeMap;

use super::Log;
use super::epochs::{self, LeaderEpochs};
use super::error::{OpenError, StorageError};
use super::files::path_in;
use super::index::OffsetEntry;
use super::recovery::Opening;
use super::segment::{Segment, Youngest};
use crate::base::{LeaderEpoch, Offset};
use crate::record::BatchHeader;

impl Log {
    /// Whether the batches bear out the last entries of both indexes; the boundary from which the batches have to be noted
    /// again.
    pub(super) fn borne_out(
        &self,
        segment: &mut Segment,
        last: OffsetEntry,
    ) -> Result<Option<u64>, StorageError> {
        let position = u64::from(last.position);
        let first = segment.scan(&self.files, 0)?.next().ok().flatten();
        let there = segment.scan(&self.files, position)?.next().ok().flatten();
        let last_offset = segment.base + i64::from(last.relative_offset);
        if there.is_none_or(|found| found.last_offset != last_offset) {
            return Ok(None);
        }
        segment.first_timestamp =
            first.and_then(|found| found.header).map(|header| header.max_timestamp);
        let last = segment.times.with(self.disk(), |entries| entries.last())?;
        let Some(last) = last else { return Ok(Some(0)) };
        let offset = segment.base + i64::from(last.relative_offset);
        segment.youngest = Youngest { timestamp: last.timestamp, offset };
        // What follows the youngest record that the index knows of may be younger: the index may have lost entries.
        let holder = segment.find(&self.files, self.disk(), offset).ok().flatten();
        let holder = holder.filter(|found| found.is_as_young_as(last.timestamp));
        Ok(holder.map(|found| found.position.min(position)))
    }

    /// A clean stop leaves two witnesses of where the log ends: the recovery point, and a producer snapshot of that name.
    /// Where both say the same and the log another, it is not what was closed.
    pub(super) fn refuse_other_end(&self, opening: Opening) -> Result<(), OpenError> {
        let Some(closed_at) = opening.recovery_point else { return Ok(()) };
        let witness = path_in(&self.folder, closed_at.get(), ".snapshot");
        let read = self.disk().read(&witness).map_err(StorageError::at("read", &witness))?;
        let last = self.segments.last().filter(|_| opening.clean && read.is_some());
        let Some(last) = last else { return Ok(()) };
        let detail = format!(
            "the log ends at offset {}, but was closed at {closed_at} (to have it as it is now: rm {})",
            self.end,
            witness.display()
        );
        Err(OpenError::Damaged {
            file: last.path().to_path_buf(),
            folder: self.folder.clone(),
            position: last.size,
            offset: self.end.min(closed_at),
            detail,
        })
    }

    /// Whether the leader epochs bear out that the log starts at `start`: they are cut before the checkpoint is written.
    pub(super) fn was_deleted_up_to(&self, start: Offset) -> Result<bool, OpenError> {
        let path = self.folder.join(epochs::FILE);
        let epochs = LeaderEpochs::load(path, self.disk())?;
        let newest = epochs.and_then(|epochs| epochs.entries().last().copied());
        Ok(newest.is_some_and(|(_, first)| first >= start))
    }

    /// Whether the batches bear out where the leader epochs begin. One that does not may have a flipped bit itself, which is
    /// found when it is checked; two that do not tell that the checkpoint is wrong.
    pub(super) fn bears_out(&self, epochs: &LeaderEpochs) -> bool {
        if self.end == self.start {
            return true;
        }
        let first = epochs.entries().first().map(|(_, first)| *first);
        if first.is_none_or(|first| first > self.start) {
            return false;
        }
        let mut contradict = BTreeMap::new();
        let mut look = |at: Offset| {
            let there = self.header_at(at).filter(|header| header.base_offset <= at.get())?;
            let epoch = LeaderEpoch::from_wire(there.partition_leader_epoch);
            contradict.insert(there.base_offset, epoch.is_some() && epoch != epochs.of(at));
            Some(there)
        };
        for (_, first) in epochs.entries() {
            if let Some(there) = look((*first).max(self.start)) {
                look(Offset::new(there.last_offset().max(0)).plus(1));
            }
        }
        if let Some(there) = look(Offset::new(self.end.get() - 1)) {
            look(Offset::new((there.base_offset - 1).max(self.start.get())));
        }
        let wrong = contradict.values().filter(|wrong| **wrong).count();
        wrong < 2 && wrong < contradict.len().max(1)
    }

    /// The header of the batch that holds `offset`, or of the next; `None` where none can be made out.
    fn header_at(&self, offset: Offset) -> Option<BatchHeader> {
        let at = self.segments.partition_point(|segment| segment.base <= offset.get());
        let segment = &self.segments[at.checked_sub(1)?];
        segment.find(&self.files, self.disk(), offset.get()).ok().flatten()?.header
    }
}
