//! A consumer group as it is shown.

use bytestring::ByteString;

use super::member::MemberState;
use super::{ConsumerGroup, Member};
use crate::group::assignor::Partitions;

/// Where a consumer group stands (Kafka's names).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ConsumerState {
    /// It has no members.
    Empty,
    /// It is not worked out yet who is to have what.
    Assigning,
    /// Members are on their way to what they are to have.
    Reconciling,
    /// All have what they are to have.
    Stable,
}

impl ConsumerState {
    /// Its name in Kafka.
    pub fn name(self) -> &'static str {
        match self {
            ConsumerState::Empty => "Empty",
            ConsumerState::Assigning => "Assigning",
            ConsumerState::Reconciling => "Reconciling",
            ConsumerState::Stable => "Stable",
        }
    }
}

/// A member as ConsumerGroupDescribe shows it.
#[derive(Clone, PartialEq, Debug)]
pub struct DescribedConsumerMember {
    /// Its id.
    pub id: ByteString,
    /// Its static name.
    pub instance_id: Option<ByteString>,
    /// Its rack.
    pub rack_id: Option<ByteString>,
    /// Its epoch.
    pub epoch: i32,
    /// What its client calls itself.
    pub client_id: ByteString,
    /// Where it connects from.
    pub host: ByteString,
    /// The topics that it reads.
    pub topics: Vec<ByteString>,
    /// Its regular expression over topics.
    pub pattern: Option<ByteString>,
    /// What it has.
    pub assignment: Partitions,
    /// What it is to have.
    pub target: Partitions,
    /// Whether it speaks the classic protocol.
    pub is_classic: bool,
}

/// A group as ConsumerGroupDescribe shows it.
#[derive(Clone, PartialEq, Debug)]
pub struct DescribedConsumer {
    /// Where it stands.
    pub state: ConsumerState,
    /// Its epoch.
    pub epoch: i32,
    /// For which epoch it was worked out who is to have what.
    pub target_epoch: i32,
    /// By which assignor.
    pub assignor: &'static str,
    /// Its members, by id.
    pub members: Vec<DescribedConsumerMember>,
}

impl ConsumerGroup {
    /// Where it stands.
    pub fn state(&self) -> ConsumerState {
        let facts = &self.facts;
        let settled = |member: &Member| {
            member.has.state == MemberState::Stable && member.has.epoch == facts.target_epoch
        };
        if facts.members.is_empty() {
            ConsumerState::Empty
        } else if facts.epoch > facts.target_epoch {
            ConsumerState::Assigning
        } else if facts.members.values().all(|member| settled(member)) {
            ConsumerState::Stable
        } else {
            ConsumerState::Reconciling
        }
    }

    /// As ConsumerGroupDescribe shows it.
    pub fn describe(&self) -> DescribedConsumer {
        let shown = |id: &ByteString, member: &Member| DescribedConsumerMember {
            id: id.clone(),
            instance_id: member.wants.instance_id.clone(),
            rack_id: member.wants.rack_id.clone(),
            epoch: member.has.epoch,
            client_id: member.wants.client_id.clone(),
            host: member.wants.host.clone(),
            topics: member.wants.topics.iter().cloned().collect(),
            pattern: member.wants.pattern().cloned(),
            assignment: member.has.partitions(),
            target: member.target.clone(),
            is_classic: member.wants.classic.is_some(),
        };
        DescribedConsumer {
            state: self.state(),
            epoch: self.facts.epoch,
            target_epoch: self.facts.target_epoch,
            assignor: self.assignor().name(),
            members: self.facts.members.iter().map(|(id, member)| shown(id, member)).collect(),
        }
    }

    /// Whether some member reads this topic.
    pub fn is_subscribed(&self, topic: &str) -> bool {
        let mut members = self.facts.members.values();
        members.any(|member| self.read_names(&member.wants).any(|name| &**name == topic))
    }
}
