//! How long a log directory's disk took.

use std::time::Instant;

use crate::base::Durations;

/// What is counted of a log directory.
#[derive(Debug, Default)]
pub struct DirCounts {
    /// Flushes: all that makes a log durable up to where it ends, or many logs at once.
    pub flushes: Durations,
    /// Single waits for the disk within flushes, and when a segment is full: fdatasync of a segment, fsync of names, syncfs.
    pub syncs: Durations,
}

impl DirCounts {
    /// Does one wait for the disk, and counts it unless it fails.
    pub(super) fn sync<E>(&self, sync: impl FnOnce() -> Result<(), E>) -> Result<(), E> {
        timed(&self.syncs, sync)
    }

    /// Does a flush, and counts it unless it fails.
    pub(super) fn flush<E>(&self, flush: impl FnOnce() -> Result<(), E>) -> Result<(), E> {
        timed(&self.flushes, flush)
    }
}

fn timed<E>(durations: &Durations, work: impl FnOnce() -> Result<(), E>) -> Result<(), E> {
    let begun = Instant::now();
    work().inspect(|()| durations.note(begun.elapsed()))
}
