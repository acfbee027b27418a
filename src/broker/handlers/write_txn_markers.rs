//! WriteTxnMarkers (key 27), v1 to v2. Ends transactions in single partitions, as coordinators ask for it, and whoever aborts one that
//! hangs (KIP-664). v2 the transactions' version (KIP-1228).

use std::sync::Arc;

use crate::base::{ErrorCode, Offset};
use crate::broker::coordinator_topic::Durable;
use crate::broker::dispatch::Call;
use crate::broker::node::Node;
use crate::broker::partition::Partition;
use crate::broker::reply::Reply;
use crate::broker::txns::Marker;
use crate::wire::write_txn_markers::{
    WritableTxnMarker, WritableTxnMarkerPartitionResult, WritableTxnMarkerResult,
    WritableTxnMarkerTopic, WritableTxnMarkerTopicResult, WriteTxnMarkersRequest,
    WriteTxnMarkersResponse,
};

/// What is to be durable before the answer, and where its outcome stands: marker, topic, partition.
type Waits = Vec<([usize; 3], (Arc<Partition>, Offset))>;

pub fn handle(call: Call<WriteTxnMarkersRequest>) -> Reply<WriteTxnMarkersResponse> {
    let Call { node, request, .. } = call;
    // It may be many, and is a write to disk for each.
    Reply::later(async move {
        let written = tokio::task::spawn_blocking(move || write_all(&node, request)).await;
        let (mut response, waits) = match written {
            Ok(written) => written,
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        };
        for ([marker, topic, at], durable) in waits {
            if let Err(code) = Node::until_durable(Some(durable)).await {
                response.markers[marker].topics[topic].partitions[at].error_code = code.to_wire();
            }
        }
        response
    })
}

fn write_all(node: &Node, request: WriteTxnMarkersRequest) -> (WriteTxnMarkersResponse, Waits) {
    let mut waits = Waits::new();
    let mut markers = Vec::with_capacity(request.markers.len());
    for (of, wanted) in request.markers.into_iter().enumerate() {
        let mut topics = Vec::with_capacity(wanted.topics.len());
        for (at, topic) in wanted.topics.iter().enumerate() {
            topics.push(write_topic(node, &wanted, topic, |partition, durable| {
                waits.push(([of, at, partition], durable));
            }));
        }
        let producer_id = wanted.producer_id;
        markers.push(WritableTxnMarkerResult { producer_id, topics, ..Default::default() });
    }
    (WriteTxnMarkersResponse { markers, ..Default::default() }, waits)
}

fn write_topic(
    node: &Node,
    wanted: &WritableTxnMarker,
    topic: &WritableTxnMarkerTopic,
    mut wait: impl FnMut(usize, (Arc<Partition>, Offset)),
) -> WritableTxnMarkerTopicResult {
    let marker = Marker {
        producer_id: wanted.producer_id,
        producer_epoch: wanted.producer_epoch,
        coordinator_epoch: wanted.coordinator_epoch,
        commit: wanted.transaction_result,
        transaction_version: i16::from(wanted.transaction_version),
    };
    let indexes = topic.partition_indexes.iter().enumerate();
    let partitions = indexes.map(|(at, index)| {
        let written: Result<Durable, ErrorCode> = node.write_marker(&topic.name, *index, marker);
        let code = written.as_ref().err().copied().unwrap_or_default();
        written.ok().flatten().into_iter().for_each(|durable| wait(at, durable));
        WritableTxnMarkerPartitionResult {
            partition_index: *index,
            error_code: code.to_wire(),
            ..Default::default()
        }
    });
    let partitions = partitions.collect();
    WritableTxnMarkerTopicResult { name: topic.name.clone(), partitions, ..Default::default() }
}
