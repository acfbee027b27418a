//! Consumer groups (KIP-848): heartbeats and descriptions.

use std::sync::Arc;

use bytestring::ByteString;

use super::timer::forget_if_nothing;
use super::{Coordinated, drive::Asked, keep};
use crate::base::{ErrorCode, TopicId};
use crate::broker::coordinator_topic::Durable;
use crate::broker::node::Node;
use crate::group::{
    AnyGroup, Beat, Beaten, ConsumerGroup, ConsumerRecord, DescribedConsumer, Entry, Refused,
};
use crate::meta::GROUP_VERSION_FEATURE;

/// What of a consumer group can be told.
pub type Described = Result<DescribedConsumer, Refused>;

impl Node {
    /// Whether consumer groups may speak their own protocol here.
    pub fn has_consumer_groups(&self) -> bool {
        self.image().features().get(GROUP_VERSION_FEATURE).is_some_and(|level| *level >= 1)
    }

    /// How often members of consumer groups are asked to be heard of, in ms.
    pub fn consumer_heartbeat_ms(&self) -> i32 {
        self.groups.consumers.heartbeat_interval_ms
    }

    /// A ConsumerGroupHeartbeat. It may be answered once what it changed is durable.
    ///
    /// # Errors
    /// As [`ConsumerGroup::heartbeat`] and [`ConsumerGroup::upgrade`]; UNKNOWN_MEMBER_ID where somebody claims to be a member of no group.
    pub fn consumer_heartbeat(
        self: &Arc<Node>,
        id: &ByteString,
        beat: Beat,
    ) -> Result<(Beaten, Durable), Refused> {
        let found = match beat.epoch == 0 {
            true => self.groups.find_or_make(id, self.group_now()),
            false => self.groups.find(id).ok_or_else(|| {
                let message = format!("Group {id} not found.");
                Refused::new(ErrorCode::UnknownMemberId, message)
            })?,
        };
        let (beaten, written) = self
            .drive(&found, |coordinated, asked| self.beat(coordinated, keep::beat(beat), asked));
        if beaten.is_err() {
            forget_if_nothing(self, id, &found);
        }
        let durable = written.map_err(unwritten)?;
        Ok((beaten?, durable))
    }

    fn beat(
        &self,
        coordinated: &mut Coordinated,
        beat: Beat,
        asked: &mut Asked,
    ) -> Result<Beaten, Refused> {
        if coordinated.dead {
            let message = "the group was just deleted";
            return Err(Refused::new(ErrorCode::CoordinatorNotAvailable, message));
        }
        // What could not be written goes first: nothing new is taken before.
        self.write(coordinated).map_err(unwritten)?;
        let (topics, now) = (self.group_topics(), self.group_now());
        let classic = match &mut coordinated.group {
            AnyGroup::Classic(group) => group,
            AnyGroup::Consumer(group) => {
                return group.heartbeat(beat, &topics, now, &mut asked.records);
            }
        };
        if beat.epoch != 0 {
            let message = format!("Group {} is not a consumer group.", classic.id());
            return Err(Refused::new(ErrorCode::UnknownMemberId, message));
        }
        let mut records: Vec<ConsumerRecord> = Vec::new();
        let config = self.groups.consumers.clone();
        let mut upgraded = ConsumerGroup::upgrade(classic, config, &topics, now, &mut records)?;
        // If the newcomer is refused, the group stays what it is.
        let beaten = upgraded.heartbeat(beat, &topics, now, &mut records)?;
        asked.effects = classic.dismiss(now);
        asked.records = records;
        if coordinated.stored {
            coordinated.unwritten.push(Entry::Group(upgraded.id().clone(), None));
        }
        coordinated.group = AnyGroup::Consumer(upgraded);
        Ok(beaten)
    }

    /// A consumer group, as ConsumerGroupDescribe shows it, and the names of the topics that its members have or are to have.
    ///
    /// # Errors
    /// GROUP_ID_NOT_FOUND.
    pub fn describe_consumers(&self, id: &ByteString) -> Described {
        let missing =
            |what: &str| Refused::new(ErrorCode::GroupIdNotFound, format!("Group {id} {what}."));
        let found = self.groups.find(id).ok_or_else(|| missing("not found"))?;
        match &found.lock().group {
            AnyGroup::Consumer(group) => Ok(group.describe()),
            AnyGroup::Classic(_) => Err(missing("is not a consumer group")),
        }
    }

    /// Checks who asks for a group's offsets.
    ///
    /// # Errors
    /// As [`ConsumerGroup::check_fetch`].
    pub fn check_offset_fetch(
        &self,
        group: &ByteString,
        member: Option<&ByteString>,
        epoch: i32,
    ) -> Result<(), ErrorCode> {
        let Some(found) = self.groups.find(group) else { return Ok(()) };
        match &found.lock().group {
            AnyGroup::Consumer(group) => group.check_fetch(member, epoch),
            AnyGroup::Classic(_) => Ok(()),
        }
    }

    /// The topics and partitions, by the topics' ids; those that are not there are left out.
    pub(super) fn by_topic_id<'a>(
        &self,
        places: impl Iterator<Item = &'a (ByteString, i32)>,
    ) -> Vec<(TopicId, i32)> {
        let image = self.image();
        places.filter_map(|(name, at)| Some((image.topic(name)?.id, *at))).collect()
    }
}

fn unwritten(code: ErrorCode) -> Refused {
    Refused::new(code, "what the group came to could not be written")
}
