//! What can go wrong with a log, and the Kafka code for it.

use std::io;
use std::path::PathBuf;

use crate::base::{ErrorCode, Offset, ProducerId};
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
}

/// Why a partition's log could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Bytes that are no torn tail are wrong; nothing was changed.
    #[error(
        "{file} is damaged at byte {position} (offset {offset}): {detail}; repair it with: klog dump-segment {folder} --repair --in-place",
        file = file.display(), folder = folder.display()
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
    #[error("{file} is damaged at byte {position}", file = file.display())]
    Damaged {
        /// The segment file.
        file: PathBuf,
        /// Where.
        position: u64,
        /// What is wrong.
        #[source]
        source: BatchError,
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
            ReadError::Damaged { .. } | ReadError::Storage(_) => ErrorCode::KafkaStorageError,
        }
    }
}
