//! DescribeGroups (key 15), v0 to v6. Groups with their members and shares. A group that is not there is Dead; from v6 on, error 69.

use bytestring::ByteString;

use crate::base::ErrorCode;
use crate::broker::dispatch::Call;
use crate::broker::node::Node;
use crate::broker::reply::Reply;
use crate::wire::describe_groups::{
    DescribeGroupsRequest, DescribeGroupsResponse, DescribedGroup, DescribedGroupMember,
};

/// READ, DELETE, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS: all, for nothing is forbidden yet.
const GROUP_OPERATIONS: i32 = 0b1101_0100_1000;

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
    let Some(found) = node.groups.find(&group_id) else {
        let dead = DescribedGroup { group_state: "Dead".into(), ..Default::default() };
        if version < 6 {
            return DescribedGroup { group_id, ..dead };
        }
        let message = format!("group {group_id} does not exist");
        return DescribedGroup {
            group_id,
            error_code: ErrorCode::GroupIdNotFound.to_wire(),
            error_message: Some(message.into()),
            ..dead
        };
    };
    let described = found.lock().group.describe();
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
