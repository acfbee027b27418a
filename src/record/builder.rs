//! Builds v2 batches: records are encoded straight into one buffer, which becomes the batch.

use bytes::Bytes;

use crate::base::{put_varint, put_varlong, varint_len, varlong_len};

use super::codec::{Codec, CompressError, compress};
use super::header::{Attributes, BatchHeader, TimestampType};
use super::layout::{HEADER_LEN, LOG_OVERHEAD};
use super::stamp::seal;

/// Who writes, and with which sequence (KIP-98).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BatchProducer {
    /// The id that the cluster handed out.
    pub id: i64,
    /// Its epoch.
    pub epoch: i16,
    /// Sequence of the batch's first record; -1 in markers.
    pub base_sequence: i32,
}

impl BatchProducer {
    /// No idempotent producer.
    pub const NONE: BatchProducer = BatchProducer { id: -1, epoch: -1, base_sequence: -1 };
}

/// All that a batch has beside its records.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BatchOptions {
    /// How the records are compressed.
    pub codec: Codec,
    /// The codec's level ([`Codec::levels`]); `None` is Kafka's default.
    pub level: Option<i32>,
    /// Who writes.
    pub producer: BatchProducer,
    /// Whether it belongs to a transaction.
    pub transactional: bool,
    /// Whether its records are control records.
    pub control: bool,
    /// What its timestamps mean; producers leave it at CreateTime.
    pub timestamp_type: TimestampType,
    /// Offset of the first record; 0 in what a producer sends.
    pub base_offset: i64,
    /// The leader's epoch; -1 in what a producer sends.
    pub leader_epoch: i32,
}

impl Default for BatchOptions {
    /// What a plain producer sends: uncompressed, no producer id, offset 0, no epoch.
    fn default() -> BatchOptions {
        BatchOptions {
            codec: Codec::None,
            level: None,
            producer: BatchProducer::NONE,
            transactional: false,
            control: false,
            timestamp_type: TimestampType::CreateTime,
            base_offset: 0,
            leader_epoch: -1,
        }
    }
}

/// Why a record or a batch cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// A batch counts its records, and its bytes, in 31 bits.
    #[error("a batch cannot hold more than 2^31 - 1 records or bytes")]
    Full,
    /// Timestamps too far apart for 64 bits.
    #[error("timestamp {timestamp} is too far from the batch's first, {base}")]
    Timestamp {
        /// The record's.
        timestamp: i64,
        /// The first record's.
        base: i64,
    },
    /// There is nothing to send in it.
    #[error("a batch without records")]
    Empty,
    /// The codec refused.
    #[error(transparent)]
    Compress(#[from] CompressError),
}

/// A batch that is being filled.
#[derive(Clone, Debug)]
pub struct BatchBuilder {
    options: BatchOptions,
    /// Room for the header, then the records.
    bytes: Vec<u8>,
    record_count: i32,
    base_timestamp: i64,
    max_timestamp: i64,
}

impl BatchBuilder {
    /// An empty batch.
    pub fn new(options: BatchOptions) -> BatchBuilder {
        BatchBuilder::with_capacity(options, 0)
    }

    /// An empty batch with room for `capacity` bytes, header included.
    pub fn with_capacity(options: BatchOptions, capacity: usize) -> BatchBuilder {
        let mut bytes = Vec::with_capacity(capacity.max(HEADER_LEN));
        bytes.resize(HEADER_LEN, 0);
        BatchBuilder { options, bytes, record_count: 0, base_timestamp: -1, max_timestamp: -1 }
    }

    /// Appends one record; `headers` in order, duplicates kept, a value may be null.
    ///
    /// `timestamp` is in milliseconds, -1 for none. Returns the record's offset delta.
    ///
    /// # Errors
    /// `Full`, `Timestamp`; the batch is then as it was.
    pub fn append<'a, H>(
        &mut self,
        timestamp: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: H,
    ) -> Result<i32, BuildError>
    where
        H: IntoIterator<Item = (&'a [u8], Option<&'a [u8]>)>,
        H::IntoIter: Clone,
    {
        let first = self.record_count == 0;
        let base = if first { timestamp } else { self.base_timestamp };
        let timestamp_delta =
            timestamp.checked_sub(base).ok_or(BuildError::Timestamp { timestamp, base })?;
        let offset_delta = self.record_count;
        if self.record_count == i32::MAX {
            return Err(BuildError::Full);
        }
        put_record(
            &mut self.bytes,
            (timestamp_delta, offset_delta),
            key,
            value,
            headers.into_iter(),
        )?;
        self.base_timestamp = base;
        self.max_timestamp = if first { timestamp } else { self.max_timestamp.max(timestamp) };
        self.record_count += 1;
        Ok(offset_delta)
    }

    /// How many records it holds.
    pub fn record_count(&self) -> i32 {
        self.record_count
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.record_count == 0
    }

    /// Its size in bytes before compression, header included.
    pub fn estimated_size(&self) -> usize {
        self.bytes.len()
    }

    /// The most bytes that a record adds before compression, length field and worst varints included.
    pub fn record_size_bound<'a>(
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: impl IntoIterator<Item = (&'a [u8], Option<&'a [u8]>)>,
    ) -> usize {
        const LENGTH_ATTRIBUTES_TIMESTAMP_OFFSET_COUNT: usize = 5 + 1 + 10 + 5 + 5;
        let headers: usize =
            headers.into_iter().map(|(key, value)| part_len(Some(key)) + part_len(value)).sum();
        LENGTH_ATTRIBUTES_TIMESTAMP_OFFSET_COUNT + part_len(key) + part_len(value) + headers
    }

    /// Sets who writes: a producer knows its sequence only when the batch is about to be sent.
    pub fn set_producer(&mut self, producer: BatchProducer) {
        self.options.producer = producer;
    }

    /// Compresses, checksums, and gives the batch.
    ///
    /// # Errors
    /// `Empty`, `Full` where compression made it larger than a length can say, `Compress`.
    pub fn build(self) -> Result<Bytes, BuildError> {
        if self.record_count == 0 {
            return Err(BuildError::Empty);
        }
        let mut batch = match self.options.codec {
            Codec::None => self.bytes,
            codec => {
                let records = &self.bytes[HEADER_LEN..];
                let mut out = Vec::with_capacity(HEADER_LEN + records.len() / 2);
                out.resize(HEADER_LEN, 0);
                compress(codec, self.options.level, records, &mut out)?;
                out
            }
        };
        let batch_length =
            i32::try_from(batch.len() - LOG_OVERHEAD).map_err(|_| BuildError::Full)?;
        let options = self.options;
        let header = BatchHeader {
            base_offset: options.base_offset,
            batch_length,
            partition_leader_epoch: options.leader_epoch,
            magic: 2,
            crc: 0,
            attributes: Attributes::default()
                .with_codec(options.codec)
                .with_timestamp_type(options.timestamp_type)
                .with_transactional(options.transactional)
                .with_control(options.control),
            last_offset_delta: self.record_count - 1,
            base_timestamp: self.base_timestamp,
            max_timestamp: self.max_timestamp,
            producer_id: options.producer.id,
            producer_epoch: options.producer.epoch,
            base_sequence: options.producer.base_sequence,
            record_count: self.record_count,
        };
        put_header(&mut batch, &header);
        Ok(Bytes::from(batch))
    }
}

/// Appends a record, its distances in time and offset from the batch's base told first; nothing if `out` would become too long
/// for a batch.
pub(super) fn put_record<'a>(
    out: &mut Vec<u8>,
    (timestamp_delta, offset_delta): (i64, i32),
    key: Option<&[u8]>,
    value: Option<&[u8]>,
    headers: impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)> + Clone,
) -> Result<(), BuildError> {
    let (header_count, headers_len) = headers.clone().fold((0usize, 0), |(count, len), header| {
        (count + 1, len + part_len(Some(header.0)) + part_len(header.1))
    });
    // Headers take two bytes each: more than 2^31 of them are too many bytes as well.
    let header_count = i32::try_from(header_count).map_err(|_| BuildError::Full)?;
    let body_len = 1
        + varlong_len(timestamp_delta)
        + varint_len(offset_delta)
        + part_len(key)
        + part_len(value)
        + varint_len(header_count)
        + headers_len;
    if out.len().saturating_add(body_len).saturating_add(5) > i32::MAX as usize {
        return Err(BuildError::Full);
    }
    out.reserve(body_len + 5);
    put_varint(out, body_len as i32);
    out.push(0); // attributes: no bit is defined
    put_varlong(out, timestamp_delta);
    put_varint(out, offset_delta);
    put_part(out, key);
    put_part(out, value);
    put_varint(out, header_count);
    for (key, value) in headers {
        put_part(out, Some(key));
        put_part(out, value);
    }
    Ok(())
}

/// Writes `header` and the CRC over the first bytes of a batch whose records are in place.
pub(super) fn put_header(batch: &mut [u8], header: &BatchHeader) {
    let mut head = header.to_bytes();
    seal(&mut head, &batch[HEADER_LEN..]);
    batch[..HEADER_LEN].copy_from_slice(&head);
}

/// Bytes of a nullable part with its length.
fn part_len(part: Option<&[u8]>) -> usize {
    match part {
        // A part over 2 GiB makes the sum exceed what a batch can hold, whatever its length's varint takes.
        Some(part) => varint_len(i32::try_from(part.len()).unwrap_or(i32::MAX)) + part.len(),
        None => 1,
    }
}

/// Appends a nullable part with its length.
fn put_part(out: &mut Vec<u8>, part: Option<&[u8]>) {
    match part {
        Some(part) => {
            put_varint(out, part.len() as i32);
            out.extend_from_slice(part);
        }
        None => put_varint(out, -1),
    }
}
