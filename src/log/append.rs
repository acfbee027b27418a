//! Appending: a batch is stamped, written with one system call, and noted; the cost does not depend on its records.

use std::io::IoSlice;
use std::path::Path;

use super::Log;
use super::error::{AppendError, StorageError};
use super::files::path_in;
use super::producers::first_offset;
use super::segment::{Appended, Segment};
use super::snapshot;
use super::verification::Guard;
use crate::base::{LeaderEpoch, Millis, Offset};
use crate::record::{Batch, Checked, HEADER_LEN, Stamp};

/// Where a batch stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Placed {
    /// The offset of its first record.
    pub base_offset: Offset,
    /// The offset of its last record.
    pub last_offset: Offset,
    /// The broker's clock, if the topic's records bear that.
    pub log_append_time: Option<Millis>,
    /// Whether its producer had sent it before: nothing was written.
    pub duplicate: bool,
}

impl Log {
    /// Appends one produced batch as the leader: gives it offsets, and writes it to the page cache.
    ///
    /// The batch has passed [`validate_produced`](crate::record::validate_produced). One of a transaction is taken only while the
    /// transaction is open; the first one goes through [`Log::begin_verification`]. A failed write is taken back; if
    /// that fails too the log goes offline.
    ///
    /// # Errors
    /// See [`AppendError`]; nothing was appended then.
    pub fn append(
        &mut self,
        batch: &Batch,
        checked: &Checked,
        epoch: LeaderEpoch,
        now: Millis,
    ) -> Result<Placed, AppendError> {
        self.append_guarded(batch, checked, (epoch, now), None)
    }

    /// The same for a batch that may be the first of its transaction, now that the coordinator has said that the partition belongs
    /// to it.
    ///
    /// # Errors
    /// `GuardVoid` if the transaction may have ended meanwhile; others as [`Log::append`].
    pub fn append_verified(
        &mut self,
        batch: &Batch,
        checked: &Checked,
        epoch: LeaderEpoch,
        now: Millis,
        guard: Guard,
    ) -> Result<Placed, AppendError> {
        self.append_guarded(batch, checked, (epoch, now), Some(guard))
    }

    fn append_guarded(
        &mut self,
        batch: &Batch,
        checked: &Checked,
        (epoch, now): (LeaderEpoch, Millis),
        guard: Option<Guard>,
    ) -> Result<Placed, AppendError> {
        self.refuse_offline()?;
        let header = batch.header();
        if let Some(known) = self.producers.duplicate(header) {
            return Ok(Placed {
                base_offset: first_offset(&known),
                last_offset: Offset::new(known.last_offset.max(0)),
                log_append_time: self.config.log_append_time.then_some(now),
                duplicate: true,
            });
        }
        self.admit(header, guard)?;
        let (placed, timestamp) = self.put(batch, checked.max_timestamp, epoch, now)?;
        self.producers.note(header, placed.base_offset.get(), timestamp);
        if header.is_transactional() {
            self.verifications.appended(header);
        }
        self.assert_invariants();
        Ok(placed)
    }

    pub(super) fn refuse_offline(&self) -> Result<(), AppendError> {
        match self.offline {
            true => Err(AppendError::Offline { partition: self.partition.to_string() }),
            false => Ok(()),
        }
    }

    /// Writes a batch at the end of the log. Returns where it stands, and its youngest timestamp.
    pub(super) fn put(
        &mut self,
        batch: &Batch,
        max_timestamp: Millis,
        epoch: LeaderEpoch,
        now: Millis,
    ) -> Result<(Placed, i64), AppendError> {
        let log_append_time = self.config.log_append_time.then_some(now);
        let base_offset = self.end;
        let last_offset = base_offset.plus(i64::from(batch.header().last_offset_delta));
        let timestamp = log_append_time.unwrap_or(max_timestamp).0;
        let stamp = Stamp { base_offset, leader_epoch: epoch, log_append_time, max_timestamp };
        let size = batch.size_in_bytes();
        self.roll_for(size, last_offset, timestamp, now)?;
        self.note_epoch(epoch, base_offset)?;
        let mut header = batch.header_bytes();
        let payload = &batch.bytes()[HEADER_LEN..];
        stamp.apply(&mut header, payload);
        let appended = Appended { last_offset: last_offset.get(), timestamp };
        self.write(&mut [IoSlice::new(&header), IoSlice::new(payload)], appended)?;
        self.end = last_offset.plus(1);
        self.appended_bytes += size as u64;
        Ok((Placed { base_offset, last_offset, log_append_time, duplicate: false }, timestamp))
    }

    fn write(&mut self, parts: &mut [IoSlice<'_>], appended: Appended) -> Result<(), StorageError> {
        let files = self.files.clone();
        let interval = self.config.index_interval_bytes;
        if self.active().size == 0 {
            // Its file may have to be made first.
            self.names.change();
        }
        self.active().append(&files, parts, appended, interval).map_err(|(error, kept)| {
            self.offline |= kept;
            error
        })
    }

    /// A new epoch is durable before its first record is written. The first of all becomes so with the first flush: it is
    /// found in the batches if it is lost.
    fn note_epoch(&mut self, epoch: LeaderEpoch, start: Offset) -> Result<(), StorageError> {
        let first = self.epochs.entries().is_empty() && start == Offset::ZERO;
        if self.epochs.note(epoch, start) {
            let saved = if first {
                self.names.change_whole();
                self.epochs.save_unsynced(self.disk())
            } else {
                self.epochs.save(self.disk())
            };
            saved.inspect_err(|_| {
                self.epochs.cut_above(start);
            })?;
        }
        Ok(())
    }

    /// Rolls the active segment if the next batch may not go into it.
    fn roll_for(
        &mut self,
        size: usize,
        last_offset: Offset,
        timestamp: i64,
        now: Millis,
    ) -> Result<(), AppendError> {
        let limit = u64::from(self.config.segment_bytes);
        if size as u64 > limit {
            return Err(AppendError::TooLarge { size, segment_bytes: self.config.segment_bytes });
        }
        let config = self.config.clone();
        let jitter = self.jitter_ms;
        let active = self.active();
        let index_room = (config.segment_index_bytes as usize).saturating_sub(8);
        let full = active.size + size as u64 > limit
            || last_offset.get() - active.base > i64::from(i32::MAX)
            || active.offsets.live_bytes() >= index_room
            || active.times.live_bytes() >= index_room;
        let age = active.first_timestamp.map_or(0, |first| {
            let reference = if first >= 0 && timestamp >= 0 { timestamp } else { now.0 };
            reference.saturating_sub(first.max(0))
        });
        if active.size > 0 && (full || age > config.segment_ms.saturating_sub(jitter)) {
            self.roll()?;
        }
        Ok(())
    }

    /// Seals the active segment and begins a new one at the end of the log. One that has no batches stays.
    ///
    /// It is not waited for the disk, but for names that no flush has come by yet: whoever appends would wait with it. What was
    /// sealed becomes durable with the next flush plan. Of a compacted log it does so here: should a power cut shorten a segment, the
    /// hole would look like compaction's, and without the newest snapshot a transaction would be open whose marker is compacted away.
    ///
    /// # Errors
    /// As the system says. The active segment is still active then, and the roll can be tried again; after a failed fsync
    /// the log is offline.
    pub fn roll(&mut self) -> Result<(), StorageError> {
        if self.active().size == 0 {
            return Ok(());
        }
        let disk = self.os.disk.clone();
        self.sync_older_names()?;
        self.active().finish(&*disk)?;
        if self.config.compact {
            self.sync_active()?;
        }
        self.names.change();
        let snapshot = path_in(&self.folder, self.end.get(), ".snapshot");
        let segment = self.make_next(&snapshot).inspect_err(|_| {
            // Nobody would ever make it durable.
            drop(disk.remove_if_there(&snapshot));
        })?;
        // Last of all: on a full disk any step may fail, and the active segment must take batches still.
        self.active().decided.stable_at_end = self.producers.first_open().unwrap_or(self.end.get());
        self.active().seal();
        self.segments.push(segment);
        self.jitter_ms = self.draw_jitter();
        Ok(())
    }

    /// Without the names of older segments a power cut may keep a newer one alone, and the log would seem to begin there. There is
    /// nothing to do but where a segment was filled faster than a flush came.
    fn sync_older_names(&mut self) -> Result<(), StorageError> {
        let synced = self.sync_names();
        self.offline |= synced.is_err();
        synced
    }

    fn make_next(&self, snapshot: &Path) -> Result<Segment, StorageError> {
        match self.config.compact {
            true => snapshot::write(self.disk(), snapshot, &self.producers)?,
            false => snapshot::write_unsynced(self.disk(), snapshot, &self.producers)?,
        }
        let segment = Segment::empty(&self.folder, self.end.get());
        segment.file(&self.files)?;
        Ok(segment)
    }

    /// Makes the active segment's files durable: its batches, its indexes, and that nothing of a failed write stands behind
    /// them. It can still be appended to.
    pub(super) fn sync_active(&mut self) -> Result<(), StorageError> {
        let (disk, files) = (self.os.disk.clone(), self.files.clone());
        let counts = self.counts.clone();
        let synced = counts.sync(|| self.active().sync(&files, &*disk));
        self.offline |= synced.is_err();
        synced
    }

    /// A part of `segment.jitter.ms`, by chance.
    pub(super) fn draw_jitter(&self) -> i64 {
        let most = self.config.segment_jitter_ms.min(self.config.segment_ms).max(0);
        if most == 0 {
            return 0;
        }
        let mut bytes = [0; 8];
        self.os.entropy.fill(&mut bytes);
        (u64::from_be_bytes(bytes) % most as u64) as i64
    }
}
