//! Where groups are kept: which partition of `__consumer_offsets`, and how records get there.

use std::sync::Arc;

use crate::base::{ErrorCode, Millis, Offset};
use crate::broker::node::Node;
use crate::broker::partition::Partition;
use crate::broker::partitions::Slot;
use crate::group::Entry;
use crate::meta::NewTopic;
use crate::quorum::SubmitError;
use crate::record::{Batch, BatchBuilder, BatchError, BatchOptions, BuildError, Checked};
use crate::wire::EncodeError;

/// Kafka's topic of groups and offsets.
pub const OFFSETS_TOPIC: &str = "__consumer_offsets";

/// Up to where something has to be on disk before it may be answered for.
pub type Durable = Option<(Arc<Partition>, Offset)>;

impl Node {
    /// Which partition of `__consumer_offsets` has a group; `None` before the topic was made.
    pub fn offsets_partition(&self, id: &str) -> Option<i32> {
        let count = i32::try_from(self.partitions.topic(OFFSETS_TOPIC)?.slots.len()).ok()?;
        (java_hash(id) & i32::MAX).checked_rem(count)
    }

    /// Makes `__consumer_offsets`, if it is not there.
    ///
    /// # Errors
    /// As the metadata store says.
    pub async fn make_offsets_topic(self: &Arc<Node>) -> Result<(), SubmitError> {
        if self.partitions.topic(OFFSETS_TOPIC).is_some() {
            return Ok(());
        }
        let wish = NewTopic {
            name: OFFSETS_TOPIC.into(),
            partitions: self.config.offsets_partitions,
            replication_factor: 1,
            configs: vec![
                ("cleanup.policy".into(), "compact".into()),
                ("segment.bytes".into(), self.config.offsets_segment_bytes.to_string()),
                ("compression.type".into(), "producer".into()),
            ],
            ..NewTopic::default()
        };
        match self.create_topic(wish).await {
            Err(SubmitError::Refused(refused)) if refused.code == ErrorCode::TopicAlreadyExists => {
                Ok(())
            }
            done => done.map(drop),
        }
    }

    /// Appends records of a group to its partition. What is answered for them has to wait for [`Durable`].
    ///
    /// # Errors
    /// The code for a client: NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE where the disk failed.
    pub fn store_entries(&self, id: &str, entries: &[Entry]) -> Result<Durable, ErrorCode> {
        let partition = self.partition_of_group(id)?;
        let now = self.now();
        let batch = match build(entries, now) {
            Ok(Some(batch)) => batch,
            Ok(None) => return Ok(None),
            Err(error) => {
                tracing::error!(group = id, %error, "records of a group cannot be written");
                return Err(ErrorCode::UnknownServerError);
            }
        };
        let checked = Checked { max_timestamp: now, decompressed_bytes: batch.size_in_bytes() };
        let appended = self.append(&partition, &batch, &checked, now).map_err(|error| {
            tracing::debug!(group = id, partition = %partition.id, %error, "records of a group were not written");
            ErrorCode::CoordinatorNotAvailable
        })?;
        let end = appended.placed.last_offset.plus(1);
        Ok(appended.due.then_some((partition, end)))
    }

    /// Waits until what was stored is on disk, where its topic asks for that.
    ///
    /// # Errors
    /// COORDINATOR_NOT_AVAILABLE: the disk failed.
    pub async fn until_durable(durable: Durable) -> Result<(), ErrorCode> {
        let Some((partition, up_to)) = durable else { return Ok(()) };
        partition.durable(up_to).await.map_err(|_| ErrorCode::CoordinatorNotAvailable)
    }

    fn partition_of_group(&self, id: &str) -> Result<Arc<Partition>, ErrorCode> {
        let index = self.offsets_partition(id).ok_or(ErrorCode::CoordinatorNotAvailable)?;
        let topic =
            self.partitions.topic(OFFSETS_TOPIC).ok_or(ErrorCode::CoordinatorNotAvailable)?;
        match topic.slots.get(index as usize) {
            Some(Slot::Online(partition)) => Ok(partition.clone()),
            _ => Err(ErrorCode::CoordinatorNotAvailable),
        }
    }
}

/// Why records of a group could not be put into a batch.
#[derive(Debug, thiserror::Error)]
enum Unwritable {
    #[error(transparent)]
    Record(#[from] EncodeError),
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error(transparent)]
    Batch(#[from] BatchError),
}

fn build(entries: &[Entry], now: Millis) -> Result<Option<Batch>, Unwritable> {
    if entries.is_empty() {
        return Ok(None);
    }
    let mut builder = BatchBuilder::new(BatchOptions::default());
    for entry in entries {
        let (key, value) = entry.encode()?;
        builder.append(now.0, Some(&key), value.as_deref(), [])?;
    }
    Ok(Some(Batch::new(builder.build()?)?))
}

/// Java's `String.hashCode`, over UTF-16: Kafka chooses a group's partition by it.
fn java_hash(text: &str) -> i32 {
    text.encode_utf16()
        .fold(0, |hash: i32, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)))
}

#[cfg(test)]
mod tests {
    use super::java_hash;

    #[test]
    fn a_groups_hash_is_javas() {
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
