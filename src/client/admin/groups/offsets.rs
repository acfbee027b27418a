//! How far groups have read: OffsetFetch of all that they committed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::super::super::connection::Connection;
use super::super::super::error::ClientError;
use super::super::Admin;
use super::{PerGroup, checked};
use crate::base::TopicName;
use crate::wire::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchResponseGroup,
    OffsetFetchResponsePartition, OffsetFetchResponsePartitions, OffsetFetchResponseTopic,
    OffsetFetchResponseTopics,
};

/// Topics go by name up to this version.
const BY_NAME: i16 = 9;
/// From this version on several groups are asked for at once (KIP-709).
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

/// All that a group committed.
pub type GroupOffsets = BTreeMap<(TopicName, i32), CommittedOffset>;

impl Admin {
    /// All that these groups committed, in the order asked; nothing for groups that are not there. With `stable` offsets
    /// that are part of an open transaction are waited for (brokers before 2.5 do not wait).
    ///
    /// # Errors
    /// Per group what its coordinator refused.
    pub async fn list_group_offsets(
        &self,
        groups: &[String],
        stable: bool,
    ) -> PerGroup<GroupOffsets> {
        let timeout = self.client.config().request_timeout;
        self.by_coordinator(groups, |connection, _, groups| async move {
            let version = connection.version_up_to::<OffsetFetchRequest>(BY_NAME)?;
            if version >= SEVERAL {
                return fetch_several(&connection, version, &groups, stable, timeout).await;
            }
            let mut out = Vec::new();
            for group in groups {
                let offsets = fetch_one(&connection, version, &group, stable, timeout).await?;
                out.push((group, offsets));
            }
            Ok(out)
        })
        .await
    }
}

async fn fetch_several(
    connection: &Arc<Connection>,
    version: i16,
    groups: &[String],
    stable: bool,
    timeout: Duration,
) -> Result<PerGroup<GroupOffsets>, ClientError> {
    let group = |group: &String| OffsetFetchRequestGroup {
        group_id: group.as_str().into(),
        topics: None,
        ..OffsetFetchRequestGroup::default()
    };
    let request = OffsetFetchRequest {
        groups: groups.iter().map(group).collect(),
        require_stable: stable,
        ..OffsetFetchRequest::default()
    };
    let answer = connection.call_at(&request, version, timeout).await?;
    Ok(answer.groups.into_iter().map(|told| (told.group_id.to_string(), gathered(told))).collect())
}

async fn fetch_one(
    connection: &Arc<Connection>,
    version: i16,
    group: &str,
    stable: bool,
    timeout: Duration,
) -> Result<Result<GroupOffsets, ClientError>, ClientError> {
    let request = OffsetFetchRequest {
        group_id: group.into(),
        topics: None,
        require_stable: stable && version >= STABLE,
        ..OffsetFetchRequest::default()
    };
    let answer = connection.call_at(&request, version, timeout).await?;
    Ok(gathered(OffsetFetchResponseGroup {
        group_id: group.into(),
        topics: answer.topics.into_iter().map(as_of_several).collect(),
        error_code: answer.error_code,
        ..OffsetFetchResponseGroup::default()
    }))
}

/// A topic as later versions tell it.
fn as_of_several(topic: OffsetFetchResponseTopic) -> OffsetFetchResponseTopics {
    let partition = |told: OffsetFetchResponsePartition| OffsetFetchResponsePartitions {
        partition_index: told.partition_index,
        committed_offset: told.committed_offset,
        committed_leader_epoch: told.committed_leader_epoch,
        metadata: told.metadata,
        error_code: told.error_code,
        ..OffsetFetchResponsePartitions::default()
    };
    OffsetFetchResponseTopics {
        name: topic.name,
        partitions: topic.partitions.into_iter().map(partition).collect(),
        ..OffsetFetchResponseTopics::default()
    }
}

fn gathered(told: OffsetFetchResponseGroup) -> Result<GroupOffsets, ClientError> {
    let group = &told.group_id;
    checked(group, told.error_code, None)?;
    let mut out = GroupOffsets::new();
    for topic in told.topics {
        let Ok(name) = TopicName::new(&topic.name) else { continue };
        for told in topic.partitions {
            let partition = told.partition_index;
            // UNSTABLE_OFFSET_COMMIT passes, and the group is asked for again as a whole.
            ClientError::check(told.error_code, None, || {
                format!("group {group}: {name}[{partition}]")
            })?;
            if told.committed_offset >= 0 {
                let committed = CommittedOffset {
                    offset: told.committed_offset,
                    leader_epoch: Some(told.committed_leader_epoch).filter(|epoch| *epoch >= 0),
                    metadata: told.metadata.as_deref().unwrap_or_default().to_owned(),
                };
                out.insert((name.clone(), partition), committed);
            }
        }
    }
    Ok(out)
}
