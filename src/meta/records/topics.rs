//! Topics and their partitions.

use bytestring::ByteString;

use crate::wire::Uuid;
use crate::wire::message;

message! {
    /// A topic.
    TopicRecord {
        name: ByteString, [0..];
        topic_id: Uuid, [0..];
    }

    /// A partition.
    PartitionRecord {
        partition_id: i32, [0..], default -1;
        topic_id: Uuid, [0..];
        replicas: Vec<i32>, [0..];
        isr: Vec<i32>, [0..];
        removing_replicas: Vec<i32>, [0..];
        adding_replicas: Vec<i32>, [0..];
        leader: i32, [0..], default -1;
        leader_epoch: i32, [0..], default -1;
        partition_epoch: i32, [0..], default -1;
        directories: Vec<Uuid>, [1..];
        leader_recovery_state: i8, [0..], tag 0 [0..];
        eligible_leader_replicas: Option<Vec<i32>>, [2..], nullable [2..], tag 1 [2..];
        last_known_elr: Option<Vec<i32>>, [2..], nullable [2..], tag 2 [2..];
    }

    /// What changed of a partition; absent fields did not.
    PartitionChangeRecord {
        partition_id: i32, [0..], default -1;
        topic_id: Uuid, [0..];
        isr: Option<Vec<i32>>, [0..], nullable [0..], tag 0 [0..];
        leader: i32, [0..], tag 1 [0..], default -2;
        replicas: Option<Vec<i32>>, [0..], nullable [0..], tag 2 [0..];
        removing_replicas: Option<Vec<i32>>, [0..], nullable [0..], tag 3 [0..];
        adding_replicas: Option<Vec<i32>>, [0..], nullable [0..], tag 4 [0..];
        leader_recovery_state: i8, [0..], tag 5 [0..], default -1;
        eligible_leader_replicas: Option<Vec<i32>>, [2..], nullable [2..], tag 6 [2..];
        last_known_elr: Option<Vec<i32>>, [2..], nullable [2..], tag 7 [2..];
        directories: Option<Vec<Uuid>>, [1..], nullable [1..], tag 8 [1..];
    }

    /// A topic is gone.
    RemoveTopicRecord {
        topic_id: Uuid, [0..];
    }

    /// Eligible leader replicas are forgotten (KIP-966).
    ClearElrRecord {
        topic_name: ByteString, [0..];
    }
}
