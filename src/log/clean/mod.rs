//! Compaction: of the records with one key, only the last one stays (`cleanup.policy=compact`).
//!
//! Whoever holds the log's lock asks [`Log::filth`] whether it is worth it and takes a [`CleanPlan`]; the plan runs without the
//! lock, reads sealed segments that are on disk, and writes what is left of them aside. Each group of segments is taken over with
//! [`Log::take_over`], in order of offset: an older record is gone, durably, before what deletes it may go.
//!
//! Offsets stay. The last batch of each group stays too, if need be without records: so a segment ends where the next one begins, and
//! after a crash in the middle of a swap it can be told which segments the new one replaces.

mod filth;
mod map;
mod offset_map;
mod points;
mod recover;
mod swap;
#[cfg(test)]
mod tests;
mod transactions;
mod write;

pub use filth::Filth;
pub use map::{CleanLimits, CleanPlan, Mapped};
pub use points::CleanPoints;
pub(super) use recover::finish_swaps;
pub use swap::Taken;
pub use write::CleanedGroup;

use std::path::PathBuf;

use super::error::StorageError;

/// Why a log was not compacted.
#[derive(Debug, thiserror::Error)]
pub enum CleanError {
    /// The log was deleted, or the broker stops.
    #[error("compaction was stopped")]
    Stopped,
    /// Something in it cannot be compacted; nothing was changed.
    #[error(
        "{file} cannot be compacted at byte {position} (offset {offset}): {detail}; its records are served and kept; to have it \
         compacted again: see to the file and restart klog", file = file.display()
    )]
    Unfit {
        /// The segment file.
        file: PathBuf,
        /// Where.
        position: u64,
        /// The offset there.
        offset: i64,
        /// What is in the way.
        detail: String,
    },
    /// The disk failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// What the cleaner tells of the bytes that it has read or written, and is told in turn whether to go on.
pub type Pace<'a> = dyn FnMut(u64) -> bool + 'a;
