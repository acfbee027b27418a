//! FindCoordinator (key 10), v0 to v6. COORDINATOR_NOT_AVAILABLE until there are groups and transactions. v4 several keys.

use crate::base::ErrorCode;
use crate::broker::dispatch::Call;
use crate::broker::reply::Reply;
use crate::wire::find_coordinator::{Coordinator, FindCoordinatorRequest, FindCoordinatorResponse};

const MESSAGE: &str = "klog has no consumer groups and no transactions yet";

pub fn handle(call: Call<FindCoordinatorRequest>) -> Reply<FindCoordinatorResponse> {
    let error_code = ErrorCode::CoordinatorNotAvailable.to_wire();
    let coordinators = call.request.coordinator_keys.into_iter().map(|key| Coordinator {
        key,
        node_id: -1,
        port: -1,
        error_code,
        error_message: Some(MESSAGE.into()),
        ..Default::default()
    });
    let coordinators: Vec<Coordinator> = coordinators.collect();
    if call.version >= 4 {
        return Reply::ready(FindCoordinatorResponse { coordinators, ..Default::default() });
    }
    Reply::ready(FindCoordinatorResponse {
        error_code,
        error_message: Some(MESSAGE.into()),
        node_id: -1,
        port: -1,
        ..Default::default()
    })
}
