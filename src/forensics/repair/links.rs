//! A file that stays as it is under a second name, so that it takes no room; where the file system has no such thing, a copy.

use std::io::{self, IoSlice};
use std::path::Path;

use crate::log::StorageError;
use crate::os::{Disk, OpenMode};

/// So much is copied at a time, in bytes.
const PIECE: usize = 256 << 10;

/// Whether `to` is the file at `from` from now on, durably but for its name.
///
/// # Errors
/// As the system says.
pub fn link_or_copy(disk: &dyn Disk, from: &Path, to: &Path) -> Result<bool, StorageError> {
    match disk.link(from, to) {
        Ok(()) => {
            let file = disk.open(to, OpenMode::Read).map_err(StorageError::at("open", to))?;
            file.sync_all().map_err(StorageError::at("fsync", to))?;
            Ok(true)
        }
        Err(error) if error.kind() == io::ErrorKind::StorageFull => {
            Err(StorageError::at("link", to)(error))
        }
        // Another file system, or one without links.
        Err(_) => copy(disk, from, to).map(|()| true),
    }
}

/// Copies a file, durably but for the new one's name.
///
/// # Errors
/// As the system says.
pub fn copy(disk: &dyn Disk, from: &Path, to: &Path) -> Result<(), StorageError> {
    let source = disk.open(from, OpenMode::Read).map_err(StorageError::at("open", from))?;
    let size = source.len().map_err(StorageError::at("stat", from))?;
    let out = disk.open(to, OpenMode::Create).map_err(StorageError::at("create", to))?;
    let mut buffer = vec![0; PIECE];
    let mut at = 0;
    while at < size {
        let length = usize::try_from(size - at).unwrap_or(usize::MAX).min(PIECE);
        let piece = &mut buffer[..length];
        source.read_exact_at(piece, at).map_err(StorageError::at("read", from))?;
        let written = out.write_all_at(&mut [IoSlice::new(piece)], at);
        written.map_err(StorageError::at("write", to))?;
        at += length as u64;
    }
    out.sync_all().map_err(StorageError::at("fsync", to))
}
