//! What a file of a data directory is, by its name alone.

use crate::log::{LEADER_EPOCHS_FILE, META_PROPERTIES_FILE, PARTITION_METADATA_FILE, offset_of};

/// A file of offsets by partition.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum CheckpointKind {
    /// `recovery-point-offset-checkpoint`: all below is on disk.
    RecoveryPoint,
    /// `log-start-offset-checkpoint`: all below was deleted.
    LogStart,
    /// `replication-offset-checkpoint`: high watermarks.
    Replication,
    /// `cleaner-offset-checkpoint`: all below is compacted.
    Cleaner,
}

/// What a file is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum FileKind {
    /// `00000000000000000042.log`: batches.
    Segment { base: i64 },
    /// `.index`: positions by offset.
    OffsetIndex { base: i64 },
    /// `.timeindex`: offsets by time.
    TimeIndex { base: i64 },
    /// `.txnindex`: aborted transactions.
    TxnIndex { base: i64 },
    /// `.snapshot`: what is known of producers below the offset in its name.
    ProducerSnapshot { offset: i64 },
    /// `00000000000000000042-0000000007.checkpoint`: a snapshot of the metadata log at the offset and epoch in its name.
    MetadataSnapshot { end: i64, epoch: i32 },
    /// `bootstrap.checkpoint`: the records that a new cluster begins with, as a snapshot.
    Bootstrap,
    /// `leader-epoch-checkpoint`.
    LeaderEpochs,
    /// `partition.metadata`: the topic's id.
    PartitionMetadata,
    /// `meta.properties`: whose directory it is.
    MetaProperties,
    /// `quorum-state`: the metadata quorum's epoch and vote.
    QuorumState,
    /// `.kafka_cleanshutdown`: the broker stopped of its own accord.
    CleanShutdown,
    /// Offsets by partition.
    Checkpoint(CheckpointKind),
    /// What a deletion, a compaction or a broken write left: the suffix, and what the file was.
    Leftover { suffix: &'static str, of: Box<FileKind> },
    /// A lock file: `.lock`.
    Lock,
    /// None of Kafka's.
    Other,
}

/// Suffixes that stand behind a file's own name.
const LEFTOVERS: [&str; 5] = [".deleted", ".cleaned", ".swap", ".tmp", ".part"];

impl FileKind {
    /// Whether it is one of Kafka's, or was.
    pub fn is_known(&self) -> bool {
        match self {
            FileKind::Leftover { of, .. } => of.is_known(),
            kind => *kind != FileKind::Other,
        }
    }

    /// What a file of this name is.
    pub fn of(name: &str) -> FileKind {
        for suffix in LEFTOVERS {
            if let Some(before) = name.strip_suffix(suffix) {
                return FileKind::Leftover { suffix, of: Box::new(FileKind::of(before)) };
            }
        }
        let by_base = |suffix: &str| offset_of(name, suffix);
        if let Some(base) = by_base(".log") {
            return FileKind::Segment { base };
        }
        if let Some(base) = by_base(".index") {
            return FileKind::OffsetIndex { base };
        }
        if let Some(base) = by_base(".timeindex") {
            return FileKind::TimeIndex { base };
        }
        if let Some(base) = by_base(".txnindex") {
            return FileKind::TxnIndex { base };
        }
        if let Some(offset) = by_base(".snapshot") {
            return FileKind::ProducerSnapshot { offset };
        }
        if let Some((end, epoch)) = snapshot_id(name) {
            return FileKind::MetadataSnapshot { end, epoch };
        }
        match name {
            LEADER_EPOCHS_FILE => FileKind::LeaderEpochs,
            PARTITION_METADATA_FILE => FileKind::PartitionMetadata,
            META_PROPERTIES_FILE => FileKind::MetaProperties,
            "quorum-state" => FileKind::QuorumState,
            ".kafka_cleanshutdown" => FileKind::CleanShutdown,
            "recovery-point-offset-checkpoint" => {
                FileKind::Checkpoint(CheckpointKind::RecoveryPoint)
            }
            "log-start-offset-checkpoint" => FileKind::Checkpoint(CheckpointKind::LogStart),
            "replication-offset-checkpoint" => FileKind::Checkpoint(CheckpointKind::Replication),
            "cleaner-offset-checkpoint" => FileKind::Checkpoint(CheckpointKind::Cleaner),
            "bootstrap.checkpoint" => FileKind::Bootstrap,
            ".lock" => FileKind::Lock,
            _ => FileKind::Other,
        }
    }
}

/// `00000000000000000042-0000000007.checkpoint`: end offset and epoch.
fn snapshot_id(name: &str) -> Option<(i64, i32)> {
    let (end, epoch) = name.strip_suffix(".checkpoint")?.split_once('-')?;
    let number = |text: &str, digits: usize| {
        text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    if !number(end, 20) || !number(epoch, 10) {
        return None;
    }
    Some((end.parse().ok()?, epoch.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_by_its_name() {
        let of = FileKind::of;
        assert_eq!(of("00000000000000000042.log"), FileKind::Segment { base: 42 });
        assert_eq!(of("00000000000000000042.timeindex"), FileKind::TimeIndex { base: 42 });
        assert_eq!(of("00000000000000000042.snapshot"), FileKind::ProducerSnapshot { offset: 42 });
        assert_eq!(
            of("00000000000000000042-0000000007.checkpoint"),
            FileKind::MetadataSnapshot { end: 42, epoch: 7 }
        );
        assert_eq!(
            of("00000000000000000042.log.deleted"),
            FileKind::Leftover { suffix: ".deleted", of: Box::new(FileKind::Segment { base: 42 }) }
        );
        assert_eq!(of("42.log"), FileKind::Other);
        assert_eq!(of("99999999999999999999.log"), FileKind::Other);
    }
}
