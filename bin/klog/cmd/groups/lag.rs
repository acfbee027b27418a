//! How old what a group has yet to read is: the first record of each partition that is not committed is fetched.

use std::collections::BTreeMap;
use std::time::Duration;

use klog::client::{
    Client, ConsumeError, Consumer, ConsumerConfig, Isolation, OffsetReset, StartAt,
};
use tokio::time::Instant;

use crate::cluster::Partition;

/// How long a poll may wait. That only markers or gaps are left is seen after it.
const POLL: Duration = Duration::from_millis(100);
/// What is asked for of one partition: one record is all that is wanted; its batch comes whole.
const PARTITION_BYTES: i32 = 16 * 1024;

/// Offsets that a group has yet to read: never empty, but there may be no record in it.
#[derive(Clone, Copy, Debug)]
pub struct Unread {
    /// The first.
    pub from: i64,
    /// One past the last.
    pub end: i64,
}

/// The timestamp of the first record in each partition's range. None where it has none, or cannot be read (a line on stderr
/// says why). Partitions without a record in their range have nothing waiting, and are left out.
pub async fn first_timestamps(
    client: &Client,
    mut left: BTreeMap<Partition, Unread>,
) -> BTreeMap<Partition, Option<i64>> {
    let mut found = BTreeMap::new();
    if left.is_empty() {
        return found;
    }
    let config = ConsumerConfig {
        partition_max_bytes: PARTITION_BYTES,
        // What was deleted meanwhile is passed over.
        offset_reset: OffsetReset::Earliest,
        isolation: Isolation::ReadUncommitted,
        ..ConsumerConfig::default()
    };
    let consumer = Consumer::new(client, config);
    let starts: Vec<_> = left
        .iter()
        .map(|((topic, partition), unread)| {
            (topic.clone(), *partition, StartAt::Offset(unread.from))
        })
        .collect();
    consumer.assign(&starts);
    let give_up_at = Instant::now() + client.config().api_timeout;
    while !left.is_empty() && Instant::now() < give_up_at {
        match consumer.poll(POLL).await {
            Ok(records) => {
                for record in records {
                    let partition = (record.topic, record.partition);
                    if left.remove(&partition).is_some() {
                        consumer.pause(std::slice::from_ref(&partition));
                        found.insert(partition, record.timestamp);
                    }
                }
            }
            Err(error) => {
                tracing::warn!("how old what is unread is, cannot be told: {error}");
                match partition_of(&error) {
                    Some(partition) => {
                        left.remove(&partition);
                        consumer.pause(std::slice::from_ref(&partition));
                        found.insert(partition, None);
                    }
                    None => break,
                }
            }
        }
        left.retain(|(topic, partition), unread| {
            consumer.position(topic, *partition).is_none_or(|position| position < unread.end)
        });
    }
    found.extend(left.into_keys().map(|partition| (partition, None)));
    found
}

/// Which partition it is about, if not all.
fn partition_of(error: &ConsumeError) -> Option<Partition> {
    match error {
        ConsumeError::OffsetOutOfRange { topic, partition, .. }
        | ConsumeError::Truncated { topic, partition, .. }
        | ConsumeError::Corrupt { topic, partition, .. }
        | ConsumeError::Refused { topic, partition, .. }
        | ConsumeError::NoOffset { topic, partition }
        | ConsumeError::NotAssigned { topic, partition } => Some((topic.clone(), *partition)),
        ConsumeError::Client(_) | ConsumeError::Group(_) => None,
    }
}
