//! One task that looks after groups when they asked for it, and forgets what is too old.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::Duration;

use bytestring::ByteString;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::Coordinated;
use crate::broker::node::Node;
use crate::group::{AnyGroup, Entry};

/// When which group wants to be looked after.
#[derive(Debug, Default)]
pub struct Timer {
    due: Mutex<BinaryHeap<Reverse<(i64, ByteString)>>>,
    sooner: Notify,
}

impl Timer {
    /// Looks after a group at a time of the steady clock.
    pub fn arm(&self, at: i64, group: ByteString) {
        let mut due = self.due.lock();
        let first = due.peek().is_none_or(|Reverse((next, _))| at < *next);
        due.push(Reverse((at, group)));
        drop(due);
        if first {
            self.sooner.notify_one();
        }
    }

    fn next(&self) -> Option<i64> {
        self.due.lock().peek().map(|Reverse((at, _))| *at)
    }

    fn pop(&self, now: i64) -> Option<(i64, ByteString)> {
        let mut due = self.due.lock();
        let is_due = due.peek().is_some_and(|Reverse((at, _))| *at <= now);
        if is_due { due.pop().map(|Reverse(entry)| entry) } else { None }
    }
}

/// Runs until the broker stops.
pub async fn run(node: Arc<Node>) {
    let timer = &node.groups.timer;
    loop {
        let now = node.group_now().steady_ms;
        while let Some((at, id)) = timer.pop(now) {
            look_after(&node, at, &id);
        }
        let wait = timer.next().map_or(i64::MAX, |next| next.saturating_sub(now));
        let wait = Duration::from_millis(u64::try_from(wait).unwrap_or(0).min(3_600_000));
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = timer.sooner.notified() => {}
            () = node.stopping.cancelled() => return,
        }
    }
}

fn look_after(node: &Arc<Node>, at: i64, id: &ByteString) {
    let Some(found) = node.groups.find(id) else { return };
    {
        let mut coordinated = found.lock();
        if coordinated.armed != at {
            return; // It was armed again for another time.
        }
        coordinated.armed = i64::MAX;
    }
    let now = node.group_now();
    let ((), written) = node.drive(&found, |coordinated, asked| match &mut coordinated.group {
        AnyGroup::Classic(group) => group.on_time(now, &mut asked.effects),
        AnyGroup::Consumer(group) => group.on_time(now, &mut asked.records),
    });
    if let Err(error) = written {
        tracing::debug!(group = %id, %error, "what became of silent members is written by the next change");
    }
    forget_if_nothing(node, id, &found);
}

/// A group that was asked for, and never came to anything, leaves no trace.
pub(super) fn forget_if_nothing(node: &Node, id: &ByteString, found: &Arc<Mutex<Coordinated>>) {
    let mut by_id = node.groups.by_id.write();
    let mut coordinated = found.lock();
    let nothing =
        coordinated.group.is_empty() && coordinated.offsets.is_empty() && !coordinated.stored;
    // Who found it before is told to look for it again.
    if nothing && coordinated.group.kill(node.group_now()).is_ok() {
        coordinated.dead = true;
        by_id.remove(id);
    }
}

/// Forgets offsets that are too old, and groups that then have nothing left. Blocking.
pub fn expire(node: &Arc<Node>) {
    for found in node.groups.all() {
        let mut coordinated = found.lock();
        let id = coordinated.group.id().clone();
        if node.check_coordinates(&id).is_err() {
            continue;
        }
        let now = node.now().0;
        let due =
            coordinated.offsets.expired(&coordinated.group, node.config.offsets_retention_ms, now);
        let all =
            due.len() == coordinated.offsets.iter().count() && !coordinated.offsets.has_pending();
        let ends = all && coordinated.group.is_at_rest();
        let mut entries: Vec<Entry> =
            due.iter().map(|place| Entry::Offset(id.clone(), place.clone(), None)).collect();
        if ends && coordinated.stored {
            entries.extend(coordinated.tombstones());
        }
        if node.store_entries(&id, &entries).is_err() {
            continue; // It was logged; the next turn tries again.
        }
        due.iter().for_each(|place| coordinated.offsets.forget(place));
        if ends {
            let _ = coordinated.group.kill(node.group_now());
            coordinated.dead = true;
            drop(coordinated);
            node.groups.by_id.write().remove(&id);
            tracing::info!(group = %id, "forgot a group without members and offsets");
        }
    }
}
