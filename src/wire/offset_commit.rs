//! OffsetCommit (key 8). How far a group has read.

use bytestring::ByteString;

use super::Uuid;
use super::macros::{message, request};

message! {
    /// Offsets to commit.
    OffsetCommitRequest {
        group_id: ByteString, [0..];
        generation_id_or_member_epoch: i32, [1..], default -1, ignorable = true;
        member_id: ByteString, [1..], ignorable = true;
        group_instance_id: Option<ByteString>, [7..], nullable [7..];
        retention_time_ms: i64, [2..=4], default -1, ignorable = true;
        topics: Vec<OffsetCommitRequestTopic>, [0..];
    }

    /// Part of [`OffsetCommitRequest`]: see its `topics`.
    OffsetCommitRequestTopic {
        name: ByteString, [0..=9], ignorable = true;
        topic_id: Uuid, [10..], ignorable = true;
        partitions: Vec<OffsetCommitRequestPartition>, [0..];
    }

    /// Part of [`OffsetCommitRequestTopic`]: see its `partitions`.
    OffsetCommitRequestPartition {
        partition_index: i32, [0..];
        committed_offset: i64, [0..];
        committed_leader_epoch: i32, [6..], default -1, ignorable = true;
        committed_metadata: Option<ByteString>, [0..], nullable [0..], default Some(ByteString::new());
    }

    /// What became of each.
    OffsetCommitResponse {
        throttle_time_ms: i32, [3..], ignorable = true;
        topics: Vec<OffsetCommitResponseTopic>, [0..];
    }

    /// Part of [`OffsetCommitResponse`]: see its `topics`.
    OffsetCommitResponseTopic {
        name: ByteString, [0..=9], ignorable = true;
        topic_id: Uuid, [10..], ignorable = true;
        partitions: Vec<OffsetCommitResponsePartition>, [0..];
    }

    /// Part of [`OffsetCommitResponseTopic`]: see its `partitions`.
    OffsetCommitResponsePartition {
        partition_index: i32, [0..];
        error_code: i16, [0..];
    }
}

request!(OffsetCommitRequest => OffsetCommitResponse, "OffsetCommit" 8, [2..=10], flexible 8);
