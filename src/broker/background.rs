//! What the broker does without being asked: flush, delete, checkpoint.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::cleaner;
use super::groups;
use super::node::Node;
use super::partition::Partition;
use super::scrub;
use super::txns;
use crate::base::{Millis, with_causes};
use crate::log::{LogDir, StorageError};

/// How often is looked for records that waited long enough to be made durable.
const FLUSH_TICK: Duration = Duration::from_millis(100);
/// How often renamed files are looked for that may go.
const DOOMED_TICK: Duration = Duration::from_secs(1);

/// From so many partitions on, their directory is synced as a whole.
pub const MANY: usize = 64;

/// Starts the background's tasks; they end when the broker stops.
pub fn start(node: &Arc<Node>) {
    every(node, FLUSH_TICK, flush);
    every(node, DOOMED_TICK, remove_doomed);
    every(node, millis(node.config.retention_check_interval_ms), retain);
    every(node, millis(node.config.checkpoint_interval_ms), checkpoint);
    every(node, millis(node.config.offsets_check_interval_ms), groups::expire);
    every(node, millis(node.config.transaction_remove_interval_ms), txns::forget_expired);
    tokio::spawn(groups::run(node.clone()));
    txns::start(node);
    scrub::start(node);
    cleaner::start(node);
}

fn millis(count: i64) -> Duration {
    Duration::from_millis(u64::try_from(count).unwrap_or(u64::MAX))
}

fn every(node: &Arc<Node>, period: Duration, work: fn(&Arc<Node>)) {
    let node = node.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                () = node.stopping.cancelled() => return,
                () = tokio::time::sleep(period) => {}
            }
            let worker = node.clone();
            if let Err(error) = tokio::task::spawn_blocking(move || work(&worker)).await {
                tracing::error!(%error, "bug: the background failed");
            }
        }
    });
}

/// Makes durable what waited for `flush.ms`.
fn flush(node: &Arc<Node>) {
    let due = due(&node.dirty);
    for dir in node.partitions.dirs() {
        let here = || due.iter().filter(|partition| Arc::ptr_eq(&partition.dir, dir));
        if here().count() >= MANY {
            flush_all(dir, here());
        } else {
            // The error is logged where the directory is taken offline.
            here().for_each(|partition| drop(partition.flush_now()));
        }
    }
}

/// One sync for many partitions.
fn flush_all<'a>(dir: &LogDir, partitions: impl Iterator<Item = &'a Arc<Partition>>) {
    let points: Vec<_> = partitions
        .filter_map(|partition| partition.flush_point().map(|point| (partition, point)))
        .collect();
    match dir.sync() {
        Ok(()) => points.iter().for_each(|(partition, point)| partition.flushed_with_all(point)),
        Err(error) => points.iter().for_each(|(partition, _)| partition.fail(&error)),
    }
}

/// Takes off the list what waited long enough, and what a group commit made durable meanwhile or never can be.
fn due(dirty: &Mutex<Vec<Arc<Partition>>>) -> Vec<Arc<Partition>> {
    let mut due = std::mem::take(&mut *dirty.lock());
    let mut rest = Vec::new();
    due.retain(|partition| {
        partition.unlist();
        let Some(waited) = partition.dirty_ms() else { return false };
        let log = partition.log();
        // A roll leaves a segment to the next flush, also where `flush.ms` asks for none.
        let is_due = waited >= log.config().flush_ms || log.has_unflushed_seal();
        let offline = log.is_offline();
        drop(log);
        if !is_due && !offline && partition.list() {
            rest.push(partition.clone());
        }
        is_due && !offline
    });
    dirty.lock().append(&mut rest);
    due
}

fn remove_doomed(node: &Arc<Node>) {
    let now = node.now();
    node.partitions.remove_doomed(now.0);
    for partition in node.partitions.online() {
        let mut log = partition.log();
        if partition.is_deleted() {
            continue;
        }
        // Where there is no room, what nobody can read any more goes at once.
        let due = if partition.dir.is_full() { Millis(i64::MAX) } else { now };
        let removed = log.remove_doomed(due);
        drop(log);
        if let Err(error) = removed {
            tracing::error!(partition = %partition.id, error = %with_causes(&error), "removing deleted segments failed");
        }
    }
}

fn retain(node: &Arc<Node>) {
    let now = node.now();
    let silent_since = now.0.saturating_sub(node.config.producer_id_expiration_ms);
    for partition in node.partitions.online() {
        partition.log().expire_producers(silent_since);
        // A segment at a time: whether the next one is old enough may have to be made sure of first.
        let done = loop {
            if let Err(error) = make_sure_of_age(&partition, now) {
                break Err(error);
            }
            // Under the log's lock whoever appends would wait for the disk.
            if let Err(error) = partition.sync_names() {
                break Err(error);
            }
            let mut log = partition.log();
            // Another topic may have its folder by now.
            let done = if partition.is_deleted() { Ok(0) } else { log.enforce_retention(now, 1) };
            drop(log);
            match done {
                Ok(0) => break Ok(()),
                Ok(segments) => {
                    tracing::debug!(partition = %partition.id, segments, "retention deleted segments")
                }
                Err(error) => break Err(error),
            }
        };
        if let Err(error) = done {
            tracing::error!(partition = %partition.id, error = %with_causes(&error), "retention failed");
        }
    }
}

fn make_sure_of_age(partition: &Partition, now: Millis) -> Result<(), StorageError> {
    loop {
        let check = partition.log().check_before_retention(now)?;
        // What a failed check means was logged; the segment stays.
        match check.map(|check| partition.check(&check)) {
            Some(Ok(())) => {}
            None | Some(Err(_)) => return Ok(()),
        }
    }
}

fn checkpoint(node: &Arc<Node>) {
    node.partitions.checkpoint();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::partition::tests::{append_one, open};
    use crate::config::TopicConfig;

    #[test]
    fn a_partition_is_listed_once_however_often_group_commits_make_it_clean() {
        let folder = tempfile::tempdir().unwrap();
        let partition = open(folder.path());
        let dirty = Mutex::new(Vec::new());
        for _ in 0..3 {
            if partition.mark_dirty() {
                dirty.lock().push(partition.clone());
            }
            partition.flush_now().unwrap();
        }
        assert_eq!(dirty.lock().len(), 1);
        assert!(due(&dirty).is_empty() && dirty.lock().is_empty(), "nothing waits any more");
        assert!(partition.mark_dirty(), "it was taken off the list");
        dirty.lock().push(partition.clone());
        assert!(due(&dirty).is_empty(), "flush.ms has not passed");
        assert_eq!(dirty.lock().len(), 1, "it waits on");
        assert!(!partition.mark_dirty());
    }

    #[test]
    fn what_a_roll_sealed_is_flushed_though_flush_ms_asks_for_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let partition = open(folder.path());
        let never = TopicConfig { flush_ms: i64::MAX, ..TopicConfig::default() };
        partition.log().set_config(never.into());
        append_one(&mut partition.log());
        let dirty = Mutex::new(Vec::new());
        let is_due = || {
            if partition.mark_dirty() {
                dirty.lock().push(partition.clone());
            }
            !due(&dirty).is_empty()
        };
        assert!(!is_due());
        partition.log().roll().unwrap();
        append_one(&mut partition.log());
        assert!(is_due());
        partition.flush_now().unwrap();
        assert!(!is_due());
    }
}
