//! Joining: members come in, the rebalance waits for all of them, then a generation begins.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use bytestring::ByteString;

use super::classic::{Group, GroupState, JoinPhase};
use super::member::Member;
use super::sync::Synced;
use super::{Effect, Now, Ticket};
use crate::base::ErrorCode;

/// A JoinGroup.
#[derive(Clone, PartialEq, Debug)]
pub struct Join {
    /// Who asks; empty: somebody new.
    pub member_id: ByteString,
    /// The name that somebody new gets; whoever drives the group makes sure that nobody had it before.
    pub fresh_id: ByteString,
    /// Its static name.
    pub instance_id: Option<ByteString>,
    /// What its client calls itself.
    pub client_id: ByteString,
    /// Where it connects from.
    pub host: ByteString,
    /// How long it may take to join again.
    pub rebalance_timeout_ms: i32,
    /// How long it may be silent.
    pub session_timeout_ms: i32,
    /// `consumer`, `connect`, or whatever it says.
    pub protocol_type: ByteString,
    /// What it can do, what it likes best first.
    pub protocols: Vec<(ByteString, Bytes)>,
    /// Whether somebody new is sent away with a name, to come again with it (KIP-394: v4 on).
    pub must_know_id: bool,
    /// Whether a static member that comes back as leader may be told to leave the shares as they are (v9 on).
    pub may_skip: bool,
}

/// A member as its leader is told of it.
#[derive(Clone, PartialEq, Debug)]
pub struct JoinedMember {
    /// Its id.
    pub id: ByteString,
    /// Its static name.
    pub instance_id: Option<ByteString>,
    /// What it says for the protocol that was chosen.
    pub metadata: Bytes,
}

/// The answer to a JoinGroup.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Joined {
    /// NONE if it is a member now.
    pub error: ErrorCode,
    /// The generation; -1 with an error.
    pub generation: i32,
    /// `consumer`, `connect`, …
    pub protocol_type: Option<ByteString>,
    /// The protocol that was chosen.
    pub protocol: Option<ByteString>,
    /// Who makes the shares.
    pub leader: ByteString,
    /// The asker's id.
    pub member_id: ByteString,
    /// Whether the leader is to leave the shares as they are.
    pub skip_assignment: bool,
    /// All members, if the asker is their leader.
    pub members: Vec<JoinedMember>,
}

impl Joined {
    /// An answer with an error.
    pub fn failed(error: ErrorCode, member_id: ByteString) -> Joined {
        Joined { error, generation: -1, member_id, ..Joined::default() }
    }
}

impl Group {
    /// A JoinGroup. Its answer comes as an [`Effect::Joined`], now or later.
    pub fn join(&mut self, join: Join, ticket: Ticket, now: Now, out: &mut Vec<Effect>) {
        let member_id = join.member_id.clone();
        if let Err(refusal) = self.admit(join, ticket, now, out) {
            out.push(Effect::Joined(ticket, refusal.into_answer(member_id)));
        }
        self.assert_invariants();
    }

    fn admit(
        &mut self,
        join: Join,
        ticket: Ticket,
        now: Now,
        out: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let sessions = self.config.min_session_timeout_ms..=self.config.max_session_timeout_ms;
        if !sessions.contains(&join.session_timeout_ms) {
            return Err(ErrorCode::InvalidSessionTimeout.into());
        }
        if self.state == GroupState::Dead {
            return Err(ErrorCode::CoordinatorNotAvailable.into());
        }
        if !self.is_consistent(&join) {
            return Err(ErrorCode::InconsistentGroupProtocol.into());
        }
        if join.member_id.is_empty() {
            self.admit_new(join, ticket, now, out)
        } else {
            self.admit_known(join, ticket, now, out)
        }
    }

    /// Whether the group could still choose a protocol that all can do.
    fn is_consistent(&self, join: &Join) -> bool {
        if join.protocol_type.is_empty() || join.protocols.is_empty() {
            return false;
        }
        let mut others = self.members.values().filter(|member| {
            member.id != join.member_id
                && (join.instance_id.is_none() || member.instance_id != join.instance_id)
        });
        let same_type =
            self.members.is_empty() || self.protocol_type.as_ref() == Some(&join.protocol_type);
        let first = others.next();
        let Some(first) = first else { return same_type };
        let rest: Vec<&Member> = others.collect();
        let by_all = |name: &ByteString| {
            first.supports(name) && rest.iter().all(|member| member.supports(name))
        };
        same_type && join.protocols.iter().any(|(name, _)| by_all(name))
    }

    fn admit_new(
        &mut self,
        join: Join,
        ticket: Ticket,
        now: Now,
        out: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let known = join.instance_id.as_ref().and_then(|instance| self.statics.get(instance));
        if let Some(old) = known.cloned() {
            self.replace_static(old, join, ticket, now, out);
            return Ok(());
        }
        self.check_room()?;
        let id = join.fresh_id.clone();
        if join.must_know_id && join.instance_id.is_none() {
            self.pending.insert(id.clone(), now.after(i64::from(join.session_timeout_ms)));
            return Err(Refusal { error: ErrorCode::MemberIdRequired, member_id: Some(id) });
        }
        self.add(id, join, ticket, now, out);
        Ok(())
    }

    /// Who was only given a name takes no room yet: it may never have heard of it.
    fn check_room(&self) -> Result<(), Refusal> {
        match self.members.len() < self.config.max_size {
            true => Ok(()),
            false => Err(ErrorCode::GroupMaxSizeReached.into()),
        }
    }

    fn admit_known(
        &mut self,
        join: Join,
        ticket: Ticket,
        now: Now,
        out: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        if self.pending.remove(&join.member_id).is_some() {
            self.check_room()?;
            if join.instance_id.is_some() {
                return Err(ErrorCode::UnknownMemberId.into());
            }
            self.add(join.member_id.clone(), join, ticket, now, out);
            return Ok(());
        }
        self.check_member(&join.member_id, join.instance_id.as_ref())?;
        let member = &self.members[&join.member_id];
        let is_leader = self.leader.as_ref() == Some(&join.member_id);
        let same = member.protocols == join.protocols;
        match self.state {
            GroupState::CompletingRebalance if same => {}
            GroupState::Stable if same && !is_leader => {}
            _ => {
                self.rejoin(join, ticket, now, out);
                return Ok(());
            }
        }
        // It missed its answer: it gets it once more.
        let id = join.member_id.clone();
        self.members.get_mut(&id).into_iter().for_each(|member| member.heard(now));
        out.push(Effect::Joined(ticket, self.joined(&id)));
        Ok(())
    }

    fn rejoin(&mut self, join: Join, ticket: Ticket, now: Now, out: &mut Vec<Effect>) {
        let Some(member) = self.members.get_mut(&join.member_id) else { return };
        if let Some(earlier) = member.joining.take() {
            let lost = Joined::failed(ErrorCode::UnknownMemberId, join.member_id.clone());
            out.push(Effect::Joined(earlier, lost));
        }
        member.rebalance_timeout_ms = join.rebalance_timeout_ms;
        member.session_timeout_ms = join.session_timeout_ms;
        member.protocols = join.protocols;
        member.client_id = join.client_id;
        member.host = join.host;
        member.heard(now);
        self.prepare_rebalance(now, out);
        self.await_join(&join.member_id, ticket);
        self.try_complete_join(now, out);
    }

    fn add(&mut self, id: ByteString, join: Join, ticket: Ticket, now: Now, out: &mut Vec<Effect>) {
        if let Some(instance) = &join.instance_id {
            self.statics.insert(instance.clone(), id.clone());
        }
        if self.members.is_empty() {
            self.protocol_type = Some(join.protocol_type);
        }
        let mut member = Member {
            id: id.clone(),
            instance_id: join.instance_id,
            client_id: join.client_id,
            host: join.host,
            rebalance_timeout_ms: join.rebalance_timeout_ms,
            session_timeout_ms: join.session_timeout_ms,
            protocols: join.protocols,
            assignment: Bytes::new(),
            deadline: 0,
            joining: None,
            syncing: None,
        };
        member.heard(now);
        self.members.insert(id.clone(), member);
        if let Some(phase) = &mut self.join {
            phase.grew = true;
        }
        self.prepare_rebalance(now, out);
        self.await_join(&id, ticket);
        self.try_complete_join(now, out);
    }

    /// A static member came back under a new name: it takes its predecessor's place (KIP-345).
    fn replace_static(
        &mut self,
        old: ByteString,
        join: Join,
        ticket: Ticket,
        now: Now,
        out: &mut Vec<Effect>,
    ) {
        let Some(mut member) = self.members.remove(&old) else { return };
        let id = join.fresh_id.clone();
        if let Some(earlier) = member.joining.take() {
            let fenced = Joined::failed(ErrorCode::FencedInstanceId, old.clone());
            out.push(Effect::Joined(earlier, fenced));
        }
        if let Some(earlier) = member.syncing.take() {
            out.push(Effect::Synced(earlier, Synced::failed(ErrorCode::FencedInstanceId)));
        }
        let chosen = self.protocol.clone().unwrap_or_default();
        let same = member.metadata(&chosen)
            == join
                .protocols
                .iter()
                .find(|(name, _)| *name == chosen)
                .map(|(_, metadata)| metadata.clone())
                .unwrap_or_default();
        let was_leader = self.leader.as_ref() == Some(&old);
        if was_leader {
            self.leader = Some(id.clone());
        }
        if let Some(instance) = &join.instance_id {
            self.statics.insert(instance.clone(), id.clone());
        }
        member.id = id.clone();
        member.client_id = join.client_id;
        member.host = join.host;
        member.rebalance_timeout_ms = join.rebalance_timeout_ms;
        member.session_timeout_ms = join.session_timeout_ms;
        member.protocols = join.protocols;
        member.heard(now);
        self.members.insert(id.clone(), member);
        let keeps_shares =
            self.state == GroupState::Stable && same && self.select_protocol() == self.protocol;
        if keeps_shares && (!was_leader || join.may_skip) {
            out.push(Effect::Store);
            let mut joined = self.joined(&id);
            joined.skip_assignment = was_leader;
            out.push(Effect::Joined(ticket, joined));
            return;
        }
        self.prepare_rebalance(now, out);
        self.await_join(&id, ticket);
        self.try_complete_join(now, out);
    }

    fn await_join(&mut self, id: &ByteString, ticket: Ticket) {
        if let Some(member) = self.members.get_mut(id) {
            member.joining = Some(ticket);
        }
    }

    /// Asks all members to join again, if that is not under way.
    pub(super) fn prepare_rebalance(&mut self, now: Now, out: &mut Vec<Effect>) {
        if self.state == GroupState::PreparingRebalance {
            return;
        }
        let was_empty = self.state == GroupState::Empty;
        self.refuse_syncs(ErrorCode::RebalanceInProgress, now, out);
        self.become_(GroupState::PreparingRebalance, now);
        let longest = self.longest_rebalance_ms();
        let delay = i64::from(self.config.initial_rebalance_delay_ms);
        self.join = Some(match was_empty {
            true => JoinPhase {
                deadline: now.after(delay.min(longest)),
                extensible_ms: Some((longest - delay).max(0)),
                grew: false,
            },
            false => JoinPhase { deadline: now.after(longest), extensible_ms: None, grew: false },
        });
    }

    fn longest_rebalance_ms(&self) -> i64 {
        self.members
            .values()
            .map(|member| i64::from(member.rebalance_timeout_ms))
            .max()
            .unwrap_or(0)
    }

    /// Ends the phase of joining if all are there, or if its time is over.
    pub(super) fn try_complete_join(&mut self, now: Now, out: &mut Vec<Effect>) {
        let Some(phase) = self.join else { return };
        let over = phase.deadline <= now.steady_ms;
        let all_there =
            self.pending.is_empty() && self.members.values().all(|member| member.joining.is_some());
        if !over && (phase.extensible_ms.is_some() || !all_there) {
            return;
        }
        if let (Some(left), true) = (phase.extensible_ms.filter(|left| *left > 0), phase.grew) {
            let more = i64::from(self.config.initial_rebalance_delay_ms).min(left);
            if more > 0 {
                self.join = Some(JoinPhase {
                    deadline: now.after(more),
                    extensible_ms: Some(left - more),
                    grew: false,
                });
                return;
            }
        }
        self.complete_join(now, out);
    }

    fn complete_join(&mut self, now: Now, out: &mut Vec<Effect>) {
        // Who did not come is out; a static member keeps its place until its session ends.
        let late = |member: &&Member| member.joining.is_none() && member.instance_id.is_none();
        let gone: Vec<ByteString> =
            self.members.values().filter(late).map(|member| member.id.clone()).collect();
        gone.iter().for_each(|id| self.forget(id));
        let here =
            |id: &ByteString| self.members.get(id).is_some_and(|member| member.joining.is_some());
        if !self.leader.as_ref().is_some_and(here) {
            let next = self.members.values().find(|member| member.joining.is_some());
            self.leader = next.map(|member| member.id.clone());
        }
        if self.leader.is_none() && !self.members.is_empty() {
            // Only static members that are away are left: they get another while.
            let deadline = now.after(self.longest_rebalance_ms().max(1));
            self.join = Some(JoinPhase { deadline, extensible_ms: None, grew: false });
            return;
        }
        self.generation = self.generation.checked_add(1).unwrap_or(1);
        if self.members.is_empty() {
            self.protocol = None;
            self.become_(GroupState::Empty, now);
            out.push(Effect::Store);
            return;
        }
        self.protocol = self.select_protocol();
        self.become_(GroupState::CompletingRebalance, now);
        self.sync_deadline = Some(now.after(self.longest_rebalance_ms()));
        let ids: Vec<ByteString> = self.members.keys().cloned().collect();
        for id in ids {
            let joined = self.joined(&id);
            let Some(member) = self.members.get_mut(&id) else { continue };
            if let Some(ticket) = member.joining.take() {
                member.heard(now);
                out.push(Effect::Joined(ticket, joined));
            }
        }
    }

    /// The protocol that all can do and most like best.
    fn select_protocol(&self) -> Option<ByteString> {
        let mut votes: BTreeMap<&ByteString, usize> = BTreeMap::new();
        let first = self.members.values().next()?;
        let common: BTreeSet<&ByteString> = first
            .protocols
            .iter()
            .map(|(name, _)| name)
            .filter(|name| self.members.values().all(|member| member.supports(name)))
            .collect();
        for member in self.members.values() {
            let choice =
                member.protocols.iter().map(|(name, _)| name).find(|name| common.contains(name));
            *votes.entry(choice?).or_default() += 1;
        }
        votes.into_iter().max_by_key(|(_, votes)| *votes).map(|(name, _)| name.clone())
    }

    fn joined(&self, id: &ByteString) -> Joined {
        let leads = self.leader.as_ref() == Some(id);
        let protocol = self.protocol.as_deref().unwrap_or_default();
        let member = |member: &Member| JoinedMember {
            id: member.id.clone(),
            instance_id: member.instance_id.clone(),
            metadata: member.metadata(protocol),
        };
        Joined {
            error: ErrorCode::None,
            generation: self.generation,
            protocol_type: self.protocol_type.clone(),
            protocol: self.protocol.clone(),
            leader: self.leader.clone().unwrap_or_default(),
            member_id: id.clone(),
            skip_assignment: false,
            members: if leads { self.members.values().map(member).collect() } else { Vec::new() },
        }
    }
}

/// Why somebody may not join.
struct Refusal {
    error: ErrorCode,
    /// The name to come again with.
    member_id: Option<ByteString>,
}

impl Refusal {
    fn into_answer(self, asked_as: ByteString) -> Joined {
        Joined::failed(self.error, self.member_id.unwrap_or(asked_as))
    }
}

impl From<ErrorCode> for Refusal {
    fn from(error: ErrorCode) -> Refusal {
        Refusal { error, member_id: None }
    }
}
