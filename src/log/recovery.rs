//! Opening a log: what a clean stop left is trusted; after a crash, what lies above the recovery point is checked batch by
//! batch, and the first bad byte there ends the log. Damage below the recovery point is refused, and nothing is changed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Log;
use super::clean;
use super::epochs::{self, LeaderEpochs};
use super::error::{OpenError, StorageError};
use super::files::{FileCache, offset_of, path_in};
use super::names::Names;
use super::producers::Producers;
use super::segment::Segment;
use super::transactions::Pending;
use super::verification::Verifications;
use crate::base::{Offset, TopicPartition};
use crate::config::TopicConfig;
use crate::os::Os;

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
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Recovered {
    /// How many bytes were checked.
    pub checked_bytes: u64,
    /// How many bytes behind the first bad one were cut.
    pub cut_bytes: u64,
    /// How many whole batches were among them: they stood behind a hole.
    pub cut_batches: u64,
    /// Which side files were lost or damaged, and rebuilt.
    pub rebuilt: Vec<PathBuf>,
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
            borne_out_start: Offset::ZERO,
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
        match log.may_stay(opening, &recovered) {
            Some(point) => {
                log.names.change();
                log.recovery_point = point;
            }
            None => log.make_durable(&bases, opening)?,
        }
        log.borne_out_start = log.start;
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
    fn may_stay(&self, opening: Opening, recovered: &Recovered) -> Option<Offset> {
        let Recovered { cut_bytes, rebuilt, markers, .. } = recovered;
        let promises = self.config.flush_messages != i64::MAX;
        let changed = self.names.pending().is_some() || *cut_bytes > 0 || !rebuilt.is_empty();
        let is_needed = promises || changed || *markers > 0 || opening.suspect;
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
