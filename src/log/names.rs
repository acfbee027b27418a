//! Whether the names in a log's folder are on disk: a file that was synced is lost with its name.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::epochs;
use super::error::StorageError;
use crate::os::{Disk, OpenMode};

/// Says whose folder it is.
pub const PARTITION_METADATA: &str = "partition.metadata";

/// Counts the changes of names in a folder, and up to which one they are on disk.
#[derive(Debug, Default)]
pub struct Names {
    changed: u64,
    /// The last change with which more than the folder has to be synced.
    whole: u64,
    synced: Arc<AtomicU64>,
}

impl Names {
    /// A file was made, renamed or removed.
    pub fn change(&mut self) {
        self.changed += 1;
    }

    /// The folder itself was made, or a small file in it was written, without a sync of its own.
    pub fn change_whole(&mut self) {
        self.change();
        self.whole = self.changed;
    }

    /// What to sync so that all changes until now are on disk; `None` if they are.
    pub fn pending(&self) -> Option<Pending> {
        let synced = self.synced.load(Ordering::Acquire);
        let whole = self.whole > synced;
        (self.changed > synced).then(|| Pending {
            upto: self.changed,
            whole,
            synced: self.synced.clone(),
        })
    }

    /// Makes all changes until now durable.
    ///
    /// # Errors
    /// As the system says; final for the log directory.
    pub fn sync(&self, disk: &dyn Disk, folder: &Path) -> Result<(), StorageError> {
        self.pending().map_or(Ok(()), |pending| pending.sync(disk, folder))
    }

    /// The same, if the folder itself is among them.
    ///
    /// # Errors
    /// As [`Names::sync`].
    pub fn sync_whole(&self, disk: &dyn Disk, folder: &Path) -> Result<(), StorageError> {
        let pending = self.pending().filter(|pending| pending.whole);
        pending.map_or(Ok(()), |pending| pending.sync(disk, folder))
    }
}

/// Changes of names that have to be made durable.
#[derive(Debug)]
pub struct Pending {
    upto: u64,
    whole: bool,
    synced: Arc<AtomicU64>,
}

impl Pending {
    /// Waits for the disk.
    ///
    /// # Errors
    /// As the system says; final for the log directory.
    pub fn sync(&self, disk: &dyn Disk, folder: &Path) -> Result<(), StorageError> {
        let sync = |folder: &Path| disk.sync_dir(folder).map_err(StorageError::at("fsync", folder));
        if self.whole {
            for name in [PARTITION_METADATA, epochs::FILE] {
                sync_file(disk, &folder.join(name))?;
            }
            folder.parent().map_or(Ok(()), sync)?;
        }
        sync(folder)?;
        self.are_synced();
        Ok(())
    }

    /// Notes that they are durable.
    pub fn are_synced(&self) {
        self.synced.fetch_max(self.upto, Ordering::AcqRel);
    }
}

/// Makes a small file durable, if it is there.
fn sync_file(disk: &dyn Disk, path: &Path) -> Result<(), StorageError> {
    match disk.open(path, OpenMode::Read) {
        Ok(file) => file.sync_all().map_err(StorageError::at("fsync", path)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(StorageError::at("open", path)(error)),
    }
}
