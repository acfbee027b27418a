//! Who may be a member: newcomers, members of the right epoch, static members that come back in their predecessor's place (KIP-345).
//! And who leaves.

use bytestring::ByteString;

use super::heartbeat::{Beat, Beaten, LEAVE_STATIC};
use super::member::{Current, MemberState, Owned};
use super::{ConsumerGroup, ConsumerRecord, Member, Refused, gone};
use crate::base::{ErrorCode, TopicId};
use crate::group::Now;
use crate::group::assignor::Partitions;

/// The longest name of a member.
const ID_AT_MOST: usize = 32_000;

impl ConsumerGroup {
    /// Makes sure that who is heard of is a member in this epoch; tells whether it is a new one.
    pub(super) fn admit(
        &mut self,
        beat: &Beat,
        out: &mut Vec<ConsumerRecord>,
    ) -> Result<bool, Refused> {
        let id = &beat.member_id;
        if let Some(instance) = &beat.instance_id {
            match self.statics.get(instance).cloned() {
                Some(holder) if holder != *id => {
                    return self.take_place(instance, &holder, beat, out);
                }
                Some(_) => {}
                None if beat.epoch == 0 => return self.check_new(id),
                None => return Err(unknown(id)),
            }
        }
        let Some(member) = self.facts.members.get(id) else {
            return match beat.epoch {
                0 => self.check_new(id),
                _ => Err(unknown(id)),
            };
        };
        if beat.epoch == 0 {
            // It starts over, and has nothing: so it says.
            if member.has.epoch != 0 {
                self.put(ConsumerRecord::Current(id.clone(), Some(Current::default())), out);
            }
            return Ok(false);
        }
        check_epoch(&member.has, beat.epoch, beat.owned.as_ref()).map(|()| false)
    }

    /// Whether there may be one more member, of this name: a record's key has to hold it.
    pub(super) fn check_new(&self, id: &ByteString) -> Result<bool, Refused> {
        if id.len() > ID_AT_MOST {
            let message =
                format!("MemberId has {} bytes; at most {ID_AT_MOST} are taken.", id.len());
            return Err(Refused::new(ErrorCode::InvalidRequest, message));
        }
        let most = self.config.max_size;
        if self.facts.members.len() < most {
            return Ok(true);
        }
        let message =
            format!("The consumer group has reached its maximum capacity of {most} members.");
        Err(Refused::new(ErrorCode::GroupMaxSizeReached, message))
    }

    /// Somebody comes with another's static name: if that one left for a while, it takes its place and all it has.
    fn take_place(
        &mut self,
        instance: &ByteString,
        holder: &ByteString,
        beat: &Beat,
        out: &mut Vec<ConsumerRecord>,
    ) -> Result<bool, Refused> {
        let id = &beat.member_id;
        let Some(old) = self.facts.members.get(holder) else { return Err(unknown(id)) };
        let old = Member::clone(old);
        if beat.epoch != 0 {
            return Err(fenced_name(id, instance));
        }
        if old.has.epoch != LEAVE_STATIC && old.wants.classic.is_none() {
            let message = format!(
                "Static member {id} with instance id {instance} cannot join the group because the instance id is owned by member {holder}."
            );
            return Err(Refused::new(ErrorCode::UnreleasedInstanceId, message));
        }
        let has = Current { epoch: 0, previous_epoch: 0, ..old.has };
        self.hand_over(holder, id, Member { has, ..old }, out);
        Ok(false)
    }

    /// Puts `id` in the place of `holder`, with all that is stored of it.
    pub(super) fn hand_over(
        &mut self,
        holder: &ByteString,
        id: &ByteString,
        member: Member,
        out: &mut Vec<ConsumerRecord>,
    ) {
        gone(holder).into_iter().for_each(|record| self.put(record, out));
        self.put(ConsumerRecord::Member(id.clone(), Some(member.wants)), out);
        self.put(ConsumerRecord::Target(id.clone(), Some(member.target)), out);
        self.put(ConsumerRecord::Current(id.clone(), Some(member.has)), out);
    }

    /// A member leaves: for good, or, if it is static, for a while.
    pub(super) fn leave(
        &mut self,
        beat: &Beat,
        now: Now,
        out: &mut Vec<ConsumerRecord>,
    ) -> Result<Beaten, Refused> {
        let id = &beat.member_id;
        if let Some(instance) = &beat.instance_id {
            match self.statics.get(instance) {
                Some(holder) if holder == id => {}
                Some(_) => return Err(fenced_name(id, instance)),
                None => return Err(unknown(id)),
            }
        }
        let Some(member) = self.facts.members.get(id) else { return Err(unknown(id)) };
        if beat.epoch == LEAVE_STATIC {
            let has = Current {
                epoch: LEAVE_STATIC,
                previous_epoch: member.has.epoch,
                state: MemberState::Stable,
                assigned: member.has.assigned.clone(),
                revoking: Owned::new(),
            };
            self.put(ConsumerRecord::Current(id.clone(), Some(has)), out);
            self.await_revocation(id, now);
        } else {
            self.remove(std::slice::from_ref(id), out);
        }
        Ok(Beaten { member_id: id.clone(), epoch: beat.epoch, assignment: None })
    }

    /// Checks that a commit comes from a member in its epoch, or from nobody's if there are no members. An older epoch is good enough for
    /// partitions that the member has had since then (KIP-1251). `version` is OffsetCommit's: older ones than 9 know no epochs.
    ///
    /// # Errors
    /// UNKNOWN_MEMBER_ID, STALE_MEMBER_EPOCH, UNSUPPORTED_VERSION; ILLEGAL_GENERATION to a member of the classic protocol.
    pub fn check_commit(
        &self,
        id: &ByteString,
        epoch: i32,
        version: i16,
        places: &[(TopicId, i32)],
    ) -> Result<(), ErrorCode> {
        if epoch < 0 && self.is_empty() {
            return Ok(());
        }
        let member = self.facts.members.get(id).ok_or(ErrorCode::UnknownMemberId)?;
        if version < 9 && member.wants.classic.is_none() {
            return Err(ErrorCode::UnsupportedVersion);
        }
        if epoch == member.has.epoch {
            return Ok(());
        }
        if member.wants.classic.is_some() {
            return Err(ErrorCode::IllegalGeneration);
        }
        let since = |place: &(TopicId, i32)| member.has.since(place.0, place.1);
        let had = |place| since(place).is_some_and(|since| since <= epoch);
        match epoch < member.has.epoch && places.iter().all(had) {
            true => Ok(()),
            false => Err(ErrorCode::StaleMemberEpoch),
        }
    }

    /// Checks who asks for offsets: nobody in particular, or a member in its epoch.
    ///
    /// # Errors
    /// UNKNOWN_MEMBER_ID, STALE_MEMBER_EPOCH.
    pub fn check_fetch(&self, id: Option<&ByteString>, epoch: i32) -> Result<(), ErrorCode> {
        let Some(id) = id.filter(|_| epoch >= 0) else { return Ok(()) };
        let member = self.facts.members.get(id).ok_or(ErrorCode::UnknownMemberId)?;
        match epoch == member.has.epoch {
            true => Ok(()),
            false => Err(ErrorCode::StaleMemberEpoch),
        }
    }
}

/// A member comes with the epoch that it is in; or with the one before, if the answer with the newer one was lost: then it has nothing
/// that it may not have.
fn check_epoch(has: &Current, epoch: i32, owned: Option<&Partitions>) -> Result<(), Refused> {
    if epoch == has.epoch {
        return Ok(());
    }
    let may_have = |(topic, partitions): (&TopicId, &std::collections::BTreeSet<i32>)| {
        partitions.iter().all(|at| has.assigned.contains_key(&(*topic, *at)))
    };
    let lost = epoch == has.previous_epoch && owned.is_some_and(|owned| owned.iter().all(may_have));
    if lost {
        return Ok(());
    }
    let message = format!(
        "The consumer group member has a {} member epoch ({epoch}) than the one known by the group coordinator ({}). The member must abandon all its partitions and rejoin.",
        if epoch > has.epoch { "greater" } else { "smaller" },
        has.epoch
    );
    Err(Refused::new(ErrorCode::FencedMemberEpoch, message))
}

fn unknown(id: &ByteString) -> Refused {
    Refused::new(ErrorCode::UnknownMemberId, format!("Member {id} is not a member of the group."))
}

fn fenced_name(id: &ByteString, instance: &ByteString) -> Refused {
    let message =
        format!("Static member {id} with instance id {instance} was fenced by another member.");
    Refused::new(ErrorCode::FencedInstanceId, message)
}
