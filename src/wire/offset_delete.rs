//! OffsetDelete (key 47). Forgetting offsets of a group (KIP-496).

use bytestring::ByteString;

use super::macros::{message, request};

message! {
    /// Which offsets.
    OffsetDeleteRequest {
        group_id: ByteString, [0..];
        topics: Vec<OffsetDeleteRequestTopic>, [0..];
    }

    /// Part of [`OffsetDeleteRequest`]: see its `topics`.
    OffsetDeleteRequestTopic {
        name: ByteString, [0..];
        partitions: Vec<OffsetDeleteRequestPartition>, [0..];
    }

    /// Part of [`OffsetDeleteRequestTopic`]: see its `partitions`.
    OffsetDeleteRequestPartition {
        partition_index: i32, [0..];
    }

    /// What became of each.
    OffsetDeleteResponse {
        error_code: i16, [0..];
        throttle_time_ms: i32, [0..], ignorable = true;
        topics: Vec<OffsetDeleteResponseTopic>, [0..];
    }

    /// Part of [`OffsetDeleteResponse`]: see its `topics`.
    OffsetDeleteResponseTopic {
        name: ByteString, [0..];
        partitions: Vec<OffsetDeleteResponsePartition>, [0..];
    }

    /// Part of [`OffsetDeleteResponseTopic`]: see its `partitions`.
    OffsetDeleteResponsePartition {
        partition_index: i32, [0..];
        error_code: i16, [0..];
    }
}

request!(OffsetDeleteRequest => OffsetDeleteResponse, "OffsetDelete" 47, [0..=0], flexible 32767);
