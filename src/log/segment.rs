//! One segment: a file of batches, named by its first offset, with its indexes.

use std::io::IoSlice;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::aborted::{AbortedEntry, Decided};
use super::error::{ReadError, StorageError};
use super::files::{FileCache, path_in};
use super::index::{Index, OffsetEntry, TimeEntry};
use super::scan::{Found, Scan};
use super::unchecked::Unchecked;
use crate::os::{Disk, DiskFile, FileSlice};

/// The youngest record so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Youngest {
    /// Its timestamp; -1 if no record has one.
    pub timestamp: i64,
    /// The last offset of its batch. Of what stood on disk it may be any other of that batch: other writers of the time index
    /// named the record itself.
    pub offset: i64,
}

/// What a segment needs to know of a batch that is appended to it.
#[derive(Clone, Copy, Debug)]
pub struct Appended {
    /// Its last offset.
    pub last_offset: i64,
    /// Its youngest record's timestamp; -1 if none has one.
    pub timestamp: i64,
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
    /// The transactions that were aborted by a marker in it.
    pub aborted: Index<AbortedEntry>,
    /// What is known of that index, and of the transactions open at its end.
    pub decided: Decided,
    /// What of it stood on disk before this start and has not been checked since.
    pub unchecked: Unchecked,
    /// Whether `youngest` comes from the batches; else only the time index says so.
    pub youngest_is_sure: bool,
    /// Whether an index was found to lead astray: it is not used any more, but rebuilt.
    pub index_is_wrong: bool,
    /// Whether the indexes were made by this process, and so are as dense as they can be.
    index_is_ours: bool,
    /// How often compaction has replaced it.
    pub version: u32,
    path: Arc<Path>,
    since_entry: u64,
}

/// A lookup that has to step over so many bytes and batches shows that the index lacks entries.
const SPARSE_BYTES: u64 = 4 << 20;
const SPARSE_BATCHES: u32 = 100;

impl Segment {
    /// A segment without batches; its files are made when something is written.
    pub fn empty(folder: &Path, base: i64) -> Segment {
        Segment::aside(folder, base, "")
    }

    /// The same with names that end in `end`: it takes another one's place later.
    pub fn aside(folder: &Path, base: i64, end: &str) -> Segment {
        let path = |suffix: &str| path_in(folder, base, &format!("{suffix}{end}"));
        Segment {
            base,
            size: 0,
            youngest: Youngest { timestamp: -1, offset: base },
            first_timestamp: None,
            offsets: Index::fresh(path(".index")),
            times: Index::fresh(path(".timeindex")),
            aborted: Index::fresh(path(".txnindex")),
            decided: Decided::own(base),
            unchecked: Unchecked::default(),
            youngest_is_sure: true,
            index_is_wrong: false,
            index_is_ours: true,
            version: 0,
            path: path(".log").into(),
            since_entry: 0,
        }
    }

    /// A sealed segment that was written aside, as it is once its files have their names.
    pub fn in_place(&self, folder: &Path) -> Segment {
        let names = Segment::empty(folder, self.base);
        Segment {
            size: self.size,
            youngest: self.youngest,
            first_timestamp: self.first_timestamp,
            offsets: Index::sealed(names.offsets.path().into()),
            times: Index::sealed(names.times.path().into()),
            aborted: Index::sealed(names.aborted.path().into()),
            decided: self.decided,
            ..names
        }
    }

    /// Notes that its indexes were found on disk, and that nobody vouches for them.
    pub fn distrust_indexes(&mut self) {
        self.youngest_is_sure = false;
        self.index_is_ours = false;
    }

    /// Takes over indexes that were rebuilt from its batches, all of them.
    pub fn take_indexes(&mut self, fresh: Segment) {
        (self.offsets, self.times) = (fresh.offsets, fresh.times);
        (self.youngest, self.since_entry) = (fresh.youngest, fresh.since_entry);
        (self.youngest_is_sure, self.index_is_wrong, self.index_is_ours) = (true, false, true);
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
        self.first_timestamp.get_or_insert(batch.timestamp);
        if batch.timestamp > self.youngest.timestamp {
            self.youngest = Youngest { timestamp: batch.timestamp, offset: batch.last_offset };
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
        self.aborted.write_any(disk)?;
        self.offsets.write(disk)?;
        self.times.write(disk)
    }

    /// Writes what a sealed segment's files hold: its youngest record enters the time index. It can still be appended to.
    ///
    /// # Errors
    /// As the system says.
    pub fn finish(&mut self, disk: &dyn Disk) -> Result<(), StorageError> {
        self.push_time();
        self.write_indexes(disk)
    }

    /// Makes the batches and the indexes durable.
    ///
    /// # Errors
    /// As the system says; final for the log directory.
    pub fn sync(&self, files: &FileCache, disk: &dyn Disk) -> Result<(), StorageError> {
        let file = self.file(files)?;
        file.sync_data().map_err(StorageError::at("fdatasync", &*self.path))?;
        self.aborted.sync_any(disk)?;
        self.offsets.sync(disk)?;
        self.times.sync(disk)
    }

    /// Where its indexes are.
    pub fn index_paths(&self) -> [PathBuf; 3] {
        [self.aborted.path(), self.times.path(), self.offsets.path()].map(Path::to_path_buf)
    }

    /// Closes the segment to appends, once it is finished: the indexes leave memory.
    pub fn seal(&mut self) {
        self.offsets.let_go();
        self.times.let_go();
        self.aborted.let_go();
    }

    /// Closes a segment to appends whose indexes recovery has completed. What it finds on disk it trusts the next time, so
    /// a rebuilt index is never half written.
    ///
    /// # Errors
    /// As the system says.
    pub fn seal_recovered(&mut self, disk: &dyn Disk) -> Result<(), StorageError> {
        self.push_time();
        self.times.replace(disk)?;
        self.offsets.replace(disk)?;
        self.seal();
        Ok(())
    }

    /// The last entry of the offset index that is not above `offset`.
    ///
    /// # Errors
    /// As the system says.
    pub fn near(&self, disk: &dyn Disk, offset: i64) -> Result<Option<OffsetEntry>, StorageError> {
        let relative = u32::try_from(offset - self.base).unwrap_or(0);
        self.offsets
            .with(disk, |entries| entries.last_where(|entry| entry.relative_offset <= relative))
    }

    /// Cuts from the index files, durably, what is not in memory: it would describe batches that are no more.
    ///
    /// # Errors
    /// As the system says.
    pub fn cut_indexes(&self, disk: &dyn Disk) -> Result<(), StorageError> {
        self.offsets.cut_file(disk)?;
        self.times.cut_file(disk)?;
        self.aborted.cut_file(disk)
    }

    /// The batch that holds `offset`, or the first after it; `None` if all lie below.
    ///
    /// # Errors
    /// See [`Scan::next`]; `Astray` where the index leads to no batch, or to a later one.
    pub fn find(
        &self,
        files: &FileCache,
        disk: &dyn Disk,
        offset: i64,
    ) -> Result<Option<Found>, ReadError> {
        self.find_below(files, disk, offset, self.size)
    }

    /// The same among the batches below `end`, which is a boundary between them.
    ///
    /// # Errors
    /// See [`Segment::find`].
    pub fn find_below(
        &self,
        files: &FileCache,
        disk: &dyn Disk,
        offset: i64,
        end: u64,
    ) -> Result<Option<Found>, ReadError> {
        let near = self.near(disk, offset)?;
        let from = near.map_or(0, |entry| u64::from(entry.position));
        let mut scan = Scan::new(self.file(files)?, &self.path, from, end);
        let (mut entry, mut steps) = (near, 0);
        while let Some(found) = self.step(&mut scan, entry.take())? {
            if found.last_offset >= offset {
                return Ok(Some(found));
            }
            steps += 1;
            let sparse = steps > SPARSE_BATCHES && found.position - from > SPARSE_BYTES;
            if sparse && !self.index_is_ours {
                return Err(self.astray());
            }
        }
        Ok(None)
    }

    /// The batch that holds `offset`, or the first after it, found without the index.
    ///
    /// # Errors
    /// See [`Scan::next`].
    pub fn find_slowly(&self, files: &FileCache, offset: i64) -> Result<Option<Found>, ReadError> {
        let mut scan = self.scan(files, 0)?;
        while let Some(found) = scan.next()? {
            if found.last_offset >= offset {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The next batch of a walk. If an index entry led there, the batch must bear it out: it ends no later than the entry says
    /// (older Kafkas noted the end of all that was appended together).
    fn step(
        &self,
        scan: &mut Scan<'_>,
        entry: Option<OffsetEntry>,
    ) -> Result<Option<Found>, ReadError> {
        let Some(entry) = entry else { return scan.next() };
        let last = self.base + i64::from(entry.relative_offset);
        match scan.next() {
            Ok(Some(found)) => {
                let first = found.first_offset();
                let borne_out = self.base <= first && found.last_offset <= last;
                if borne_out { Ok(Some(found)) } else { Err(self.astray()) }
            }
            Ok(None) | Err(ReadError::Damaged { .. }) => Err(self.astray()),
            Err(other) => Err(other),
        }
    }

    fn astray(&self) -> ReadError {
        ReadError::Astray { file: self.path.to_path_buf() }
    }

    /// The last boundary between batches that is not above `limit`, found from `from`, which is one.
    ///
    /// # Errors
    /// See [`Segment::find`].
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
        let mut entry = self
            .offsets
            .with(disk, |entries| entries.last_where(|entry| u64::from(entry.position) <= limit))?
            .filter(|entry| u64::from(entry.position) > from);
        let near = entry.map_or(from, |entry| u64::from(entry.position));
        let mut scan = self.scan(files, near)?;
        let mut boundary = near;
        while let Some(found) = self.step(&mut scan, entry.take())? {
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

    /// A batch's position below which no record is as young as `timestamp`.
    ///
    /// # Errors
    /// See [`Segment::find`]; `Astray` also where the time index names a batch that is not so old.
    pub fn position_for_time(
        &self,
        files: &FileCache,
        disk: &dyn Disk,
        timestamp: i64,
    ) -> Result<u64, ReadError> {
        let before = self
            .times
            .with(disk, |entries| entries.last_where(|entry| entry.timestamp < timestamp))?;
        let Some(before) = before else { return Ok(0) };
        let found = self.find(files, disk, self.base + i64::from(before.relative_offset))?;
        let found = found.ok_or_else(|| self.astray())?;
        if found.is_as_young_as(before.timestamp) { Ok(found.position) } else { Err(self.astray()) }
    }
}
