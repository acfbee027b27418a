//! The second pass: what stays is written aside, segments that have become small together into one.

use std::io::IoSlice;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use super::map::{CleanPlan, DECOMPRESSED_AT_MOST, Mapped, Reader, Source};
use super::{CleanError, Pace};
use crate::log::error::StorageError;
use crate::log::files::path_in;
use crate::log::segment::{Appended, Segment};
use crate::log::snapshot;
use crate::os::DiskFile;
use crate::record::{
    Batch, BatchHeader, RetainError, Retained, Retention, date_marker, retain, without_records,
};

/// So much is written at a time.
const WRITE_BYTES: usize = 1 << 20;

/// What takes the place of some segments. Its files stand aside, durably.
#[derive(Debug)]
pub struct CleanedGroup {
    /// Base and version of the segments that it replaces.
    pub(super) replaces: Vec<(i64, u32)>,
    pub(super) segment: Segment,
    pub(super) has_transactions: bool,
}

impl CleanPlan {
    /// The segments that become one each, in order of offset (Kafka's `Cleaner.groupSegmentsBySize`).
    pub fn groups(&self, mapped: &Mapped) -> Vec<Range<usize>> {
        let touched = self.sources.partition_point(|source| source.base < mapped.end().get());
        let mut groups: Vec<Range<usize>> = Vec::new();
        for at in 0..touched {
            let fits = |group: &Range<usize>| {
                let all = &self.sources[group.start..=at];
                let bytes: u64 = all.iter().map(|source| source.size).sum();
                let index: u64 = all.iter().map(|source| source.index_bytes).sum();
                bytes <= self.segment_bytes
                    && index <= self.segment_index_bytes
                    && all[all.len() - 1].next - all[0].base <= i64::from(i32::MAX)
            };
            match groups.last_mut().filter(|group| fits(group)) {
                Some(group) => group.end = at + 1,
                None => groups.push(at..at + 1),
            }
        }
        groups
    }

    /// Writes what stays of a group of segments; `None` if that is all of it. Groups come in order. Blocking.
    ///
    /// # Errors
    /// See [`CleanError`]; what was written aside is removed then.
    pub fn clean(
        &self,
        group: &Range<usize>,
        mapped: &mut Mapped,
        pace: &mut Pace<'_>,
    ) -> Result<Option<CleanedGroup>, CleanError> {
        let sources = &self.sources[group.clone()];
        let cleaned = self.write(sources, mapped, pace);
        if !matches!(cleaned, Ok(Some(_))) {
            self.remove_aside(sources[0].base);
        }
        cleaned
    }

    /// Removes what was written aside and is not taken over.
    pub fn discard(&self, cleaned: &CleanedGroup) {
        self.remove_aside(cleaned.segment.base);
    }

    fn remove_aside(&self, base: i64) {
        for suffix in SUFFIXES {
            // What cannot be removed goes before the next swap, or at the next start.
            let _ = self.disk.remove_file(&self.aside(base, suffix));
        }
    }

    fn aside(&self, base: i64, suffix: &str) -> PathBuf {
        path_in(&self.folder, base, &format!("{suffix}.cleaned"))
    }

    fn write(
        &self,
        sources: &[Source],
        mapped: &mut Mapped,
        pace: &mut Pace<'_>,
    ) -> Result<Option<CleanedGroup>, CleanError> {
        let base = sources[0].base;
        let mut out = Output::create(self, base)?;
        let mut changed = sources.len() > 1;
        let last_full = sources.iter().rposition(|source| source.size > 0);
        let snapshot = path_in(&self.folder, base, ".snapshot");
        mapped.carried.begin_group(snapshot::read(&*self.disk, &snapshot)?);
        for (at, source) in sources.iter().enumerate() {
            let mut reader = Reader::new(source);
            while let Some((found, batch)) = reader.next()? {
                let ends_group = Some(at) == last_full && found.end() == source.size;
                let kept = self.keep(&batch, ends_group, mapped).map_err(|error| {
                    reader.unfit(found.position, batch.header().base_offset, error)
                })?;
                changed |= kept != Retained::Same;
                let bytes = match kept {
                    Retained::Same => {
                        mapped.carried.kept(&batch);
                        batch.bytes().clone()
                    }
                    Retained::Changed(bytes) => {
                        Batch::new(bytes.clone())
                            .into_iter()
                            .for_each(|it| mapped.carried.kept(&it));
                        bytes
                    }
                    Retained::Nothing => continue,
                };
                if out.segment.size + bytes.len() as u64 > i32::MAX as u64 {
                    return Err(reader.unfit(
                        found.position,
                        batch.header().base_offset,
                        "what stays does not fit a segment",
                    ));
                }
                out.push(&bytes, self.index_interval_bytes)?;
                if !pace((found.size + bytes.len()) as u64) {
                    return Err(CleanError::Stopped);
                }
            }
        }
        if !changed {
            return Ok(None);
        }
        let entries = mapped.carried.entries();
        let has_transactions = !entries.is_empty();
        entries.iter().for_each(|entry| out.segment.aborted.push(*entry));
        let mut segment = out.finish(self)?;
        segment.decided.stable_at_end = sources[sources.len() - 1].stable_at_end;
        self.disk.sync_dir(&self.folder).map_err(StorageError::at("fsync", &self.folder))?;
        let replaces = sources.iter().map(|source| (source.base, source.version)).collect();
        Ok(Some(CleanedGroup { replaces, segment, has_transactions }))
    }

    /// What stays of a batch.
    fn keep(
        &self,
        batch: &Batch,
        ends_group: bool,
        mapped: &mut Mapped,
    ) -> Result<Retained, RetainError> {
        let header = batch.header();
        let empty_stays = ends_group || self.is_remembered(header);
        if header.is_control() {
            return self.keep_control(batch, empty_stays, mapped);
        }
        mapped.carried.read(header);
        let horizon = header.attributes.has_delete_horizon().then_some(header.base_timestamp);
        let aborted = self.aborted.hold(header);
        let retention = Retention { delete_horizon: self.delete_horizon, empty_stays };
        retain(batch, DECOMPRESSED_AT_MOST, retention, |record| {
            !aborted && mapped.keeps(record, horizon, self.now)
        })
    }

    /// What stays of a control batch. A transaction's marker goes when all of the transaction's batches are gone, and then not before
    /// its own time: a consumer that has read some of them has to come to it.
    fn keep_control(
        &self,
        batch: &Batch,
        empty_stays: bool,
        mapped: &mut Mapped,
    ) -> Result<Retained, RetainError> {
        let header = batch.header();
        if !header.has_producer_id() || !mapped.carried.is_useless(header) {
            return Ok(Retained::Same);
        }
        let horizon = header.attributes.has_delete_horizon().then_some(header.base_timestamp);
        let is_empty = header.record_count == 0;
        match horizon {
            _ if is_empty && empty_stays => Ok(Retained::Same),
            _ if is_empty => Ok(Retained::Nothing),
            None => {
                let dated = date_marker(batch, self.delete_horizon, DECOMPRESSED_AT_MOST)?;
                Ok(Retained::Changed(dated))
            }
            Some(horizon) if horizon > self.now => Ok(Retained::Same),
            Some(_) if empty_stays => Ok(Retained::Changed(without_records(batch))),
            Some(_) => Ok(Retained::Nothing),
        }
    }
}

/// The files that a segment has, the one that says that it is there last.
pub(super) const SUFFIXES: [&str; 4] = [".index", ".timeindex", ".txnindex", ".log"];

/// A segment that is being written aside.
struct Output {
    file: Arc<dyn DiskFile>,
    path: PathBuf,
    segment: Segment,
    buffer: Vec<u8>,
    written: u64,
}

impl Output {
    fn create(plan: &CleanPlan, base: i64) -> Result<Output, StorageError> {
        let path = plan.aside(base, ".log");
        let file = plan.disk.write(&path, &[]).map_err(StorageError::at("create", &path))?;
        let segment = Segment::aside(&plan.folder, base, ".cleaned");
        Ok(Output { file, path, segment, buffer: Vec::new(), written: 0 })
    }

    fn push(&mut self, bytes: &[u8], interval: u32) -> Result<(), CleanError> {
        if let Ok(header) = BatchHeader::parse(bytes) {
            let last_offset = header.last_offset();
            // As recovery counts it: what has no record is not young.
            let timestamp = if header.record_count > 0 { header.max_timestamp } else { -1 };
            let position = self.segment.size;
            self.segment.note(position, bytes.len(), Appended { last_offset, timestamp }, interval);
        }
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= WRITE_BYTES { Ok(self.flush()?) } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), StorageError> {
        let parts = &mut [IoSlice::new(&self.buffer)];
        self.file
            .write_all_at(parts, self.written)
            .map_err(StorageError::at("write", &self.path))?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    fn finish(mut self, plan: &CleanPlan) -> Result<Segment, StorageError> {
        self.flush()?;
        self.file.sync_all().map_err(StorageError::at("fsync", &self.path))?;
        self.segment.finish(&*plan.disk)?;
        self.segment.aborted.sync_any(&*plan.disk)?;
        self.segment.offsets.sync(&*plan.disk)?;
        self.segment.times.sync(&*plan.disk)?;
        Ok(self.segment)
    }
}
