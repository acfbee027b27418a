//! One log directory: locked, known by its id, with the checkpoints of all the logs in it.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Log;
use super::checkpoint::Offsets;
use super::clean::CleanPoints;
use super::counts::DirCounts;
use super::error::{LogDirError, OpenError, StorageError};
use super::files::FileCache;
use super::folder::{create_durably, has_segment, partition_of, partitions_in, topic_id_in};
use super::known::Known;
use super::names::PARTITION_METADATA;
use super::properties::{self, MetaProperties};
use super::recovery::{Opening, Recovered};
use crate::base::{Offset, TopicId, TopicPartition, with_causes};
use crate::config::TopicConfig;
use crate::os::{FileSystem, FolderLock, LockError, OpenMode, Os};

const CLEAN: &str = ".kafka_cleanshutdown";
/// Left by a process that saw an fsync fail. It lives as long as the page cache that it warns of, and longer.
const SUSPECT: &str = ".klog-fsync-failed";

/// A partition's folder in a log directory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// The partition.
    pub partition: TopicPartition,
    /// The topic's id, by `partition.metadata`; `None` if that is missing or damaged.
    pub topic_id: Option<TopicId>,
}

/// Since when a partition's folder says whose it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Named {
    /// It did already, or has a log.
    Before,
    /// Since now; it was there, without a log.
    Again,
    /// It was made just now.
    Fresh,
}

/// One log directory, held by this process.
#[derive(Debug)]
pub struct LogDir {
    os: Os,
    folder: PathBuf,
    files: Arc<FileCache>,
    file_system: Arc<dyn FileSystem>,
    clean: bool,
    /// What the mark of a clean stop said.
    mark: Option<Vec<u8>>,
    /// Whether all that the last process left was synced.
    synced: AtomicBool,
    suspect: bool,
    known: Known,
    cleaned: CleanPoints,
    offline: AtomicBool,
    full: AtomicBool,
    counts: Arc<DirCounts>,
    _lock: FolderLock,
}

impl LogDir {
    /// Makes the directory if need be, locks it, and reads what the last stop left.
    ///
    /// The mark of a clean stop is taken away at once: from here on, a crash is a crash.
    ///
    /// # Errors
    /// `InUse` with the holder's pid; `Storage` as the system says.
    pub fn open(os: &Os, folder: &Path, files: Arc<FileCache>) -> Result<LogDir, LogDirError> {
        let disk = &*os.disk;
        create_durably(disk, folder)?;
        let lock_path = folder.join(".lock");
        let lock = disk.lock(&lock_path).map_err(|error| match error {
            LockError::Held(pid) => LogDirError::InUse { folder: folder.into(), pid },
            LockError::Failed(source) => StorageError::at("lock", lock_path)(source).into(),
        })?;
        let file_system = disk.file_system(folder).map_err(StorageError::at("open", folder))?;
        let mark = folder.join(CLEAN);
        let read = |path: &Path| disk.read(path).map_err(StorageError::at("read", path));
        let (found, suspect) = (read(&mark)?, read(&folder.join(SUSPECT))?.is_some());
        let clean = found.is_some();
        // What is read from here on must not be taken back by a power cut.
        disk.sync_dir(folder).map_err(StorageError::at("fsync", folder))?;
        let new = partitions_in(disk, folder)?.is_empty();
        let known = Known::load(disk, folder, new)?;
        let cleaned = CleanPoints::load(disk, folder)?;
        if clean {
            disk.remove_file(&mark).map_err(StorageError::at("remove", &mark))?;
            disk.sync_dir(folder).map_err(StorageError::at("fsync", folder))?;
        }
        Ok(LogDir {
            os: os.clone(),
            folder: folder.into(),
            files,
            file_system,
            synced: AtomicBool::new(false),
            // Without its checkpoint, nothing that a clean stop promised is known.
            clean: clean && known.has_points() && !suspect,
            mark: found,
            suspect,
            known,
            cleaned,
            offline: AtomicBool::new(false),
            full: AtomicBool::new(false),
            counts: Arc::default(),
            _lock: lock,
        })
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What is counted of it.
    pub fn counts(&self) -> &DirCounts {
        &self.counts
    }

    /// Whether the last stop was a clean one.
    pub fn was_clean(&self) -> bool {
        self.clean
    }

    /// Whether its disk failed: it takes no appends any more.
    pub fn is_offline(&self) -> bool {
        self.offline.load(Ordering::Acquire)
    }

    /// Takes it offline: its disk failed. After a failed fsync the pages may be gone, and a retry that succeeds would lie.
    ///
    /// The next process is told as well, as far as this disk still takes it: after a failed fsync, pages that can be read
    /// may not be on disk, though the next fsync succeeds. It writes anew what it recovers.
    pub fn fail(&self, error: &StorageError) {
        self.suspect_pages();
        if !self.offline.swap(true, Ordering::AcqRel) {
            let (folder, error) = (self.folder.display(), with_causes(error));
            tracing::error!(%folder, %error, "log directory is offline: it takes no records until its disk is seen to and \
                klog is restarted; what can be read is served");
        }
    }

    /// Whether the last append found no room.
    pub fn is_full(&self) -> bool {
        self.full.load(Ordering::Relaxed)
    }

    /// Notes that an append found no room, or that one found room again.
    pub fn set_full(&self, full: bool) {
        if self.full.swap(full, Ordering::Relaxed) == full {
            return;
        }
        let folder = self.folder.display();
        if full {
            tracing::error!(%folder, "log directory is full: it takes no records until there is room; reads and deletes go on");
        } else {
            tracing::warn!(%folder, "log directory has room again: it takes records");
        }
    }

    /// Makes durable all that was written to the directory, in one go: cheaper than file by file where there are many.
    ///
    /// # Errors
    /// As the system says; final for the log directory.
    pub fn sync(&self) -> Result<(), StorageError> {
        let sync = || self.counts.sync(|| self.file_system.sync());
        self.counts.flush(sync).map_err(StorageError::at("syncfs", &self.folder))
    }

    /// Makes durable what the last process left, so that the logs which are opened next need not do it one by one.
    ///
    /// # Errors
    /// As [`LogDir::sync`].
    pub fn sync_before_recovery(&self) -> Result<(), StorageError> {
        self.sync().inspect_err(|_| self.suspect_pages())?;
        self.synced.store(true, Ordering::Release);
        Ok(())
    }

    /// Where a partition starts, as the last stop left it.
    pub fn known_start(&self, partition: &TopicPartition) -> Offset {
        self.known.of(partition).1
    }

    /// Up to where a partition's log was compacted.
    pub fn cleaned_to(&self, partition: &TopicPartition) -> Offset {
        self.cleaned.of(partition)
    }

    /// Notes, durably, up to where a partition's log was compacted.
    ///
    /// # Errors
    /// As the system says.
    pub fn set_cleaned_to(
        &self,
        partition: &TopicPartition,
        to: Offset,
    ) -> Result<(), StorageError> {
        self.cleaned.set(&*self.os.disk, partition, to)
    }

    fn suspect_pages(&self) {
        let path = self.folder.join(SUSPECT);
        if let Err(error) = self.os.disk.open(&path, OpenMode::Create) {
            tracing::error!(path = %path.display(), %error, "the failed disk cannot be marked: restart the machine, not only klog");
        }
    }

    /// Whose directory it is; `None` if it is new.
    ///
    /// # Errors
    /// `Properties` if the file is there but cannot be understood.
    pub fn properties(&self) -> Result<Option<MetaProperties>, LogDirError> {
        match properties::read(&*self.os.disk, &self.folder)? {
            properties::Found::Read(found) => Ok(Some(found)),
            properties::Found::Missing => Ok(None),
            properties::Found::Unusable(detail) => {
                Err(LogDirError::Properties { file: self.folder.join(properties::FILE), detail })
            }
        }
    }

    /// Says whose directory it is, durably.
    ///
    /// # Errors
    /// As the system says.
    pub fn write_properties(&self, properties: &MetaProperties) -> Result<(), StorageError> {
        properties::write(&*self.os.disk, &self.folder, properties)
    }

    /// Whether the folder of a partition has a segment.
    ///
    /// # Errors
    /// As the system says.
    pub fn has_log(&self, partition: &TopicPartition) -> Result<bool, StorageError> {
        let folder = self.folder.join(partition.to_string());
        match self.os.disk.list(&folder) {
            Ok(entries) => Ok(has_segment(&entries)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(StorageError::at("list", folder)(error)),
        }
    }

    /// The partitions whose folders' names are here, whatever is in them.
    ///
    /// # Errors
    /// As the system says.
    pub fn names(&self) -> Result<Vec<TopicPartition>, StorageError> {
        partitions_in(&*self.os.disk, &self.folder)
    }

    /// The partitions that have a folder here. Folders left by a deletion are removed.
    ///
    /// # Errors
    /// As the system says.
    pub fn partitions(&self) -> Result<Vec<Found>, StorageError> {
        let disk = &*self.os.disk;
        let mut found = Vec::new();
        for entry in disk.list(&self.folder).map_err(StorageError::at("list", &self.folder))? {
            let path = self.folder.join(&entry.name);
            if !entry.is_dir {
                continue;
            }
            if let Some(deleted) = entry.name.strip_suffix("-delete") {
                // Its topic may have been made anew since, though the checkpoint still speaks of it.
                let name = deleted.rsplit_once('.').and_then(|(name, _)| partition_of(name));
                name.iter().for_each(|name| self.known.forget(name));
                disk.remove_dir_all(&path).map_err(StorageError::at("remove", &path))?;
            } else if let Some(partition) = partition_of(&entry.name) {
                let file = path.join(PARTITION_METADATA);
                let bytes = disk.read(&file).map_err(StorageError::at("read", &file))?;
                found.push(Found { partition, topic_id: bytes.as_deref().and_then(topic_id_in) });
            }
        }
        Ok(found)
    }

    /// Opens a partition's log here, or begins one for the topic with this id.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open_log(
        &self,
        partition: &TopicPartition,
        topic_id: TopicId,
        config: Arc<TopicConfig>,
    ) -> Result<(Log, Recovered), OpenError> {
        self.known.open(partition);
        self.try_open_log(partition, topic_id, config, |new| {
            if new && !self.known.was_here(partition) {
                self.known.begin(&*self.os.disk, partition)?;
                self.cleaned.begin(&*self.os.disk, partition)?;
                return Ok((Some(Offset::ZERO), Offset::ZERO));
            }
            Ok(self.known.of(partition))
        })
    }

    /// Opens the metadata log, or begins it. The checkpoints do not speak for it: each of its records is durable before it is
    /// answered for. So after a crash nothing but its torn tail is cut.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open_metadata_log(
        &self,
        partition: &TopicPartition,
        topic_id: TopicId,
        config: Arc<TopicConfig>,
    ) -> Result<(Log, Recovered), OpenError> {
        let (log, recovered) = self.try_open_log(partition, topic_id, config, |new| {
            Ok((new.then_some(Offset::ZERO), Offset::ZERO))
        })?;
        log.sync_names()?;
        Ok((log, recovered))
    }

    /// `known` tells, of a log that is new or not, up to where it is durable and where it starts.
    fn try_open_log(
        &self,
        partition: &TopicPartition,
        topic_id: TopicId,
        config: Arc<TopicConfig>,
        known: impl FnOnce(bool) -> Result<(Option<Offset>, Offset), StorageError>,
    ) -> Result<(Log, Recovered), OpenError> {
        let open = || {
            let folder = self.folder.join(partition.to_string());
            let named = self.name(&folder, topic_id)?;
            let (recovery_point, log_start) = known(named != Named::Before)?;
            let opening = Opening {
                recovery_point,
                log_start,
                clean: self.clean,
                fresh: named == Named::Fresh && recovery_point == Some(Offset::ZERO),
                synced: self.synced.load(Ordering::Acquire),
                suspect: self.suspect,
                was_compacted: self.cleaned.of(partition) > Offset::ZERO,
            };
            Log::open(&self.os, &self.files, folder, partition.clone(), config, opening)
        };
        let opened = open();
        if matches!(opened, Err(OpenError::Storage(_))) {
            self.suspect_pages();
        }
        let (mut log, recovered) = opened?;
        log.count_in(self.counts.clone());
        Ok((log, recovered))
    }

    /// Makes a partition's folder and says in it whose it is, if it does not say so.
    ///
    /// A folder that is made here is not waited for: nothing relies on it before the first flush, which makes it durable. If a
    /// power cut takes it, it is made again.
    fn name(&self, folder: &Path, topic_id: TopicId) -> Result<Named, OpenError> {
        let disk = &*self.os.disk;
        let file = folder.join(PARTITION_METADATA);
        let text = disk.read(&file).map_err(StorageError::at("read", &file))?;
        match text.as_deref().and_then(topic_id_in) {
            Some(found) if found == topic_id => return Ok(Named::Before),
            Some(found) => return Err(OpenError::Foreign { file, found, wanted: topic_id }),
            None => {}
        }
        let text = format!("version: 0\ntopic_id: {topic_id}");
        let entries = match disk.list(folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                disk.create_dir_all(folder).map_err(StorageError::at("create", folder))?;
                let written = disk.write(&file, text.as_bytes());
                written.map_err(StorageError::at("write", &file))?;
                return Ok(Named::Fresh);
            }
            found => found.map_err(StorageError::at("list", folder))?,
        };
        // The folder's own name first: who finds the file in it need not ask.
        disk.sync_dir(&self.folder).map_err(StorageError::at("fsync", &self.folder))?;
        disk.replace(&file, text.as_bytes()).map_err(StorageError::at("write", &file))?;
        Ok(if has_segment(&entries) { Named::Before } else { Named::Again })
    }

    /// Renames a deleted partition's folder; its files go with [`LogDir::remove`] later. Returns the new path.
    ///
    /// # Errors
    /// As the system says.
    pub fn doom(&self, partition: &TopicPartition) -> Result<PathBuf, StorageError> {
        self.rename(partition, "-delete")
    }

    /// Sets a partition's folder aside that belongs to no topic: renamed as Kafka does it, never deleted. Returns the new
    /// path.
    ///
    /// # Errors
    /// As the system says.
    pub fn set_aside(&self, partition: &TopicPartition) -> Result<PathBuf, StorageError> {
        self.rename(partition, "-stray")
    }

    fn rename(&self, partition: &TopicPartition, suffix: &str) -> Result<PathBuf, StorageError> {
        let from = self.folder.join(partition.to_string());
        let to = self.folder.join(self.renamed(partition, suffix));
        self.files.forget_folder(&from);
        let renamed = self.os.disk.rename(&from, &to);
        if renamed.as_ref().map_or_else(|error| error.kind() == ErrorKind::NotFound, |()| true) {
            self.known.forget(partition);
        }
        renamed.map_err(StorageError::at("rename", &from))?;
        self.os.disk.sync_dir(&self.folder).map_err(StorageError::at("fsync", &self.folder))?;
        Ok(to)
    }

    /// `T-P.<uuid><suffix>`, within what a file system takes as a name.
    fn renamed(&self, partition: &TopicPartition, suffix: &str) -> String {
        let id: String = self.os.random_id().iter().map(|byte| format!("{byte:02x}")).collect();
        let mut name = partition.to_string();
        name.truncate(255 - 1 - suffix.len() - id.len());
        format!("{name}.{id}{suffix}")
    }

    /// Removes a folder that [`LogDir::doom`] renamed.
    ///
    /// # Errors
    /// As the system says.
    pub fn remove(&self, doomed: &Path) -> Result<(), StorageError> {
        self.os.disk.remove_dir_all(doomed).map_err(StorageError::at("remove", doomed))
    }

    /// Replaces the two checkpoints, durably. What was known of logs that could not be opened is kept.
    ///
    /// # Errors
    /// As the system says.
    pub fn write_checkpoints(
        &self,
        recovery_points: &Offsets,
        log_starts: &Offsets,
    ) -> Result<(), StorageError> {
        let disk = &*self.os.disk;
        self.known.write(disk, recovery_points, log_starts)?;
        let path = self.folder.join(SUSPECT);
        if self.suspect && !self.is_offline() && self.known.is_complete() {
            disk.remove_if_there(&path).map_err(StorageError::at("remove", path))?;
        }
        Ok(())
    }

    /// Puts the mark of a clean stop back where nothing was changed: the start is refused, and the next one needs no recovery.
    pub fn leave_as_found(&self) {
        let Some(mark) = &self.mark else { return };
        let path = self.folder.join(CLEAN);
        if let Err(error) = self.os.disk.replace(&path, mark) {
            tracing::debug!(path = %path.display(), %error, "the next start recovers");
        }
    }

    /// Marks a clean stop: all logs are closed and the checkpoints written. If some could not be opened, the next start
    /// must not trust them, so there is no mark. Kafka's controller holds the epoch of the broker that stopped against the
    /// one that it knows.
    ///
    /// # Errors
    /// As the system says.
    pub fn mark_clean(&self, broker_epoch: i64) -> Result<(), StorageError> {
        if !self.known.is_complete() {
            return Ok(());
        }
        let path = self.folder.join(CLEAN);
        let text = format!(r#"{{"version":0,"brokerEpoch":{broker_epoch}}}"#);
        self.os.disk.replace(&path, text.as_bytes()).map_err(StorageError::at("write", path))
    }
}
