//! What can go wrong with a log, and the Kafka code for it.

use std::io;
use std::path::{Path, PathBuf};

use super::check::Check;
use crate::base::{ErrorCode, Offset, ProducerId, TopicId, repair_command};
use crate::record::BatchError;

/// The disk failed under a log directory.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {action} failed", path = path.display())]
pub struct StorageError {
    /// What was done, for example `write`.
    pub action: &'static str,
    /// To which file or folder.
    pub path: PathBuf,
    /// What the system said.
    #[source]
    pub source: io::Error,
}

impl StorageError {
    /// For `map_err`.
    pub fn at(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> StorageError {
        let path = path.into();
        move |source| StorageError { action, path, source }
    }

    /// Whether there is no room: nothing is broken, and it passes once something is deleted.
    pub fn is_no_room(&self) -> bool {
        matches!(self.source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
    }

    /// Whether the disk itself failed. Other errors come from limits of the process, or pass.
    pub fn is_disk_failure(&self) -> bool {
        const EIO: i32 = 5;
        const ENXIO: i32 = 6;
        const ENODEV: i32 = 19;
        const EROFS: i32 = 30;
        const EUCLEAN: i32 = 117;
        let code = self.source.raw_os_error();
        code.is_some_and(|code| [EIO, ENXIO, ENODEV, EROFS, EUCLEAN].contains(&code))
    }
}

/// Why a log directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LogDirError {
    /// Another process uses it.
    #[error("{folder} is in use by process {pid}", folder = folder.display(), pid = pid.map_or("unknown".into(), |pid| pid.to_string()))]
    InUse {
        /// The directory.
        folder: PathBuf,
        /// Who holds its lock, if the kernel tells.
        pid: Option<i32>,
    },
    /// It says that it is somebody else's, or nothing that can be understood.
    #[error("{file}: {detail}", file = file.display())]
    Properties {
        /// `meta.properties`.
        file: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// The disk failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Something on disk is not what was written; nothing was changed.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}", words(file, *position, *offset, detail))]
pub struct Damage {
    /// The segment file.
    pub file: PathBuf,
    /// Where the damage begins.
    pub position: u64,
    /// The offset that was expected there.
    pub offset: Offset,
    /// What is wrong.
    pub detail: String,
}

/// What an operator reads: what is wrong, where, and what to do.
fn words(file: &Path, position: u64, offset: Offset, detail: &str) -> String {
    let (name, mend) = (file.display(), what_to_do(file));
    format!("{name} is damaged at byte {position} (offset {offset}): {detail}; {mend}")
}

fn what_to_do(file: &Path) -> String {
    let save = repair_command(file.parent().unwrap_or(file));
    format!(
        "stop klog, then restore the file from a copy, or save what is whole of the partition: {save}"
    )
}

/// Why a partition's log could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Bytes that are no torn tail are wrong; nothing was changed.
    #[error(
        "{}", words(file, *position, *offset, detail)
    )]
    Damaged {
        /// The segment file.
        file: PathBuf,
        /// The partition's folder.
        folder: PathBuf,
        /// Where the damage begins.
        position: u64,
        /// The offset that was expected there.
        offset: Offset,
        /// What is wrong.
        detail: String,
    },
    /// The folder says that it is another topic's.
    #[error(
        "{file} says topic id {found}, but the topic's is {wanted}; stop klog, then, if the folder is this topic's: rm {file} \
         (klog writes it anew); if not, move the folder away",
        file = file.display()
    )]
    Foreign {
        /// The file that says so.
        file: PathBuf,
        /// The topic's id there.
        found: TopicId,
        /// The id of the topic that was to be opened.
        wanted: TopicId,
    },
    /// The disk failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Why a batch was not appended.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The producer skipped or repeated a sequence number.
    #[error("producer {id} sent sequence {got} after {last}")]
    OutOfOrder {
        /// The producer.
        id: ProducerId,
        /// The batch's first sequence number.
        got: i32,
        /// The last one that was appended; -1 if none in this epoch.
        last: i32,
    },
    /// A newer incarnation of the producer has written.
    #[error("producer {id} sent epoch {got}, but epoch {current} has written")]
    Fenced {
        /// The producer.
        id: ProducerId,
        /// The batch's epoch.
        got: i16,
        /// The newest epoch.
        current: i16,
    },
    /// A batch of a transaction that is not open here, and that nobody has vouched for.
    #[error("producer {producer_id} has no transaction open here")]
    NotInTransaction {
        /// The producer, as the batch tells.
        producer_id: i64,
    },
    /// The first batch of a transaction that may have ended since it was verified.
    #[error("the transaction of producer {producer_id} may have ended since it was verified")]
    GuardVoid {
        /// The producer.
        producer_id: i64,
    },
    /// A batch without a transaction, from a producer that has one open here.
    #[error("producer {id} has a transaction open here, and sent a batch that is no part of it")]
    OutsideTransaction {
        /// The producer.
        id: ProducerId,
    },
    /// A newer incarnation of the transaction coordinator has written a marker.
    #[error(
        "a coordinator of epoch {got} ends a transaction of producer {id}, but epoch {current} has written"
    )]
    CoordinatorFenced {
        /// The producer.
        id: ProducerId,
        /// The coordinator's epoch.
        got: i32,
        /// The newest epoch.
        current: i32,
    },
    /// The batch is larger than a segment may be.
    #[error("a batch of {size} bytes does not fit a segment of {segment_bytes}")]
    TooLarge {
        /// The batch's size.
        size: usize,
        /// The bound.
        segment_bytes: u32,
    },
    /// The disk failed; what was written was taken back.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The disk failed earlier: this log takes no more.
    #[error("{partition} is offline since its disk failed")]
    Offline {
        /// The partition's folder name.
        partition: String,
    },
}

impl AppendError {
    /// What to answer a producer.
    pub fn code(&self) -> ErrorCode {
        match self {
            AppendError::OutOfOrder { .. } => ErrorCode::OutOfOrderSequenceNumber,
            AppendError::Fenced { .. } => ErrorCode::InvalidProducerEpoch,
            AppendError::NotInTransaction { .. }
            | AppendError::GuardVoid { .. }
            | AppendError::OutsideTransaction { .. } => ErrorCode::InvalidTxnState,
            AppendError::CoordinatorFenced { .. } => ErrorCode::TransactionCoordinatorFenced,
            AppendError::TooLarge { .. } => ErrorCode::RecordListTooLarge,
            AppendError::Storage(_) | AppendError::Offline { .. } => ErrorCode::KafkaStorageError,
        }
    }
}

/// Why nothing was read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The offset lies outside of the log.
    #[error("offset {wanted} is outside of {start}..={end}")]
    OutOfRange {
        /// The offset asked for.
        wanted: Offset,
        /// The first offset.
        start: Offset,
        /// The end.
        end: Offset,
    },
    /// What is on disk is not what was written.
    #[error("{} is damaged at byte {position}: {source}; {}", file.display(), what_to_do(file))]
    Damaged {
        /// The segment file.
        file: PathBuf,
        /// Where.
        position: u64,
        /// What is wrong.
        #[source]
        source: BatchError,
    },
    /// What stood on disk before this start is not what was written.
    #[error(transparent)]
    Rotten(Damage),
    /// What is to be read stood on disk before this start and has not been checked since: the check comes first.
    #[error("what is to be read has not been checked yet")]
    Unchecked(Box<Check>),
    /// An index led to where no batch of its kind begins: it has to be rebuilt.
    #[error("the index of {file} is wrong", file = file.display())]
    Astray {
        /// The segment file.
        file: PathBuf,
    },
    /// The disk failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl ReadError {
    /// What to answer a consumer.
    pub fn code(&self) -> ErrorCode {
        match self {
            ReadError::OutOfRange { .. } => ErrorCode::OffsetOutOfRange,
            ReadError::Damaged { .. }
            | ReadError::Rotten(_)
            | ReadError::Unchecked(_)
            | ReadError::Astray { .. }
            | ReadError::Storage(_) => ErrorCode::KafkaStorageError,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_damaged_is_told_with_its_place_and_what_mends_it() {
        let file = PathBuf::from("/data/a b-0/00000000000000000000.log");
        let (position, offset, detail) = (70, Offset::new(9), "torn".to_owned());
        let source = BatchError::Crc { stored: 1, computed: 2 };
        let read = [
            ReadError::Damaged { file: file.clone(), position, source },
            ReadError::Rotten(Damage { file: file.clone(), position, offset, detail }),
        ];
        for error in read {
            let told = error.to_string();
            let mends = "klog dump-segment --repair --in-place '/data/a b-0'";
            assert!(told.contains("0000.log is damaged at byte 70"), "{told}");
            assert!(told.ends_with(mends), "{told}");
        }
    }
}
