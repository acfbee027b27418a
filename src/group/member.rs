//! One member of a group.

use bytes::Bytes;
use bytestring::ByteString;

use super::{Now, Ticket};

/// One member.
#[derive(Clone, PartialEq, Debug)]
pub struct Member {
    /// Its name, given by the coordinator.
    pub id: ByteString,
    /// Its name that outlives a restart, if it is a static member (KIP-345).
    pub instance_id: Option<ByteString>,
    /// What its client calls itself.
    pub client_id: ByteString,
    /// Where it connects from.
    pub host: ByteString,
    /// How long it may take to join again.
    pub rebalance_timeout_ms: i32,
    /// How long it may be silent.
    pub session_timeout_ms: i32,
    /// The protocols (assignors) that it can do, the one it likes best first, with what it says for each.
    pub protocols: Vec<(ByteString, Bytes)>,
    /// Its share of the work, as the leader made it.
    pub assignment: Bytes,
    /// When it is taken for dead, unless it is heard of; not while it waits for an answer.
    pub deadline: i64,
    /// Its JoinGroup, if one waits.
    pub joining: Option<Ticket>,
    /// Its SyncGroup, if one waits.
    pub syncing: Option<Ticket>,
}

impl Member {
    /// Whether it can do this protocol.
    pub fn supports(&self, protocol: &str) -> bool {
        self.protocols.iter().any(|(name, _)| &**name == protocol)
    }

    /// What it says for this protocol.
    pub fn metadata(&self, protocol: &str) -> Bytes {
        let found = self.protocols.iter().find(|(name, _)| &**name == protocol);
        found.map(|(_, metadata)| metadata.clone()).unwrap_or_default()
    }

    /// Notes that it was heard of.
    pub fn heard(&mut self, now: Now) {
        self.deadline = now.after(i64::from(self.session_timeout_ms));
    }

    /// Whether it waits for an answer: then it cannot send heartbeats, and is not expected to.
    pub fn waits(&self) -> bool {
        self.joining.is_some() || self.syncing.is_some()
    }
}
