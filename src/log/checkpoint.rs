//! Kafka's checkpoint files: a version, a count, then a line per entry.

use std::collections::BTreeMap;
use std::path::Path;

use super::error::StorageError;
use crate::base::{Offset, PartitionIndex, TopicName, TopicPartition};
use crate::os::Disk;

/// Offsets by partition, as `recovery-point-offset-checkpoint` and `log-start-offset-checkpoint` hold them.
pub type Offsets = BTreeMap<TopicPartition, Offset>;

/// What a checkpoint file said.
#[derive(Debug, PartialEq, Eq)]
pub enum Checkpoint<T> {
    /// It was read whole.
    Read(T),
    /// There is none, or it is empty: Kafka makes its checkpoints empty and writes them later.
    Missing,
    /// It cannot be read; the reason.
    Damaged(String),
}

impl<T: Default> Checkpoint<T> {
    /// What was read, or nothing.
    pub fn or_default(self) -> T {
        match self {
            Checkpoint::Read(read) => read,
            Checkpoint::Missing | Checkpoint::Damaged(_) => T::default(),
        }
    }
}

/// Reads a file of offsets.
///
/// # Errors
/// As the system says; what cannot be read is `Damaged`.
pub fn read_offsets(disk: &dyn Disk, path: &Path) -> Result<Checkpoint<Offsets>, StorageError> {
    read(disk, path, |line| {
        let mut words = line.split(' ');
        let topic = TopicName::new(words.next()?).ok()?;
        let partition = PartitionIndex::from_wire(words.next()?.parse().ok()?)?;
        let offset = Offset::from_wire(words.next()?.parse().ok()?)?;
        words.next().is_none().then_some((TopicPartition { topic, partition }, offset))
    })
}

/// Replaces a file of offsets, durably.
///
/// # Errors
/// As the system says.
pub fn write_offsets(disk: &dyn Disk, path: &Path, offsets: &Offsets) -> Result<(), StorageError> {
    let lines =
        offsets.iter().map(|(at, offset)| format!("{} {} {offset}", at.topic, at.partition));
    write(disk, path, lines)
}

/// Reads a checkpoint whose lines `entry` understands.
pub(super) fn read<T: FromIterator<E>, E>(
    disk: &dyn Disk,
    path: &Path,
    entry: impl Fn(&str) -> Option<E>,
) -> Result<Checkpoint<T>, StorageError> {
    let bytes = disk.read(path).map_err(StorageError::at("read", path))?;
    let Some(bytes) = bytes.filter(|bytes| !bytes.is_empty()) else {
        return Ok(Checkpoint::Missing);
    };
    let Ok(text) = String::from_utf8(bytes) else {
        return Ok(Checkpoint::Damaged("not text".into()));
    };
    let mut lines = text.lines();
    let version = lines.next().unwrap_or_default();
    if version != "0" {
        return Ok(Checkpoint::Damaged(format!("version {version:?}")));
    }
    let Some(count) = lines.next().and_then(|line| line.parse::<usize>().ok()) else {
        return Ok(Checkpoint::Damaged("no count".into()));
    };
    let lines: Vec<&str> = lines.collect();
    if lines.len() != count {
        return Ok(Checkpoint::Damaged(format!(
            "{} entries where {count} are announced",
            lines.len()
        )));
    }
    let mut bad = None;
    let entries = lines
        .iter()
        .map_while(|line| {
            let read = entry(line);
            if read.is_none() {
                bad = Some(format!("entry {line:?}"));
            }
            read
        })
        .collect();
    Ok(bad.map_or(Checkpoint::Read(entries), Checkpoint::Damaged))
}

/// Replaces a checkpoint by these lines, durably.
pub(super) fn write(
    disk: &dyn Disk,
    path: &Path,
    lines: impl Iterator<Item = String>,
) -> Result<(), StorageError> {
    disk.replace(path, text_of(lines).as_bytes()).map_err(StorageError::at("write", path))
}

/// Writes these lines in place, and does not wait for the disk.
pub(super) fn write_unsynced(
    disk: &dyn Disk,
    path: &Path,
    lines: impl Iterator<Item = String>,
) -> Result<(), StorageError> {
    let written = disk.write(path, text_of(lines).as_bytes());
    written.map(drop).map_err(StorageError::at("write", path))
}

fn text_of(lines: impl Iterator<Item = String>) -> String {
    let lines: Vec<String> = lines.collect();
    let mut text = format!("0\n{}\n", lines.len());
    for line in lines {
        text.push_str(&line);
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::Os;

    #[test]
    fn a_checkpoint_that_kafka_has_made_and_not_yet_written_says_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (path, os) = (folder.path().join("cleaner-offset-checkpoint"), Os::real());
        assert_eq!(read_offsets(&*os.disk, &path).unwrap(), Checkpoint::Missing);
        std::fs::write(&path, "").unwrap();
        assert_eq!(read_offsets(&*os.disk, &path).unwrap(), Checkpoint::Missing);
        std::fs::write(&path, "\n").unwrap();
        assert!(matches!(read_offsets(&*os.disk, &path).unwrap(), Checkpoint::Damaged(_)));
    }
}
