//! FindCoordinator (key 10), v0 to v6. Groups (key type 0) and transactions (1) are coordinated here; asking makes
//! `__consumer_offsets` or `__transaction_state`. v4 several keys at once (KIP-699).

use std::sync::Arc;

use bytestring::ByteString;

use super::outcome::{Failure, on_wire};
use crate::base::ErrorCode;
use crate::broker::coordinator_topic::CoordinatorTopic;
use crate::broker::dispatch::Call;
use crate::broker::node::Node;
use crate::broker::reply::Reply;
use crate::wire::find_coordinator::{Coordinator, FindCoordinatorRequest, FindCoordinatorResponse};

const GROUP: i8 = 0;
const TRANSACTION: i8 = 1;

pub fn handle(call: Call<FindCoordinatorRequest>) -> Reply<FindCoordinatorResponse> {
    let Call { node, version, request, .. } = call;
    Reply::later(async move {
        let found = find(&node, request.key_type).await;
        if version >= 4 {
            let keys = request.coordinator_keys.into_iter();
            let coordinators = keys.map(|key| coordinator(key, &found)).collect();
            return FindCoordinatorResponse { coordinators, ..Default::default() };
        }
        let only = coordinator(request.key, &found);
        FindCoordinatorResponse {
            error_code: only.error_code,
            error_message: only.error_message,
            node_id: only.node_id,
            host: only.host,
            port: only.port,
            ..Default::default()
        }
    })
}

type Found = Result<(i32, ByteString, u16), Failure>;

async fn find(node: &Arc<Node>, key_type: i8) -> Found {
    match key_type {
        GROUP => node.make_coordinator_topic(CoordinatorTopic::Offsets).await?,
        TRANSACTION => node.make_coordinator_topic(CoordinatorTopic::Transactions).await?,
        other => {
            let message = format!("key type {other} has no coordinator");
            return Err(Failure::new(ErrorCode::InvalidRequest, message));
        }
    }
    let image = node.image();
    let own = image.brokers().find(|broker| broker.broker_id == node.config.node_id);
    let address = own.and_then(|broker| broker.end_points.first());
    match address {
        Some(address) => Ok((node.config.node_id, address.host.clone(), address.port)),
        None => Err(Failure::new(ErrorCode::CoordinatorNotAvailable, "no broker is registered")),
    }
}

fn coordinator(key: ByteString, found: &Found) -> Coordinator {
    let (error_code, error_message) = on_wire(found);
    let (node_id, host, port) = match found {
        Ok((node_id, host, port)) => (*node_id, host.clone(), i32::from(*port)),
        Err(_) => (-1, ByteString::new(), -1),
    };
    Coordinator { key, node_id, host, port, error_code, error_message, ..Default::default() }
}
