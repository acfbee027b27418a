//! Message formats 0 and 1, as Kafka wrote them before 0.11: read only. klog never writes them.
//!
//! A message set is entries in a row. A compressed entry wraps a message set of its own in its value, one level deep:
//! in format 1 the inner offsets are relative and the wrapper has the last one's, in format 0 they are absolute
//! (KIP-31). Every entry, inner ones too, has a CRC-32 (IEEE) of its own.

use bytes::Bytes;

use super::codec::{Codec, DecompressError, decompress_legacy};
use super::error::BatchError;
use super::header::{Attributes, Prefix, TimestampType};
use super::records::Record;

const CRC_AT: usize = 12;
const MAGIC_AT: usize = 16;
const ATTRIBUTES_AT: usize = 17;
const TIMESTAMP_AT: usize = 18;

const _: () = {
    assert!(MAGIC_AT == CRC_AT + 4, "the CRC covers the magic and all that follows it");
    assert!(TIMESTAMP_AT == ATTRIBUTES_AT + 1);
};

/// Why a message set could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LegacyError {
    /// The frame of an entry: lengths, CRC, codec.
    #[error(transparent)]
    Frame(#[from] BatchError),
    /// The wrapped set is broken as compressed data, or over the cap.
    #[error(transparent)]
    Decompress(#[from] DecompressError),
    /// A key or value length that its entry does not hold.
    #[error("a part of {length} bytes in an entry with {left} left")]
    Part {
        /// The length as it stands.
        length: i32,
        /// Bytes left in the entry.
        left: usize,
    },
    /// A wrapper around nothing.
    #[error("a compressed entry without a value, or with an empty set in it")]
    EmptyWrapper,
    /// A wrapper within a wrapper.
    #[error("a compressed entry inside of another")]
    Nested,
    /// An inner entry of another format than its wrapper.
    #[error("an entry of format {inner} inside of one of format {outer}")]
    MixedFormats {
        /// The inner entry's format.
        inner: i8,
        /// The wrapper's.
        outer: i8,
    },
}

/// One entry of a message set: a record, or a wrapper around several.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    bytes: Bytes,
    prefix: Prefix,
}

impl Entry {
    /// Takes `bytes` as exactly one entry of format 0 or 1.
    ///
    /// # Errors
    /// `Short`, `Trailing`, `Length`, `Magic`.
    pub fn new(bytes: Bytes) -> Result<Entry, BatchError> {
        let prefix = Prefix::parse(&bytes)?;
        if !matches!(prefix.magic, 0 | 1) {
            return Err(BatchError::Magic { magic: prefix.magic });
        }
        if bytes.len() < prefix.size {
            return Err(BatchError::Short { wanted: prefix.size, left: bytes.len() });
        }
        if bytes.len() > prefix.size {
            return Err(BatchError::Trailing { extra: bytes.len() - prefix.size });
        }
        Ok(Entry { bytes, prefix })
    }

    /// All of it.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Its offset; a wrapper's is that of the last record inside.
    pub fn last_offset(&self) -> i64 {
        self.prefix.offset
    }

    /// 0 or 1.
    pub fn magic(&self) -> i8 {
        self.prefix.magic
    }

    /// Milliseconds; -1 in format 0. A wrapper's is the largest inside.
    pub fn timestamp(&self) -> i64 {
        let bytes = self.bytes.get(TIMESTAMP_AT..).and_then(|rest| rest.first_chunk::<8>());
        match bytes {
            Some(bytes) if self.magic() == 1 => i64::from_be_bytes(*bytes),
            _ => -1,
        }
    }

    /// What the timestamp means.
    pub fn timestamp_type(&self) -> TimestampType {
        match self.magic() {
            0 => TimestampType::CreateTime,
            _ => self.attributes().timestamp_type(),
        }
    }

    /// How the set inside is compressed; `None` where it is a record itself.
    ///
    /// # Errors
    /// `Codec` for a number that nobody has defined.
    pub fn codec(&self) -> Result<Codec, BatchError> {
        self.attributes().codec()
    }

    /// Checks the CRC-32 of the entry itself; those inside are checked when they are read.
    ///
    /// # Errors
    /// `Crc`.
    pub fn check_crc(&self) -> Result<(), BatchError> {
        let mut stored = [0; 4];
        stored.copy_from_slice(&self.bytes[CRC_AT..MAGIC_AT]);
        let stored = u32::from_be_bytes(stored);
        let computed = crc32fast::hash(&self.bytes[MAGIC_AT..]);
        if stored == computed { Ok(()) } else { Err(BatchError::Crc { stored, computed }) }
    }

    /// The records of this entry: itself, or those inside, decompressed to at most `cap` bytes. Every CRC is checked.
    ///
    /// # Errors
    /// Those of the wrapper; the iterator has those of the entries inside.
    pub fn records(&self, cap: usize) -> Result<LegacyRecords, LegacyError> {
        self.check_crc()?;
        let codec = self.codec()?;
        if codec == Codec::None {
            return Ok(LegacyRecords { inner: split(self.bytes.clone()), base: 0, wrapper: None });
        }
        let (_, value) = self.parts()?;
        let value = value.ok_or(LegacyError::EmptyWrapper)?;
        let mut out = Vec::new();
        decompress_legacy(codec, &value, cap, &mut out)?;
        let inner = Bytes::from(out);
        let last = last_offset(&inner)?;
        let base = match self.magic() {
            0 => 0,
            _ => self.last_offset().saturating_sub(last),
        };
        let stamped =
            (self.timestamp_type() == TimestampType::LogAppendTime).then(|| self.timestamp());
        let wrapper = Some(Wrapper { magic: self.magic(), stamped });
        Ok(LegacyRecords { inner: split(inner), base, wrapper })
    }

    fn attributes(&self) -> Attributes {
        Attributes(i16::from(self.bytes[ATTRIBUTES_AT]))
    }

    /// Key and value.
    fn parts(&self) -> Result<(Option<Bytes>, Option<Bytes>), LegacyError> {
        let start = if self.magic() == 0 { TIMESTAMP_AT } else { TIMESTAMP_AT + 8 };
        let mut rest = self.bytes.slice(start..);
        let key = part(&mut rest)?;
        let value = part(&mut rest)?;
        match rest.len() {
            0 => Ok((key, value)),
            extra => Err(BatchError::Trailing { extra }.into()),
        }
    }
}

fn part(rest: &mut Bytes) -> Result<Option<Bytes>, LegacyError> {
    let Some(length) = rest.first_chunk::<4>() else {
        return Err(LegacyError::Part { length: 4, left: rest.len() });
    };
    let length = i32::from_be_bytes(*length);
    let mut after = rest.slice(4..);
    if length == -1 {
        *rest = after;
        return Ok(None);
    }
    let wanted = usize::try_from(length).ok().filter(|wanted| *wanted <= after.len());
    let wanted = wanted.ok_or(LegacyError::Part { length, left: after.len() })?;
    let part = after.split_to(wanted);
    *rest = after;
    Ok(Some(part))
}

/// Offset of the last entry of a set, as it stands.
fn last_offset(set: &Bytes) -> Result<i64, LegacyError> {
    let mut last = None;
    for entry in split(set.clone()) {
        last = Some(entry?.last_offset());
    }
    last.ok_or(LegacyError::EmptyWrapper)
}

/// Cuts a message set into its entries; anything that is none is an error, a partial one at the end too.
pub fn split(set: Bytes) -> Entries {
    Entries { rest: set }
}

/// Entries in the order in which they stand; ends after the first error.
#[derive(Clone, Debug)]
pub struct Entries {
    rest: Bytes,
}

impl Iterator for Entries {
    type Item = Result<Entry, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let wanted = Prefix::parse(&self.rest).map(|prefix| prefix.size.min(self.rest.len()));
        let entry = wanted.and_then(|wanted| Entry::new(self.rest.split_to(wanted)));
        if entry.is_err() {
            self.rest = Bytes::new();
        }
        Some(entry)
    }
}

/// What inner entries take from the one around them.
#[derive(Clone, Copy, Debug)]
struct Wrapper {
    magic: i8,
    /// Under LogAppendTime, the timestamp of all inside.
    stamped: Option<i64>,
}

/// The records of one entry; ends after the first error.
#[derive(Clone, Debug)]
pub struct LegacyRecords {
    inner: Entries,
    /// What the inner offsets are relative to.
    base: i64,
    wrapper: Option<Wrapper>,
}

impl LegacyRecords {
    /// How many decompressed bytes are left to read.
    pub fn bytes_left(&self) -> usize {
        self.inner.rest.len()
    }

    fn record(&self, entry: &Entry) -> Result<Record, LegacyError> {
        if let Some(wrapper) = self.wrapper {
            let (inner, outer) = (entry.magic(), wrapper.magic);
            if inner != outer {
                return Err(LegacyError::MixedFormats { inner, outer });
            }
            if entry.codec()? != Codec::None {
                return Err(LegacyError::Nested);
            }
            entry.check_crc()?;
        }
        let (key, value) = entry.parts()?;
        let stamped = self.wrapper.and_then(|wrapper| wrapper.stamped);
        Ok(Record {
            offset: self.base.saturating_add(entry.last_offset()),
            timestamp: stamped.unwrap_or_else(|| entry.timestamp()),
            key,
            value,
            headers: Vec::new(),
        })
    }
}

impl Iterator for LegacyRecords {
    type Item = Result<Record, LegacyError>;

    fn next(&mut self) -> Option<Self::Item> {
        let record = match self.inner.next()? {
            Ok(entry) => self.record(&entry),
            Err(error) => Err(error.into()),
        };
        if record.is_err() {
            self.inner = split(Bytes::new());
        }
        Some(record)
    }
}

#[cfg(test)]
#[path = "legacy_tests.rs"]
mod tests;
