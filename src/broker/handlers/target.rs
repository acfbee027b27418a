//! Which partition a request means, and whether it means the one that is led here.

use std::sync::Arc;

use crate::base::ErrorCode;
use crate::broker::partition::Partition;
use crate::broker::partitions::{Slot, TopicLogs};

/// Finds a partition of a topic; `unknown` is answered where there is none.
pub fn partition(
    topic: Option<&Arc<TopicLogs>>,
    index: i32,
    unknown: ErrorCode,
) -> Result<Arc<Partition>, ErrorCode> {
    let topic = topic.ok_or(unknown)?;
    let slot = usize::try_from(index).ok().and_then(|at| topic.slots.get(at));
    match slot {
        Some(Slot::Online(partition)) if !partition.is_damaged() => Ok(partition.clone()),
        Some(Slot::Online(_) | Slot::Offline(_)) => Err(ErrorCode::KafkaStorageError),
        None => Err(ErrorCode::UnknownTopicOrPartition),
    }
}

/// Holds the leader epoch that a client knows against the leader's (KIP-320); -1 does not say.
pub fn check_epoch(partition: &Partition, known: i32) -> Result<(), ErrorCode> {
    match known.cmp(&partition.leader_epoch.get()) {
        _ if known < 0 => Ok(()),
        std::cmp::Ordering::Less => Err(ErrorCode::FencedLeaderEpoch),
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Greater => Err(ErrorCode::UnknownLeaderEpoch),
    }
}
