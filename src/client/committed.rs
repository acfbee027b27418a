//! What groups have committed, on the wire: OffsetFetch and OffsetCommit at every version, for members and for admins.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bytestring::ByteString;

use super::connection::Connection;
use super::error::ConnectionError;
use crate::base::{ErrorCode, TopicName};
use crate::wire::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
    OffsetCommitResponse,
};
use crate::wire::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
    OffsetFetchResponse, OffsetFetchResponseGroup, OffsetFetchResponsePartition,
    OffsetFetchResponsePartitions, OffsetFetchResponseTopic, OffsetFetchResponseTopics,
};

/// Topics go by name up to this version of OffsetFetch.
const FETCH_BY_NAME: i16 = 9;
/// Topics go by name up to this version of OffsetCommit.
const COMMIT_BY_NAME: i16 = 9;
/// From this version of OffsetFetch on several groups are asked for at once (KIP-709).
const SEVERAL: i16 = 8;
/// From this one on a broker waits for transactions to be decided (KIP-447).
const STABLE: i16 = 7;

/// What is committed of one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommittedOffset {
    /// The next offset to be read.
    pub offset: i64,
    /// The epoch of the leader that wrote the record before it, if whoever committed told.
    pub leader_epoch: Option<i32>,
    /// Whatever the member that committed wanted to remember.
    pub metadata: String,
}

impl CommittedOffset {
    /// An offset alone.
    pub fn at(offset: i64) -> CommittedOffset {
        CommittedOffset { offset, leader_epoch: None, metadata: String::new() }
    }
}

/// What a group committed, by partition.
pub type GroupOffsets = BTreeMap<(TopicName, i32), CommittedOffset>;

/// A partition, and what is committed of it, if anything is; or why that is not told.
pub(super) type Told = ((TopicName, i32), Result<Option<CommittedOffset>, ErrorCode>);

/// Asks a coordinator what its groups committed of these partitions, or with `None` of all. With `stable`, offsets that are part of
/// an open transaction are waited for; brokers before 2.5 do not.
pub(super) async fn fetch(
    connection: &Arc<Connection>,
    groups: &[ByteString],
    partitions: Option<&BTreeSet<(TopicName, i32)>>,
    stable: bool,
    timeout: Duration,
) -> Result<Vec<OffsetFetchResponseGroup>, ConnectionError> {
    let version = connection.version_up_to::<OffsetFetchRequest>(FETCH_BY_NAME)?;
    let topics = partitions.map(by_topic);
    let require_stable = stable && version >= STABLE;
    if version >= SEVERAL {
        let topic = |(name, partition_indexes): (ByteString, Vec<i32>)| OffsetFetchRequestTopics {
            name,
            partition_indexes,
            ..Default::default()
        };
        let topics: Option<Vec<_>> = topics.map(|topics| topics.into_iter().map(topic).collect());
        let group = |group_id: &ByteString| OffsetFetchRequestGroup {
            group_id: group_id.clone(),
            topics: topics.clone(),
            ..Default::default()
        };
        let groups = groups.iter().map(group).collect();
        let request = OffsetFetchRequest { groups, require_stable, ..Default::default() };
        return Ok(connection.call_at(&request, version, timeout).await?.groups);
    }
    let topic = |(name, partition_indexes): (ByteString, Vec<i32>)| OffsetFetchRequestTopic {
        name,
        partition_indexes,
        ..Default::default()
    };
    let topics: Option<Vec<_>> = topics.map(|topics| topics.into_iter().map(topic).collect());
    let mut out = Vec::new();
    for group_id in groups {
        let (group_id, topics) = (group_id.clone(), topics.clone());
        let request = OffsetFetchRequest { group_id, topics, require_stable, ..Default::default() };
        let answer = connection.call_at(&request, version, timeout).await?;
        out.push(as_of_several(request.group_id, answer));
    }
    Ok(out)
}

fn by_topic(partitions: &BTreeSet<(TopicName, i32)>) -> BTreeMap<ByteString, Vec<i32>> {
    let mut topics: BTreeMap<ByteString, Vec<i32>> = BTreeMap::new();
    for (topic, partition) in partitions {
        topics.entry(topic.as_str().into()).or_default().push(*partition);
    }
    topics
}

/// An answer as later versions give it.
fn as_of_several(group_id: ByteString, answer: OffsetFetchResponse) -> OffsetFetchResponseGroup {
    let partition = |told: OffsetFetchResponsePartition| OffsetFetchResponsePartitions {
        partition_index: told.partition_index,
        committed_offset: told.committed_offset,
        committed_leader_epoch: told.committed_leader_epoch,
        metadata: told.metadata,
        error_code: told.error_code,
        ..Default::default()
    };
    let topic = |told: OffsetFetchResponseTopic| OffsetFetchResponseTopics {
        name: told.name,
        partitions: told.partitions.into_iter().map(partition).collect(),
        ..Default::default()
    };
    OffsetFetchResponseGroup {
        group_id,
        topics: answer.topics.into_iter().map(topic).collect(),
        error_code: answer.error_code,
        ..Default::default()
    }
}

/// What an answer says of each partition.
pub(super) fn told(topics: Vec<OffsetFetchResponseTopics>) -> Vec<Told> {
    let mut out = Vec::new();
    for topic in topics {
        let Ok(name) = TopicName::new(&topic.name) else { continue };
        for told in topic.partitions {
            let key = (name.clone(), told.partition_index);
            let committed = ErrorCode::from_wire(told.error_code).ok().map(|()| {
                (told.committed_offset >= 0).then(|| CommittedOffset {
                    offset: told.committed_offset,
                    leader_epoch: Some(told.committed_leader_epoch).filter(|epoch| *epoch >= 0),
                    metadata: told.metadata.as_deref().unwrap_or_default().to_owned(),
                })
            });
            out.push((key, committed));
        }
    }
    out
}

/// Sends a commit to a coordinator.
pub(super) async fn commit(
    connection: &Arc<Connection>,
    request: &OffsetCommitRequest,
    timeout: Duration,
) -> Result<OffsetCommitResponse, ConnectionError> {
    let version = connection.version_up_to::<OffsetCommitRequest>(COMMIT_BY_NAME)?;
    connection.call_at(request, version, timeout).await
}

/// A commit of these in nobody's name: a coordinator takes that for groups without members only.
pub(super) fn commit_of(group_id: ByteString, offsets: &GroupOffsets) -> OffsetCommitRequest {
    let mut topics: Vec<OffsetCommitRequestTopic> = Vec::new();
    for ((topic, partition), committed) in offsets {
        let one = OffsetCommitRequestPartition {
            partition_index: *partition,
            committed_offset: committed.offset,
            committed_leader_epoch: committed.leader_epoch.unwrap_or(-1),
            committed_metadata: Some(committed.metadata.as_str().into()),
            ..Default::default()
        };
        match topics.last_mut().filter(|last| *last.name == **topic) {
            Some(last) => last.partitions.push(one),
            None => topics.push(OffsetCommitRequestTopic {
                name: topic.as_str().into(),
                partitions: vec![one],
                ..Default::default()
            }),
        }
    }
    OffsetCommitRequest { group_id, topics, ..Default::default() }
}

/// Topic, partition and code of each answer.
pub(super) fn codes(answer: &OffsetCommitResponse) -> impl Iterator<Item = (&str, i32, i16)> {
    answer.topics.iter().flat_map(|topic| {
        topic.partitions.iter().map(|p| (&*topic.name, p.partition_index, p.error_code))
    })
}
