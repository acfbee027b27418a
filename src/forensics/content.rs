//! What is inside of a batch: its records, read one after another.

use std::io;

use bytes::Bytes;

use super::finding::Kind;
use super::sweep::Swept;
use crate::log::Found;
use crate::os::DiskFile;
use crate::record::legacy::{Entry, LegacyError};
use crate::record::{
    AnyBatch, Batch, BatchError, Codec, PREFIX_LEN, ReadAnyError, ReadRecordsError, TimestampType,
};

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
    /// The first record whose offset does not come after the one before, or is not one of the batch's: its number, from 0, and its
    /// offset.
    pub astray: Option<(u64, i64)>,
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

    /// What its records tell: as they were read ahead, else they are read now.
    ///
    /// # Errors
    /// As the system says; what stands there has changed. Inside, what is wrong with the records.
    pub fn inside(&self, file: &dyn DiskFile) -> io::Result<Result<Inside, Unreadable>> {
        match &self.inside {
            Some(inside) => Ok((**inside).clone()),
            None => self.batch(file).map(|batch| look_inside(&batch)),
        }
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

/// Why records cannot be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{why}")]
pub struct Unreadable {
    /// What kind of damage that is.
    pub kind: Kind,
    /// How many records came before.
    pub after: u64,
    /// In words.
    pub why: String,
}

impl Unreadable {
    fn new(error: &ReadAnyError, after: u64) -> Unreadable {
        use {LegacyError as Old, ReadAnyError as Any, ReadRecordsError as New};
        let kind = match error {
            Any::Batch(New::Decompress(_) | New::Frame(_)) | Any::Entry(Old::Decompress(_)) => {
                Kind::DecompressFailed
            }
            Any::Entry(Old::Frame(_)) => Kind::CrcMismatch,
            Any::Batch(_) | Any::Entry(_) => Kind::CountMismatch,
        };
        Unreadable { kind, after, why: error.to_string() }
    }
}

/// Reads all records of a batch, and counts.
///
/// # Errors
/// What is wrong with them.
pub fn look_inside(batch: &AnyBatch) -> Result<Inside, Unreadable> {
    let mut inside = Inside { max_timestamp: -1, ..Inside::default() };
    let records = batch.records(DECOMPRESSED_AT_MOST).map_err(|it| Unreadable::new(&it, 0))?;
    inside.unpacked_bytes = records.bytes_left() as u64;
    for record in records {
        let record = record.map_err(|it| Unreadable::new(&it, inside.count))?;
        if inside.astray.is_none() && !fits(batch, inside.last_offset, record.offset) {
            inside.astray = Some((inside.count, record.offset));
        }
        inside.count += 1;
        inside.first_offset = inside.first_offset.or(Some(record.offset));
        inside.last_offset = Some(record.offset);
        inside.max_timestamp = inside.max_timestamp.max(record.timestamp);
    }
    Ok(inside)
}

/// Whether a record may have this offset, behind the one `before`. Old formats do not say what they hold.
fn fits(batch: &AnyBatch, before: Option<i64>, offset: i64) -> bool {
    let AnyBatch::Batch(batch) = batch else { return true };
    let (first, last) = (batch.header().base_offset, batch.header().last_offset());
    (first..=last).contains(&offset) && before.is_none_or(|before| offset > before)
}

/// What a batch's records have otherwise than its header says, in words; `None` if all is as it says.
pub fn contradiction(found: &Found, inside: &Inside) -> Option<String> {
    let Some(header) = &found.header else {
        let last = inside.last_offset.filter(|last| *last != found.last_offset);
        return last.map(|last| {
            format!("its last record has offset {last}, it says {}", found.last_offset)
        });
    };
    if u64::try_from(header.record_count) != Ok(inside.count) {
        return Some(format!("{} records, its header says {}", inside.count, header.record_count));
    }
    if let Some((record, at)) = inside.astray {
        let (first, last) = (header.base_offset, header.last_offset());
        return Some(format!(
            "record {record} has offset {at}; they ascend from {first} to {last}, its header says"
        ));
    }
    let (youngest, said) = (inside.max_timestamp, header.max_timestamp);
    (youngest > said && inside.count > 0)
        .then(|| format!("its youngest record is of {youngest}, its header says {said}"))
}
