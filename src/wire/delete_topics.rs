//! DeleteTopics (key 20). Deleting topics, by name or id (KIP-4, KIP-516).

use bytestring::ByteString;

use super::Uuid;
use super::macros::{message, request};

message! {
    /// Which topics to delete.
    DeleteTopicsRequest {
        topics: Vec<DeleteTopicState>, [6..];
        topic_names: Vec<ByteString>, [0..=5], ignorable = true;
        timeout_ms: i32, [0..];
    }

    /// Part of [`DeleteTopicsRequest`]: see its `topics`.
    DeleteTopicState {
        name: Option<ByteString>, [6..], nullable [6..];
        topic_id: Uuid, [6..];
    }

    /// What became of each.
    DeleteTopicsResponse {
        throttle_time_ms: i32, [1..], ignorable = true;
        responses: Vec<DeletableTopicResult>, [0..];
    }

    /// Part of [`DeleteTopicsResponse`]: see its `responses`.
    DeletableTopicResult {
        name: Option<ByteString>, [0..], nullable [6..], default Some(ByteString::new());
        topic_id: Uuid, [6..], ignorable = true;
        error_code: i16, [0..];
        error_message: Option<ByteString>, [5..], nullable [5..], ignorable = true;
    }
}

request!(DeleteTopicsRequest => DeleteTopicsResponse, "DeleteTopics" 20, [1..=6], flexible 4);
