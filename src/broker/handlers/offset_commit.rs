//! OffsetCommit (key 8), v2 to v10. How far a group has read; a group that has no members takes them from anyone. Answered once they
//! are stored, and durable where `__consumer_offsets` asks for that. v2 to v4 name their own retention, v6 leader epochs,
//! v7 static members, v9 members of consumer groups (KIP-848), v10 topic ids.

use bytestring::ByteString;

use crate::base::{ErrorCode, TopicId};
use crate::broker::dispatch::Call;
use crate::broker::groups::{Commit, Place, keep_text};
use crate::broker::node::Node;
use crate::broker::reply::Reply;
use crate::group::CommittedOffset;
use crate::meta::Image;
use crate::wire::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
    OffsetCommitResponse, OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};

/// What is wrong with a partition's offset; it is not stored then.
type Outcome = (i32, ErrorCode);

pub fn handle(call: Call<OffsetCommitRequest>) -> Reply<OffsetCommitResponse> {
    let Call { node, version, request, .. } = call;
    if let Err(code) = node.check_coordinates(&request.group_id) {
        return Reply::ready(respond(outcomes(&request.topics, |_, _| code)));
    }
    let expires_at = (version <= 4 && request.retention_time_ms >= 0)
        .then(|| node.now().0.saturating_add(request.retention_time_ms));
    let (image, mut offsets) = (node.image(), Vec::new());
    let mut judged = outcomes(&request.topics, |topic, partition| {
        match judge(&node, &image, version, topic, partition) {
            Ok(place) => {
                offsets.push((place, offset(&node, partition, expires_at)));
                ErrorCode::None
            }
            Err(code) => code,
        }
    });
    let commit = Commit {
        group: request.group_id,
        member_id: request.member_id,
        instance_id: request.group_instance_id,
        generation: request.generation_id_or_member_epoch,
        version,
        offsets,
        transaction: None,
    };
    match node.commit_offsets(commit) {
        Ok(None) => Reply::ready(respond(judged)),
        Ok(durable) => Reply::later(async move {
            if let Err(code) = Node::until_durable(durable).await {
                fail(&mut judged, code);
            }
            respond(judged)
        }),
        Err(code) => {
            fail(&mut judged, code);
            Reply::ready(respond(judged))
        }
    }
}

fn judge(
    node: &Node,
    image: &Image,
    version: i16,
    topic: &OffsetCommitRequestTopic,
    partition: &OffsetCommitRequestPartition,
) -> Result<Place, ErrorCode> {
    let (found, unknown) = match version {
        10.. => (image.topic_by_id(topic.topic_id), ErrorCode::UnknownTopicId),
        _ => (image.topic(&topic.name), ErrorCode::UnknownTopicOrPartition),
    };
    let found = found.ok_or(unknown)?;
    let there =
        usize::try_from(partition.partition_index).is_ok_and(|at| at < found.partitions.len());
    if !there {
        return Err(ErrorCode::UnknownTopicOrPartition);
    }
    let metadata = partition.committed_metadata.as_ref().map_or(0, |text| text.len());
    if metadata > node.config.offset_metadata_max_bytes {
        return Err(ErrorCode::OffsetMetadataTooLarge);
    }
    Ok((found.name.as_str().into(), partition.partition_index))
}

fn offset(
    node: &Node,
    partition: &OffsetCommitRequestPartition,
    expires_at: Option<i64>,
) -> CommittedOffset {
    CommittedOffset {
        offset: partition.committed_offset,
        leader_epoch: partition.committed_leader_epoch,
        metadata: partition.committed_metadata.as_ref().map(keep_text).unwrap_or_default(),
        committed_at: node.now().0,
        expires_at,
    }
}

type Judged = Vec<((ByteString, TopicId), Vec<Outcome>)>;

fn outcomes(
    topics: &[OffsetCommitRequestTopic],
    mut outcome: impl FnMut(&OffsetCommitRequestTopic, &OffsetCommitRequestPartition) -> ErrorCode,
) -> Judged {
    let of_topic = |topic: &OffsetCommitRequestTopic| {
        let partitions = topic.partitions.iter();
        let partitions =
            partitions.map(|partition| (partition.partition_index, outcome(topic, partition)));
        ((topic.name.clone(), topic.topic_id), partitions.collect())
    };
    topics.iter().map(of_topic).collect()
}

fn fail(judged: &mut Judged, code: ErrorCode) {
    judged.iter_mut().flat_map(|(_, partitions)| partitions).for_each(|(_, outcome)| {
        if *outcome == ErrorCode::None {
            *outcome = code;
        }
    });
}

fn respond(judged: Judged) -> OffsetCommitResponse {
    let topics = judged.into_iter().map(|((name, topic_id), partitions)| {
        let partitions =
            partitions.into_iter().map(|(partition_index, code)| OffsetCommitResponsePartition {
                partition_index,
                error_code: code.to_wire(),
                ..Default::default()
            });
        let partitions = partitions.collect();
        OffsetCommitResponseTopic { name, topic_id, partitions, ..Default::default() }
    });
    OffsetCommitResponse { topics: topics.collect(), ..Default::default() }
}
