//! OffsetFetch (key 9). How far groups have read (KIP-709).

use bytestring::ByteString;

use super::Uuid;
use super::macros::{message, request};

message! {
    /// Which offsets.
    OffsetFetchRequest {
        group_id: ByteString, [0..=7];
        topics: Option<Vec<OffsetFetchRequestTopic>>, [0..=7], nullable [2..=7], default Some(Vec::new());
        groups: Vec<OffsetFetchRequestGroup>, [8..];
        require_stable: bool, [7..];
    }

    /// Part of [`OffsetFetchRequest`]: see its `topics`.
    OffsetFetchRequestTopic {
        name: ByteString, [0..=7];
        partition_indexes: Vec<i32>, [0..=7];
    }

    /// Part of [`OffsetFetchRequest`]: see its `groups`.
    OffsetFetchRequestGroup {
        group_id: ByteString, [8..];
        member_id: Option<ByteString>, [9..], nullable [9..], ignorable = true;
        member_epoch: i32, [9..], default -1, ignorable = true;
        topics: Option<Vec<OffsetFetchRequestTopics>>, [8..], nullable [8..], default Some(Vec::new());
    }

    /// Part of [`OffsetFetchRequestGroup`]: see its `topics`.
    OffsetFetchRequestTopics {
        name: ByteString, [8..=9], ignorable = true;
        topic_id: Uuid, [10..], ignorable = true;
        partition_indexes: Vec<i32>, [8..];
    }

    /// The offsets.
    OffsetFetchResponse {
        throttle_time_ms: i32, [3..], ignorable = true;
        topics: Vec<OffsetFetchResponseTopic>, [0..=7];
        error_code: i16, [2..=7], ignorable = true;
        groups: Vec<OffsetFetchResponseGroup>, [8..];
    }

    /// Part of [`OffsetFetchResponse`]: see its `topics`.
    OffsetFetchResponseTopic {
        name: ByteString, [0..=7];
        partitions: Vec<OffsetFetchResponsePartition>, [0..=7];
    }

    /// Part of [`OffsetFetchResponseTopic`]: see its `partitions`.
    OffsetFetchResponsePartition {
        partition_index: i32, [0..=7];
        committed_offset: i64, [0..=7];
        committed_leader_epoch: i32, [5..=7], default -1, ignorable = true;
        metadata: Option<ByteString>, [0..=7], nullable [0..=7], default Some(ByteString::new());
        error_code: i16, [0..=7];
    }

    /// Part of [`OffsetFetchResponse`]: see its `groups`.
    OffsetFetchResponseGroup {
        group_id: ByteString, [8..];
        topics: Vec<OffsetFetchResponseTopics>, [8..];
        error_code: i16, [8..];
    }

    /// Part of [`OffsetFetchResponseGroup`]: see its `topics`.
    OffsetFetchResponseTopics {
        name: ByteString, [8..=9], ignorable = true;
        topic_id: Uuid, [10..], ignorable = true;
        partitions: Vec<OffsetFetchResponsePartitions>, [8..];
    }

    /// Part of [`OffsetFetchResponseTopics`]: see its `partitions`.
    OffsetFetchResponsePartitions {
        partition_index: i32, [8..];
        committed_offset: i64, [8..];
        committed_leader_epoch: i32, [8..], default -1, ignorable = true;
        metadata: Option<ByteString>, [8..], nullable [8..], default Some(ByteString::new());
        error_code: i16, [8..];
    }
}

request!(OffsetFetchRequest => OffsetFetchResponse, "OffsetFetch" 9, [1..=10], flexible 6);
