//! Members of the classic protocol in a consumer group, while its members are moved from one protocol to the other (KIP-848): what they
//! do by JoinGroup, SyncGroup and Heartbeat becomes the steps of the others. Their generation is their epoch.

use bytes::Bytes;
use bytestring::ByteString;

use super::member::{ClassicPart, MemberState, Subscription};
use super::names::{by_id, by_name};
use super::{ConsumerGroup, ConsumerRecord, Member, Topics};
use crate::base::ErrorCode;
use crate::group::assignor::Partitions;
use crate::group::join::{Join, Joined};
use crate::group::protocol::{Assignment, CONSUMER, Subscription as Said};
use crate::group::sync::{Leaving, Sync, Synced};
use crate::group::{GroupConfig, Now};

impl ConsumerGroup {
    /// A JoinGroup. What is in `out` has to be stored before it is answered.
    pub fn join(
        &mut self,
        join: Join,
        bounds: &GroupConfig,
        topics: &dyn Topics,
        now: Now,
        out: &mut Vec<ConsumerRecord>,
    ) -> Joined {
        let asked_as = join.member_id.clone();
        match self.try_join(join, bounds, topics, now, out) {
            Ok(joined) => joined,
            Err((code, id)) => Joined::failed(code, id.unwrap_or(asked_as)),
        }
    }

    fn try_join(
        &mut self,
        join: Join,
        bounds: &GroupConfig,
        topics: &dyn Topics,
        now: Now,
        out: &mut Vec<ConsumerRecord>,
    ) -> Result<Joined, (ErrorCode, Option<ByteString>)> {
        let fail = |code| (code, None);
        let sessions = bounds.min_session_timeout_ms..=bounds.max_session_timeout_ms;
        if !sessions.contains(&join.session_timeout_ms) {
            return Err(fail(ErrorCode::InvalidSessionTimeout));
        }
        let said = self.understand(&join).ok_or(fail(ErrorCode::InconsistentGroupProtocol))?;
        let is_new = join.member_id.is_empty();
        if is_new && join.must_know_id && join.instance_id.is_none() {
            return Err((ErrorCode::MemberIdRequired, Some(join.fresh_id)));
        }
        let id = if is_new { join.fresh_id.clone() } else { join.member_id.clone() };
        let came = self.make_place(&id, is_new, join.instance_id.as_ref(), out).map_err(fail)?;
        let before = self.facts.members.get(&id).map(|member| member.wants.topics.clone());
        let wants = Subscription {
            instance_id: join.instance_id,
            rack_id: said.rack_id,
            client_id: join.client_id,
            host: join.host,
            topics: said.topics,
            pattern: None,
            rebalance_timeout_ms: join.rebalance_timeout_ms,
            assignor: None,
            classic: Some(ClassicPart {
                session_timeout_ms: join.session_timeout_ms,
                protocols: join.protocols,
            }),
        };
        let changed = came || before.as_ref() != Some(&wants.topics);
        let protocol = wants.classic.as_ref().and_then(|classic| classic.protocols.first());
        let protocol = protocol.map(|(name, _)| name.clone());
        if self.facts.members.get(&id).is_none_or(|member| member.wants != wants) {
            self.put(ConsumerRecord::Member(id.clone(), Some(wants)), out);
            self.drop_patterns(out);
        }
        let owned = by_id(&said.owned, topics);
        let done = self
            .advance(&id, changed, Some(&owned), true, topics, now, out)
            .map_err(|refused| fail(refused.code))?;
        self.await_sync(&id, now);
        Ok(Joined {
            error: ErrorCode::None,
            generation: done.epoch,
            protocol_type: Some(CONSUMER.into()),
            protocol,
            // Nobody leads: the coordinator itself makes the shares.
            leader: ByteString::new(),
            member_id: id,
            skip_assignment: false,
            members: Vec::new(),
        })
    }

    /// What a consumer says when it joins; `None` if it is none, or can do nothing that all others of the classic protocol can.
    fn understand(&self, join: &Join) -> Option<Said> {
        if join.protocol_type != CONSUMER {
            return None;
        }
        let others: Vec<&ClassicPart> = self
            .facts
            .members
            .iter()
            .filter(|(id, _)| **id != join.member_id)
            .filter_map(|(_, member)| member.wants.classic.as_ref())
            .collect();
        let by_all = |name: &ByteString| {
            others.iter().all(|other| other.protocols.iter().any(|(can, _)| can == name))
        };
        if !join.protocols.iter().any(|(name, _)| by_all(name)) {
            return None;
        }
        Said::read(join.protocols.first()?.1.clone()).ok()
    }

    /// Makes sure that there is a member of this id; tells whether it is a new one.
    fn make_place(
        &mut self,
        id: &ByteString,
        is_new: bool,
        instance: Option<&ByteString>,
        out: &mut Vec<ConsumerRecord>,
    ) -> Result<bool, ErrorCode> {
        let holder = instance.and_then(|instance| self.statics.get(instance)).cloned();
        if let Some(holder) = holder.filter(|holder| holder != id) {
            if !is_new {
                return Err(ErrorCode::FencedInstanceId);
            }
            // It came back: it takes its own place.
            let Some(old) = self.facts.members.get(&holder) else { return Ok(true) };
            let old = Member::clone(old);
            self.hand_over(&holder, id, old, out);
            return Ok(false);
        }
        if self.facts.members.contains_key(id) {
            return Ok(false);
        }
        if !is_new && instance.is_some() {
            return Err(ErrorCode::UnknownMemberId);
        }
        self.check_new(id).map_err(|refused| refused.code)
    }

    fn await_sync(&mut self, id: &ByteString, now: Now) {
        let Some(deadline) = self.rebalance_deadline(id, now) else { return };
        if let Some(patience) = self.patience.get_mut(id) {
            (patience.rebalance, patience.sync) = (None, Some(deadline));
        }
    }

    fn await_join(&mut self, id: &ByteString, now: Now) {
        let Some(deadline) = self.rebalance_deadline(id, now) else { return };
        if let Some(patience) = self.patience.get_mut(id) {
            patience.rebalance.get_or_insert(deadline);
        }
    }

    /// A SyncGroup: it asks for its share.
    pub fn sync(&mut self, sync: &Sync, topics: &dyn Topics, now: Now) -> Synced {
        self.try_sync(sync, topics, now).unwrap_or_else(Synced::failed)
    }

    fn try_sync(
        &mut self,
        sync: &Sync,
        topics: &dyn Topics,
        now: Now,
    ) -> Result<Synced, ErrorCode> {
        let id = &sync.member_id;
        let member = self.classic(id, sync.instance_id.as_ref(), sync.generation)?;
        let revokes = member.has.state == MemberState::UnrevokedPartitions;
        let behind = self.facts.epoch > member.has.epoch && !revokes;
        let protocols = member.wants.classic.iter().flat_map(|classic| &classic.protocols);
        let (protocol, metadata) = protocols.into_iter().next().cloned().unwrap_or_default();
        if sync.protocol_type.as_ref().is_some_and(|said| *said != CONSUMER)
            || sync.protocol.as_ref().is_some_and(|said| *said != protocol)
        {
            return Err(ErrorCode::InconsistentGroupProtocol);
        }
        let assignment = told(metadata, &member.has.partitions(), topics);
        if behind {
            self.await_join(id, now);
            return Err(ErrorCode::RebalanceInProgress);
        }
        self.heard(id, now);
        if let Some(patience) = self.patience.get_mut(id) {
            patience.sync = None;
        }
        Ok(Synced {
            error: ErrorCode::None,
            protocol_type: Some(CONSUMER.into()),
            protocol: Some(protocol),
            assignment,
        })
    }

    /// A Heartbeat of a member of the classic protocol.
    ///
    /// # Errors
    /// REBALANCE_IN_PROGRESS asks it to join again: there is a new epoch, it has to give something up, or what it waits for is free.
    /// UNKNOWN_MEMBER_ID, ILLEGAL_GENERATION, FENCED_INSTANCE_ID.
    pub fn classic_heartbeat(
        &mut self,
        id: &ByteString,
        instance: Option<&ByteString>,
        generation: i32,
        topics: &dyn Topics,
        now: Now,
        out: &mut Vec<ConsumerRecord>,
    ) -> Result<(), ErrorCode> {
        self.classic(id, instance, generation)?;
        self.heard(id, now);
        self.follow_topics(false, topics, now, out);
        let member = self.classic(id, instance, generation)?;
        let rejoins = member.has.epoch < self.facts.epoch
            || match member.has.state {
                MemberState::UnrevokedPartitions => true,
                MemberState::UnreleasedPartitions => !self.waits_for_others(id, member),
                MemberState::Stable | MemberState::Unknown(_) => false,
            };
        if rejoins {
            self.await_join(id, now);
            return Err(ErrorCode::RebalanceInProgress);
        }
        Ok(())
    }

    fn waits_for_others(&self, id: &ByteString, member: &Member) -> bool {
        member.target.iter().any(|(topic, partitions)| {
            partitions.iter().any(|partition| {
                let owner = self.owners.get(&(*topic, *partition));
                owner.is_some_and(|owner| owner != id)
            })
        })
    }

    /// A member leaves by LeaveGroup, or is taken out by an operator.
    ///
    /// # Errors
    /// UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID.
    pub fn classic_leave(
        &mut self,
        who: &Leaving,
        out: &mut Vec<ConsumerRecord>,
    ) -> Result<(), ErrorCode> {
        let id = match &who.instance_id {
            Some(instance) => {
                let holder = self.statics.get(instance).ok_or(ErrorCode::UnknownMemberId)?;
                if !who.member_id.is_empty() && who.member_id != *holder {
                    return Err(ErrorCode::FencedInstanceId);
                }
                holder.clone()
            }
            None => who.member_id.clone(),
        };
        if !self.facts.members.contains_key(&id) {
            return Err(ErrorCode::UnknownMemberId);
        }
        self.remove(&[id], out);
        Ok(())
    }

    /// A member of the classic protocol, in its generation.
    fn classic(
        &self,
        id: &ByteString,
        instance: Option<&ByteString>,
        generation: i32,
    ) -> Result<&Member, ErrorCode> {
        if let Some(instance) = instance {
            match self.statics.get(instance) {
                Some(holder) if holder == id => {}
                Some(_) => return Err(ErrorCode::FencedInstanceId),
                None => return Err(ErrorCode::UnknownMemberId),
            }
        }
        let member = self.facts.members.get(id).filter(|member| member.wants.classic.is_some());
        let member = member.ok_or(ErrorCode::UnknownMemberId)?;
        match member.has.epoch == generation {
            true => Ok(member),
            false => Err(ErrorCode::IllegalGeneration),
        }
    }
}

/// The bytes of a share, as a member of the classic protocol is told it.
pub(super) fn share(member: &Member, protocol: &ByteString, topics: &dyn Topics) -> (Bytes, Bytes) {
    let protocols = member.wants.classic.iter().flat_map(|classic| &classic.protocols);
    let said = protocols.into_iter().find(|(name, _)| name == protocol);
    let metadata = said.map(|(_, metadata)| metadata.clone()).unwrap_or_default();
    let share = told(metadata.clone(), &member.target, topics);
    (metadata, share)
}

/// The bytes of these partitions, in the version in which the member spoke.
fn told(metadata: Bytes, partitions: &Partitions, topics: &dyn Topics) -> Bytes {
    let version = Said::read(metadata).map_or(0, |said| said.version);
    let partitions = by_name(partitions, topics);
    Assignment { partitions, ..Assignment::default() }.write(version)
}
