//! ListPartitionReassignments (key 46). Reassignments under way (KIP-455).

use bytestring::ByteString;

use super::macros::{message, request};

message! {
    /// Which partitions; null means all.
    ListPartitionReassignmentsRequest {
        timeout_ms: i32, [0..], default 60000;
        topics: Option<Vec<ListPartitionReassignmentsTopics>>, [0..], nullable [0..];
    }

    /// Part of [`ListPartitionReassignmentsRequest`]: see its `topics`.
    ListPartitionReassignmentsTopics {
        name: ByteString, [0..];
        partition_indexes: Vec<i32>, [0..];
    }

    /// Their replicas, added and removed ones.
    ListPartitionReassignmentsResponse {
        throttle_time_ms: i32, [0..];
        error_code: i16, [0..];
        error_message: Option<ByteString>, [0..], nullable [0..], default Some(ByteString::new());
        topics: Vec<OngoingTopicReassignment>, [0..];
    }

    /// Part of [`ListPartitionReassignmentsResponse`]: see its `topics`.
    OngoingTopicReassignment {
        name: ByteString, [0..];
        partitions: Vec<OngoingPartitionReassignment>, [0..];
    }

    /// Part of [`OngoingTopicReassignment`]: see its `partitions`.
    OngoingPartitionReassignment {
        partition_index: i32, [0..];
        replicas: Vec<i32>, [0..];
        adding_replicas: Vec<i32>, [0..];
        removing_replicas: Vec<i32>, [0..];
    }
}

request!(ListPartitionReassignmentsRequest => ListPartitionReassignmentsResponse, "ListPartitionReassignments" 46, [0..=0], flexible 0);
