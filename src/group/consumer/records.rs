//! Kafka's records of consumer groups (KIP-848) in `__consumer_offsets`: the group's epoch, its members, who is to have what, who has
//! what, what its regular expressions match. Kafka's own, at its newest versions; a null value says that there is no more of it.

use std::collections::{BTreeMap, BTreeSet};

use bytes::{BufMut, Bytes};
use bytestring::ByteString;

use super::member::{ClassicPart, Current, MemberState, Owned, Subscription};
use crate::base::{Cursor, TopicId};
use crate::group::assignor::Partitions;
use crate::group::records::RecordError;
use crate::wire::{EncodeError, Encoder, Fields, Schema, StoredRecord, Uuid, message};

message! {
    /// The key of a group's epoch.
    ConsumerGroupMetadataKey {
        group_id: ByteString, [0..=0];
    }

    /// A group's epoch.
    ConsumerGroupMetadataValue {
        epoch: i32, [0..];
        metadata_hash: i64, [0..], tag 0 [0..];
    }

    /// The key of a member.
    ConsumerGroupMemberMetadataKey {
        group_id: ByteString, [0..=0];
        member_id: ByteString, [0..=0];
    }

    /// A member.
    ConsumerGroupMemberMetadataValue {
        instance_id: Option<ByteString>, [0..], nullable [0..], default Some(ByteString::new());
        rack_id: Option<ByteString>, [0..], nullable [0..], default Some(ByteString::new());
        client_id: ByteString, [0..];
        client_host: ByteString, [0..];
        subscribed_topic_names: Vec<ByteString>, [0..];
        subscribed_topic_regex: Option<ByteString>, [0..], nullable [0..], default Some(ByteString::new());
        rebalance_timeout_ms: i32, [0..], default -1;
        server_assignor: Option<ByteString>, [0..], nullable [0..], default Some(ByteString::new());
        // Kafka takes a member without this tag for one of the classic protocol: null has to be written.
        classic_member_metadata: Option<ClassicMemberMetadata>, [0..], nullable [0..], tag 0 [0..], default Some(ClassicMemberMetadata::default());
    }

    /// Part of [`ConsumerGroupMemberMetadataValue`]: see its `classic_member_metadata`.
    ClassicMemberMetadata {
        session_timeout_ms: i32, [0..];
        supported_protocols: Vec<ClassicProtocol>, [0..];
    }

    /// Part of [`ClassicMemberMetadata`]: see its `supported_protocols`.
    ClassicProtocol {
        name: ByteString, [0..];
        metadata: Bytes, [0..];
    }

    /// The key of the epoch of who is to have what.
    ConsumerGroupTargetAssignmentMetadataKey {
        group_id: ByteString, [0..=0];
    }

    /// The epoch of who is to have what.
    ConsumerGroupTargetAssignmentMetadataValue {
        assignment_epoch: i32, [0..];
        assignment_timestamp: i64, [0..], tag 0 [0..], ignorable = true;
    }

    /// The key of what a member is to have.
    ConsumerGroupTargetAssignmentMemberKey {
        group_id: ByteString, [0..=0];
        member_id: ByteString, [0..=0];
    }

    /// What a member is to have.
    ConsumerGroupTargetAssignmentMemberValue {
        topic_partitions: Vec<TopicPartition>, [0..];
    }

    /// Part of [`ConsumerGroupTargetAssignmentMemberValue`]: see its `topic_partitions`.
    TopicPartition {
        topic_id: Uuid, [0..];
        partitions: Vec<i32>, [0..];
    }

    /// The key of what a member has.
    ConsumerGroupCurrentMemberAssignmentKey {
        group_id: ByteString, [0..=0];
        member_id: ByteString, [0..=0];
    }

    /// What a member has.
    ConsumerGroupCurrentMemberAssignmentValue {
        member_epoch: i32, [0..];
        previous_member_epoch: i32, [0..];
        state: i8, [0..];
        assigned_partitions: Vec<TopicPartitions>, [0..];
        partitions_pending_revocation: Vec<TopicPartitions>, [0..];
    }

    /// Part of [`ConsumerGroupCurrentMemberAssignmentValue`]: partitions of a topic, and since which epoch the member has each.
    TopicPartitions {
        topic_id: Uuid, [0..];
        partitions: Vec<i32>, [0..];
        assignment_epochs: Option<Vec<i32>>, [0..], nullable [0..], tag 0 [0..], default Some(Vec::new());
    }

    /// The key of what a regular expression matches.
    ConsumerGroupRegularExpressionKey {
        group_id: ByteString, [0..=0];
        regular_expression: ByteString, [0..=0];
    }

    /// What a regular expression matches.
    ConsumerGroupRegularExpressionValue {
        topics: Vec<ByteString>, [0..];
        version: i64, [0..];
        timestamp: i64, [0..];
    }
}

const GROUP: i16 = 3;
const MEMBER: i16 = 5;
const TARGET_EPOCH: i16 = 6;
const TARGET: i16 = 7;
const CURRENT: i16 = 8;
const PATTERN: i16 = 16;

/// The schemas of all keys and values.
const SCHEMAS: [&Schema; 12] = [
    ConsumerGroupMetadataKey::SCHEMA,
    ConsumerGroupMetadataValue::SCHEMA,
    ConsumerGroupMemberMetadataKey::SCHEMA,
    ConsumerGroupMemberMetadataValue::SCHEMA,
    ConsumerGroupTargetAssignmentMetadataKey::SCHEMA,
    ConsumerGroupTargetAssignmentMetadataValue::SCHEMA,
    ConsumerGroupTargetAssignmentMemberKey::SCHEMA,
    ConsumerGroupTargetAssignmentMemberValue::SCHEMA,
    ConsumerGroupCurrentMemberAssignmentKey::SCHEMA,
    ConsumerGroupCurrentMemberAssignmentValue::SCHEMA,
    ConsumerGroupRegularExpressionKey::SCHEMA,
    ConsumerGroupRegularExpressionValue::SCHEMA,
];

/// Every kind of record of a consumer group.
pub fn stored() -> impl Iterator<Item = StoredRecord> {
    let kinds = [GROUP, MEMBER, TARGET_EPOCH, TARGET, CURRENT, PATTERN];
    // Keys and values stand in pairs, in this order.
    kinds.into_iter().zip(SCHEMAS.chunks_exact(2)).map(|(kind, pair)| StoredRecord {
        kind,
        key: pair[0],
        value: pair[1],
        newest: 0,
        flexible_from: 0,
    })
}

/// What a regular expression matches.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Resolved {
    /// The topics' names.
    pub topics: BTreeSet<ByteString>,
    /// Which state of the metadata was looked at.
    pub version: i64,
    /// When, in ms.
    pub at: i64,
}

/// One fact of a consumer group; `None` that it is none any more.
#[derive(Clone, PartialEq, Debug)]
pub enum ConsumerRecord {
    /// Its epoch, and the hash of the topics that it reads.
    Group(Option<(i32, i64)>),
    /// A member.
    Member(ByteString, Option<Subscription>),
    /// For which epoch it was worked out who is to have what, and when.
    TargetEpoch(Option<(i32, i64)>),
    /// What a member is to have.
    Target(ByteString, Option<Partitions>),
    /// What a member has.
    Current(ByteString, Option<Current>),
    /// What a regular expression matches.
    Pattern(ByteString, Option<Resolved>),
}

impl ConsumerRecord {
    /// Reads a record whose key is of type `kind`; `None` if that is not one of these.
    pub(in crate::group) fn decode(
        kind: i16,
        key: Bytes,
        value: Option<Bytes>,
    ) -> Result<Option<(ByteString, ConsumerRecord)>, RecordError> {
        Ok(Some(match kind {
            GROUP => {
                let key = ConsumerGroupMetadataKey::decode_body(0, false, key)?;
                let value = value.map(body::<ConsumerGroupMetadataValue>).transpose()?;
                let value = value.map(|value| (value.epoch, value.metadata_hash));
                (key.group_id, ConsumerRecord::Group(value))
            }
            MEMBER => {
                let key = ConsumerGroupMemberMetadataKey::decode_body(0, false, key)?;
                let value = value.map(body::<ConsumerGroupMemberMetadataValue>).transpose()?;
                (key.group_id, ConsumerRecord::Member(key.member_id, value.map(Into::into)))
            }
            TARGET_EPOCH => {
                let key = ConsumerGroupTargetAssignmentMetadataKey::decode_body(0, false, key)?;
                let value =
                    value.map(body::<ConsumerGroupTargetAssignmentMetadataValue>).transpose()?;
                let value = value.map(|value| (value.assignment_epoch, value.assignment_timestamp));
                (key.group_id, ConsumerRecord::TargetEpoch(value))
            }
            TARGET => {
                let key = ConsumerGroupTargetAssignmentMemberKey::decode_body(0, false, key)?;
                let value =
                    value.map(body::<ConsumerGroupTargetAssignmentMemberValue>).transpose()?;
                (key.group_id, ConsumerRecord::Target(key.member_id, value.map(partitions)))
            }
            CURRENT => {
                let key = ConsumerGroupCurrentMemberAssignmentKey::decode_body(0, false, key)?;
                let value =
                    value.map(body::<ConsumerGroupCurrentMemberAssignmentValue>).transpose()?;
                (key.group_id, ConsumerRecord::Current(key.member_id, value.map(Into::into)))
            }
            PATTERN => {
                let key = ConsumerGroupRegularExpressionKey::decode_body(0, false, key)?;
                let value = value.map(body::<ConsumerGroupRegularExpressionValue>).transpose()?;
                let resolved = value.map(|value| Resolved {
                    topics: value.topics.into_iter().collect(),
                    version: value.version,
                    at: value.timestamp,
                });
                (key.group_id, ConsumerRecord::Pattern(key.regular_expression, resolved))
            }
            _ => return Ok(None),
        }))
    }

    /// The record's key and value.
    pub(in crate::group) fn encode(
        &self,
        group: &ByteString,
    ) -> Result<(Bytes, Option<Bytes>), EncodeError> {
        let group_id = group.clone();
        match self {
            ConsumerRecord::Group(value) => {
                let value = value.map(|(epoch, metadata_hash)| ConsumerGroupMetadataValue {
                    epoch,
                    metadata_hash,
                    ..Default::default()
                });
                let key = ConsumerGroupMetadataKey { group_id, ..Default::default() };
                both(GROUP, &key, value)
            }
            ConsumerRecord::Member(id, value) => {
                let value = value.as_ref().map(Subscription::to_value);
                let key = ConsumerGroupMemberMetadataKey {
                    group_id,
                    member_id: id.clone(),
                    ..Default::default()
                };
                both(MEMBER, &key, value)
            }
            ConsumerRecord::TargetEpoch(value) => {
                let value = value.map(|(assignment_epoch, assignment_timestamp)| {
                    ConsumerGroupTargetAssignmentMetadataValue {
                        assignment_epoch,
                        assignment_timestamp,
                        ..Default::default()
                    }
                });
                let key =
                    ConsumerGroupTargetAssignmentMetadataKey { group_id, ..Default::default() };
                both(TARGET_EPOCH, &key, value)
            }
            ConsumerRecord::Target(id, value) => {
                let value = value.as_ref().map(target_value);
                let key = ConsumerGroupTargetAssignmentMemberKey {
                    group_id,
                    member_id: id.clone(),
                    ..Default::default()
                };
                both(TARGET, &key, value)
            }
            ConsumerRecord::Current(id, value) => {
                let value = value.as_ref().map(Current::to_value);
                let key = ConsumerGroupCurrentMemberAssignmentKey {
                    group_id,
                    member_id: id.clone(),
                    ..Default::default()
                };
                both(CURRENT, &key, value)
            }
            ConsumerRecord::Pattern(pattern, value) => {
                let value = value.as_ref().map(|resolved| ConsumerGroupRegularExpressionValue {
                    topics: resolved.topics.iter().cloned().collect(),
                    version: resolved.version,
                    timestamp: resolved.at,
                    ..Default::default()
                });
                let key = ConsumerGroupRegularExpressionKey {
                    group_id,
                    regular_expression: pattern.clone(),
                    ..Default::default()
                };
                both(PATTERN, &key, value)
            }
        }
    }
}

/// All values are of version 0, with tagged fields.
fn body<T: Fields>(value: Bytes) -> Result<T, RecordError> {
    let mut input = Cursor::new(value);
    match input.i16()? {
        0 => Ok(T::decode_body(0, true, input.rest().clone())?),
        other => Err(RecordError::Version(other)),
    }
}

fn both(
    kind: i16,
    key: &impl Fields,
    value: Option<impl Fields>,
) -> Result<(Bytes, Option<Bytes>), EncodeError> {
    let mut out = Encoder::default();
    out.fields().put_i16(kind);
    key.encode_body(0, false, &mut out)?;
    let key = out.into_bytes().unwrap_or_default();
    let value = value.map(|value| {
        let mut out = Encoder::default();
        out.fields().put_i16(0);
        value.encode_body(0, true, &mut out)?;
        Ok(out.into_bytes().unwrap_or_default())
    });
    Ok((key, value.transpose()?))
}

fn partitions(value: ConsumerGroupTargetAssignmentMemberValue) -> Partitions {
    let topics = value.topic_partitions.into_iter();
    topics.map(|topic| (topic.topic_id, topic.partitions.into_iter().collect())).collect()
}

fn target_value(target: &Partitions) -> ConsumerGroupTargetAssignmentMemberValue {
    let topics = target.iter().map(|(topic_id, partitions)| TopicPartition {
        topic_id: *topic_id,
        partitions: partitions.iter().copied().collect(),
        ..Default::default()
    });
    ConsumerGroupTargetAssignmentMemberValue {
        topic_partitions: topics.collect(),
        ..Default::default()
    }
}

impl Subscription {
    fn to_value(&self) -> ConsumerGroupMemberMetadataValue {
        let classic = self.classic.as_ref().map(|classic| ClassicMemberMetadata {
            session_timeout_ms: classic.session_timeout_ms,
            supported_protocols: classic
                .protocols
                .iter()
                .map(|(name, metadata)| ClassicProtocol {
                    name: name.clone(),
                    metadata: metadata.clone(),
                    ..Default::default()
                })
                .collect(),
            ..Default::default()
        });
        ConsumerGroupMemberMetadataValue {
            instance_id: self.instance_id.clone(),
            rack_id: self.rack_id.clone(),
            client_id: self.client_id.clone(),
            client_host: self.host.clone(),
            subscribed_topic_names: self.topics.iter().cloned().collect(),
            subscribed_topic_regex: self.pattern.clone(),
            rebalance_timeout_ms: self.rebalance_timeout_ms,
            server_assignor: self.assignor.clone(),
            classic_member_metadata: classic,
            ..Default::default()
        }
    }
}

impl From<ConsumerGroupMemberMetadataValue> for Subscription {
    fn from(value: ConsumerGroupMemberMetadataValue) -> Subscription {
        // A member of the classic protocol can do something: what names nothing was written by nobody.
        let classic = value.classic_member_metadata;
        let classic = classic.filter(|classic| !classic.supported_protocols.is_empty());
        let classic = classic.map(|classic| ClassicPart {
            session_timeout_ms: classic.session_timeout_ms,
            protocols: classic
                .supported_protocols
                .into_iter()
                .map(|protocol| (protocol.name, protocol.metadata))
                .collect(),
        });
        Subscription {
            instance_id: value.instance_id,
            rack_id: value.rack_id,
            client_id: value.client_id,
            host: value.client_host,
            topics: value.subscribed_topic_names.into_iter().collect(),
            pattern: value.subscribed_topic_regex,
            rebalance_timeout_ms: value.rebalance_timeout_ms,
            assignor: value.server_assignor,
            classic,
        }
    }
}

impl Current {
    fn to_value(&self) -> ConsumerGroupCurrentMemberAssignmentValue {
        let list = |owned: &Owned| {
            let mut topics: BTreeMap<TopicId, TopicPartitions> = BTreeMap::new();
            for ((topic_id, partition), since) in owned {
                let topic = topics.entry(*topic_id).or_default();
                topic.topic_id = *topic_id;
                topic.partitions.push(*partition);
                topic.assignment_epochs.get_or_insert_default().push(*since);
            }
            topics.into_values().collect()
        };
        ConsumerGroupCurrentMemberAssignmentValue {
            member_epoch: self.epoch,
            previous_member_epoch: self.previous_epoch,
            state: self.state.to_wire(),
            assigned_partitions: list(&self.assigned),
            partitions_pending_revocation: list(&self.revoking),
            ..Default::default()
        }
    }
}

impl From<ConsumerGroupCurrentMemberAssignmentValue> for Current {
    fn from(value: ConsumerGroupCurrentMemberAssignmentValue) -> Current {
        let epoch = value.member_epoch;
        let map = |topics: Vec<TopicPartitions>| -> Owned {
            let mut owned = Owned::new();
            for topic in topics {
                let since = topic.assignment_epochs.unwrap_or_default();
                // Before 4.3 nobody wrote since when: no commit of an older epoch is taken then.
                let since = since.into_iter().chain(std::iter::repeat(epoch));
                for (partition, since) in topic.partitions.into_iter().zip(since) {
                    owned.insert((topic.topic_id, partition), since);
                }
            }
            owned
        };
        Current {
            epoch,
            previous_epoch: value.previous_member_epoch,
            state: MemberState::from_wire(value.state),
            assigned: map(value.assigned_partitions),
            revoking: map(value.partitions_pending_revocation),
        }
    }
}
