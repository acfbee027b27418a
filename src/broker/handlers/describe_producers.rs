//! DescribeProducers (key 61), v0. The producers that wrote to a partition lately, with their last sequence numbers (KIP-664).

use super::target;
use crate::base::ErrorCode;
use crate::broker::dispatch::Call;
use crate::broker::partition::Partition;
use crate::broker::reply::Reply;
use crate::wire::describe_producers::{
    DescribeProducersRequest, DescribeProducersResponse, PartitionResponse, ProducerState,
    TopicResponse,
};

pub fn handle(call: Call<DescribeProducersRequest>) -> Reply<DescribeProducersResponse> {
    let Call { node, request, .. } = call;
    let topics = request.topics.into_iter().map(|topic| {
        let logs = node.partitions.topic(&topic.name);
        let one = |index: &i32| {
            let unknown = ErrorCode::UnknownTopicOrPartition;
            match target::partition(logs.as_ref(), *index, unknown) {
                Ok(partition) => describe(*index, &partition),
                Err(code) => PartitionResponse {
                    partition_index: *index,
                    error_code: code.to_wire(),
                    ..Default::default()
                },
            }
        };
        let partitions = topic.partition_indexes.iter().map(one).collect();
        TopicResponse { name: topic.name, partitions, ..Default::default() }
    });
    Reply::ready(DescribeProducersResponse { topics: topics.collect(), ..Default::default() })
}

fn describe(partition_index: i32, partition: &Partition) -> PartitionResponse {
    let log = partition.log();
    let state = |(id, producer): (i64, &crate::log::Producer)| ProducerState {
        producer_id: id,
        producer_epoch: i32::from(producer.epoch),
        last_sequence: producer.last_sequence(),
        last_timestamp: producer.last_timestamp,
        coordinator_epoch: producer.coordinator_epoch,
        current_txn_start_offset: producer.transaction_start.unwrap_or(-1),
        ..Default::default()
    };
    let active_producers = log.producers().map(state).collect();
    PartitionResponse { partition_index, active_producers, ..Default::default() }
}
