//! What is inside of a batch: its records, read one after another.

use std::io;

use bytes::Bytes;

use super::sweep::Swept;
use crate::log::Found;
use crate::os::DiskFile;
use crate::record::legacy::Entry;
use crate::record::{AnyBatch, Batch, BatchError, Codec, PREFIX_LEN, TimestampType};

/// The most that one batch is decompressed to, as the broker's own readers do it.
pub const DECOMPRESSED_AT_MOST: usize = 1 << 30;

/// What the records of a batch tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Inside {
    /// How many there are.
    pub count: u64,
    /// The first one's offset.
    pub first_offset: Option<i64>,
    /// The last one's offset.
    pub last_offset: Option<i64>,
    /// The youngest timestamp; -1 if none has any.
    pub max_timestamp: i64,
    /// The bytes of all records, decompressed.
    pub unpacked_bytes: u64,
}

impl Swept {
    /// All of its bytes.
    ///
    /// # Errors
    /// As the system says.
    pub fn bytes(&self, file: &dyn DiskFile) -> io::Result<Bytes> {
        let mut bytes = vec![0; self.found.size];
        file.read_exact_at(&mut bytes, self.found.position)?;
        Ok(Bytes::from(bytes))
    }

    /// The batch itself.
    ///
    /// # Errors
    /// As the system says; what stands there has changed.
    pub fn batch(&self, file: &dyn DiskFile) -> io::Result<AnyBatch> {
        let bytes = self.bytes(file)?;
        let batch = match self.found.header {
            Some(_) => Batch::new(bytes).map(AnyBatch::Batch),
            None => Entry::new(bytes).map(AnyBatch::Entry),
        };
        batch.map_err(io::Error::other)
    }

    /// The number of its message format.
    pub fn magic(&self) -> i8 {
        self.found.header.map_or(self.head[PREFIX_LEN - 1] as i8, |header| header.magic)
    }

    /// The checksum that it bears.
    pub fn stored_crc(&self) -> u32 {
        let old =
            || u32::from_be_bytes([self.head[12], self.head[13], self.head[14], self.head[15]]);
        self.found.header.map_or_else(old, |header| header.crc)
    }

    /// How its records are compressed.
    ///
    /// # Errors
    /// `Codec` for a number that nobody has defined.
    pub fn codec(&self) -> Result<Codec, BatchError> {
        match self.found.header {
            Some(header) => header.codec(),
            None => crate::record::Attributes(i16::from(self.head[PREFIX_LEN])).codec(),
        }
    }

    /// What its timestamps mean; `None` in format 0, which has none.
    pub fn timestamp_type(&self) -> Option<TimestampType> {
        match (self.found.header, self.magic()) {
            (Some(header), _) => Some(header.timestamp_type()),
            (None, 0) => None,
            (None, _) => {
                Some(crate::record::Attributes(i16::from(self.head[PREFIX_LEN])).timestamp_type())
            }
        }
    }

    /// The youngest timestamp that it says it has; `None` for none.
    pub fn max_timestamp(&self) -> Option<i64> {
        let of_entry = || {
            let bytes =
                self.head[PREFIX_LEN + 1..].first_chunk::<8>().filter(|_| self.magic() == 1);
            bytes.map_or(-1, |bytes| i64::from_be_bytes(*bytes))
        };
        let at = self.found.header.map_or_else(of_entry, |header| header.max_timestamp);
        (at != -1).then_some(at)
    }
}

/// Reads all records of a batch, and counts.
///
/// # Errors
/// What is wrong with them, in words.
pub fn look_inside(batch: &AnyBatch) -> Result<Inside, String> {
    let mut inside = Inside { max_timestamp: -1, ..Inside::default() };
    let records = batch.records(DECOMPRESSED_AT_MOST).map_err(|error| error.to_string())?;
    inside.unpacked_bytes = records.bytes_left() as u64;
    for record in records {
        let record = record.map_err(|error| error.to_string())?;
        inside.count += 1;
        inside.first_offset = inside.first_offset.or(Some(record.offset));
        inside.last_offset = Some(record.offset);
        inside.max_timestamp = inside.max_timestamp.max(record.timestamp);
    }
    Ok(inside)
}

/// What a batch's records have otherwise than its header says, in words; `None` if all is as it says.
pub fn contradiction(found: &Found, inside: &Inside) -> Option<String> {
    let Some(header) = &found.header else {
        let last = inside.last_offset.filter(|last| *last != found.last_offset);
        return last.map(|last| {
            format!("its last record has offset {last}, it says {}", found.last_offset)
        });
    };
    let outside = |at: &i64| *at < header.base_offset || *at > header.last_offset();
    if u64::try_from(header.record_count) != Ok(inside.count) {
        return Some(format!("{} records, its header says {}", inside.count, header.record_count));
    }
    if let Some(at) = inside.first_offset.filter(outside).or(inside.last_offset.filter(outside)) {
        let (first, last) = (header.base_offset, header.last_offset());
        return Some(format!("a record has offset {at}, its header says {first} to {last}"));
    }
    let (youngest, said) = (inside.max_timestamp, header.max_timestamp);
    (youngest > said && inside.count > 0)
        .then(|| format!("its youngest record is of {youngest}, its header says {said}"))
}
