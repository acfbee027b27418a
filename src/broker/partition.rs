//! One partition: its log behind the one lock, who waits for its records, and its group commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;

use super::group_commit::GroupCommit;
use crate::base::{LeaderEpoch, Offset, TopicPartition, with_causes};
use crate::log::{AppendError, Check, FlushPoint, Log, LogDir, ReadError, StorageError};

/// A request that waits for records; woken by any of the partitions that it registered with.
#[derive(Debug, Default)]
pub struct Waiter {
    wake: Notify,
    woken_by: Mutex<Vec<usize>>,
}

impl Waiter {
    /// Waits until something was appended since the last time; tells by what places its partitions were registered.
    pub async fn woken(&self) -> Vec<usize> {
        self.wake.notified().await;
        std::mem::take(&mut *self.woken_by.lock())
    }
}

/// Who waits for a partition's records, each with the place that it knows the partition by.
#[derive(Debug, Default)]
struct Waiting {
    waiters: Vec<(Arc<Waiter>, usize)>,
    /// With so many, those that wait no longer are looked for.
    sweep_at: usize,
}

/// One partition that this node leads.
#[derive(Debug)]
pub struct Partition {
    /// Which one.
    pub id: TopicPartition,
    /// Where its log is.
    pub dir: Arc<LogDir>,
    /// The leader's epoch.
    pub leader_epoch: LeaderEpoch,
    log: Mutex<Log>,
    /// Whether something on disk is not what was written: nothing is served until it is repaired and klog restarted.
    damaged: AtomicBool,
    waiters: Mutex<Waiting>,
    commit: GroupCommit,
    /// Since when records wait to be made durable.
    dirty_since: Mutex<Option<Instant>>,
    /// Whether the background has it on its list of those.
    listed: AtomicBool,
    deleted: AtomicBool,
}

impl Partition {
    /// Wraps an open log.
    pub fn new(log: Log, dir: Arc<LogDir>, leader_epoch: LeaderEpoch) -> Partition {
        Partition {
            id: log.partition().clone(),
            dir,
            leader_epoch,
            commit: GroupCommit::new(log.recovery_point()),
            log: Mutex::new(log),
            damaged: AtomicBool::new(false),
            waiters: Mutex::default(),
            dirty_since: Mutex::default(),
            listed: AtomicBool::new(false),
            deleted: AtomicBool::new(false),
        }
    }

    /// Its log. Not to be held over an `.await`.
    pub fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock()
    }

    /// Wakes `waiter` at the next append, once, and tells it `place`.
    pub fn wait(&self, waiter: &Arc<Waiter>, place: usize) {
        let mut waiting = self.waiters.lock();
        if waiting.waiters.len() >= waiting.sweep_at {
            // Those whose request was answered meanwhile are held here only.
            waiting.waiters.retain(|(other, _)| Arc::strong_count(other) > 1);
            waiting.sweep_at = (2 * waiting.waiters.len()).max(16);
        }
        waiting.waiters.push((waiter.clone(), place));
    }

    /// Wakes all who wait.
    pub fn wake(&self) {
        for (waiter, place) in std::mem::take(&mut self.waiters.lock().waiters) {
            waiter.woken_by.lock().push(place);
            waiter.wake.notify_one();
        }
    }

    /// Notes that records wait to be made durable. Returns whether the background has yet to be told: it lists a partition
    /// once, however often a group commit made it clean meanwhile.
    pub fn mark_dirty(&self) -> bool {
        self.dirty_since.lock().get_or_insert_with(Instant::now);
        self.list()
    }

    /// Notes that it is on the background's list. Returns whether it was not.
    pub fn list(&self) -> bool {
        !self.listed.swap(true, Ordering::AcqRel)
    }

    /// Notes that it was taken off the list. Then it is looked at: what is marked after that lists it again.
    pub fn unlist(&self) {
        self.listed.store(false, Ordering::Release);
    }

    /// How long records have waited to be made durable, in ms; `None` if none do.
    pub fn dirty_ms(&self) -> Option<i64> {
        let since = *self.dirty_since.lock();
        since.map(|since| i64::try_from(since.elapsed().as_millis()).unwrap_or(i64::MAX))
    }

    /// Notes that its topic was deleted. Under the log's lock, before the folder is renamed.
    pub fn mark_deleted(&self) {
        self.deleted.store(true, Ordering::Release);
    }

    /// Whether its topic was deleted: another one may have its name and folder by now. Whoever wants to use its files asks
    /// under the log's lock.
    pub fn is_deleted(&self) -> bool {
        self.deleted.load(Ordering::Acquire)
    }

    /// Returns once all below `up_to` is on disk. One fdatasync serves all who wait meanwhile.
    ///
    /// # Errors
    /// The disk failed, which is final: the log directory is offline from now on.
    pub async fn durable(self: &Arc<Partition>, up_to: Offset) -> Result<(), AppendError> {
        let begin = || {
            let partition = self.clone();
            tokio::task::spawn_blocking(move || {
                // The error is logged where the directory is taken offline.
                partition.commit.run(|| drop(partition.flush_now()));
            });
        };
        match self.commit.wait(up_to, begin).await {
            true => Ok(()),
            false => Err(AppendError::Offline { partition: self.id.to_string() }),
        }
    }

    /// Makes all that is in the log durable. Blocking. Nothing is left to do once its topic was deleted, or its disk has failed.
    ///
    /// # Errors
    /// As the system says; the directory is taken offline.
    pub fn flush_now(&self) -> Result<(), StorageError> {
        self.dirty_since.lock().take();
        let flush = || {
            let log = self.log();
            // After a failed fsync another one says nothing.
            let is_over = self.is_deleted() || log.is_offline();
            let plan = if is_over { None } else { log.flush_plan()? };
            drop(log);
            let Some(plan) = plan else { return Ok(()) };
            match plan.run() {
                // The folder was renamed under the plan: no failure of the disk.
                Err(_) if self.is_deleted() => return Ok(()),
                done => done?,
            }
            let mut log = self.log();
            log.flushed(plan.up_to());
            self.commit.note(log.recovery_point());
            Ok(())
        };
        flush().inspect_err(|error| self.fail(error))
    }

    /// Makes the names in its folder durable. Blocking, but does not hold the log over it.
    ///
    /// # Errors
    /// As the system says; the directory is taken offline.
    pub fn sync_names(&self) -> Result<(), StorageError> {
        let log = self.log();
        let is_over = self.is_deleted() || log.is_offline();
        let plan = log.names_plan().filter(|_| !is_over);
        drop(log);
        match plan.map_or(Ok(()), |plan| plan.run()) {
            // The folder was renamed under the plan: no failure of the disk.
            Err(_) if self.is_deleted() => Ok(()),
            done => done.inspect_err(|error| self.fail(error)),
        }
    }

    /// What a sync of the whole directory will make durable; `None` if nothing is to be.
    pub fn flush_point(&self) -> Option<FlushPoint> {
        self.dirty_since.lock().take();
        let log = self.log();
        if self.is_deleted() { None } else { log.flush_point() }
    }

    /// Notes that the directory was synced since `point` was taken.
    pub fn flushed_with_all(&self, point: &FlushPoint) {
        let mut log = self.log();
        log.flushed_with_all(point);
        self.commit.note(log.recovery_point());
    }

    /// Whether it is offline because of damage; the rest of the node serves on.
    pub fn is_damaged(&self) -> bool {
        self.damaged.load(Ordering::Acquire)
    }

    /// Reads, and checks first what has to be checked first. Blocking.
    ///
    /// # Errors
    /// As `read`, but never `Unchecked`; damage takes the partition offline.
    pub fn read<T>(&self, read: impl Fn(&Log) -> Result<T, ReadError>) -> Result<T, ReadError> {
        loop {
            let found = read(&self.log());
            match found {
                Err(ReadError::Unchecked(check)) => self.check(&check)?,
                Err(error) => {
                    self.read_failed(&error);
                    return Err(error);
                }
                Ok(found) => return Ok(found),
            }
        }
    }

    /// Checks a stretch that stood on disk before this start. Blocking; does not hold the log over it.
    ///
    /// # Errors
    /// Damage, which takes the partition offline; `Storage` as the system says.
    pub fn check(&self, check: &Check) -> Result<(), ReadError> {
        let done = check.run();
        let noted = done.and_then(|done| self.log().checked(done));
        noted.inspect_err(|error| self.read_failed(error))
    }

    /// Takes the partition offline if its bytes are not what was written, or cannot be read.
    pub fn read_failed(&self, error: &ReadError) {
        if self.is_deleted() {
            return;
        }
        let (broken, error) = match error {
            ReadError::OutOfRange { .. } | ReadError::Unchecked(_) => return,
            ReadError::Storage(storage) => (storage.is_disk_failure(), with_causes(storage)),
            ReadError::Astray { .. } => (false, error.to_string()),
            ReadError::Damaged { .. } | ReadError::Rotten(_) => (true, error.to_string()),
        };
        if !broken {
            tracing::error!(partition = %self.id, %error, "read failed");
        } else if !self.damaged.swap(true, Ordering::AcqRel) {
            tracing::error!(partition = %self.id, %error, "partition is offline; the rest of the node serves on");
            self.wake();
        }
    }

    /// Notes that an append failed; `kept` if what it wrote could not be taken back. A full disk passes; one that failed
    /// takes its directory offline.
    pub fn append_failed(&self, error: &StorageError, kept: bool) {
        if kept || error.is_disk_failure() {
            self.fail(error);
        } else if error.is_no_room() {
            self.dir.set_full(true);
        } else {
            tracing::error!(partition = %self.id, error = %with_causes(error), "append failed");
        }
    }

    /// Takes the log directory offline: after a failed fsync its pages may be gone.
    pub fn fail(&self, error: &StorageError) {
        self.log().take_offline();
        self.dir.fail(error);
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::path::Path;

    use super::*;
    use crate::base::{Millis, PartitionIndex, TopicId, TopicName};
    use crate::config::TopicConfig;
    use crate::log::FileCache;
    use crate::os::Os;
    use crate::record::{Batch, BatchBuilder, BatchOptions, Checked};

    /// Appends a record.
    pub fn append_one(log: &mut Log) {
        let mut batch = BatchBuilder::new(BatchOptions::default());
        batch.append(1, None, Some(b"v"), []).unwrap();
        let batch = Batch::new(batch.build().unwrap()).unwrap();
        let checked =
            Checked { max_timestamp: Millis(1), decompressed_bytes: batch.size_in_bytes() };
        log.append(&batch, &checked, LeaderEpoch::ZERO, Millis(1)).unwrap();
    }

    /// A new partition in a log directory of its own.
    pub fn open(folder: &Path) -> Arc<Partition> {
        let os = Os::real();
        let files = Arc::new(FileCache::new(os.disk.clone(), 16));
        let dir = Arc::new(LogDir::open(&os, folder, files).unwrap());
        let id =
            TopicPartition { topic: TopicName::new("t").unwrap(), partition: PartitionIndex::ZERO };
        let config = Arc::new(TopicConfig::default());
        let (log, _) = dir.open_log(&id, TopicId([7; 16]), config).unwrap();
        Arc::new(Partition::new(log, dir, LeaderEpoch::ZERO))
    }

    #[test]
    fn a_flush_that_meets_a_deleted_topic_is_no_failure_of_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let partition = open(folder.path());
        let mut log = partition.log();
        append_one(&mut log);
        partition.mark_deleted();
        partition.dir.doom(&partition.id).unwrap();
        drop(log);
        partition.flush_now().unwrap();
        assert!(!partition.dir.is_offline());
    }
}
