//! ListOffsets (key 2). Offsets by timestamp and by special timestamps (KIP-79, KIP-734, KIP-1005, KIP-1023).

use bytestring::ByteString;

use super::macros::{message, request};

message! {
    /// Which timestamps to look up.
    ListOffsetsRequest {
        replica_id: i32, [0..];
        isolation_level: i8, [2..];
        topics: Vec<ListOffsetsTopic>, [0..];
        timeout_ms: i32, [10..], ignorable = true;
    }

    /// Part of [`ListOffsetsRequest`]: see its `topics`.
    ListOffsetsTopic {
        name: ByteString, [0..];
        partitions: Vec<ListOffsetsPartition>, [0..];
    }

    /// Part of [`ListOffsetsTopic`]: see its `partitions`.
    ListOffsetsPartition {
        partition_index: i32, [0..];
        current_leader_epoch: i32, [4..], default -1, ignorable = true;
        timestamp: i64, [0..];
    }

    /// The offsets found.
    ListOffsetsResponse {
        throttle_time_ms: i32, [2..], ignorable = true;
        topics: Vec<ListOffsetsTopicResponse>, [0..];
    }

    /// Part of [`ListOffsetsResponse`]: see its `topics`.
    ListOffsetsTopicResponse {
        name: ByteString, [0..];
        partitions: Vec<ListOffsetsPartitionResponse>, [0..];
    }

    /// Part of [`ListOffsetsTopicResponse`]: see its `partitions`.
    ListOffsetsPartitionResponse {
        partition_index: i32, [0..];
        error_code: i16, [0..];
        timestamp: i64, [1..], default -1;
        offset: i64, [1..], default -1;
        leader_epoch: i32, [4..], default -1;
    }
}

request!(ListOffsetsRequest => ListOffsetsResponse, "ListOffsets" 2, [1..=11], flexible 6);
