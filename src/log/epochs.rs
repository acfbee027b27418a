//! Where each leader epoch began (KIP-101), in `leader-epoch-checkpoint`.

use std::path::{Path, PathBuf};

use super::checkpoint::{self, Checkpoint};
use super::error::StorageError;
use crate::base::{LeaderEpoch, Offset};
use crate::os::Disk;

/// Its name in a partition's folder.
pub const FILE: &str = "leader-epoch-checkpoint";

/// Reads a checkpoint of leader epochs, as it stands.
///
/// # Errors
/// As the system says; what cannot be read is `Damaged`.
pub fn read(
    disk: &dyn Disk,
    path: &Path,
) -> Result<Checkpoint<Vec<(LeaderEpoch, Offset)>>, StorageError> {
    checkpoint::read(disk, path, |line| {
        let (epoch, start) = line.split_once(' ')?;
        Some((
            LeaderEpoch::from_wire(epoch.parse().ok()?)?,
            Offset::from_wire(start.parse().ok()?)?,
        ))
    })
}

/// The first offset of every leader epoch that has records, in ascending order of both.
#[derive(Clone, Debug)]
pub struct LeaderEpochs {
    path: PathBuf,
    entries: Vec<(LeaderEpoch, Offset)>,
}

impl LeaderEpochs {
    /// Knows no epoch yet.
    pub fn empty(path: PathBuf) -> LeaderEpochs {
        LeaderEpochs { path, entries: Vec::new() }
    }

    /// Reads the checkpoint; `None` if it is missing or damaged and has to be rebuilt from the log.
    ///
    /// # Errors
    /// As the system says.
    pub fn load(path: PathBuf, disk: &dyn Disk) -> Result<Option<LeaderEpochs>, StorageError> {
        let Checkpoint::Read(entries) = read(disk, &path)? else { return Ok(None) };
        let ascending =
            entries.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1);
        Ok(ascending.then_some(LeaderEpochs { path, entries }))
    }

    /// Makes the checkpoint durable.
    ///
    /// # Errors
    /// As the system says.
    pub fn save(&self, disk: &dyn Disk) -> Result<(), StorageError> {
        checkpoint::write(disk, &self.path, self.lines())
    }

    /// Writes the checkpoint without a sync: what a power cut leaves of it is whole, or is found damaged and rebuilt.
    ///
    /// # Errors
    /// As the system says.
    pub fn save_unsynced(&self, disk: &dyn Disk) -> Result<(), StorageError> {
        checkpoint::write_unsynced(disk, &self.path, self.lines())
    }

    fn lines(&self) -> impl Iterator<Item = String> {
        self.entries.iter().map(|(epoch, start)| format!("{epoch} {start}"))
    }

    /// Notes that a batch of `epoch` begins at `start`. Returns whether the epoch is new.
    pub fn note(&mut self, epoch: LeaderEpoch, start: Offset) -> bool {
        let new = self.latest().is_none_or(|latest| epoch > latest);
        if new {
            self.entries.push((epoch, start));
        }
        new
    }

    /// The newest epoch that has records.
    pub fn latest(&self) -> Option<LeaderEpoch> {
        self.entries.last().map(|(epoch, _)| *epoch)
    }

    /// Every epoch with its first offset, in ascending order.
    pub fn entries(&self) -> &[(LeaderEpoch, Offset)] {
        &self.entries
    }

    /// The epoch of the record at `offset`.
    pub fn of(&self, offset: Offset) -> Option<LeaderEpoch> {
        let after = self.entries.partition_point(|(_, start)| *start <= offset);
        after.checked_sub(1).map(|at| self.entries[at].0)
    }

    /// The largest epoch that is not above `wanted`, and where it ended; `end` is the log's end.
    ///
    /// An epoch below all that are known ends where the first one begins (KIP-279).
    pub fn end_of(&self, wanted: LeaderEpoch, end: Offset) -> Option<(LeaderEpoch, Offset)> {
        let after = self.entries.partition_point(|(epoch, _)| *epoch <= wanted);
        match after.checked_sub(1) {
            _ if self.latest() == Some(wanted) => Some((wanted, end)),
            Some(_) if after == self.entries.len() => None,
            Some(at) => Some((self.entries[at].0, self.entries[after].1)),
            None => self.entries.first().map(|(_, start)| (wanted, *start)),
        }
    }

    /// Forgets what lies at or above `end`. Returns whether anything did.
    pub fn cut_above(&mut self, end: Offset) -> bool {
        let before = self.entries.len();
        self.entries.retain(|(_, start)| *start < end);
        before != self.entries.len()
    }

    /// Forgets what lies below `start`, but for the epoch that reaches across it.
    pub fn cut_below(&mut self, start: Offset) {
        let after = self.entries.partition_point(|(_, first)| *first <= start);
        if let Some(at) = after.checked_sub(1) {
            self.entries.drain(..at);
            self.entries[0].1 = start;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epochs(entries: &[(i32, i64)]) -> LeaderEpochs {
        let mut epochs = LeaderEpochs::empty(PathBuf::new());
        for (epoch, start) in entries {
            epochs.note(LeaderEpoch::new(*epoch), Offset::new(*start));
        }
        epochs
    }

    fn end_of(epochs: &LeaderEpochs, wanted: i32) -> Option<(i32, i64)> {
        let found = epochs.end_of(LeaderEpoch::new(wanted), Offset::new(100));
        found.map(|(epoch, end)| (epoch.get(), end.get()))
    }

    #[test]
    fn an_epoch_ends_where_the_next_one_begins_and_the_latest_at_the_end_of_the_log() {
        let epochs = epochs(&[(1, 10), (3, 40), (4, 60)]);
        assert_eq!(end_of(&epochs, 1), Some((1, 40)));
        assert_eq!(end_of(&epochs, 2), Some((1, 40)));
        assert_eq!(end_of(&epochs, 3), Some((3, 60)));
        assert_eq!(end_of(&epochs, 4), Some((4, 100)));
        assert_eq!(end_of(&epochs, 5), None);
        assert_eq!(end_of(&epochs, 0), Some((0, 10)));
    }

    #[test]
    fn cutting_below_keeps_the_epoch_that_reaches_across() {
        let mut epochs = epochs(&[(1, 10), (3, 40), (4, 60)]);
        epochs.cut_below(Offset::new(50));
        assert_eq!(
            epochs.entries,
            [(LeaderEpoch::new(3), Offset::new(50)), (LeaderEpoch::new(4), Offset::new(60))]
        );
        epochs.cut_below(Offset::new(50));
        assert_eq!(epochs.of(Offset::new(55)), Some(LeaderEpoch::new(3)));
    }
}
