//! Whether the names in a log's folder are on disk: a file that was synced is lost with its name.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::error::StorageError;
use crate::os::Disk;

/// Counts the changes of names in a folder, and up to which one they are on disk.
#[derive(Debug, Default)]
pub struct Names {
    changed: u64,
    synced: Arc<AtomicU64>,
}

impl Names {
    /// A file was made, renamed or removed.
    pub fn change(&mut self) {
        self.changed += 1;
    }

    /// What to sync so that all changes until now are on disk; `None` if they are.
    pub fn pending(&self) -> Option<Pending> {
        let due = self.changed > self.synced.load(Ordering::Acquire);
        due.then(|| Pending { upto: self.changed, synced: self.synced.clone() })
    }

    /// Makes all changes until now durable.
    ///
    /// # Errors
    /// As the system says; final for the log directory.
    pub fn sync(&self, disk: &dyn Disk, folder: &Path) -> Result<(), StorageError> {
        self.pending().map_or(Ok(()), |pending| pending.sync(disk, folder))
    }
}

/// Changes of names that have to be made durable.
#[derive(Debug)]
pub struct Pending {
    upto: u64,
    synced: Arc<AtomicU64>,
}

impl Pending {
    /// Waits for the disk.
    ///
    /// # Errors
    /// As the system says; final for the log directory.
    pub fn sync(&self, disk: &dyn Disk, folder: &Path) -> Result<(), StorageError> {
        disk.sync_dir(folder).map_err(StorageError::at("fsync", folder))?;
        self.synced.fetch_max(self.upto, Ordering::AcqRel);
        Ok(())
    }
}
