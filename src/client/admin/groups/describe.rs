//! Who is in a group: ConsumerGroupDescribe (KIP-848), and DescribeGroups for groups that are not of that protocol.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::super::super::connection::Connection;
use super::super::super::error::ClientError;
use super::super::Admin;
use super::{GroupState, GroupType, PerGroup, checked, refused};
use crate::base::{ErrorCode, TopicName};
use crate::group::protocol::{Assignment, CONSUMER};
use crate::wire::consumer_group_describe::{self as consumer, ConsumerGroupDescribeRequest};
use crate::wire::describe_groups::{self as classic, DescribeGroupsRequest};

/// Partitions by topic, each list in order.
pub type Share = BTreeMap<TopicName, Vec<i32>>;

/// One group with its members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupDescription {
    /// Its name.
    pub group: String,
    /// `Classic` or `Consumer`.
    pub kind: GroupType,
    /// What it is doing.
    pub state: GroupState,
    /// The node that coordinates it.
    pub coordinator: i32,
    /// `consumer`, `connect` and so on; empty for groups that only commit offsets.
    pub protocol_type: String,
    /// The assignor that makes the shares; None while there is none.
    pub protocol: Option<String>,
    /// The group's epoch (KIP-848); a classic group does not tell its generation.
    pub epoch: Option<i32>,
    /// The epoch of the shares that members are on their way to (KIP-848).
    pub assignment_epoch: Option<i32>,
    /// By id.
    pub members: Vec<GroupMember>,
}

/// One member of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupMember {
    /// What the coordinator calls it.
    pub id: String,
    /// What a static member calls itself (KIP-345).
    pub instance_id: Option<String>,
    /// Where it stands, if it tells (KIP-848).
    pub rack: Option<String>,
    /// What the client calls itself.
    pub client_id: String,
    /// The address that it connected from.
    pub host: String,
    /// How far it has followed the group (KIP-848).
    pub epoch: Option<i32>,
    /// What it has. None if that is in a protocol that is not a consumer's.
    pub assignment: Option<Share>,
    /// What it is to have (KIP-848); differs from what it has while the group reconciles.
    pub target: Option<Share>,
}

impl Admin {
    /// These groups with their members, in the order asked.
    ///
    /// # Errors
    /// Per group what its coordinator refused; `GROUP_ID_NOT_FOUND` where there is no such group, or it is of another
    /// type than classic and consumer.
    pub async fn describe_groups(&self, groups: &[String]) -> PerGroup<GroupDescription> {
        let timeout = self.client.config().request_timeout;
        self.by_coordinator(groups, |connection, node, groups| async move {
            let mut told = describe_consumers(&connection, node, &groups, timeout).await?;
            let others: Vec<String> = groups
                .into_iter()
                .filter(|group| {
                    let found = told.iter().find(|(name, _)| name == group);
                    found.is_none_or(|(_, told)| told.as_ref().is_err_and(is_of_another_type))
                })
                .collect();
            if !others.is_empty() {
                told.retain(|(group, _)| !others.contains(group));
                told.extend(describe_classic(&connection, node, &others, timeout).await?);
            }
            Ok(told)
        })
        .await
    }
}

/// Whether a coordinator refused since the group may be a classic one.
fn is_of_another_type(error: &ClientError) -> bool {
    matches!(error.code(), Some(ErrorCode::GroupIdNotFound | ErrorCode::UnsupportedVersion))
}

/// Nothing from brokers that know no such groups.
async fn describe_consumers(
    connection: &Arc<Connection>,
    node: i32,
    groups: &[String],
    timeout: Duration,
) -> Result<PerGroup<GroupDescription>, ClientError> {
    if connection.version::<ConsumerGroupDescribeRequest>().is_err() {
        return Ok(Vec::new());
    }
    let request = ConsumerGroupDescribeRequest {
        group_ids: groups.iter().map(|group| group.as_str().into()).collect(),
        ..ConsumerGroupDescribeRequest::default()
    };
    let answer = connection.call(&request, timeout).await?;
    let told = answer.groups.into_iter().map(|told| {
        let group = told.group_id.to_string();
        let result = checked(&group, told.error_code, told.error_message.as_deref());
        (group, result.map(|()| consumer_group(node, told)))
    });
    Ok(told.collect())
}

fn consumer_group(coordinator: i32, told: consumer::DescribedGroup) -> GroupDescription {
    let mut members: Vec<GroupMember> = told.members.into_iter().map(consumer_member).collect();
    members.sort_by(|a, b| a.id.cmp(&b.id));
    GroupDescription {
        group: told.group_id.to_string(),
        kind: GroupType::Consumer,
        state: GroupState::told(&told.group_state),
        coordinator,
        protocol_type: CONSUMER.to_owned(),
        protocol: named(&told.assignor_name),
        epoch: Some(told.group_epoch),
        assignment_epoch: Some(told.assignment_epoch),
        members,
    }
}

fn consumer_member(told: consumer::Member) -> GroupMember {
    GroupMember {
        id: told.member_id.to_string(),
        instance_id: told.instance_id.map(|id| id.to_string()),
        rack: told.rack_id.map(|rack| rack.to_string()),
        client_id: told.client_id.to_string(),
        host: host(&told.client_host),
        epoch: Some(told.member_epoch),
        assignment: Some(share(told.assignment)),
        target: Some(share(told.target_assignment)),
    }
}

fn share(told: consumer::Assignment) -> Share {
    let topic = |mut topic: consumer::TopicPartitions| {
        topic.partitions.sort_unstable();
        Some((TopicName::new(&topic.topic_name).ok()?, topic.partitions))
    };
    told.topic_partitions.into_iter().filter_map(topic).collect()
}

async fn describe_classic(
    connection: &Arc<Connection>,
    node: i32,
    groups: &[String],
    timeout: Duration,
) -> Result<PerGroup<GroupDescription>, ClientError> {
    let request = DescribeGroupsRequest {
        groups: groups.iter().map(|group| group.as_str().into()).collect(),
        ..DescribeGroupsRequest::default()
    };
    let answer = connection.call(&request, timeout).await?;
    let told = answer.groups.into_iter().map(|told| {
        let group = told.group_id.to_string();
        let result = checked(&group, told.error_code, told.error_message.as_deref());
        let described = result.and_then(|()| {
            let described = classic_group(node, told);
            match described.state {
                // Until version 5 that is what a group is that is not there.
                GroupState::Dead => {
                    Err(refused(&group, ErrorCode::GroupIdNotFound, "it is not there"))
                }
                _ => Ok(described),
            }
        });
        (group, described)
    });
    Ok(told.collect())
}

fn classic_group(coordinator: i32, told: classic::DescribedGroup) -> GroupDescription {
    let consumers = told.protocol_type == CONSUMER;
    let member = |told: classic::DescribedGroupMember| GroupMember {
        id: told.member_id.to_string(),
        instance_id: told.group_instance_id.map(|id| id.to_string()),
        rack: None,
        client_id: told.client_id.to_string(),
        host: host(&told.client_host),
        epoch: None,
        assignment: share_in(told.member_assignment).filter(|_| consumers),
        target: None,
    };
    let mut members: Vec<GroupMember> = told.members.into_iter().map(member).collect();
    members.sort_by(|a, b| a.id.cmp(&b.id));
    GroupDescription {
        group: told.group_id.to_string(),
        kind: GroupType::Classic,
        state: GroupState::told(&told.group_state),
        coordinator,
        protocol_type: told.protocol_type.to_string(),
        protocol: named(&told.protocol_data),
        epoch: None,
        assignment_epoch: None,
        members,
    }
}

fn named(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// Java writes an address without a name as `/127.0.0.1`.
fn host(told: &str) -> String {
    told.strip_prefix('/').unwrap_or(told).to_owned()
}

/// What the leader of a classic group wrote for a member; `None` if it is no consumer's.
fn share_in(bytes: Bytes) -> Option<Share> {
    let assignment = Assignment::read(bytes).ok()?;
    let places = assignment.partitions.into_iter().map(|(topic, mut partitions)| {
        partitions.sort_unstable();
        Some((TopicName::new(&topic).ok()?, partitions))
    });
    places.collect()
}
