//! Segment files that have each other's names.

use std::path::{Path, PathBuf};

use super::Change;
use crate::log::{Fault, StorageError, Walk, file_name};
use crate::os::{Disk, OpenMode};

/// Lets such files have the base offsets of their batches; tells which.
///
/// # Errors
/// As the system says.
pub fn by_content(
    disk: &dyn Disk,
    segments: &mut [(i64, PathBuf)],
) -> Result<Vec<Change>, StorageError> {
    let mut claims = Vec::new();
    for (_, path) in segments.iter() {
        claims.push(first_offset(disk, path)?);
    }
    let own = |at: usize| claims[at].is_none_or(|first| first == segments[at].0);
    // Whose batches begin at the base of another segment that has not its own.
    let mut places: Vec<usize> = (0..segments.len()).collect();
    for at in 0..segments.len() {
        let claim = claims[at].filter(|_| !own(at));
        let place = claim.and_then(|first| segments.iter().position(|(base, _)| *base == first));
        let place = place.filter(|place| claims[*place] != Some(segments[*place].0));
        if let Some(place) = place {
            // A swap: whatever stood for `place` comes here.
            if let Some(from) = places.iter().position(|from| *from == at) {
                let now = places[place];
                (places[place], places[from]) = (at, now);
            }
        }
    }
    let paths: Vec<PathBuf> = segments.iter().map(|(_, path)| path.clone()).collect();
    let mut changes = Vec::new();
    for (segment, from) in segments.iter_mut().zip(&places) {
        if segment.1 != paths[*from] {
            segment.1.clone_from(&paths[*from]);
            let detail = format!("it has the batches of {}", file_name(segment.0, ".log"));
            let (file, offset) = (segment.1.clone(), segment.0);
            changes.push(Change { file, position: 0, offset, detail });
        }
    }
    Ok(changes)
}

/// The first offset of the first batch of a segment whose checksum is right.
fn first_offset(disk: &dyn Disk, path: &Path) -> Result<Option<i64>, StorageError> {
    let file = disk.open(path, OpenMode::Read).map_err(StorageError::at("open", path))?;
    let size = file.len().map_err(StorageError::at("stat", path))?;
    match Walk::new(&*file, 0, size).next() {
        Ok(found) => Ok(found.and_then(|found| Some(found.header?.base_offset))),
        Err(Fault::Io(error)) => Err(StorageError::at("read", path)(error)),
        Err(Fault::Batch(_)) => Ok(None),
    }
}
