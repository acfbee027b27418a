//! One member of a consumer group: what it wants, and what it has.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use bytestring::ByteString;

use crate::base::TopicId;
use crate::group::assignor::Partitions;

/// Partitions that a member has, and since which epoch it has each.
pub type Owned = BTreeMap<(TopicId, i32), i32>;

/// How far a member is on its way to what it is to have. It gives up before it is given.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum MemberState {
    /// It has what it is to have.
    #[default]
    Stable,
    /// It was asked to give up partitions, and has not said yet that it did.
    UnrevokedPartitions,
    /// It waits for partitions that others still have.
    UnreleasedPartitions,
    /// A state of a newer Kafka.
    Unknown(i8),
}

impl MemberState {
    pub(super) fn to_wire(self) -> i8 {
        match self {
            MemberState::Stable => 0,
            MemberState::UnrevokedPartitions => 1,
            MemberState::UnreleasedPartitions => 2,
            MemberState::Unknown(raw) => raw,
        }
    }

    pub(super) fn from_wire(raw: i8) -> MemberState {
        match raw {
            0 => MemberState::Stable,
            1 => MemberState::UnrevokedPartitions,
            2 => MemberState::UnreleasedPartitions,
            other => MemberState::Unknown(other),
        }
    }
}

/// What a member of the classic protocol in a consumer group says of itself beyond the others.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct ClassicPart {
    /// How long it may be silent.
    pub session_timeout_ms: i32,
    /// The assignors that it can do, with what it says for each.
    pub protocols: Vec<(ByteString, Bytes)>,
}

/// What a member says of itself, and wants.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Subscription {
    /// Its static name (KIP-345).
    pub instance_id: Option<ByteString>,
    /// Its rack.
    pub rack_id: Option<ByteString>,
    /// What its client calls itself.
    pub client_id: ByteString,
    /// Where it connects from.
    pub host: ByteString,
    /// The topics that it reads.
    pub topics: BTreeSet<ByteString>,
    /// A regular expression over topics that it reads as well; `None` or empty: none.
    pub pattern: Option<ByteString>,
    /// How long it may take to give partitions up.
    pub rebalance_timeout_ms: i32,
    /// The assignor that it wants.
    pub assignor: Option<ByteString>,
    /// Set if it speaks the classic protocol.
    pub classic: Option<ClassicPart>,
}

impl Subscription {
    /// Its regular expression, if it has one.
    pub fn pattern(&self) -> Option<&ByteString> {
        self.pattern.as_ref().filter(|pattern| !pattern.is_empty())
    }
}

/// What a member has.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Current {
    /// The epoch that it is in.
    pub epoch: i32,
    /// The one before: an answer with the newer one may have been lost.
    pub previous_epoch: i32,
    /// How far it is.
    pub state: MemberState,
    /// What it has and keeps.
    pub assigned: Owned,
    /// What it has and is to give up.
    pub revoking: Owned,
}

impl Current {
    /// What it may read, by topic.
    pub fn partitions(&self) -> Partitions {
        let mut partitions = Partitions::new();
        for (topic, partition) in self.assigned.keys() {
            partitions.entry(*topic).or_default().insert(*partition);
        }
        partitions
    }

    /// Since which epoch it has a partition.
    pub fn since(&self, topic: TopicId, partition: i32) -> Option<i32> {
        let place = (topic, partition);
        self.assigned.get(&place).or_else(|| self.revoking.get(&place)).copied()
    }
}
