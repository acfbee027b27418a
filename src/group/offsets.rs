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

/// The offsets of one group, by topic and partition.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CommittedOffsets(BTreeMap<(ByteString, i32), CommittedOffset>);

impl CommittedOffsets {
    /// One partition's.
    pub fn get(&self, topic: &ByteString, partition: i32) -> Option<&CommittedOffset> {
        self.0.get(&(topic.clone(), partition))
    }

    /// All, by topic and partition.
    pub fn iter(&self) -> impl Iterator<Item = (&(ByteString, i32), &CommittedOffset)> {
        self.0.iter()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sets one, or forgets it.
    pub fn apply(&mut self, place: (ByteString, i32), offset: Option<CommittedOffset>) {
        match offset {
            Some(offset) => self.0.insert(place, offset),
            None => self.0.remove(&place),
        };
    }

    /// Those that may be forgotten at `now_ms` (wall clock), as Kafka counts it (KIP-211, KIP-496): a group with members keeps those of
    /// topics that they read; one that lost its last member keeps all for `retention_ms` from then on, or from the commit if
    /// that was later; one that never had members, and one of the consumer protocol, counts from each commit. An offset that names its own end is kept until then.
    pub fn expired(
        &self,
        group: &AnyGroup,
        retention_ms: i64,
        now_ms: i64,
    ) -> Vec<(ByteString, i32)> {
        let Some(since) = group.offsets_age_from() else { return Vec::new() };
        let due = |offset: &CommittedOffset| match offset.expires_at {
            Some(end) => now_ms >= end,
            None => now_ms >= since.max(offset.committed_at).saturating_add(retention_ms),
        };
        let unread = |place: &(ByteString, i32)| !group.is_subscribed(&place.0);
        self.0
            .iter()
            .filter(|(place, offset)| due(offset) && unread(place))
            .map(|(place, _)| place.clone())
            .collect()
    }
}
