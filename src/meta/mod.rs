//! Rank 2. The cluster's metadata as a pure state machine: *decide* a wish into records, *replay* records into the
//! [`Image`]. Pure: no clock, no disk; who calls it brings ids and commits the records.
//!
//! The records are Kafka's own, so that Kafka's tools read klog's metadata log and klog takes over Kafka's. What this
//! version has no use for yet is kept and written back, never dropped; what it does not know is refused.

mod decide;
mod image;
pub mod records;
#[cfg(test)]
mod tests;

pub use decide::{
    ConfigChange, FeatureChange, NewTopic, PARTITIONS_AT_ONCE, Refused, allocate_producer_ids,
    change_configs, create_partitions, create_topic, delete_topic, fence_broker, register_broker,
    take_leadership, update_features,
};
pub use image::{ConfigResource, Image, ReplayError, ResourceKind, Topic};
pub use records::{MetadataRecord, RecordError};

/// The feature level that a fresh cluster starts with: Kafka 4.3's.
pub const METADATA_VERSION: i16 = 30;

/// The oldest level that klog reads: the first of Kafka 3.3 with KRaft in production.
pub const OLDEST_METADATA_VERSION: i16 = 7;

/// The feature's name.
pub const METADATA_VERSION_FEATURE: &str = "metadata.version";

/// The level of the feature that lets consumer groups speak their own protocol (KIP-848); 0 or none: they may not.
pub const GROUP_VERSION: i16 = 1;

/// Its name.
pub const GROUP_VERSION_FEATURE: &str = "group.version";

/// The newest level of transactions: an epoch for each (KIP-890).
pub const TRANSACTION_VERSION: i16 = 2;

/// Its name.
pub const TRANSACTION_VERSION_FEATURE: &str = "transaction.version";

/// Every feature that has levels here: its name, its lowest and its highest level.
pub const FEATURES: [(&str, i16, i16); 3] = [
    (METADATA_VERSION_FEATURE, OLDEST_METADATA_VERSION, METADATA_VERSION),
    (GROUP_VERSION_FEATURE, 0, GROUP_VERSION),
    (TRANSACTION_VERSION_FEATURE, 0, TRANSACTION_VERSION),
];
