//! Rank 3. The metadata store: where decisions become durable, in one order, for all nodes. It is entered by
//! [`MetadataStore::submit`] with a decision still to be made: the store calls it on the newest image, commits the records,
//! publishes the new image, and only then answers. [`Single`] is a quorum of one.
//!
//! The store never decides anything itself, and never forgets what it acknowledged.

mod single;
mod snapshot;
mod state;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;

pub use single::{Single, StartError};

use crate::base::{PartitionIndex, TopicId, TopicName, TopicPartition};
use crate::meta::{Image, MetadataRecord, Refused};

/// A decision, made when its turn comes.
pub type Decide = Box<dyn FnOnce(&Image) -> Result<Vec<MetadataRecord>, Refused> + Send>;

/// Why a decision was not committed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SubmitError {
    /// It was not taken.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The store's disk failed, now or before: nothing can be committed any more.
    #[error("the metadata log failed: {0}")]
    Failed(Arc<str>),
    /// The store was stopped.
    #[error("the metadata store is stopped")]
    Stopped,
}

/// The topic whose one partition is the metadata log.
pub const METADATA_TOPIC: &str = "__cluster_metadata";

/// The metadata log, as a partition.
///
/// # Panics
/// Never.
pub fn metadata_partition() -> TopicPartition {
    let topic = TopicName::new(METADATA_TOPIC).expect("a valid name");
    TopicPartition { topic, partition: PartitionIndex::ZERO }
}

/// How the quorum stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Status {
    /// The leader's node id.
    pub leader_id: i32,
    /// The id of the log directory that has its metadata log.
    pub leader_directory_id: TopicId,
    /// Its epoch.
    pub leader_epoch: i32,
    /// All below this offset of the metadata log is committed.
    pub high_watermark: i64,
    /// When the leader last made sure of it, in ms.
    pub at_ms: i64,
}

/// Where metadata lives.
pub trait MetadataStore: Send + Sync + std::fmt::Debug {
    /// The newest committed image.
    fn image(&self) -> Arc<Image>;

    /// Wakes whenever an image was published; the value counts them.
    fn changes(&self) -> watch::Receiver<u64>;

    /// Commits what `decide` decides; the image that [`MetadataStore::image`] returns afterwards has it.
    fn submit(
        &self,
        decide: Decide,
    ) -> Pin<Box<dyn Future<Output = Result<(), SubmitError>> + Send>>;

    /// How the quorum stands.
    fn status(&self) -> Status;
}

/// Submits a decision that also has an answer.
///
/// # Errors
/// As [`MetadataStore::submit`].
pub async fn submit<T: Send + 'static>(
    store: &dyn MetadataStore,
    decide: impl FnOnce(&Image) -> Result<(T, Vec<MetadataRecord>), Refused> + Send + 'static,
) -> Result<T, SubmitError> {
    let answer = Arc::new(Mutex::new(None));
    let slot = answer.clone();
    store
        .submit(Box::new(move |image| {
            let (value, records) = decide(image)?;
            *slot.lock() = Some(value);
            Ok(records)
        }))
        .await?;
    let value = answer.lock().take();
    value.ok_or(SubmitError::Stopped)
}
