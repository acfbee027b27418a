//! Batches of any message format, as a fetch brings them: a broker may still hold segments that old Kafka wrote.

use bytes::Bytes;

use super::batch::Batch;
use super::error::BatchError;
use super::header::{Prefix, TimestampType};
use super::legacy::{Entry, LegacyError, LegacyRecords};
use super::records::{ReadRecordsError, Record, RecordIter, records};

/// A batch of format 2, or an entry of format 0 or 1.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AnyBatch {
    /// Format 2.
    Batch(Batch),
    /// Format 0 or 1: one record, or several in a wrapper.
    Entry(Entry),
}

/// Why the records of a batch of any format could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadAnyError {
    /// In a batch of format 2.
    #[error(transparent)]
    Batch(#[from] ReadRecordsError),
    /// In an entry of format 0 or 1.
    #[error(transparent)]
    Entry(#[from] LegacyError),
}

impl AnyBatch {
    /// Offset of its last record.
    pub fn last_offset(&self) -> i64 {
        match self {
            AnyBatch::Batch(batch) => batch.header().last_offset(),
            AnyBatch::Entry(entry) => entry.last_offset(),
        }
    }

    /// What its timestamps mean.
    pub fn timestamp_type(&self) -> TimestampType {
        match self {
            AnyBatch::Batch(batch) => batch.header().timestamp_type(),
            AnyBatch::Entry(entry) => entry.timestamp_type(),
        }
    }

    /// Checks its CRC; in formats 0 and 1 not those of the entries inside.
    ///
    /// # Errors
    /// `Crc`.
    pub fn check_crc(&self) -> Result<(), BatchError> {
        match self {
            AnyBatch::Batch(batch) => batch.check_crc(),
            AnyBatch::Entry(entry) => entry.check_crc(),
        }
    }

    /// Its records, decompressed to at most `cap` bytes.
    ///
    /// # Errors
    /// Those of [`records()`] and of [`Entry::records`].
    pub fn records(&self, cap: usize) -> Result<AnyRecords, ReadAnyError> {
        match self {
            AnyBatch::Batch(batch) => Ok(AnyRecords::Batch(records(batch, cap)?)),
            AnyBatch::Entry(entry) => Ok(AnyRecords::Entry(entry.records(cap)?)),
        }
    }
}

/// Records of either kind; ends after the first error.
#[derive(Clone, Debug)]
pub enum AnyRecords {
    /// Of a batch of format 2.
    Batch(RecordIter),
    /// Of an entry of format 0 or 1.
    Entry(LegacyRecords),
}

impl AnyRecords {
    /// How many decompressed bytes are left to read.
    pub fn bytes_left(&self) -> usize {
        match self {
            AnyRecords::Batch(records) => records.bytes_left(),
            AnyRecords::Entry(records) => records.bytes_left(),
        }
    }
}

impl Iterator for AnyRecords {
    type Item = Result<Record, ReadAnyError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            AnyRecords::Batch(records) => Some(records.next()?.map_err(ReadAnyError::from)),
            AnyRecords::Entry(records) => Some(records.next()?.map_err(ReadAnyError::from)),
        }
    }
}

/// Cuts what a fetch brought into whole batches of any format; a partial one at the end is dropped.
pub fn split_any(bytes: Bytes) -> AnyBatches {
    AnyBatches { rest: bytes }
}

/// Batches of any format in the order in which they stand; ends after the first error.
#[derive(Clone, Debug)]
pub struct AnyBatches {
    rest: Bytes,
}

impl Iterator for AnyBatches {
    type Item = Result<AnyBatch, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        let prefix = match Prefix::parse(&self.rest) {
            Ok(prefix) if prefix.size <= self.rest.len() => prefix,
            Ok(_) | Err(BatchError::Short { .. }) => return None,
            Err(error) => {
                self.rest = Bytes::new();
                return Some(Err(error));
            }
        };
        let bytes = self.rest.split_to(prefix.size);
        let batch = match prefix.magic {
            0 | 1 => Entry::new(bytes).map(AnyBatch::Entry),
            _ => Batch::new(bytes).map(AnyBatch::Batch),
        };
        if batch.is_err() {
            self.rest = Bytes::new();
        }
        Some(batch)
    }
}
