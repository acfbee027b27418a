//! Rank 2. Consumer groups as pure state machines: who is a member, and with which share of the work, by the classic protocol
//! ([`Group`]) or that of KIP-848 ([`ConsumerGroup`]), and how far each group has read ([`CommittedOffsets`]). Pure: no clock,
//! no log, no socket.
//!
//! Whoever drives a group gives it the time, and calls `on_time` at `next_deadline`. A classic group gets a [`Ticket`] for each
//! request that may have to wait, and its [`Effect`]s are carried out in order. A consumer group answers at once, and first the
//! [`ConsumerRecord`]s that it gives are written. What must survive are Kafka's own records in `__consumer_offsets`
//! ([`Entry`]); state is rebuilt from them alone.

mod any;
mod assignor;
mod classic;
mod consumer;
mod join;
mod member;
mod offsets;
mod pattern;
pub mod protocol;
#[cfg(test)]
mod protocol_tests;
mod records;
mod sync;
#[cfg(test)]
mod tests;
pub(crate) mod uniform;

pub use any::AnyGroup;
pub use assignor::{Assignor, Partitions, Wish};
pub use classic::{Described, DescribedMember, Group, GroupState};
pub use consumer::{
    Beat, Beaten, ConsumerConfig, ConsumerGroup, ConsumerRecord, ConsumerState, DescribedConsumer,
    DescribedConsumerMember, MigrationPolicy, Refused, Topics, is_blank,
};
pub use join::{Join, Joined, JoinedMember};
pub use offsets::{CommittedOffset, CommittedOffsets};
pub use records::{Entry, GroupRecord, RecordError, StoredMember, stored};
pub use sync::{Leaving, Sync, Synced};

/// Names a request that waits for its answer; whoever drives the group chooses it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Ticket(pub u64);

/// The time, twice: a clock that people set must not end sessions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Now {
    /// A clock that never steps, in ms from anywhere: all deadlines are told in it.
    pub steady_ms: i64,
    /// Wall-clock time, in ms: what is stored bears it.
    pub wall_ms: i64,
}

impl Now {
    /// The deadline so many ms from now.
    pub(self) fn after(self, ms: i64) -> i64 {
        self.steady_ms.saturating_add(ms)
    }
}

/// What a group wants done.
#[derive(Clone, PartialEq, Debug)]
pub enum Effect {
    /// Answer a JoinGroup.
    Joined(Ticket, Joined),
    /// Answer a SyncGroup.
    Synced(Ticket, Synced),
    /// Make the group as it is now durable, then call [`Group::stored`].
    Store,
}

/// The bounds of all groups of a broker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GroupConfig {
    /// `group.min.session.timeout.ms`.
    pub min_session_timeout_ms: i32,
    /// `group.max.session.timeout.ms`.
    pub max_session_timeout_ms: i32,
    /// `group.initial.rebalance.delay.ms`: how long an empty group waits for more members than the first.
    pub initial_rebalance_delay_ms: i32,
    /// `group.max.size`: the most members of a group.
    pub max_size: usize,
}

impl Default for GroupConfig {
    fn default() -> GroupConfig {
        GroupConfig {
            min_session_timeout_ms: 6_000,
            max_session_timeout_ms: 1_800_000,
            initial_rebalance_delay_ms: 3_000,
            max_size: i32::MAX as usize,
        }
    }
}
