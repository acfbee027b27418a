//! DescribeQuorum (key 55). The state of the metadata quorum (KIP-595, KIP-836).

use bytestring::ByteString;

use super::macros::{message, request};

message! {
    /// Which partition.
    DescribeQuorumRequest {
        topics: Vec<TopicData>, [0..];
    }

    /// Part of [`DescribeQuorumRequest`]: see its `topics`.
    TopicData {
        topic_name: ByteString, [0..];
        partitions: Vec<PartitionData>, [0..];
    }

    /// Part of [`TopicData`]: see its `partitions`.
    PartitionData {
        partition_index: i32, [0..];
    }

    /// Its leader, voters and observers.
    DescribeQuorumResponse {
        error_code: i16, [0..];
        error_message: Option<ByteString>, [2..], nullable [2..], default Some(ByteString::new()), ignorable = true;
        topics: Vec<TopicData>, [0..];
        nodes: Vec<Node>, [2..];
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

request!(DescribeQuorumRequest => DescribeQuorumResponse, "DescribeQuorum" 55, [0..=2], flexible 0);
