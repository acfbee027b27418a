//! ListOffsets (key 2), v1 to v11. Offsets by timestamp, and by the special timestamps: -1 latest, -2 earliest, v7 -3 the
//! largest timestamp, v8 -4 earliest on this disk, v9 -5 latest that was tiered and v11 -6 earliest that is still to be:
//! nothing is tiered, so there is none. v4 leader epochs.

use crate::base::{ErrorCode, LeaderEpoch, Millis};
use crate::broker::dispatch::Call;
use crate::broker::node::Node;
use crate::broker::partition::Partition;
use crate::broker::reply::Reply;
use crate::log::{Log, ReadError};
use crate::wire::list_offsets::{
    ListOffsetsPartition, ListOffsetsPartitionResponse, ListOffsetsRequest, ListOffsetsResponse,
    ListOffsetsTopicResponse,
};

use super::target;

const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const LARGEST_TIMESTAMP: i64 = -3;
const EARLIEST_LOCAL: i64 = -4;
const LATEST_TIERED: i64 = -5;
const EARLIEST_PENDING_UPLOAD: i64 = -6;

pub fn handle(call: Call<ListOffsetsRequest>) -> Reply<ListOffsetsResponse> {
    let Call { node, request, version, .. } = call;
    let by_time = |partition: &ListOffsetsPartition| {
        partition.timestamp >= 0 || partition.timestamp == LARGEST_TIMESTAMP
    };
    let searches = request.topics.iter().flat_map(|topic| &topic.partitions).any(by_time);
    if !searches {
        return Reply::ready(look_up(&node, version, request));
    }
    Reply::later(async move {
        match tokio::task::spawn_blocking(move || look_up(&node, version, request)).await {
            Ok(response) => response,
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        }
    })
}

fn look_up(node: &Node, version: i16, request: ListOffsetsRequest) -> ListOffsetsResponse {
    let replica = request.replica_id >= 0;
    let read_committed = request.isolation_level == 1;
    let topics = request.topics.into_iter().map(|topic| {
        let logs = node.partitions.topic(&topic.name);
        let one = |wanted: &ListOffsetsPartition| {
            let found = target::partition(
                logs.as_ref(),
                wanted.partition_index,
                ErrorCode::UnknownTopicOrPartition,
            )
            .and_then(|partition| {
                if replica {
                    return Err(ErrorCode::NotLeaderOrFollower);
                }
                target::check_epoch(&partition, wanted.current_leader_epoch)?;
                if partition.is_deleted() {
                    return Err(ErrorCode::UnknownTopicOrPartition);
                }
                offset(&partition, wanted.timestamp, read_committed)
            });
            respond(version, wanted.partition_index, found)
        };
        let partitions = topic.partitions.iter().map(one).collect();
        ListOffsetsTopicResponse { name: topic.name, partitions, ..Default::default() }
    });
    ListOffsetsResponse { topics: topics.collect(), ..Default::default() }
}

/// Offset, timestamp and leader epoch.
type Found = (i64, i64, Option<LeaderEpoch>);

fn respond(
    version: i16,
    partition_index: i32,
    found: Result<Found, ErrorCode>,
) -> ListOffsetsPartitionResponse {
    match found {
        Ok((offset, timestamp, epoch)) => ListOffsetsPartitionResponse {
            partition_index,
            offset,
            timestamp,
            leader_epoch: epoch.filter(|_| version >= 4).map_or(-1, LeaderEpoch::get),
            ..Default::default()
        },
        Err(code) => ListOffsetsPartitionResponse {
            partition_index,
            error_code: code.to_wire(),
            ..Default::default()
        },
    }
}

fn offset(partition: &Partition, timestamp: i64, read_committed: bool) -> Result<Found, ErrorCode> {
    let failed = |error: ReadError| error.code();
    let by_time = match timestamp {
        LATEST => {
            let log = partition.log();
            if !read_committed {
                return Ok((log.end().get(), -1, log.latest_epoch()));
            }
            let stable = log.last_stable_offset();
            return Ok((stable.get(), -1, log.epoch_of(stable)));
        }
        EARLIEST | EARLIEST_LOCAL => {
            let log = partition.log();
            return Ok((log.start().get(), -1, log.epoch_of(log.start())));
        }
        LATEST_TIERED | EARLIEST_PENDING_UPLOAD => return Ok((-1, -1, None)),
        LARGEST_TIMESTAMP => partition.read(Log::offset_of_max_timestamp).map_err(failed)?,
        timestamp if timestamp >= 0 => {
            partition.read(|log| log.offset_for_timestamp(Millis(timestamp))).map_err(failed)?
        }
        _ => return Err(ErrorCode::UnsupportedVersion),
    };
    let bound = partition.log().last_stable_offset();
    let by_time = by_time.filter(|found| !read_committed || found.offset < bound);
    Ok(by_time.map_or((-1, -1, None), |found| {
        (found.offset.get(), found.timestamp.0, found.leader_epoch)
    }))
}
