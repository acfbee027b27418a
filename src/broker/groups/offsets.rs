//! Committing offsets, and telling them.

use std::sync::Arc;

use bytestring::ByteString;

use super::store::Durable;
use crate::base::ErrorCode;
use crate::broker::node::Node;
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
}

impl Node {
    /// Takes offsets. They count at once, and may be answered for once they are durable.
    ///
    /// # Errors
    /// As [`Group::check_commit`](crate::group::Group::check_commit), and what storing them met with.
    pub fn commit_offsets(self: &Arc<Node>, commit: Commit) -> Result<Durable, ErrorCode> {
        let Commit { group, member_id, instance_id, generation, version, offsets } = commit;
        let now = self.group_now();
        let found = match generation < 0 && member_id.is_empty() {
            true => self.groups.find_or_make(&group, now),
            false => self.groups.find(&group).ok_or(match version {
                _ if generation < 0 => ErrorCode::UnknownMemberId,
                ..=8 => ErrorCode::IllegalGeneration,
                9.. => ErrorCode::GroupIdNotFound,
            })?,
        };
        let mut coordinated = found.lock();
        if coordinated.dead {
            return Err(ErrorCode::CoordinatorNotAvailable);
        }
        match &mut coordinated.group {
            AnyGroup::Classic(group) => {
                group.check_commit(&member_id, instance_id.as_ref(), generation, now)?;
            }
            AnyGroup::Consumer(group) => {
                let places = self.by_topic_id(offsets.iter().map(|(place, _)| place));
                group.check_commit(&member_id, generation, version, &places)?;
            }
        }
        let entries: Vec<Entry> = offsets
            .iter()
            .map(|(place, offset)| {
                Entry::Offset(group.clone(), place.clone(), Some(offset.clone()))
            })
            .collect();
        let durable = self.store_entries(&group, &entries)?;
        for (place, offset) in offsets {
            coordinated.offsets.apply(place, Some(offset));
        }
        Ok(durable)
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
        gone.into_iter().for_each(|place| coordinated.offsets.apply(place.clone(), None));
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
