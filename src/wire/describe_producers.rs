//! DescribeProducers (key 61). The producers that are active on partitions (KIP-664).

use bytestring::ByteString;

use super::macros::{message, request};

message! {
    /// Which partitions.
    DescribeProducersRequest {
        topics: Vec<TopicRequest>, [0..];
    }

    /// Part of [`DescribeProducersRequest`]: see its `topics`.
    TopicRequest {
        name: ByteString, [0..];
        partition_indexes: Vec<i32>, [0..];
    }

    /// Their producers.
    DescribeProducersResponse {
        throttle_time_ms: i32, [0..];
        topics: Vec<TopicResponse>, [0..];
    }

    /// Part of [`DescribeProducersResponse`]: see its `topics`.
    TopicResponse {
        name: ByteString, [0..];
        partitions: Vec<PartitionResponse>, [0..];
    }

    /// Part of [`TopicResponse`]: see its `partitions`.
    PartitionResponse {
        partition_index: i32, [0..];
        error_code: i16, [0..];
        error_message: Option<ByteString>, [0..], nullable [0..];
        active_producers: Vec<ProducerState>, [0..];
    }

    /// Part of [`PartitionResponse`]: see its `active_producers`.
    ProducerState {
        producer_id: i64, [0..];
        producer_epoch: i32, [0..];
        last_sequence: i32, [0..], default -1;
        last_timestamp: i64, [0..], default -1;
        coordinator_epoch: i32, [0..];
        current_txn_start_offset: i64, [0..], default -1;
    }
}

request!(DescribeProducersRequest => DescribeProducersResponse, "DescribeProducers" 61, [0..=0], flexible 0);
