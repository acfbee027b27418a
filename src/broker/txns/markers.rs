//! One marker into one partition.

use bytestring::ByteString;

use crate::base::ErrorCode;
use crate::broker::coordinator_topic::{CoordinatorTopic, Durable};
use crate::broker::node::Node;
use crate::broker::partitions::Slot;
use crate::log::{AppendError, EndTxn};

/// What a marker says.
pub type Marker = EndTxn;

impl Node {
    /// Ends a producer's transaction in one partition.
    ///
    /// # Errors
    /// UNKNOWN_TOPIC_OR_PARTITION; KAFKA_STORAGE_ERROR while it is offline; INVALID_PRODUCER_EPOCH and
    /// TRANSACTION_COORDINATOR_FENCED from who is not in office any more; COORDINATOR_LOAD_IN_PROGRESS while it is not known
    /// which offsets of groups wait for it.
    pub fn write_marker(
        &self,
        topic: &ByteString,
        partition: i32,
        marker: Marker,
    ) -> Result<Durable, ErrorCode> {
        let unknown = ErrorCode::UnknownTopicOrPartition;
        let logs = self.partitions.topic(topic).ok_or(unknown)?;
        let at = usize::try_from(partition).map_err(|_| unknown)?;
        let online = match logs.slots.get(at).ok_or(unknown)? {
            Slot::Online(online) if !online.is_damaged() => online,
            _ => return Err(ErrorCode::KafkaStorageError),
        };
        let of_offsets = topic == CoordinatorTopic::Offsets.name();
        if of_offsets && self.is_loading_groups(partition) {
            return Err(ErrorCode::CoordinatorLoadInProgress);
        }
        let appended = self.append_marker(online, marker, self.now());
        let appended = match appended {
            Ok(appended) => appended,
            Err(AppendError::Offline { .. }) if online.is_deleted() => return Err(unknown),
            Err(error) => {
                tracing::debug!(partition = %online.id, %error, "a marker was not written");
                return Err(error.code());
            }
        };
        if of_offsets {
            self.end_pending_offsets(partition, marker.producer_id, marker.commit);
        }
        let up_to = appended.placed.last_offset.plus(1);
        Ok(appended.due.then(|| (online.clone(), up_to)))
    }
}
