//! The 61 bytes before a batch's records, field by field as they stand on the wire.

use super::codec::Codec;
use super::error::BatchError;
use super::layout::*;

/// What timestamps in a batch mean (KIP-32).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TimestampType {
    /// The producer's own.
    CreateTime,
    /// The broker's at the append; every record has the batch's max timestamp.
    LogAppendTime,
}

/// The attribute bits of a batch (message format 2).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Attributes(pub i16);

impl Attributes {
    const CODEC: i16 = 0b111;
    const LOG_APPEND_TIME: i16 = 1 << 3;
    const TRANSACTIONAL: i16 = 1 << 4;
    const CONTROL: i16 = 1 << 5;
    const DELETE_HORIZON: i16 = 1 << 6;

    /// How the records are compressed.
    ///
    /// # Errors
    /// `Codec` for the numbers 5 to 7, which nobody has defined.
    pub fn codec(self) -> Result<Codec, BatchError> {
        let id = (self.0 & Self::CODEC) as u8;
        Codec::from_id(id).ok_or(BatchError::Codec { id })
    }

    /// What the timestamps mean.
    pub fn timestamp_type(self) -> TimestampType {
        if self.0 & Self::LOG_APPEND_TIME == 0 {
            TimestampType::CreateTime
        } else {
            TimestampType::LogAppendTime
        }
    }

    /// Whether the batch belongs to a transaction.
    pub fn transactional(self) -> bool {
        self.0 & Self::TRANSACTIONAL != 0
    }

    /// Whether the batch holds control records (markers), not data.
    pub fn control(self) -> bool {
        self.0 & Self::CONTROL != 0
    }

    /// Whether the base timestamp is when the tombstones may go (KIP-534), not a base.
    pub fn has_delete_horizon(self) -> bool {
        self.0 & Self::DELETE_HORIZON != 0
    }

    /// The same with another codec.
    #[must_use]
    pub fn with_codec(self, codec: Codec) -> Attributes {
        Attributes(self.0 & !Self::CODEC | i16::from(codec.id()))
    }

    /// The same with another timestamp type.
    #[must_use]
    pub fn with_timestamp_type(self, kind: TimestampType) -> Attributes {
        self.with(Self::LOG_APPEND_TIME, kind == TimestampType::LogAppendTime)
    }

    /// The same, in a transaction or not.
    #[must_use]
    pub fn with_transactional(self, on: bool) -> Attributes {
        self.with(Self::TRANSACTIONAL, on)
    }

    /// The same, control records or data.
    #[must_use]
    pub fn with_control(self, on: bool) -> Attributes {
        self.with(Self::CONTROL, on)
    }

    /// The same, with or without a time at which tombstones may go in place of the base timestamp.
    #[must_use]
    pub fn with_delete_horizon(self, on: bool) -> Attributes {
        self.with(Self::DELETE_HORIZON, on)
    }

    fn with(self, bit: i16, on: bool) -> Attributes {
        Attributes(if on { self.0 | bit } else { self.0 & !bit })
    }
}

impl std::fmt::Debug for Attributes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Attributes({:#09b})", self.0)
    }
}

/// What the first 17 bytes of any message format say: enough to step over it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Prefix {
    /// Offset of the first record (format 2) or of the last one inside (formats 0 and 1).
    pub offset: i64,
    /// Size of the whole entry in bytes, offset and length fields included.
    pub size: usize,
    /// The message format: 0, 1 or 2.
    pub magic: i8,
}

impl Prefix {
    /// Reads the first [`PREFIX_LEN`] of `bytes`; what follows need not be there.
    ///
    /// # Errors
    /// `Short`; `Magic` for a format that nobody has defined; `Length` below what the format's header takes.
    pub fn parse(bytes: &[u8]) -> Result<Prefix, BatchError> {
        let Some(head) = bytes.first_chunk::<PREFIX_LEN>() else {
            return Err(BatchError::Short { wanted: PREFIX_LEN, left: bytes.len() });
        };
        let length = i32::from_be_bytes(field(head, LENGTH_AT));
        let magic = head[MAGIC_AT] as i8;
        // Formats 0 and 1: CRC, magic, attributes, (timestamp,) key length, value length.
        let least = match magic {
            0 => 14,
            1 => 22,
            2 => HEADER_LEN - LOG_OVERHEAD,
            _ => return Err(BatchError::Magic { magic }),
        };
        match usize::try_from(length) {
            Ok(after) if after >= least => Ok(Prefix {
                offset: i64::from_be_bytes(field(head, BASE_OFFSET_AT)),
                size: LOG_OVERHEAD + after,
                magic,
            }),
            _ => Err(BatchError::Length { length }),
        }
    }
}

/// A v2 batch header: raw wire values, length and magic checked, nothing else.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BatchHeader {
    /// Offset of the first record.
    pub base_offset: i64,
    /// Bytes after this field.
    pub batch_length: i32,
    /// Epoch of the leader that appended it; -1 in what a client sends.
    pub partition_leader_epoch: i32,
    /// Always 2.
    pub magic: i8,
    /// CRC-32C of all that follows it.
    pub crc: u32,
    /// Codec, timestamp type and kind.
    pub attributes: Attributes,
    /// Offset of the last record, relative to the first; survives compaction.
    pub last_offset_delta: i32,
    /// Milliseconds; what the records' timestamps are relative to.
    pub base_timestamp: i64,
    /// Milliseconds; the largest of the records' timestamps.
    pub max_timestamp: i64,
    /// -1 for none.
    pub producer_id: i64,
    /// -1 for none.
    pub producer_epoch: i16,
    /// Sequence of the first record, -1 for none.
    pub base_sequence: i32,
    /// Records in the batch.
    pub record_count: i32,
}

impl BatchHeader {
    /// Reads the first [`HEADER_LEN`] of `bytes`; the records need not be there.
    ///
    /// # Errors
    /// `Short`; `Magic` where it is another format; `Length` below a header's.
    pub fn parse(bytes: &[u8]) -> Result<BatchHeader, BatchError> {
        let prefix = Prefix::parse(bytes)?;
        if prefix.magic != 2 {
            return Err(BatchError::Magic { magic: prefix.magic });
        }
        let Some(head) = bytes.first_chunk::<HEADER_LEN>() else {
            return Err(BatchError::Short { wanted: HEADER_LEN, left: bytes.len() });
        };
        Ok(BatchHeader {
            base_offset: prefix.offset,
            batch_length: i32::from_be_bytes(field(head, LENGTH_AT)),
            partition_leader_epoch: i32::from_be_bytes(field(head, LEADER_EPOCH_AT)),
            magic: prefix.magic,
            crc: u32::from_be_bytes(field(head, CRC_AT)),
            attributes: Attributes(i16::from_be_bytes(field(head, ATTRIBUTES_AT))),
            last_offset_delta: i32::from_be_bytes(field(head, LAST_OFFSET_DELTA_AT)),
            base_timestamp: i64::from_be_bytes(field(head, BASE_TIMESTAMP_AT)),
            max_timestamp: i64::from_be_bytes(field(head, MAX_TIMESTAMP_AT)),
            producer_id: i64::from_be_bytes(field(head, PRODUCER_ID_AT)),
            producer_epoch: i16::from_be_bytes(field(head, PRODUCER_EPOCH_AT)),
            base_sequence: i32::from_be_bytes(field(head, BASE_SEQUENCE_AT)),
            record_count: i32::from_be_bytes(field(head, RECORD_COUNT_AT)),
        })
    }

    /// The header as it stands on the wire.
    pub fn to_bytes(&self) -> [u8; HEADER_LEN] {
        let mut out = [0; HEADER_LEN];
        put(&mut out, BASE_OFFSET_AT, self.base_offset.to_be_bytes());
        put(&mut out, LENGTH_AT, self.batch_length.to_be_bytes());
        put(&mut out, LEADER_EPOCH_AT, self.partition_leader_epoch.to_be_bytes());
        put(&mut out, MAGIC_AT, self.magic.to_be_bytes());
        put(&mut out, CRC_AT, self.crc.to_be_bytes());
        put(&mut out, ATTRIBUTES_AT, self.attributes.0.to_be_bytes());
        put(&mut out, LAST_OFFSET_DELTA_AT, self.last_offset_delta.to_be_bytes());
        put(&mut out, BASE_TIMESTAMP_AT, self.base_timestamp.to_be_bytes());
        put(&mut out, MAX_TIMESTAMP_AT, self.max_timestamp.to_be_bytes());
        put(&mut out, PRODUCER_ID_AT, self.producer_id.to_be_bytes());
        put(&mut out, PRODUCER_EPOCH_AT, self.producer_epoch.to_be_bytes());
        put(&mut out, BASE_SEQUENCE_AT, self.base_sequence.to_be_bytes());
        put(&mut out, RECORD_COUNT_AT, self.record_count.to_be_bytes());
        out
    }

    /// Size of the whole batch in bytes, header and length field included.
    pub fn size_in_bytes(&self) -> usize {
        LOG_OVERHEAD + self.batch_length.max(0) as usize
    }

    /// Offset of the last record; stays at `i64::MAX` rather than wrap.
    pub fn last_offset(&self) -> i64 {
        self.base_offset.saturating_add(i64::from(self.last_offset_delta))
    }

    /// Sequence of the last record, wrapped past `i32::MAX` to 0 as Kafka does; -1 where there is none.
    pub fn last_sequence(&self) -> i32 {
        if self.base_sequence < 0 {
            return -1;
        }
        let sum = i64::from(self.base_sequence) + i64::from(self.last_offset_delta.max(0));
        (sum % (i64::from(i32::MAX) + 1)) as i32
    }

    /// Whether it holds control records, not data.
    pub fn is_control(&self) -> bool {
        self.attributes.control()
    }

    /// Whether it belongs to a transaction.
    pub fn is_transactional(&self) -> bool {
        self.attributes.transactional()
    }

    /// Whether an idempotent producer wrote it.
    pub fn has_producer_id(&self) -> bool {
        self.producer_id >= 0
    }

    /// How the records are compressed.
    ///
    /// # Errors
    /// `Codec` for a number that nobody has defined.
    pub fn codec(&self) -> Result<Codec, BatchError> {
        self.attributes.codec()
    }

    /// What the timestamps mean.
    pub fn timestamp_type(&self) -> TimestampType {
        self.attributes.timestamp_type()
    }
}

fn field<const N: usize, const LEN: usize>(head: &[u8; LEN], at: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&head[at..at + N]);
    out
}

/// Writes `value` at `at`.
pub(super) fn put<const N: usize>(out: &mut [u8; HEADER_LEN], at: usize, value: [u8; N]) {
    out[at..at + N].copy_from_slice(&value);
}

#[cfg(test)]
#[path = "header_tests.rs"]
mod tests;
