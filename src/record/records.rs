//! The records of a batch, as slices of it or of what it decompresses to.

use bytes::Bytes;

use super::batch::Batch;
use super::codec::{Codec, DecompressError, decompress};
use super::error::BatchError;
use super::header::{BatchHeader, TimestampType};
use super::layout::HEADER_LEN;
use super::walk::{RawRecord, RecordFault, next_header, next_record};

/// One record; its parts are slices.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    /// Its offset in the partition.
    pub offset: i64,
    /// Milliseconds; the batch's max timestamp under LogAppendTime; -1 for none.
    pub timestamp: i64,
    /// Its key.
    pub key: Option<Bytes>,
    /// Its value; null is a tombstone in a compacted topic.
    pub value: Option<Bytes>,
    /// Its headers in order, duplicates kept (KIP-82).
    pub headers: Vec<Header>,
}

/// One header of a record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Header {
    /// UTF-8 in what well-behaved clients wrote; not checked.
    pub key: Bytes,
    /// Its value.
    pub value: Option<Bytes>,
}

impl Header {
    /// The key as text.
    ///
    /// # Errors
    /// Where it is no UTF-8.
    pub fn key_str(&self) -> Result<&str, std::str::Utf8Error> {
        str::from_utf8(&self.key)
    }
}

/// Why the records of a batch could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadRecordsError {
    /// The frame is wrong.
    #[error(transparent)]
    Frame(#[from] BatchError),
    /// The records are broken as compressed data, or over the cap.
    #[error(transparent)]
    Decompress(#[from] DecompressError),
    /// A count below zero.
    #[error("a record count of {count}")]
    Count {
        /// As the header has it.
        count: i32,
    },
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
}

/// The records of `batch`, decompressed to at most `cap` bytes. The CRC is not checked here.
///
/// # Errors
/// `Frame` for an unknown codec, `Decompress`, `Count`.
pub fn records(batch: &Batch, cap: usize) -> Result<RecordIter, ReadRecordsError> {
    let header = *batch.header();
    if header.record_count < 0 {
        return Err(ReadRecordsError::Count { count: header.record_count });
    }
    let bytes = match header.codec()? {
        Codec::None => batch.payload(),
        codec => {
            let mut out = Vec::new();
            decompress(codec, &batch.bytes()[HEADER_LEN..], cap, &mut out)?;
            Bytes::from(out)
        }
    };
    Ok(RecordIter { header, bytes, at: 0, index: 0 })
}

/// Records in order; ends after the first error.
#[derive(Clone, Debug)]
pub struct RecordIter {
    header: BatchHeader,
    bytes: Bytes,
    at: usize,
    index: i32,
}

impl RecordIter {
    /// How many decompressed bytes are left to read.
    pub fn bytes_left(&self) -> usize {
        self.bytes.len() - self.at
    }

    fn step(&mut self) -> Result<Record, ReadRecordsError> {
        let index = self.index;
        let wrong = |fault| ReadRecordsError::Record { index, fault };
        let raw = next_record(&self.bytes, &mut self.at, false).map_err(wrong)?;
        self.record(&raw).map_err(wrong)
    }

    fn record(&self, raw: &RawRecord) -> Result<Record, RecordFault> {
        let slice = |part: &std::ops::Range<usize>| self.bytes.slice(part.clone());
        let timestamp = match self.header.timestamp_type() {
            TimestampType::LogAppendTime => self.header.max_timestamp,
            TimestampType::CreateTime => self
                .header
                .base_timestamp
                .checked_add(raw.timestamp_delta)
                .ok_or(RecordFault::Timestamp)?,
        };
        let mut headers = Vec::with_capacity(raw.header_count);
        let mut at = raw.headers.start;
        for _ in 0..raw.header_count {
            let (key, value) = next_header(&self.bytes[..raw.headers.end], &mut at)?;
            headers.push(Header { key: slice(&key), value: value.as_ref().map(slice) });
        }
        Ok(Record {
            offset: self.header.base_offset.saturating_add(i64::from(raw.offset_delta)),
            timestamp,
            key: raw.key.as_ref().map(slice),
            value: raw.value.as_ref().map(slice),
            headers,
        })
    }

    fn end(&mut self) {
        self.index = self.header.record_count;
        self.at = self.bytes.len();
    }
}

impl Iterator for RecordIter {
    type Item = Result<Record, ReadRecordsError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.index == self.header.record_count {
            let extra = self.bytes.len() - self.at;
            self.end();
            return (extra > 0).then_some(Err(ReadRecordsError::Trailing { extra }));
        }
        let record = self.step();
        match record {
            Ok(_) => self.index += 1,
            Err(_) => self.end(),
        }
        Some(record)
    }
}
