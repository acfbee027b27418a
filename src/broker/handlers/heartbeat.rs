//! Heartbeat (key 12), v0 to v4. A member is alive; REBALANCE_IN_PROGRESS asks it to join again. v3 static members.

use crate::broker::dispatch::Call;
use crate::broker::reply::Reply;
use crate::wire::heartbeat::{HeartbeatRequest, HeartbeatResponse};

pub fn handle(call: Call<HeartbeatRequest>) -> Reply<HeartbeatResponse> {
    let Call { node, request, .. } = call;
    let done = node.check_coordinates(&request.group_id).and_then(|()| {
        let instance = request.group_instance_id.as_ref();
        let (member, generation) = (&request.member_id, request.generation_id);
        node.group_heartbeat(&request.group_id, member, instance, generation)
    });
    let error_code = done.err().unwrap_or_default().to_wire();
    Reply::ready(HeartbeatResponse { error_code, ..Default::default() })
}
