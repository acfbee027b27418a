//! ListOffsets to one leader: the offset of a point in a partition.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::config::Isolation;
use super::connection::Connection;
use super::error::ClientError;
use super::handle::Client;
use crate::base::{ErrorCode, TopicName};
use crate::wire::list_offsets::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic};

/// The special timestamps of ListOffsets.
pub(super) const LATEST: i64 = -1;
/// See [`LATEST`].
pub(super) const EARLIEST: i64 = -2;

/// What a leader says of one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) error: ErrorCode,
    /// −1 where there is no such record.
    pub(super) offset: i64,
    /// −1 where the query was for an end.
    pub(super) timestamp: i64,
    /// −1 where the broker does not tell.
    pub(super) leader_epoch: i32,
}

/// Asks one broker for (partition → timestamp). Partitions that the answer lacks are missing.
pub(super) async fn ask(
    client: &Client,
    connection: &Arc<Connection>,
    wanted: &BTreeMap<(TopicName, i32), i64>,
    isolation: Isolation,
) -> Result<BTreeMap<(TopicName, i32), Found>, ClientError> {
    let cluster = client.cluster();
    let mut request = ListOffsetsRequest {
        replica_id: -1,
        isolation_level: isolation_level(isolation),
        timeout_ms: i32::try_from(client.config().request_timeout.as_millis()).unwrap_or(i32::MAX),
        ..ListOffsetsRequest::default()
    };
    for ((topic, partition), timestamp) in wanted {
        let epoch = cluster.leader(topic, *partition).map_or(-1, |(_, epoch)| epoch);
        let one = ListOffsetsPartition {
            partition_index: *partition,
            current_leader_epoch: epoch,
            timestamp: *timestamp,
            ..ListOffsetsPartition::default()
        };
        match request.topics.last_mut().filter(|t| *t.name == **topic) {
            Some(topic) => topic.partitions.push(one),
            None => request.topics.push(ListOffsetsTopic {
                name: topic.as_str().into(),
                partitions: vec![one],
                ..ListOffsetsTopic::default()
            }),
        }
    }
    let answer = connection.call(&request, client.config().request_timeout).await?;
    let mut found = BTreeMap::new();
    for topic in &answer.topics {
        let Ok(name) = TopicName::new(&topic.name) else { continue };
        for told in &topic.partitions {
            let one = Found {
                error: ErrorCode::from_wire(told.error_code),
                offset: told.offset,
                timestamp: told.timestamp,
                leader_epoch: told.leader_epoch,
            };
            found.insert((name.clone(), told.partition_index), one);
        }
    }
    Ok(found)
}

/// As requests carry it.
pub(super) fn isolation_level(isolation: Isolation) -> i8 {
    match isolation {
        Isolation::ReadUncommitted => 0,
        Isolation::ReadCommitted => 1,
    }
}
