//! DescribeTopicPartitions (key 75), v0. Topics by name, page by page (KIP-966): at most 2,000 partitions a page, or fewer if asked;
//! the cursor tells where the next page begins. No topics means all.

use std::sync::Arc;

use bytestring::ByteString;

use super::metadata::{TOPIC_OPERATIONS, offline_replicas};
use crate::base::{ErrorCode, TopicName};
use crate::broker::dispatch::Call;
use crate::broker::node::Node;
use crate::broker::reply::Reply;
use crate::meta::{Image, Topic};
use crate::wire::describe_topic_partitions::{
    Cursor, DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse,
    DescribeTopicPartitionsResponsePartition, DescribeTopicPartitionsResponseTopic,
};

/// Kafka's `max.request.partition.size.limit`.
const PARTITIONS_AT_MOST: usize = 2000;

type Page = DescribeTopicPartitionsResponse;

pub fn handle(call: Call<DescribeTopicPartitionsRequest>) -> Reply<Page> {
    let Call { node, request, .. } = call;
    let image = node.image();
    let from = request.cursor.unwrap_or_default();
    let skip = usize::try_from(from.partition_index).unwrap_or(0);
    let mut left =
        usize::try_from(request.response_partition_limit).unwrap_or(0).clamp(1, PARTITIONS_AT_MOST);
    let mut page = Page::default();
    for name in names(&image, request.topics.iter().map(|topic| topic.name.clone()), &from) {
        let Some(topic) = image.topic(&name) else {
            page.topics.push(unknown(name));
            continue;
        };
        let first = if name == from.topic_name { skip.min(topic.partitions.len()) } else { 0 };
        let end = topic.partitions.len().min(first + left);
        if left > 0 {
            page.topics.push(describe(&node, topic, first..end));
        }
        left -= end - first;
        if end < topic.partitions.len() {
            let partition_index = end as i32;
            page.next_cursor =
                Some(Cursor { topic_name: name, partition_index, ..Default::default() });
            break;
        }
    }
    Reply::ready(page)
}

/// The topics that are asked for, in order, from the cursor on.
fn names(
    image: &Image,
    asked: impl ExactSizeIterator<Item = ByteString>,
    from: &Cursor,
) -> Vec<ByteString> {
    let mut names: Vec<ByteString> = match asked.len() {
        0 => image.topics().map(|topic| topic.name.as_str().into()).collect(),
        _ => asked.collect(),
    };
    names.retain(|name| **name >= *from.topic_name);
    names.sort();
    names.dedup();
    names
}

fn unknown(name: ByteString) -> DescribeTopicPartitionsResponseTopic {
    let code = match TopicName::new(&name) {
        Ok(_) => ErrorCode::UnknownTopicOrPartition,
        Err(_) => ErrorCode::InvalidTopicException,
    };
    DescribeTopicPartitionsResponseTopic {
        error_code: code.to_wire(),
        name: Some(name),
        ..Default::default()
    }
}

fn describe(
    node: &Node,
    topic: &Arc<Topic>,
    page: std::ops::Range<usize>,
) -> DescribeTopicPartitionsResponseTopic {
    let offline = offline_replicas(node, topic);
    let partitions =
        topic.partitions[page].iter().map(|partition| DescribeTopicPartitionsResponsePartition {
            partition_index: partition.partition_id,
            leader_id: partition.leader,
            leader_epoch: partition.leader_epoch,
            replica_nodes: partition.replicas.clone(),
            isr_nodes: partition.isr.clone(),
            eligible_leader_replicas: Some(Vec::new()),
            last_known_elr: Some(Vec::new()),
            offline_replicas: offline(partition),
            ..Default::default()
        });
    DescribeTopicPartitionsResponseTopic {
        name: Some(topic.name.as_str().into()),
        topic_id: topic.id,
        is_internal: topic.name.is_internal(),
        partitions: partitions.collect(),
        topic_authorized_operations: TOPIC_OPERATIONS,
        ..Default::default()
    }
}
