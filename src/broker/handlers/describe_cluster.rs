//! DescribeCluster (key 60), v0 to v2. The brokers, and who is controller. Controllers (endpoint type 2) are not told by a broker:
//! error 115. v2 tells fenced brokers if asked.

use super::metadata::CLUSTER_OPERATIONS;
use crate::base::ErrorCode;
use crate::broker::dispatch::Call;
use crate::broker::reply::Reply;
use crate::wire::describe_cluster::{
    DescribeClusterBroker, DescribeClusterRequest, DescribeClusterResponse,
};

const BROKERS: i8 = 1;

pub fn handle(call: Call<DescribeClusterRequest>) -> Reply<DescribeClusterResponse> {
    let Call { node, request, .. } = call;
    if request.endpoint_type != BROKERS {
        return Reply::ready(DescribeClusterResponse {
            error_code: ErrorCode::MismatchedEndpointType.to_wire(),
            error_message: Some("a broker's listener tells of brokers only".into()),
            endpoint_type: request.endpoint_type,
            ..Default::default()
        });
    }
    let image = node.image();
    let shown = image.brokers().filter(|broker| !broker.fenced || request.include_fenced_brokers);
    let brokers = shown.filter_map(|broker| {
        let address = broker.end_points.first()?;
        Some(DescribeClusterBroker {
            broker_id: broker.broker_id,
            host: address.host.clone(),
            port: i32::from(address.port),
            rack: broker.rack.clone(),
            is_fenced: broker.fenced,
            ..Default::default()
        })
    });
    let operations = request.include_cluster_authorized_operations;
    Reply::ready(DescribeClusterResponse {
        endpoint_type: BROKERS,
        cluster_id: node.cluster_id.as_str().into(),
        controller_id: node.store.status().leader_id,
        brokers: brokers.collect(),
        cluster_authorized_operations: if operations { CLUSTER_OPERATIONS } else { i32::MIN },
        ..Default::default()
    })
}
