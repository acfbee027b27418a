//! A group of the classic protocol: its state, and what can be asked of it without changing it.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use bytestring::ByteString;

use super::member::Member;
use super::records::{GroupRecord, StoredMember};
use super::{Effect, GroupConfig, Now};
use crate::base::{Cursor, ErrorCode};

/// Where a group stands (Kafka's names).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GroupState {
    /// It has no members, at most offsets.
    Empty,
    /// Members are asked to join again.
    PreparingRebalance,
    /// All joined; the leader's assignment is waited for.
    CompletingRebalance,
    /// All have their shares.
    Stable,
    /// It was deleted.
    Dead,
}

impl GroupState {
    /// Its name in Kafka.
    pub fn name(self) -> &'static str {
        match self {
            GroupState::Empty => "Empty",
            GroupState::PreparingRebalance => "PreparingRebalance",
            GroupState::CompletingRebalance => "CompletingRebalance",
            GroupState::Stable => "Stable",
            GroupState::Dead => "Dead",
        }
    }
}

/// Until when members may join.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct JoinPhase {
    /// When it ends at the latest.
    pub deadline: i64,
    /// Of an empty group: how much longer new members may still make it, in ms. It does not end before its deadline.
    pub extensible_ms: Option<i64>,
    /// Whether somebody new came since the deadline was set.
    pub grew: bool,
}

/// A member as DescribeGroups shows it.
#[derive(Clone, PartialEq, Debug)]
pub struct DescribedMember {
    /// Its id.
    pub id: ByteString,
    /// Its static name.
    pub instance_id: Option<ByteString>,
    /// What its client calls itself.
    pub client_id: ByteString,
    /// Where it connects from.
    pub host: ByteString,
    /// What it says for the group's protocol.
    pub metadata: Bytes,
    /// Its share.
    pub assignment: Bytes,
}

/// A group as DescribeGroups shows it.
#[derive(Clone, PartialEq, Debug)]
pub struct Described {
    /// Where it stands.
    pub state: GroupState,
    /// `consumer`, `connect`, or whatever its members say.
    pub protocol_type: ByteString,
    /// The protocol that was chosen; empty unless it is stable.
    pub protocol: ByteString,
    /// Its members, by id.
    pub members: Vec<DescribedMember>,
}

/// One group of the classic protocol.
#[derive(Clone, PartialEq, Debug)]
pub struct Group {
    pub(super) id: ByteString,
    pub(super) config: GroupConfig,
    pub(super) state: GroupState,
    pub(super) state_since: i64,
    pub(super) generation: i32,
    pub(super) protocol_type: Option<ByteString>,
    pub(super) protocol: Option<ByteString>,
    pub(super) leader: Option<ByteString>,
    pub(super) members: BTreeMap<ByteString, Member>,
    pub(super) statics: HashMap<ByteString, ByteString>,
    /// Ids that were given out and not yet used to join, with when they lapse (KIP-394).
    pub(super) pending: BTreeMap<ByteString, i64>,
    /// While preparing a rebalance.
    pub(super) join: Option<JoinPhase>,
    /// While completing a rebalance: by when all must have asked for their share.
    pub(super) sync_deadline: Option<i64>,
    /// Whether the leader's assignment is being made durable.
    pub(super) storing: bool,
}

impl Group {
    /// An empty group.
    pub fn new(id: ByteString, config: GroupConfig, now: Now) -> Group {
        Group {
            id,
            config,
            state: GroupState::Empty,
            state_since: now.wall_ms,
            generation: 0,
            protocol_type: None,
            protocol: None,
            leader: None,
            members: BTreeMap::new(),
            statics: HashMap::new(),
            pending: BTreeMap::new(),
            join: None,
            sync_deadline: None,
            storing: false,
        }
    }

    /// A group as it was stored. Its members have a whole session to be heard of again.
    pub fn load(id: ByteString, config: GroupConfig, stored: &GroupRecord, now: Now) -> Group {
        let mut group = Group::new(id, config, now);
        let GroupRecord { protocol_type, generation, protocol, leader, state_since, members } =
            stored;
        group.generation = *generation;
        group.protocol_type = Some(protocol_type.clone()).filter(|name| !name.is_empty());
        group.protocol = protocol.clone();
        group.leader = leader.clone();
        group.state_since = *state_since;
        for stored in members {
            let member = stored.to_member(protocol.as_ref(), now);
            if let Some(instance) = &member.instance_id {
                group.statics.insert(instance.clone(), member.id.clone());
            }
            group.members.insert(member.id.clone(), member);
        }
        group.state = if group.members.is_empty() { GroupState::Empty } else { GroupState::Stable };
        group.assert_invariants();
        group
    }

    /// What has to be durable of it.
    pub fn to_record(&self) -> GroupRecord {
        let protocol = self.protocol.as_deref().unwrap_or_default();
        GroupRecord {
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            generation: self.generation,
            protocol: self.protocol.clone(),
            leader: self.leader.clone(),
            state_since: self.state_since,
            members: self
                .members
                .values()
                .map(|member| StoredMember::of(member, protocol))
                .collect(),
        }
    }

    /// Its id.
    pub fn id(&self) -> &ByteString {
        &self.id
    }

    /// Where it stands.
    pub fn state(&self) -> GroupState {
        self.state
    }

    /// `consumer`, `connect`, or whatever its members say; `None` before the first.
    pub fn protocol_type(&self) -> Option<&ByteString> {
        self.protocol_type.as_ref()
    }

    /// Its generation: each rebalance makes a new one.
    pub fn generation(&self) -> i32 {
        self.generation
    }

    /// How many members it has.
    pub fn member_count(&self) -> usize {
        self.members.len()
    }

    /// Whether nobody is a member, or about to be.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty() && self.pending.is_empty()
    }

    /// Since when it is in its state, in ms.
    pub fn state_since(&self) -> i64 {
        self.state_since
    }

    /// As DescribeGroups shows it.
    pub fn describe(&self) -> Described {
        let stable = self.state == GroupState::Stable;
        let protocol = self.protocol.clone().filter(|_| stable).unwrap_or_default();
        let members = self.members.values().map(|member| DescribedMember {
            id: member.id.clone(),
            instance_id: member.instance_id.clone(),
            client_id: member.client_id.clone(),
            host: member.host.clone(),
            metadata: if stable { member.metadata(&protocol) } else { Bytes::new() },
            assignment: if stable { member.assignment.clone() } else { Bytes::new() },
        });
        let members = members.collect();
        let protocol_type = self.protocol_type.clone().unwrap_or_default();
        Described { state: self.state, protocol_type, protocol, members }
    }

    /// Whether some member may read this topic, as far as its subscription tells: who does not speak the consumer protocol, or says
    /// nothing that can be read, may read any.
    pub fn is_subscribed(&self, topic: &str) -> bool {
        let protocol = self.protocol.as_deref().unwrap_or_default();
        let is_consumer = self.protocol_type.as_deref() == Some("consumer");
        self.members.values().any(|member| {
            let topics = subscribed_topics(member.metadata(protocol)).filter(|_| is_consumer);
            topics.is_none_or(|topics| topics.iter().any(|other| &**other == topic))
        })
    }

    /// Checks that a commit comes from a member of this generation, or from nobody's if there are no members.
    ///
    /// # Errors
    /// UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, ILLEGAL_GENERATION; REBALANCE_IN_PROGRESS while the new shares are not known.
    pub fn check_commit(
        &mut self,
        member: &ByteString,
        instance: Option<&ByteString>,
        generation: i32,
        now: Now,
    ) -> Result<(), ErrorCode> {
        if self.state == GroupState::Dead {
            return Err(ErrorCode::CoordinatorNotAvailable);
        }
        if generation < 0 && member.is_empty() && instance.is_none() {
            let anyones = self.state == GroupState::Empty;
            return if anyones { Ok(()) } else { Err(ErrorCode::UnknownMemberId) };
        }
        self.check_member(member, instance)?;
        self.check_generation(generation)?;
        if self.state == GroupState::CompletingRebalance {
            return Err(ErrorCode::RebalanceInProgress);
        }
        if let Some(member) = self.members.get_mut(member) {
            member.heard(now);
        }
        Ok(())
    }

    /// Whether a member of this name is one, and not another one's successor.
    pub(super) fn check_member(
        &self,
        member: &ByteString,
        instance: Option<&ByteString>,
    ) -> Result<(), ErrorCode> {
        if self.state == GroupState::Dead {
            return Err(ErrorCode::CoordinatorNotAvailable);
        }
        if let Some(instance) = instance {
            return match self.statics.get(instance) {
                Some(current) if current == member => Ok(()),
                Some(_) => Err(ErrorCode::FencedInstanceId),
                None => Err(ErrorCode::UnknownMemberId),
            };
        }
        match self.members.contains_key(member) {
            true => Ok(()),
            false => Err(ErrorCode::UnknownMemberId),
        }
    }

    pub(super) fn check_generation(&self, generation: i32) -> Result<(), ErrorCode> {
        match generation == self.generation {
            true => Ok(()),
            false => Err(ErrorCode::IllegalGeneration),
        }
    }

    /// Deletes it.
    ///
    /// # Errors
    /// NON_EMPTY_GROUP while it has members.
    pub fn kill(&mut self, now: Now) -> Result<(), ErrorCode> {
        if self.state != GroupState::Empty || !self.is_empty() {
            return Err(ErrorCode::NonEmptyGroup);
        }
        self.become_(GroupState::Dead, now);
        Ok(())
    }

    pub(super) fn become_(&mut self, state: GroupState, now: Now) {
        self.state = state;
        self.state_since = now.wall_ms;
        if state != GroupState::PreparingRebalance {
            self.join = None;
        }
        if state != GroupState::CompletingRebalance {
            self.sync_deadline = None;
            self.storing = false;
        }
    }

    /// When [`Group::on_time`] has something to do next.
    pub fn next_deadline(&self) -> Option<i64> {
        let sessions = self.members.values().filter(|member| !member.waits());
        let sessions = sessions.map(|member| member.deadline);
        let phase = self.join.map(|join| join.deadline).into_iter().chain(self.sync_deadline);
        sessions.chain(self.pending.values().copied()).chain(phase).min()
    }

    /// Does what is due: takes the silent for dead, ends what lasts too long.
    pub fn on_time(&mut self, now: Now, out: &mut Vec<Effect>) {
        self.pending.retain(|_, lapses| *lapses > now.steady_ms);
        let silent = |member: &&Member| !member.waits() && member.deadline <= now.steady_ms;
        let gone: Vec<ByteString> =
            self.members.values().filter(silent).map(|member| member.id.clone()).collect();
        for id in &gone {
            self.remove(id, now, out);
        }
        if self.sync_deadline.is_some_and(|deadline| deadline <= now.steady_ms) && !self.storing {
            self.end_sync(now, out);
        }
        self.try_complete_join(now, out);
        self.assert_invariants();
    }

    pub(super) fn assert_invariants(&self) {
        assert_eq!(self.join.is_some(), self.state == GroupState::PreparingRebalance);
        assert_eq!(self.sync_deadline.is_some(), self.state == GroupState::CompletingRebalance);
        assert!(self.state != GroupState::Empty || self.members.is_empty());
        assert!(self.state != GroupState::Stable || !self.members.is_empty());
        assert!(self.leader.as_ref().is_none_or(|leader| self.members.contains_key(leader)));
        assert!(self.statics.values().all(|id| self.members.contains_key(id)));
        assert!(self.members.values().all(|member| {
            member.joining.is_none() || self.state == GroupState::PreparingRebalance
        }));
        assert!(self.members.values().all(|member| {
            member.syncing.is_none() || self.state == GroupState::CompletingRebalance
        }));
    }
}

/// The topics in a member's subscription: `ConsumerProtocolSubscription` begins with them in every version.
fn subscribed_topics(metadata: Bytes) -> Option<Vec<ByteString>> {
    let mut input = Cursor::new(metadata);
    input.i16().ok()?;
    let count = usize::try_from(input.i32().ok()?).ok()?;
    let mut topics = Vec::new();
    for _ in 0..count {
        let length = usize::try_from(input.i16().ok()?).ok()?;
        topics.push(ByteString::try_from(input.take(length).ok()?).ok()?);
    }
    Some(topics)
}
