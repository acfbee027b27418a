//! What the checkpoints of a data directory say of logs that were repaired.

use std::path::Path;

use super::Repaired;
use crate::base::{Offset, TopicPartition};
use crate::forensics::verify::{DataDir, partition_at, read_text};
use crate::log::{
    Checkpoint, META_PROPERTIES_FILE, Offsets, StorageError, read_offsets, write_offsets,
};
use crate::os::Disk;

pub const RECOVERY_POINTS: &str = "recovery-point-offset-checkpoint";
pub const LOG_STARTS: &str = "log-start-offset-checkpoint";
pub const CLEANED: &str = "cleaner-offset-checkpoint";
pub const REPLICATED: &str = "replication-offset-checkpoint";

/// The checkpoints beside copies: what was read of them in `dir`, held to where the copies end.
///
/// # Errors
/// As the system says.
pub fn write_for_copies(
    disk: &dyn Disk,
    dir: &DataDir,
    to: &Path,
    done: &[Repaired],
    all: bool,
) -> Result<(), StorageError> {
    let there = |name: &str| read_offsets(disk, &to.join(name)).map(Checkpoint::or_default);
    let (mut points, mut starts, mut cleaned) =
        (there(RECOVERY_POINTS)?, there(LOG_STARTS)?, there(CLEANED)?);
    for repaired in done {
        let Some(name) = partition_at(&repaired.folder) else { continue };
        let end = Offset::new(repaired.end.max(0));
        let held = |offsets: &Offsets| offsets.get(&name).map(|offset| (*offset).min(end));
        starts.extend(held(&dir.starts).map(|start| (name.clone(), start)));
        cleaned.extend(held(&dir.cleaned).map(|cleaned| (name.clone(), cleaned)));
        // The metadata log is none of those that the checkpoints speak for.
        if name.topic.as_str() != "__cluster_metadata" {
            points.insert(name, end);
        }
    }
    write_offsets(disk, &to.join(LOG_STARTS), &starts)?;
    if !cleaned.is_empty() {
        write_offsets(disk, &to.join(CLEANED), &cleaned)?;
    }
    write_offsets(disk, &to.join(RECOVERY_POINTS), &points)?;
    if !all {
        return Ok(());
    }
    let replicated = salvage(disk, &dir.folder.join(REPLICATED))?;
    if !replicated.is_empty() {
        write_offsets(disk, &to.join(REPLICATED), &replicated)?;
    }
    match read_text(disk, &dir.folder.join(META_PROPERTIES_FILE))? {
        Some(bytes) => {
            let path = to.join(META_PROPERTIES_FILE);
            disk.replace(&path, &bytes).map_err(StorageError::at("write", path))
        }
        None => Ok(()),
    }
}

/// Holds what the checkpoints in `folder` say of a partition to where it starts and ends now. Those that cannot be read stay as they
/// are.
///
/// # Errors
/// As the system says.
pub fn hold(
    disk: &dyn Disk,
    dir: &DataDir,
    name: &TopicPartition,
    end: i64,
) -> Result<(), StorageError> {
    let end = Offset::new(end.max(0));
    let change = |file: &str, wrong: &dyn Fn(Offset) -> bool| {
        let path = dir.folder.join(file);
        let Checkpoint::Read(mut offsets) = read_offsets(disk, &path)? else { return Ok(()) };
        match offsets.get_mut(name).filter(|offset| wrong(**offset)) {
            Some(offset) => {
                *offset = end;
                write_offsets(disk, &path, &offsets)
            }
            None => Ok(()),
        }
    };
    change(CLEANED, &|offset| offset > end)?;
    change(LOG_STARTS, &|offset| offset > end)?;
    // After a clean stop nothing is looked at, and the log has to end where it was closed.
    change(RECOVERY_POINTS, &|offset| offset > end || (dir.clean && offset != end))
}

/// The lines of a checkpoint that can be read.
///
/// # Errors
/// As the system says.
pub fn salvage(disk: &dyn Disk, path: &Path) -> Result<Offsets, StorageError> {
    let bytes = read_text(disk, path)?.unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let entry = |line: &str| {
        let mut words = line.split(' ');
        let (topic, partition) = (words.next()?, words.next()?);
        let offset = Offset::from_wire(words.next()?.parse().ok()?)?;
        let name = crate::log::partition_of(&format!("{topic}-{partition}"))?;
        words.next().is_none().then_some((name, offset))
    };
    Ok(text.lines().skip(2).filter_map(entry).collect())
}
