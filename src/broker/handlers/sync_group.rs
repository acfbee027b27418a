//! SyncGroup (key 14), v0 to v5. Answered when the leader's shares are stored. v3 static members, v5 tells protocol type and name.

use crate::base::ErrorCode;
use crate::broker::dispatch::Call;
use crate::broker::reply::Reply;
use crate::group::{Sync, Synced};
use crate::wire::sync_group::{SyncGroupRequest, SyncGroupResponse};

pub fn handle(call: Call<SyncGroupRequest>) -> Reply<SyncGroupResponse> {
    let Call { node, request, .. } = call;
    let failed = |code| Reply::ready(respond(Synced::failed(code)));
    if request.group_id.is_empty() {
        return failed(ErrorCode::InvalidGroupId);
    }
    if let Err(code) = node.check_coordinates(&request.group_id) {
        return failed(code);
    }
    let sync = Sync {
        member_id: request.member_id,
        instance_id: request.group_instance_id,
        generation: request.generation_id,
        protocol_type: request.protocol_type,
        protocol: request.protocol_name,
        assignments: request
            .assignments
            .into_iter()
            .map(|share| (share.member_id, share.assignment))
            .collect(),
    };
    match node.sync_group(&request.group_id, sync) {
        Ok(answer) => Reply::later(async move {
            let gone = |_| Synced::failed(ErrorCode::NotCoordinator);
            respond(answer.await.unwrap_or_else(gone))
        }),
        Err(code) => failed(code),
    }
}

fn respond(synced: Synced) -> SyncGroupResponse {
    SyncGroupResponse {
        error_code: synced.error.to_wire(),
        protocol_type: synced.protocol_type,
        protocol_name: synced.protocol,
        assignment: synced.assignment,
        ..Default::default()
    }
}
