//! What the checkpoints of a log directory say of its logs, and what the next ones must not forget.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;

use super::checkpoint::{self, Checkpoint, Offsets};
use super::error::StorageError;
use crate::base::{Offset, TopicPartition};
use crate::os::Disk;

/// Up to where each log is durable. The first file in a directory to be made durable.
pub const RECOVERY_POINTS: &str = "recovery-point-offset-checkpoint";
const LOG_STARTS: &str = "log-start-offset-checkpoint";

/// The checkpoints of one directory.
#[derive(Debug)]
pub struct Known {
    folder: PathBuf,
    /// As the last stop left them; `None` if they are lost. A log without an entry was begun since the last checkpoint.
    points: Option<Offsets>,
    starts: Offsets,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// As they are on disk.
    points: Offsets,
    starts: Offsets,
    /// Whether this process has written the starts.
    has_starts: bool,
    /// Logs that are here, whether they could be opened or not.
    here: BTreeSet<TopicPartition>,
    /// Names whose log of the last stop was deleted or set aside since: one that begins under them is another one.
    free: BTreeSet<TopicPartition>,
    /// Whether the last checkpoints spoke for all of them.
    complete: bool,
}

impl Known {
    /// Reads the checkpoints in `folder`. A `new` directory gets some, so that lost ones can be told from none.
    ///
    /// # Errors
    /// As the system says.
    pub fn load(disk: &dyn Disk, folder: &Path, new: bool) -> Result<Known, StorageError> {
        let read = |name: &str| checkpoint::read_offsets(disk, &folder.join(name));
        let points = match read(RECOVERY_POINTS)? {
            Checkpoint::Read(points) => Some(points),
            Checkpoint::Missing if new => {
                write(disk, folder, RECOVERY_POINTS, &Offsets::new())?;
                Some(Offsets::new())
            }
            Checkpoint::Missing => None,
            Checkpoint::Damaged(detail) => {
                let file = folder.join(RECOVERY_POINTS);
                tracing::warn!(file = %file.display(), detail, "the checkpoint cannot be read; all logs are checked whole");
                None
            }
        };
        let starts = read(LOG_STARTS)?.or_default();
        let state = State {
            points: points.clone().unwrap_or_default(),
            starts: starts.clone(),
            has_starts: false,
            here: BTreeSet::new(),
            free: BTreeSet::new(),
            complete: true,
        };
        Ok(Known { folder: folder.into(), points, starts, state: Mutex::new(state) })
    }

    /// Whether it is known what was durable.
    pub fn has_points(&self) -> bool {
        self.points.is_some()
    }

    /// Up to where a log was durable, if that is known, and where it starts.
    pub fn of(&self, partition: &TopicPartition) -> (Option<Offset>, Offset) {
        let at = |offsets: &Offsets| offsets.get(partition).copied().unwrap_or_default();
        (self.points.as_ref().map(at), at(&self.starts))
    }

    /// Forgets, durably, what was known of a log that had this name: a new one begins.
    ///
    /// # Errors
    /// As the system says.
    pub fn begin(&self, disk: &dyn Disk, partition: &TopicPartition) -> Result<(), StorageError> {
        let mut state = self.state.lock();
        if state.points.contains_key(partition) {
            let mut points = state.points.clone();
            points.remove(partition);
            write(disk, &self.folder, RECOVERY_POINTS, &points)?;
            state.points = points;
        }
        if state.starts.contains_key(partition) {
            let mut starts = state.starts.clone();
            starts.remove(partition);
            write(disk, &self.folder, LOG_STARTS, &starts)?;
            state.starts = starts;
        }
        Ok(())
    }

    /// Notes that a log is here, though it may turn out that it cannot be opened.
    pub fn open(&self, partition: &TopicPartition) {
        self.state.lock().here.insert(partition.clone());
    }

    /// Notes that a log is no longer here: it was deleted or set aside.
    pub fn forget(&self, partition: &TopicPartition) {
        let mut state = self.state.lock();
        state.here.remove(partition);
        if self.points.as_ref().is_some_and(|points| points.contains_key(partition)) {
            state.free.insert(partition.clone());
        }
    }

    /// Whether a log of this name was on disk at the last stop, and nobody deleted it since: if there is none, it is lost.
    pub fn was_here(&self, partition: &TopicPartition) -> bool {
        let (point, start) = self.of(partition);
        point > Some(start) && !self.state.lock().free.contains(partition)
    }

    /// Whether the last checkpoints spoke for all logs that are here.
    pub fn is_complete(&self) -> bool {
        self.state.lock().complete
    }

    /// Replaces the checkpoints, durably. Logs that `points` does not speak for, as they are damaged or could not be opened,
    /// keep their entries; if those are lost, so they stay, for a log without an entry counts as new.
    ///
    /// # Errors
    /// As the system says.
    pub fn write(
        &self,
        disk: &dyn Disk,
        points: &Offsets,
        starts: &Offsets,
    ) -> Result<(), StorageError> {
        let (mut points, mut starts) = (points.clone(), starts.clone());
        let mut state = self.state.lock();
        let silent: Vec<&TopicPartition> =
            state.here.iter().filter(|partition| !points.contains_key(*partition)).collect();
        let complete = silent.is_empty();
        for partition in silent {
            let (point, start) = self.of(partition);
            let point = state.points.get(partition).copied().or(point);
            points.extend(point.map(|point| (partition.clone(), point)));
            starts.entry(partition.clone()).or_insert(start);
        }
        state.complete = complete;
        // The start of a log is never behind what is promised of it.
        if !state.has_starts || state.starts != starts {
            write(disk, &self.folder, LOG_STARTS, &starts)?;
            (state.starts, state.has_starts) = (starts, true);
        }
        if self.has_points() || complete {
            write(disk, &self.folder, RECOVERY_POINTS, &points)?;
            state.points = points;
        }
        Ok(())
    }
}

fn write(
    disk: &dyn Disk,
    folder: &Path,
    name: &str,
    offsets: &Offsets,
) -> Result<(), StorageError> {
    checkpoint::write_offsets(disk, &folder.join(name), offsets)
}
