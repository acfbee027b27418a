//! How far a group has read.

use std::collections::BTreeMap;

use bytestring::ByteString;

use super::any::AnyGroup;

/// One committed offset.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CommittedOffset {
    /// The next record to read.
    pub offset: i64,
    /// The leader epoch of the last record that was read; -1 if unknown.
    pub leader_epoch: i32,
    /// Whatever the committer wanted to remember.
    pub metadata: ByteString,
    /// When it was committed, in ms.
    pub committed_at: i64,
    /// When it is forgotten, if the committer said so (OffsetCommit up to v4).
    pub expires_at: Option<i64>,
}

/// A topic's name and a partition.
type Place = (ByteString, i32);

/// One offset, and where in `__consumer_offsets` it stands.
type Kept = (CommittedOffset, i64);

/// The offsets of one group, by topic and partition.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CommittedOffsets {
    committed: BTreeMap<Place, Kept>,
    /// What counts once its transaction is committed, by producer id.
    pending: BTreeMap<i64, BTreeMap<Place, Kept>>,
}

impl CommittedOffsets {
    /// One partition's.
    pub fn get(&self, topic: &ByteString, partition: i32) -> Option<&CommittedOffset> {
        self.committed.get(&(topic.clone(), partition)).map(|(offset, _)| offset)
    }

    /// All that are committed, by topic and partition.
    pub fn iter(&self) -> impl Iterator<Item = (&Place, &CommittedOffset)> {
        self.committed.iter().map(|(place, (offset, _))| (place, offset))
    }

    /// Whether there are none, also none that a transaction may still commit.
    pub fn is_empty(&self) -> bool {
        self.committed.is_empty() && self.pending.is_empty()
    }

    /// Sets one whose record stands at `at`.
    pub fn set(&mut self, place: Place, offset: CommittedOffset, at: i64) {
        self.committed.insert(place, (offset, at));
    }

    /// Forgets one.
    pub fn forget(&mut self, place: &Place) {
        self.committed.remove(place);
    }

    /// Keeps one that counts once the transaction of `producer_id` is committed; its record stands at `at`.
    pub fn hold(&mut self, producer_id: i64, place: Place, offset: CommittedOffset, at: i64) {
        self.pending.entry(producer_id).or_default().insert(place, (offset, at));
    }

    /// The transaction of `producer_id` ended. What was committed after an offset of it, in the order of the log, stays.
    pub fn end(&mut self, producer_id: i64, commit: bool) {
        let held = self.pending.remove(&producer_id).filter(|_| commit);
        for (place, (offset, at)) in held.into_iter().flatten() {
            let is_older = self.committed.get(&place).is_some_and(|(_, newer)| *newer > at);
            if !is_older {
                self.committed.insert(place, (offset, at));
            }
        }
    }

    /// Whether a transaction may still change a partition's offset (KIP-447).
    pub fn is_pending(&self, place: &Place) -> bool {
        self.pending.values().any(|held| held.contains_key(place))
    }

    /// Whether the transaction of `producer_id` may still change an offset.
    pub fn holds(&self, producer_id: i64) -> bool {
        self.pending.contains_key(&producer_id)
    }

    /// Whether any transaction may.
    pub fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Those that may be forgotten at `now_ms` (wall clock), as Kafka counts it (KIP-211, KIP-496): a group with members keeps those of
    /// topics that they read; one that lost its last member keeps all for `retention_ms` from then on, or from the commit if
    /// that was later; one that never had members, and one of the consumer protocol, counts from each commit. An offset that names its own end is kept until then,
    /// one that an open transaction may change until that ends.
    pub fn expired(&self, group: &AnyGroup, retention_ms: i64, now_ms: i64) -> Vec<Place> {
        let Some(since) = group.offsets_age_from() else { return Vec::new() };
        let due = |offset: &CommittedOffset| match offset.expires_at {
            Some(end) => now_ms >= end,
            None => now_ms >= since.max(offset.committed_at).saturating_add(retention_ms),
        };
        let unread = |place: &Place| !group.is_subscribed(&place.0) && !self.is_pending(place);
        self.iter()
            .filter(|(place, offset)| due(offset) && unread(place))
            .map(|(place, _)| place.clone())
            .collect()
    }
}
