//! Whole batches as slices of the buffer they came in.

use bytes::Bytes;

use super::error::BatchError;
use super::header::BatchHeader;
use super::layout::{ATTRIBUTES_AT, HEADER_LEN};

/// One whole v2 batch. Its header is parsed, its CRC and records are not yet checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Batch {
    bytes: Bytes,
    header: BatchHeader,
}

impl Batch {
    /// Takes `bytes` as exactly one batch.
    ///
    /// # Errors
    /// `Short`, `Trailing`, `Length` or `Magic`.
    pub fn new(bytes: Bytes) -> Result<Batch, BatchError> {
        let header = BatchHeader::parse(&bytes)?;
        let size = header.size_in_bytes();
        if bytes.len() < size {
            return Err(BatchError::Short { wanted: size, left: bytes.len() });
        }
        if bytes.len() > size {
            return Err(BatchError::Trailing { extra: bytes.len() - size });
        }
        Ok(Batch { bytes, header })
    }

    /// All of it, header included.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Its header.
    pub fn header(&self) -> &BatchHeader {
        &self.header
    }

    /// The header's bytes, to be stamped.
    pub fn header_bytes(&self) -> [u8; HEADER_LEN] {
        let mut out = [0; HEADER_LEN];
        out.copy_from_slice(&self.bytes[..HEADER_LEN]);
        out
    }

    /// What follows the header: the records, compressed as the attributes say.
    pub fn payload(&self) -> Bytes {
        self.bytes.slice(HEADER_LEN..)
    }

    /// Size in bytes, header included.
    pub fn size_in_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Checks the CRC-32C.
    ///
    /// # Errors
    /// `Crc`.
    pub fn check_crc(&self) -> Result<(), BatchError> {
        verify(self.header.crc, &self.bytes)
    }
}

/// Checks the CRC-32C of one batch that stands at the start of `batch`.
///
/// # Errors
/// `Crc`; `Short`, `Length` or `Magic` where there is no whole v2 batch.
pub fn check_crc(batch: &[u8]) -> Result<(), BatchError> {
    let header = BatchHeader::parse(batch)?;
    let size = header.size_in_bytes();
    let Some(whole) = batch.get(..size) else {
        return Err(BatchError::Short { wanted: size, left: batch.len() });
    };
    verify(header.crc, whole)
}

fn verify(stored: u32, whole: &[u8]) -> Result<(), BatchError> {
    let computed = crc32c::crc32c(&whole[ATTRIBUTES_AT..]);
    if stored == computed { Ok(()) } else { Err(BatchError::Crc { stored, computed }) }
}

/// Cuts `bytes` into whole batches; anything that is none is an error, a partial one at the end too.
pub fn split_batches(bytes: Bytes) -> Batches {
    Batches { rest: bytes, lenient: false }
}

/// Cuts what a fetch brought into whole batches; a partial one at the end is dropped (KIP-74: brokers cut by size).
pub fn split_fetched(bytes: Bytes) -> Batches {
    Batches { rest: bytes, lenient: true }
}

/// Batches in the order in which they stand; ends after the first error.
#[derive(Clone, Debug)]
pub struct Batches {
    rest: Bytes,
    lenient: bool,
}

impl Batches {
    /// What is not yet cut.
    pub fn rest(&self) -> &Bytes {
        &self.rest
    }
}

impl Iterator for Batches {
    type Item = Result<Batch, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let left = self.rest.len();
        let found = BatchHeader::parse(&self.rest).and_then(|header| {
            let wanted = header.size_in_bytes();
            if wanted > left { Err(BatchError::Short { wanted, left }) } else { Ok(header) }
        });
        match found {
            Ok(header) => {
                let bytes = self.rest.split_to(header.size_in_bytes());
                Some(Ok(Batch { bytes, header }))
            }
            Err(error) => {
                self.rest = Bytes::new();
                let dropped = self.lenient && matches!(error, BatchError::Short { .. });
                (!dropped).then_some(Err(error))
            }
        }
    }
}
