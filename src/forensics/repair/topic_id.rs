//! Whose partition a folder is: by its own file, or else by the metadata log beside it.

use std::path::Path;

use bytes::Bytes;

use crate::base::{TopicId, TopicPartition};
use crate::forensics::kind::FileKind;
use crate::forensics::order::Span;
use crate::forensics::verify::{partition_at, read_text};
use crate::forensics::walk::each_batch;
use crate::log::{PARTITION_METADATA_FILE, StorageError, topic_id_in};
use crate::meta::records::MetadataRecord;
use crate::os::{Disk, FileSlice, OpenMode};
use crate::record::{Batch, records};

/// More than a metadata record takes, decompressed, in bytes.
const RECORDS_BYTES: usize = 64 << 20;

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
    let id = in_metadata(disk, &above.join("__cluster_metadata-0"), &partition)?;
    Ok(id.map(|id| format!("version: 0\ntopic_id: {id}").into_bytes()))
}

/// The id of the newest topic of this name that the metadata log knows.
fn in_metadata(
    disk: &dyn Disk,
    folder: &Path,
    partition: &TopicPartition,
) -> Result<Option<TopicId>, StorageError> {
    let Ok(entries) = disk.list(folder) else { return Ok(None) };
    let mut files: Vec<(i64, bool, String)> = entries
        .into_iter()
        .filter_map(|entry| match FileKind::of(&entry.name) {
            FileKind::Segment { base } => Some((base, true, entry.name)),
            FileKind::MetadataSnapshot { end, .. } => Some((end, false, entry.name)),
            _ => None,
        })
        .collect();
    files.sort();
    let mut found = None;
    for (base, _, name) in files {
        let path = folder.join(name);
        let file = disk.open(&path, OpenMode::Read).map_err(StorageError::at("open", &path))?;
        let span = Span { base: if base > 0 { 0 } else { base }, limit: i64::MAX };
        each_batch(&path, &file, span, false, |at, header| {
            if !header.is_control() {
                let slice = FileSlice { file: file.clone(), position: at.position, len: at.size };
                note(slice.read()?, partition, &mut found);
            }
            Ok(())
        })?;
    }
    Ok(found)
}

fn note(bytes: Bytes, partition: &TopicPartition, found: &mut Option<TopicId>) {
    let Ok(batch) = Batch::new(bytes) else { return };
    let Ok(all) = records(&batch, RECORDS_BYTES) else { return };
    for value in all.filter_map(|record| record.ok()?.value) {
        if let Ok(MetadataRecord::Topic(topic)) = MetadataRecord::decode(value)
            && *topic.name == *partition.topic.as_str()
        {
            *found = Some(topic.topic_id);
        }
    }
}
