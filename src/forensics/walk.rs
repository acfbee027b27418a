//! All batches of a segment that are in order, whether or not something else in it is damaged, and producers as they tell of them.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::order::{Order, Ordered, Span};
use super::sweep::{Piece, Sweep};
use crate::log::{AbortedEntry, Ended, Found, Producers, ReadError, Scan, StorageError};
use crate::os::{DiskFile, FileSlice};
use crate::record::{Batch, BatchHeader};

/// Calls `visit` with every batch of format 2, in order. One that `is_sound` has had its checksums computed before: then its headers are
/// all that is read.
///
/// # Errors
/// As the system says.
pub fn each_batch(
    path: &Path,
    file: &Arc<dyn DiskFile>,
    span: Span,
    is_sound: bool,
    mut visit: impl FnMut(&Found, &BatchHeader) -> io::Result<()>,
) -> Result<(), StorageError> {
    let read = |error| StorageError::at("read", path)(error);
    let size = file.len().map_err(StorageError::at("stat", path))?;
    if is_sound {
        let mut scan = Scan::new(file.clone(), path, 0, size);
        loop {
            match scan.next() {
                Ok(Some(found)) => {
                    if let Some(header) = &found.header {
                        visit(&found, header).map_err(read)?;
                    }
                }
                Err(ReadError::Storage(error)) => return Err(error),
                // Somebody writes there.
                Ok(None) | Err(_) => return Ok(()),
            }
        }
    }
    let mut ordered = Ordered::new(Sweep::new(&**file, 0, size, span.base), span);
    while let Some((piece, order)) = ordered.next().map_err(read)? {
        if let (Piece::Batch(swept), Order::Kept) = (piece, order)
            && let Some(header) = &swept.found.header
        {
            visit(&swept.found, header).map_err(read)?;
        }
    }
    Ok(())
}

/// Notes a batch that stands in the log; a marker is read, and tells of the transaction that it aborts.
///
/// # Errors
/// As the system says.
pub fn note(
    producers: &mut Producers,
    file: &Arc<dyn DiskFile>,
    found: &Found,
    header: &BatchHeader,
) -> io::Result<Option<AbortedEntry>> {
    if !header.is_control() {
        producers.note(header, header.base_offset, header.max_timestamp);
        return Ok(None);
    }
    if !header.has_producer_id() {
        return Ok(None);
    }
    let (position, len) = (found.position, found.size);
    let bytes = FileSlice { file: file.clone(), position, len }.read()?;
    let ended = Batch::new(bytes).and_then(|batch| Ended::read(&batch)).ok().flatten();
    Ok(ended.and_then(|ended| producers.decide(&ended)))
}
