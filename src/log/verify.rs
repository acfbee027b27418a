//! Checks batches where they stand, in bounded pieces: neither a large batch nor a length that is garbage costs memory.

use std::path::Path;
use std::sync::Arc;

use super::error::StorageError;
use super::scan::Found;
use crate::os::DiskFile;
use crate::record::{BatchError, BatchHeader, Checksum, HEADER_LEN};
use std::io::IoSlice;

/// How much is read at a time, in bytes.
const PIECE: usize = 256 << 10;
/// Where a batch says that it is of format 2.
const MAGIC_AT: usize = 16;

/// Reads a segment file to check it.
#[derive(Debug)]
pub struct Verifier {
    file: Arc<dyn DiskFile>,
    path: Arc<Path>,
    /// Whether what is sound is written again: the page cache is not to be trusted.
    rewrite: bool,
    buffer: Vec<u8>,
}

impl Verifier {
    /// Reads `file`, which stands at `path`.
    pub fn new(file: Arc<dyn DiskFile>, path: Arc<Path>, rewrite: bool) -> Verifier {
        Verifier { file, path, rewrite, buffer: Vec::new() }
    }

    /// Checks the checksum of one batch or old message.
    ///
    /// # Errors
    /// As the system says; inside, what is wrong with the bytes.
    pub fn check(&mut self, found: &Found) -> Result<Result<(), BatchError>, StorageError> {
        let head = found.size.min(HEADER_LEN);
        self.read(found.position, head)?;
        let mut sum = match Checksum::of(&self.buffer) {
            Ok(sum) => sum,
            Err(error) => return Ok(Err(error)),
        };
        let mut position = found.position;
        while position < found.end() {
            let left = usize::try_from(found.end() - position).unwrap_or(usize::MAX);
            self.read(position, left.min(PIECE))?;
            sum.update(&self.buffer);
            if self.rewrite {
                // The same bytes: the page becomes dirty, so that the next fsync writes it or fails.
                let parts = &mut [IoSlice::new(&self.buffer)];
                let written = self.file.write_all_at(parts, position);
                written.map_err(StorageError::at("write", &*self.path))?;
            }
            position += self.buffer.len() as u64;
        }
        Ok(sum.finish())
    }

    fn read(&mut self, position: u64, length: usize) -> Result<(), StorageError> {
        self.buffer.resize(length, 0);
        let read = self.file.read_exact_at(&mut self.buffer, position);
        read.map_err(StorageError::at("read", &*self.path))
    }

    /// How many whole batches with a right checksum, at or above `offset`, stand between `from` and `end`, and where the
    /// first one begins.
    ///
    /// # Errors
    /// As the system says.
    pub fn whole_batches(
        &mut self,
        from: u64,
        end: u64,
        offset: i64,
    ) -> Result<(u64, Option<u64>), StorageError> {
        self.rewrite = false;
        let (mut count, mut first, mut position) = (0, None, from);
        let offsets = offset..=offset.saturating_add(i64::from(u32::MAX));
        'window: while position + (HEADER_LEN as u64) <= end {
            let left = usize::try_from(end - position).unwrap_or(usize::MAX);
            self.read(position, left.min(PIECE))?;
            let window = std::mem::take(&mut self.buffer);
            for at in memchr::memchr_iter(2, &window[MAGIC_AT..]) {
                let begin = position + at as u64;
                if window.len() - at < HEADER_LEN {
                    // The header goes on behind the window, or there is none.
                    position = if window.len() == left { end } else { begin };
                    continue 'window;
                }
                let Ok(header) = BatchHeader::parse(&window[at..]) else { continue };
                let size = header.size_in_bytes();
                if !offsets.contains(&header.base_offset) || begin + size as u64 > end {
                    continue;
                }
                let last_offset = header.last_offset();
                let found = Found { position: begin, size, last_offset, header: Some(header) };
                if self.check(&found)?.is_ok() {
                    count += 1;
                    first.get_or_insert(begin);
                    position = found.end();
                    continue 'window;
                }
            }
            position += (window.len() - MAGIC_AT) as u64;
        }
        Ok((count, first))
    }
}
