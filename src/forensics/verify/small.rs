//! Small files of text: whether they can be read at all.

use std::path::Path;

use crate::forensics::finding::{Findings, Kind};
use crate::log::{
    Checkpoint, FoundProperties, LEADER_EPOCHS_FILE, LeaderEpochs, META_PROPERTIES_FILE,
    MetaProperties, Offsets, PARTITION_METADATA_FILE, StorageError, read_offsets, read_properties,
    topic_id_in,
};
use crate::os::{Disk, OpenMode};

/// No file of text is larger, in bytes.
const AT_MOST: u64 = 16 << 20;

/// A small file; `None` if there is none. What is larger than such files are is cut, and so cannot be read.
///
/// # Errors
/// As the system says.
pub fn read_text(disk: &dyn Disk, path: &Path) -> Result<Option<Vec<u8>>, StorageError> {
    let file = match disk.open(path, OpenMode::Read) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StorageError::at("open", path)(error)),
    };
    let length = file.len().map_err(StorageError::at("stat", path))?.min(AT_MOST);
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
    file.read_exact_at(&mut bytes, 0).map_err(StorageError::at("read", path))?;
    Ok(Some(bytes))
}

/// A checkpoint of offsets; nothing of one that cannot be read, which is told.
///
/// # Errors
/// As the system says.
pub fn offsets(
    disk: &dyn Disk,
    path: &Path,
    findings: &mut Findings,
) -> Result<Offsets, StorageError> {
    Ok(match read_offsets(disk, path)? {
        Checkpoint::Read(offsets) => offsets,
        Checkpoint::Missing => Offsets::new(),
        Checkpoint::Damaged(detail) => {
            let detail = format!("a checkpoint of offsets was expected; {detail}");
            findings.add(path, Kind::Checkpoint, 0, None, detail);
            Offsets::new()
        }
    })
}

/// The leader epochs of a partition; `None` if they are missing or cannot be read, which is told.
///
/// # Errors
/// As the system says.
pub fn epochs(
    disk: &dyn Disk,
    folder: &Path,
    findings: &mut Findings,
) -> Result<Option<LeaderEpochs>, StorageError> {
    let path = folder.join(LEADER_EPOCHS_FILE);
    let epochs = LeaderEpochs::load(path.clone(), disk)?;
    if epochs.is_none() && read_text(disk, &path)?.is_some_and(|bytes| !bytes.is_empty()) {
        let detail = "a checkpoint of leader epochs that ascend was expected; it cannot be read";
        findings.add(&path, Kind::Checkpoint, 0, None, detail.to_owned());
    }
    Ok(epochs)
}

/// Whose partition it is; a file that does not say so is told, also one that is missing where it `must` be there.
///
/// # Errors
/// As the system says.
pub fn topic_id(
    disk: &dyn Disk,
    folder: &Path,
    must: bool,
    findings: &mut Findings,
) -> Result<(), StorageError> {
    let path = folder.join(PARTITION_METADATA_FILE);
    match read_text(disk, &path)? {
        Some(bytes) if topic_id_in(&bytes).is_some() => {}
        Some(_) => {
            let detail = "the topic's id was expected; it cannot be read".to_owned();
            findings.add(&path, Kind::Checkpoint, 0, None, detail);
        }
        None if must => {
            let detail = "the topic's id was expected; Kafka does not start without it".to_owned();
            findings.add(&path, Kind::MissingFile, None, None, detail);
        }
        None => {}
    }
    Ok(())
}

/// Whose directory it is.
///
/// # Errors
/// As the system says.
pub fn properties(
    disk: &dyn Disk,
    folder: &Path,
    findings: &mut Findings,
) -> Result<Option<MetaProperties>, StorageError> {
    let path = folder.join(META_PROPERTIES_FILE);
    match read_properties(disk, folder)? {
        FoundProperties::Read(read) => Ok(Some(read)),
        FoundProperties::Missing => Ok(None),
        FoundProperties::Unusable(detail) => {
            let text = read_text(disk, &path)?.unwrap_or_default();
            let text = String::from_utf8_lossy(&text);
            // As a broker with ZooKeeper wrote it.
            let has = |line: &str| text.lines().any(|it| it.trim_start().starts_with(line));
            if !(has("version=0") && has("broker.id=")) {
                let detail =
                    format!("cluster.id, node.id and directory.id were expected; {detail}");
                findings.add(&path, Kind::Checkpoint, 0, None, detail);
            }
            Ok(None)
        }
    }
}

/// A file that is empty or one value of JSON.
///
/// # Errors
/// As the system says.
pub fn json(disk: &dyn Disk, path: &Path, findings: &mut Findings) -> Result<(), StorageError> {
    if let Some(error) = json_error(disk, path)? {
        let detail = format!("JSON was expected; {error}");
        findings.add(path, Kind::Checkpoint, 0, None, detail);
    }
    Ok(())
}

/// Whether there is a file, and it is neither empty nor JSON.
///
/// # Errors
/// As the system says.
pub fn is_damaged_json(disk: &dyn Disk, path: &Path) -> Result<bool, StorageError> {
    Ok(json_error(disk, path)?.is_some())
}

fn json_error(disk: &dyn Disk, path: &Path) -> Result<Option<serde_json::Error>, StorageError> {
    let bytes = read_text(disk, path)?.filter(|bytes| !bytes.is_empty());
    let read = bytes.map(|bytes| serde_json::from_slice::<serde::de::IgnoredAny>(&bytes));
    Ok(read.and_then(Result::err))
}
