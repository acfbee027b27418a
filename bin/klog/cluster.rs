//! Questions to the cluster that more than one command asks.

use std::collections::BTreeMap;

use anyhow::Context as _;
use klog::base::TopicName;
use klog::client::{Admin, ClientError, Isolation, ListedOffset, OffsetSpec, TopicDescription};

use crate::connect::explain;

/// A partition by its topic's name and its number.
pub type Partition = (TopicName, i32);

/// Offsets by partition.
pub type Offsets = BTreeMap<Partition, ListedOffset>;

/// These topics in full.
///
/// # Errors
/// If one of them does not exist.
pub async fn describe(admin: &Admin, names: &[TopicName]) -> anyhow::Result<Vec<TopicDescription>> {
    let described = admin.describe_topics(names).await.map_err(explain)?;
    described.into_iter().map(|(_, topic)| topic.map_err(explain)).collect()
}

/// The partitions of a topic: all, or those asked for.
///
/// # Errors
/// If the topic or one of the partitions does not exist.
pub async fn partitions_of(
    admin: &Admin,
    topic: &TopicName,
    only: &[i32],
) -> anyhow::Result<Vec<Partition>> {
    let described = describe(admin, std::slice::from_ref(topic)).await?;
    let there: Vec<i32> =
        described.iter().flat_map(|t| &t.partitions).map(|p| p.partition).collect();
    if let Some(missing) = only.iter().find(|wanted| !there.contains(wanted)) {
        let (topic, count) = (topic.clone(), there.len());
        return Err(explain(ClientError::UnknownPartition { topic, partition: *missing, count }));
    }
    let wanted = there.into_iter().filter(|partition| only.is_empty() || only.contains(partition));
    Ok(wanted.map(|partition| (topic.clone(), partition)).collect())
}

/// [`offsets`] of the partitions that tell; a line on stderr for each of the others.
///
/// # Errors
/// If nobody can be asked.
pub async fn offsets_that_tell(
    admin: &Admin,
    partitions: &[Partition],
    at: OffsetSpec,
    isolation: Isolation,
) -> anyhow::Result<Offsets> {
    if partitions.is_empty() {
        return Ok(Offsets::new());
    }
    let wanted: Vec<_> = partitions.iter().map(|(topic, p)| (topic.clone(), *p, at)).collect();
    let told = admin.list_offsets(&wanted, isolation).await.map_err(explain)?;
    let mut found = Offsets::new();
    for ((topic, partition), offset) in told {
        match offset {
            Ok(offset) => drop(found.insert((topic, partition), offset)),
            Err(error) => tracing::warn!("{topic}[{partition}] does not tell its offsets: {error}"),
        }
    }
    Ok(found)
}

/// Where a point is in each partition.
///
/// # Errors
/// If one of the partitions does not tell.
pub async fn offsets(
    admin: &Admin,
    partitions: &[Partition],
    at: OffsetSpec,
    isolation: Isolation,
) -> anyhow::Result<Offsets> {
    if partitions.is_empty() {
        return Ok(Offsets::new());
    }
    let wanted: Vec<_> = partitions.iter().map(|(topic, p)| (topic.clone(), *p, at)).collect();
    let told = admin.list_offsets(&wanted, isolation).await.map_err(explain)?;
    told.into_iter()
        .map(|((topic, partition), found)| {
            let failed = || format!("{topic}[{partition}] does not tell its offsets");
            let found = found.map_err(explain).with_context(failed)?;
            Ok(((topic.clone(), partition), found))
        })
        .collect()
}
