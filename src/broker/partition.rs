//! One partition: its log behind the one lock, who waits for its records, and its group commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;

use crate::base::{LeaderEpoch, Offset, TopicPartition};
use crate::log::{AppendError, Log, LogDir, StorageError};

/// A request that waits for records; woken by any of the partitions that it registered with.
#[derive(Debug, Default)]
pub struct Waiter {
    wake: Notify,
}

impl Waiter {
    /// Waits until something was appended since the last time.
    pub async fn woken(&self) {
        self.wake.notified().await;
    }
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
    waiters: Mutex<Vec<Arc<Waiter>>>,
    /// One flush at a time; all who wait for it are served by the next one.
    flushing: tokio::sync::Mutex<()>,
    flushed: AtomicI64,
    /// Since when records wait to be made durable.
    dirty_since: Mutex<Option<Instant>>,
}

impl Partition {
    /// Wraps an open log.
    pub fn new(log: Log, dir: Arc<LogDir>, leader_epoch: LeaderEpoch) -> Partition {
        Partition {
            id: log.partition().clone(),
            dir,
            leader_epoch,
            flushed: AtomicI64::new(log.recovery_point().get()),
            log: Mutex::new(log),
            waiters: Mutex::default(),
            flushing: tokio::sync::Mutex::default(),
            dirty_since: Mutex::default(),
        }
    }

    /// Its log. Not to be held over an `.await`.
    pub fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock()
    }

    /// Wakes `waiter` at the next append.
    pub fn wait(&self, waiter: &Arc<Waiter>) {
        let mut waiters = self.waiters.lock();
        // Those whose request was answered meanwhile are held here only.
        waiters.retain(|other| Arc::strong_count(other) > 1 && !Arc::ptr_eq(other, waiter));
        waiters.push(waiter.clone());
    }

    /// Wakes all who wait.
    pub fn wake(&self) {
        for waiter in std::mem::take(&mut *self.waiters.lock()) {
            waiter.wake.notify_one();
        }
    }

    /// Notes that records wait to be made durable. Returns whether none did before.
    pub fn mark_dirty(&self) -> bool {
        let mut since = self.dirty_since.lock();
        let first = since.is_none();
        since.get_or_insert_with(Instant::now);
        first
    }

    /// How long records have waited to be made durable, in ms; 0 if none do.
    pub fn dirty_ms(&self) -> i64 {
        let since = *self.dirty_since.lock();
        since.map_or(0, |since| i64::try_from(since.elapsed().as_millis()).unwrap_or(i64::MAX))
    }

    /// Returns once all below `up_to` is on disk. One fdatasync serves all who wait meanwhile.
    ///
    /// # Errors
    /// The disk failed, which is final: the log directory is offline from now on.
    pub async fn durable(self: &Arc<Partition>, up_to: Offset) -> Result<(), AppendError> {
        if self.flushed.load(Ordering::Acquire) >= up_to.get() {
            return Ok(());
        }
        let _turn = self.flushing.lock().await;
        if self.flushed.load(Ordering::Acquire) >= up_to.get() {
            return Ok(());
        }
        let partition = self.clone();
        let run = tokio::task::spawn_blocking(move || partition.flush_now());
        match run.await {
            Ok(done) => done.map_err(AppendError::Storage),
            Err(_) => Err(AppendError::Offline { partition: self.id.to_string() }),
        }
    }

    /// Makes all that is in the log durable. Blocking; one at a time.
    ///
    /// # Errors
    /// As the system says; the directory is taken offline.
    pub fn flush_now(&self) -> Result<(), StorageError> {
        self.dirty_since.lock().take();
        let flush = || {
            let plan = self.log().flush_plan()?;
            let Some(plan) = plan else { return Ok(()) };
            plan.run()?;
            self.log().flushed(plan.up_to());
            self.flushed.fetch_max(plan.up_to().get(), Ordering::AcqRel);
            Ok(())
        };
        flush().inspect_err(|error| self.fail(error))
    }

    /// Takes the log directory offline: after a failed fsync its pages may be gone.
    pub fn fail(&self, error: &StorageError) {
        self.log().take_offline();
        if self.dir.take_offline() {
            let folder = self.dir.folder().display();
            tracing::error!(%folder, %error, "log directory is offline: it takes no more records until a restart");
        }
    }
}
