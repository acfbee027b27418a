//! The topics in which coordinators keep what must survive: `__consumer_offsets` and `__transaction_state`. Whatever is kept of an
//! id stands in one partition, chosen as Kafka chooses it.

use std::collections::HashSet;
use std::sync::Arc;

use super::node::Node;
use super::partition::Partition;
use super::partitions::Slot;
use crate::base::{ErrorCode, Millis, Offset};
use crate::log::{AppendError, ReadError};
use crate::meta::NewTopic;
use crate::quorum::SubmitError;
use crate::record::{
    Batch, BatchBuilder, BatchError, BatchOptions, BuildError, Checked, ReadRecordsError,
    split_batches,
};
use crate::wire::EncodeError;

/// How much of a partition is read at once.
const AT_ONCE: usize = 4 << 20;
/// How far one batch of such a topic may be decompressed.
pub const DECOMPRESSED_AT_MOST: usize = 100 << 20;

/// One of the topics.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CoordinatorTopic {
    /// `__consumer_offsets`, by group.
    Offsets,
    /// `__transaction_state`, by transactional id.
    Transactions,
}

impl CoordinatorTopic {
    /// Kafka's name for it.
    pub fn name(self) -> &'static str {
        match self {
            CoordinatorTopic::Offsets => "__consumer_offsets",
            CoordinatorTopic::Transactions => "__transaction_state",
        }
    }

    fn wish(self, node: &Node) -> NewTopic {
        let config = &node.config;
        let (partitions, segment_bytes) = match self {
            CoordinatorTopic::Offsets => (config.offsets_partitions, config.offsets_segment_bytes),
            CoordinatorTopic::Transactions => {
                (config.transactions_partitions, config.transactions_segment_bytes)
            }
        };
        NewTopic {
            name: self.name().into(),
            partitions,
            replication_factor: 1,
            configs: vec![
                ("cleanup.policy".into(), "compact".into()),
                ("segment.bytes".into(), segment_bytes.to_string()),
                ("compression.type".into(), "producer".into()),
            ],
            ..NewTopic::default()
        }
    }
}

/// Up to where something has to be on disk before it may be answered for.
pub type Durable = Option<(Arc<Partition>, Offset)>;

/// Why records could not be put into a batch.
#[derive(Debug, thiserror::Error)]
pub enum Unwritable {
    /// One of them.
    #[error(transparent)]
    Record(#[from] EncodeError),
    /// All of them.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// All of them.
    #[error(transparent)]
    Batch(#[from] BatchError),
}

/// A batch of what `fill` appends; `None` if that is nothing.
pub fn build(
    options: BatchOptions,
    fill: impl FnOnce(&mut BatchBuilder) -> Result<bool, Unwritable>,
) -> Result<Option<Batch>, Unwritable> {
    let mut builder = BatchBuilder::new(options);
    if !fill(&mut builder)? {
        return Ok(None);
    }
    Ok(Some(Batch::new(builder.build()?)?))
}

impl Node {
    /// Which partition has an id; `None` before the topic was made.
    pub fn home_of(&self, topic: CoordinatorTopic, id: &str) -> Option<i32> {
        let count = i32::try_from(self.partitions.topic(topic.name())?.slots.len()).ok()?;
        (java_hash(id) & i32::MAX).checked_rem(count)
    }

    /// The partition that has an id.
    ///
    /// # Errors
    /// COORDINATOR_NOT_AVAILABLE while it is not there, or offline.
    pub fn home_partition(
        &self,
        topic: CoordinatorTopic,
        id: &str,
    ) -> Result<Arc<Partition>, ErrorCode> {
        let missing = ErrorCode::CoordinatorNotAvailable;
        let index = self.home_of(topic, id).ok_or(missing)?;
        let logs = self.partitions.topic(topic.name()).ok_or(missing)?;
        match logs.slots.get(index as usize) {
            Some(Slot::Online(partition)) => Ok(partition.clone()),
            _ => Err(missing),
        }
    }

    /// Makes the topic, if it is not there.
    ///
    /// # Errors
    /// As the metadata store says.
    pub async fn make_coordinator_topic(
        self: &Arc<Node>,
        topic: CoordinatorTopic,
    ) -> Result<(), SubmitError> {
        if self.partitions.topic(topic.name()).is_some() {
            return Ok(());
        }
        match self.create_topic(topic.wish(self)).await {
            Err(SubmitError::Refused(refused)) if refused.code == ErrorCode::TopicAlreadyExists => {
                Ok(())
            }
            done => done.map(drop),
        }
    }

    /// Appends what a coordinator keeps; tells where it stands. What is answered for it has to wait for [`Durable`].
    ///
    /// # Errors
    /// As [`Node::append`].
    pub fn keep(
        &self,
        partition: &Arc<Partition>,
        batch: &Batch,
        now: Millis,
    ) -> Result<(Offset, Durable), AppendError> {
        let checked = Checked { max_timestamp: now, decompressed_bytes: batch.size_in_bytes() };
        let appended = self.append(partition, batch, &checked, now)?;
        let placed = appended.placed;
        let durable = appended.due.then(|| (partition.clone(), placed.last_offset.plus(1)));
        Ok((placed.base_offset, durable))
    }

    /// Waits until what was kept is on disk, where its topic asks for that.
    ///
    /// # Errors
    /// COORDINATOR_NOT_AVAILABLE: the disk failed.
    pub async fn until_durable(durable: Durable) -> Result<(), ErrorCode> {
        let Some((partition, up_to)) = durable else { return Ok(()) };
        partition.durable(up_to).await.map_err(|_| ErrorCode::CoordinatorNotAvailable)
    }
}

/// Why a partition could not be read.
#[derive(Debug, thiserror::Error)]
pub enum LoadError<E: std::error::Error> {
    /// Its log.
    #[error(transparent)]
    Log(#[from] ReadError),
    /// Its files.
    #[error("cannot read: {0}")]
    Io(#[from] std::io::Error),
    /// A batch.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// The records of a batch.
    #[error(transparent)]
    Records(#[from] ReadRecordsError),
    /// A record.
    #[error("the record at offset {offset}: {source}")]
    Record {
        /// Which.
        offset: i64,
        /// What is wrong with it.
        source: E,
    },
}

/// Reads a whole partition, batch by batch. Blocking.
///
/// # Errors
/// See [`LoadError`]; what `take` says ends it too.
pub fn read_all<E: std::error::Error>(
    partition: &Partition,
    mut take: impl FnMut(&Batch) -> Result<(), LoadError<E>>,
) -> Result<(), LoadError<E>> {
    let (mut from, end) = {
        let log = partition.log();
        (log.start(), log.end())
    };
    while from < end {
        let slice = partition.read(|log| log.slice(from, end, AT_ONCE, true))?;
        if slice.bytes == 0 {
            break;
        }
        for stretch in &slice.slices {
            for batch in split_batches(stretch.read()?) {
                let batch = batch?;
                batch.check_crc()?;
                from = from.max(Offset::new(batch.header().last_offset() + 1));
                take(&batch)?;
            }
        }
    }
    Ok(())
}

/// Which partitions are not loaded yet, and which cannot be.
#[derive(Debug, Default)]
pub struct Loading {
    pending: HashSet<i32>,
    failed: HashSet<i32>,
}

impl Loading {
    /// Whether what a partition has can be served.
    ///
    /// # Errors
    /// COORDINATOR_LOAD_IN_PROGRESS; COORDINATOR_NOT_AVAILABLE if it could not be read.
    pub fn check(&self, partition: i32) -> Result<(), ErrorCode> {
        if self.pending.contains(&partition) {
            return Err(ErrorCode::CoordinatorLoadInProgress);
        }
        match self.failed.contains(&partition) {
            true => Err(ErrorCode::CoordinatorNotAvailable),
            false => Ok(()),
        }
    }

    /// Whether all that could be read was.
    pub fn is_done(&self) -> bool {
        self.pending.is_empty()
    }

    /// Whether a partition is being read yet.
    pub fn is_pending(&self, partition: i32) -> bool {
        self.pending.contains(&partition)
    }

    /// Notes what is to be loaded.
    pub fn begin(&mut self, partitions: impl IntoIterator<Item = i32>) {
        self.pending.extend(partitions);
    }

    /// Notes that a partition was loaded, or could not be.
    pub fn end(&mut self, partition: i32, loaded: bool) {
        self.pending.remove(&partition);
        if !loaded {
            self.failed.insert(partition);
        }
    }
}

/// Java's `String.hashCode`, over UTF-16: Kafka chooses a partition by it.
fn java_hash(text: &str) -> i32 {
    text.encode_utf16()
        .fold(0, |hash: i32, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)))
}

#[cfg(test)]
mod tests {
    use super::java_hash;

    #[test]
    fn an_ids_hash_is_javas() {
        for (text, hash) in [
            ("", 0),
            ("a", 97),
            ("billing", -109_829_509),
            ("gr\u{fc}ppe-\u{1f600}", -1_039_948_164),
        ] {
            assert_eq!(java_hash(text), hash, "{text}");
        }
    }
}
