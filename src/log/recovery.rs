//! Opening a log: what a clean stop left is trusted; after a crash, what lies above the recovery point is checked batch by
//! batch, and the first bad byte there ends the log. Damage below the recovery point is refused, and nothing is changed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Log;
use super::aborted::{AbortedEntry, Decided};
use super::clean;
use super::cut::Fault;
use super::epochs::{self, LeaderEpochs};
use super::error::{OpenError, ReadError, StorageError};
use super::files::{FileCache, offset_of, path_in};
use super::index::{Index, OffsetEntry, TimeEntry};
use super::names::Names;
use super::producers::Producers;
use super::scan::{Found, Scan};
use super::segment::{Segment, Youngest};
use super::transactions::Pending;
use super::unchecked::Unchecked;
use super::verification::Verifications;
use super::verify::Verifier;
use crate::base::{Offset, TopicPartition};
use crate::config::TopicConfig;
use crate::os::Os;
use crate::record::BatchHeader;

/// What is known of a log before it is opened.
#[derive(Clone, Copy, Debug, Default)]
pub struct Opening {
    /// All below is on disk. `None` if that is not known: its checkpoint is lost.
    pub recovery_point: Option<Offset>,
    /// Where it starts, as DeleteRecords left it.
    pub log_start: Offset,
    /// Whether the last stop was a clean one.
    pub clean: bool,
    /// Whether the folder was made just now, without a sync.
    pub fresh: bool,
    /// Whether the whole file system was synced since the last process ended.
    pub synced: bool,
    /// Whether an fsync has failed: what can be read may not be on disk, though the next fsync says so.
    pub suspect: bool,
    /// Whether it was ever compacted: offsets may be missing.
    pub was_compacted: bool,
}

impl Opening {
    /// Below this offset nothing is checked; `i64::MAX` if nothing at all is.
    pub(super) fn trusted(&self) -> i64 {
        match self.recovery_point {
            _ if self.clean => i64::MAX,
            Some(point) => point.get(),
            None => 0,
        }
    }
}

/// What opening a log did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Recovered {
    /// How many bytes were checked.
    pub checked_bytes: u64,
    /// How many bytes behind the first bad one were cut.
    pub cut_bytes: u64,
    /// How many whole batches were among them: they stood behind a hole.
    pub cut_batches: u64,
    /// How many lost or damaged side files were rebuilt.
    pub rebuilt: u32,
    /// How many control batches were among what was checked.
    pub markers: u64,
}

impl Log {
    /// Opens the log in `folder`, or begins one.
    ///
    /// # Errors
    /// `Damaged` for what a power cut does not explain; `Storage` as the system says.
    pub fn open(
        os: &Os,
        files: &Arc<FileCache>,
        folder: PathBuf,
        partition: TopicPartition,
        config: Arc<TopicConfig>,
        opening: Opening,
    ) -> Result<(Log, Recovered), OpenError> {
        let mut names = Names::default();
        let bases = if opening.fresh {
            Vec::new()
        } else {
            os.disk.create_dir_all(&folder).map_err(StorageError::at("create", &folder))?;
            clean::finish_swaps(&*os.disk, &folder)?;
            tidy(os, &folder, &mut names)?
        };
        let mut log = Log {
            os: os.clone(),
            files: files.clone(),
            epochs: LeaderEpochs::empty(folder.join(epochs::FILE)),
            folder,
            partition,
            config,
            segments: Vec::new(),
            start: opening.log_start,
            end: Offset::ZERO,
            recovery_point: Offset::ZERO,
            producers: Producers::default(),
            pending: Pending::default(),
            verifications: Verifications::default(),
            jitter_ms: 0,
            was_compacted: opening.was_compacted,
            doomed: Vec::new(),
            names,
            offline: false,
            appended_bytes: 0,
            counts: Arc::default(),
        };
        let mut recovered = Recovered::default();
        if opening.fresh {
            log.names.change_whole();
            log.segments.push(Segment::empty(&log.folder, 0));
            log.jitter_ms = log.draw_jitter();
            return Ok((log, recovered));
        }
        log.load_segments(&bases, opening, &mut recovered)?;
        log.load_epochs(&mut recovered)?;
        log.load_producers()?;
        match log.may_stay(opening, recovered) {
            Some(point) => {
                log.names.change();
                log.recovery_point = point;
            }
            None => log.make_durable(&bases, opening)?,
        }
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
            let (segment, fault) = self.load_segment(*base, next, opening, recovered)?;
            self.segments.push(segment);
            if let Some(fault) = fault {
                self.end_at(fault, &bases[at + 1..], opening, recovered)?;
                break;
            }
        }
        let point = opening
            .recovery_point
            .filter(|point| self.end < *point || (opening.clean && self.end > *point));
        if let Some(point) = point.filter(|_| !bases.is_empty()) {
            self.refuse_other_end(opening)?;
            if self.end < point {
                tracing::error!(partition = %self.partition, end = %self.end, recovery_point = %point,
                    "the log ends below its recovery point: the checkpoint is wrong, or records that were on disk are gone");
            }
            // Nothing is known to be on disk.
            let nothing = Opening { recovery_point: None, clean: false, ..opening };
            return self.load_segments(bases, nothing, recovered);
        }
        if let Some(end) =
            opening.recovery_point.filter(|end| bases.is_empty() && *end > self.start)
        {
            let folder = self.folder.display();
            tracing::error!(partition = %self.partition, %folder, start = %self.start, %end,
                "the log is gone: it was on disk, and no segment of it is left; it goes on empty from its end; if there is a copy, stop \
                 klog and put it back before more is written");
            self.start = end;
        }
        let first = bases.first().copied().unwrap_or(self.start.get());
        if self.end.get() > first && self.start > self.end && !self.was_deleted_up_to(self.start)? {
            tracing::warn!(partition = %self.partition, start = %self.start, end = %self.end,
                "the checkpoint of log starts is wrong and not used: the log ends below");
            self.start = Offset::ZERO;
        }
        self.start = self.start.max(Offset::new(first));
        if self.segments.is_empty() || self.end < self.start {
            self.begin_at_start()?;
        }
        Ok(())
    }

    /// Nothing that may be read is left: begins at the start of the log.
    fn begin_at_start(&mut self) -> Result<(), StorageError> {
        let bases: Vec<i64> = self.segments.drain(..).map(|segment| segment.base).collect();
        bases.iter().rev().try_for_each(|base| self.remove_segment(*base))?;
        self.names.sync(&*self.os.disk, &self.folder)?;
        self.segments.push(Segment::empty(&self.folder, self.start.get()));
        if self.start > Offset::ZERO {
            // The file's name says where the log starts, should the checkpoint be lost.
            let files = self.files.clone();
            self.active().file(&files)?;
            self.names.change();
        }
        self.end = self.start;
        Ok(())
    }

    /// The recovery point, if it may stay and what lies above it be served before it is on disk, with the names of all files left to the next
    /// flush: it was so before the crash, if nothing is promised of it, and nothing was changed by recovery. A batch that was cut
    /// could come back behind the next ones; a marker that a power cut takes opens its transaction again; and after a failed fsync
    /// the next one says nothing.
    fn may_stay(&self, opening: Opening, recovered: Recovered) -> Option<Offset> {
        let Recovered { cut_bytes, rebuilt, markers, .. } = recovered;
        let promises = self.config.flush_messages != i64::MAX;
        let changed = self.names.pending().is_some() || cut_bytes > 0 || rebuilt > 0;
        let is_needed = promises || changed || markers > 0 || opening.suspect;
        let is_done = opening.clean || opening.synced;
        opening.recovery_point.filter(|point| *point < self.end && !is_needed && !is_done)
    }

    /// All that is in the log is on disk from here on, whoever wrote it.
    fn make_durable(&mut self, bases: &[i64], opening: Opening) -> Result<(), StorageError> {
        let from = opening.trusted();
        if !opening.clean && (!opening.synced || opening.suspect) {
            self.names.change();
            // Of a log that begins only now there is no file yet.
            if !bases.is_empty() {
                self.plan_above(from)?.run()?;
            }
            if opening.suspect {
                self.renew_snapshots(from)?;
            }
        }
        self.names.sync(&*self.os.disk, &self.folder)?;
        self.recovery_point = self.end;
        Ok(())
    }

    /// Loads one segment. What lies at or above the recovery point is checked; the first thing wrong is returned.
    fn load_segment(
        &mut self,
        base: i64,
        next: Option<i64>,
        opening: Opening,
        recovered: &mut Recovered,
    ) -> Result<(Segment, Option<Fault>), OpenError> {
        let disk = self.os.disk.clone();
        let mut segment = Segment::empty(&self.folder, base);
        let file = segment.file(&self.files)?;
        let size = file.len().map_err(StorageError::at("stat", &**segment.path()))?;
        let point = opening.recovery_point.unwrap_or_default().get();
        // Where the recovery point is its very end, its indexes may not have been on disk.
        let sound = next.filter(|next| opening.clean || *next < point);
        if let Some(next) = sound {
            if let Some(segment) = self.trust(base, size)? {
                // One that compaction emptied has nothing in its indexes either.
                let is_lost = size == 0 && segment.youngest.timestamp >= 0;
                self.end = Offset::new(if is_lost { base } else { next });
                let fault = is_lost.then(|| Fault {
                    path: segment.path().clone(),
                    position: 0,
                    size,
                    detail: format!(
                        "it is empty, but its index of times is not: offsets up to {} stood there",
                        next - 1
                    ),
                });
                return Ok((segment, fault));
            }
            recovered.rebuilt += 1;
        }
        let trusted = if sound.is_some() { i64::MAX } else { opening.trusted() };
        let from =
            if sound.is_some() { 0 } else { self.resume(&mut segment, size, opening, recovered)? };
        let compacted = self.config.compact || self.was_compacted;
        let look = Look { from, size, next, trusted, opening, compacted };
        let fault = self.check(&mut segment, look, recovered)?;
        self.take_aborted(&mut segment, next.is_some() && fault.is_none())?;
        match next {
            _ if fault.is_some() => {}
            Some(_) => segment.seal_recovered(&*disk)?,
            None if opening.clean => {}
            None => segment.cut_indexes(&*disk)?,
        }
        Ok((segment, fault))
    }

    /// A sealed segment as its files describe it; `None` if an index is missing or cannot be one.
    fn trust(&self, base: i64, size: u64) -> Result<Option<Segment>, StorageError> {
        let disk = &*self.os.disk;
        let mut segment = Segment::empty(&self.folder, base);
        segment.offsets = Index::sealed(segment.offsets.path().into());
        segment.times = Index::sealed(segment.times.path().into());
        segment.aborted = Index::sealed(segment.aborted.path().into());
        segment.decided = Decided::found();
        if !segment.offsets.is_plausible(disk)? || !segment.times.is_plausible(disk)? {
            return Ok(None);
        }
        segment.size = size;
        segment.unchecked = Unchecked::below(size);
        segment.distrust_indexes();
        if let Some(last) = segment.times.with(disk, |entries| entries.last())? {
            let offset = base + i64::from(last.relative_offset);
            segment.youngest = Youngest { timestamp: last.timestamp, offset };
        }
        Ok(Some(segment))
    }

    /// Takes over the index of aborted transactions, as far as it is one; what it says is checked before it is used.
    fn take_aborted(&self, segment: &mut Segment, sealed: bool) -> Result<(), StorageError> {
        segment.decided = Decided::found();
        let path: PathBuf = segment.aborted.path().into();
        if sealed {
            segment.aborted = Index::sealed(path);
        } else if let Some(mut found) = Index::<AbortedEntry>::load(path, self.disk())? {
            // What a torn tail took with it is no transaction any more.
            let end = self.end.get();
            found.keep_while(|entry| entry.aborted.last_offset < end);
            segment.aborted = found;
        }
        Ok(())
    }

    /// Takes over the index of a segment as far as it is trusted; returns the boundary from which to go on.
    fn resume(
        &self,
        segment: &mut Segment,
        size: u64,
        opening: Opening,
        recovered: &mut Recovered,
    ) -> Result<u64, OpenError> {
        if opening.suspect {
            return Ok(0);
        }
        let disk = &*self.os.disk;
        let offsets = Index::<OffsetEntry>::load(segment.offsets.path().into(), disk)?;
        let times = Index::<TimeEntry>::load(segment.times.path().into(), disk)?;
        let (Some(mut offsets), Some(mut times)) = (offsets, times) else {
            recovered.rebuilt += u32::from(size > 0 && opening.clean);
            return Ok(0);
        };
        let base = segment.base;
        let bound = opening.trusted().saturating_sub(base);
        let keep =
            |offset: u32, position: u32| i64::from(offset) < bound && u64::from(position) < size;
        offsets.keep_while(|entry| keep(entry.relative_offset, entry.position));
        times.keep_while(|entry| i64::from(entry.relative_offset) < bound);
        let last = offsets.with(disk, |entries| entries.last())?;
        (segment.offsets, segment.times) = (offsets, times);
        let Some(last) = last else { return Ok(0) };
        segment.size = size;
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

    /// Walks a segment from a boundary to its end or to the first thing that is wrong. What is not trusted is read whole
    /// and its checksum computed.
    fn check(
        &mut self,
        segment: &mut Segment,
        look: Look,
        recovered: &mut Recovered,
    ) -> Result<Option<Fault>, OpenError> {
        let (path, file) = (segment.path().clone(), segment.file(&self.files)?);
        let mut scan = Scan::new(file.clone(), &path, look.from, look.size);
        let mut verifier = Verifier::new(file, path.clone(), look.opening.suspect);
        let mut position = look.from;
        let mut expected = None;
        let mut unchecked = look.size;
        segment.size = look.from;
        let detail = loop {
            let found = match scan.next() {
                Ok(None) => break look.gap(expected.unwrap_or(segment.base)),
                Ok(Some(found)) => found,
                Err(ReadError::Damaged { source, .. }) => break Some(source.to_string()),
                Err(ReadError::Storage(error)) => return Err(error.into()),
                Err(error) => break Some(error.to_string()),
            };
            if let Some(detail) = look.out_of_order(segment.base, &found, expected) {
                break Some(detail);
            }
            if found.last_offset >= look.trusted {
                if let Err(error) = verifier.check(&found)? {
                    break Some(error.to_string());
                }
                recovered.checked_bytes += found.size as u64;
                recovered.markers +=
                    u64::from(found.header.as_ref().is_some_and(BatchHeader::is_control));
                unchecked = unchecked.min(found.position);
            }
            (expected, position) = (Some(found.last_offset + 1), found.end());
            self.note(segment, &found);
        };
        segment.unchecked = Unchecked::below(unchecked.min(segment.size));
        let end = expected.unwrap_or(segment.base).max(0);
        self.end = Offset::new(if detail.is_some() { end } else { look.next.unwrap_or(end) });
        let fault = |detail| Fault { path: path.clone(), position, size: look.size, detail };
        Ok(detail.map(fault))
    }

    fn note(&self, segment: &mut Segment, found: &Found) {
        let interval = self.config.index_interval_bytes;
        segment.note(found.position, found.size, found.appended(), interval);
    }
}

/// What is walked through, and how far it is trusted.
#[derive(Clone, Copy)]
struct Look {
    from: u64,
    size: u64,
    next: Option<i64>,
    trusted: i64,
    opening: Opening,
    /// Whether records may be missing because others took their place.
    compacted: bool,
}

impl Look {
    /// What is wrong with the offsets of a batch that stands where `expected` should.
    fn out_of_order(&self, first: i64, found: &Found, expected: Option<i64>) -> Option<String> {
        let base = found.first_offset();
        // Records below the recovery point were on disk, up to the very last: none is jumped over.
        let below = expected.unwrap_or(base) < self.trusted && self.trusted != i64::MAX;
        let jumps = self.next.is_none() && below && self.trusted <= base;
        let expected = expected.unwrap_or(first);
        let wrong = base < expected
            || jumps
            || found.last_offset < base
            || found.last_offset - first > i64::from(i32::MAX)
            || self.next.is_some_and(|next| found.last_offset >= next);
        wrong.then(|| format!("offsets {base} to {} after {expected}", found.last_offset))
    }

    /// What is wrong if a segment's batches end at `end`: after a power cut its file may be shorter than it was, or the
    /// segment behind it may have lost its name. Offsets below the start of the log may be missing.
    fn gap(&self, end: i64) -> Option<String> {
        let next = self.next.filter(|next| end < *next && *next > self.opening.log_start.get())?;
        let checked =
            !self.compacted && self.trusted != i64::MAX && self.opening.recovery_point.is_some();
        checked.then(|| format!("the next segment begins at offset {next}"))
    }
}

/// Makes the folder, removes what an interrupted deletion or write left, and lists the segments by base offset.
fn tidy(os: &Os, folder: &Path, names: &mut Names) -> Result<Vec<i64>, StorageError> {
    let disk = &*os.disk;
    let (mut bases, mut indexes) = (Vec::new(), Vec::new());
    let remove = |path: PathBuf| disk.remove_file(&path).map_err(StorageError::at("remove", path));
    for entry in disk.list(folder).map_err(StorageError::at("list", folder))? {
        let ends_with = |suffix: &&str| entry.name.ends_with(suffix);
        if [".deleted", ".tmp", ".cleaned"].iter().any(ends_with) {
            remove(folder.join(&entry.name))?;
        } else if let Some(base) = offset_of(&entry.name, ".log") {
            bases.push(base);
        } else if let Some(suffix) = INDEXES.iter().find(|suffix| ends_with(suffix)) {
            indexes.extend(offset_of(&entry.name, suffix).map(|base| (base, *suffix)));
        }
    }
    bases.sort_unstable();
    // Left of a segment that is no more, it would describe another one that begins at the same offset.
    for (base, suffix) in indexes.iter().filter(|(base, _)| bases.binary_search(base).is_err()) {
        remove(path_in(folder, *base, suffix))?;
        names.change();
    }
    Ok(bases)
}

const INDEXES: [&str; 3] = [".index", ".timeindex", ".txnindex"];
