//! Rank 2. One partition's log in Kafka's own format, and the directories that hold them. Blocking.
//!
//! A [`LogDir`] is opened and locked once; it opens [`Log`]s. A log is entered by [`Log::append`], [`Log::slice`] and the
//! lookups; it is owned by whoever holds its lock, and never takes one itself. Durability is in two steps, so that the
//! lock is not held over a disk: [`Log::flush_plan`] under the lock, [`FlushPlan::run`] outside of it, and
//! [`Log::flushed`]. What is damaged is reported, never skipped; what is deleted is first renamed. What stood on disk
//! before this start is checked before it is first read: see [`Check`]. Compaction goes the same way, from [`Log::clean_plan`]
//! by [`CleanPlan`] to [`Log::take_over`]; [`LogDir::sync`] makes many logs durable at once.

mod aborted;
mod append;
mod believe;
mod check;
mod check_transactions;
mod checkpoint;
mod clean;
mod cold;
mod counts;
mod cut;
#[cfg(test)]
mod damage_tests;
mod dir;
mod epochs;
mod error;
mod files;
mod flush;
mod folder;
mod index;
mod known;
mod load;
#[cfg(test)]
mod lost_tests;
mod names;
mod producers;
mod properties;
mod read;
mod rebuild;
mod recall;
mod recovery;
mod replay;
mod retention;
#[cfg(test)]
mod roll_tests;
mod scan;
mod segment;
mod snapshot;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod time_index_tests;
mod transactions;
mod unchecked;
mod verification;
mod verify;
mod walk;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use aborted::{Aborted, AbortedEntry};
pub use append::Placed;
pub use check::{Check, Checked};
pub use checkpoint::{Checkpoint, Offsets, read_offsets, write_offsets};
pub use clean::{CleanError, CleanLimits, CleanPlan, CleanedGroup, Filth, Mapped, Taken};
pub use cold::Cold;
pub use counts::DirCounts;
pub use dir::{Found as FoundPartition, LogDir};
pub use epochs::{FILE as LEADER_EPOCHS_FILE, LeaderEpochs, read as read_epochs};
pub use error::{AppendError, Damage, LogDirError, OpenError, ReadError, StorageError};
pub use files::{FileCache, file_name, offset_of, path_in};
pub use flush::{FlushPlan, FlushPoint};
pub use folder::{partition_of, topic_id_in};
pub use index::{Entry as IndexEntry, OffsetEntry, TimeEntry};
pub use names::PARTITION_METADATA as PARTITION_METADATA_FILE;
pub use producers::{Producer, Producers, Remembered};
pub use properties::{
    FILE as META_PROPERTIES_FILE, Found as FoundProperties, MetaProperties, read as read_properties,
};
pub use read::{LogSlice, TimedOffset};
pub use recovery::{Opening, Recovered};
pub use replay::Ended;
pub use scan::{Found, Scan};
pub use snapshot::{
    SnapshotEntry, SnapshotFault, entries as snapshot_entries, read as read_producers,
    write as write_producers,
};
pub use transactions::EndTxn;
pub use verification::{Guard, Verification};
pub use walk::{Fault, Walk};

use crate::base::{LeaderEpoch, Offset, TopicPartition};
use crate::config::TopicConfig;
use crate::os::{Disk, Os};
use names::Names;
use segment::Segment;
use transactions::Pending;
use verification::Verifications;

/// One partition's log.
#[derive(Debug)]
pub struct Log {
    os: Os,
    files: Arc<FileCache>,
    folder: PathBuf,
    partition: TopicPartition,
    config: Arc<TopicConfig>,
    /// In order of offset; the last one is active. Never empty.
    segments: Vec<Segment>,
    start: Offset,
    /// The highest start that the leader epochs on disk bear out.
    borne_out_start: Offset,
    end: Offset,
    /// All below is on disk.
    recovery_point: Offset,
    epochs: LeaderEpochs,
    producers: Producers,
    /// Transactions whose markers may not be on disk.
    pending: Pending,
    /// Whose transactions wait for the coordinator's word.
    verifications: Verifications,
    /// Taken off `segment.ms` for the active segment.
    jitter_ms: i64,
    was_compacted: bool,
    /// Renamed files and when they may go.
    doomed: Vec<(PathBuf, i64)>,
    names: Names,
    offline: bool,
    /// Bytes of batches that were appended since it was opened.
    appended_bytes: u64,
    /// What its directory counts.
    counts: Arc<DirCounts>,
}

impl Log {
    /// Which partition it is.
    pub fn partition(&self) -> &TopicPartition {
        &self.partition
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The first offset that can be read.
    pub fn start(&self) -> Offset {
        self.start
    }

    /// The offset that the next record gets.
    pub fn end(&self) -> Offset {
        self.end
    }

    /// All below this offset is on disk.
    pub fn recovery_point(&self) -> Offset {
        self.recovery_point
    }

    /// How many bytes of batches it has.
    pub fn size_bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.size).sum()
    }

    /// How many segments it has.
    pub fn segment_count(&self) -> usize {
        self.segments.len()
    }

    /// How many bytes of batches were appended since it was opened.
    pub fn appended_bytes(&self) -> u64 {
        self.appended_bytes
    }

    /// Counts in `counts` from now on how long its disk takes.
    pub(super) fn count_in(&mut self, counts: Arc<DirCounts>) {
        self.counts = counts;
    }

    /// Its configuration.
    pub fn config(&self) -> &Arc<TopicConfig> {
        &self.config
    }

    /// Changes its configuration from now on.
    pub fn set_config(&mut self, config: Arc<TopicConfig>) {
        self.config = config;
    }

    /// Whether its disk failed: it takes no appends.
    pub fn is_offline(&self) -> bool {
        self.offline
    }

    /// Takes no appends any more: its disk failed.
    pub fn take_offline(&mut self) {
        self.offline = true;
        self.distrust_unflushed();
    }

    /// The newest leader epoch that has records.
    pub fn latest_epoch(&self) -> Option<LeaderEpoch> {
        self.epochs.latest()
    }

    /// The leader epoch of the record at `offset`.
    pub fn epoch_of(&self, offset: Offset) -> Option<LeaderEpoch> {
        self.epochs.of(offset)
    }

    /// The largest epoch that is not above `wanted` and where it ended (KIP-101, KIP-279).
    pub fn epoch_end(&self, wanted: LeaderEpoch) -> Option<(LeaderEpoch, Offset)> {
        self.epochs.end_of(wanted, self.end)
    }

    /// The producers that wrote lately, in ascending order of id.
    pub fn producers(&self) -> impl Iterator<Item = (i64, &Producer)> {
        self.producers.iter()
    }

    /// Forgets producers that have been silent since before `limit`, in ms; not those that have a transaction open.
    pub fn expire_producers(&mut self, limit: i64) {
        self.producers.expire(limit);
        self.verifications.expire(limit);
    }

    fn disk(&self) -> &dyn Disk {
        &*self.os.disk
    }

    fn active(&mut self) -> &mut Segment {
        self.segments.last_mut().expect("a log has an active segment")
    }

    fn assert_invariants(&self) {
        assert!(self.start <= self.end);
        assert!(self.recovery_point <= self.end);
        assert!(self.segments.last().is_some_and(|active| active.base <= self.end.get()));
    }
}
