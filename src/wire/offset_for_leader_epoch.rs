//! OffsetForLeaderEpoch (key 23). Where a leader epoch ended (KIP-101, KIP-320).

use bytestring::ByteString;

use super::macros::{message, request};

message! {
    /// Which epochs to look up.
    OffsetForLeaderEpochRequest {
        replica_id: i32, [3..], default -2, ignorable = true;
        topics: Vec<OffsetForLeaderTopic>, [0..];
    }

    /// Part of [`OffsetForLeaderEpochRequest`]: see its `topics`.
    OffsetForLeaderTopic {
        topic: ByteString, [0..];
        partitions: Vec<OffsetForLeaderPartition>, [0..];
    }

    /// Part of [`OffsetForLeaderTopic`]: see its `partitions`.
    OffsetForLeaderPartition {
        partition: i32, [0..];
        current_leader_epoch: i32, [2..], default -1, ignorable = true;
        leader_epoch: i32, [0..];
    }

    /// The end offset of each.
    OffsetForLeaderEpochResponse {
        throttle_time_ms: i32, [2..], ignorable = true;
        topics: Vec<OffsetForLeaderTopicResult>, [0..];
    }

    /// Part of [`OffsetForLeaderEpochResponse`]: see its `topics`.
    OffsetForLeaderTopicResult {
        topic: ByteString, [0..];
        partitions: Vec<EpochEndOffset>, [0..];
    }

    /// Part of [`OffsetForLeaderTopicResult`]: see its `partitions`.
    EpochEndOffset {
        error_code: i16, [0..];
        partition: i32, [0..];
        leader_epoch: i32, [1..], default -1, ignorable = true;
        end_offset: i64, [0..], default -1;
    }
}

request!(OffsetForLeaderEpochRequest => OffsetForLeaderEpochResponse, "OffsetForLeaderEpoch" 23, [2..=4], flexible 4);
