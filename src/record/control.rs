//! Control records: what brokers write into logs for one another (transaction markers, KIP-98; the Raft log's own
//! records, KIP-595, KIP-630, KIP-853). Their values are schemas of their own, so they are read and written here.

use bytes::{BufMut, Bytes};

use crate::base::{Cursor, CursorError, Millis, TopicId, put_uvarint};

use super::builder::{BatchBuilder, BatchOptions, BatchProducer, BuildError};

/// Names a replica's log directory.
pub type DirectoryId = TopicId;

/// What a control record says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ControlRecord {
    /// The producer's transaction was aborted.
    Abort {
        /// Epoch of the transaction coordinator that wrote it.
        coordinator_epoch: i32,
    },
    /// The producer's transaction was committed.
    Commit {
        /// Epoch of the transaction coordinator that wrote it.
        coordinator_epoch: i32,
    },
    /// A leader took office.
    LeaderChange(LeaderChange),
    /// First record of a snapshot.
    SnapshotHeader {
        /// Append time of the last record that the snapshot covers.
        last_contained_log_timestamp: Millis,
    },
    /// Last record of a snapshot: without it, the snapshot is not whole.
    SnapshotFooter,
    /// The quorum's protocol version.
    KraftVersion {
        /// 0, or 1 with voters that can change (KIP-853).
        version: i16,
    },
    /// The quorum's voters.
    Voters(Vec<Voter>),
    /// A kind that klog does not know; readers step over it, as Kafka's do.
    Unknown {
        /// Its number.
        kind: i16,
    },
}

/// Who leads from here on, and by whose votes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeaderChange {
    /// 0, or 1 where voters have directory ids.
    pub version: i16,
    /// The leader's node id.
    pub leader_id: i32,
    /// All voters: node id, and the directory in version 1 (zero in 0).
    pub voters: Vec<(i32, DirectoryId)>,
    /// Those who voted for it.
    pub granting_voters: Vec<(i32, DirectoryId)>,
}

/// One voter of the quorum.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Voter {
    /// Its node id.
    pub id: i32,
    /// Its directory of the metadata log.
    pub directory_id: DirectoryId,
    /// Where it listens: listener name, host, port.
    pub endpoints: Vec<(String, String, u16)>,
    /// The lowest and highest quorum protocol version that it has.
    pub kraft_versions: (i16, i16),
}

/// Why bytes are no control record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// No key, or no value.
    #[error("a control record without a key or a value")]
    Null,
    /// The bytes end early.
    #[error(transparent)]
    Read(#[from] CursorError),
    /// A version that klog does not know.
    #[error("version {version} of control record {kind}")]
    Version {
        /// The record's kind.
        kind: i16,
        /// Its version as it stands.
        version: i16,
    },
    /// A length that the bytes cannot hold.
    #[error("a length of {length} with {left} bytes left")]
    Length {
        /// The length as it stands, plus 1.
        length: u32,
        /// Bytes left.
        left: usize,
    },
    /// A name that is no UTF-8.
    #[error("a text that is not UTF-8")]
    Text,
}

const ABORT: i16 = 0;
const COMMIT: i16 = 1;
const LEADER_CHANGE: i16 = 2;
const SNAPSHOT_HEADER: i16 = 3;
const SNAPSHOT_FOOTER: i16 = 4;
const KRAFT_VERSION: i16 = 5;
const VOTERS: i16 = 6;

impl ControlRecord {
    /// Reads key and value of a record in a control batch.
    ///
    /// # Errors
    /// `Null`, `Read`, `Version`, `Length`, `Text`.
    pub fn parse(
        key: Option<&Bytes>,
        value: Option<&Bytes>,
    ) -> Result<ControlRecord, ControlError> {
        let mut key = Cursor::new(key.ok_or(ControlError::Null)?.clone());
        // Whatever the key's version, its kind stands second.
        let _version = key.i16()?;
        let kind = key.i16()?;
        if !(ABORT..=VOTERS).contains(&kind) {
            return Ok(ControlRecord::Unknown { kind });
        }
        let mut value = Cursor::new(value.ok_or(ControlError::Null)?.clone());
        let version = value.i16()?;
        let newest = if kind == LEADER_CHANGE { 1 } else { 0 };
        if version < 0 || version > newest && kind > COMMIT {
            return Err(ControlError::Version { kind, version });
        }
        read_value(kind, version, &mut value)
    }

    /// Its number.
    pub fn kind(&self) -> i16 {
        match self {
            Self::Abort { .. } => ABORT,
            Self::Commit { .. } => COMMIT,
            Self::LeaderChange(_) => LEADER_CHANGE,
            Self::SnapshotHeader { .. } => SNAPSHOT_HEADER,
            Self::SnapshotFooter => SNAPSHOT_FOOTER,
            Self::KraftVersion { .. } => KRAFT_VERSION,
            Self::Voters(_) => VOTERS,
            Self::Unknown { kind } => *kind,
        }
    }

    /// The record's key: version 0 and the kind.
    pub fn key(&self) -> [u8; 4] {
        let mut key = [0; 4];
        key[2..].copy_from_slice(&self.kind().to_be_bytes());
        key
    }

    /// The record's value.
    pub fn value(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let version = match self {
            Self::LeaderChange(change) => change.version,
            _ => 0,
        };
        out.put_i16(version);
        match self {
            Self::Abort { coordinator_epoch } | Self::Commit { coordinator_epoch } => {
                out.put_i32(*coordinator_epoch);
                return out;
            }
            Self::LeaderChange(change) => put_leader_change(&mut out, change),
            Self::SnapshotHeader { last_contained_log_timestamp } => {
                out.put_i64(last_contained_log_timestamp.0);
            }
            Self::KraftVersion { version } => out.put_i16(*version),
            Self::Voters(voters) => put_array(&mut out, voters, put_voter),
            Self::SnapshotFooter | Self::Unknown { .. } => {}
        }
        put_no_tags(&mut out);
        out
    }

    /// A control batch with this one record.
    ///
    /// `producer` is the transaction's for markers (its sequence is -1 there) and [`BatchProducer::NONE`] for all
    /// else; markers are transactional, the others are not.
    ///
    /// # Errors
    /// Those of [`BatchBuilder`].
    pub fn batch(
        &self,
        base_offset: i64,
        leader_epoch: i32,
        now: Millis,
        producer: BatchProducer,
    ) -> Result<Bytes, BuildError> {
        let mut builder = BatchBuilder::new(BatchOptions {
            producer,
            transactional: matches!(self, Self::Abort { .. } | Self::Commit { .. }),
            control: true,
            base_offset,
            leader_epoch,
            ..BatchOptions::default()
        });
        builder.append(now.0, Some(&self.key()), Some(&self.value()), [])?;
        builder.build()
    }
}

fn read_value(kind: i16, version: i16, value: &mut Cursor) -> Result<ControlRecord, ControlError> {
    let record = match kind {
        ABORT => return Ok(ControlRecord::Abort { coordinator_epoch: value.i32()? }),
        COMMIT => return Ok(ControlRecord::Commit { coordinator_epoch: value.i32()? }),
        LEADER_CHANGE => ControlRecord::LeaderChange(LeaderChange {
            version,
            leader_id: value.i32()?,
            voters: array(value, 5, |value| leader_voter(value, version))?,
            granting_voters: array(value, 5, |value| leader_voter(value, version))?,
        }),
        SNAPSHOT_HEADER => {
            ControlRecord::SnapshotHeader { last_contained_log_timestamp: Millis(value.i64()?) }
        }
        SNAPSHOT_FOOTER => ControlRecord::SnapshotFooter,
        KRAFT_VERSION => ControlRecord::KraftVersion { version: value.i16()? },
        VOTERS => ControlRecord::Voters(array(value, 27, voter)?),
        _ => ControlRecord::Unknown { kind },
    };
    skip_tags(value)?;
    Ok(record)
}

fn leader_voter(value: &mut Cursor, version: i16) -> Result<(i32, DirectoryId), ControlError> {
    let id = value.i32()?;
    let directory = if version >= 1 { TopicId(value.array()?) } else { TopicId::ZERO };
    skip_tags(value)?;
    Ok((id, directory))
}

fn voter(value: &mut Cursor) -> Result<Voter, ControlError> {
    let id = value.i32()?;
    let directory_id = TopicId(value.array()?);
    let endpoints = array(value, 5, |value| {
        let endpoint = (text(value)?, text(value)?, value.u16()?);
        skip_tags(value)?;
        Ok(endpoint)
    })?;
    let kraft_versions = (value.i16()?, value.i16()?);
    skip_tags(value)?;
    skip_tags(value)?;
    Ok(Voter { id, directory_id, endpoints, kraft_versions })
}

/// A compact array whose elements take `least` bytes or more.
fn array<T>(
    value: &mut Cursor,
    least: usize,
    mut read: impl FnMut(&mut Cursor) -> Result<T, ControlError>,
) -> Result<Vec<T>, ControlError> {
    let count = length(value, least)?;
    (0..count).map(|_| read(value)).collect()
}

fn text(value: &mut Cursor) -> Result<String, ControlError> {
    let len = length(value, 1)?;
    let bytes = value.take(len)?;
    str::from_utf8(&bytes).map(str::to_owned).map_err(|_| ControlError::Text)
}

/// A compact length (one more than it is), held against what is left.
fn length(value: &mut Cursor, least: usize) -> Result<usize, ControlError> {
    let length = value.uvarint()?;
    let left = value.remaining();
    length
        .checked_sub(1)
        .map(|length| length as usize)
        .filter(|length| *length <= left / least)
        .ok_or(ControlError::Length { length, left })
}

fn skip_tags(value: &mut Cursor) -> Result<(), ControlError> {
    for _ in 0..value.uvarint()? {
        value.uvarint()?;
        let size = value.uvarint()? as usize;
        value.take(size)?;
    }
    Ok(())
}

fn put_leader_change(out: &mut Vec<u8>, change: &LeaderChange) {
    out.put_i32(change.leader_id);
    for voters in [&change.voters, &change.granting_voters] {
        put_array(out, voters, |out, (id, directory)| {
            out.put_i32(*id);
            if change.version >= 1 {
                out.put_slice(&directory.0);
            }
            put_no_tags(out);
        });
    }
}

fn put_voter(out: &mut Vec<u8>, voter: &Voter) {
    out.put_i32(voter.id);
    out.put_slice(&voter.directory_id.0);
    put_array(out, &voter.endpoints, |out, (name, host, port)| {
        put_text(out, name);
        put_text(out, host);
        out.put_u16(*port);
        put_no_tags(out);
    });
    out.put_i16(voter.kraft_versions.0);
    out.put_i16(voter.kraft_versions.1);
    put_no_tags(out);
    put_no_tags(out);
}

fn put_array<T>(out: &mut Vec<u8>, items: &[T], mut put: impl FnMut(&mut Vec<u8>, &T)) {
    put_uvarint(out, items.len() as u32 + 1);
    for item in items {
        put(out, item);
    }
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_uvarint(out, text.len() as u32 + 1);
    out.put_slice(text.as_bytes());
}

fn put_no_tags(out: &mut Vec<u8>) {
    put_uvarint(out, 0);
}

#[cfg(test)]
#[path = "control_tests.rs"]
mod tests;
