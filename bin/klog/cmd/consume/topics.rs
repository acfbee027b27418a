//! Which topics and partitions the arguments mean, and what the cluster knows of their offsets.

use std::collections::HashMap;

use anyhow::Context as _;
use klog::base::{Millis, TopicName};
use klog::client::{Admin, ConsumerConfig, OffsetSpec, TopicListing};

use super::args::Args;
use super::plan::{Known, Range, range};
use crate::cluster::{self, Offsets, Partition};
use crate::connect::explain;
use crate::exit::Hint as _;
use crate::values::{From, Until};

/// The partitions that the arguments name.
///
/// # Errors
/// If a topic or partition does not exist, or no topic matches.
pub async fn partitions(args: &Args, admin: &Admin) -> anyhow::Result<Vec<Partition>> {
    let mut found = Vec::new();
    for topic in topics(args, admin).await? {
        found.extend(cluster::partitions_of(admin, &topic, &args.partition).await?);
    }
    Ok(found)
}

async fn topics(args: &Args, admin: &Admin) -> anyhow::Result<Vec<TopicName>> {
    if !args.regex {
        return args.named();
    }
    let known = admin.list_topics().await.map_err(explain)?;
    let takes = matching(args)?;
    let fits = known.iter().filter(|topic| takes(topic));
    let mut found: Vec<TopicName> = fits.map(|topic| topic.name.clone()).collect();
    found.sort();
    if found.is_empty() {
        let error = anyhow::anyhow!("no topic matches {}", args.topics.join(" or "));
        return Err(error).hint("`klog topics list` shows what there is");
    }
    Ok(found)
}

/// Whether a topic is one of those that -r means.
///
/// # Errors
/// A usage error where a text is no regular expression.
pub fn matching(
    args: &Args,
) -> anyhow::Result<impl Fn(&TopicListing) -> bool + Send + Sync + use<>> {
    let patterns = args.patterns()?;
    Ok(move |topic: &TopicListing| {
        patterns.iter().any(|pattern| {
            let own = pattern.as_str().contains("__");
            pattern.is_match(&topic.name) && (own || !topic.internal)
        })
    })
}

/// Where each partition starts and ends.
///
/// # Errors
/// If a partition does not tell, or `--reset error` meets an offset that is not there.
pub async fn ranges(
    args: &Args,
    admin: &Admin,
    config: &ConsumerConfig,
    partitions: &[Partition],
    now: Millis,
) -> anyhow::Result<HashMap<Partition, Range>> {
    let from = args.from.unwrap_or(From::Earliest);
    let ahead = ahead_of(args.until, now).is_some();
    let at = |at| cluster::offsets(admin, partitions, at, config.isolation);
    let earliest = at(OffsetSpec::Earliest).await?;
    let latest = at(OffsetSpec::Latest).await?;
    let from_time = match from {
        From::Time(when) => at(OffsetSpec::At(when.at(now))).await?,
        _ => Offsets::new(),
    };
    let until = if args.end { Some(Until::End) } else { args.until };
    let until_time = match until {
        Some(Until::Time(when)) => at(OffsetSpec::At(when.at(now))).await?,
        _ => Offsets::new(),
    };
    let mut ranges = HashMap::new();
    for partition in partitions {
        let offset = |found: &Offsets| found.get(partition).and_then(|found| found.offset);
        let known = Known {
            earliest: offset(&earliest).unwrap_or(0),
            latest: offset(&latest).unwrap_or(0),
            from_time: offset(&from_time),
            until_time: offset(&until_time),
        };
        let found = range(known, from, config.offset_reset, until, ahead)
            .with_context(|| format!("cannot read {}[{}]", partition.0, partition.1))
            .hint("--reset earliest or --reset latest goes on elsewhere")?;
        ranges.insert(partition.clone(), found);
    }
    Ok(ranges)
}

/// `--until` as a time, if that is still to come.
pub fn ahead_of(until: Option<Until>, now: Millis) -> Option<Millis> {
    match until {
        Some(Until::Time(when)) => Some(when.at(now)).filter(|until| *until > now),
        _ => None,
    }
}
