//! Produce (key 0). Appending record batches (KIP-98, KIP-467, KIP-516).

use bytestring::ByteString;

use super::macros::{message, request};
use super::{Records, Uuid};

message! {
    /// Batches to append, by topic and partition.
    ProduceRequest {
        transactional_id: Option<ByteString>, [3..], nullable [3..];
        acks: i16, [0..];
        timeout_ms: i32, [0..];
        topic_data: Vec<TopicProduceData>, [0..];
    }

    /// Part of [`ProduceRequest`]: see its `topic_data`.
    TopicProduceData {
        name: ByteString, [0..=12], ignorable = true;
        topic_id: Uuid, [13..], ignorable = true;
        partition_data: Vec<PartitionProduceData>, [0..];
    }

    /// Part of [`TopicProduceData`]: see its `partition_data`.
    PartitionProduceData {
        index: i32, [0..];
        records: Option<Records>, [0..], nullable [0..];
    }

    /// Where they were appended, or why not.
    ProduceResponse {
        responses: Vec<TopicProduceResponse>, [0..];
        throttle_time_ms: i32, [1..], ignorable = true;
        node_endpoints: Vec<NodeEndpoint>, [10..], tag 0 [10..];
    }

    /// Part of [`ProduceResponse`]: see its `responses`.
    TopicProduceResponse {
        name: ByteString, [0..=12], ignorable = true;
        topic_id: Uuid, [13..], ignorable = true;
        partition_responses: Vec<PartitionProduceResponse>, [0..];
    }

    /// Part of [`TopicProduceResponse`]: see its `partition_responses`.
    PartitionProduceResponse {
        index: i32, [0..];
        error_code: i16, [0..];
        base_offset: i64, [0..];
        log_append_time_ms: i64, [2..], default -1, ignorable = true;
        log_start_offset: i64, [5..], default -1, ignorable = true;
        record_errors: Vec<BatchIndexAndErrorMessage>, [8..], ignorable = true;
        error_message: Option<ByteString>, [8..], nullable [8..], ignorable = true;
        current_leader: LeaderIdAndEpoch, [10..], tag 0 [10..];
    }

    /// Part of [`PartitionProduceResponse`]: see its `record_errors`.
    BatchIndexAndErrorMessage {
        batch_index: i32, [8..];
        batch_index_error_message: Option<ByteString>, [8..], nullable [8..];
    }

    /// Part of [`PartitionProduceResponse`]: see its `current_leader`.
    LeaderIdAndEpoch {
        leader_id: i32, [10..], default -1;
        leader_epoch: i32, [10..], default -1;
    }

    /// Part of [`ProduceResponse`]: see its `node_endpoints`.
    NodeEndpoint {
        node_id: i32, [10..];
        host: ByteString, [10..];
        port: i32, [10..];
        rack: Option<ByteString>, [10..], nullable [10..];
    }
}

request!(ProduceRequest => ProduceResponse, "Produce" 0, [3..=13], flexible 9);
