//! What holds for the cluster as a whole.

use bytestring::ByteString;

use crate::wire::message;

message! {
    /// A feature was finalized at a level (KIP-584).
    FeatureLevelRecord {
        name: ByteString, [0..];
        feature_level: i16, [0..];
    }

    /// A config was set, or unset by null.
    ConfigRecord {
        resource_type: i8, [0..];
        resource_name: ByteString, [0..];
        name: ByteString, [0..];
        value: Option<ByteString>, [0..], nullable [0..], default Some(ByteString::new());
    }

    /// A block of producer ids was handed out: the first id of the next.
    ProducerIdsRecord {
        broker_id: i32, [0..];
        broker_epoch: i64, [0..], default -1;
        next_producer_id: i64, [0..];
    }

    /// Nothing; it moves the offset.
    NoOpRecord {

    }

    /// What follows counts only once the end is there.
    BeginTransactionRecord {
        name: Option<ByteString>, [0..], nullable [0..], tag 0 [0..];
    }

    /// What came since the beginning counts.
    EndTransactionRecord {

    }

    /// What came since the beginning does not count.
    AbortTransactionRecord {
        reason: Option<ByteString>, [0..], nullable [0..], tag 0 [0..];
    }

    /// How far a migration from ZooKeeper has come.
    ZkMigrationStateRecord {
        zk_migration_state: i8, [0..];
    }
}
