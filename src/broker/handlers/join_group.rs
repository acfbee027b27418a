//! JoinGroup (key 11), v0 to v9. Answered when the rebalance is complete. v1 rebalance timeout, v4 who is new is sent away with an id
//! first (KIP-394), v5 static members (KIP-345), v9 a leader that came back may leave the shares as they are.

use bytestring::ByteString;

use crate::base::ErrorCode;
use crate::broker::dispatch::Call;
use crate::broker::node::Node;
use crate::broker::reply::Reply;
use crate::group::{Join, Joined};
use crate::wire::join_group::{JoinGroupRequest, JoinGroupResponse, JoinGroupResponseMember};

pub fn handle(call: Call<JoinGroupRequest>) -> Reply<JoinGroupResponse> {
    let Call { node, version, origin, client_id, request } = call;
    let member_id = request.member_id.clone();
    let failed = |code| Reply::ready(respond(version, Joined::failed(code, member_id.clone())));
    if request.group_id.is_empty() {
        return failed(ErrorCode::InvalidGroupId);
    }
    if let Err(code) = node.check_coordinates(&request.group_id) {
        return failed(code);
    }
    let client_id = client_id.unwrap_or_default();
    let join = Join {
        member_id: request.member_id,
        fresh_id: fresh_id(&node, request.group_instance_id.as_ref().unwrap_or(&client_id)),
        instance_id: request.group_instance_id,
        host: format!("/{}", origin.peer.ip()).into(),
        client_id,
        rebalance_timeout_ms: match request.rebalance_timeout_ms {
            given if given >= 0 => given,
            _ => request.session_timeout_ms,
        },
        session_timeout_ms: request.session_timeout_ms,
        protocol_type: request.protocol_type,
        protocols: request
            .protocols
            .into_iter()
            .map(|protocol| (protocol.name, protocol.metadata))
            .collect(),
        must_know_id: version >= 4,
        may_skip: version >= 9,
    };
    match node.join_group(&request.group_id, join) {
        Ok(answer) => Reply::later(async move {
            let gone = |_| Joined::failed(ErrorCode::NotCoordinator, ByteString::new());
            respond(version, answer.await.unwrap_or_else(gone))
        }),
        Err(code) => failed(code),
    }
}

/// `name-` and a random UUID, as Kafka makes them.
pub(super) fn fresh_id(node: &Node, name: &str) -> ByteString {
    let hex: String = node.os.random_id().iter().map(|byte| format!("{byte:02x}")).collect();
    let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
    format!("{name}-{}", parts.join("-")).into()
}

fn respond(version: i16, joined: Joined) -> JoinGroupResponse {
    let members = joined.members.into_iter().map(|member| JoinGroupResponseMember {
        member_id: member.id,
        group_instance_id: member.instance_id,
        metadata: member.metadata,
        ..Default::default()
    });
    JoinGroupResponse {
        error_code: joined.error.to_wire(),
        generation_id: joined.generation,
        protocol_type: joined.protocol_type,
        protocol_name: match joined.protocol {
            None if version < 7 => Some(ByteString::new()),
            protocol => protocol,
        },
        leader: joined.leader,
        skip_assignment: joined.skip_assignment,
        member_id: joined.member_id,
        members: members.collect(),
        ..Default::default()
    }
}
