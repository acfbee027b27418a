//! What stood on disk before this start is held against its checksums before it is first served, once: a disk may have
//! changed it since it was written.
//!
//! A read that comes upon such a stretch fails with [`ReadError::Unchecked`]. Whoever holds the log's lock lets go of it, runs
//! the [`Check`] where the disk may be waited for, hands what it found to [`Log::checked`], and reads again. An index that
//! leads astray is no damage: the check rebuilds it from the batches.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Log;
use super::aborted::AbortedEntry;
use super::check_transactions::Claim;
use super::epochs::LeaderEpochs;
use super::error::{Damage, ReadError, StorageError};
use super::segment::{Segment, Youngest};
use super::walk::{Fault, Walk};
use crate::base::{Millis, Offset, quoted};
use crate::os::{Disk, DiskFile};

/// Less is not checked at a time: the next fetch most likely goes on where this one ends.
const READ_AHEAD: u64 = 1 << 20;
/// More is not checked at a time, so that a check takes milliseconds.
const AT_A_TIME: u64 = 16 << 20;

/// What has to be looked at before a read can go on. Holds the file open; needs no lock.
#[derive(Debug)]
pub struct Check {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) file: Arc<dyn DiskFile>,
    pub(super) path: Arc<Path>,
    pub(super) folder: PathBuf,
    pub(super) epochs: LeaderEpochs,
    pub(super) base: i64,
    pub(super) version: u32,
    /// No offset of the segment reaches so far.
    pub(super) next: i64,
    pub(super) is_sealed: bool,
    pub(super) size: u64,
    pub(super) from: u64,
    pub(super) up_to: u64,
    /// What the index says of the batch at `from`: some batch from there on ends with this offset.
    pub(super) entry: Option<i64>,
    pub(super) work: Work,
}

#[derive(Clone, Debug)]
pub(super) enum Work {
    Batches,
    Indexes { interval: u32 },
    Youngest { claimed: Youngest },
    Markers { from: i64 },
    Replay(Claim),
}

/// What a check found: all is well, or an index is not.
#[derive(Debug)]
pub struct Checked {
    base: i64,
    version: u32,
    next: i64,
    /// Whether the segment was closed when it was looked at: what it ends with was there.
    was_sealed: bool,
    outcome: Outcome,
}

#[derive(Debug)]
pub(super) enum Outcome {
    Sound { from: u64, to: u64, end: i64 },
    Youngest,
    WrongIndex,
    Reindexed { to: u64, end: i64, fresh: Box<Segment> },
    NoAborts { from: i64, stable_at_end: Option<i64> },
    Aborts,
    Replayed { fresh: Option<Vec<AbortedEntry>>, stable_at_end: i64 },
}

impl Check {
    /// How many bytes it reads, about.
    pub fn bytes(&self) -> u64 {
        match self.work {
            Work::Youngest { .. } | Work::Markers { .. } | Work::Replay(_) => 0,
            Work::Batches | Work::Indexes { .. } => self.up_to.saturating_sub(self.from),
        }
    }

    /// Reads and compares. Blocking; to be called without the log's lock, not on an async thread.
    ///
    /// # Errors
    /// `Rotten` where something is not what was written; `Storage` as the system says.
    pub fn run(&self) -> Result<Checked, ReadError> {
        let outcome = match &self.work {
            Work::Batches => self.batches(None)?,
            Work::Indexes { interval } => self.batches(Some(*interval))?,
            Work::Youngest { claimed } => self.youngest(*claimed)?,
            Work::Markers { from } => self.markers(*from)?,
            Work::Replay(claim) => self.replay(claim)?,
        };
        Ok(Checked {
            base: self.base,
            version: self.version,
            next: self.next,
            was_sealed: self.is_sealed,
            outcome,
        })
    }

    fn batches(&self, interval: Option<u32>) -> Result<Outcome, ReadError> {
        let mut walk = Walk::new(&*self.file, self.from, self.size);
        let mut fresh = interval.map(|_| Box::new(Segment::empty(&self.folder, self.base)));
        let mut expected = if self.from == 0 { self.base } else { i64::MIN };
        let mut entry = self.entry;
        while walk.position() < self.up_to || entry.is_some() {
            let position = walk.position();
            let found = match walk.next() {
                Ok(Some(found)) => found,
                Ok(None) => break,
                Err(Fault::Io(source)) if source.kind() == ErrorKind::UnexpectedEof => {
                    return Err(self.rotten(position, expected, "the file ends there".into()));
                }
                Err(Fault::Io(source)) => return Err(self.storage(source).into()),
                // Where the index led to, no batch begins.
                Err(Fault::Batch(_)) if position == self.from && entry.is_some() => {
                    return Ok(Outcome::WrongIndex);
                }
                Err(Fault::Batch(error)) => {
                    return Err(self.rotten(position, expected, error.to_string()));
                }
            };
            let first = found.first_offset();
            if entry.is_some_and(|entry| found.last_offset > entry || first < self.base) {
                return Ok(Outcome::WrongIndex);
            }
            entry = entry.filter(|entry| *entry != found.last_offset);
            let next = self.next.min(self.base + (1 << 31));
            if first < expected || found.last_offset < first || found.last_offset >= next {
                let detail = format!("offsets {first} to {} stand there", found.last_offset);
                return Err(self.rotten(position, expected, detail));
            }
            if let Some(header) = &found.header {
                self.check_epoch(position, first, header.partition_leader_epoch)?;
            }
            if let (Some(fresh), Some(interval)) = (&mut fresh, interval) {
                fresh.note(position, found.size, found.appended(), interval);
            }
            expected = found.last_offset + 1;
        }
        if entry.is_some() {
            return Ok(Outcome::WrongIndex);
        }
        // Offsets are not under the checksum: one that was shifted upwards shows in what follows it.
        let (to, after) = (walk.position(), walk.peek().map_err(|source| self.storage(source))?);
        if let Some(after) = after.filter(|after| *after < expected) {
            return Err(self.rotten(to, expected, format!("offset {after} stands there")));
        }
        Ok(match fresh {
            Some(fresh) => Outcome::Reindexed { to, end: expected, fresh },
            None => Outcome::Sound { from: self.from, to, end: expected },
        })
    }

    /// The leader's epoch is not under the checksum either.
    fn check_epoch(&self, position: u64, first: i64, epoch: i32) -> Result<(), ReadError> {
        let known = self.epochs.of(Offset::new(first.max(0))).map(|epoch| epoch.get());
        match known {
            Some(known) if epoch != known && epoch != -1 => {
                let detail = format!("leader epoch {epoch} stands there, {known} was written");
                Err(self.rotten(position, first, detail))
            }
            _ => Ok(()),
        }
    }

    /// Whether the last entry of the time index is the youngest record, as it should be.
    fn youngest(&self, claimed: Youngest) -> Result<Outcome, ReadError> {
        let mut scan = super::scan::Scan::new(self.file.clone(), &self.path, self.from, self.size);
        let mut there = claimed.timestamp < 0;
        loop {
            let found = match scan.next() {
                Ok(Some(found)) => found,
                Ok(None) => break,
                Err(ReadError::Storage(error)) => return Err(error.into()),
                Err(_) => return Ok(Outcome::WrongIndex),
            };
            let Some(header) = found.header else {
                there |= found.last_offset >= claimed.offset;
                continue;
            };
            if found.timestamp() > claimed.timestamp {
                return Ok(Outcome::WrongIndex);
            }
            there |= found.timestamp() == claimed.timestamp
                && (header.base_offset..=found.last_offset).contains(&claimed.offset);
        }
        Ok(if there { Outcome::Youngest } else { Outcome::WrongIndex })
    }

    pub(super) fn rotten(&self, position: u64, expected: i64, detail: String) -> ReadError {
        let offset = Offset::new(expected.max(self.base).max(0));
        ReadError::Rotten(Damage { file: self.path.to_path_buf(), position, offset, detail })
    }

    pub(super) fn storage(&self, source: std::io::Error) -> StorageError {
        StorageError::at("read", &*self.path)(source)
    }
}

impl Log {
    /// Takes over what a check found.
    ///
    /// # Errors
    /// As the system says: a rebuilt index could not be written.
    pub fn checked(&mut self, done: Checked) -> Result<(), ReadError> {
        let found = self.segments.binary_search_by_key(&done.base, |segment| segment.base);
        // Retention may have deleted it meanwhile, or compaction replaced it.
        let same = |at: &usize| self.segments[*at].version == done.version;
        let Some(at) = found.ok().filter(same) else { return Ok(()) };
        let disk = self.os.disk.clone();
        let sealed = at + 1 < self.segments.len();
        let interval = self.config.index_interval_bytes;
        let segment = &mut self.segments[at];
        match done.outcome {
            Outcome::Sound { from, to, end } => {
                segment.unchecked.remove(from, to);
                self.tell_missing(at, to, end);
            }
            Outcome::Youngest => segment.youngest_is_sure = true,
            Outcome::WrongIndex => segment.index_is_wrong = true,
            Outcome::Aborts => segment.decided.to_replay = true,
            Outcome::NoAborts { from, stable_at_end } => {
                segment.decided.sure_from = segment.decided.sure_from.min(from);
                if let Some(stable) = stable_at_end.filter(|_| done.was_sealed) {
                    segment.decided.stable_at_end = stable;
                }
            }
            Outcome::Replayed { fresh, stable_at_end } => {
                let stable_at_end = done.was_sealed.then_some(stable_at_end);
                self.note_transactions(at, fresh, (done.next, stable_at_end))?;
            }
            Outcome::Reindexed { to, end, mut fresh } => {
                let mut scan = segment.scan(&self.files, to)?;
                while let Some(found) = scan.next()? {
                    fresh.note(found.position, found.size, found.appended(), interval);
                }
                segment.unchecked.remove(0, to);
                segment.take_indexes(*fresh);
                let file = segment.offsets.path().display();
                tracing::warn!(partition = %self.partition, %file, "an index was wrong and was rebuilt from its segment");
                if sealed {
                    segment.seal_recovered(&*disk)?;
                }
                self.tell_missing(at, to, end);
            }
        }
        Ok(())
    }

    /// Says of a segment that was looked through up to `to`, where offset `end` comes next, what is missing before the next one.
    /// What is left is sound and is served, but the operator is told what is not. Compaction leaves such gaps, too.
    fn tell_missing(&self, at: usize, to: u64, end: i64) {
        let segment = &self.segments[at];
        let Some(next) = self.segments.get(at + 1).map(|next| next.base) else { return };
        let is_missing = to == segment.size && (segment.base..next).contains(&end);
        if !is_missing || self.config.compact || self.was_compacted || next <= self.start.get() {
            return;
        }
        let (file, up_to, folder) = (segment.path().display(), next - 1, quoted(&self.folder));
        tracing::error!(partition = %self.partition, %file, from = end, up_to,
            "records are missing: the file ends before the next segment begins, and nothing of this log was compacted; consumers pass over \
             them; if there is a copy of the segment that stood between, stop klog and put it back: klog dump-segment --verify {folder}");
    }

    /// The next stretch that nobody has checked since this start; `None` once all is.
    ///
    /// # Errors
    /// `Damaged` where that shows at once; `Storage` as the system says.
    pub fn next_check(&self) -> Result<Option<Check>, ReadError> {
        for (at, segment) in self.segments.iter().enumerate() {
            if segment.index_is_wrong {
                return Ok(Some(self.reindex(at)?));
            }
            if let Some((start, _)) = segment.unchecked.from(0) {
                return Ok(Some(self.check_from(at, start, READ_AHEAD)?));
            }
            if !segment.youngest_is_sure {
                return Ok(Some(self.check_youngest(at)?));
            }
            if segment.decided.sure_from > segment.base {
                return self.check_transactions(at, segment.base).map(Some);
            }
        }
        Ok(None)
    }

    /// Checks all that nobody has checked since this start. Blocking.
    ///
    /// # Errors
    /// `Rotten` where something is not what was written; `Storage` as the system says.
    pub fn check_all(&mut self) -> Result<(), ReadError> {
        while let Some(check) = self.next_check()? {
            self.checked(check.run()?)?;
        }
        Ok(())
    }

    /// What has to be checked before retention may go by the age of the first segment, if it would.
    ///
    /// # Errors
    /// As the system says.
    pub fn check_before_retention(&self, now: Millis) -> Result<Option<Check>, StorageError> {
        let (first, config) = (&self.segments[0], &self.config);
        let by_age = config.delete && config.retention_ms >= 0 && first.size > 0;
        let Some(at) = self.dated().filter(|_| by_age) else { return Ok(None) };
        let age = now.0.saturating_sub(self.segments[at].youngest.timestamp);
        if age <= config.retention_ms {
            return Ok(None);
        }
        // Those before it may have records that an index does not tell of.
        let unsure = (0..=at).find(|at| !self.segments[*at].youngest_is_sure);
        unsure.map(|at| self.check_youngest(at)).transpose()
    }

    /// Refuses to go on until the batches that `offset` and `budget` bytes lead to are checked.
    pub(super) fn require(&self, at: usize, offset: i64, budget: usize) -> Result<(), ReadError> {
        let segment = &self.segments[at];
        let near = segment.near(self.disk(), offset)?.map_or(0, |entry| u64::from(entry.position));
        let Some((start, _)) = segment.unchecked.from(near) else { return Ok(()) };
        let begin = segment
            .find_below(&self.files, self.disk(), offset, start)
            .map_err(|error| self.astray(at, error))?;
        let wanted = match begin {
            Some(found) => found.position + (budget.max(found.size) as u64),
            None => start + budget as u64,
        };
        if begin.is_some() && wanted.min(segment.size) <= start {
            return Ok(());
        }
        Err(ReadError::Unchecked(Box::new(self.check_from(at, start, wanted - start)?)))
    }

    /// An error that comes from an index is answered by rebuilding it.
    pub(super) fn astray(&self, at: usize, error: ReadError) -> ReadError {
        match error {
            ReadError::Astray { .. } => self
                .reindex(at)
                .map_or_else(ReadError::from, |check| ReadError::Unchecked(check.into())),
            other => other,
        }
    }

    /// A check of about `bytes` from `start` on, which nobody has checked. It begins at the index entry before, whose offset
    /// the first batch must bear out.
    pub(super) fn check_from(
        &self,
        at: usize,
        start: u64,
        bytes: u64,
    ) -> Result<Check, StorageError> {
        let segment = &self.segments[at];
        if segment.index_is_wrong {
            return self.reindex(at);
        }
        let entry = segment.offsets.with(self.disk(), |entries| {
            entries.last_where(|entry| u64::from(entry.position) <= start)
        })?;
        let up_to = start + bytes.clamp(READ_AHEAD, AT_A_TIME);
        let check = self.look_at(at, Work::Batches)?;
        Ok(match entry {
            None => Check { up_to, ..check },
            Some(entry) => {
                let last = segment.base + i64::from(entry.relative_offset);
                Check { from: u64::from(entry.position), up_to, entry: Some(last), ..check }
            }
        })
    }

    fn reindex(&self, at: usize) -> Result<Check, StorageError> {
        self.look_at(at, Work::Indexes { interval: self.config.index_interval_bytes })
    }

    /// A check of whether the time index of a segment tells the truth about its youngest record.
    pub(super) fn check_youngest(&self, at: usize) -> Result<Check, StorageError> {
        let segment = &self.segments[at];
        if segment.index_is_wrong {
            return self.reindex(at);
        }
        let claimed = segment.youngest;
        let near = match claimed.timestamp {
            ..0 => None,
            _ => segment.near(self.disk(), claimed.offset)?,
        };
        let from = near.map_or(0, |entry| u64::from(entry.position));
        Ok(Check { from, ..self.look_at(at, Work::Youngest { claimed })? })
    }

    pub(super) fn look_at(&self, at: usize, work: Work) -> Result<Check, StorageError> {
        let segment = &self.segments[at];
        Ok(Check {
            disk: self.os.disk.clone(),
            is_sealed: at + 1 < self.segments.len(),
            file: segment.file(&self.files)?,
            path: segment.path().clone(),
            folder: self.folder.clone(),
            epochs: self.epochs.clone(),
            base: segment.base,
            version: segment.version,
            next: self.segments.get(at + 1).map_or(self.end.get(), |next| next.base),
            size: segment.size,
            from: 0,
            up_to: segment.size,
            entry: None,
            work,
        })
    }
}
