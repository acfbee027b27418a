//! TxnOffsetCommit (key 28). Offsets that count once their transaction is committed (KIP-98, KIP-447).

use bytestring::ByteString;

use super::macros::{message, request};

message! {
    /// Offsets of a group.
    TxnOffsetCommitRequest {
        transactional_id: ByteString, [0..];
        group_id: ByteString, [0..];
        producer_id: i64, [0..];
        producer_epoch: i16, [0..];
        generation_id: i32, [3..], default -1;
        member_id: ByteString, [3..];
        group_instance_id: Option<ByteString>, [3..], nullable [3..];
        topics: Vec<TxnOffsetCommitRequestTopic>, [0..];
    }

    /// Part of [`TxnOffsetCommitRequest`]: see its `topics`.
    TxnOffsetCommitRequestTopic {
        name: ByteString, [0..];
        partitions: Vec<TxnOffsetCommitRequestPartition>, [0..];
    }

    /// Part of [`TxnOffsetCommitRequestTopic`]: see its `partitions`.
    TxnOffsetCommitRequestPartition {
        partition_index: i32, [0..];
        committed_offset: i64, [0..];
        committed_leader_epoch: i32, [2..], default -1, ignorable = true;
        committed_metadata: Option<ByteString>, [0..], nullable [0..], default Some(ByteString::new());
    }

    /// What became of each.
    TxnOffsetCommitResponse {
        throttle_time_ms: i32, [0..];
        topics: Vec<TxnOffsetCommitResponseTopic>, [0..];
    }

    /// Part of [`TxnOffsetCommitResponse`]: see its `topics`.
    TxnOffsetCommitResponseTopic {
        name: ByteString, [0..];
        partitions: Vec<TxnOffsetCommitResponsePartition>, [0..];
    }

    /// Part of [`TxnOffsetCommitResponseTopic`]: see its `partitions`.
    TxnOffsetCommitResponsePartition {
        partition_index: i32, [0..];
        error_code: i16, [0..];
    }
}

request!(TxnOffsetCommitRequest => TxnOffsetCommitResponse, "TxnOffsetCommit" 28, [0..=5], flexible 3);
