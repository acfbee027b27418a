//! What the broker does without being asked: flush, delete, checkpoint.

use std::sync::Arc;
use std::time::Duration;

use super::groups;
use super::node::Node;
use super::partition::Partition;

/// How often is looked for records that waited long enough to be made durable.
const FLUSH_TICK: Duration = Duration::from_millis(100);
/// How often renamed files are looked for that may go.
const DOOMED_TICK: Duration = Duration::from_secs(1);

/// Starts the background's tasks; they end when the broker stops.
pub fn start(node: &Arc<Node>) {
    every(node, FLUSH_TICK, flush);
    every(node, DOOMED_TICK, remove_doomed);
    every(node, millis(node.config.retention_check_interval_ms), retain);
    every(node, millis(node.config.checkpoint_interval_ms), checkpoint);
    every(node, millis(node.config.offsets_check_interval_ms), groups::expire);
    tokio::spawn(groups::run(node.clone()));
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
    let dirty = std::mem::take(&mut *node.dirty.lock());
    let due =
        |partition: &Arc<Partition>| partition.dirty_ms() >= partition.log().config().flush_ms;
    let (due, rest): (Vec<_>, Vec<_>) = dirty.into_iter().partition(due);
    node.dirty.lock().extend(rest);
    for partition in due.iter().filter(|partition| !partition.log().is_offline()) {
        // The error is logged where the directory is taken offline.
        let _ = partition.flush_now();
    }
}

fn remove_doomed(node: &Arc<Node>) {
    let now = node.now();
    node.partitions.remove_doomed(now.0);
    for partition in node.partitions.online() {
        let removed = partition.log().remove_doomed(now);
        if let Err(error) = removed {
            tracing::error!(partition = %partition.id, %error, "removing deleted segments failed");
        }
    }
}

fn retain(node: &Arc<Node>) {
    let now = node.now();
    let silent_since = now.0.saturating_sub(node.config.producer_id_expiration_ms);
    for partition in node.partitions.online() {
        let mut log = partition.log();
        log.expire_producers(silent_since);
        let done = log.enforce_retention(now);
        drop(log);
        match done {
            Ok(0) => {}
            Ok(segments) => {
                tracing::info!(partition = %partition.id, segments, "retention deleted segments")
            }
            Err(error) => tracing::error!(partition = %partition.id, %error, "retention failed"),
        }
    }
}

fn checkpoint(node: &Arc<Node>) {
    if let Err(error) = node.partitions.checkpoint() {
        tracing::error!(%error, "writing the checkpoints failed");
    }
}
