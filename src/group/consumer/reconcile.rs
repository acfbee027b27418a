//! Leads a member from what it has to what it is to have: first it gives up, then it is given, and never what another still has.

use std::collections::BTreeSet;

use bytestring::ByteString;

use super::member::{Current, MemberState, Owned};
use super::{ConsumerGroup, ConsumerRecord, Refused, Topics};
use crate::base::{ErrorCode, TopicId};
use crate::group::assignor::Partitions;

impl ConsumerGroup {
    /// Takes a member one step further, if one can be taken. `owned` is what it says that it has, if it says so.
    pub(super) fn reconcile(
        &mut self,
        id: &ByteString,
        owned: Option<&Partitions>,
        topics: &dyn Topics,
        out: &mut Vec<ConsumerRecord>,
    ) -> Result<(), Refused> {
        let Some(member) = self.facts.members.get(id) else { return Ok(()) };
        let reads = self.reads(&member.wants, topics);
        let step = Step {
            has: &member.has,
            target_epoch: self.facts.target_epoch,
            target: &member.target,
            reads: &reads,
            owned,
            is_free: &|place| self.owners.get(&place).is_none_or(|owner| owner == id),
        };
        if let Some(next) = step.take()? {
            self.put(ConsumerRecord::Current(id.clone(), Some(next)), out);
        }
        Ok(())
    }
}

struct Step<'a> {
    has: &'a Current,
    target_epoch: i32,
    target: &'a Partitions,
    reads: &'a BTreeSet<TopicId>,
    owned: Option<&'a Partitions>,
    is_free: &'a dyn Fn((TopicId, i32)) -> bool,
}

impl Step<'_> {
    /// What the member has next; `None` if nothing changes.
    fn take(&self) -> Result<Option<Current>, Refused> {
        let reads_all = self.has.assigned.keys().all(|(topic, _)| self.reads.contains(topic));
        let next = match self.has.state {
            MemberState::Stable if self.has.epoch == self.target_epoch && reads_all => {
                return Ok(None);
            }
            MemberState::UnrevokedPartitions if self.still_has(&self.has.revoking) => {
                if reads_all {
                    return Ok(None);
                }
                self.revoke_more()
            }
            MemberState::Stable
            | MemberState::UnrevokedPartitions
            | MemberState::UnreleasedPartitions => self.towards_target(),
            MemberState::Unknown(_) if self.owned.is_none_or(|owned| !owned.is_empty()) => {
                let message =
                    "the member's state is not known: it has to give up all it has, and join again";
                return Err(Refused::new(ErrorCode::FencedMemberEpoch, message));
            }
            MemberState::Unknown(_) => self.towards_target(),
        };
        let unchanged = Current { previous_epoch: self.has.previous_epoch, ..next.clone() };
        if unchanged == *self.has {
            return Ok(None);
        }
        Ok(Some(Current { previous_epoch: self.has.epoch, ..next }))
    }

    /// It reads less than before, and has not given up yet what it was asked for: it is asked for more.
    fn revoke_more(&self) -> Current {
        let (assigned, dropped): (Owned, Owned) =
            self.has.assigned.iter().partition(|((topic, _), _)| self.reads.contains(topic));
        let revoking = self.has.revoking.iter().chain(&dropped).map(|(a, b)| (*a, *b)).collect();
        Current { assigned, revoking, ..self.has.clone() }
    }

    fn towards_target(&self) -> Current {
        let wanted = |topic: TopicId, partition: i32| {
            self.reads.contains(&topic)
                && self.target.get(&topic).is_some_and(|target| target.contains(&partition))
        };
        let (mut assigned, revoking): (Owned, Owned) =
            self.has.assigned.iter().partition(|((topic, at), _)| wanted(*topic, *at));
        if self.still_has(&revoking) {
            // It stays in its epoch until it says that it gave them up.
            let state = MemberState::UnrevokedPartitions;
            return Current { state, assigned, revoking, ..self.has.clone() };
        }
        let mut state = MemberState::Stable;
        for (topic, partitions) in
            self.target.iter().filter(|(topic, _)| self.reads.contains(topic))
        {
            for place in partitions.iter().map(|partition| (*topic, *partition)) {
                if assigned.contains_key(&place) {
                    continue;
                }
                if (self.is_free)(place) {
                    assigned.insert(place, self.target_epoch);
                } else {
                    state = MemberState::UnreleasedPartitions;
                }
            }
        }
        Current {
            epoch: self.target_epoch,
            state,
            assigned,
            revoking: Owned::new(),
            ..self.has.clone()
        }
    }

    /// Whether the member may still have some of these: if it does not say, it may.
    fn still_has(&self, revoking: &Owned) -> bool {
        !revoking.is_empty()
            && self.owned.is_none_or(|owned| {
                let has = |(topic, at): &(TopicId, i32)| {
                    owned.get(topic).is_some_and(|owned| owned.contains(at))
                };
                revoking.keys().any(has)
            })
    }
}
