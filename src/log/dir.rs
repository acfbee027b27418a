//! One log directory: locked, known by its id, with the checkpoints of all the logs in it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Log;
use super::checkpoint::{self, Checkpoint, Offsets};
use super::error::{OpenError, StorageError};
use super::files::FileCache;
use super::lock::{DirLock, NotLocked};
use super::properties::{self, MetaProperties};
use super::recovery::{Opening, Recovered};
use crate::base::{Offset, PartitionIndex, TopicId, TopicName, TopicPartition};
use crate::config::TopicConfig;
use crate::os::Os;

const CLEAN: &str = ".kafka_cleanshutdown";
const RECOVERY_POINTS: &str = "recovery-point-offset-checkpoint";
const LOG_STARTS: &str = "log-start-offset-checkpoint";
const PARTITION_METADATA: &str = "partition.metadata";

/// Why a log directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LogDirError {
    /// Another process uses it.
    #[error("{folder} is in use by process {pid}", folder = folder.display(), pid = pid.map_or("unknown".into(), |pid| pid.to_string()))]
    InUse {
        /// The directory.
        folder: PathBuf,
        /// Who holds its lock, if the kernel tells.
        pid: Option<i32>,
    },
    /// It says that it is somebody else's, or nothing that can be understood.
    #[error("{file}: {detail}", file = file.display())]
    Properties {
        /// `meta.properties`.
        file: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// The disk failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// A partition's folder in a log directory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// The partition.
    pub partition: TopicPartition,
    /// The topic's id, by `partition.metadata`; `None` if that is missing or damaged.
    pub topic_id: Option<TopicId>,
}

/// One log directory, held by this process.
#[derive(Debug)]
pub struct LogDir {
    os: Os,
    folder: PathBuf,
    files: Arc<FileCache>,
    clean: bool,
    recovery_points: Offsets,
    log_starts: Offsets,
    offline: AtomicBool,
    full: AtomicBool,
    _lock: DirLock,
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
        disk.create_dir_all(folder).map_err(StorageError::at("create", folder))?;
        let lock_path = folder.join(".lock");
        let lock = DirLock::take(&lock_path).map_err(|error| match error {
            NotLocked::Held(pid) => LogDirError::InUse { folder: folder.into(), pid },
            NotLocked::Failed(source) => StorageError::at("lock", lock_path)(source).into(),
        })?;
        let mark = folder.join(CLEAN);
        let clean = disk.read(&mark).map_err(StorageError::at("read", &mark))?.is_some();
        let read = |name: &str| checkpoint::read_offsets(disk, &folder.join(name));
        let (recovery_points, log_starts) = (read(RECOVERY_POINTS)?, read(LOG_STARTS)?);
        // Without its checkpoint, nothing that a clean stop promised is known.
        let known = matches!(recovery_points, Checkpoint::Read(_));
        if clean {
            disk.remove_file(&mark).map_err(StorageError::at("remove", &mark))?;
            disk.sync_dir(folder).map_err(StorageError::at("fsync", folder))?;
        }
        Ok(LogDir {
            os: os.clone(),
            folder: folder.into(),
            files,
            clean: clean && known,
            recovery_points: recovery_points.or_default(),
            log_starts: log_starts.or_default(),
            offline: AtomicBool::new(false),
            full: AtomicBool::new(false),
            _lock: lock,
        })
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
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
    pub fn fail(&self, error: &StorageError) {
        if !self.offline.swap(true, Ordering::AcqRel) {
            let (folder, cause) = (self.folder.display(), &error.source);
            tracing::error!(%folder, %error, %cause, "log directory is offline: it takes no records until its disk is seen to and \
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

    /// Where a partition starts, as the last stop left it.
    pub fn known_start(&self, partition: &TopicPartition) -> Offset {
        self.log_starts.get(partition).copied().unwrap_or(Offset::ZERO)
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
            if entry.name.ends_with("-delete") {
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
        let folder = self.folder.join(partition.to_string());
        let disk = &*self.os.disk;
        disk.create_dir_all(&folder).map_err(StorageError::at("create", &folder))?;
        let file = folder.join(PARTITION_METADATA);
        let mut fresh = false;
        let read = disk.read(&file).map_err(StorageError::at("read", &file))?;
        match read.as_deref().and_then(topic_id_in) {
            Some(found) if found == topic_id => {}
            Some(found) => return Err(OpenError::Foreign { file, found, wanted: topic_id }),
            None => {
                let held = disk.list(&folder).map_err(StorageError::at("list", &folder))?;
                fresh = !held.iter().any(|entry| entry.name.ends_with(".log"));
                let text = format!("version: 0\ntopic_id: {topic_id}");
                disk.replace(&file, text.as_bytes()).map_err(StorageError::at("write", &file))?;
                disk.sync_dir(&self.folder).map_err(StorageError::at("fsync", &self.folder))?;
            }
        }
        // The checkpoints may tell of a topic that had the same name and was deleted.
        let known = |offsets: &Offsets| offsets.get(partition).copied().filter(|_| !fresh);
        let at = |offsets: &Offsets| known(offsets).unwrap_or(Offset::ZERO);
        let opening = Opening {
            recovery_point: at(&self.recovery_points),
            log_start: at(&self.log_starts),
            // What could not be opened was left out of the checkpoint: no stop was a clean one for it.
            clean: self.clean && self.recovery_points.contains_key(partition),
        };
        Log::open(&self.os, &self.files, folder, partition.clone(), config, opening)
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
        self.os.disk.rename(&from, &to).map_err(StorageError::at("rename", &from))?;
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

    /// Replaces the two checkpoints, durably.
    ///
    /// # Errors
    /// As the system says.
    pub fn write_checkpoints(
        &self,
        recovery_points: &Offsets,
        log_starts: &Offsets,
    ) -> Result<(), StorageError> {
        let disk = &*self.os.disk;
        checkpoint::write_offsets(disk, &self.folder.join(RECOVERY_POINTS), recovery_points)?;
        checkpoint::write_offsets(disk, &self.folder.join(LOG_STARTS), log_starts)
    }

    /// Marks a clean stop: all logs are closed and the checkpoints written. Kafka's controller holds the epoch of the broker
    /// that stopped against the one that it knows.
    ///
    /// # Errors
    /// As the system says.
    pub fn mark_clean(&self, broker_epoch: i64) -> Result<(), StorageError> {
        let path = self.folder.join(CLEAN);
        let text = format!(r#"{{"version":0,"brokerEpoch":{broker_epoch}}}"#);
        self.os.disk.replace(&path, text.as_bytes()).map_err(StorageError::at("write", path))
    }
}

/// The partition whose folder has this name.
fn partition_of(name: &str) -> Option<TopicPartition> {
    let (topic, partition) = name.rsplit_once('-')?;
    let partition = PartitionIndex::from_wire(partition.parse().ok()?)?;
    let topic = TopicName::new(topic).ok()?;
    let found = TopicPartition { topic, partition };
    (found.to_string() == name).then_some(found)
}

fn topic_id_in(bytes: &[u8]) -> Option<TopicId> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut lines = text.lines();
    lines.next().filter(|line| *line == "version: 0")?;
    TopicId::parse(lines.next()?.strip_prefix("topic_id: ")?.trim())
}
