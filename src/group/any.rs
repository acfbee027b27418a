//! A group of either protocol.

use bytestring::ByteString;

use super::Now;
use super::classic::{Group, GroupState};
use super::consumer::ConsumerGroup;
use crate::base::ErrorCode;

/// A group of either protocol.
#[derive(Clone, Debug)]
pub enum AnyGroup {
    /// Of the classic protocol.
    Classic(Group),
    /// Of the consumer protocol (KIP-848).
    Consumer(ConsumerGroup),
}

impl AnyGroup {
    /// Its id.
    pub fn id(&self) -> &ByteString {
        match self {
            AnyGroup::Classic(group) => group.id(),
            AnyGroup::Consumer(group) => group.id(),
        }
    }

    /// The protocol that it speaks, as ListGroups names it.
    pub fn kind(&self) -> &'static str {
        match self {
            AnyGroup::Classic(_) => "classic",
            AnyGroup::Consumer(_) => "consumer",
        }
    }

    /// `consumer`, `connect`, or whatever its members say; `None` before the first.
    pub fn protocol_type(&self) -> Option<ByteString> {
        match self {
            AnyGroup::Classic(group) => group.protocol_type().cloned(),
            AnyGroup::Consumer(_) => Some(ByteString::from_static("consumer")),
        }
    }

    /// The name of where it stands.
    pub fn state_name(&self) -> &'static str {
        match self {
            AnyGroup::Classic(group) => group.state().name(),
            AnyGroup::Consumer(group) => group.state().name(),
        }
    }

    /// How many members it has.
    pub fn member_count(&self) -> usize {
        match self {
            AnyGroup::Classic(group) => group.member_count(),
            AnyGroup::Consumer(group) => group.member_count(),
        }
    }

    /// Whether nobody is a member, or about to be.
    pub fn is_empty(&self) -> bool {
        match self {
            AnyGroup::Classic(group) => group.is_empty(),
            AnyGroup::Consumer(group) => group.is_empty(),
        }
    }

    /// Whether it has no members, and nobody comes or goes.
    pub fn is_at_rest(&self) -> bool {
        match self {
            AnyGroup::Classic(group) => group.state() == GroupState::Empty && group.is_empty(),
            AnyGroup::Consumer(group) => group.is_empty(),
        }
    }

    /// Whether some member may read this topic, as far as its subscription tells.
    pub fn is_subscribed(&self, topic: &str) -> bool {
        match self {
            AnyGroup::Classic(group) => group.is_subscribed(topic),
            AnyGroup::Consumer(group) => group.is_subscribed(topic),
        }
    }

    /// When it has to be looked after next.
    pub fn next_deadline(&self) -> Option<i64> {
        match self {
            AnyGroup::Classic(group) => group.next_deadline(),
            AnyGroup::Consumer(group) => group.next_deadline(),
        }
    }

    /// Deletes it.
    ///
    /// # Errors
    /// NON_EMPTY_GROUP while it has members.
    pub fn kill(&mut self, now: Now) -> Result<(), ErrorCode> {
        match self {
            AnyGroup::Classic(group) => group.kill(now),
            AnyGroup::Consumer(group) if group.is_empty() => Ok(()),
            AnyGroup::Consumer(_) => Err(ErrorCode::NonEmptyGroup),
        }
    }

    /// From when on its offsets grow old, where that is later than each was committed: an empty classic group keeps all from when it
    /// lost its last member. `None`: not now.
    pub(super) fn offsets_age_from(&self) -> Option<i64> {
        match self {
            AnyGroup::Classic(group) => match group.state() {
                GroupState::Empty if group.protocol_type().is_some() => Some(group.state_since()),
                GroupState::Empty | GroupState::Stable => Some(i64::MIN),
                _ => None,
            },
            AnyGroup::Consumer(_) => Some(i64::MIN),
        }
    }
}
