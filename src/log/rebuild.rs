//! What is kept beside the batches of a log, loaded when it is opened and rebuilt from its batches where it is lost.

use std::path::PathBuf;

use super::Log;
use super::epochs::{self, LeaderEpochs};
use super::error::{Damage, OpenError, ReadError, StorageError};
use super::files::path_in;
use super::recovery::Recovered;
use super::segment::Segment;
use super::snapshot;
use crate::base::{LeaderEpoch, Offset};
use crate::record::BatchHeader;

impl Log {
    pub(super) fn load_epochs(&mut self, recovered: &mut Recovered) -> Result<(), OpenError> {
        let disk = self.os.disk.clone();
        let path = self.folder.join(epochs::FILE);
        let mut changed = false;
        match LeaderEpochs::load(path.clone(), &*disk)? {
            Some(epochs) if self.bears_out(&epochs) => self.epochs = epochs,
            _ => {
                changed = self.end > self.start;
                if changed {
                    recovered.rebuilt.push(path.clone());
                }
                self.epochs = LeaderEpochs::empty(path);
                let mut epochs =
                    std::mem::replace(&mut self.epochs, LeaderEpochs::empty(PathBuf::new()));
                let start = self.start;
                let noted = self.each_batch(start.get(), self.end.get(), |_, found| {
                    let epoch = found.header.map(|header| header.partition_leader_epoch);
                    if let Some(epoch) = epoch.and_then(LeaderEpoch::from_wire) {
                        // What stood before the first batch is compacted away.
                        let known = epochs.latest().is_some();
                        let first = found.header.map_or(0, |header| header.base_offset);
                        let first = Offset::new(first.max(0));
                        epochs.note(epoch, if known { first } else { first.min(start) });
                    }
                    Ok(())
                });
                noted.map_err(|(segment, error)| self.unreadable(segment, error))?;
                self.epochs = epochs;
            }
        }
        changed |= self.epochs.cut_above(self.end);
        if changed {
            self.epochs.save(&*disk)?;
        }
        Ok(())
    }

    /// From the newest snapshot that the log reaches, then from all batches above it, also those below the start of the log: a
    /// marker among them ends what the snapshot has open.
    pub(super) fn load_producers(&mut self) -> Result<(), OpenError> {
        let disk = self.os.disk.clone();
        let reach = self.segments[0].base..=self.end.get();
        let (mut from, mut is_found) = (*reach.start(), false);
        for offset in self.snapshots()?.into_iter().rev() {
            let path = path_in(&self.folder, offset, ".snapshot");
            let is_near = reach.contains(&offset);
            if is_near && is_found {
                continue;
            }
            let known = if is_near { snapshot::read(&*disk, &path)? } else { None };
            if let Some(producers) = known {
                (self.producers, from, is_found) = (producers, offset, true);
                continue;
            }
            // Unusable, or of a log that is no more: were it to come back, it would be believed. And what was written between one
            // that lies below the first segment and that segment, nobody knows.
            disk.remove_file(&path).map_err(StorageError::at("remove", &path))?;
            self.names.change();
        }
        let mut producers = std::mem::take(&mut self.producers);
        let lone = producers.with_one_batch();
        let mut recall = |header: &BatchHeader| {
            if lone.contains(&header.producer_id) {
                producers.recall(header);
            }
        };
        if !lone.is_empty()
            && let Err(error) = self.look_back(from, &mut recall)
        {
            // Whoever reads there will be told in full.
            tracing::debug!(partition = %self.partition, %error, "not all producers' batches are known again");
        }
        let end = self.end.get();
        let replayed =
            self.each_batch(from, end, |scan, found| producers.replay(scan, found).map(drop));
        replayed.map_err(|(segment, error)| self.unreadable(segment, error))?;
        self.producers = producers;
        Ok(())
    }

    /// Writes the snapshots anew that may not be on disk, though they can be read and the next fsync says so.
    pub(super) fn renew_snapshots(&self, from: i64) -> Result<(), StorageError> {
        for offset in self.snapshots()?.into_iter().filter(|offset| *offset >= from) {
            let path = path_in(&self.folder, offset, ".snapshot");
            let bytes = self.disk().read(&path).map_err(StorageError::at("read", &path))?;
            let bytes = bytes.unwrap_or_default();
            self.disk().replace(&path, &bytes).map_err(StorageError::at("write", &path))?;
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
