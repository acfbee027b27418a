//! OffsetFetch (key 9), v1 to v10. How far groups have read; -1 where nothing was committed. v2 null means all partitions, and errors
//! are of the whole group; v5 leader epochs, v7 `require_stable`: UNSTABLE_OFFSET_COMMIT where an open transaction may change an offset
//! (KIP-447), v8 several groups
//! (KIP-709), v9 members of consumer groups (KIP-848), v10 topic ids.

use bytestring::ByteString;

use crate::base::{ErrorCode, TopicId};
use crate::broker::dispatch::Call;
use crate::broker::groups::Place;
use crate::broker::node::Node;
use crate::broker::reply::Reply;
use crate::group::CommittedOffset;
use crate::wire::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
    OffsetFetchResponse, OffsetFetchResponseGroup, OffsetFetchResponsePartition,
    OffsetFetchResponsePartitions, OffsetFetchResponseTopic, OffsetFetchResponseTopics,
};

pub fn handle(call: Call<OffsetFetchRequest>) -> Reply<OffsetFetchResponse> {
    let Call { node, version, request, .. } = call;
    if version >= 8 {
        let terms = Terms { version, stable: request.require_stable };
        let groups = request.groups.into_iter().map(|group| one(&node, terms, group)).collect();
        return Reply::ready(OffsetFetchResponse { groups, ..Default::default() });
    }
    let topics = request.topics.map(|topics| topics.into_iter().map(renamed).collect());
    let group =
        OffsetFetchRequestGroup { group_id: request.group_id, topics, ..Default::default() };
    let terms = Terms { version, stable: request.require_stable };
    Reply::ready(as_before_v8(version, one(&node, terms, group)))
}

/// How offsets are asked for.
#[derive(Clone, Copy)]
struct Terms {
    version: i16,
    /// Only offsets that no open transaction may change.
    stable: bool,
}

fn renamed(topic: OffsetFetchRequestTopic) -> OffsetFetchRequestTopics {
    let OffsetFetchRequestTopic { name, partition_indexes, .. } = topic;
    OffsetFetchRequestTopics { name, partition_indexes, ..Default::default() }
}

fn as_before_v8(version: i16, group: OffsetFetchResponseGroup) -> OffsetFetchResponse {
    let partition = |partition: OffsetFetchResponsePartitions| OffsetFetchResponsePartition {
        partition_index: partition.partition_index,
        committed_offset: partition.committed_offset,
        committed_leader_epoch: partition.committed_leader_epoch,
        metadata: partition.metadata,
        error_code: if version < 2 { group.error_code } else { partition.error_code },
        ..Default::default()
    };
    let topics = group.topics.into_iter().map(|topic| OffsetFetchResponseTopic {
        name: topic.name,
        partitions: topic.partitions.into_iter().map(partition).collect(),
        ..Default::default()
    });
    OffsetFetchResponse {
        topics: topics.collect(),
        error_code: group.error_code,
        ..Default::default()
    }
}

fn one(node: &Node, terms: Terms, group: OffsetFetchRequestGroup) -> OffsetFetchResponseGroup {
    let OffsetFetchRequestGroup { group_id, topics, member_id, member_epoch, .. } = group;
    let member = member_id.as_ref();
    let code = node
        .check_coordinates(&group_id)
        .and_then(|()| node.check_offset_fetch(&group_id, member, member_epoch))
        .err();
    let topics = match topics {
        Some(topics) => {
            topics.into_iter().map(|topic| asked(node, terms, &group_id, topic, code)).collect()
        }
        None if code.is_some() => Vec::new(),
        None => all(node, terms, &group_id),
    };
    let error_code = code.unwrap_or_default().to_wire();
    OffsetFetchResponseGroup { group_id, topics, error_code, ..Default::default() }
}

fn asked(
    node: &Node,
    terms: Terms,
    group: &ByteString,
    topic: OffsetFetchRequestTopics,
    code: Option<ErrorCode>,
) -> OffsetFetchResponseTopics {
    let OffsetFetchRequestTopics { name, topic_id, partition_indexes, .. } = topic;
    let image = node.image();
    let known = match terms.version {
        10.. => image.topic_by_id(topic_id).map(|topic| ByteString::from(topic.name.as_str())),
        _ => Some(name.clone()),
    };
    let partitions = match (known, code) {
        (Some(name), None) => {
            let place = |index: i32| (name.clone(), index);
            let places: Vec<Place> = partition_indexes.into_iter().map(place).collect();
            let offsets = node.committed_offsets(group, Some(&places)).into_iter();
            offsets.map(|(place, offset)| told(node, terms, group, place, offset)).collect()
        }
        (known, code) => {
            let missing = if known.is_none() { ErrorCode::UnknownTopicId } else { ErrorCode::None };
            let error_code = code.map_or(missing, |_| ErrorCode::None).to_wire();
            let none =
                |index| OffsetFetchResponsePartitions { error_code, ..partition(index, None) };
            partition_indexes.into_iter().map(none).collect()
        }
    };
    OffsetFetchResponseTopics { name, topic_id, partitions, ..Default::default() }
}

fn all(node: &Node, terms: Terms, group: &ByteString) -> Vec<OffsetFetchResponseTopics> {
    let image = node.image();
    let mut topics: Vec<OffsetFetchResponseTopics> = Vec::new();
    for (place, offset) in node.committed_offsets(group, None) {
        let name = place.0.clone();
        let partition = told(node, terms, group, place, offset);
        match topics.last_mut().filter(|topic| topic.name == name) {
            Some(topic) => topic.partitions.push(partition),
            None => topics.push(OffsetFetchResponseTopics {
                topic_id: image.topic(&name).map_or(TopicId::ZERO, |topic| topic.id),
                name,
                partitions: vec![partition],
                ..Default::default()
            }),
        }
    }
    topics
}

fn told(
    node: &Node,
    terms: Terms,
    group: &ByteString,
    place: Place,
    offset: Option<CommittedOffset>,
) -> OffsetFetchResponsePartitions {
    if terms.stable && node.is_unstable(group, &place) {
        let error_code = ErrorCode::UnstableOffsetCommit.to_wire();
        return OffsetFetchResponsePartitions { error_code, ..partition(place.1, None) };
    }
    partition(place.1, offset)
}

fn partition(index: i32, offset: Option<CommittedOffset>) -> OffsetFetchResponsePartitions {
    let none = OffsetFetchResponsePartitions {
        partition_index: index,
        committed_offset: -1,
        ..Default::default()
    };
    match offset {
        None => none,
        Some(offset) => OffsetFetchResponsePartitions {
            committed_offset: offset.offset,
            committed_leader_epoch: offset.leader_epoch,
            metadata: Some(offset.metadata),
            ..none
        },
    }
}
