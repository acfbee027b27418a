//! Whether files, a partition or a whole data directory are sound, and if not, what is wrong and which command mends it.
//!
//! What is told is what some byte contradicts. Not told, as it is so in sound directories: gaps that compaction leaves, indexes of an
//! active segment that are behind it or preallocated, a log that starts within a segment, what an interrupted deletion left.

mod aborted;
mod by_offset;
mod by_time;
mod data_dir;
mod deep;
mod epochs;
mod metadata;
mod partition;
mod producers;
mod report;
mod segment;
mod shape;
mod small;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

pub use data_dir::{ABSENT, DataDir};
pub use partition::Seen;
pub use shape::Shape;
pub use small::{is_damaged_json, read_text};

use super::finding::{Finding, Findings};
use super::kind::FileKind;
use super::paths::{parent, partition_in, whole};
use super::place::Place;
use crate::base::{TopicPartition, in_parallel, repair_command};
use crate::log::StorageError;
use crate::os::{Disk, Os};
use partition::Partition;

/// How thoroughly, and who is told how far it has come.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// Whether records are decompressed and counted.
    pub deep: bool,
    /// How many threads look.
    pub threads: usize,
    /// Told of bytes as they are gone through.
    pub progress: &'a (dyn Fn(u64) + Sync),
}

/// Why nothing could be verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The path leads to a file that is none of Kafka's.
    #[error("{file} is none of a Kafka's files, by its name", file = .0.display())]
    Unknown(PathBuf),
    /// There is no log.
    #[error("there is nothing of a log in {folder}", folder = .0.display())]
    Nothing(PathBuf),
    /// The disk failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Looks at what stands at `path`. Nothing is written. A broker may be running: what is only under way is not told.
///
/// # Errors
/// See [`VerifyError`].
pub fn verify(os: &Os, path: &Path, options: Options<'_>) -> Result<Vec<Finding>, VerifyError> {
    let disk = &*os.disk;
    match Place::at(disk, path)? {
        Place::DataDir { .. } => Ok(of_data_dir(disk, path, options)?),
        Place::Partition(_) => Ok(of_partition(disk, path, options)?),
        Place::Nothing { path } => Err(VerifyError::Nothing(path)),
        Place::File { kind: FileKind::Other, .. } => Err(VerifyError::Unknown(path.into())),
        Place::File { kind, .. } => Ok(of_file(disk, path, &kind, options)?),
    }
}

/// How many bytes of batches there are to go through.
///
/// # Errors
/// As the system says.
pub fn bytes_below(os: &Os, path: &Path) -> Result<u64, StorageError> {
    let disk = &*os.disk;
    let size = |path: PathBuf| {
        let file = disk.open(&path, crate::os::OpenMode::Read);
        file.and_then(|file| file.len()).unwrap_or(0)
    };
    Ok(match Place::at(disk, path)? {
        Place::Nothing { .. } => 0,
        Place::File { .. } => size(path.into()),
        Place::Partition(_) => Shape::of(disk, path)?.segments(path).map(size).sum(),
        Place::DataDir { .. } => {
            let mut bytes = 0;
            for folder in DataDir::load(disk, path)?.partitions() {
                bytes += Shape::of(disk, &folder)?.segments(&folder).map(size).sum::<u64>();
            }
            bytes
        }
    })
}

/// All in a file's folder is looked at, as it takes the others to tell; what is said of the file is told.
fn of_file(
    disk: &dyn Disk,
    path: &Path,
    kind: &FileKind,
    options: Options<'_>,
) -> Result<Vec<Finding>, StorageError> {
    let folder = parent(path);
    let findings = match kind {
        FileKind::MetaProperties
        | FileKind::Bootstrap
        | FileKind::CleanShutdown
        | FileKind::Checkpoint(_) => of_data_dir(disk, &folder, options)?,
        _ => of_partition(disk, &folder, options)?,
    };
    let path = whole(path);
    let is_it = |finding: &Finding| finding.file.file_name() == path.file_name();
    Ok(findings.into_iter().filter(is_it).collect())
}

fn of_partition(
    disk: &dyn Disk,
    folder: &Path,
    options: Options<'_>,
) -> Result<Vec<Finding>, StorageError> {
    let above = DataDir::above(disk, folder)?;
    once_or_twice(disk, &above.folder, || {
        of_one(disk, folder, &above, options).map(|seen| seen.findings)
    })
}

/// Looks at the index file at `path`, or at all indexes in a partition's folder there, as [`verify`] does; tells every entry that is wrong,
/// however many. For an index by offset or by time only its own segment is read.
///
/// # Errors
/// As the system says.
pub fn of_indexes(
    os: &Os,
    path: &Path,
    options: Options<'_>,
) -> Result<Vec<Finding>, StorageError> {
    let (folder, segment) = match Place::at(&*os.disk, path)? {
        Place::File {
            kind: FileKind::OffsetIndex { base } | FileKind::TimeIndex { base }, ..
        } => (parent(path), Some(base)),
        Place::File { .. } => (parent(path), None),
        Place::Partition(_) | Place::DataDir { .. } | Place::Nothing { .. } => (path.into(), None),
    };
    let disk = &*os.disk;
    let above = DataDir::above(disk, &folder)?;
    once_or_twice(disk, &above.folder, || {
        let all = Findings::all(repair_command(&folder));
        let partition = Partition::named(disk, &folder, partition_at(&folder), &above, all)?;
        match segment {
            Some(base) => partition.segment(base, options),
            None => partition.verify(options).map(|seen| seen.findings),
        }
    })
}

/// Looks at one partition once.
///
/// # Errors
/// As the system says.
pub fn of_one(
    disk: &dyn Disk,
    folder: &Path,
    above: &DataDir,
    options: Options<'_>,
) -> Result<Seen, StorageError> {
    let findings = Findings::new(repair_command(folder));
    Partition::named(disk, folder, partition_at(folder), above, findings)?.verify(options)
}

fn of_data_dir(
    disk: &dyn Disk,
    folder: &Path,
    options: Options<'_>,
) -> Result<Vec<Finding>, StorageError> {
    let dir = DataDir::load(disk, folder)?;
    let folders = dir.partitions();
    // Many partitions are looked at side by side, one by its segments.
    let each = Options { threads: if folders.len() > 1 { 1 } else { options.threads }, ..options };
    let threads = if folders.len() > 1 { options.threads } else { 1 };
    let found = in_parallel(threads, &folders, |folder| {
        once_or_twice(disk, &dir.folder, || {
            of_one(disk, folder, &dir, each).map(|seen| seen.findings)
        })
    });
    let mut findings = Findings::new(repair_command(folder));
    dir.verify(disk, &mut findings)?;
    let mut all = findings.into_sorted();
    for found in found {
        all.extend(found?);
    }
    Ok(all)
}

/// Looks at a copy of the partition `name` of a data directory, in a folder of any name.
///
/// # Errors
/// As the system says.
pub fn of_copy(
    disk: &dyn Disk,
    folder: &Path,
    name: &TopicPartition,
    above: &DataDir,
    options: Options<'_>,
) -> Result<Seen, StorageError> {
    let above = above.of_copies();
    let findings = Findings::new(repair_command(folder));
    Partition::named(disk, folder, Some(name.clone()), &above, findings)?.verify(options)
}

/// What is found while a broker is at work counts if it is found again: it may have been under way.
fn once_or_twice(
    disk: &dyn Disk,
    dir: &Path,
    look: impl Fn() -> Result<Vec<Finding>, StorageError>,
) -> Result<Vec<Finding>, StorageError> {
    let mut found = look()?;
    let lock = dir.join(".lock");
    let is_held = disk.lock_holder(&lock).map_err(StorageError::at("open", lock))?.is_some();
    if !found.is_empty() && is_held {
        let place = |it: &Finding| (it.file.clone(), it.kind, it.position, it.offset);
        let again: HashSet<_> = look()?.iter().map(place).collect();
        found.retain(|it| again.contains(&place(it)));
    }
    Ok(found)
}

/// The partition that a folder holds by its name.
pub fn partition_at(folder: &Path) -> Option<TopicPartition> {
    let whole = whole(folder);
    partition_in(whole.file_name()?.to_str()?)
}
