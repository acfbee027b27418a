//! `cleaner-offset-checkpoint`: up to where each log of a directory was compacted, in Kafka's format.

use std::path::{Path, PathBuf};

use parking_lot::Mutex;

use crate::base::{Offset, TopicPartition};
use crate::log::checkpoint::{self, Checkpoint, Offsets};
use crate::log::error::StorageError;
use crate::os::Disk;

/// The checkpoint of one directory.
#[derive(Debug)]
pub struct CleanPoints {
    path: PathBuf,
    points: Mutex<Offsets>,
}

impl CleanPoints {
    /// Reads the checkpoint in `folder`. Without it, or where it cannot be read, all is compacted anew, which changes nothing.
    ///
    /// # Errors
    /// As the system says.
    pub fn load(disk: &dyn Disk, folder: &Path) -> Result<CleanPoints, StorageError> {
        let path = folder.join("cleaner-offset-checkpoint");
        let points = match checkpoint::read_offsets(disk, &path)? {
            Checkpoint::Damaged(detail) => {
                let file = path.display();
                tracing::warn!(%file, detail, "the checkpoint cannot be read; logs are compacted from their start");
                Offsets::new()
            }
            read => read.or_default(),
        };
        Ok(CleanPoints { path, points: Mutex::new(points) })
    }

    /// Up to where a log was compacted.
    pub fn of(&self, partition: &TopicPartition) -> Offset {
        self.points.lock().get(partition).copied().unwrap_or_default()
    }

    /// Notes, durably, up to where a log was compacted.
    ///
    /// # Errors
    /// As the system says; the log is compacted again then.
    pub fn set(
        &self,
        disk: &dyn Disk,
        at: &TopicPartition,
        to: Offset,
    ) -> Result<(), StorageError> {
        let mut points = self.points.lock();
        points.insert(at.clone(), to);
        checkpoint::write_offsets(disk, &self.path, &points)
    }

    /// Forgets, durably, what was known of a log that had this name: a new one begins.
    ///
    /// # Errors
    /// As the system says.
    pub fn begin(&self, disk: &dyn Disk, partition: &TopicPartition) -> Result<(), StorageError> {
        let mut points = self.points.lock();
        match points.remove(partition) {
            None => Ok(()),
            Some(_) => checkpoint::write_offsets(disk, &self.path, &points),
        }
    }
}
