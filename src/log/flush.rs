//! Making a log durable, in steps that do not hold its lock over the disk.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Log;
use super::aborted::Decided;
use super::counts::DirCounts;
use super::error::StorageError;
use super::files::path_in;
use super::names::Pending;
use super::snapshot;
use crate::base::Offset;
use crate::os::{Disk, DiskFile, OpenMode};

/// Up to where a log is durable once its whole file system was synced.
#[derive(Debug)]
pub struct FlushPoint {
    names: Option<Pending>,
    up_to: Offset,
}

/// What has to reach the disk so that all below an offset is durable.
#[derive(Debug)]
pub struct FlushPlan {
    files: Vec<(PathBuf, Arc<dyn DiskFile>)>,
    /// What stands beside sealed segments.
    beside: Vec<PathBuf>,
    names: Option<Pending>,
    folder: PathBuf,
    disk: Arc<dyn Disk>,
    up_to: Offset,
    counts: Arc<DirCounts>,
}

impl FlushPlan {
    /// Where the log will be durable up to.
    pub fn up_to(&self) -> Offset {
        self.up_to
    }

    /// Waits for the disk. Without the log's lock, not on an async thread.
    ///
    /// # Errors
    /// As the system says. Final: the pages may be gone, and a retry that succeeds would lie.
    pub fn run(&self) -> Result<(), StorageError> {
        let counts = &*self.counts;
        counts.flush(|| {
            for (path, file) in &self.files {
                counts.sync(|| file.sync_data()).map_err(StorageError::at("fdatasync", path))?;
            }
            self.beside.iter().try_for_each(|path| self.sync_if_there(path))?;
            let Some(names) = &self.names else { return Ok(()) };
            counts.sync(|| names.sync(&*self.disk, &self.folder))
        })
    }

    /// Retention may have taken it meanwhile, and most segments have no index of transactions.
    fn sync_if_there(&self, path: &Path) -> Result<(), StorageError> {
        match self.disk.open(path, OpenMode::Read) {
            Ok(file) => {
                self.counts.sync(|| file.sync_data()).map_err(StorageError::at("fdatasync", path))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(StorageError::at("open", path)(error)),
        }
    }
}

impl Log {
    /// How many records are not yet on disk.
    pub fn unflushed(&self) -> i64 {
        self.end.get() - self.recovery_point.get()
    }

    /// Where the log ends; `None` if it is durable already. To be handed to [`Log::flushed_with_all`] once a sync of the whole
    /// file system, begun after this, is done.
    pub fn flush_point(&self) -> Option<FlushPoint> {
        let point = || FlushPoint { names: self.names.pending(), up_to: self.end };
        self.has_unflushed().then(point)
    }

    /// Notes that the whole file system was synced.
    pub fn flushed_with_all(&mut self, point: &FlushPoint) {
        if let Some(names) = point.names.as_ref().filter(|_| !self.offline) {
            names.are_synced();
        }
        self.flushed(point.up_to);
    }

    /// Whether a segment was sealed that no flush has made durable yet.
    pub fn has_unflushed_seal(&self) -> bool {
        self.first_unflushed(self.recovery_point.get()) + 1 < self.segments.len()
    }

    /// After a failed fsync the page cache may have lost what was not on disk: the indexes of sealed segments, which stand nowhere else, are
    /// held against the batches before they are used again.
    pub(super) fn distrust_unflushed(&mut self) {
        let first = self.first_unflushed(self.recovery_point.get());
        let sealed = self.segments.len() - 1;
        for segment in &mut self.segments[first..sealed] {
            segment.distrust_indexes();
            segment.decided = Decided::found();
        }
    }

    fn has_unflushed(&self) -> bool {
        self.unflushed() > 0 || self.has_unflushed_seal()
    }

    /// The first segment of which not all is known to be durable, given up to where the log is. One that ends just there may have
    /// been flushed before it was sealed: its indexes were not yet complete then.
    fn first_unflushed(&self, recovery_point: i64) -> usize {
        self.segments[1..].partition_point(|next| next.base < recovery_point)
    }

    /// What to do so that all that is in the log now is durable; `None` if it is already.
    ///
    /// # Errors
    /// As the system says.
    pub fn flush_plan(&self) -> Result<Option<FlushPlan>, StorageError> {
        match self.has_unflushed() {
            true => self.plan_above(self.recovery_point.get()).map(Some),
            false => Ok(None),
        }
    }

    /// What to do so that all is durable, given up to where it is.
    pub(super) fn plan_above(&self, recovery_point: i64) -> Result<FlushPlan, StorageError> {
        let first = self.first_unflushed(recovery_point);
        let (mut files, mut beside) = (Vec::new(), Vec::new());
        let active = self.segments.len() - 1;
        for (at, segment) in self.segments.iter().enumerate().skip(first) {
            files.push((segment.path().to_path_buf(), segment.file(&self.files)?));
            if at < active {
                beside.extend(segment.index_paths());
            }
            // The roll that began it left this too.
            if segment.base >= recovery_point && segment.base > 0 {
                beside.push(path_in(&self.folder, segment.base, ".snapshot"));
            }
        }
        Ok(FlushPlan {
            files,
            beside,
            names: self.names.pending(),
            folder: self.folder.clone(),
            disk: self.os.disk.clone(),
            up_to: self.end,
            counts: self.counts.clone(),
        })
    }

    /// What to do so that all names in the log's folder are durable; `None` if they are.
    pub fn names_plan(&self) -> Option<FlushPlan> {
        self.names.pending().map(|names| FlushPlan {
            files: Vec::new(),
            beside: Vec::new(),
            names: Some(names),
            folder: self.folder.clone(),
            disk: self.os.disk.clone(),
            up_to: self.recovery_point,
            counts: self.counts.clone(),
        })
    }

    /// Notes that the log is durable up to `offset`. Not if it went offline meanwhile: an fsync has failed, and that a later
    /// one succeeds says nothing.
    pub fn flushed(&mut self, up_to: Offset) {
        if self.offline {
            return;
        }
        self.recovery_point = self.recovery_point.max(up_to).min(self.end);
        self.pending.flushed(self.recovery_point.get());
        self.assert_invariants();
        // A crash need not walk through the active segment then. A lost index is rebuilt, so a failure costs time only.
        if self.active().offsets.live_bytes() == 0 {
            return;
        }
        let disk = self.os.disk.clone();
        if let Err(error) = self.active().write_indexes(&*disk) {
            tracing::debug!(partition = %self.partition, %error, "the indexes were not written");
        }
    }

    /// Makes the names in its folder durable, and the folder's own.
    ///
    /// # Errors
    /// As the system says; final for the log directory.
    pub fn sync_names(&self) -> Result<(), StorageError> {
        self.names.sync(self.disk(), &self.folder)
    }

    /// Writes all that a clean stop leaves behind: indexes, the producers' snapshot, and the log itself, durably. Takes no
    /// appends from then on.
    ///
    /// # Errors
    /// As the system says.
    pub fn close(&mut self) -> Result<(), StorageError> {
        let disk = self.os.disk.clone();
        self.offline = true;
        if self.end == Offset::ZERO {
            // Nothing was ever appended: there is no file yet.
            return Ok(());
        }
        self.active().finish(&*disk)?;
        self.sync_active()?;
        self.active().seal();
        if let Some(plan) = self.flush_plan()? {
            plan.run()?;
            self.recovery_point = plan.up_to();
        }
        let path = path_in(&self.folder, self.end.get(), ".snapshot");
        snapshot::write(&*disk, &path, &self.producers)
    }
}
