//! The assignors of a consumer group's members (the classic protocol): the leader of a group works out who gets which partitions. They go
//! by the names of Kafka's and get along with them in one group, whoever leads it. Pure functions.
//!
//! `range` and `roundrobin` give what Kafka's give, to the partition. `sticky` and `cooperative-sticky` share out as evenly as can be and
//! move as little as that takes ([`crate::group::uniform`]): never less evenly than Kafka's, and never with more moves for the same.

mod order;
mod range;
mod round_robin;
mod sticky;
#[cfg(test)]
mod tests;
mod user_data;

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use bytestring::ByteString;

use crate::group::protocol::{Places, Subscription};

/// How the leader shares the partitions out.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Assignor {
    /// Each topic in ranges of neighbours, near replicas first (KIP-881).
    Range,
    /// All partitions in turn.
    RoundRobin,
    /// As even as can be with few moves; all give up everything first.
    Sticky,
    /// As even as can be with few moves; only what moves is given up, and given in the round after (KIP-429).
    CooperativeSticky,
}

/// A member, as the leader is told of it.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Member {
    /// Its static name (KIP-345).
    pub instance_id: Option<ByteString>,
    /// What it says of itself.
    pub subscription: Subscription,
}

/// A topic that somebody reads.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct TopicInfo {
    /// How many partitions it has; what has none is nobody's.
    pub partitions: i32,
    /// The racks of each partition's replicas, by its number; what is missing has none.
    pub racks: Vec<BTreeSet<ByteString>>,
}

/// The members of a group by id.
pub type Members = BTreeMap<ByteString, Member>;
/// Topics by name.
pub type Topics = BTreeMap<ByteString, TopicInfo>;
/// What each member gets.
pub type Shares = BTreeMap<ByteString, Places>;

impl Assignor {
    /// Those that there are.
    pub const ALL: [Assignor; 4] =
        [Assignor::Range, Assignor::RoundRobin, Assignor::Sticky, Assignor::CooperativeSticky];

    /// Its name in Kafka.
    pub fn name(self) -> &'static str {
        match self {
            Assignor::Range => "range",
            Assignor::RoundRobin => "roundrobin",
            Assignor::Sticky => "sticky",
            Assignor::CooperativeSticky => "cooperative-sticky",
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Assignor> {
        Assignor::ALL.into_iter().find(|assignor| assignor.name() == name)
    }

    /// Whether a member keeps what it has while it joins, and gives up only what it is not given again.
    pub fn is_cooperative(self) -> bool {
        self == Assignor::CooperativeSticky
    }

    /// What a member says in its subscription for this assignor: `had` is what it was given last, in `generation`; -1 if it
    /// never was, or has lost it.
    pub fn user_data(self, had: &Places, generation: i32) -> Option<Bytes> {
        match self {
            Assignor::Range | Assignor::RoundRobin => None,
            Assignor::Sticky => user_data::sticky(had, generation),
            Assignor::CooperativeSticky => Some(user_data::cooperative(generation)),
        }
    }

    /// Who gets what, partitions ascending. Every member is in it; topics that are not in `topics` are nobody's.
    pub fn assign(self, members: &Members, topics: &Topics) -> Shares {
        match self {
            Assignor::Range => range::assign(members, topics),
            Assignor::RoundRobin => round_robin::assign(members, topics),
            Assignor::Sticky => sticky::assign(members, topics),
            Assignor::CooperativeSticky => sticky::assign_cooperatively(members, topics),
        }
    }
}

/// Nobody has anything.
fn no_shares(members: &Members) -> Shares {
    members.keys().map(|id| (id.clone(), Places::new())).collect()
}
