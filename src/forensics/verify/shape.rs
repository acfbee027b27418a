//! What files a partition's folder has, by their names.

use std::path::{Path, PathBuf};

use crate::forensics::kind::FileKind;
use crate::forensics::order::Span;
use crate::log::{StorageError, path_in};
use crate::os::Disk;

/// What files a partition's folder has.
#[derive(Clone, Debug, Default)]
pub struct Shape {
    /// First offsets of segments, ascending.
    pub bases: Vec<i64>,
    /// Offsets of producer snapshots, ascending.
    pub snapshots: Vec<i64>,
    /// Names of indexes without their segment, with its base.
    pub orphans: Vec<(String, i64)>,
    /// Names that no broker gives.
    pub strangers: Vec<String>,
    /// Snapshots of the metadata log: name, end offset, epoch.
    pub metadata: Vec<(String, i64, i32)>,
    /// Whether a compaction was under way.
    pub in_compaction: bool,
    /// Whether there is a `quorum-state`.
    pub has_quorum_state: bool,
}

impl Shape {
    /// Lists a folder.
    ///
    /// # Errors
    /// As the system says.
    pub fn of(disk: &dyn Disk, folder: &Path) -> Result<Shape, StorageError> {
        let mut shape = Shape::default();
        let mut indexes = Vec::new();
        let entries = disk.list(folder).map_err(StorageError::at("list", folder))?;
        for entry in entries.into_iter().filter(|entry| !entry.is_dir) {
            match FileKind::of(&entry.name) {
                FileKind::Segment { base } => shape.bases.push(base),
                FileKind::ProducerSnapshot { offset } => shape.snapshots.push(offset),
                FileKind::OffsetIndex { base }
                | FileKind::TimeIndex { base }
                | FileKind::TxnIndex { base } => indexes.push((entry.name, base)),
                FileKind::MetadataSnapshot { end, epoch } => {
                    shape.metadata.push((entry.name, end, epoch));
                }
                FileKind::Leftover { suffix, .. } => {
                    shape.in_compaction |= suffix == ".cleaned" || suffix == ".swap";
                }
                FileKind::QuorumState => shape.has_quorum_state = true,
                FileKind::LeaderEpochs | FileKind::PartitionMetadata => {}
                _ => shape.strangers.push(entry.name),
            }
        }
        shape.bases.sort_unstable();
        shape.snapshots.sort_unstable();
        indexes.retain(|(_, base)| shape.bases.binary_search(base).is_err());
        shape.orphans = indexes;
        Ok(shape)
    }

    /// The segment files.
    pub fn segments<'a>(&'a self, folder: &'a Path) -> impl Iterator<Item = PathBuf> + 'a {
        self.bases.iter().map(|base| path_in(folder, *base, ".log"))
    }

    /// The offsets that each segment may have.
    pub fn spans(&self) -> Vec<Span> {
        let limit = |at: usize| self.bases.get(at + 1).copied().unwrap_or(i64::MAX);
        self.bases
            .iter()
            .enumerate()
            .map(|(at, base)| Span { base: *base, limit: limit(at) })
            .collect()
    }
}
