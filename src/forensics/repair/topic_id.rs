//! Whose partition a folder is: by its own file, or else by the metadata log beside it.

use std::path::Path;

use crate::base::TopicId;
use crate::forensics::metadata::{METADATA_FOLDER, Metadata};
use crate::forensics::verify::{partition_at, read_text};
use crate::log::{PARTITION_METADATA_FILE, StorageError, topic_id_in};
use crate::os::Disk;

/// What `partition.metadata` of the partition in `folder` should say; `None` if nothing tells.
///
/// # Errors
/// As the system says.
pub fn text_for(
    disk: &dyn Disk,
    folder: &Path,
    above: &Path,
) -> Result<Option<Vec<u8>>, StorageError> {
    let own = read_text(disk, &folder.join(PARTITION_METADATA_FILE))?;
    if let Some(bytes) = own.filter(|bytes| topic_id_in(bytes).is_some()) {
        return Ok(Some(bytes));
    }
    let Some(partition) = partition_at(folder) else { return Ok(None) };
    let log = above.join(METADATA_FOLDER);
    let id = if partition.to_string() == METADATA_FOLDER {
        Some(TopicId::METADATA)
    } else if disk.list(&log).is_ok() {
        Metadata::read(disk, &log)?.topic_id(&partition.topic)
    } else {
        None
    };
    Ok(id.map(|id| format!("version: 0\ntopic_id: {id}").into_bytes()))
}
