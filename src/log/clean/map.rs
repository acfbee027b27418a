//! What is compacted, and the first pass over it: which record of each key is the last.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::offset_map::{OffsetMap, SLOT_BYTES};
use super::transactions::{AbortedBatches, Carried};
use super::{CleanError, Filth, Pace};
use crate::base::{Millis, Offset};
use crate::log::Log;
use crate::log::error::{ReadError, StorageError};
use crate::log::scan::{Found, Scan};
use crate::os::{Disk, DiskFile, FileSlice};
use crate::record::{Batch, BatchHeader, Record, records};

/// How far one batch may be decompressed.
pub(super) const DECOMPRESSED_AT_MOST: usize = 1 << 30;

/// What the table of keys may take.
#[derive(Clone, Copy, Debug)]
pub struct CleanLimits {
    /// Its bytes.
    pub map_bytes: u64,
    /// How full it may be.
    pub load_factor: f64,
}

/// A segment to be compacted. Holds its file open.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub base: i64,
    pub next: i64,
    pub size: u64,
    pub index_bytes: u64,
    pub version: u32,
    pub stable_at_end: i64,
    pub path: Arc<Path>,
    file: Arc<dyn DiskFile>,
}

/// What compacting a log needs to know of it; needs no lock.
#[derive(Debug)]
pub struct CleanPlan {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) folder: PathBuf,
    pub(super) from: i64,
    /// Every segment that may be touched, in order of offset.
    pub(super) sources: Vec<Source>,
    pub(super) segment_bytes: u64,
    pub(super) segment_index_bytes: u64,
    pub(super) index_interval_bytes: u32,
    pub(super) delete_horizon: i64,
    pub(super) now: i64,
    pub(super) aborted: AbortedBatches,
    /// The last offsets of the batches that producers are known by.
    remembered: HashSet<i64>,
    /// The epochs of producers that no batch is known of: their last markers tell.
    marked: HashMap<i64, i16>,
}

/// The last record of each key, of those that were not compacted before.
pub struct Mapped {
    keys: OffsetMap,
    /// Above it nothing was looked at.
    end: i64,
    /// What the groups tell each other of transactions.
    pub(super) carried: Carried,
}

impl Mapped {
    /// Up to where the log is compacted once all groups are taken over.
    pub fn end(&self) -> Offset {
        Offset::new(self.end)
    }
}

impl Log {
    /// What has to be known to compact what `filth` says can be.
    ///
    /// # Errors
    /// `Unchecked` if something has to be checked first (see [`Log::next_check`]); `Storage` as the system says.
    pub fn clean_plan(&self, filth: &Filth, now: Millis) -> Result<CleanPlan, ReadError> {
        let mut sources = Vec::new();
        for (at, segment) in self.segments[..self.segments.len() - 1].iter().enumerate() {
            let next = self.segments[at + 1].base;
            if next > filth.to.get() {
                break;
            }
            sources.push(Source {
                base: segment.base,
                next,
                size: segment.size,
                index_bytes: segment
                    .offsets
                    .with(self.disk(), |entries| entries.len() as u64 * 8)?,
                version: segment.version,
                stable_at_end: segment.decided.stable_at_end,
                path: segment.path().clone(),
                file: segment.file(&self.files)?,
            });
        }
        let remembered = self.producers().flat_map(|(_, producer)| &producer.batches);
        let marked = self.producers().filter(|(_, producer)| producer.batches.is_empty());
        Ok(CleanPlan {
            disk: self.os.disk.clone(),
            folder: self.folder.clone(),
            from: filth.from.get(),
            sources,
            segment_bytes: u64::from(self.config.segment_bytes),
            segment_index_bytes: u64::from(self.config.segment_index_bytes),
            index_interval_bytes: self.config.index_interval_bytes,
            delete_horizon: now.0.saturating_add(self.config.delete_retention_ms),
            now: now.0,
            aborted: self.aborted_below(filth.to.get())?,
            remembered: remembered.map(|batch| batch.last_offset).collect(),
            marked: marked.map(|(id, producer)| (id, producer.epoch)).collect(),
        })
    }
}

impl Log {
    /// The aborted transactions that began below `to`, under which all are decided.
    fn aborted_below(&self, to: i64) -> Result<AbortedBatches, ReadError> {
        let mut entries = Vec::new();
        for (at, segment) in self.segments.iter().enumerate() {
            self.require_transactions(at, segment.base)?;
            entries.extend(segment.aborted_from(self.disk(), i64::MIN)?);
            if segment.decided.stable_at_end >= to {
                break;
            }
        }
        Ok(AbortedBatches::new(entries.into_iter()))
    }
}

impl CleanPlan {
    /// Reads what was not compacted before, and notes the last offset of each key, as far as there is room. Blocking.
    ///
    /// # Errors
    /// See [`CleanError`].
    pub fn map(&self, limits: &CleanLimits, pace: &mut Pace<'_>) -> Result<Mapped, CleanError> {
        let room = (limits.map_bytes / SLOT_BYTES) as f64 * limits.load_factor;
        let dirty = || self.sources.iter().filter(|source| source.next > self.from);
        let offsets: i64 = dirty().map(|source| source.next - source.base).sum();
        let most = (room as u64).clamp(1, u64::try_from(offsets).unwrap_or(1).max(1));
        let mut keys =
            OffsetMap::new(usize::try_from(most).unwrap_or(usize::MAX), limits.load_factor);
        let mut end = self.from;
        for source in dirty() {
            let mut reader = Reader::new(source);
            while let Some((found, batch)) = reader.next()? {
                if !pace(found.size as u64) {
                    return Err(CleanError::Stopped);
                }
                let skip = batch.header().is_control() || self.aborted.hold(batch.header());
                for record in if skip { Vec::new() } else { reader.records(&found, &batch)? } {
                    let Some(key) = record.key.as_deref().filter(|_| record.offset >= self.from)
                    else {
                        continue;
                    };
                    if !keys.put(key, record.offset) {
                        return Ok(Mapped { keys, end, carried: Carried::default() });
                    }
                    end = end.max(record.offset + 1);
                }
                end = end.max(found.last_offset + 1);
            }
            end = end.max(source.next);
        }
        Ok(Mapped { keys, end, carried: Carried::default() })
    }

    /// Whether a producer is known by this batch.
    pub(super) fn is_remembered(&self, header: &BatchHeader) -> bool {
        let marked = header.is_control()
            && self.marked.get(&header.producer_id) == Some(&header.producer_epoch);
        header.has_producer_id() && (marked || self.remembered.contains(&header.last_offset()))
    }
}

impl Mapped {
    /// Whether a record stays (Kafka's `Cleaner.shouldRetainRecord`): nothing later has its key, and it is no tombstone that may go.
    pub(super) fn keeps(&self, record: &Record, horizon: Option<i64>, now: i64) -> bool {
        if record.offset >= self.end {
            return true;
        }
        let Some(key) = &record.key else { return false };
        let is_last = self.keys.get(key).is_none_or(|last| record.offset >= last);
        is_last && (record.value.is_some() || horizon.is_none_or(|horizon| now < horizon))
    }
}

/// Reads the batches of a source, whole and checked.
pub(super) struct Reader<'a> {
    source: &'a Source,
    scan: Scan<'a>,
    expected: i64,
}

impl<'a> Reader<'a> {
    pub fn new(source: &'a Source) -> Reader<'a> {
        let scan = Scan::new(source.file.clone(), &source.path, 0, source.size);
        Reader { source, scan, expected: source.base }
    }

    pub fn next(&mut self) -> Result<Option<(Found, Batch)>, CleanError> {
        let found = match self.scan.next() {
            Ok(None) => return Ok(None),
            Ok(Some(found)) => found,
            Err(ReadError::Storage(error)) => return Err(error.into()),
            Err(ReadError::Damaged { position, source, .. }) => {
                return Err(self.unfit(position, self.expected, source));
            }
            Err(error) => return Err(self.unfit(0, self.expected, error)),
        };
        let Some(header) = found.header else {
            let detail = "a message of an old format (0 or 1) stands there, which klog does not compact; Kafka does";
            return Err(self.unfit(found.position, found.last_offset, detail));
        };
        if header.base_offset < self.expected || header.last_offset() >= self.source.next {
            let detail =
                format!("offsets {} to {} stand there", header.base_offset, header.last_offset());
            return Err(self.unfit(found.position, self.expected, detail));
        }
        self.expected = header.last_offset() + 1;
        let slice =
            FileSlice { file: self.source.file.clone(), position: found.position, len: found.size };
        let bytes = slice.read().map_err(StorageError::at("read", &*self.source.path))?;
        let batch = Batch::new(bytes).and_then(|batch| batch.check_crc().map(|()| batch));
        let batch = batch.map_err(|error| self.unfit(found.position, header.base_offset, error))?;
        Ok(Some((found, batch)))
    }

    pub fn records(&self, found: &Found, batch: &Batch) -> Result<Vec<Record>, CleanError> {
        let base = batch.header().base_offset;
        let read = records(batch, DECOMPRESSED_AT_MOST).and_then(Iterator::collect);
        read.map_err(|error| self.unfit(found.position, base, error))
    }

    pub fn unfit(&self, position: u64, offset: i64, detail: impl ToString) -> CleanError {
        let (file, detail) = (self.source.path.to_path_buf(), detail.to_string());
        CleanError::Unfit { file, position, offset, detail }
    }
}
