//! Fetch (key 1). Reading record batches (KIP-74, KIP-227, KIP-320, KIP-392, KIP-516).

use bytestring::ByteString;

use super::macros::{message, request};
use super::{Records, Uuid};

message! {
    /// What to read, from where, and how long to wait for it.
    FetchRequest {
        replica_id: i32, [0..=14], default -1;
        max_wait_ms: i32, [0..];
        min_bytes: i32, [0..];
        max_bytes: i32, [3..], default i32::MAX, ignorable = true;
        isolation_level: i8, [4..], ignorable = true;
        session_id: i32, [7..], ignorable = true;
        session_epoch: i32, [7..], default -1, ignorable = true;
        topics: Vec<FetchTopic>, [0..];
        forgotten_topics_data: Vec<ForgottenTopic>, [7..];
        rack_id: ByteString, [11..], ignorable = true;
        cluster_id: Option<ByteString>, [12..], nullable [12..], tag 0 [12..], ignorable = true;
        replica_state: ReplicaState, [15..], tag 1 [15..];
    }

    /// Part of [`FetchRequest`]: see its `topics`.
    FetchTopic {
        topic: ByteString, [0..=12], ignorable = true;
        topic_id: Uuid, [13..], ignorable = true;
        partitions: Vec<FetchPartition>, [0..];
    }

    /// Part of [`FetchTopic`]: see its `partitions`.
    FetchPartition {
        partition: i32, [0..];
        current_leader_epoch: i32, [9..], default -1, ignorable = true;
        fetch_offset: i64, [0..];
        last_fetched_epoch: i32, [12..], default -1;
        log_start_offset: i64, [5..], default -1, ignorable = true;
        partition_max_bytes: i32, [0..];
        replica_directory_id: Uuid, [17..], tag 0 [17..], ignorable = true;
        high_watermark: i64, [18..], tag 1 [18..], default i64::MAX, ignorable = true;
    }

    /// Part of [`FetchRequest`]: see its `forgotten_topics_data`.
    ForgottenTopic {
        topic: ByteString, [7..=12], ignorable = true;
        topic_id: Uuid, [13..], ignorable = true;
        partitions: Vec<i32>, [7..];
    }

    /// Part of [`FetchRequest`]: see its `replica_state`.
    ReplicaState {
        replica_id: i32, [15..], default -1;
        replica_epoch: i64, [15..], default -1;
    }

    /// Whole batches, by topic and partition.
    FetchResponse {
        throttle_time_ms: i32, [1..], ignorable = true;
        error_code: i16, [7..], ignorable = true;
        session_id: i32, [7..];
        responses: Vec<FetchableTopicResponse>, [0..];
        node_endpoints: Vec<NodeEndpoint>, [16..], tag 0 [16..];
    }

    /// Part of [`FetchResponse`]: see its `responses`.
    FetchableTopicResponse {
        topic: ByteString, [0..=12], ignorable = true;
        topic_id: Uuid, [13..], ignorable = true;
        partitions: Vec<PartitionData>, [0..];
    }

    /// Part of [`FetchableTopicResponse`]: see its `partitions`.
    PartitionData {
        partition_index: i32, [0..];
        error_code: i16, [0..];
        high_watermark: i64, [0..];
        last_stable_offset: i64, [4..], default -1, ignorable = true;
        log_start_offset: i64, [5..], default -1, ignorable = true;
        aborted_transactions: Option<Vec<AbortedTransaction>>, [4..], nullable [4..], default Some(Vec::new()), ignorable = true;
        preferred_read_replica: i32, [11..], default -1;
        records: Option<Records>, [0..], nullable [0..];
        diverging_epoch: EpochEndOffset, [12..], tag 0 [12..];
        current_leader: LeaderIdAndEpoch, [12..], tag 1 [12..];
        snapshot_id: SnapshotId, [12..], tag 2 [12..];
    }

    /// Part of [`PartitionData`]: see its `aborted_transactions`.
    AbortedTransaction {
        producer_id: i64, [4..];
        first_offset: i64, [4..];
    }

    /// Part of [`PartitionData`]: see its `diverging_epoch`.
    EpochEndOffset {
        epoch: i32, [12..], default -1;
        end_offset: i64, [12..], default -1;
    }

    /// Part of [`PartitionData`]: see its `current_leader`.
    LeaderIdAndEpoch {
        leader_id: i32, [12..], default -1;
        leader_epoch: i32, [12..], default -1;
    }

    /// Part of [`PartitionData`]: see its `snapshot_id`.
    SnapshotId {
        end_offset: i64, [0..], default -1;
        epoch: i32, [0..], default -1;
    }

    /// Part of [`FetchResponse`]: see its `node_endpoints`.
    NodeEndpoint {
        node_id: i32, [16..];
        host: ByteString, [16..];
        port: i32, [16..];
        rack: Option<ByteString>, [16..], nullable [16..];
    }
}

request!(FetchRequest => FetchResponse, "Fetch" 1, [4..=18], flexible 12);
