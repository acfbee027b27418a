//! One segment: a file of batches, named by its first offset, with its two indexes.

use std::io::IoSlice;
use std::path::Path;
use std::sync::Arc;

use super::error::{ReadError, StorageError};
use super::files::{FileCache, path_in};
use super::index::{Index, OffsetEntry, TimeEntry};
use super::scan::{Found, Scan};
use crate::os::{Disk, DiskFile, FileSlice};

/// The youngest record so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Youngest {
    /// Its timestamp; -1 if no record has one.
    pub timestamp: i64,
    /// Its offset.
    pub offset: i64,
}

/// What a segment needs to know of a batch that is appended to it.
#[derive(Clone, Copy, Debug)]
pub struct Appended {
    /// Its last offset.
    pub last_offset: i64,
    /// Its youngest record.
    pub youngest: Youngest,
}

/// One segment of a log.
#[derive(Debug)]
pub struct Segment {
    /// The first offset that it may hold.
    pub base: i64,
    /// How many bytes of batches it has.
    pub size: u64,
    /// Its youngest record.
    pub youngest: Youngest,
    /// The timestamp of its first batch, from which `segment.ms` counts.
    pub first_timestamp: Option<i64>,
    /// The index by offset.
    pub offsets: Index<OffsetEntry>,
    /// The index by timestamp.
    pub times: Index<TimeEntry>,
    path: Arc<Path>,
    since_entry: u64,
}

impl Segment {
    /// A segment without batches; its files are made when something is written.
    pub fn empty(folder: &Path, base: i64) -> Segment {
        Segment {
            base,
            size: 0,
            youngest: Youngest { timestamp: -1, offset: base },
            first_timestamp: None,
            offsets: Index::fresh(path_in(folder, base, ".index")),
            times: Index::fresh(path_in(folder, base, ".timeindex")),
            path: path_in(folder, base, ".log").into(),
            since_entry: 0,
        }
    }

    /// Where its batches are.
    pub fn path(&self) -> &Arc<Path> {
        &self.path
    }

    /// Its open file.
    ///
    /// # Errors
    /// As the system says.
    pub fn file(&self, files: &FileCache) -> Result<Arc<dyn DiskFile>, StorageError> {
        files.get(&self.path)
    }

    /// Writes a batch at the end, and notes it. A failed write is taken back.
    ///
    /// # Errors
    /// The write's error, and whether taking it back failed too.
    pub fn append(
        &mut self,
        files: &FileCache,
        parts: &mut [IoSlice<'_>],
        batch: Appended,
        interval: u32,
    ) -> Result<(), (StorageError, bool)> {
        let size: usize = parts.iter().map(|part| part.len()).sum();
        let file = self.file(files).map_err(|error| (error, false))?;
        if let Err(source) = file.write_all_at(parts, self.size) {
            let kept = file.set_len(self.size).is_err();
            return Err((StorageError::at("write", &*self.path)(source), kept));
        }
        self.note(self.size, size, batch, interval);
        Ok(())
    }

    /// Counts a batch that stands at `position`, and adds to the indexes what is due (Kafka's `LogSegment.append`).
    pub fn note(&mut self, position: u64, size: usize, batch: Appended, interval: u32) {
        self.first_timestamp.get_or_insert(batch.youngest.timestamp);
        if batch.youngest.timestamp > self.youngest.timestamp {
            self.youngest = batch.youngest;
        }
        if self.since_entry > u64::from(interval) {
            let relative_offset = (batch.last_offset - self.base) as u32;
            self.offsets.push(OffsetEntry { relative_offset, position: position as u32 });
            self.push_time();
            self.since_entry = 0;
        }
        self.since_entry += size as u64;
        self.size = position + size as u64;
    }

    fn push_time(&mut self) {
        if self.youngest.timestamp >= 0 {
            let relative_offset = (self.youngest.offset - self.base) as u32;
            self.times.push(TimeEntry { timestamp: self.youngest.timestamp, relative_offset });
        }
    }

    /// Writes the index entries that the files lack.
    ///
    /// # Errors
    /// As the system says.
    pub fn write_indexes(&mut self, disk: &dyn Disk) -> Result<(), StorageError> {
        self.offsets.write(disk)?;
        self.times.write(disk)
    }

    /// Closes the segment to appends: its youngest record enters the time index, the indexes leave memory.
    ///
    /// # Errors
    /// As the system says.
    pub fn seal(&mut self, disk: &dyn Disk) -> Result<(), StorageError> {
        self.push_time();
        self.offsets.seal(disk)?;
        self.times.seal(disk)
    }

    /// The batch that holds `offset`, or the first after it; `None` if all lie below.
    ///
    /// # Errors
    /// See [`Scan::next`].
    pub fn find(
        &self,
        files: &FileCache,
        disk: &dyn Disk,
        offset: i64,
    ) -> Result<Option<Found>, ReadError> {
        let relative = u32::try_from(offset - self.base).unwrap_or(0);
        let near = self
            .offsets
            .with(disk, |entries| entries.last_where(|entry| entry.relative_offset <= relative))?;
        let mut scan = self.scan(files, near.map_or(0, |entry| u64::from(entry.position)))?;
        while let Some(found) = scan.next()? {
            if found.last_offset >= offset {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The last boundary between batches that is not above `limit`, found from `from`, which is one.
    ///
    /// # Errors
    /// See [`Scan::next`].
    pub fn boundary(
        &self,
        files: &FileCache,
        disk: &dyn Disk,
        from: u64,
        limit: u64,
    ) -> Result<u64, ReadError> {
        if limit >= self.size {
            return Ok(self.size);
        }
        let near = self
            .offsets
            .with(disk, |entries| entries.last_where(|entry| u64::from(entry.position) <= limit))?
            .map_or(from, |entry| u64::from(entry.position).max(from));
        let mut scan = self.scan(files, near)?;
        let mut boundary = near;
        while let Some(found) = scan.next()? {
            if found.end() > limit {
                break;
            }
            boundary = found.end();
        }
        Ok(boundary)
    }

    /// A walk over its batches from `position` on.
    ///
    /// # Errors
    /// As the system says.
    pub fn scan(&self, files: &FileCache, position: u64) -> Result<Scan<'_>, StorageError> {
        Ok(Scan::new(self.file(files)?, &self.path, position, self.size))
    }

    /// The stretch of its file from `start` to `end`.
    ///
    /// # Errors
    /// As the system says.
    pub fn slice(
        &self,
        files: &FileCache,
        start: u64,
        end: u64,
    ) -> Result<FileSlice, StorageError> {
        let len = usize::try_from(end - start).unwrap_or(usize::MAX);
        Ok(FileSlice { file: self.file(files)?, position: start, len })
    }

    /// Whether no batch at or below this timestamp can lie below the returned position.
    ///
    /// # Errors
    /// As the system says.
    pub fn position_for_time(&self, disk: &dyn Disk, timestamp: i64) -> Result<u64, StorageError> {
        let before = self
            .times
            .with(disk, |entries| entries.last_where(|entry| entry.timestamp < timestamp))?;
        let Some(before) = before else { return Ok(0) };
        let near = self.offsets.with(disk, |entries| {
            entries.last_where(|entry| entry.relative_offset <= before.relative_offset)
        })?;
        Ok(near.map_or(0, |entry| u64::from(entry.position)))
    }
}
