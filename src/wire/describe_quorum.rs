//! DescribeQuorum (key 55). The state of the metadata quorum (KIP-595, KIP-836).

use bytestring::ByteString;

use super::Uuid;
use super::macros::{message, request};

message! {
    /// Which partition.
    DescribeQuorumRequest {
        topics: Vec<asked::TopicData>, [0..];
    }

    /// Its leader, voters and observers.
    DescribeQuorumResponse {
        error_code: i16, [0..];
        error_message: Option<ByteString>, [2..], nullable [2..], default Some(ByteString::new()), ignorable = true;
        topics: Vec<TopicData>, [0..];
        nodes: Vec<Node>, [2..];
    }

    /// Part of [`DescribeQuorumResponse`]: see its `topics`.
    TopicData {
        topic_name: ByteString, [0..];
        partitions: Vec<PartitionData>, [0..];
    }

    /// Part of [`TopicData`]: see its `partitions`.
    PartitionData {
        partition_index: i32, [0..];
        error_code: i16, [0..];
        error_message: Option<ByteString>, [2..], nullable [2..], default Some(ByteString::new()), ignorable = true;
        leader_id: i32, [0..];
        leader_epoch: i32, [0..];
        high_watermark: i64, [0..];
        current_voters: Vec<ReplicaState>, [0..];
        observers: Vec<ReplicaState>, [0..];
    }

    /// Part of [`PartitionData`]: see its `current_voters` and `observers`.
    ReplicaState {
        replica_id: i32, [0..];
        replica_directory_id: Uuid, [2..];
        log_end_offset: i64, [0..];
        last_fetch_timestamp: i64, [1..], default -1, ignorable = true;
        last_caught_up_timestamp: i64, [1..], default -1, ignorable = true;
    }

    /// Part of [`DescribeQuorumResponse`]: see its `nodes`.
    Node {
        node_id: i32, [2..];
        listeners: Vec<Listener>, [2..];
    }

    /// Part of [`Node`]: see its `listeners`.
    Listener {
        name: ByteString, [2..];
        host: ByteString, [2..];
        port: u16, [2..];
    }
}

/// Parts of the request, which have the names of parts of the response.
pub mod asked {
    use bytestring::ByteString;

    use crate::wire::message;

    message! {
        /// Part of [`DescribeQuorumRequest`](super::DescribeQuorumRequest): see its `topics`.
        TopicData {
            topic_name: ByteString, [0..];
            partitions: Vec<PartitionData>, [0..];
        }

        /// Part of [`TopicData`]: see its `partitions`.
        PartitionData {
            partition_index: i32, [0..];
        }
    }
}

request!(DescribeQuorumRequest => DescribeQuorumResponse, "DescribeQuorum" 55, [0..=2], flexible 0);
