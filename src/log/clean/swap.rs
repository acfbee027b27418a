//! Cleaned segments take the place of old ones, so that a crash at any step leaves the old ones or the new one (Kafka's
//! `LocalLog.replaceSegments`): `.cleaned` becomes `.swap`, the `.log` last; once those names are on disk, the old files become
//! `.deleted`; once that is on disk, `.swap` goes.

use std::path::PathBuf;

use super::write::{CleanedGroup, SUFFIXES};
use crate::base::Millis;
use crate::log::Log;
use crate::log::error::StorageError;
use crate::log::files::path_in;

/// What became of a cleaned group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Taken {
    /// It took the place of the old segments.
    Swapped,
    /// The old segments are no more what they were: retention or a deletion came first.
    Outdated,
}

impl Log {
    /// Puts a cleaned group in the place of the segments that it was made from.
    ///
    /// # Errors
    /// As the system says. The log is offline then: what stands in its folder is made whole at the next start.
    pub fn take_over(&mut self, group: &CleanedGroup, now: Millis) -> Result<Taken, StorageError> {
        let first = self.segments.iter().position(|segment| segment.base == group.segment.base);
        let Some(first) = first.filter(|_| !self.offline) else { return Ok(Taken::Outdated) };
        let old = self.segments[first..].iter().map(|segment| (segment.base, segment.version));
        if !old.take(group.replaces.len()).eq(group.replaces.iter().copied()) {
            return Ok(Taken::Outdated);
        }
        let swapped = self.swap(group, now);
        if swapped.is_err() {
            self.offline = true;
            swapped?;
        }
        let mut segment = group.segment.in_place(&self.folder);
        segment.version = group.replaces[0].1 + 1;
        self.segments.splice(first..first + group.replaces.len(), [segment]);
        self.assert_invariants();
        Ok(Taken::Swapped)
    }

    fn swap(&mut self, group: &CleanedGroup, now: Millis) -> Result<(), StorageError> {
        let base = group.segment.base;
        self.names.sync(self.disk(), &self.folder)?;
        self.remove_others_aside(base)?;
        for suffix in SUFFIXES {
            if suffix != ".txnindex" || group.has_transactions {
                self.rename(base, &format!("{suffix}.cleaned"), &format!("{suffix}.swap"))?;
            }
        }
        self.sync_renamed()?;
        let due = now.0.saturating_add(self.config.file_delete_delay_ms);
        for (old, _) in &group.replaces {
            self.files.forget(&path_in(&self.folder, *old, ".log"));
            let snapshot = (*old != base).then_some(".snapshot");
            for suffix in SUFFIXES.into_iter().chain(snapshot) {
                self.rename_doomed(*old, suffix, due)?;
            }
        }
        self.sync_renamed()?;
        for suffix in SUFFIXES.into_iter().rev() {
            if suffix != ".txnindex" || group.has_transactions {
                self.rename(base, &format!("{suffix}.swap"), suffix)?;
            }
        }
        self.sync_renamed()
    }

    fn sync_renamed(&mut self) -> Result<(), StorageError> {
        self.names.change();
        self.names.sync(self.disk(), &self.folder)
    }

    fn rename(&self, base: i64, from: &str, to: &str) -> Result<(), StorageError> {
        let from = path_in(&self.folder, base, from);
        let renamed = self.os.disk.rename(&from, &path_in(&self.folder, base, to));
        renamed.map_err(StorageError::at("rename", from))
    }

    /// What an earlier attempt left aside would make recovery doubt this swap.
    fn remove_others_aside(&self, base: i64) -> Result<(), StorageError> {
        let own: Vec<PathBuf> = SUFFIXES
            .iter()
            .map(|suffix| path_in(&self.folder, base, &format!("{suffix}.cleaned")))
            .collect();
        let disk = self.disk();
        for entry in disk.list(&self.folder).map_err(StorageError::at("list", &self.folder))? {
            let path = self.folder.join(&entry.name);
            if entry.name.ends_with(".cleaned") && !own.contains(&path) {
                disk.remove_file(&path).map_err(StorageError::at("remove", path))?;
            }
        }
        Ok(())
    }
}
