//! Kafka's own records of groups, as they stand in `__consumer_offsets`: the key tells what a record is of, a null value that
//! there is no more of it. Written at the versions that every Kafka since 2.1 reads, read at all.

use bytes::{BufMut, Bytes};
use bytestring::ByteString;

use super::Now;
use super::consumer::{self, ConsumerRecord};
use super::member::Member;
use super::offsets::CommittedOffset;
use crate::base::{Cursor, CursorError};
use crate::wire::{DecodeError, EncodeError, Encoder, Fields, StoredRecord, message};

message! {
    /// The key of an offset.
    OffsetCommitKey {
        group: ByteString, [0..=0];
        topic: ByteString, [0..=0];
        partition: i32, [0..=0];
    }

    /// An offset.
    OffsetCommitValue {
        offset: i64, [0..];
        leader_epoch: i32, [3..], default -1, ignorable = true;
        metadata: ByteString, [0..];
        commit_timestamp: i64, [0..];
        expire_timestamp: i64, [1..=1], default -1, ignorable = true;
        topic_id: crate::wire::Uuid, [4..], tag 0 [4..], ignorable = true;
    }

    /// The key of a group.
    GroupMetadataKey {
        group: ByteString, [0..=0];
    }

    /// A group.
    GroupMetadataValue {
        protocol_type: ByteString, [0..];
        generation: i32, [0..];
        protocol: Option<ByteString>, [0..], nullable [0..], default Some(ByteString::new());
        leader: Option<ByteString>, [0..], nullable [0..], default Some(ByteString::new());
        current_state_timestamp: i64, [2..], default -1, ignorable = true;
        members: Vec<MemberMetadata>, [0..];
    }

    /// Part of [`GroupMetadataValue`]: see its `members`.
    MemberMetadata {
        member_id: ByteString, [0..];
        group_instance_id: Option<ByteString>, [3..], nullable [3..], ignorable = true;
        client_id: ByteString, [0..];
        client_host: ByteString, [0..];
        rebalance_timeout: i32, [1..], default -1, ignorable = true;
        session_timeout: i32, [0..];
        subscription: Bytes, [0..];
        assignment: Bytes, [0..];
    }
}

/// Types of keys: 0 and 1 are both an offset's.
const OFFSET: [i16; 2] = [0, 1];
const GROUP: i16 = 2;
/// The version that values are written in.
const VALUE: i16 = 3;
/// The newest version of values that is known, and the first with tagged fields.
const NEWEST: i16 = 4;

/// A record that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// A version that this version of klog does not know.
    #[error("version {0} of a value is not known")]
    Version(i16),
    /// Too short.
    #[error(transparent)]
    Cursor(#[from] CursorError),
    /// Its fields.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

/// A member as it is stored.
#[derive(Clone, PartialEq, Debug)]
pub struct StoredMember(MemberMetadata);

impl StoredMember {
    /// What is stored of a member while the group uses `protocol`.
    pub(super) fn of(member: &Member, protocol: &str) -> StoredMember {
        StoredMember(MemberMetadata {
            member_id: member.id.clone(),
            group_instance_id: member.instance_id.clone(),
            client_id: member.client_id.clone(),
            client_host: member.host.clone(),
            rebalance_timeout: member.rebalance_timeout_ms,
            session_timeout: member.session_timeout_ms,
            subscription: member.metadata(protocol),
            assignment: member.assignment.clone(),
            ..Default::default()
        })
    }

    pub(super) fn to_member(&self, protocol: Option<&ByteString>, now: Now) -> Member {
        let stored = &self.0;
        let protocols = protocol.map(|name| (name.clone(), stored.subscription.clone()));
        let mut member = Member {
            id: stored.member_id.clone(),
            instance_id: stored.group_instance_id.clone(),
            client_id: stored.client_id.clone(),
            host: stored.client_host.clone(),
            rebalance_timeout_ms: match stored.rebalance_timeout {
                -1 => stored.session_timeout,
                given => given,
            },
            session_timeout_ms: stored.session_timeout,
            protocols: protocols.into_iter().collect(),
            assignment: stored.assignment.clone(),
            deadline: 0,
            joining: None,
            syncing: None,
        };
        member.heard(now);
        member
    }
}

/// A group as it is stored.
#[derive(Clone, PartialEq, Debug)]
pub struct GroupRecord {
    /// `consumer`, `connect`, …
    pub protocol_type: ByteString,
    /// Its generation.
    pub generation: i32,
    /// The protocol that was chosen.
    pub protocol: Option<ByteString>,
    /// Its leader.
    pub leader: Option<ByteString>,
    /// Since when it is as it is, in ms; -1 if that was not stored.
    pub state_since: i64,
    /// Its members.
    pub members: Vec<StoredMember>,
}

/// What a record says; `None` that there is no more of it.
#[derive(Clone, PartialEq, Debug)]
pub enum Entry {
    /// Of a group.
    Group(ByteString, Option<GroupRecord>),
    /// Of a group's offset in a partition.
    Offset(ByteString, (ByteString, i32), Option<CommittedOffset>),
    /// Of a consumer group.
    Consumer(ByteString, ConsumerRecord),
    /// Of something that this version of klog does not have: key type.
    Unknown(i16),
}

impl Entry {
    /// Reads a record.
    ///
    /// # Errors
    /// See [`RecordError`].
    pub fn decode(key: Bytes, value: Option<Bytes>) -> Result<Entry, RecordError> {
        let mut input = Cursor::new(key);
        let kind = input.i16()?;
        let key = input.rest().clone();
        if OFFSET.contains(&kind) {
            let key = OffsetCommitKey::decode_body(0, false, key)?;
            let offset = value.map(decode::<OffsetCommitValue>).transpose()?;
            let place = (key.topic, key.partition);
            return Ok(Entry::Offset(key.group, place, offset.map(CommittedOffset::from)));
        }
        if kind == GROUP {
            let key = GroupMetadataKey::decode_body(0, false, key)?;
            let group = value.map(decode::<GroupMetadataValue>).transpose()?;
            return Ok(Entry::Group(key.group, group.map(GroupRecord::from)));
        }
        let of_consumers = ConsumerRecord::decode(kind, key, value)?;
        Ok(of_consumers
            .map_or(Entry::Unknown(kind), |(group, record)| Entry::Consumer(group, record)))
    }

    /// The record's key and value.
    ///
    /// # Errors
    /// A text longer than its length field can say.
    pub fn encode(&self) -> Result<(Bytes, Option<Bytes>), EncodeError> {
        match self {
            Entry::Group(group, record) => {
                let key = GroupMetadataKey { group: group.clone(), ..Default::default() };
                let value = record.as_ref().map(|record| encode(VALUE, &record.to_value()));
                Ok((encode_key(GROUP, &key)?, value.transpose()?))
            }
            Entry::Offset(group, (topic, partition), offset) => {
                let key = OffsetCommitKey {
                    group: group.clone(),
                    topic: topic.clone(),
                    partition: *partition,
                    ..Default::default()
                };
                let value = offset.as_ref().map(|offset| match offset.expires_at {
                    // Only version 1 has it: an old client named its own retention.
                    Some(_) => encode(1, &offset.to_value()),
                    None => encode(VALUE, &offset.to_value()),
                });
                Ok((encode_key(OFFSET[1], &key)?, value.transpose()?))
            }
            Entry::Consumer(group, record) => record.encode(group),
            Entry::Unknown(kind) => Ok((Bytes::copy_from_slice(&kind.to_be_bytes()), None)),
        }
    }
}

fn decode<T: Fields>(value: Bytes) -> Result<T, RecordError> {
    let mut input = Cursor::new(value);
    let version = input.i16()?;
    if !(0..=NEWEST).contains(&version) {
        return Err(RecordError::Version(version));
    }
    Ok(T::decode_body(version, version >= NEWEST, input.rest().clone())?)
}

fn encode_key(kind: i16, key: &impl Fields) -> Result<Bytes, EncodeError> {
    let mut out = Encoder::default();
    out.fields().put_i16(kind);
    key.encode_body(0, false, &mut out)?;
    Ok(out.into_bytes().unwrap_or_default())
}

fn encode(version: i16, value: &impl Fields) -> Result<Bytes, EncodeError> {
    let mut out = Encoder::default();
    out.fields().put_i16(version);
    value.encode_body(version, version >= NEWEST, &mut out)?;
    Ok(out.into_bytes().unwrap_or_default())
}

impl GroupRecord {
    fn to_value(&self) -> GroupMetadataValue {
        GroupMetadataValue {
            protocol_type: self.protocol_type.clone(),
            generation: self.generation,
            protocol: self.protocol.clone(),
            leader: self.leader.clone(),
            current_state_timestamp: self.state_since,
            members: self.members.iter().map(|member| member.0.clone()).collect(),
            ..Default::default()
        }
    }
}

impl From<GroupMetadataValue> for GroupRecord {
    fn from(value: GroupMetadataValue) -> GroupRecord {
        GroupRecord {
            protocol_type: value.protocol_type,
            generation: value.generation,
            protocol: value.protocol,
            leader: value.leader,
            state_since: value.current_state_timestamp,
            members: value.members.into_iter().map(StoredMember).collect(),
        }
    }
}

impl CommittedOffset {
    fn to_value(&self) -> OffsetCommitValue {
        OffsetCommitValue {
            offset: self.offset,
            leader_epoch: self.leader_epoch,
            metadata: self.metadata.clone(),
            commit_timestamp: self.committed_at,
            expire_timestamp: self.expires_at.unwrap_or(-1),
            ..Default::default()
        }
    }
}

impl From<OffsetCommitValue> for CommittedOffset {
    fn from(value: OffsetCommitValue) -> CommittedOffset {
        CommittedOffset {
            offset: value.offset,
            leader_epoch: value.leader_epoch,
            metadata: value.metadata,
            committed_at: value.commit_timestamp,
            expires_at: (value.expire_timestamp >= 0).then_some(value.expire_timestamp),
        }
    }
}

/// Every kind of record in `__consumer_offsets` that is known.
pub fn stored() -> Vec<StoredRecord> {
    let of =
        |kind, key, value| StoredRecord { kind, key, value, newest: NEWEST, flexible_from: NEWEST };
    let offset = |kind| of(kind, OffsetCommitKey::SCHEMA, OffsetCommitValue::SCHEMA);
    let group = of(GROUP, GroupMetadataKey::SCHEMA, GroupMetadataValue::SCHEMA);
    let classic = [offset(OFFSET[0]), offset(OFFSET[1]), group];
    classic.into_iter().chain(consumer::stored()).collect()
}
