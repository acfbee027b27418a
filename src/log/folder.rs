//! Folders: those of partitions, whose names and `partition.metadata` say whose they are, and that of a log directory.

use std::io::ErrorKind;
use std::path::Path;

use super::error::StorageError;
use super::files::offset_of;
use super::known::RECOVERY_POINTS;
use crate::base::{PartitionIndex, TopicId, TopicName, TopicPartition};
use crate::os::{Disk, Entry};

/// Makes a folder and those above it, and their names durable. Once there is a checkpoint in it, they are.
pub(super) fn create_durably(disk: &dyn Disk, folder: &Path) -> Result<(), StorageError> {
    disk.create_dir_all(folder).map_err(StorageError::at("create", folder))?;
    let mark = folder.join(RECOVERY_POINTS);
    if disk.read(&mark).map_err(StorageError::at("read", &mark))?.is_some() {
        return Ok(());
    }
    for above in folder.ancestors().skip(1) {
        let above = if above.as_os_str().is_empty() { Path::new(".") } else { above };
        match disk.sync_dir(above) {
            // Not ours to read, so not made by us.
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {}
            done => done.map_err(StorageError::at("fsync", above))?,
        }
    }
    Ok(())
}

/// The partition whose folder has this name.
pub fn partition_of(name: &str) -> Option<TopicPartition> {
    let (topic, partition) = name.rsplit_once('-')?;
    let partition = PartitionIndex::from_wire(partition.parse().ok()?)?;
    let topic = TopicName::new(topic).ok()?;
    let found = TopicPartition { topic, partition };
    (found.to_string() == name).then_some(found)
}

/// The partitions whose folders' names are in a log directory, whatever is in them.
pub(super) fn partitions_in(
    disk: &dyn Disk,
    folder: &Path,
) -> Result<Vec<TopicPartition>, StorageError> {
    let entries = disk.list(folder).map_err(StorageError::at("list", folder))?;
    let folders = entries.into_iter().filter(|entry| entry.is_dir);
    Ok(folders.filter_map(|entry| partition_of(&entry.name)).collect())
}

/// Whether there is a segment among the entries of a partition's folder.
pub(super) fn has_segment(entries: &[Entry]) -> bool {
    entries.iter().any(|entry| offset_of(&entry.name, ".log").is_some())
}

/// The topic's id in the bytes of a `partition.metadata`.
pub fn topic_id_in(bytes: &[u8]) -> Option<TopicId> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut lines = text.lines();
    lines.next().filter(|line| *line == "version: 0")?;
    TopicId::parse(lines.next()?.strip_prefix("topic_id: ")?.trim())
}
