//! The checksum of a batch or an old entry that is read in pieces, so that its size costs no memory.

use super::error::BatchError;
use super::header::Prefix;
use super::layout::{ATTRIBUTES_AT, CRC_AT, MAGIC_AT};

/// Where formats 0 and 1 keep their CRC-32; it covers what follows it.
const OLD_CRC_AT: usize = 12;

/// A checksum under way.
#[derive(Debug)]
pub struct Checksum {
    stored: u32,
    so_far: SoFar,
    /// Bytes that the checksum does not cover and that are still to come.
    skip: usize,
}

#[derive(Debug)]
enum SoFar {
    Castagnoli(u32),
    Ieee(crc32fast::Hasher),
}

impl Checksum {
    /// For the batch or entry that begins with `head`: at least its first [`HEADER_LEN`](super::HEADER_LEN) bytes, or all
    /// of it if it is shorter. [`Checksum::update`] is then given all of its bytes, from the first.
    ///
    /// # Errors
    /// `Short`, `Magic`, `Length`.
    pub fn of(head: &[u8]) -> Result<Checksum, BatchError> {
        let prefix = Prefix::parse(head)?;
        let (at, covered_from, so_far) = match prefix.magic {
            2 => (CRC_AT, ATTRIBUTES_AT, SoFar::Castagnoli(0)),
            _ => (OLD_CRC_AT, MAGIC_AT, SoFar::Ieee(crc32fast::Hasher::new())),
        };
        let Some(stored) = head.get(at..).and_then(|rest| rest.first_chunk::<4>()) else {
            return Err(BatchError::Short { wanted: at + 4, left: head.len() });
        };
        Ok(Checksum { stored: u32::from_be_bytes(*stored), so_far, skip: covered_from })
    }

    /// Takes the next bytes.
    pub fn update(&mut self, piece: &[u8]) {
        let skipped = self.skip.min(piece.len());
        self.skip -= skipped;
        let piece = &piece[skipped..];
        match &mut self.so_far {
            SoFar::Castagnoli(crc) => *crc = crc32c::crc32c_append(*crc, piece),
            SoFar::Ieee(hasher) => hasher.update(piece),
        }
    }

    /// Holds what was computed against what the batch says.
    ///
    /// # Errors
    /// `Crc`.
    pub fn finish(self) -> Result<(), BatchError> {
        let computed = match self.so_far {
            SoFar::Castagnoli(crc) => crc,
            SoFar::Ieee(hasher) => hasher.finalize(),
        };
        let stored = self.stored;
        if stored == computed { Ok(()) } else { Err(BatchError::Crc { stored, computed }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{BatchBuilder, BatchOptions, check_crc};

    #[test]
    fn a_checksum_in_pieces_of_any_size_is_that_of_the_whole_and_sees_every_bit_that_it_covers() {
        let mut builder = BatchBuilder::new(BatchOptions::default());
        let none: [(&[u8], Option<&[u8]>); 0] = [];
        builder.append(5, Some(b"key"), Some(b"value"), none).unwrap();
        let batch = builder.build().unwrap().to_vec();
        check_crc(&batch).unwrap();
        for pieces in 1..batch.len() {
            let mut sum = Checksum::of(&batch).unwrap();
            batch.chunks(pieces).for_each(|piece| sum.update(piece));
            sum.finish().unwrap();
        }
        for at in ATTRIBUTES_AT..batch.len() {
            let mut bent = batch.clone();
            bent[at] ^= 1;
            let mut sum = Checksum::of(&bent).unwrap();
            sum.update(&bent);
            assert!(matches!(sum.finish(), Err(BatchError::Crc { .. })), "byte {at}");
        }
    }
}
