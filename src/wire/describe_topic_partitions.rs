//! DescribeTopicPartitions (key 75). Topics and partitions, page by page (KIP-966).

use bytestring::ByteString;

use super::Uuid;
use super::macros::{message, request};

message! {
    /// Which topics, from which place on.
    DescribeTopicPartitionsRequest {
        topics: Vec<TopicRequest>, [0..];
        response_partition_limit: i32, [0..], default 2000;
        cursor: Option<Cursor>, [0..], nullable [0..];
    }

    /// Part of [`DescribeTopicPartitionsRequest`]: see its `topics`.
    TopicRequest {
        name: ByteString, [0..];
    }

    /// Part of [`DescribeTopicPartitionsRequest`]: see its `cursor`.
    Cursor {
        topic_name: ByteString, [0..];
        partition_index: i32, [0..];
    }

    /// One page of them.
    DescribeTopicPartitionsResponse {
        throttle_time_ms: i32, [0..], ignorable = true;
        topics: Vec<DescribeTopicPartitionsResponseTopic>, [0..];
        next_cursor: Option<Cursor>, [0..], nullable [0..];
    }

    /// Part of [`DescribeTopicPartitionsResponse`]: see its `topics`.
    DescribeTopicPartitionsResponseTopic {
        error_code: i16, [0..];
        name: Option<ByteString>, [0..], nullable [0..], default Some(ByteString::new());
        topic_id: Uuid, [0..], ignorable = true;
        is_internal: bool, [0..], ignorable = true;
        partitions: Vec<DescribeTopicPartitionsResponsePartition>, [0..];
        topic_authorized_operations: i32, [0..], default -2147483648;
    }

    /// Part of [`DescribeTopicPartitionsResponseTopic`]: see its `partitions`.
    DescribeTopicPartitionsResponsePartition {
        error_code: i16, [0..];
        partition_index: i32, [0..];
        leader_id: i32, [0..];
        leader_epoch: i32, [0..], default -1, ignorable = true;
        replica_nodes: Vec<i32>, [0..];
        isr_nodes: Vec<i32>, [0..];
        eligible_leader_replicas: Option<Vec<i32>>, [0..], nullable [0..];
        last_known_elr: Option<Vec<i32>>, [0..], nullable [0..];
        offline_replicas: Vec<i32>, [0..], ignorable = true;
    }
}

request!(DescribeTopicPartitionsRequest => DescribeTopicPartitionsResponse, "DescribeTopicPartitions" 75, [0..=0], flexible 0);
