//! DescribeQuorum (key 55), v0 to v2. Leader and voters of `__cluster_metadata` (KIP-595): this node. v1 tells when it was last in
//! touch (KIP-836), v2 directories and addresses (KIP-853). Any other partition is unknown (error 3).

use crate::base::ErrorCode;
use crate::broker::dispatch::Call;
use crate::broker::node::Node;
use crate::broker::reply::Reply;
use crate::meta::records::nodes::RegisterBrokerRecord;
use crate::quorum::METADATA_TOPIC;
use crate::wire::describe_quorum::{
    DescribeQuorumRequest, DescribeQuorumResponse, Listener, Node as Voter, PartitionData,
    ReplicaState, TopicData,
};

pub fn handle(call: Call<DescribeQuorumRequest>) -> Reply<DescribeQuorumResponse> {
    let Call { node, request, .. } = call;
    let topics = request.topics.into_iter().map(|topic| {
        let one = |index: i32| match (&*topic.topic_name, index) {
            (METADATA_TOPIC, 0) => quorum(&node),
            _ => PartitionData {
                partition_index: index,
                error_code: ErrorCode::UnknownTopicOrPartition.to_wire(),
                error_message: Some("only the metadata log has a quorum".into()),
                ..Default::default()
            },
        };
        let partitions = topic.partitions.iter().map(|partition| one(partition.partition_index));
        let partitions = partitions.collect();
        TopicData { topic_name: topic.topic_name.clone(), partitions, ..Default::default() }
    });
    let topics = topics.collect();
    Reply::ready(DescribeQuorumResponse {
        topics,
        nodes: voters(&node),
        error_message: None,
        ..Default::default()
    })
}

fn quorum(node: &Node) -> PartitionData {
    let status = node.store.status();
    let leader = ReplicaState {
        replica_id: status.leader_id,
        replica_directory_id: status.leader_directory_id,
        log_end_offset: status.high_watermark,
        last_fetch_timestamp: status.at_ms,
        last_caught_up_timestamp: status.at_ms,
        ..Default::default()
    };
    PartitionData {
        leader_id: status.leader_id,
        leader_epoch: status.leader_epoch,
        high_watermark: status.high_watermark,
        current_voters: vec![leader],
        error_message: None,
        ..Default::default()
    }
}

fn voters(node: &Node) -> Vec<Voter> {
    let image = node.image();
    let leader = node.store.status().leader_id;
    let brokers = image.brokers().filter(|broker| broker.broker_id == leader);
    let voter = |broker: &RegisterBrokerRecord| Voter {
        node_id: broker.broker_id,
        listeners: broker
            .end_points
            .iter()
            .map(|at| Listener {
                name: at.name.clone(),
                host: at.host.clone(),
                port: at.port,
                ..Default::default()
            })
            .collect(),
        ..Default::default()
    };
    brokers.map(voter).collect()
}
