//! What a member says to its coordinator, and what it makes of the answers.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use bytestring::ByteString;

use super::super::committed::{self, GroupOffsets};
use super::super::config::GroupConfig;
use super::super::consumer::Key;
use super::assignor::{Assignor, Shares};
use crate::base::TopicName;
use crate::group::protocol::{Assignment, CONSUMER, NEWEST, Places, Subscription};
use crate::wire::heartbeat::HeartbeatRequest;
use crate::wire::join_group::{JoinGroupRequest, JoinGroupRequestProtocol};
use crate::wire::leave_group::{LeaveGroupRequest, MemberIdentity};
use crate::wire::offset_commit::OffsetCommitRequest;
use crate::wire::sync_group::{SyncGroupRequest, SyncGroupRequestAssignment};

/// From this version of LeaveGroup on several members can be named.
const LEAVE_BATCHED: i16 = 3;

/// Who speaks: a member in a generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) group_id: ByteString,
    pub(super) member_id: ByteString,
    pub(super) instance_id: Option<ByteString>,
    pub(super) generation: i32,
}

/// What a member brings to a join.
pub(super) struct Joining<'a> {
    pub(super) topics: &'a BTreeSet<TopicName>,
    pub(super) owned: &'a BTreeSet<Key>,
    /// Its last share, with the generation.
    pub(super) last_share: &'a (i32, BTreeSet<Key>),
    pub(super) rack: &'a str,
}

pub(super) fn join(
    who: &Identity,
    config: &GroupConfig,
    joining: &Joining<'_>,
) -> JoinGroupRequest {
    let (generation, share) = joining.last_share;
    let share = places(share);
    let protocol = |assignor: &Assignor| {
        let subscription = Subscription {
            topics: joining.topics.iter().map(|topic| topic.as_str().into()).collect(),
            user_data: assignor.user_data(&share, *generation),
            owned: places(joining.owned),
            generation_id: *generation,
            rack_id: Some(joining.rack).filter(|rack| !rack.is_empty()).map(Into::into),
            ..Subscription::default()
        };
        let metadata = subscription.write(NEWEST);
        JoinGroupRequestProtocol { name: assignor.name().into(), metadata, ..Default::default() }
    };
    JoinGroupRequest {
        group_id: who.group_id.clone(),
        session_timeout_ms: millis(config.session_timeout),
        rebalance_timeout_ms: millis(config.max_poll_interval),
        member_id: who.member_id.clone(),
        group_instance_id: who.instance_id.clone(),
        protocol_type: CONSUMER.into(),
        protocols: config.assignors.iter().map(protocol).collect(),
        ..Default::default()
    }
}

pub(super) fn sync(
    who: &Identity,
    assignor: Option<ByteString>,
    shares: Shares,
) -> SyncGroupRequest {
    let assignment = |(member_id, partitions)| SyncGroupRequestAssignment {
        member_id,
        assignment: Assignment { partitions, ..Assignment::default() }.write(NEWEST),
        ..Default::default()
    };
    SyncGroupRequest {
        group_id: who.group_id.clone(),
        generation_id: who.generation,
        member_id: who.member_id.clone(),
        group_instance_id: who.instance_id.clone(),
        protocol_type: Some(CONSUMER.into()),
        protocol_name: assignor,
        assignments: shares.into_iter().map(assignment).collect(),
        ..Default::default()
    }
}

pub(super) fn commit(who: &Identity, offsets: &GroupOffsets) -> OffsetCommitRequest {
    OffsetCommitRequest {
        generation_id_or_member_epoch: who.generation,
        member_id: who.member_id.clone(),
        group_instance_id: who.instance_id.clone(),
        ..committed::commit_of(who.group_id.clone(), offsets)
    }
}

pub(super) fn heartbeat(who: &Identity) -> HeartbeatRequest {
    HeartbeatRequest {
        group_id: who.group_id.clone(),
        generation_id: who.generation,
        member_id: who.member_id.clone(),
        group_instance_id: who.instance_id.clone(),
        ..Default::default()
    }
}

pub(super) fn leave(who: &Identity, version: i16) -> LeaveGroupRequest {
    let group_id = who.group_id.clone();
    let member_id = who.member_id.clone();
    if version < LEAVE_BATCHED {
        return LeaveGroupRequest { group_id, member_id, ..Default::default() };
    }
    let member = MemberIdentity { member_id, ..Default::default() };
    LeaveGroupRequest { group_id, members: vec![member], ..Default::default() }
}

/// The share that a SyncGroup brought; `None` if it cannot be read.
pub(super) fn share(assignment: Bytes) -> Option<BTreeSet<Key>> {
    let assignment = Assignment::read(assignment).ok()?;
    let mut share = BTreeSet::new();
    for (topic, partitions) in assignment.partitions {
        let topic = TopicName::new(&topic).ok()?;
        share.extend(partitions.into_iter().map(|partition| (topic.clone(), partition)));
    }
    Some(share)
}

fn places(keys: &BTreeSet<Key>) -> Places {
    let mut places = Places::new();
    for (topic, partition) in keys {
        places.entry(topic.as_str().into()).or_default().push(*partition);
    }
    places
}

fn millis(duration: Duration) -> i32 {
    i32::try_from(duration.as_millis()).unwrap_or(i32::MAX)
}
