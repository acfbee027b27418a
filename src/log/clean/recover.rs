//! What a crash in the middle of a swap left: made whole before the log is opened, forwards or backwards.

use std::path::Path;

use super::write::SUFFIXES;
use crate::base::Offset;
use crate::log::error::{OpenError, ReadError, StorageError};
use crate::log::files::{offset_of, path_in};
use crate::log::scan::Scan;
use crate::os::{Disk, OpenMode};

/// Finishes the swaps in `folder` whose `.log.swap` is there, and takes back those that had not come so far. A swap is in doubt while
/// a `.cleaned` file at or below it is there (Kafka's rule, for segments that it splits too): then the old segments are all there yet.
///
/// # Errors
/// `Damaged` if the new segment cannot be read; `Storage` as the system says.
pub fn finish_swaps(disk: &dyn Disk, folder: &Path) -> Result<(), OpenError> {
    let names: Vec<String> = list(disk, folder)?;
    let ending =
        |end: &str| -> Vec<i64> { names.iter().filter_map(|name| offset_of(name, end)).collect() };
    let aside = SUFFIXES.iter().flat_map(|suffix| ending(&format!("{suffix}.cleaned"))).min();
    for base in ending(".log.swap") {
        if aside.is_some_and(|aside| aside <= base) {
            // First of all the file by which the others count.
            remove(disk, &path_in(folder, base, ".log.swap"))?;
            sync(disk, folder)?;
        } else {
            finish(disk, folder, base)?;
        }
    }
    for suffix in SUFFIXES {
        for base in ending(&format!("{suffix}.swap")) {
            settle(disk, folder, base, suffix)?;
        }
    }
    Ok(())
}

fn finish(disk: &dyn Disk, folder: &Path, base: i64) -> Result<(), OpenError> {
    let swap = path_in(folder, base, ".log.swap");
    let last = last_offset(disk, folder, &swap, base)?;
    let names = list(disk, folder)?;
    let covered = |name: &String| offset_of(name, ".log").filter(|old| (base..=last).contains(old));
    let old: Vec<i64> = names.iter().filter_map(covered).collect();
    for old in old {
        let new = |suffix: &str| names.contains(&format!("{old:020}{suffix}.swap"));
        for suffix in SUFFIXES.into_iter().chain([".snapshot"]) {
            // The new segment's own, and what was aborted in it, are kept in any case.
            let own =
                old == base && (suffix == ".snapshot" || (suffix == ".txnindex" && !new(suffix)));
            if !own {
                remove(disk, &path_in(folder, old, suffix))?;
            }
        }
    }
    sync(disk, folder)?;
    disk.rename(&swap, &path_in(folder, base, ".log"))
        .map_err(StorageError::at("rename", &swap))?;
    for suffix in SUFFIXES {
        let from = path_in(folder, base, &format!("{suffix}.swap"));
        match disk.rename(&from, &path_in(folder, base, suffix)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(StorageError::at("rename", from)(error).into());
            }
            _ => {}
        }
    }
    sync(disk, folder)?;
    tracing::info!(file = %swap.display(), "finished a compaction's swap that a crash had interrupted");
    Ok(())
}

/// An index whose segment was swapped before it: it takes its place, unless there is one.
fn settle(disk: &dyn Disk, folder: &Path, base: i64, suffix: &str) -> Result<(), StorageError> {
    let (from, to) =
        (path_in(folder, base, &format!("{suffix}.swap")), path_in(folder, base, suffix));
    let there = |path: &Path| match disk.open(path, OpenMode::Read) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(StorageError::at("open", path)(error)),
    };
    if !there(&from)? {
        return Ok(());
    }
    if there(&to)? || suffix == ".log" {
        return remove(disk, &from);
    }
    disk.rename(&from, &to).map_err(StorageError::at("rename", from))
}

/// The last offset of a segment that is to take over.
fn last_offset(disk: &dyn Disk, folder: &Path, path: &Path, base: i64) -> Result<i64, OpenError> {
    let file = disk.open(path, OpenMode::Read).map_err(StorageError::at("open", path))?;
    let size = file.len().map_err(StorageError::at("stat", path))?;
    let mut scan = Scan::new(file, path, 0, size);
    let (mut last, mut position) = (base, 0);
    loop {
        match scan.next() {
            Ok(None) => return Ok(last),
            Ok(Some(found)) => (last, position) = (found.last_offset, found.end()),
            Err(ReadError::Storage(error)) => return Err(error.into()),
            Err(error) => {
                return Err(OpenError::Damaged {
                    file: path.into(),
                    folder: folder.into(),
                    position,
                    offset: Offset::new(last.max(0)),
                    detail: error.to_string(),
                });
            }
        }
    }
}

fn list(disk: &dyn Disk, folder: &Path) -> Result<Vec<String>, StorageError> {
    let entries = disk.list(folder).map_err(StorageError::at("list", folder))?;
    Ok(entries.into_iter().map(|entry| entry.name).collect())
}

fn remove(disk: &dyn Disk, path: &Path) -> Result<(), StorageError> {
    disk.remove_if_there(path).map_err(StorageError::at("remove", path))
}

fn sync(disk: &dyn Disk, folder: &Path) -> Result<(), StorageError> {
    disk.sync_dir(folder).map_err(StorageError::at("fsync", folder))
}
