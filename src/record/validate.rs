//! What a broker checks in a batch that a client produced: everything, once, before it enters the log.

use crate::base::{ErrorCode, Millis};

use super::batch::Batch;
use super::codec::{Codec, DecompressError, decompress};
use super::error::BatchError;
use super::header::{BatchHeader, TimestampType};
use super::layout::HEADER_LEN;
use super::walk::{RecordFault, next_record};

/// "No timestamp" on the wire; never out of range.
const NO_TIMESTAMP: i64 = -1;
/// A scratch buffer that grew beyond this for one batch is given back.
const SCRATCH_KEPT_BYTES: usize = 4 << 20;

/// What a topic allows; times in milliseconds, sizes in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// The broker's clock.
    pub now: Millis,
    /// `message.timestamp.type`; under LogAppendTime the producer's timestamps are not looked at.
    pub timestamp_type: TimestampType,
    /// `message.timestamp.before.max.ms`: how far behind `now` a timestamp may be.
    pub timestamp_before_max_ms: i64,
    /// `message.timestamp.after.max.ms`: how far ahead of `now` it may be.
    pub timestamp_after_max_ms: i64,
    /// `max.message.bytes`: the largest batch as it is sent.
    pub max_message_bytes: usize,
    /// The most that its records may take decompressed. Kafka has no such limit.
    pub max_decompressed_bytes: usize,
    /// Whether every record needs a key (`cleanup.policy=compact`).
    pub require_keys: bool,
}

impl Default for Limits {
    /// Kafka's defaults of a topic at time 0; 100 MiB decompressed, the largest request of Kafka's default.
    fn default() -> Limits {
        Limits {
            now: Millis(0),
            timestamp_type: TimestampType::CreateTime,
            timestamp_before_max_ms: i64::MAX,
            timestamp_after_max_ms: 3_600_000,
            max_message_bytes: 1_048_588,
            max_decompressed_bytes: 100 << 20,
            require_keys: false,
        }
    }
}

/// The buffer into which batches are decompressed; kept and used again by the caller, one per thread or connection.
#[derive(Default, Debug)]
pub struct Scratch {
    records: Vec<u8>,
}

impl Scratch {
    /// An empty one; it grows with use, and gives back what a single huge batch took.
    pub fn new() -> Scratch {
        Scratch::default()
    }
}

/// What the walk over a batch's records found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Checked {
    /// The largest timestamp of its records; -1 where none has one. The header's may be wrong: the stamp mends it.
    pub max_timestamp: Millis,
    /// Size of its records in bytes, decompressed.
    pub decompressed_bytes: usize,
}

/// Why a produced batch is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBatch {
    /// The frame itself: CRC, codec.
    #[error(transparent)]
    Frame(#[from] BatchError),
    /// Over `max.message.bytes`.
    #[error("a batch of {size} bytes, {max} are allowed")]
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// `max.message.bytes`.
        max: usize,
    },
    /// Its records are broken as compressed data, or too many bytes.
    #[error(transparent)]
    Decompress(#[from] DecompressError),
    /// Record count and last offset disagree, or there is no record.
    #[error("{count} records up to offset delta {last_offset_delta}")]
    Count {
        /// Records as the header has it.
        count: i32,
        /// The last one's delta as the header has it.
        last_offset_delta: i32,
    },
    /// Markers are the broker's to write.
    #[error("clients may not write control batches")]
    Control,
    /// The timestamp type is the topic's to set.
    #[error("producers may not set the timestamp type to LogAppendTime")]
    TimestampType,
    /// A producer id without a sequence.
    #[error("sequence {base_sequence} of producer {producer_id}")]
    Sequence {
        /// The header's producer id.
        producer_id: i64,
        /// The header's base sequence.
        base_sequence: i32,
    },
    /// A transaction without a producer id.
    #[error("a transactional batch without a producer id")]
    TransactionalWithoutProducer,
    /// One record is not well formed.
    #[error("record {index}: {fault}")]
    Record {
        /// Its place in the batch, from 0.
        index: i32,
        /// What is wrong with it.
        fault: RecordFault,
    },
    /// More bytes than the records take.
    #[error("{extra} bytes follow the last record")]
    Trailing {
        /// How many.
        extra: usize,
    },
    /// A record outside the topic's time window.
    #[error("record {index}: timestamp {timestamp} is not within [{earliest}, {latest}]")]
    Timestamp {
        /// Its place in the batch, from 0.
        index: i32,
        /// Its timestamp.
        timestamp: i64,
        /// The oldest that is allowed.
        earliest: i64,
        /// The newest that is allowed.
        latest: i64,
    },
    /// A record without a key for a compacted topic.
    #[error("record {index} has no key, and the topic is compacted")]
    NoKey {
        /// Its place in the batch, from 0.
        index: i32,
    },
}

impl InvalidBatch {
    /// What the broker answers.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Frame(error) => error.code(),
            Self::TooLarge { .. } | Self::Decompress(DecompressError::TooLarge { .. }) => {
                ErrorCode::MessageTooLarge
            }
            Self::Decompress(DecompressError::Corrupt { .. })
            | Self::Count { .. }
            | Self::Control
            | Self::Sequence { .. }
            | Self::TransactionalWithoutProducer
            | Self::Record { .. }
            | Self::Trailing { .. }
            | Self::NoKey { .. } => ErrorCode::InvalidRecord,
            Self::TimestampType | Self::Timestamp { .. } => ErrorCode::InvalidTimestamp,
        }
    }

    /// The record to blame, from 0 (Produce v8 names it); none where it is the batch as a whole.
    pub fn record_index(&self) -> Option<i32> {
        match self {
            Self::Record { index, .. } | Self::Timestamp { index, .. } | Self::NoKey { index } => {
                Some(*index)
            }
            Self::Frame(_)
            | Self::TooLarge { .. }
            | Self::Decompress(_)
            | Self::Count { .. }
            | Self::Control
            | Self::TimestampType
            | Self::Sequence { .. }
            | Self::TransactionalWithoutProducer
            | Self::Trailing { .. } => None,
        }
    }
}

/// Checks a produced batch: size, CRC, header, and each of its records, walked once.
///
/// Compressed records are decompressed into `scratch`, never beyond [`Limits::max_decompressed_bytes`]; nothing is
/// allocated per record. Whether the producer id and sequence are the right ones is for the log to say.
///
/// # Errors
/// The first thing that is wrong.
pub fn validate_produced(
    batch: &Batch,
    limits: &Limits,
    scratch: &mut Scratch,
) -> Result<Checked, InvalidBatch> {
    if batch.size_in_bytes() > limits.max_message_bytes {
        let (size, max) = (batch.size_in_bytes(), limits.max_message_bytes);
        return Err(InvalidBatch::TooLarge { size, max });
    }
    batch.check_crc()?;
    check_header(batch.header())?;
    let payload = &batch.bytes()[HEADER_LEN..];
    match batch.header().codec()? {
        Codec::None => check_records(payload, batch.header(), limits),
        codec => {
            let cap = limits.max_decompressed_bytes;
            let checked = decompress(codec, payload, cap, &mut scratch.records)
                .map_err(InvalidBatch::from)
                .and_then(|()| check_records(&scratch.records, batch.header(), limits));
            if scratch.records.capacity() > SCRATCH_KEPT_BYTES {
                scratch.records = Vec::new();
            }
            checked
        }
    }
}

fn check_header(header: &BatchHeader) -> Result<(), InvalidBatch> {
    let (count, last_offset_delta) = (header.record_count, header.last_offset_delta);
    if count < 1 || last_offset_delta != count - 1 {
        return Err(InvalidBatch::Count { count, last_offset_delta });
    }
    if header.is_control() {
        return Err(InvalidBatch::Control);
    }
    if header.timestamp_type() == TimestampType::LogAppendTime {
        return Err(InvalidBatch::TimestampType);
    }
    if header.has_producer_id() && header.base_sequence < 0 {
        let (producer_id, base_sequence) = (header.producer_id, header.base_sequence);
        return Err(InvalidBatch::Sequence { producer_id, base_sequence });
    }
    if header.is_transactional() && !header.has_producer_id() {
        return Err(InvalidBatch::TransactionalWithoutProducer);
    }
    Ok(())
}

fn check_records(
    records: &[u8],
    header: &BatchHeader,
    limits: &Limits,
) -> Result<Checked, InvalidBatch> {
    let window = Window::of(limits);
    let mut max_timestamp = NO_TIMESTAMP;
    let mut at = 0;
    for index in 0..header.record_count {
        let wrong = |fault| InvalidBatch::Record { index, fault };
        let record = next_record(records, &mut at, true).map_err(wrong)?;
        if record.offset_delta != index {
            let found = record.offset_delta;
            return Err(wrong(RecordFault::OffsetDelta { found, place: index }));
        }
        if limits.require_keys && record.key.is_none() {
            return Err(InvalidBatch::NoKey { index });
        }
        let timestamp = header.base_timestamp.checked_add(record.timestamp_delta);
        let timestamp = timestamp.ok_or_else(|| wrong(RecordFault::Timestamp))?;
        window.check(index, timestamp)?;
        max_timestamp = max_timestamp.max(timestamp);
    }
    if at != records.len() {
        return Err(InvalidBatch::Trailing { extra: records.len() - at });
    }
    Ok(Checked { max_timestamp: Millis(max_timestamp), decompressed_bytes: records.len() })
}

/// The timestamps that a topic takes.
struct Window {
    earliest: i64,
    latest: i64,
}

impl Window {
    fn of(limits: &Limits) -> Window {
        match limits.timestamp_type {
            TimestampType::LogAppendTime => Window { earliest: i64::MIN, latest: i64::MAX },
            TimestampType::CreateTime => Window {
                earliest: limits.now.0.saturating_sub(limits.timestamp_before_max_ms),
                latest: limits.now.0.saturating_add(limits.timestamp_after_max_ms),
            },
        }
    }

    fn check(&self, index: i32, timestamp: i64) -> Result<(), InvalidBatch> {
        let Window { earliest, latest } = *self;
        if (earliest..=latest).contains(&timestamp) || timestamp == NO_TIMESTAMP {
            return Ok(());
        }
        Err(InvalidBatch::Timestamp { index, timestamp, earliest, latest })
    }
}

#[cfg(test)]
#[path = "validate_tests.rs"]
mod tests;
