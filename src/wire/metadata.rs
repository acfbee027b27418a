//! Metadata (key 3). Topics, their partitions and leaders, and the brokers' addresses (KIP-516: topic ids).

use bytestring::ByteString;

use super::Uuid;
use super::macros::{message, request};

message! {
    /// Which topics to describe; null means all.
    MetadataRequest {
        topics: Option<Vec<MetadataRequestTopic>>, [0..], nullable [1..], default Some(Vec::new());
        allow_auto_topic_creation: bool, [4..], default true;
        include_cluster_authorized_operations: bool, [8..=10];
        include_topic_authorized_operations: bool, [8..];
    }

    /// Part of [`MetadataRequest`]: see its `topics`.
    MetadataRequestTopic {
        topic_id: Uuid, [10..], ignorable = true;
        name: Option<ByteString>, [0..], nullable [10..], default Some(ByteString::new());
    }

    /// Brokers, topics and partitions.
    MetadataResponse {
        throttle_time_ms: i32, [3..], ignorable = true;
        brokers: Vec<MetadataResponseBroker>, [0..];
        cluster_id: Option<ByteString>, [2..], nullable [2..], ignorable = true;
        controller_id: i32, [1..], default -1, ignorable = true;
        topics: Vec<MetadataResponseTopic>, [0..];
        cluster_authorized_operations: i32, [8..=10], default -2147483648;
        error_code: i16, [13..], ignorable = true;
    }

    /// Part of [`MetadataResponse`]: see its `brokers`.
    MetadataResponseBroker {
        node_id: i32, [0..];
        host: ByteString, [0..];
        port: i32, [0..];
        rack: Option<ByteString>, [1..], nullable [1..], ignorable = true;
    }

    /// Part of [`MetadataResponse`]: see its `topics`.
    MetadataResponseTopic {
        error_code: i16, [0..];
        name: Option<ByteString>, [0..], nullable [12..], default Some(ByteString::new());
        topic_id: Uuid, [10..], ignorable = true;
        is_internal: bool, [1..], ignorable = true;
        partitions: Vec<MetadataResponsePartition>, [0..];
        topic_authorized_operations: i32, [8..], default -2147483648;
    }

    /// Part of [`MetadataResponseTopic`]: see its `partitions`.
    MetadataResponsePartition {
        error_code: i16, [0..];
        partition_index: i32, [0..];
        leader_id: i32, [0..];
        leader_epoch: i32, [7..], default -1, ignorable = true;
        replica_nodes: Vec<i32>, [0..];
        isr_nodes: Vec<i32>, [0..];
        offline_replicas: Vec<i32>, [5..], ignorable = true;
    }
}

request!(MetadataRequest => MetadataResponse, "Metadata" 3, [0..=13], flexible 9);
