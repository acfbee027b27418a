//! DescribeGroups (key 15), v0 to v6. Groups with their members and shares. A group that is not there is Dead; from v6 on, error 69.

use bytestring::ByteString;

use crate::base::ErrorCode;
use crate::broker::dispatch::Call;
use crate::broker::node::Node;
use crate::broker::reply::Reply;
use crate::group::AnyGroup;
use crate::wire::describe_groups::{
    DescribeGroupsRequest, DescribeGroupsResponse, DescribedGroup, DescribedGroupMember,
};

/// READ, DELETE, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS: all, for nothing is forbidden yet.
pub(super) const GROUP_OPERATIONS: i32 = 0b1101_0100_1000;

pub fn handle(call: Call<DescribeGroupsRequest>) -> Reply<DescribeGroupsResponse> {
    let Call { node, version, request, .. } = call;
    let operations =
        if request.include_authorized_operations { GROUP_OPERATIONS } else { i32::MIN };
    let groups = request.groups.into_iter().map(|id| DescribedGroup {
        authorized_operations: operations,
        ..describe(&node, version, id)
    });
    Reply::ready(DescribeGroupsResponse { groups: groups.collect(), ..Default::default() })
}

fn describe(node: &Node, version: i16, group_id: ByteString) -> DescribedGroup {
    if let Err(code) = node.check_coordinates(&group_id) {
        return DescribedGroup { group_id, error_code: code.to_wire(), ..Default::default() };
    }
    let found = node.groups.find(&group_id).map(|found| match &found.lock().group {
        AnyGroup::Classic(group) => Ok(group.describe()),
        AnyGroup::Consumer(_) => Err(format!("Group {group_id} is not a classic group.")),
    });
    let described = match found {
        Some(Ok(described)) => described,
        Some(Err(message)) => return dead(version, group_id, message),
        None => {
            let message = format!("group {group_id} does not exist");
            return dead(version, group_id, message);
        }
    };
    let members = described.members.into_iter().map(|member| DescribedGroupMember {
        member_id: member.id,
        group_instance_id: member.instance_id,
        client_id: member.client_id,
        client_host: member.host,
        member_metadata: member.metadata,
        member_assignment: member.assignment,
        ..Default::default()
    });
    DescribedGroup {
        group_id,
        group_state: described.state.name().into(),
        protocol_type: described.protocol_type,
        protocol_data: described.protocol,
        members: members.collect(),
        ..Default::default()
    }
}

/// Until v5 a group that is not there is one without members.
fn dead(version: i16, group_id: ByteString, message: String) -> DescribedGroup {
    let dead = DescribedGroup { group_id, group_state: "Dead".into(), ..Default::default() };
    if version < 6 {
        return dead;
    }
    DescribedGroup {
        error_code: ErrorCode::GroupIdNotFound.to_wire(),
        error_message: Some(message.into()),
        ..dead
    }
}
