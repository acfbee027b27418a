//! Changing what groups have committed: OffsetCommit in nobody's name, OffsetDelete.

use std::collections::BTreeMap;

use super::super::super::committed;
use super::super::super::error::ClientError;
use super::super::Admin;
use super::{GroupOffsets, checked};
use crate::base::{ErrorCode, TopicName};
use crate::wire::offset_delete::{
    OffsetDeleteRequest, OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};

/// What one commit may take in `__consumer_offsets`, where it is one batch: well below any `message.max.bytes`.
const COMMIT_BYTES: usize = 256 << 10;

/// Per partition asked for, what came of it.
type PerPartition<T> = Vec<((TopicName, i32), Result<T, ClientError>)>;

impl Admin {
    /// Commits offsets for a group that has no members; one that is not there is made.
    ///
    /// Many offsets go in several requests; where a later one fails, the answers of its partitions say so.
    ///
    /// # Errors
    /// Where its coordinator does not answer; per partition what it refused, `UNKNOWN_MEMBER_ID` if the group has members.
    pub async fn alter_group_offsets(
        &self,
        group: &str,
        offsets: &GroupOffsets,
    ) -> Result<PerPartition<()>, ClientError> {
        let mut out = Vec::new();
        let mut failed = None;
        for part in portions(group, offsets) {
            if failed.is_none() {
                match self.commit_part(group, &part).await {
                    Ok(told) => {
                        out.extend(told);
                        continue;
                    }
                    Err(cause) if out.is_empty() => return Err(cause),
                    Err(cause) => failed = Some(cause),
                }
            }
            let cause = failed.clone().unwrap_or(ClientError::Closed);
            out.extend(part.into_keys().map(|key| (key, Err(cause.clone()))));
        }
        Ok(out)
    }

    async fn commit_part(
        &self,
        group: &str,
        offsets: &GroupOffsets,
    ) -> Result<PerPartition<()>, ClientError> {
        let request = committed::commit_of(group.into(), offsets);
        let timeout = self.client.config().request_timeout;
        let told = self
            .by_coordinator(&[group.to_owned()], |connection, _, _| {
                let request = request.clone();
                async move {
                    let answer = committed::commit(&connection, &request, timeout).await?;
                    let group = request.group_id.to_string();
                    let told = per_partition(&group, committed::codes(&answer));
                    Ok(vec![(group, told)])
                }
            })
            .await;
        told.into_iter().next().map_or(Ok(Vec::new()), |(_, told)| told)
    }

    /// Forgets what a group committed of these partitions (KIP-496).
    ///
    /// # Errors
    /// Where the coordinator does not answer or refuses (`GROUP_ID_NOT_FOUND`, `NON_EMPTY_GROUP`); per partition what it
    /// refused, `GROUP_SUBSCRIBED_TO_TOPIC` if a member reads the topic.
    pub async fn delete_group_offsets(
        &self,
        group: &str,
        partitions: &[(TopicName, i32)],
    ) -> Result<PerPartition<()>, ClientError> {
        let request = delete_of(group, partitions);
        let timeout = self.client.config().request_timeout;
        let told = self
            .by_coordinator(&[group.to_owned()], |connection, _, _| {
                let request = request.clone();
                async move {
                    let answer = connection.call(&request, timeout).await?;
                    let group = request.group_id.to_string();
                    let told = checked(&group, answer.error_code, None).and_then(|()| {
                        let codes = answer.topics.iter().flat_map(|topic| {
                            let codes = topic.partitions.iter();
                            codes.map(move |p| (&*topic.name, p.partition_index, p.error_code))
                        });
                        per_partition(&group, codes)
                    });
                    Ok(vec![(group, told)])
                }
            })
            .await;
        told.into_iter().next().map_or(Ok(Vec::new()), |(_, told)| told)
    }
}

/// What was answered for each partition; or, where the coordinator is not ready, that alone.
fn per_partition<'a>(
    group: &str,
    codes: impl Iterator<Item = (&'a str, i32, i16)>,
) -> Result<PerPartition<()>, ClientError> {
    let mut out = Vec::new();
    for (topic, partition, code) in codes {
        if is_not_ready(code) {
            checked(group, code, None)?;
        }
        let Ok(topic) = TopicName::new(topic) else { continue };
        let what = || format!("group {group}: {topic}[{partition}]");
        let result = ClientError::check(code, None, what);
        out.push(((topic, partition), result));
    }
    Ok(out)
}

/// Whether a partition's code is about the coordinator rather than about the partition.
fn is_not_ready(code: i16) -> bool {
    matches!(
        ErrorCode::from_wire(code),
        ErrorCode::CoordinatorLoadInProgress
            | ErrorCode::CoordinatorNotAvailable
            | ErrorCode::NotCoordinator
    )
}

/// The offsets in as many parts as commits are made of them.
fn portions(group: &str, offsets: &GroupOffsets) -> Vec<GroupOffsets> {
    let (mut out, mut part, mut bytes) = (Vec::new(), GroupOffsets::new(), 0);
    for (key, committed) in offsets {
        // A record's own fields, lengths and timestamps take less than 100 bytes.
        let one = 100 + group.len() + key.0.len() + committed.metadata.len();
        if bytes + one > COMMIT_BYTES && !part.is_empty() {
            out.push(std::mem::take(&mut part));
            bytes = 0;
        }
        bytes += one;
        part.insert(key.clone(), committed.clone());
    }
    if !part.is_empty() {
        out.push(part);
    }
    out
}

fn delete_of(group: &str, partitions: &[(TopicName, i32)]) -> OffsetDeleteRequest {
    let mut topics: BTreeMap<&TopicName, Vec<OffsetDeleteRequestPartition>> = BTreeMap::new();
    for (topic, partition_index) in partitions {
        let partition = OffsetDeleteRequestPartition {
            partition_index: *partition_index,
            ..OffsetDeleteRequestPartition::default()
        };
        topics.entry(topic).or_default().push(partition);
    }
    let topics = topics.into_iter().map(|(topic, partitions)| OffsetDeleteRequestTopic {
        name: topic.as_str().into(),
        partitions,
        ..OffsetDeleteRequestTopic::default()
    });
    OffsetDeleteRequest {
        group_id: group.into(),
        topics: topics.collect(),
        ..OffsetDeleteRequest::default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::super::committed::CommittedOffset;
    use super::*;

    #[test]
    fn many_offsets_are_committed_in_parts_that_fit_into_a_batch() {
        let topic = TopicName::new("t").expect("a name");
        let large = CommittedOffset { metadata: "m".repeat(4000), ..CommittedOffset::at(7) };
        let offsets: GroupOffsets =
            (0..200).map(|partition| ((topic.clone(), partition), large.clone())).collect();
        let parts = portions("g", &offsets);
        assert_eq!(parts.len(), 4);
        assert_eq!(parts.into_iter().flatten().collect::<GroupOffsets>(), offsets);
    }
}
