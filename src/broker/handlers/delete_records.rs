//! DeleteRecords (key 21), v0 to v2. Moves the start of partitions up (KIP-107); offset -1 means the high watermark. Where
//! `cleanup.policy` does not name `delete`: error 44. The new starts are durable before the answer.

use std::sync::Arc;

use super::target;
use crate::base::{ErrorCode, Millis, Offset, with_causes};
use crate::broker::dispatch::Call;
use crate::broker::node::Node;
use crate::broker::partition::Partition;
use crate::broker::reply::Reply;
use crate::log::ReadError;
use crate::wire::delete_records::{
    DeleteRecordsPartition, DeleteRecordsPartitionResult, DeleteRecordsRequest,
    DeleteRecordsResponse, DeleteRecordsTopicResult,
};

const HIGH_WATERMARK: i64 = -1;

pub fn handle(call: Call<DeleteRecordsRequest>) -> Reply<DeleteRecordsResponse> {
    let Call { node, request, .. } = call;
    Reply::later(async move {
        match tokio::task::spawn_blocking(move || delete_all(&node, request)).await {
            Ok(response) => response,
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        }
    })
}

fn delete_all(node: &Node, request: DeleteRecordsRequest) -> DeleteRecordsResponse {
    let mut topics = Vec::with_capacity(request.topics.len());
    let mut moved = Vec::new();
    for topic in request.topics {
        let logs = node.partitions.topic(&topic.name);
        let one = |wanted: &DeleteRecordsPartition| {
            let unknown = ErrorCode::UnknownTopicOrPartition;
            let partition = target::partition(logs.as_ref(), wanted.partition_index, unknown);
            moved.push(partition.clone().ok());
            let done = partition.and_then(|partition| delete(node, &partition, wanted.offset));
            let (low_watermark, error_code) = match done {
                Ok(start) => (start.get(), ErrorCode::None),
                Err(code) => (-1, code),
            };
            DeleteRecordsPartitionResult {
                partition_index: wanted.partition_index,
                low_watermark,
                error_code: error_code.to_wire(),
                ..Default::default()
            }
        };
        let partitions = topic.partitions.iter().map(one).collect();
        topics.push(DeleteRecordsTopicResult {
            name: topic.name,
            partitions,
            ..Default::default()
        });
    }
    let mut response = DeleteRecordsResponse { topics, ..Default::default() };
    let written = node.partitions.checkpoint();
    let results = response.topics.iter_mut().flat_map(|topic| &mut topic.partitions);
    for (result, partition) in results.zip(moved) {
        let lasts =
            |partition: Arc<Partition>| written.iter().any(|dir| Arc::ptr_eq(dir, &partition.dir));
        if result.error_code == 0 && !partition.is_some_and(lasts) {
            result.low_watermark = -1;
            result.error_code = ErrorCode::KafkaStorageError.to_wire();
        }
    }
    response
}

fn delete(node: &Node, partition: &Partition, before: i64) -> Result<Offset, ErrorCode> {
    let mut log = partition.log();
    if partition.is_deleted() {
        return Err(ErrorCode::UnknownTopicOrPartition);
    }
    if !log.config().delete {
        return Err(ErrorCode::PolicyViolation);
    }
    let before = match before {
        HIGH_WATERMARK => log.end(),
        given => Offset::from_wire(given).ok_or(ErrorCode::OffsetOutOfRange)?,
    };
    let failed = |error: ReadError| {
        if error.code() == ErrorCode::KafkaStorageError {
            tracing::error!(partition = %partition.id, error = %with_causes(&error), "deleting records failed");
        }
        error.code()
    };
    log.delete_records(before, node.now()).map_err(failed)?;
    if partition.dir.is_full() {
        // The checkpoint that makes the start durable needs the room.
        log.remove_doomed(Millis(i64::MAX)).map_err(|error| failed(error.into()))?;
    }
    Ok(log.start())
}
