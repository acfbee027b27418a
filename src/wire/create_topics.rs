//! CreateTopics (key 19). Creating topics (KIP-4, KIP-464, KIP-525).

use bytestring::ByteString;

use super::Uuid;
use super::macros::{message, request};

message! {
    /// Which topics to create.
    CreateTopicsRequest {
        topics: Vec<CreatableTopic>, [0..];
        timeout_ms: i32, [0..], default 60000;
        validate_only: bool, [1..];
    }

    /// Part of [`CreateTopicsRequest`]: see its `topics`.
    CreatableTopic {
        name: ByteString, [0..];
        num_partitions: i32, [0..];
        replication_factor: i16, [0..];
        assignments: Vec<CreatableReplicaAssignment>, [0..];
        configs: Vec<CreatableTopicConfig>, [0..];
    }

    /// Part of [`CreatableTopic`]: see its `assignments`.
    CreatableReplicaAssignment {
        partition_index: i32, [0..];
        broker_ids: Vec<i32>, [0..];
    }

    /// Part of [`CreatableTopic`]: see its `configs`.
    CreatableTopicConfig {
        name: ByteString, [0..];
        value: Option<ByteString>, [0..], nullable [0..], default Some(ByteString::new());
    }

    /// What became of each.
    CreateTopicsResponse {
        throttle_time_ms: i32, [2..], ignorable = true;
        topics: Vec<CreatableTopicResult>, [0..];
    }

    /// Part of [`CreateTopicsResponse`]: see its `topics`.
    CreatableTopicResult {
        name: ByteString, [0..];
        topic_id: Uuid, [7..], ignorable = true;
        error_code: i16, [0..];
        error_message: Option<ByteString>, [1..], nullable [0..], default Some(ByteString::new()), ignorable = true;
        num_partitions: i32, [5..], default -1, ignorable = true;
        replication_factor: i16, [5..], default -1, ignorable = true;
        configs: Option<Vec<CreatableTopicConfigs>>, [5..], nullable [5..], default Some(Vec::new()), ignorable = true;
        topic_config_error_code: i16, [5..], tag 0 [5..], ignorable = true;
    }

    /// Part of [`CreatableTopicResult`]: see its `configs`.
    CreatableTopicConfigs {
        name: ByteString, [5..];
        value: Option<ByteString>, [5..], nullable [5..], default Some(ByteString::new());
        read_only: bool, [5..];
        config_source: i8, [5..], default -1, ignorable = true;
        is_sensitive: bool, [5..];
    }
}

request!(CreateTopicsRequest => CreateTopicsResponse, "CreateTopics" 19, [2..=7], flexible 5);
