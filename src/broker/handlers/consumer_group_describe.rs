//! ConsumerGroupDescribe (key 69), v0 and v1. Consumer groups, their members, what those have and are to have (KIP-848). A classic group
//! is GROUP_ID_NOT_FOUND: the client asks DescribeGroups then. v1 tells which protocol a member speaks.

use bytestring::ByteString;

use super::describe_groups::GROUP_OPERATIONS;
use crate::base::ErrorCode;
use crate::broker::dispatch::Call;
use crate::broker::node::Node;
use crate::broker::reply::Reply;
use crate::group::{DescribedConsumer, DescribedConsumerMember, Partitions, Refused};
use crate::meta::Image;
use crate::wire::consumer_group_describe::{
    Assignment, ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse, DescribedGroup,
    Member, TopicPartitions,
};

pub fn handle(call: Call<ConsumerGroupDescribeRequest>) -> Reply<ConsumerGroupDescribeResponse> {
    let Call { node, request, .. } = call;
    let operations =
        if request.include_authorized_operations { GROUP_OPERATIONS } else { i32::MIN };
    let groups = request.group_ids.into_iter().map(|id| match describe(&node, &id) {
        Ok(described) => DescribedGroup {
            group_id: id,
            authorized_operations: operations,
            ..show(&node.image(), described)
        },
        Err(refused) => DescribedGroup {
            group_id: id,
            error_code: refused.code.to_wire(),
            error_message: Some(refused.message.into()),
            ..Default::default()
        },
    });
    Reply::ready(ConsumerGroupDescribeResponse { groups: groups.collect(), ..Default::default() })
}

fn describe(node: &Node, id: &ByteString) -> Result<DescribedConsumer, Refused> {
    if id.is_empty() {
        return Err(Refused::new(ErrorCode::InvalidGroupId, "GroupId can't be empty."));
    }
    node.check_coordinates(id).map_err(|code| Refused::new(code, String::new()))?;
    node.describe_consumers(id)
}

fn show(image: &Image, described: DescribedConsumer) -> DescribedGroup {
    DescribedGroup {
        group_state: described.state.name().into(),
        group_epoch: described.epoch,
        assignment_epoch: described.target_epoch,
        assignor_name: described.assignor.into(),
        members: described.members.into_iter().map(|member| show_member(image, member)).collect(),
        ..Default::default()
    }
}

fn show_member(image: &Image, member: DescribedConsumerMember) -> Member {
    Member {
        member_id: member.id,
        instance_id: member.instance_id,
        rack_id: member.rack_id,
        member_epoch: member.epoch,
        client_id: member.client_id,
        client_host: member.host,
        subscribed_topic_names: member.topics,
        subscribed_topic_regex: member.pattern,
        assignment: show_partitions(image, member.assignment),
        target_assignment: show_partitions(image, member.target),
        member_type: i8::from(!member.is_classic),
        ..Default::default()
    }
}

/// Topics that are gone are left out: they have no name any more.
fn show_partitions(image: &Image, partitions: Partitions) -> Assignment {
    let topics = partitions.into_iter().filter_map(|(topic_id, partitions)| {
        Some(TopicPartitions {
            topic_id,
            topic_name: image.topic_by_id(topic_id)?.name.as_str().into(),
            partitions: partitions.into_iter().collect(),
            ..Default::default()
        })
    });
    Assignment { topic_partitions: topics.collect(), ..Default::default() }
}
