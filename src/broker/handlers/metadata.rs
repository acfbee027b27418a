//! Metadata (key 3), v0 to v13. Brokers, topics, partitions. v0: no topics means all; v1: null does. A topic that is not
//! there is made if the broker and, from v4 on, the client allow it. v10 topic ids, v12 topics by id, v13 a top-level error.

use std::sync::Arc;

use bytestring::ByteString;

use crate::base::{ErrorCode, TopicName, with_causes};
use crate::broker::dispatch::Call;
use crate::broker::node::Node;
use crate::broker::partitions::Slot;
use crate::broker::reply::Reply;
use crate::meta::records::topics::PartitionRecord;
use crate::meta::{Image, Topic};
use crate::quorum::SubmitError;
use crate::wire::metadata::{
    MetadataRequest, MetadataRequestTopic, MetadataResponse, MetadataResponseBroker,
    MetadataResponsePartition, MetadataResponseTopic,
};

/// READ, WRITE, CREATE, DELETE, ALTER, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS: all, for nothing is forbidden yet.
pub const TOPIC_OPERATIONS: i32 = 0b1101_1111_1000;
/// CREATE, ALTER, DESCRIBE, CLUSTER_ACTION, DESCRIBE_CONFIGS, ALTER_CONFIGS, IDEMPOTENT_WRITE.
pub const CLUSTER_OPERATIONS: i32 = 0b1_1111_1010_0000;

pub fn handle(call: Call<MetadataRequest>) -> Reply<MetadataResponse> {
    let Call { node, version, mut request, .. } = call;
    if version == 0 && request.topics.as_ref().is_some_and(Vec::is_empty) {
        request.topics = None;
    }
    let missing = missing(&node, version, &request);
    if missing.is_empty() {
        return Reply::ready(respond(&node, version, &request, &[]));
    }
    Reply::later(async move {
        let mut failures = Vec::new();
        for name in missing {
            match node.create_topic(node.automatic_topic(&name)).await {
                Ok(_) => {}
                Err(SubmitError::Refused(refused))
                    if refused.code == ErrorCode::TopicAlreadyExists =>
                {
                    node.follow_metadata().await;
                }
                Err(error) => {
                    tracing::warn!(topic = &*name, error = %with_causes(&error), "a topic that was asked for could not be made");
                    failures.push((name, code_of(&error)));
                }
            }
        }
        respond(&node, version, &request, &failures)
    })
}

fn code_of(error: &SubmitError) -> ErrorCode {
    match error {
        SubmitError::Refused(refused) => refused.code,
        SubmitError::Failed(_) => ErrorCode::KafkaStorageError,
        SubmitError::Stopped => ErrorCode::BrokerNotAvailable,
    }
}

/// The topics that are to be made.
fn missing(node: &Node, version: i16, request: &MetadataRequest) -> Vec<ByteString> {
    if !node.config.auto_create_topics || (version >= 4 && !request.allow_auto_topic_creation) {
        return Vec::new();
    }
    let image = node.image();
    let wanted = request.topics.iter().flatten().filter_map(|topic| topic.name.clone());
    wanted
        .filter(|name| TopicName::new(name).is_ok_and(|name| !name.is_internal()))
        .filter(|name| image.topic(name).is_none())
        .collect()
}

fn respond(
    node: &Arc<Node>,
    version: i16,
    request: &MetadataRequest,
    failures: &[(ByteString, ErrorCode)],
) -> MetadataResponse {
    let image = node.image();
    let operations = request.include_topic_authorized_operations;
    let topics = match &request.topics {
        None => image.topics().map(|topic| describe(node, topic, operations)).collect(),
        Some(wanted) => wanted
            .iter()
            .map(|wanted| one(node, &image, version, wanted, operations, failures))
            .collect(),
    };
    MetadataResponse {
        brokers: brokers(&image),
        cluster_id: Some(node.cluster_id.as_str().into()),
        controller_id: node.store.status().leader_id,
        topics,
        cluster_authorized_operations: if request.include_cluster_authorized_operations {
            CLUSTER_OPERATIONS
        } else {
            i32::MIN
        },
        ..Default::default()
    }
}

fn brokers(image: &Image) -> Vec<MetadataResponseBroker> {
    let live = image.brokers().filter(|broker| !broker.fenced);
    let with_address =
        live.filter_map(|broker| broker.end_points.first().map(|address| (broker, address)));
    with_address
        .map(|(broker, address)| MetadataResponseBroker {
            node_id: broker.broker_id,
            host: address.host.clone(),
            port: i32::from(address.port),
            rack: broker.rack.clone(),
            ..Default::default()
        })
        .collect()
}

fn one(
    node: &Node,
    image: &Image,
    version: i16,
    wanted: &MetadataRequestTopic,
    operations: bool,
    failures: &[(ByteString, ErrorCode)],
) -> MetadataResponseTopic {
    let by_id = version >= 12 && !wanted.topic_id.is_zero() && wanted.name.is_none();
    if by_id {
        return match image.topic_by_id(wanted.topic_id) {
            Some(topic) => describe(node, topic, operations),
            None => MetadataResponseTopic {
                error_code: ErrorCode::UnknownTopicId.to_wire(),
                name: None,
                topic_id: wanted.topic_id,
                ..Default::default()
            },
        };
    }
    let name = wanted.name.clone().unwrap_or_default();
    let failure = failures.iter().find(|(failed, _)| *failed == name).map(|(_, code)| *code);
    let code = match (TopicName::new(&name), image.topic(&name)) {
        (_, Some(topic)) => return describe(node, topic, operations),
        (Err(_), None) => ErrorCode::InvalidTopicException,
        (Ok(_), None) => failure.unwrap_or(ErrorCode::UnknownTopicOrPartition),
    };
    MetadataResponseTopic { error_code: code.to_wire(), name: Some(name), ..Default::default() }
}

fn describe(node: &Node, topic: &Topic, operations: bool) -> MetadataResponseTopic {
    let offline = offline_replicas(node, topic);
    let partitions = topic.partitions.iter().map(|partition| MetadataResponsePartition {
        partition_index: partition.partition_id,
        leader_id: partition.leader,
        leader_epoch: partition.leader_epoch,
        replica_nodes: partition.replicas.clone(),
        isr_nodes: partition.isr.clone(),
        offline_replicas: offline(partition),
        ..Default::default()
    });
    MetadataResponseTopic {
        name: Some(topic.name.as_str().into()),
        topic_id: topic.id,
        is_internal: topic.name.is_internal(),
        partitions: partitions.collect(),
        topic_authorized_operations: if operations { TOPIC_OPERATIONS } else { i32::MIN },
        ..Default::default()
    }
}

/// Tells of each partition of a topic which of its replicas cannot be served.
pub fn offline_replicas(node: &Node, topic: &Topic) -> impl Fn(&PartitionRecord) -> Vec<i32> {
    let logs = node.partitions.topic_by_id(topic.id);
    move |partition| {
        let at = usize::try_from(partition.partition_id).unwrap_or(usize::MAX);
        let slot = logs.as_ref().and_then(|logs| logs.slots.get(at));
        match slot {
            Some(Slot::Online(served)) if served.is_damaged() => partition.replicas.clone(),
            Some(Slot::Offline(_)) => partition.replicas.clone(),
            _ => Vec::new(),
        }
    }
}
