//! Entries of index files one by one, and whether each points at its batch.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::sweep::{Piece, Sweep, Swept};
use crate::log::{AbortedEntry, Ended, IndexEntry, OffsetEntry, StorageError, TimeEntry};
use crate::os::{Disk, DiskFile, OpenMode};
use crate::record::{AnyBatch, BatchHeader, HEADER_LEN, Prefix};

/// No index is larger, in bytes: Kafka's have at most 2 GiB of segment to point into, and an entry per batch at most.
const AT_MOST: u64 = 512 << 20;

/// What an index file holds.
#[derive(Clone, Debug)]
pub struct Index {
    bytes: Vec<u8>,
    /// Zeros behind the last entry: of a file that was preallocated.
    pub zeros: u64,
    /// Bytes behind the last whole entry.
    pub odd: u64,
}

impl Index {
    /// Reads the file at `path`, of entries of `E`.
    ///
    /// # Errors
    /// As the system says; a file larger than any index is refused.
    pub fn read<E: IndexEntry>(disk: &dyn Disk, path: &Path) -> Result<Index, StorageError> {
        let read = |error| StorageError::at("read", path)(error);
        let file = disk.open(path, OpenMode::Read).map_err(StorageError::at("open", path))?;
        let length = file.len().map_err(read)?;
        if length > AT_MOST {
            return Err(read(io::Error::other(format!("{length} bytes are no index"))));
        }
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
        file.read_exact_at(&mut bytes, 0).map_err(read)?;
        let odd = bytes.len() % E::LEN;
        let whole = bytes.len() - odd;
        let used = bytes[..whole].iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let used = used.next_multiple_of(E::LEN);
        bytes.truncate(used);
        Ok(Index { bytes, zeros: (whole - used) as u64, odd: odd as u64 })
    }

    /// Its entries, in the order in which they stand.
    pub fn entries<E: IndexEntry>(&self) -> impl Iterator<Item = E> {
        self.bytes.chunks_exact(E::LEN).map(E::read)
    }
}

/// Holds entries against the batches of their segment.
pub struct Pointing<'a> {
    file: &'a Arc<dyn DiskFile>,
    size: u64,
    base: i64,
    sweep: Sweep<'a>,
    /// The batch that the walk has come to.
    here: Option<Swept>,
}

impl<'a> Pointing<'a> {
    /// Over the segment `file`, whose first offset is `base`.
    ///
    /// # Errors
    /// As the system says.
    pub fn new(file: &'a Arc<dyn DiskFile>, base: i64) -> io::Result<Pointing<'a>> {
        let size = file.len()?;
        Ok(Pointing { file, size, base, sweep: Sweep::new(&**file, 0, size, base), here: None })
    }

    /// What is wrong with an entry of the offset index that follows `before`; `None` if it leads to its batch.
    ///
    /// # Errors
    /// As the system says.
    pub fn offset(
        &self,
        entry: OffsetEntry,
        before: Option<OffsetEntry>,
    ) -> io::Result<Option<String>> {
        if before.is_some_and(|before| !entry.follows(before)) {
            return Ok(Some("it does not come after the entry before".to_owned()));
        }
        let position = u64::from(entry.position);
        if position >= self.size {
            return Ok(Some(format!("the segment ends at byte {}", self.size)));
        }
        let mut head = [0; HEADER_LEN];
        let length = usize::try_from(self.size - position).unwrap_or(usize::MAX).min(HEADER_LEN);
        self.file.read_exact_at(&mut head[..length], position)?;
        let last = match Prefix::parse(&head[..length]) {
            Ok(prefix) if prefix.magic < 2 => Ok(prefix.offset),
            Ok(_) => BatchHeader::parse(&head[..length]).map(|header| header.last_offset()),
            Err(error) => Err(error),
        };
        let wanted = self.base.saturating_add(i64::from(entry.relative_offset));
        Ok(match last {
            Ok(last) if last == wanted => None,
            Ok(last) => Some(format!("the batch there ends with offset {last}")),
            Err(why) => Some(format!("no batch begins there: {why}")),
        })
    }

    /// What is wrong with an entry of the index by time that follows `before`. Entries are asked about in their order.
    ///
    /// # Errors
    /// As the system says.
    pub fn time(
        &mut self,
        entry: TimeEntry,
        before: Option<TimeEntry>,
    ) -> io::Result<Option<String>> {
        if before.is_some_and(|before| !entry.follows(before)) {
            return Ok(Some("it does not come after the entry before".to_owned()));
        }
        let wanted = self.base.saturating_add(i64::from(entry.relative_offset));
        let Some(swept) = self.batch_with(wanted)? else {
            return Ok(Some("no batch has its offset".to_owned()));
        };
        let youngest = swept.max_timestamp();
        Ok(match youngest {
            // Format 0 has no time, and an index by time of it nothing to say.
            Some(youngest) if youngest == entry.timestamp => None,
            Some(youngest) => Some(format!("the batch with its offset has timestamp {youngest}")),
            None => Some("the batch with its offset has no timestamp".to_owned()),
        })
    }

    /// What is wrong with an entry of the index of aborted transactions that follows `before`. Entries are asked about in their order.
    ///
    /// # Errors
    /// As the system says.
    pub fn aborted(
        &mut self,
        entry: AbortedEntry,
        before: Option<AbortedEntry>,
    ) -> io::Result<Option<String>> {
        if !entry.is_sound() {
            return Ok(Some("it is no entry".to_owned()));
        }
        if before.is_some_and(|before| !entry.follows(before)) {
            return Ok(Some("it does not come after the entry before".to_owned()));
        }
        let (wanted, producer) = (entry.aborted.last_offset, entry.aborted.producer_id);
        let file = self.file.clone();
        let Some(swept) = self.batch_with(wanted)? else {
            return Ok(Some("no batch has its marker's offset".to_owned()));
        };
        let ended = match swept.batch(&*file)? {
            AnyBatch::Batch(batch) => Ended::read(&batch).ok().flatten(),
            AnyBatch::Entry(_) => None,
        };
        Ok(match ended {
            // Compaction may have taken out what a marker says.
            Some(ended) if ended.producer_id == producer && ended.coordinator_epoch.is_none() => {
                None
            }
            Some(ended) if ended.producer_id == producer && ended.aborts => None,
            Some(ended) if ended.producer_id == producer => Some("its marker commits".to_owned()),
            Some(ended) => Some(format!("the marker is of producer {}", ended.producer_id)),
            None => Some("no marker stands at its last offset".to_owned()),
        })
    }

    /// The batch that holds an offset, at or behind where the walk is.
    fn batch_with(&mut self, offset: i64) -> io::Result<Option<&Swept>> {
        while self.here.as_ref().is_none_or(|here| here.found.last_offset < offset) {
            match self.sweep.next()? {
                Some(Piece::Batch(swept)) => self.here = Some(swept),
                Some(Piece::Gap(_)) => {}
                None => return Ok(None),
            }
        }
        let holds = |here: &&Swept| here.found.header.is_none_or(|it| it.base_offset <= offset);
        Ok(self.here.as_ref().filter(holds))
    }
}

#[cfg(test)]
#[path = "index_tests.rs"]
mod tests;
