//! LeaveGroup (key 13), v0 to v5. A member leaves, from v3 on several at once, also by their static names (KIP-345).

use crate::base::ErrorCode;
use crate::broker::dispatch::Call;
use crate::broker::reply::Reply;
use crate::group::Leaving;
use crate::wire::leave_group::{LeaveGroupRequest, LeaveGroupResponse, MemberResponse};

pub fn handle(call: Call<LeaveGroupRequest>) -> Reply<LeaveGroupResponse> {
    let Call { node, version, request, .. } = call;
    let who: Vec<Leaving> = if version >= 3 {
        let leaving = request.members.into_iter().map(|member| Leaving {
            member_id: member.member_id,
            instance_id: member.group_instance_id,
        });
        leaving.collect()
    } else {
        vec![Leaving { member_id: request.member_id, instance_id: None }]
    };
    let group = &request.group_id;
    let done = node.check_coordinates(group).and_then(|()| node.leave_group(group, &who));
    let outcomes = match done {
        Ok(outcomes) => outcomes,
        // Nobody is a member of a group that is not there; that is said of each.
        Err(ErrorCode::UnknownMemberId) => vec![Err(ErrorCode::UnknownMemberId); who.len()],
        Err(code) => {
            let error_code = code.to_wire();
            return Reply::ready(LeaveGroupResponse { error_code, ..Default::default() });
        }
    };
    let code = |outcome: Result<(), ErrorCode>| outcome.err().unwrap_or_default().to_wire();
    if version < 3 {
        let error_code = outcomes.into_iter().next().map_or(0, code);
        return Reply::ready(LeaveGroupResponse { error_code, ..Default::default() });
    }
    let members = who.into_iter().zip(outcomes).map(|(who, outcome)| MemberResponse {
        member_id: who.member_id,
        group_instance_id: who.instance_id,
        error_code: code(outcome),
        ..Default::default()
    });
    Reply::ready(LeaveGroupResponse { members: members.collect(), ..Default::default() })
}
