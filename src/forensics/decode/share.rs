//! Kafka's records of share groups (KIP-932): of the groups, in `__consumer_offsets`, and of what was delivered, in `__share_group_state`.

use bytestring::ByteString;

use crate::wire::{Fields, Schema, Uuid, message};

message! {
    ShareGroupMemberMetadataKey {
        group_id: ByteString, [0..=0];
        member_id: ByteString, [0..=0];
    }

    ShareGroupMemberMetadataValue {
        rack_id: Option<ByteString>, [0..], nullable [0..], default Some(ByteString::new());
        client_id: ByteString, [0..];
        client_host: ByteString, [0..];
        subscribed_topic_names: Vec<ByteString>, [0..];
    }

    ShareGroupMetadataKey {
        group_id: ByteString, [0..=0];
    }

    ShareGroupMetadataValue {
        epoch: i32, [0..];
        metadata_hash: i64, [0..];
    }

    ShareGroupTargetAssignmentMetadataKey {
        group_id: ByteString, [0..=0];
    }

    ShareGroupTargetAssignmentMetadataValue {
        assignment_epoch: i32, [0..];
        assignment_timestamp: i64, [0..], tag 0 [0..], ignorable = true;
    }

    ShareGroupTargetAssignmentMemberKey {
        group_id: ByteString, [0..=0];
        member_id: ByteString, [0..=0];
    }

    ShareGroupTargetAssignmentMemberValue {
        topic_partitions: Vec<TopicPartition>, [0..];
    }

    TopicPartition {
        topic_id: Uuid, [0..];
        partitions: Vec<i32>, [0..];
    }

    ShareGroupCurrentMemberAssignmentKey {
        group_id: ByteString, [0..=0];
        member_id: ByteString, [0..=0];
    }

    ShareGroupCurrentMemberAssignmentValue {
        member_epoch: i32, [0..];
        previous_member_epoch: i32, [0..];
        state: i8, [0..];
        assigned_partitions: Vec<TopicPartitions>, [0..];
    }

    TopicPartitions {
        topic_id: Uuid, [0..];
        partitions: Vec<i32>, [0..];
    }

    ShareGroupStatePartitionMetadataKey {
        group_id: ByteString, [0..=0];
    }

    ShareGroupStatePartitionMetadataValue {
        initializing_topics: Vec<TopicPartitionsInfo>, [0..];
        initialized_topics: Vec<TopicPartitionsInfo>, [0..];
        deleting_topics: Vec<TopicInfo>, [0..];
    }

    TopicPartitionsInfo {
        topic_id: Uuid, [0..];
        topic_name: ByteString, [0..];
        partitions: Vec<i32>, [0..];
    }

    TopicInfo {
        topic_id: Uuid, [0..];
        topic_name: ByteString, [0..];
    }
}

message! {
    ShareSnapshotKey {
        group_id: ByteString, [0..=0];
        topic_id: Uuid, [0..=0];
        partition: i32, [0..=0];
    }

    ShareSnapshotValue {
        snapshot_epoch: i32, [0..];
        state_epoch: i32, [0..];
        leader_epoch: i32, [0..];
        start_offset: i64, [0..];
        create_timestamp: i64, [0..];
        write_timestamp: i64, [0..];
        state_batches: Vec<StateBatch>, [0..];
        delivery_complete_count: i32, [0..], tag 0 [0..], default -1;
    }

    StateBatch {
        first_offset: i64, [0..];
        last_offset: i64, [0..];
        delivery_state: i8, [0..];
        delivery_count: i16, [0..];
    }

    ShareUpdateKey {
        group_id: ByteString, [0..=0];
        topic_id: Uuid, [0..=0];
        partition: i32, [0..=0];
    }

    ShareUpdateValue {
        snapshot_epoch: i32, [0..];
        leader_epoch: i32, [0..];
        start_offset: i64, [0..];
        state_batches: Vec<StateBatch>, [0..];
        delivery_complete_count: i32, [0..], tag 0 [0..], default -1;
    }
}

/// Kinds of records of the groups: the number that a key begins with, key, value.
pub const OF_GROUPS: [(i16, &Schema, &Schema); 6] = [
    (10, ShareGroupMemberMetadataKey::SCHEMA, ShareGroupMemberMetadataValue::SCHEMA),
    (11, ShareGroupMetadataKey::SCHEMA, ShareGroupMetadataValue::SCHEMA),
    (
        12,
        ShareGroupTargetAssignmentMetadataKey::SCHEMA,
        ShareGroupTargetAssignmentMetadataValue::SCHEMA,
    ),
    (
        13,
        ShareGroupTargetAssignmentMemberKey::SCHEMA,
        ShareGroupTargetAssignmentMemberValue::SCHEMA,
    ),
    (
        14,
        ShareGroupCurrentMemberAssignmentKey::SCHEMA,
        ShareGroupCurrentMemberAssignmentValue::SCHEMA,
    ),
    (
        15,
        ShareGroupStatePartitionMetadataKey::SCHEMA,
        ShareGroupStatePartitionMetadataValue::SCHEMA,
    ),
];

/// The same of what was delivered.
pub const OF_STATE: [(i16, &Schema, &Schema); 2] = [
    (0, ShareSnapshotKey::SCHEMA, ShareSnapshotValue::SCHEMA),
    (1, ShareUpdateKey::SCHEMA, ShareUpdateValue::SCHEMA),
];
