//! A snapshot of the metadata log: batches from a header record to a footer, of one epoch, with offsets from 0 on.

use std::path::Path;
use std::sync::Arc;

use crate::forensics::finding::{Findings, Kind};
use crate::forensics::sweep::{Piece, Sweep, Swept};
use crate::log::StorageError;
use crate::os::{Disk, DiskFile, FileSlice, OpenMode};
use crate::record::control::ControlRecord;
use crate::record::{Batch, records};

/// More than a footer takes, in bytes.
const FOOTER_BYTES: usize = 4096;

/// Looks at one of `epoch` that covers all below `end`; the one that a cluster begins with covers nothing.
///
/// # Errors
/// As the system says.
pub fn check(
    disk: &dyn Disk,
    path: &Path,
    (end, epoch): (Option<i64>, i32),
    findings: &mut Findings,
) -> Result<(), StorageError> {
    let file = disk.open(path, OpenMode::Read).map_err(StorageError::at("open", path))?;
    let size = file.len().map_err(StorageError::at("stat", path))?;
    let mut sweep = Sweep::new(&*file, 0, size, 0);
    let (mut last, mut next) = (None, 0);
    while let Some(piece) = sweep.next().map_err(StorageError::at("read", path))? {
        let (position, detail) = match piece {
            Piece::Batch(swept) if swept.crc.is_ok() => {
                if let Some(detail) = out_of_place(&swept, next, (end, epoch)) {
                    findings.add(path, Kind::Snapshot, swept.found.position, end, detail);
                }
                next +=
                    swept.found.header.map_or(0, |header| i64::from(header.last_offset_delta) + 1);
                last = Some(swept);
                continue;
            }
            Piece::Batch(swept) => (
                swept.found.position,
                swept.crc.map_or_else(|why| why.to_string(), |()| String::new()),
            ),
            Piece::Gap(gap) => (gap.position, gap.why.to_string()),
        };
        last = None;
        findings.add(
            path,
            Kind::Snapshot,
            position,
            end,
            format!("a batch was expected; {detail}"),
        );
    }
    let is_whole = match &last {
        Some(swept) => ends_it(&file, swept).map_err(StorageError::at("read", path))?,
        None => false,
    };
    if !is_whole {
        let detail = "a snapshot was expected to end with its footer; it is not whole".to_owned();
        findings.add(path, Kind::Snapshot, size, end, detail);
    }
    Ok(())
}

/// What a batch says, also in the bytes that no checksum covers, against what stands before it and in the file's name.
fn out_of_place(swept: &Swept, next: i64, (end, epoch): (Option<i64>, i32)) -> Option<String> {
    let header = swept.found.header?;
    let (offset, of) = (header.base_offset, header.partition_leader_epoch);
    if offset != next {
        return Some(format!("a batch from offset {next} on was expected; it says {offset}"));
    }
    if of != epoch {
        return Some(format!("a batch of epoch {epoch} was expected; it says {of}"));
    }
    match end {
        Some(0) if !header.is_control() => {
            Some("nothing but who votes was expected; it holds records of metadata".to_owned())
        }
        None if header.is_control() && header.record_count > 1 => {
            Some("records of metadata were expected; it says who votes".to_owned())
        }
        _ => None,
    }
}

fn ends_it(file: &Arc<dyn DiskFile>, swept: &Swept) -> std::io::Result<bool> {
    let (position, len) = (swept.found.position, swept.found.size);
    let is_control = swept.found.header.is_some_and(|header| header.is_control());
    if !is_control || len > FOOTER_BYTES {
        return Ok(false);
    }
    let bytes = FileSlice { file: file.clone(), position, len }.read()?;
    let Ok(batch) = Batch::new(bytes) else { return Ok(false) };
    let Ok(all) = records(&batch, FOOTER_BYTES) else { return Ok(false) };
    let last = all.filter_map(Result::ok).last();
    let told = last.and_then(|it| ControlRecord::parse(it.key.as_ref(), it.value.as_ref()).ok());
    Ok(matches!(told, Some(ControlRecord::SnapshotFooter)))
}
