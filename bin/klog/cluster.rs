//! Questions to the cluster that more than one command asks.

use std::collections::{BTreeMap, BTreeSet};

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

/// Those of the partitions that there are.
///
/// # Errors
/// If nobody can be asked.
pub async fn that_exist(
    admin: &Admin,
    partitions: BTreeSet<Partition>,
) -> anyhow::Result<Vec<Partition>> {
    let topics: BTreeSet<&TopicName> = partitions.iter().map(|(topic, _)| topic).collect();
    let topics: Vec<TopicName> = topics.into_iter().cloned().collect();
    if topics.is_empty() {
        return Ok(Vec::new());
    }
    let described = admin.describe_topics(&topics).await.map_err(explain)?;
    let counts: BTreeMap<TopicName, usize> = described
        .into_iter()
        .filter_map(|(topic, told)| Some((topic, told.ok()?.partitions.len())))
        .collect();
    let exists = |(topic, partition): &Partition| {
        counts.get(topic).is_some_and(|count| (0..*count as i64).contains(&i64::from(*partition)))
    };
    Ok(partitions.into_iter().filter(exists).collect())
}

/// Where the partitions begin and end that tell; a line on stderr for each of the others.
///
/// # Errors
/// If nobody can be asked.
pub async fn ends_that_tell(
    admin: &Admin,
    partitions: &[Partition],
) -> anyhow::Result<(Offsets, Offsets)> {
    let isolation = Isolation::ReadUncommitted;
    let earliest = offsets_that_tell(admin, partitions, OffsetSpec::Earliest, isolation).await?;
    let tell: Vec<Partition> = earliest.keys().cloned().collect();
    let latest = offsets_that_tell(admin, &tell, OffsetSpec::Latest, isolation).await?;
    Ok((earliest, latest))
}

async fn offsets_that_tell(
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
