//! All batches of a partition's segments, one file after another, also while a broker appends to them.

use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::ahead::Pace;
use super::place::Folder;
use super::sweep::{Piece, Sweep};
use crate::log::StorageError;
use crate::os::{Disk, DiskFile, OpenMode};

/// Segment files that are read in order of offset: those of a folder, or one.
#[derive(Clone, Debug)]
pub enum Segments {
    /// All in a partition's folder, also those that come later.
    Of(Folder),
    /// One file, and where it begins by its name; 0 if that does not tell.
    One(i64, PathBuf),
}

/// Where a walk has come to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Reached {
    /// The base offset of the segment file.
    segment: i64,
    position: u64,
    /// No batch behind damage begins below this offset.
    expected: i64,
}

/// A walk over segments that can be gone on with when they have grown.
#[derive(Debug)]
pub struct Trail<'a> {
    disk: &'a dyn Disk,
    segments: Segments,
    place: Option<Reached>,
    /// Whether what stands at the end of the last segment may still be written.
    unfinished: bool,
    pace: Pace,
}

/// Where a walk is to end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stop {
    /// Behind the piece that was visited.
    Behind,
    /// Before it: it comes again.
    Before,
}

/// The file that a walk is in.
#[derive(Clone, Copy)]
pub struct Here<'a> {
    /// Its path.
    pub path: &'a Path,
    /// Its base offset, by its name.
    pub base: i64,
    /// The open file.
    pub file: &'a Arc<dyn DiskFile>,
}

impl<'a> Trail<'a> {
    /// From the first batch on.
    pub fn new(disk: &'a dyn Disk, segments: Segments) -> Trail<'a> {
        Trail { disk, segments, place: None, unfinished: false, pace: Pace::of(1) }
    }

    /// A walk for which a batch at the very end that is not whole is no damage: it comes again, once it is, or once another segment
    /// follows.
    #[must_use]
    pub fn of_a_live_log(mut self) -> Trail<'a> {
        self.unfinished = true;
        self
    }

    /// A walk whose files are read ahead of it.
    #[must_use]
    pub fn at(mut self, pace: Pace) -> Trail<'a> {
        self.pace = pace;
        self
    }

    /// The files: base offset and path, in order.
    ///
    /// # Errors
    /// As the system says.
    pub fn files(&self) -> Result<Vec<(i64, PathBuf)>, StorageError> {
        match &self.segments {
            Segments::Of(folder) => folder.segments(self.disk),
            Segments::One(base, path) => Ok(vec![(*base, path.clone())]),
        }
    }

    /// The files that may hold offsets from `from` up to `to`.
    ///
    /// # Errors
    /// As the system says.
    pub fn files_within(&self, from: i64, to: i64) -> Result<Vec<(i64, PathBuf)>, StorageError> {
        Ok(within(&self.files()?, from, to).to_vec())
    }

    /// How many bytes there are to read of offsets from `from` up to `to`.
    ///
    /// # Errors
    /// As the system says.
    pub fn bytes_within(&self, from: i64, to: i64) -> Result<u64, StorageError> {
        let mut bytes = 0;
        for (_, path) in within(&self.files()?, from, to) {
            bytes += match self.disk.open(path, OpenMode::Read).and_then(|file| file.len()) {
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
                Err(error) => return Err(StorageError::at("open", path)(error)),
            };
        }
        Ok(bytes)
    }

    /// Calls `visit` with everything that stands in the segments of offsets from `from` up to `to`, and goes on where the last call ended.
    /// It ends early as `visit` says.
    ///
    /// # Errors
    /// As the system says, and as `visit` does.
    pub fn walk<E: From<StorageError>>(
        &mut self,
        from: i64,
        to: i64,
        mut visit: impl FnMut(Here<'_>, &Piece) -> Result<ControlFlow<Stop>, E>,
    ) -> Result<(), E> {
        let files = self.files()?;
        let last = files.last().map(|(base, _)| *base);
        for (base, path) in within(&files, from, to) {
            if self.place.is_some_and(|place| place.segment > *base) {
                continue;
            }
            let is_last = last == Some(*base);
            if self.file(*base, path, is_last, &mut visit)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    fn file<E: From<StorageError>>(
        &mut self,
        base: i64,
        path: &Path,
        is_last: bool,
        visit: &mut impl FnMut(Here<'_>, &Piece) -> Result<ControlFlow<Stop>, E>,
    ) -> Result<ControlFlow<()>, E> {
        let file = match self.disk.open(path, OpenMode::Read) {
            Ok(file) => file,
            // A broker has deleted it meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.is_folder() => {
                return Ok(ControlFlow::Continue(()));
            }
            Err(error) => return Err(StorageError::at("open", path)(error).into()),
        };
        let failed = |error| E::from(StorageError::at("read", path)(error));
        let mut place = self.place.filter(|place| place.segment == base).unwrap_or(Reached {
            segment: base,
            position: 0,
            expected: base,
        });
        let mut end = file.len().map_err(failed)?;
        let pace = || self.pace.clone();
        let mut sweep = Sweep::ahead(&file, place.position, end, place.expected, pace());
        let here = Here { path, base, file: &file };
        while let Some(piece) = sweep.next().map_err(failed)? {
            if let Piece::Gap(gap) = &piece
                && gap.is_tail
                && is_last
            {
                let now = file.len().map_err(failed)?;
                if now > end {
                    // It was being written.
                    end = now;
                    sweep = Sweep::ahead(&file, gap.position, end, place.expected, pace());
                    continue;
                }
                if self.unfinished {
                    break;
                }
            }
            let wanted = visit(here, &piece)?;
            if wanted != ControlFlow::Break(Stop::Before) {
                if let Piece::Batch(swept) = &piece {
                    place.expected = place.expected.max(swept.found.last_offset.saturating_add(1));
                }
                place.position = sweep.position();
            }
            if wanted.is_break() {
                self.place = Some(place);
                return Ok(ControlFlow::Break(()));
            }
        }
        self.place = Some(place);
        Ok(ControlFlow::Continue(()))
    }

    fn is_folder(&self) -> bool {
        matches!(self.segments, Segments::Of(_))
    }
}

/// The files that may hold offsets from `from` up to `to`.
fn within(files: &[(i64, PathBuf)], from: i64, to: i64) -> &[(i64, PathBuf)] {
    let first = files.partition_point(|(base, _)| *base <= from).saturating_sub(1);
    let behind = files.partition_point(|(base, _)| *base < to);
    // One file alone may have any name.
    if files.len() == 1 { files } else { &files[first.min(behind)..behind] }
}

#[cfg(test)]
#[path = "trail_tests.rs"]
mod tests;
