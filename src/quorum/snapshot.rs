//! Snapshots of the metadata log (KIP-630): `<offset>-<epoch>.checkpoint`, a header, the image's records, a footer.

use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::single::StartError;
use crate::base::Millis;
use crate::log::StorageError;
use crate::meta::MetadataRecord;
use crate::os::Disk;
use crate::record::control::ControlRecord;
use crate::record::{
    BatchBuilder, BatchOptions, BatchProducer, BuildError, records, split_batches,
};

/// How far one batch of metadata may be decompressed.
pub(super) const BATCH_AT_MOST: usize = 256 << 20;
/// Records of a snapshot go into batches of about this size.
const BATCH_BYTES: usize = 1 << 20;

/// A snapshot's name: the first offset that it does not cover, and the epoch of the one before.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct SnapshotId {
    /// The first offset that it does not cover.
    pub end_offset: i64,
    /// The leader epoch of the last offset that it covers.
    pub epoch: i32,
}

impl SnapshotId {
    /// Its file in the metadata log's folder.
    pub fn path(self, folder: &Path) -> PathBuf {
        folder.join(format!("{:020}-{:010}.checkpoint", self.end_offset, self.epoch))
    }

    fn parse(name: &str) -> Option<SnapshotId> {
        let (end_offset, epoch) = name.strip_suffix(".checkpoint")?.split_once('-')?;
        Some(SnapshotId { end_offset: end_offset.parse().ok()?, epoch: epoch.parse().ok()? })
    }
}

/// The newest snapshot in the folder.
///
/// # Errors
/// As the system says.
pub fn newest(disk: &dyn Disk, folder: &Path) -> Result<Option<SnapshotId>, StorageError> {
    let entries = disk.list(folder).map_err(StorageError::at("list", folder))?;
    Ok(entries.iter().filter_map(|entry| SnapshotId::parse(&entry.name)).max())
}

/// What a snapshot holds.
#[derive(Debug, Default)]
pub struct Content {
    /// The quorum's own records: its protocol version and voters.
    pub quorum: Vec<ControlRecord>,
    /// The image's.
    pub records: Vec<MetadataRecord>,
}

/// Writes records as a snapshot, durably.
///
/// # Errors
/// As the system says.
pub fn write(
    disk: &dyn Disk,
    path: &Path,
    epoch: i32,
    content: &Content,
    now: Millis,
) -> Result<(), StorageError> {
    let invalid = |error: String| StorageError::at("write", path)(std::io::Error::other(error));
    let bytes = encode(epoch, content, now).map_err(|error| invalid(error.to_string()))?;
    disk.replace(path, &bytes).map_err(StorageError::at("write", path))
}

fn encode(epoch: i32, content: &Content, now: Millis) -> Result<Vec<u8>, BuildError> {
    let header = ControlRecord::SnapshotHeader { last_contained_log_timestamp: now };
    let mut out = Vec::new();
    let mut offset = 0;
    for control in std::iter::once(&header).chain(&content.quorum) {
        out.extend_from_slice(&control.batch(offset, epoch, now, BatchProducer::NONE)?);
        offset += 1;
    }
    let mut rest = content.records.iter().peekable();
    while rest.peek().is_some() {
        let options =
            BatchOptions { base_offset: offset, leader_epoch: epoch, ..BatchOptions::default() };
        let mut builder = BatchBuilder::new(options);
        while builder.estimated_size() < BATCH_BYTES {
            let Some(record) = rest.next() else { break };
            let value =
                record.encode().expect("an image holds only records that were read or checked");
            builder.append(now.0, None, Some(&value), [])?;
        }
        offset += i64::from(builder.record_count());
        out.extend_from_slice(&builder.build()?);
    }
    out.extend_from_slice(&ControlRecord::SnapshotFooter.batch(
        offset,
        epoch,
        now,
        BatchProducer::NONE,
    )?);
    Ok(out)
}

/// Reads a snapshot's records.
///
/// # Errors
/// `Damaged` for anything that is not a whole snapshot; nothing is changed.
pub fn read(disk: &dyn Disk, path: &Path) -> Result<Content, StartError> {
    let bytes = disk.read(path).map_err(StorageError::at("read", path))?.unwrap_or_default();
    let damaged = |detail: String| StartError::Damaged { path: path.into(), detail };
    let mut out = Content::default();
    let mut ended = false;
    for batch in split_batches(Bytes::from(bytes)) {
        let batch = batch.map_err(|error| damaged(error.to_string()))?;
        batch.check_crc().map_err(|error| damaged(error.to_string()))?;
        for record in records(&batch, BATCH_AT_MOST).map_err(|error| damaged(error.to_string()))? {
            let record = record.map_err(|error| damaged(error.to_string()))?;
            if batch.header().is_control() {
                let control = ControlRecord::parse(record.key.as_ref(), record.value.as_ref())
                    .map_err(|error| damaged(error.to_string()))?;
                ended = control == ControlRecord::SnapshotFooter;
                if of_the_quorum(&control) {
                    out.quorum.push(control);
                }
            } else {
                let value = record.value.unwrap_or_default();
                out.records.push(
                    MetadataRecord::decode(value).map_err(|error| damaged(error.to_string()))?,
                );
            }
        }
    }
    if ended { Ok(out) } else { Err(damaged("its footer is missing".into())) }
}

/// Whether it says what the quorum is; the newest of each kind holds.
pub(super) fn of_the_quorum(control: &ControlRecord) -> bool {
    matches!(control, ControlRecord::KraftVersion { .. } | ControlRecord::Voters(_))
}
