//! The records of a log one by one, as a reader of committed ones would see them, past whatever is damaged.

use std::ops::ControlFlow;

use bytes::Bytes;

use super::content::DECOMPRESSED_AT_MOST;
use super::fates::{Fate, Fates};
use super::sweep::{Piece, Swept};
use super::trail::{Here, Segments, Stop, Trail};
use crate::log::StorageError;
use crate::os::Disk;
use crate::record::Record;

/// Calls `note` with every record; what is damaged is left out. Tells whether nothing was.
///
/// # Errors
/// As the system says.
pub fn each_record(
    disk: &dyn Disk,
    segments: Segments,
    fates: &Fates,
    mut note: impl FnMut(Record),
) -> Result<bool, StorageError> {
    let mut is_whole = true;
    let mut trail = Trail::new(disk, segments);
    trail.walk(i64::MIN, i64::MAX, |here, piece| {
        match piece {
            Piece::Batch(swept) if swept.crc.is_ok() => {
                if is_read(swept, fates) {
                    let read = records(here, swept).map_err(StorageError::at("read", here.path))?;
                    read.into_iter().for_each(&mut note);
                }
            }
            Piece::Batch(_) | Piece::Gap(_) => is_whole = false,
        }
        Ok::<_, StorageError>(ControlFlow::<Stop>::Continue(()))
    })?;
    Ok(is_whole)
}

fn is_read(swept: &Swept, fates: &Fates) -> bool {
    let header = swept.found.header.as_ref();
    header.is_none_or(|it| !it.is_control() && fates.of(it) == Fate::Visible)
}

fn records(here: Here<'_>, swept: &Swept) -> std::io::Result<Vec<Record>> {
    let batch = swept.batch(&**here.file)?;
    let Ok(records) = batch.records(DECOMPRESSED_AT_MOST) else { return Ok(Vec::new()) };
    Ok(records.map_while(Result::ok).map(owned).collect())
}

/// A record that keeps no more than its own bytes in memory.
fn owned(record: Record) -> Record {
    let own = |part: Option<Bytes>| part.map(|part| Bytes::copy_from_slice(&part));
    Record { key: own(record.key), value: own(record.value), ..record }
}
