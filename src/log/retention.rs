//! What is deleted: whole segments, by age, by size, or below the start of the log. Files are first renamed, and removed
//! once `file.delete.delay.ms` has passed.

use std::path::PathBuf;

use super::Log;
use super::error::{ReadError, StorageError};
use super::files::path_in;
use super::segment::Segment;
use crate::base::{Millis, Offset, with_causes};

/// Why a segment was deleted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Reason {
    Age,
    Size,
    Start,
}

impl Log {
    /// Deletes the segments that the configuration does not keep, at most so many. Returns how many. Between two of them the disk is waited
    /// for; before the first one too, where [`Log::names_plan`] has anything to do.
    ///
    /// # Errors
    /// As the system says.
    pub fn enforce_retention(&mut self, now: Millis, most: usize) -> Result<usize, StorageError> {
        let mut deleted = 0;
        while let Some(reason) = self.first_is_due(now).filter(|_| deleted < most) {
            if self.segments.len() == 1 {
                self.roll()?;
            }
            self.delete_first(now)?;
            tracing::debug!(partition = %self.partition, ?reason, start = %self.start, "deleted a segment");
            deleted += 1;
        }
        Ok(deleted)
    }

    fn first_is_due(&self, now: Millis) -> Option<Reason> {
        let first = self.segments.first().filter(|first| first.size > 0)?;
        let config = &self.config;
        let next = self.segments.get(1).map_or(self.end.get(), |next| next.base);
        if next <= self.start.get() && self.segments.len() > 1 {
            return Some(Reason::Start);
        }
        if !config.delete {
            return None;
        }
        // A time index that lies must not cost records: see `check_before_retention`.
        let dated =
            self.dated().map(|at| &self.segments[at]).filter(|dated| dated.youngest_is_sure);
        let age = dated.map(|dated| now.0.saturating_sub(dated.youngest.timestamp));
        if config.retention_ms >= 0 && age.is_some_and(|age| age > config.retention_ms) {
            return Some(Reason::Age);
        }
        let rest = self.size_bytes().saturating_sub(first.size);
        let keep = u64::try_from(config.retention_bytes).ok();
        (self.segments.len() > 1 && keep.is_some_and(|keep| rest >= keep)).then_some(Reason::Size)
    }

    /// The segment that tells the age of the first one: itself, or where no record in it has a timestamp, the next one that has.
    pub(super) fn dated(&self) -> Option<usize> {
        self.segments.iter().position(|segment| segment.youngest.timestamp >= 0)
    }

    fn delete_first(&mut self, now: Millis) -> Result<(), StorageError> {
        let next = self.segments[1].base;
        self.raise_start(Offset::new(next))?;
        self.doom_first(now)
    }

    /// Renames the first segment's files and forgets it.
    ///
    /// The names are durable before the next segment's are touched, and so is the segment that a roll began: else a power
    /// cut could keep an older segment but not a younger one, or none at all.
    fn doom_first(&mut self, now: Millis) -> Result<(), StorageError> {
        self.names.sync(self.disk(), &self.folder)?;
        let base = self.segments[0].base;
        let due = now.0.saturating_add(self.config.file_delete_delay_ms);
        self.names.change();
        self.rename_doomed(base, ".log", due)?;
        let segment: Segment = self.segments.remove(0);
        self.files.forget(segment.path());
        let others = [".index", ".timeindex", ".txnindex", ".snapshot"];
        others.iter().try_for_each(|suffix| self.rename_doomed(base, suffix, due))
    }

    pub(super) fn rename_doomed(
        &mut self,
        base: i64,
        suffix: &str,
        due: i64,
    ) -> Result<(), StorageError> {
        let from = path_in(&self.folder, base, suffix);
        let mut to = from.clone().into_os_string();
        to.push(".deleted");
        let to = PathBuf::from(to);
        match self.os.disk.rename(&from, &to) {
            Ok(()) => self.doomed.push((to, due)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(StorageError::at("rename", from)(error)),
        }
        Ok(())
    }

    fn raise_start(&mut self, start: Offset) -> Result<(), StorageError> {
        // What is told of a start holds only while the folder is there.
        self.names.sync_whole(self.disk(), &self.folder)?;
        self.start = self.start.max(start);
        self.bear_out_start();
        self.assert_invariants();
        Ok(())
    }

    /// Cuts the leader epochs on disk to where the log starts. Returns the highest start that they bear out, which is what a checkpoint may
    /// say: should a power cut take the log's end below its start, nothing else tells that the checkpoint is right. A full disk must not keep
    /// records from being deleted, so a failure is tried again the next time.
    pub fn bear_out_start(&mut self) -> Offset {
        if self.borne_out_start < self.start {
            self.epochs.cut_below(self.start);
            match self.epochs.save(self.disk()) {
                Ok(()) => self.borne_out_start = self.start,
                Err(error) => {
                    tracing::warn!(partition = %self.partition, error = %with_causes(&error), "deleted records' leader epochs stay in the checkpoint");
                }
            }
        }
        self.borne_out_start
    }

    /// Removes files that were renamed long enough ago.
    ///
    /// # Errors
    /// As the system says.
    pub fn remove_doomed(&mut self, now: Millis) -> Result<(), StorageError> {
        let due = self.doomed.iter().take_while(|(_, due)| *due <= now.0).count();
        for (path, _) in self.doomed.drain(..due) {
            let removed = self.os.disk.remove_if_there(&path);
            removed.map_err(StorageError::at("remove", path))?;
        }
        Ok(())
    }

    /// Moves the start of the log up to `before`, and deletes the segments that lie below (KIP-107).
    ///
    /// # Errors
    /// `OutOfRange` if `before` is past the end or below the start's first value; `Storage` as the system says.
    pub fn delete_records(&mut self, before: Offset, now: Millis) -> Result<(), ReadError> {
        if before > self.end {
            return Err(ReadError::OutOfRange { wanted: before, start: self.start, end: self.end });
        }
        if before <= self.start {
            return Ok(());
        }
        self.raise_start(before)?;
        while self.segments.get(1).is_some_and(|next| next.base <= before.get()) {
            self.doom_first(now)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::tests::{append, batch, config, partition};
    use crate::log::{Checkpoint, FileCache, LEADER_EPOCHS_FILE, Opening, read_epochs};
    use crate::os::sim::SimOs;

    #[test]
    fn a_start_is_for_the_checkpoint_once_the_leader_epochs_bear_it_out() {
        let sim = SimOs::new(1, Millis(0));
        let os = sim.os();
        let files = FileCache::new(os.disk.clone(), 16).into();
        let folder = PathBuf::from("/data/t-0");
        let opened =
            Log::open(&os, &files, folder.clone(), partition(), config(1000), Opening::default());
        let mut log = opened.unwrap().0;
        for at in 0..9 {
            append(&mut log, &batch(&[format!("v{at}")], at, None)).unwrap();
        }
        let on_disk = || {
            let epochs = read_epochs(&*os.disk, &folder.join(LEADER_EPOCHS_FILE)).unwrap();
            let Checkpoint::Read(epochs) = epochs else { panic!("{epochs:?}") };
            epochs[0].1
        };
        log.sync_names().unwrap();
        sim.disk.set_capacity(sim.disk.used_bytes());
        log.delete_records(Offset::new(7), Millis(0)).unwrap();
        assert_eq!((log.start(), log.bear_out_start()), (Offset::new(7), Offset::ZERO));
        assert_eq!(on_disk(), Offset::ZERO);
        sim.disk.set_capacity(u64::MAX);
        assert_eq!(log.bear_out_start(), Offset::new(7));
        assert_eq!(on_disk(), Offset::new(7));
    }
}
