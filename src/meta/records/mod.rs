//! Kafka's own metadata records (KIP-631), as they stand in `__cluster_metadata-0` and its snapshots.

pub mod cluster;
pub mod nodes;
pub mod security;
pub mod topics;

use bytes::Bytes;

use crate::base::{Cursor, CursorError, put_uvarint};
use crate::wire::{DecodeError, EncodeError, Encoder, Fields, Versions};

/// Each record's value begins with the version of this frame.
const FRAME_VERSION: u32 = 1;

/// Why a value is no metadata record that klog knows.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The frame around it.
    #[error("frame version {0} is not known")]
    Frame(u32),
    /// A kind of record that this version of klog does not have.
    #[error("record type {0} is not known")]
    Type(u32),
    /// A version of it that this version of klog does not have.
    #[error("record type {kind} has no version {version} here")]
    Version {
        /// The type.
        kind: u32,
        /// The version.
        version: u32,
    },
    /// The frame ends early.
    #[error(transparent)]
    Cursor(#[from] CursorError),
    /// The record's fields.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

/// Declares the union of all records.
macro_rules! records {
    ($($variant:ident($group:ident::$record:ident) = $kind:literal, [$min:literal..=$max:literal];)*) => {
        /// One metadata record.
        #[derive(Clone, Debug, PartialEq)]
        pub enum MetadataRecord {
            $(#[doc = stringify!($record)] $variant($group::$record),)*
        }

        impl MetadataRecord {
            /// The type's number, its schema and its versions, for every type.
            pub const ALL: &'static [(i16, &'static crate::wire::Schema, Versions)] =
                &[$(($kind, $group::$record::SCHEMA, Versions { min: $min, max: $max }),)*];

            /// The record's value, in the newest version of it that all of Kafka 4 reads.
            ///
            /// # Errors
            /// A text or list longer than its length field can say.
            pub fn encode(&self) -> Result<Bytes, EncodeError> {
                let mut out = Encoder::default();
                put_uvarint(out.fields(), FRAME_VERSION);
                match self {
                    $(MetadataRecord::$variant(record) => {
                        let version: i16 = written_version($kind, $max);
                        put_uvarint(out.fields(), $kind);
                        put_uvarint(out.fields(), version as u32);
                        record.encode_body(version, true, &mut out)?;
                    })*
                }
                Ok(out.into_bytes().unwrap_or_default())
            }

            /// Reads a record's value.
            ///
            /// # Errors
            /// See [`RecordError`]: what is not known is refused, never skipped.
            pub fn decode(value: Bytes) -> Result<MetadataRecord, RecordError> {
                let mut input = Cursor::new(value);
                let (frame, kind, version) = (input.uvarint()?, input.uvarint()?, input.uvarint()?);
                if frame != FRAME_VERSION {
                    return Err(RecordError::Frame(frame));
                }
                let body = input.rest().clone();
                match kind {
                    $($kind => {
                        let version = i16::try_from(version).ok().filter(|version| ($min..=$max).contains(version))
                            .ok_or(RecordError::Version { kind, version })?;
                        Ok(MetadataRecord::$variant($group::$record::decode_body(version, true, body)?))
                    })*
                    kind => Err(RecordError::Type(kind)),
                }
            }

            /// Its name in Kafka's definitions.
            pub fn name(&self) -> &'static str {
                match self {
                    $(MetadataRecord::$variant(_) => stringify!($record),)*
                }
            }
        }

        $(impl From<$group::$record> for MetadataRecord {
            fn from(record: $group::$record) -> MetadataRecord {
                MetadataRecord::$variant(record)
            }
        })*
    };
}

records! {
    RegisterBroker(nodes::RegisterBrokerRecord) = 0, [0..=4];
    UnregisterBroker(nodes::UnregisterBrokerRecord) = 1, [0..=0];
    Topic(topics::TopicRecord) = 2, [0..=0];
    Partition(topics::PartitionRecord) = 3, [0..=2];
    Config(cluster::ConfigRecord) = 4, [0..=0];
    PartitionChange(topics::PartitionChangeRecord) = 5, [0..=2];
    FenceBroker(nodes::FenceBrokerRecord) = 7, [0..=0];
    UnfenceBroker(nodes::UnfenceBrokerRecord) = 8, [0..=0];
    RemoveTopic(topics::RemoveTopicRecord) = 9, [0..=0];
    DelegationToken(security::DelegationTokenRecord) = 10, [0..=0];
    UserScramCredential(security::UserScramCredentialRecord) = 11, [0..=0];
    FeatureLevel(cluster::FeatureLevelRecord) = 12, [0..=0];
    ClientQuota(security::ClientQuotaRecord) = 14, [0..=0];
    ProducerIds(cluster::ProducerIdsRecord) = 15, [0..=0];
    BrokerRegistrationChange(nodes::BrokerRegistrationChangeRecord) = 17, [0..=3];
    AccessControlEntry(security::AccessControlEntryRecord) = 18, [0..=0];
    RemoveAccessControlEntry(security::RemoveAccessControlEntryRecord) = 19, [0..=0];
    NoOp(cluster::NoOpRecord) = 20, [0..=0];
    ZkMigrationState(cluster::ZkMigrationStateRecord) = 21, [0..=0];
    RemoveUserScramCredential(security::RemoveUserScramCredentialRecord) = 22, [0..=0];
    BeginTransaction(cluster::BeginTransactionRecord) = 23, [0..=0];
    EndTransaction(cluster::EndTransactionRecord) = 24, [0..=0];
    AbortTransaction(cluster::AbortTransactionRecord) = 25, [0..=0];
    RemoveDelegationToken(security::RemoveDelegationTokenRecord) = 26, [0..=0];
    RegisterController(nodes::RegisterControllerRecord) = 27, [0..=0];
    ClearElr(topics::ClearElrRecord) = 28, [0..=0];
}

/// RegisterBrokerRecord 4 and BrokerRegistrationChangeRecord 3 (cordoned directories) came with a metadata.version
/// that a cluster may not have finalized; all else is written in its newest version.
const fn written_version(kind: u32, newest: i16) -> i16 {
    match kind {
        0 => 3,
        17 => 2,
        _ => newest,
    }
}
