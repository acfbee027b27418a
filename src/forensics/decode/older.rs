//! What Kafka 4.0 noted of a consumer group's topics, and newer ones do no more (KIP-1101).

use bytestring::ByteString;

use crate::wire::{Fields, Schema, Uuid, message};

message! {
    ConsumerGroupPartitionMetadataKey {
        group_id: ByteString, [0..=0];
    }

    ConsumerGroupPartitionMetadataValue {
        topics: Vec<TopicMetadata>, [0..];
    }

    TopicMetadata {
        topic_id: Uuid, [0..];
        topic_name: ByteString, [0..];
        num_partitions: i32, [0..];
        partition_metadata: Vec<PartitionMetadata>, [0..];
    }

    PartitionMetadata {
        partition: i32, [0..];
        racks: Vec<ByteString>, [0..];
    }
}

/// The kind of record: the number that a key begins with, key, value.
pub const OF_GROUPS: [(i16, &Schema, &Schema); 1] =
    [(4, ConsumerGroupPartitionMetadataKey::SCHEMA, ConsumerGroupPartitionMetadataValue::SCHEMA)];
