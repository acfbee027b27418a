//! ElectLeaders (key 43). Electing partition leaders (KIP-460).

use bytestring::ByteString;

use super::macros::{message, request};

message! {
    /// Which partitions; null means all.
    ElectLeadersRequest {
        election_type: i8, [1..];
        topic_partitions: Option<Vec<TopicPartitions>>, [0..], nullable [0..], default Some(Vec::new());
        timeout_ms: i32, [0..], default 60000;
    }

    /// Part of [`ElectLeadersRequest`]: see its `topic_partitions`.
    TopicPartitions {
        topic: ByteString, [0..];
        partitions: Vec<i32>, [0..];
    }

    /// What became of each.
    ElectLeadersResponse {
        throttle_time_ms: i32, [0..];
        error_code: i16, [1..];
        replica_election_results: Vec<ReplicaElectionResult>, [0..];
    }

    /// Part of [`ElectLeadersResponse`]: see its `replica_election_results`.
    ReplicaElectionResult {
        topic: ByteString, [0..];
        partition_result: Vec<PartitionResult>, [0..];
    }

    /// Part of [`ReplicaElectionResult`]: see its `partition_result`.
    PartitionResult {
        partition_id: i32, [0..];
        error_code: i16, [0..];
        error_message: Option<ByteString>, [0..], nullable [0..], default Some(ByteString::new());
    }
}

request!(ElectLeadersRequest => ElectLeadersResponse, "ElectLeaders" 43, [0..=2], flexible 2);
