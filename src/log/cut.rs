//! Where a log ends after a crash. A power cut keeps any part of what was not synced: batches torn, holes before whole
//! batches, a segment shorter than it was while the next one is there. None of it was promised to be durable, so above the
//! recovery point the first bad byte ends the log; below it, nothing is wrong but by damage, and that is refused.

use std::path::Path;
use std::sync::Arc;

use super::Log;
use super::error::{OpenError, StorageError};
use super::files::path_in;
use super::recovery::{Opening, Recovered};
use super::verify::Verifier;

/// The first thing in a log that is wrong.
#[derive(Debug)]
pub struct Fault {
    /// The segment file.
    pub path: Arc<Path>,
    /// The end of the last batch that is sound.
    pub position: u64,
    /// The file's length.
    pub size: u64,
    /// What is wrong behind it.
    pub detail: String,
}

impl Log {
    /// Ends the log at a fault in its last loaded segment: what stands behind it is cut, with the segments at `behind`.
    /// Refuses if a power cut does not explain the fault; nothing is changed then.
    pub(super) fn end_at(
        &mut self,
        fault: Fault,
        behind: &[i64],
        opening: Opening,
        recovered: &mut Recovered,
    ) -> Result<(), OpenError> {
        let (whole, first) = self.count_behind(&fault, behind)?;
        let explained = match opening.recovery_point {
            _ if opening.clean => false,
            Some(point) => self.end >= point,
            // Where it is not known what was durable, only a torn tail is surely none of it.
            None => behind.is_empty() && whole == 0,
        };
        if !explained {
            let detail = match first {
                Some(at) => {
                    format!("{}; a whole batch stands behind it, at byte {at}", fault.detail)
                }
                None => fault.detail,
            };
            return Err(OpenError::Damaged {
                file: fault.path.to_path_buf(),
                folder: self.folder.clone(),
                position: fault.position,
                offset: self.end,
                detail,
            });
        }
        let cut = self.cut(&fault, behind)?;
        recovered.cut_bytes += cut;
        recovered.cut_batches += whole;
        if cut > 0 || !behind.is_empty() {
            tracing::warn!(partition = %self.partition, file = %fault.path.display(), position = fault.position,
                end = %self.end, detail = fault.detail, cut_bytes = cut, cut_segments = behind.len(),
                cut_whole_batches = whole, "cut what a crash left behind the last sound batch; it was not yet durable");
        }
        Ok(())
    }

    /// How many whole batches stand behind a fault, and where the first one does if it is in the same file.
    fn count_behind(
        &self,
        fault: &Fault,
        behind: &[i64],
    ) -> Result<(u64, Option<u64>), StorageError> {
        let offset = self.end.get();
        let file = self.files.get(&fault.path)?;
        let mut verifier = Verifier::new(file, fault.path.clone(), false);
        let (mut whole, first) = verifier.whole_batches(fault.position, fault.size, offset)?;
        for base in behind {
            let path: Arc<Path> = path_in(&self.folder, *base, ".log").into();
            let file = self.files.get(&path)?;
            let size = file.len().map_err(StorageError::at("stat", &*path))?;
            whole += Verifier::new(file, path, false).whole_batches(0, size, offset)?.0;
        }
        Ok((whole, first))
    }

    /// Removes the segments behind first: while one is there, the fault must be too. Returns how many bytes went.
    fn cut(&mut self, fault: &Fault, behind: &[i64]) -> Result<u64, StorageError> {
        let mut bytes = fault.size - fault.position;
        for base in behind.iter().rev() {
            let path: Arc<Path> = path_in(&self.folder, *base, ".log").into();
            bytes += self.files.get(&path)?.len().map_err(StorageError::at("stat", &*path))?;
            self.remove_segment(*base)?;
        }
        self.names.sync(&*self.os.disk, &self.folder)?;
        let file = self.files.get(&fault.path)?;
        file.set_len(fault.position).map_err(StorageError::at("truncate", &*fault.path))?;
        file.sync_all().map_err(StorageError::at("fsync", &*fault.path))?;
        let disk = self.os.disk.clone();
        self.active().cut_indexes(&*disk)?;
        Ok(bytes)
    }

    /// Removes a segment's files.
    pub(super) fn remove_segment(&mut self, base: i64) -> Result<(), StorageError> {
        self.names.change();
        for suffix in [".log", ".index", ".timeindex", ".txnindex", ".snapshot"] {
            let path = path_in(&self.folder, base, suffix);
            self.files.forget(&path);
            let removed = self.os.disk.remove_if_there(&path);
            removed.map_err(StorageError::at("remove", path))?;
        }
        Ok(())
    }
}
