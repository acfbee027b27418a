//! Steps from batch to batch through a segment file, reading all of it and computing every checksum, in bounded memory.

use std::io;

use super::scan::Found;
use crate::os::DiskFile;
use crate::record::{BatchError, BatchHeader, Checksum, HEADER_LEN, Prefix};

/// So much is read at a time; a larger batch is read in pieces.
const WINDOW: usize = 256 << 10;

/// Why a step was not taken.
#[derive(Debug)]
pub enum Fault {
    /// No sound batch stands there.
    Batch(BatchError),
    /// As the system says.
    Io(io::Error),
}

impl From<BatchError> for Fault {
    fn from(error: BatchError) -> Fault {
        Fault::Batch(error)
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Fault {
        Fault::Io(error)
    }
}

/// A walk from one boundary between batches to a segment's end.
pub struct Walk<'a> {
    file: &'a dyn DiskFile,
    next: u64,
    end: u64,
    window: Vec<u8>,
    window_at: u64,
}

impl<'a> Walk<'a> {
    /// Begins at `position`, which is a batch's first byte, and stops at `end`.
    pub fn new(file: &'a dyn DiskFile, position: u64, end: u64) -> Walk<'a> {
        Walk { file, next: position, end, window: Vec::new(), window_at: 0 }
    }

    /// Where the next batch begins.
    pub fn position(&self) -> u64 {
        self.next
    }

    /// Goes on at `position`, which is a batch's first byte.
    pub fn jump(&mut self, position: u64) {
        self.next = position;
    }

    /// The next batch, its checksum computed; `None` at the end.
    ///
    /// # Errors
    /// See [`Fault`]; the walk stays where it is.
    #[expect(clippy::should_implement_trait, reason = "each step may fail")]
    pub fn next(&mut self) -> Result<Option<Found>, Fault> {
        let position = self.next;
        if position >= self.end {
            return Ok(None);
        }
        let left = usize::try_from(self.end - position).unwrap_or(usize::MAX);
        let head = self.bytes(position, left.min(HEADER_LEN))?;
        let prefix = Prefix::parse(head)?;
        let header = (prefix.magic >= 2).then(|| BatchHeader::parse(head)).transpose()?;
        let mut sum = Checksum::of(head)?;
        if prefix.size > left {
            return Err(BatchError::Short { wanted: prefix.size, left }.into());
        }
        let end = position + prefix.size as u64;
        let mut at = position;
        while at < end {
            let rest = usize::try_from(end - at).unwrap_or(usize::MAX);
            let piece = self.bytes(at, 1)?;
            let piece = &piece[..piece.len().min(rest)];
            sum.update(piece);
            at += piece.len() as u64;
        }
        sum.finish()?;
        self.next = end;
        let last_offset = header.map_or(prefix.offset, |header| header.last_offset());
        Ok(Some(Found { position, size: prefix.size, last_offset, header }))
    }

    /// The first offset of the batch that follows; `None` at the end, or where none can be made out.
    ///
    /// # Errors
    /// As the system says.
    pub fn peek(&mut self) -> io::Result<Option<i64>> {
        if self.next >= self.end {
            return Ok(None);
        }
        let left = usize::try_from(self.end - self.next).unwrap_or(usize::MAX);
        let head = self.bytes(self.next, left.min(HEADER_LEN))?;
        Ok(Prefix::parse(head).ok().map(|prefix| prefix.offset))
    }

    /// At least `wanted` of the bytes from `position` on, as many as the window has.
    fn bytes(&mut self, position: u64, wanted: usize) -> io::Result<&[u8]> {
        let window_end = self.window_at + self.window.len() as u64;
        if position < self.window_at || position + wanted as u64 > window_end {
            let left = usize::try_from(self.end - position).unwrap_or(usize::MAX);
            self.window.resize(left.min(WINDOW), 0);
            self.window_at = position;
            self.file.read_exact_at(&mut self.window, position).inspect_err(|_| {
                self.window.clear();
            })?;
        }
        let start = usize::try_from(position - self.window_at).unwrap_or(usize::MAX);
        Ok(&self.window[start.min(self.window.len())..])
    }
}
