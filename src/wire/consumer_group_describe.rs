//! ConsumerGroupDescribe (key 69). Consumer groups and their members (KIP-848).

use bytestring::ByteString;

use super::Uuid;
use super::macros::{message, request};

message! {
    /// Which groups.
    ConsumerGroupDescribeRequest {
        group_ids: Vec<ByteString>, [0..];
        include_authorized_operations: bool, [0..];
    }

    /// The groups.
    ConsumerGroupDescribeResponse {
        throttle_time_ms: i32, [0..];
        groups: Vec<DescribedGroup>, [0..];
    }

    /// Part of [`ConsumerGroupDescribeResponse`]: see its `groups`.
    DescribedGroup {
        error_code: i16, [0..];
        error_message: Option<ByteString>, [0..], nullable [0..];
        group_id: ByteString, [0..];
        group_state: ByteString, [0..];
        group_epoch: i32, [0..];
        assignment_epoch: i32, [0..];
        assignor_name: ByteString, [0..];
        members: Vec<Member>, [0..];
        authorized_operations: i32, [0..], default i32::MIN;
    }

    /// Part of [`DescribedGroup`]: see its `members`.
    Member {
        member_id: ByteString, [0..];
        instance_id: Option<ByteString>, [0..], nullable [0..];
        rack_id: Option<ByteString>, [0..], nullable [0..];
        member_epoch: i32, [0..];
        client_id: ByteString, [0..];
        client_host: ByteString, [0..];
        subscribed_topic_names: Vec<ByteString>, [0..];
        subscribed_topic_regex: Option<ByteString>, [0..], nullable [0..];
        assignment: Assignment, [0..];
        target_assignment: Assignment, [0..];
        member_type: i8, [1..], default -1, ignorable = true;
    }

    /// Part of [`Member`]: see its `assignment`.
    Assignment {
        topic_partitions: Vec<TopicPartitions>, [0..];
    }

    /// Part of [`Assignment`]: see its `topic_partitions`.
    TopicPartitions {
        topic_id: Uuid, [0..];
        topic_name: ByteString, [0..];
        partitions: Vec<i32>, [0..];
    }
}

request!(ConsumerGroupDescribeRequest => ConsumerGroupDescribeResponse, "ConsumerGroupDescribe" 69, [0..=1], flexible 0);
