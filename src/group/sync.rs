//! Sharing the work, staying, leaving.

use std::collections::HashMap;

use bytes::Bytes;
use bytestring::ByteString;

use super::classic::{Group, GroupState};
use super::join::Joined;
use super::{Effect, Now, Ticket};
use crate::base::ErrorCode;

/// A SyncGroup.
#[derive(Clone, PartialEq, Debug)]
pub struct Sync {
    /// Who asks.
    pub member_id: ByteString,
    /// Its static name.
    pub instance_id: Option<ByteString>,
    /// The generation that it joined.
    pub generation: i32,
    /// The protocol type that it takes the group for; `None` before v5.
    pub protocol_type: Option<ByteString>,
    /// The protocol that it was told; `None` before v5.
    pub protocol: Option<ByteString>,
    /// All shares, if it leads.
    pub assignments: HashMap<ByteString, Bytes>,
}

/// The answer to a SyncGroup.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Synced {
    /// NONE, or why there is no share.
    pub error: ErrorCode,
    /// `consumer`, `connect`, …
    pub protocol_type: Option<ByteString>,
    /// The protocol that was chosen.
    pub protocol: Option<ByteString>,
    /// The asker's share.
    pub assignment: Bytes,
}

impl Synced {
    /// An answer with an error.
    pub fn failed(error: ErrorCode) -> Synced {
        Synced { error, ..Synced::default() }
    }
}

/// Who leaves.
#[derive(Clone, PartialEq, Debug)]
pub struct Leaving {
    /// Its id; empty if only its static name is known.
    pub member_id: ByteString,
    /// Its static name.
    pub instance_id: Option<ByteString>,
}

impl Group {
    /// A SyncGroup. Its answer comes as an [`Effect::Synced`], now or later.
    pub fn sync(&mut self, sync: Sync, ticket: Ticket, now: Now, out: &mut Vec<Effect>) {
        if let Err(error) = self.share(sync, ticket, now, out) {
            out.push(Effect::Synced(ticket, Synced::failed(error)));
        }
        self.assert_invariants();
    }

    fn share(
        &mut self,
        sync: Sync,
        ticket: Ticket,
        now: Now,
        out: &mut Vec<Effect>,
    ) -> Result<(), ErrorCode> {
        self.check_member(&sync.member_id, sync.instance_id.as_ref())?;
        self.check_generation(sync.generation)?;
        let differs =
            |said: &Option<ByteString>, is: &Option<ByteString>| said.is_some() && said != is;
        if differs(&sync.protocol_type, &self.protocol_type)
            || differs(&sync.protocol, &self.protocol)
        {
            return Err(ErrorCode::InconsistentGroupProtocol);
        }
        match self.state {
            GroupState::Empty | GroupState::Dead => Err(ErrorCode::UnknownMemberId),
            GroupState::PreparingRebalance => Err(ErrorCode::RebalanceInProgress),
            GroupState::Stable => {
                let synced = self.synced(&sync.member_id);
                self.members
                    .get_mut(&sync.member_id)
                    .into_iter()
                    .for_each(|member| member.heard(now));
                out.push(Effect::Synced(ticket, synced));
                Ok(())
            }
            GroupState::CompletingRebalance => {
                self.await_share(sync, ticket, out);
                Ok(())
            }
        }
    }

    fn await_share(&mut self, sync: Sync, ticket: Ticket, out: &mut Vec<Effect>) {
        let leads = self.leader.as_ref() == Some(&sync.member_id);
        if let Some(member) = self.members.get_mut(&sync.member_id)
            && let Some(earlier) = member.syncing.replace(ticket)
        {
            out.push(Effect::Synced(earlier, Synced::failed(ErrorCode::RebalanceInProgress)));
        }
        if leads && !self.storing {
            for member in self.members.values_mut() {
                member.assignment = sync.assignments.get(&member.id).cloned().unwrap_or_default();
            }
            self.storing = true;
            out.push(Effect::Store);
        }
    }

    /// What [`Effect::Store`] came to. Shares are handed out only once they are durable.
    pub fn stored(&mut self, done: Result<(), ErrorCode>, now: Now, out: &mut Vec<Effect>) {
        if self.state != GroupState::CompletingRebalance || !self.storing {
            return;
        }
        match done {
            Ok(()) => {
                let waiting: Vec<(ByteString, Ticket)> = self
                    .members
                    .values_mut()
                    .filter_map(|member| Some((member.id.clone(), member.syncing.take()?)))
                    .collect();
                self.become_(GroupState::Stable, now);
                for (id, ticket) in waiting {
                    self.members.get_mut(&id).into_iter().for_each(|member| member.heard(now));
                    out.push(Effect::Synced(ticket, self.synced(&id)));
                }
            }
            Err(error) => {
                self.storing = false;
                self.refuse_syncs(error, now, out);
                self.prepare_rebalance(now, out);
            }
        }
        self.assert_invariants();
    }

    fn synced(&self, id: &ByteString) -> Synced {
        let assignment = self.members.get(id).map(|member| member.assignment.clone());
        Synced {
            error: ErrorCode::None,
            protocol_type: self.protocol_type.clone(),
            protocol: self.protocol.clone(),
            assignment: assignment.unwrap_or_default(),
        }
    }

    /// Answers all who wait for their share with an error, and takes the shares back.
    pub(super) fn refuse_syncs(&mut self, error: ErrorCode, now: Now, out: &mut Vec<Effect>) {
        if self.state != GroupState::CompletingRebalance {
            return;
        }
        for member in self.members.values_mut() {
            member.assignment = Bytes::new();
            if let Some(ticket) = member.syncing.take() {
                member.heard(now);
                out.push(Effect::Synced(ticket, Synced::failed(error)));
            }
        }
    }

    /// Who did not ask for its share in time is out.
    pub(super) fn end_sync(&mut self, now: Now, out: &mut Vec<Effect>) {
        let missing = self.members.values().filter(|member| member.syncing.is_none());
        let gone: Vec<ByteString> = missing.map(|member| member.id.clone()).collect();
        gone.iter().for_each(|id| self.forget(id));
        self.prepare_rebalance(now, out);
    }

    /// A Heartbeat.
    ///
    /// # Errors
    /// REBALANCE_IN_PROGRESS asks the member to join again; UNKNOWN_MEMBER_ID, ILLEGAL_GENERATION, FENCED_INSTANCE_ID.
    pub fn heartbeat(
        &mut self,
        member: &ByteString,
        instance: Option<&ByteString>,
        generation: i32,
        now: Now,
    ) -> Result<(), ErrorCode> {
        self.check_member(member, instance)?;
        self.check_generation(generation)?;
        self.members.get_mut(member).into_iter().for_each(|member| member.heard(now));
        match self.state {
            GroupState::PreparingRebalance => Err(ErrorCode::RebalanceInProgress),
            _ => Ok(()),
        }
    }

    /// A member leaves.
    ///
    /// # Errors
    /// UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID.
    pub fn leave(
        &mut self,
        who: &Leaving,
        now: Now,
        out: &mut Vec<Effect>,
    ) -> Result<(), ErrorCode> {
        if who.instance_id.is_none() && self.pending.remove(&who.member_id).is_some() {
            self.try_complete_join(now, out);
            return Ok(());
        }
        let by_name = who.instance_id.as_ref().filter(|_| who.member_id.is_empty());
        let id = by_name
            .and_then(|instance| self.statics.get(instance))
            .unwrap_or(&who.member_id)
            .clone();
        self.check_member(&id, who.instance_id.as_ref())?;
        self.remove(&id, now, out);
        self.assert_invariants();
        Ok(())
    }

    /// Takes a member out, and lets the others share its work.
    pub(super) fn remove(&mut self, id: &ByteString, now: Now, out: &mut Vec<Effect>) {
        let Some(member) = self.members.get(id) else { return };
        if let Some(ticket) = member.joining {
            let gone = Joined::failed(ErrorCode::UnknownMemberId, id.clone());
            out.push(Effect::Joined(ticket, gone));
        }
        if let Some(ticket) = member.syncing {
            out.push(Effect::Synced(ticket, Synced::failed(ErrorCode::UnknownMemberId)));
        }
        self.forget(id);
        match self.state {
            GroupState::Stable | GroupState::CompletingRebalance => {
                self.prepare_rebalance(now, out)
            }
            GroupState::Empty | GroupState::PreparingRebalance | GroupState::Dead => {}
        }
        self.try_complete_join(now, out);
    }

    /// Sends all who wait for an answer to join again: the group changes its protocol.
    pub fn dismiss(&mut self, now: Now) -> Vec<Effect> {
        let mut out = Vec::new();
        self.refuse_syncs(ErrorCode::RebalanceInProgress, now, &mut out);
        for member in self.members.values_mut() {
            if let Some(ticket) = member.joining.take() {
                let again = Joined::failed(ErrorCode::RebalanceInProgress, member.id.clone());
                out.push(Effect::Joined(ticket, again));
            }
        }
        out
    }

    pub(super) fn forget(&mut self, id: &ByteString) {
        let Some(member) = self.members.remove(id) else { return };
        if let Some(instance) = member.instance_id {
            self.statics.remove(&instance);
        }
        if self.leader.as_ref() == Some(id) {
            // Kafka keeps a leader always: the next one, who may yet be late.
            self.leader = self.members.keys().next().cloned();
        }
    }
}
