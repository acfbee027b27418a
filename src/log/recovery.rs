//! Opening a log: what a clean stop left is trusted; after a crash, what lies above the recovery point is checked batch by
//! batch, and a torn tail is cut. Any other damage is refused, and nothing is changed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::epochs::LeaderEpochs;
use super::error::{Damage, OpenError, ReadError, StorageError};
use super::files::{FileCache, offset_of, path_in};
use super::index::{Index, OffsetEntry, TimeEntry};
use super::producers::Producers;
use super::scan::Found;
use super::segment::{Appended, Segment, Youngest};
use super::unchecked::Unchecked;
use super::{Log, snapshot};
use crate::base::{LeaderEpoch, Offset, TopicPartition};
use crate::config::TopicConfig;
use crate::os::Os;
use crate::record::{BatchHeader, Checksum, HEADER_LEN};

/// What is known of a log before it is opened.
#[derive(Clone, Copy, Debug, Default)]
pub struct Opening {
    /// All below is on disk.
    pub recovery_point: Offset,
    /// Where it starts, as DeleteRecords left it.
    pub log_start: Offset,
    /// Whether the last stop was a clean one.
    pub clean: bool,
}

/// What opening a log did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Recovered {
    /// How many bytes were checked.
    pub checked_bytes: u64,
    /// How many bytes of a torn tail were cut.
    pub cut_bytes: u64,
    /// How many lost or damaged side files were rebuilt.
    pub rebuilt: u32,
}

impl Log {
    /// Opens the log in `folder`, or begins one.
    ///
    /// # Errors
    /// `Damaged` for anything wrong but a torn tail; `Storage` as the system says.
    pub fn open(
        os: &Os,
        files: &Arc<FileCache>,
        folder: PathBuf,
        partition: TopicPartition,
        config: Arc<TopicConfig>,
        opening: Opening,
    ) -> Result<(Log, Recovered), OpenError> {
        let bases = tidy(os, &folder)?;
        let mut log = Log {
            os: os.clone(),
            files: files.clone(),
            epochs: LeaderEpochs::empty(folder.join("leader-epoch-checkpoint")),
            folder,
            partition,
            config,
            segments: Vec::new(),
            start: opening.log_start,
            end: Offset::ZERO,
            recovery_point: Offset::ZERO,
            producers: Producers::default(),
            aborted: Vec::new(),
            jitter_ms: 0,
            doomed: Vec::new(),
            offline: false,
        };
        let mut recovered = Recovered::default();
        log.load_segments(&bases, opening, &mut recovered)?;
        log.load_epochs(&mut recovered)?;
        log.load_producers()?;
        log.load_aborted()?;
        log.jitter_ms = log.draw_jitter();
        log.assert_invariants();
        Ok((log, recovered))
    }

    fn load_segments(
        &mut self,
        bases: &[i64],
        opening: Opening,
        recovered: &mut Recovered,
    ) -> Result<(), OpenError> {
        self.segments.clear();
        for (at, base) in bases.iter().enumerate() {
            let next = bases.get(at + 1).copied();
            let sound =
                opening.clean || next.is_some_and(|next| next <= opening.recovery_point.get());
            let trusted = if sound { i64::MAX } else { opening.recovery_point.get() };
            let segment = self.load_segment(*base, next, trusted, recovered)?;
            self.segments.push(segment);
        }
        let expected = opening.recovery_point;
        let other_end = self.end < expected || (opening.clean && self.end > expected);
        if other_end && !bases.is_empty() {
            self.refuse_other_end(opening)?;
            if self.end < expected {
                tracing::error!(partition = %self.partition, end = %self.end, recovery_point = %expected,
                    "the log ends below its recovery point: the checkpoint is wrong, or records that were on disk are gone");
            }
            // Nothing is known to be on disk.
            let nothing = Opening { recovery_point: Offset::ZERO, clean: false, ..opening };
            return self.load_segments(bases, nothing, recovered);
        }
        let first = bases.first().copied().unwrap_or(opening.log_start.get());
        if self.end.get() > first && self.start > self.end && !self.was_deleted_up_to(self.start)? {
            tracing::warn!(partition = %self.partition, start = %self.start, end = %self.end,
                "the checkpoint of log starts is wrong and not used: the log ends below");
            self.start = Offset::ZERO;
        }
        self.start = self.start.max(Offset::new(first));
        if self.segments.is_empty() || self.end < self.start {
            self.segments.push(Segment::empty(&self.folder, self.start.get()));
            let files = self.files.clone();
            self.active().file(&files)?;
            self.os.disk.sync_dir(&self.folder).map_err(StorageError::at("fsync", &self.folder))?;
            self.end = self.start;
        }
        self.recovery_point = self.end;
        Ok(())
    }

    /// Loads one segment; what lies at or above `trusted` is checked.
    fn load_segment(
        &mut self,
        base: i64,
        next: Option<i64>,
        trusted: i64,
        recovered: &mut Recovered,
    ) -> Result<Segment, OpenError> {
        let disk = self.os.disk.clone();
        let mut segment = Segment::empty(&self.folder, base);
        let file = segment.file(&self.files)?;
        let size = file.len().map_err(StorageError::at("stat", &**segment.path()))?;
        if let (Some(next), i64::MAX) = (next, trusted) {
            segment.offsets = Index::sealed(segment.offsets.path().into());
            segment.times = Index::sealed(segment.times.path().into());
            if segment.offsets.is_plausible(&*disk)? && segment.times.is_plausible(&*disk)? {
                segment.size = size;
                segment.unchecked = Unchecked::below(size);
                segment.distrust_indexes();
                if let Some(last) = segment.times.with(&*disk, |entries| entries.last())? {
                    let offset = base + i64::from(last.relative_offset);
                    segment.youngest = Youngest { timestamp: last.timestamp, offset };
                }
                self.end = Offset::new(next);
                return Ok(segment);
            }
            segment = Segment::empty(&self.folder, base);
            recovered.rebuilt += 1;
        }
        let from = self.resume(&mut segment, size, trusted, recovered)?;
        self.check(&mut segment, from, size, next, trusted, recovered)?;
        if next.is_some() {
            segment.finish(&*disk)?;
            segment.seal();
        }
        Ok(segment)
    }

    /// Takes over the index of a segment as far as it is trusted; returns the boundary from which to go on.
    fn resume(
        &self,
        segment: &mut Segment,
        size: u64,
        trusted: i64,
        recovered: &mut Recovered,
    ) -> Result<u64, OpenError> {
        let disk = &*self.os.disk;
        let offsets = Index::<OffsetEntry>::load(segment.offsets.path().into(), disk)?;
        let times = Index::<TimeEntry>::load(segment.times.path().into(), disk)?;
        let (Some(mut offsets), Some(mut times)) = (offsets, times) else {
            recovered.rebuilt += u32::from(size > 0);
            return Ok(0);
        };
        let base = segment.base;
        let bound = trusted.saturating_sub(base);
        let keep =
            |offset: u32, position: u32| i64::from(offset) < bound && u64::from(position) < size;
        offsets.keep_while(|entry| keep(entry.relative_offset, entry.position));
        let Some(last) = offsets.with(disk, |entries| entries.last())? else { return Ok(0) };
        times.keep_while(|entry| entry.relative_offset <= last.relative_offset);
        (segment.offsets, segment.times, segment.size) = (offsets, times, size);
        let from = self.borne_out(segment, last)?;
        segment.size = 0;
        let Some(from) = from else {
            *segment = Segment::empty(&self.folder, base);
            recovered.rebuilt += 1;
            return Ok(0);
        };
        segment.distrust_indexes();
        segment.youngest_is_sure = true;
        Ok(from)
    }

    /// Walks a segment from a boundary to its end. What is not trusted is read whole and its checksum computed.
    fn check(
        &mut self,
        segment: &mut Segment,
        from: u64,
        size: u64,
        next: Option<i64>,
        trusted: i64,
        recovered: &mut Recovered,
    ) -> Result<(), OpenError> {
        segment.size = size;
        let mut position = from;
        let mut expected = if from == 0 { segment.base } else { i64::MIN };
        let mut fault = None;
        let mut unchecked = size;
        let mut batches = Vec::new();
        {
            let mut scan = segment.scan(&self.files, from)?;
            while fault.is_none() && position < size {
                match self.look(segment, &mut scan, expected, next, trusted) {
                    Ok((found, header)) => {
                        if found.last_offset >= trusted {
                            recovered.checked_bytes += found.size as u64;
                            unchecked = unchecked.min(found.position);
                        }
                        expected = found.last_offset + 1;
                        position = found.end();
                        batches.push((found, header));
                    }
                    Err(Wrong::Storage(error)) => return Err(error.into()),
                    Err(Wrong::Bytes(detail)) => fault = Some(detail),
                }
            }
        }
        segment.size = from;
        for (found, header) in batches {
            self.note(segment, &found, header);
        }
        if let Some(detail) = fault {
            let offset = Offset::from_wire(expected).unwrap_or_default();
            // What lies below the recovery point was on disk whole; a clean stop leaves no torn tail at all.
            let whole = next.is_some() || expected < trusted;
            self.cut(segment, position, size, whole, offset, detail, recovered)?;
        }
        segment.unchecked = Unchecked::below(unchecked.min(segment.size));
        let end = if expected == i64::MIN { segment.base } else { expected };
        self.end = Offset::new(next.unwrap_or(end).max(0));
        if trusted != i64::MAX && size > 0 {
            let file = segment.file(&self.files)?;
            file.sync_data().map_err(StorageError::at("fdatasync", &**segment.path()))?;
        }
        Ok(())
    }

    fn look(
        &self,
        segment: &Segment,
        scan: &mut super::scan::Scan<'_>,
        expected: i64,
        next: Option<i64>,
        trusted: i64,
    ) -> Result<(Found, Option<BatchHeader>), Wrong> {
        let found = match scan.next() {
            Ok(Some(found)) => found,
            Ok(None) => return Err(Wrong::Bytes("the file ends".into())),
            Err(ReadError::Storage(error)) => return Err(Wrong::Storage(error)),
            Err(ReadError::Damaged { source, .. }) => return Err(Wrong::Bytes(source.to_string())),
            Err(error) => return Err(Wrong::Bytes(error.to_string())),
        };
        let base = found.header.map_or(found.last_offset, |header| header.base_offset);
        // Records below the recovery point were on disk, up to the very last: none is jumped over.
        let jumps = expected < trusted && trusted <= base && trusted != i64::MAX;
        if base < expected
            || (jumps && next.is_none() && expected != i64::MIN)
            || found.last_offset < base
            || found.last_offset - segment.base > i64::from(i32::MAX)
            || next.is_some_and(|next| found.last_offset >= next)
        {
            let range = format!("offsets {base} to {} after {expected}", found.last_offset);
            return Err(Wrong::Bytes(range));
        }
        if found.last_offset >= trusted {
            let slice =
                segment.slice(&self.files, found.position, found.end()).map_err(Wrong::Storage)?;
            let bytes = slice
                .read()
                .map_err(StorageError::at("read", &**segment.path()))
                .map_err(Wrong::Storage)?;
            let sound = Checksum::of(&bytes).and_then(|mut sum| {
                sum.update(&bytes);
                sum.finish()
            });
            sound.map_err(|error| Wrong::Bytes(error.to_string()))?;
        }
        Ok((found, found.header))
    }

    fn note(&mut self, segment: &mut Segment, found: &Found, header: Option<BatchHeader>) {
        let timestamp = header.map_or(-1, |header| header.max_timestamp);
        let youngest = Youngest { timestamp, offset: found.last_offset };
        let batch = Appended { last_offset: found.last_offset, youngest };
        segment.note(found.position, found.size, batch, self.config.index_interval_bytes);
    }

    /// Cuts the torn tail of the last segment; refuses if it is none: a whole batch stands there or behind it, or the segment
    /// should be whole: it is not the last, or what is wrong lies below the recovery point.
    #[expect(clippy::too_many_arguments, reason = "all of it goes into the error or the cut")]
    fn cut(
        &self,
        segment: &mut Segment,
        position: u64,
        size: u64,
        whole: bool,
        offset: Offset,
        detail: String,
        recovered: &mut Recovered,
    ) -> Result<(), OpenError> {
        let path = segment.path().to_path_buf();
        let damaged = |detail| OpenError::Damaged {
            file: path.clone(),
            folder: self.folder.clone(),
            position,
            offset,
            detail,
        };
        if whole {
            return Err(damaged(detail));
        }
        let file = segment.file(&self.files)?;
        let length = usize::try_from(size - position).unwrap_or(usize::MAX);
        let tail = crate::os::FileSlice { file: file.clone(), position, len: length };
        let tail = tail.read().map_err(StorageError::at("read", &path))?;
        let sound = crate::record::check_crc(&tail).is_ok();
        if sound && BatchHeader::parse(&tail).is_ok_and(|header| header.base_offset >= segment.base)
        {
            return Err(damaged(detail));
        }
        if let Some(after) = whole_batch_in(&tail, offset.get()) {
            let at = position + after as u64;
            return Err(damaged(format!("{detail}; a whole batch stands behind it, at byte {at}")));
        }
        file.set_len(position).map_err(StorageError::at("truncate", &path))?;
        file.sync_all().map_err(StorageError::at("fsync", &path))?;
        recovered.cut_bytes += size - position;
        Ok(())
    }

    fn load_epochs(&mut self, recovered: &mut Recovered) -> Result<(), OpenError> {
        let disk = self.os.disk.clone();
        let path = self.folder.join("leader-epoch-checkpoint");
        let mut changed = false;
        match LeaderEpochs::load(path.clone(), &*disk)? {
            Some(epochs) if self.bears_out(&epochs) => self.epochs = epochs,
            _ => {
                changed = self.end > self.start;
                recovered.rebuilt += u32::from(changed);
                self.epochs = LeaderEpochs::empty(path);
                let mut epochs =
                    std::mem::replace(&mut self.epochs, LeaderEpochs::empty(PathBuf::new()));
                self.each_header(self.start.get(), |header, _| {
                    if let Some(epoch) = LeaderEpoch::from_wire(header.partition_leader_epoch) {
                        epochs.note(epoch, Offset::new(header.base_offset.max(0)));
                    }
                })?;
                self.epochs = epochs;
            }
        }
        changed |= self.epochs.cut_above(self.end);
        if changed {
            self.epochs.save(&*disk)?;
        }
        Ok(())
    }

    /// From the newest snapshot that the log reaches, then from the batches above it.
    fn load_producers(&mut self) -> Result<(), OpenError> {
        let disk = self.os.disk.clone();
        let entries = disk.list(&self.folder).map_err(StorageError::at("list", &self.folder))?;
        let mut offsets: Vec<i64> =
            entries.iter().filter_map(|entry| offset_of(&entry.name, ".snapshot")).collect();
        offsets.sort_unstable();
        let mut from = self.start.get();
        while let Some(offset) = offsets.pop() {
            let path = path_in(&self.folder, offset, ".snapshot");
            let known =
                if offset <= self.end.get() { snapshot::read(&*disk, &path)? } else { None };
            if let Some(producers) = known {
                self.producers = producers;
                from = offset.max(from);
                break;
            }
            disk.remove_file(&path).map_err(StorageError::at("remove", &path))?;
        }
        let mut producers = std::mem::take(&mut self.producers);
        if !producers.is_empty()
            && let Err(error) = self.look_back(from, |header| producers.recall(header))
        {
            // Whoever reads there will be told in full.
            tracing::debug!(partition = %self.partition, %error, "not all producers' batches are known again");
        }
        self.each_header(from, |header, _| {
            producers.note(header, header.base_offset, header.max_timestamp)
        })?;
        self.producers = producers;
        Ok(())
    }

    /// Calls `visit` with every batch header from offset `from` on.
    fn each_header(
        &self,
        from: i64,
        mut visit: impl FnMut(&BatchHeader, &Found),
    ) -> Result<(), OpenError> {
        let first = self.segments.partition_point(|segment| segment.base <= from).saturating_sub(1);
        if from >= self.end.get() {
            return Ok(());
        }
        for segment in &self.segments[first..] {
            let at = |error: ReadError| self.unreadable(segment, error);
            let start = match segment.find(&self.files, self.disk(), from) {
                Err(ReadError::Astray { .. }) => segment.find_slowly(&self.files, from),
                found => found,
            };
            let start = start.map_err(at)?;
            let Some(start) = start else { continue };
            let mut scan = segment.scan(&self.files, start.position)?;
            while let Some(found) = scan.next().map_err(at)? {
                if let Some(header) = &found.header {
                    visit(header, &found);
                }
            }
        }
        Ok(())
    }

    fn unreadable(&self, segment: &Segment, error: ReadError) -> OpenError {
        match error {
            ReadError::Storage(error) => error.into(),
            ReadError::Rotten(Damage { file, position, offset, detail }) => {
                OpenError::Damaged { file, folder: self.folder.clone(), position, offset, detail }
            }
            ReadError::Damaged { file, position, source } => OpenError::Damaged {
                file,
                folder: self.folder.clone(),
                position,
                offset: Offset::new(segment.base),
                detail: source.to_string(),
            },
            ReadError::OutOfRange { .. } | ReadError::Unchecked(_) | ReadError::Astray { .. } => {
                OpenError::Damaged {
                    file: segment.path().to_path_buf(),
                    folder: self.folder.clone(),
                    position: 0,
                    offset: Offset::new(segment.base),
                    detail: error.to_string(),
                }
            }
        }
    }
}

enum Wrong {
    Storage(StorageError),
    Bytes(String),
}

/// Where in `tail` a whole batch with a right checksum stands, past its first byte, at or above `offset`.
fn whole_batch_in(tail: &[u8], offset: i64) -> Option<usize> {
    (1..tail.len().saturating_sub(HEADER_LEN - 1)).find(|at| {
        let bytes = &tail[*at..];
        let plausible = bytes[16] == 2
            && BatchHeader::parse(bytes).is_ok_and(|header| {
                (offset..=offset.saturating_add(i64::from(u32::MAX))).contains(&header.base_offset)
                    && header.size_in_bytes() <= bytes.len()
            });
        plausible && crate::record::check_crc(bytes).is_ok()
    })
}

/// Makes the folder, removes what an interrupted deletion or write left, and lists the segments by base offset.
fn tidy(os: &Os, folder: &Path) -> Result<Vec<i64>, StorageError> {
    let disk = &*os.disk;
    disk.create_dir_all(folder).map_err(StorageError::at("create", folder))?;
    let mut bases = Vec::new();
    for entry in disk.list(folder).map_err(StorageError::at("list", folder))? {
        let path = folder.join(&entry.name);
        if entry.name.ends_with(".deleted")
            || entry.name.ends_with(".tmp")
            || entry.name.ends_with(".cleaned")
        {
            disk.remove_file(&path).map_err(StorageError::at("remove", &path))?;
        } else if let Some(base) = offset_of(&entry.name, ".log") {
            bases.push(base);
        }
    }
    bases.sort_unstable();
    Ok(bases)
}
