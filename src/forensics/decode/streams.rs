//! Kafka's records of Streams groups (KIP-1071) in `__consumer_offsets`.

use bytestring::ByteString;

use crate::wire::{Fields, Schema, message};

message! {
    StreamsGroupMetadataKey {
        group_id: ByteString, [0..=0];
    }

    StreamsGroupMetadataValue {
        epoch: i32, [0..];
        metadata_hash: i64, [0..];
        validated_topology_epoch: i32, [0..], tag 0 [0..], default -1;
        last_assignment_configs: Option<Vec<LastAssignmentConfig>>, [0..], nullable [0..], tag 1 [0..], default Some(Vec::new());
    }

    LastAssignmentConfig {
        key: ByteString, [0..];
        value: ByteString, [0..];
    }

    StreamsGroupMemberMetadataKey {
        group_id: ByteString, [0..=0];
        member_id: ByteString, [0..=0];
    }

    StreamsGroupMemberMetadataValue {
        instance_id: Option<ByteString>, [0..], nullable [0..], default Some(ByteString::new());
        rack_id: Option<ByteString>, [0..], nullable [0..], default Some(ByteString::new());
        client_id: ByteString, [0..];
        client_host: ByteString, [0..];
        rebalance_timeout_ms: i32, [0..], default -1;
        topology_epoch: i32, [0..];
        process_id: ByteString, [0..];
        user_endpoint: Option<Endpoint>, [0..], nullable [0..];
        client_tags: Vec<KeyValue>, [0..];
    }

    Endpoint {
        host: ByteString, [0..];
        port: u16, [0..];
    }

    KeyValue {
        key: ByteString, [0..];
        value: ByteString, [0..];
    }

    StreamsGroupTargetAssignmentMetadataKey {
        group_id: ByteString, [0..=0];
    }

    StreamsGroupTargetAssignmentMetadataValue {
        assignment_epoch: i32, [0..];
        assignment_timestamp: i64, [0..], tag 0 [0..], ignorable = true;
    }

    StreamsGroupTargetAssignmentMemberKey {
        group_id: ByteString, [0..=0];
        member_id: ByteString, [0..=0];
    }

    StreamsGroupCurrentMemberAssignmentKey {
        group_id: ByteString, [0..=0];
        member_id: ByteString, [0..=0];
    }

    StreamsGroupCurrentMemberAssignmentValue {
        member_epoch: i32, [0..];
        previous_member_epoch: i32, [0..];
        state: i8, [0..];
        active_tasks: Vec<TaskIds>, [0..];
        standby_tasks: Vec<TaskIds>, [0..];
        warmup_tasks: Vec<TaskIds>, [0..];
        active_tasks_pending_revocation: Vec<TaskIds>, [0..];
        standby_tasks_pending_revocation: Vec<TaskIds>, [0..];
        warmup_tasks_pending_revocation: Vec<TaskIds>, [0..];
    }

    TaskIds {
        subtopology_id: ByteString, [0..];
        partitions: Vec<i32>, [0..];
        assignment_epochs: Option<Vec<i32>>, [0..], nullable [0..], tag 0 [0..], default Some(Vec::new());
    }

    StreamsGroupTopologyKey {
        group_id: ByteString, [0..=0];
    }

    StreamsGroupTopologyValue {
        epoch: i32, [0..];
        subtopologies: Vec<Subtopology>, [0..];
    }

    Subtopology {
        subtopology_id: ByteString, [0..];
        source_topics: Vec<ByteString>, [0..];
        source_topic_regex: Vec<ByteString>, [0..];
        state_changelog_topics: Vec<TopicInfo>, [0..];
        repartition_sink_topics: Vec<ByteString>, [0..];
        repartition_source_topics: Vec<TopicInfo>, [0..];
        copartition_groups: Vec<CopartitionGroup>, [0..];
    }

    CopartitionGroup {
        source_topics: Vec<i16>, [0..];
        source_topic_regex: Vec<i16>, [0..];
        repartition_source_topics: Vec<i16>, [0..];
    }

    TopicInfo {
        name: ByteString, [0..];
        partitions: i32, [0..];
        replication_factor: i16, [0..];
        topic_configs: Vec<TopicConfig>, [0..];
    }

    TopicConfig {
        key: ByteString, [0..];
        value: ByteString, [0..];
    }
}

/// Kafka has two structures of the name `TaskIds`.
mod target {
    use super::{ByteString, message};

    message! {
        StreamsGroupTargetAssignmentMemberValue {
            active_tasks: Vec<TaskIds>, [0..];
            standby_tasks: Vec<TaskIds>, [0..];
            warmup_tasks: Vec<TaskIds>, [0..];
        }

        TaskIds {
            subtopology_id: ByteString, [0..];
            partitions: Vec<i32>, [0..];
        }
    }
}

/// Kinds of records: the number that a key begins with, key, value.
pub const OF_GROUPS: [(i16, &Schema, &Schema); 6] = [
    (17, StreamsGroupMetadataKey::SCHEMA, StreamsGroupMetadataValue::SCHEMA),
    (19, StreamsGroupMemberMetadataKey::SCHEMA, StreamsGroupMemberMetadataValue::SCHEMA),
    (
        20,
        StreamsGroupTargetAssignmentMetadataKey::SCHEMA,
        StreamsGroupTargetAssignmentMetadataValue::SCHEMA,
    ),
    (
        21,
        StreamsGroupTargetAssignmentMemberKey::SCHEMA,
        target::StreamsGroupTargetAssignmentMemberValue::SCHEMA,
    ),
    (
        22,
        StreamsGroupCurrentMemberAssignmentKey::SCHEMA,
        StreamsGroupCurrentMemberAssignmentValue::SCHEMA,
    ),
    (23, StreamsGroupTopologyKey::SCHEMA, StreamsGroupTopologyValue::SCHEMA),
];
