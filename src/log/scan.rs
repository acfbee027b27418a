//! Steps from batch to batch through a segment file, reading headers only.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use super::error::{ReadError, StorageError};
use super::replay::Ended;
use super::segment::Appended;
use crate::os::{DiskFile, FileSlice};
use crate::record::{Batch, BatchHeader, HEADER_LEN, Prefix};

/// A batch as its header tells of it.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// Its first byte in the file.
    pub position: u64,
    /// Its size in bytes.
    pub size: usize,
    /// Its last offset.
    pub last_offset: i64,
    /// Its header; `None` for message formats 0 and 1.
    pub header: Option<BatchHeader>,
}

impl Found {
    /// Its first offset; of an old entry, which does not say, its last.
    pub fn first_offset(&self) -> i64 {
        self.header.map_or(self.last_offset, |header| header.base_offset)
    }

    /// Where the next batch begins.
    pub fn end(&self) -> u64 {
        self.position + self.size as u64
    }

    /// Its youngest record's timestamp; -1 if it has none, or is of an old format, which does not say. A batch that compaction left
    /// without records bears a timestamp, but no record has it.
    pub fn timestamp(&self) -> i64 {
        let header = self.header.filter(|header| header.record_count > 0);
        header.map_or(-1, |header| header.max_timestamp)
    }

    /// What its segment notes of it.
    pub fn appended(&self) -> Appended {
        Appended { last_offset: self.last_offset, timestamp: self.timestamp() }
    }

    /// Whether its youngest record has this timestamp; old formats do not say.
    pub fn is_as_young_as(&self, timestamp: i64) -> bool {
        self.header.is_none() || self.timestamp() == timestamp
    }
}

/// Reads ahead this much, so that small batches do not cost a system call each.
const WINDOW: usize = 4096;

/// A walk over the batches of a file from one of their boundaries on.
pub struct Scan<'a> {
    file: Arc<dyn DiskFile>,
    path: &'a Path,
    next: u64,
    end: u64,
    window: Vec<u8>,
    window_at: u64,
}

impl<'a> Scan<'a> {
    /// Begins at `position`, which is a batch's first byte, and stops at `end`.
    pub fn new(file: Arc<dyn DiskFile>, path: &'a Path, position: u64, end: u64) -> Scan<'a> {
        Scan { file, path, next: position, end, window: Vec::new(), window_at: 0 }
    }

    /// The next batch; `None` at the end.
    ///
    /// # Errors
    /// `Damaged` where no header stands, or a batch reaches past the end.
    #[expect(clippy::should_implement_trait, reason = "each step may fail")]
    pub fn next(&mut self) -> Result<Option<Found>, ReadError> {
        let position = self.next;
        if position >= self.end {
            return Ok(None);
        }
        let left = usize::try_from(self.end - position).unwrap_or(usize::MAX);
        let damaged = |source| ReadError::Damaged { file: self.path.into(), position, source };
        let bytes =
            head(&*self.file, self.path, &mut self.window, &mut self.window_at, position, left)?;
        let prefix = Prefix::parse(bytes).map_err(damaged)?;
        let header = if prefix.magic >= 2 {
            Some(BatchHeader::parse(bytes).map_err(damaged)?)
        } else {
            None
        };
        if prefix.size > left {
            return Err(damaged(crate::record::BatchError::Short { wanted: prefix.size, left }));
        }
        let last_offset = header.map_or(prefix.offset, |header| header.last_offset());
        let found = Found { position, size: prefix.size, last_offset, header };
        self.next = found.end();
        Ok(Some(found))
    }

    /// The marker of a transaction that stands where the walk has come to; `None` if the batch is none.
    ///
    /// # Errors
    /// `Damaged` where it is not what was written; `Storage` as the system says.
    pub fn marker(&mut self, found: &Found) -> Result<Option<Ended>, ReadError> {
        let window_end = self.window_at + self.window.len() as u64;
        let bytes = if found.position >= self.window_at && found.end() <= window_end {
            let start = (found.position - self.window_at) as usize;
            Bytes::copy_from_slice(&self.window[start..start + found.size])
        } else {
            let (file, position, len) = (self.file.clone(), found.position, found.size);
            let read = FileSlice { file, position, len }.read();
            read.map_err(StorageError::at("read", self.path))?
        };
        let damaged = |source| ReadError::Damaged {
            file: self.path.into(),
            position: found.position,
            source,
        };
        Batch::new(bytes).and_then(|batch| Ended::read(&batch)).map_err(damaged)
    }
}

/// The bytes from `position` on: a whole header, or what is left of the file.
fn head<'w>(
    file: &dyn DiskFile,
    path: &Path,
    window: &'w mut Vec<u8>,
    window_at: &mut u64,
    position: u64,
    left: usize,
) -> Result<&'w [u8], ReadError> {
    let wanted = left.min(HEADER_LEN) as u64;
    let inside = position >= *window_at && position + wanted <= *window_at + window.len() as u64;
    if !inside {
        let room = left.min(WINDOW);
        match window.capacity() {
            // Most walks are one step: what the allocator knows to be zero is not to be cleared for it.
            0 => *window = vec![0; room],
            _ => window.resize(room, 0),
        }
        let mut filled = 0;
        // A read may stop early; a header is wanted whole.
        while filled < wanted as usize {
            let next = position + filled as u64;
            match file.read_at(&mut window[filled..], next).map_err(StorageError::at("read", path))
            {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) => {
                    window.clear();
                    return Err(error.into());
                }
            }
        }
        window.truncate(filled);
        *window_at = position;
    }
    let start = (position - *window_at) as usize;
    Ok(&window[start.min(window.len())..])
}
