//! ConsumerGroupHeartbeat (key 68). Being a member of a consumer group (KIP-848).

use bytestring::ByteString;

use super::Uuid;
use super::macros::{message, request};

message! {
    /// Who is alive, what it reads, and what it has.
    ConsumerGroupHeartbeatRequest {
        group_id: ByteString, [0..];
        member_id: ByteString, [0..];
        member_epoch: i32, [0..];
        instance_id: Option<ByteString>, [0..], nullable [0..];
        rack_id: Option<ByteString>, [0..], nullable [0..];
        rebalance_timeout_ms: i32, [0..], default -1;
        subscribed_topic_names: Option<Vec<ByteString>>, [0..], nullable [0..];
        subscribed_topic_regex: Option<ByteString>, [1..], nullable [1..];
        server_assignor: Option<ByteString>, [0..], nullable [0..];
        topic_partitions: Option<Vec<TopicPartitions>>, [0..], nullable [0..];
    }

    /// Partitions of a topic: see `topic_partitions` of [`ConsumerGroupHeartbeatRequest`] and of [`Assignment`].
    TopicPartitions {
        topic_id: Uuid, [0..];
        partitions: Vec<i32>, [0..];
    }

    /// Its epoch, and its partitions if they changed.
    ConsumerGroupHeartbeatResponse {
        throttle_time_ms: i32, [0..];
        error_code: i16, [0..];
        error_message: Option<ByteString>, [0..], nullable [0..];
        member_id: Option<ByteString>, [0..], nullable [0..];
        member_epoch: i32, [0..];
        heartbeat_interval_ms: i32, [0..];
        assignment: Option<Assignment>, [0..], nullable [0..];
    }

    /// Part of [`ConsumerGroupHeartbeatResponse`]: see its `assignment`.
    Assignment {
        topic_partitions: Vec<TopicPartitions>, [0..];
    }
}

request!(ConsumerGroupHeartbeatRequest => ConsumerGroupHeartbeatResponse, "ConsumerGroupHeartbeat" 68, [0..=1], flexible 0);
