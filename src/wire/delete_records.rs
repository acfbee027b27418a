//! DeleteRecords (key 21). Moving the log start offset up (KIP-107).

use bytestring::ByteString;

use super::macros::{message, request};

message! {
    /// Up to which offsets to delete.
    DeleteRecordsRequest {
        topics: Vec<DeleteRecordsTopic>, [0..];
        timeout_ms: i32, [0..];
    }

    /// Part of [`DeleteRecordsRequest`]: see its `topics`.
    DeleteRecordsTopic {
        name: ByteString, [0..];
        partitions: Vec<DeleteRecordsPartition>, [0..];
    }

    /// Part of [`DeleteRecordsTopic`]: see its `partitions`.
    DeleteRecordsPartition {
        partition_index: i32, [0..];
        offset: i64, [0..];
    }

    /// The log start offsets that came of it.
    DeleteRecordsResponse {
        throttle_time_ms: i32, [0..];
        topics: Vec<DeleteRecordsTopicResult>, [0..];
    }

    /// Part of [`DeleteRecordsResponse`]: see its `topics`.
    DeleteRecordsTopicResult {
        name: ByteString, [0..];
        partitions: Vec<DeleteRecordsPartitionResult>, [0..];
    }

    /// Part of [`DeleteRecordsTopicResult`]: see its `partitions`.
    DeleteRecordsPartitionResult {
        partition_index: i32, [0..];
        low_watermark: i64, [0..];
        error_code: i16, [0..];
    }
}

request!(DeleteRecordsRequest => DeleteRecordsResponse, "DeleteRecords" 21, [0..=2], flexible 2);
