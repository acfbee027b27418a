//! Committing offsets, and telling them.

use std::sync::Arc;

use bytestring::ByteString;

use super::Coordinated;
use super::store::Kept;
use super::timer::forget_if_nothing;
use crate::base::ErrorCode;
use crate::broker::coordinator_topic::{CoordinatorTopic, Durable};
use crate::broker::node::Node;
use crate::broker::txns::InTransaction;
use crate::group::{AnyGroup, CommittedOffset, Entry};

/// A topic's name and a partition.
pub type Place = (ByteString, i32);

/// Offsets that somebody commits.
#[derive(Debug)]
pub struct Commit {
    /// For which group.
    pub group: ByteString,
    /// Who commits; empty: nobody's member.
    pub member_id: ByteString,
    /// Its static name.
    pub instance_id: Option<ByteString>,
    /// Its generation; -1: nobody's.
    pub generation: i32,
    /// The version of the request: from v9 on members speak either protocol.
    pub version: i16,
    /// The offsets.
    pub offsets: Vec<(Place, CommittedOffset)>,
    /// The transaction with which they are to count, if not at once.
    pub transaction: Option<InTransaction>,
}

impl Commit {
    /// Whether it comes from nobody in particular: no member, or the producer of a transaction that knows of none (before
    /// KIP-447).
    fn is_anyones(&self) -> bool {
        self.generation < 0 && self.member_id.is_empty() && self.instance_id.is_none()
    }
}

impl Node {
    /// Takes offsets, and answers for them once they are durable. They count at once, or when their transaction is committed.
    ///
    /// # Errors
    /// As [`Group::check_commit`](crate::group::Group::check_commit), what storing them met with, and in a transaction what
    /// its coordinator says.
    pub fn commit_offsets(self: &Arc<Node>, commit: Commit) -> Result<Durable, ErrorCode> {
        let now = self.group_now();
        let found = match commit.generation < 0 && commit.member_id.is_empty() {
            true => self.groups.find_or_make(&commit.group, now),
            false => self.groups.find(&commit.group).ok_or(match commit.version {
                _ if commit.generation < 0 => ErrorCode::UnknownMemberId,
                ..=8 => ErrorCode::IllegalGeneration,
                9.. => ErrorCode::GroupIdNotFound,
            })?,
        };
        let mut coordinated = found.lock();
        if coordinated.dead {
            return Err(ErrorCode::CoordinatorNotAvailable);
        }
        let group = commit.group.clone();
        let done = self.commit_to(&mut coordinated, commit);
        drop(coordinated);
        if done.is_err() {
            // It may have been made for this.
            forget_if_nothing(self, &group, &found);
        }
        done
    }

    fn commit_to(
        &self,
        coordinated: &mut Coordinated,
        commit: Commit,
    ) -> Result<Durable, ErrorCode> {
        if commit.transaction.is_none() || !commit.is_anyones() {
            self.check_committer(&mut coordinated.group, &commit)?;
        }
        let Commit { group, offsets, transaction, .. } = commit;
        let entries: Vec<Entry> = offsets
            .iter()
            .map(|(place, offset)| {
                Entry::Offset(group.clone(), place.clone(), Some(offset.clone()))
            })
            .collect();
        let Kept { at, durable } = match &transaction {
            None => self.keep_entries(&group, &entries)?,
            Some(transaction) => {
                // Before they stand in the log: whoever writes the marker has to know of them.
                let home = self.home_of(CoordinatorTopic::Offsets, &group).unwrap_or(-1);
                let key = (home, transaction.producer.id);
                self.groups.pending.lock().entry(key).or_default().insert(group.clone());
                let kept = self.keep_in_transaction(&group, &entries, transaction);
                if kept.is_err() && !coordinated.offsets.holds(transaction.producer.id) {
                    self.groups.forget_pending(key, &group);
                }
                kept?
            }
        };
        for (place, offset) in offsets {
            match &transaction {
                None => coordinated.offsets.set(place, offset, at),
                Some(it) => coordinated.offsets.hold(it.producer.id, place, offset, at),
            }
        }
        Ok(durable)
    }

    fn check_committer(&self, group: &mut AnyGroup, commit: &Commit) -> Result<(), ErrorCode> {
        let Commit { member_id, instance_id, generation, offsets, .. } = commit;
        match group {
            AnyGroup::Classic(group) => {
                let now = self.group_now();
                group.check_commit(member_id, instance_id.as_ref(), *generation, now)
            }
            AnyGroup::Consumer(group) => {
                let places = self.by_topic_id(offsets.iter().map(|(place, _)| place));
                group.check_commit(member_id, *generation, commit.version, &places)
            }
        }
    }

    /// The marker of a transaction stands in a partition of `__consumer_offsets`: the offsets in it count now, or never will.
    pub fn end_pending_offsets(&self, partition: i32, producer_id: i64, commit: bool) {
        let groups = self.groups.pending.lock().remove(&(partition, producer_id));
        for id in groups.into_iter().flatten() {
            let found = self.groups.find_or_make(&id, self.group_now());
            found.lock().offsets.end(producer_id, commit);
            forget_if_nothing(self, &id, &found);
        }
    }

    /// Whether a transaction may still change a group's offset in a partition.
    pub fn is_unstable(&self, group: &ByteString, place: &Place) -> bool {
        let found = self.groups.find(group);
        found.is_some_and(|found| found.lock().offsets.is_pending(place))
    }

    /// Forgets offsets; those of a topic that a member may read stay: GROUP_SUBSCRIBED_TO_TOPIC.
    ///
    /// # Errors
    /// GROUP_ID_NOT_FOUND; NON_EMPTY_GROUP where nobody can tell what its members read; what storing that met with.
    pub fn delete_offsets(
        self: &Arc<Node>,
        group: &ByteString,
        places: &[Place],
    ) -> Result<(Vec<ErrorCode>, Durable), ErrorCode> {
        let found = self.groups.find(group).ok_or(ErrorCode::GroupIdNotFound)?;
        let mut coordinated = found.lock();
        let is_consumer = coordinated.group.protocol_type().is_none_or(|kind| kind == "consumer");
        if !coordinated.group.is_empty() && !is_consumer {
            return Err(ErrorCode::NonEmptyGroup);
        }
        let outcome = |place: &Place| match coordinated.group.is_subscribed(&place.0) {
            true => ErrorCode::GroupSubscribedToTopic,
            false => ErrorCode::None,
        };
        let outcomes: Vec<ErrorCode> = places.iter().map(outcome).collect();
        let gone: Vec<&Place> = places
            .iter()
            .zip(&outcomes)
            .filter(|(place, code)| {
                **code == ErrorCode::None && coordinated.offsets.get(&place.0, place.1).is_some()
            })
            .map(|(place, _)| place)
            .collect();
        let entries: Vec<Entry> =
            gone.iter().map(|place| Entry::Offset(group.clone(), (*place).clone(), None)).collect();
        let durable = self.store_entries(group, &entries)?;
        gone.into_iter().for_each(|place| coordinated.offsets.forget(place));
        Ok((outcomes, durable))
    }

    /// A group's offset in each of the places, or in all that it has.
    pub fn committed_offsets(
        &self,
        group: &ByteString,
        places: Option<&[Place]>,
    ) -> Vec<(Place, Option<CommittedOffset>)> {
        let found = self.groups.find(group);
        let coordinated = found.as_ref().map(|found| found.lock());
        let offsets = coordinated.as_ref().map(|coordinated| &coordinated.offsets);
        match places {
            Some(places) => places
                .iter()
                .map(|place| {
                    let offset = offsets.and_then(|offsets| offsets.get(&place.0, place.1));
                    (place.clone(), offset.cloned())
                })
                .collect(),
            None => offsets
                .into_iter()
                .flat_map(|offsets| offsets.iter())
                .map(|(place, offset)| (place.clone(), Some(offset.clone())))
                .collect(),
        }
    }
}
