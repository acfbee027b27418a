//! What all handlers share.

use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use super::aside::Aside;
use super::counts::Counts;
use super::defaults::topic_defaults;
use super::groups::Groups;
use super::loggers::Loggers;
use super::partition::Partition;
use super::partitions::Partitions;
use super::producer_ids::ProducerIds;
use super::sessions::Sessions;
use super::txns::Transactions;
use crate::base::{Millis, Offset, TopicId};
use crate::config::BrokerConfig;
use crate::log::{AppendError, EndTxn, Guard, Log, Placed};
use crate::meta::{Image, NewTopic, create_topic};
use crate::net::{Budget, Limits, Seldom};
use crate::os::Os;
use crate::quorum::{MetadataStore, SubmitError};
use crate::record::{Batch, Checked};

/// One broker.
#[derive(Debug)]
pub struct Node {
    /// Its configuration.
    pub config: BrokerConfig,
    /// Disk, clock, randomness.
    pub os: Os,
    /// The cluster's id.
    pub cluster_id: String,
    /// The log directories that could not be opened at the start.
    pub unopened_dirs: Vec<PathBuf>,
    /// The cluster's metadata.
    pub store: Arc<dyn MetadataStore>,
    /// Its partitions.
    pub partitions: Partitions,
    /// Fetch sessions.
    pub sessions: Sessions,
    /// Consumer groups.
    pub groups: Groups,
    /// Transactions.
    pub transactions: Transactions,
    /// Producer ids to hand out.
    pub producer_ids: ProducerIds,
    /// The levels of its own log.
    pub loggers: Loggers,
    /// Partitions with records that the background has to make durable.
    pub dirty: Mutex<Vec<Arc<Partition>>>,
    /// So many fetches at once check what they are about to serve.
    pub checking: tokio::sync::Semaphore,
    /// How many connections there may be.
    pub limits: Arc<Limits>,
    /// What is counted of them and their requests.
    pub counts: Arc<Counts>,
    /// The bytes that requests may hold.
    pub requests: Budget,
    /// Where long work is done.
    pub aside: Aside,
    /// Whether one more line about a connection that had to be closed is written to the log.
    pub lines: Seldom,
    /// Cancelled when the broker stops: parked requests are answered with what there is.
    pub stopping: CancellationToken,
}

/// What an append came to.
#[derive(Clone, Copy, Debug)]
pub struct Appended {
    /// Where the batch stands.
    pub placed: Placed,
    /// Where the log starts.
    pub log_start: Offset,
    /// Whether the topic asks to wait for the disk now.
    pub due: bool,
}

impl Node {
    /// The newest metadata.
    pub fn image(&self) -> Arc<Image> {
        self.store.image()
    }

    /// The broker's clock.
    pub fn now(&self) -> Millis {
        self.os.clock.now()
    }

    /// The log directories that take no records, or could not even be opened.
    pub fn offline_dirs(&self) -> Vec<String> {
        let failed = self.partitions.dirs().iter().filter(|dir| dir.is_offline());
        let failed = failed.map(|dir| dir.folder());
        let unopened = self.unopened_dirs.iter().map(PathBuf::as_path);
        failed.chain(unopened).map(|folder| folder.display().to_string()).collect()
    }

    /// Makes the partitions what the newest image says; returns once they are. What a handler committed is then served.
    pub async fn follow_metadata(self: &Arc<Node>) {
        let node = self.clone();
        let followed = tokio::task::spawn_blocking(move || {
            let image = node.image();
            let defaults = topic_defaults(&node.config, &image);
            node.partitions.follow(&image, defaults, node.now().0);
        })
        .await;
        if let Err(error) = followed {
            tracing::error!(%error, "bug: following the metadata failed");
        }
    }

    /// Notes that a partition has records which the background has to make durable.
    pub fn mark_dirty(&self, partition: &Arc<Partition>) {
        if partition.mark_dirty() {
            self.dirty.lock().push(partition.clone());
        }
    }

    /// Appends a batch as the leader, wakes who waits for records, and takes note of a disk that fails or is full.
    ///
    /// # Errors
    /// See [`AppendError`]; nothing was appended then.
    pub fn append(
        &self,
        partition: &Arc<Partition>,
        batch: &Batch,
        checked: &Checked,
        now: Millis,
    ) -> Result<Appended, AppendError> {
        self.append_guarded(partition, batch, checked, now, None)
    }

    /// The same, for the first batch of a transaction, which its coordinator was asked about.
    ///
    /// # Errors
    /// As [`Node::append`].
    pub fn append_guarded(
        &self,
        partition: &Arc<Partition>,
        batch: &Batch,
        checked: &Checked,
        now: Millis,
        guard: Option<Guard>,
    ) -> Result<Appended, AppendError> {
        let epoch = partition.leader_epoch;
        self.append_with(partition, |log| match guard {
            None => log.append(batch, checked, epoch, now),
            Some(guard) => log.append_verified(batch, checked, epoch, now, guard),
        })
    }

    /// Appends the marker that ends a producer's transaction.
    ///
    /// # Errors
    /// As [`Node::append`].
    pub fn append_marker(
        &self,
        partition: &Arc<Partition>,
        marker: EndTxn,
        now: Millis,
    ) -> Result<Appended, AppendError> {
        let epoch = partition.leader_epoch;
        self.append_with(partition, |log| log.append_marker(marker, epoch, now))
    }

    fn append_with(
        &self,
        partition: &Arc<Partition>,
        append: impl FnOnce(&mut Log) -> Result<Placed, AppendError>,
    ) -> Result<Appended, AppendError> {
        if partition.dir.is_offline() {
            return Err(AppendError::Offline { partition: partition.id.to_string() });
        }
        let mut log = partition.log();
        let placed = append(&mut log);
        let offline = log.is_offline();
        let due = log.unflushed() >= log.config().flush_messages;
        let log_start = log.start();
        drop(log);
        let placed = placed.inspect_err(|error| {
            if let AppendError::Storage(storage) = error {
                partition.append_failed(storage, offline);
            }
        })?;
        if partition.dir.is_full() {
            partition.dir.set_full(false);
        }
        if !placed.duplicate {
            partition.wake();
            self.mark_dirty(partition);
        }
        Ok(Appended { placed, log_start, due })
    }

    /// Makes a topic, and opens its partitions.
    ///
    /// # Errors
    /// As the metadata store says.
    pub async fn create_topic(self: &Arc<Node>, wish: NewTopic) -> Result<TopicId, SubmitError> {
        let id = TopicId(self.os.random_id());
        let node = self.clone();
        let name = wish.name.clone();
        self.store
            .submit(Box::new(move |image| {
                create_topic(image, &wish, id, node.partitions.spread()?)
            }))
            .await?;
        self.follow_metadata().await;
        tell_created(&name, id);
        Ok(id)
    }

    /// What a topic gets that is made because somebody asked for it.
    pub fn automatic_topic(&self, name: &str) -> NewTopic {
        NewTopic {
            name: name.into(),
            partitions: self.config.num_partitions,
            replication_factor: self.config.default_replication_factor,
            ..NewTopic::default()
        }
    }
}

/// Whoever reads the log sees topics come as they see them go.
pub fn tell_created(topic: &str, id: TopicId) {
    tracing::info!(topic, %id, "created topic");
}
