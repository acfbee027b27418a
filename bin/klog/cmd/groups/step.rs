//! Changing what a group has committed: from where to where, clamped to what the logs hold; shown, then done.

use klog::base::ErrorCode;
use klog::client::{Admin, ClientError, CommittedOffset, GroupOffsets, Isolation, OffsetSpec};
use serde::Serialize;

use super::refusal;
use crate::cluster::{self, Offsets, Partition};
use crate::connect::explain;
use crate::exit::advise;
use crate::output::{Failures, ListFormat, Row, Rows, or_dash};

/// A partition's place before and after; as it stands here it is a line of JSON.
#[derive(Serialize)]
struct Step {
    group: String,
    topic: String,
    partition: i32,
    from: Option<i64>,
    to: i64,
    lag: i64,
    dry_run: bool,
}

impl Row for Step {
    const HEADER: &'static [&'static str] = &["group", "topic", "partition", "from", "to", "lag"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.group.clone(),
            self.topic.clone(),
            self.partition.to_string(),
            or_dash(&self.from),
            self.to.to_string(),
            self.lag.to_string(),
        ]
    }
}

/// Where logs begin and end.
pub struct Ends {
    earliest: Offsets,
    latest: Offsets,
}

impl Ends {
    /// Of these partitions.
    ///
    /// # Errors
    /// If one of them does not tell.
    pub async fn find(admin: &Admin, partitions: &[Partition]) -> anyhow::Result<Ends> {
        let at = |at| cluster::offsets(admin, partitions, at, Isolation::ReadUncommitted);
        let (earliest, latest) = (at(OffsetSpec::Earliest).await?, at(OffsetSpec::Latest).await?);
        Ok(Ends { earliest, latest })
    }

    /// First offset and end; the end is never below, whatever became of the topic in between.
    pub fn of(&self, partition: &Partition) -> (i64, i64) {
        let offset = |found: &Offsets| found.get(partition).and_then(|found| found.offset);
        let first = offset(&self.earliest).unwrap_or(0);
        (first, offset(&self.latest).unwrap_or(first).max(first))
    }

    /// What may be committed in place of `wanted`: outside of the log a consumer would start wherever its own reset policy
    /// says, at the end by default.
    fn clamp(&self, partition: &Partition, wanted: CommittedOffset) -> CommittedOffset {
        let ((topic, number), (first, end)) = (partition, self.of(partition));
        let offset = wanted.offset.clamp(first, end);
        if offset == wanted.offset {
            return wanted;
        }
        let (which, wanted) = (if offset == end { "end" } else { "start" }, wanted.offset);
        tracing::warn!(
            "{topic}[{number}] has no offset {wanted}: it becomes the {which}, {offset}"
        );
        CommittedOffset::at(offset)
    }
}

/// What the group has committed, once it is sure that nobody is in it. A group that is not there has nothing.
///
/// # Errors
/// If it has members, or its coordinator refuses.
pub async fn idle_offsets(admin: &Admin, group: &str) -> anyhow::Result<GroupOffsets> {
    let names = [group.to_owned()];
    for (group, described) in admin.describe_groups(&names).await {
        match described {
            Ok(described) => refusal::must_be_idle(&described)?,
            Err(error) if error.code() == Some(ErrorCode::GroupIdNotFound) => {
                // One of another type, whose offsets are not a consumer's.
                let listed = admin.list_groups(&[], &[]).await.map_err(explain)?;
                if listed.iter().any(|one| one.group == group) {
                    return Err(refusal::refused(admin, &group, error).await);
                }
                tracing::warn!("group {group} does not exist yet");
            }
            Err(error) => return Err(explain(error)),
        }
    }
    let mut offsets = GroupOffsets::new();
    for (_, told) in admin.list_group_offsets(&names, true).await {
        offsets = told.map_err(explain)?;
    }
    Ok(offsets)
}

/// Commits `wanted`, clamped, and shows what was there before; with `dry_run` only shows.
///
/// # Errors
/// If the coordinator does not answer, or refuses one of the offsets; the others are committed then.
pub async fn commit(
    admin: &Admin,
    group: &str,
    ends: &Ends,
    before: &GroupOffsets,
    wanted: GroupOffsets,
    (dry_run, format): (bool, ListFormat),
) -> anyhow::Result<()> {
    let partitions: Vec<Partition> = wanted.keys().cloned().collect();
    let wanted: GroupOffsets = wanted
        .into_iter()
        .map(|(partition, offset)| {
            let clamped = ends.clamp(&partition, offset);
            (partition, clamped)
        })
        .collect();
    let step = |partition: &Partition| {
        let to = wanted.get(partition)?.offset;
        Some(Step {
            group: group.to_owned(),
            topic: partition.0.to_string(),
            partition: partition.1,
            from: before.get(partition).map(|committed| committed.offset),
            to,
            lag: ends.of(partition).1 - to,
            dry_run,
        })
    };
    let (mut rows, mut failures) = (Rows::new(format), Failures::default());
    if dry_run {
        partitions.iter().filter_map(step).try_for_each(|step| rows.push(step))?;
        rows.finish()?;
        anstream::eprintln!("this is what would be committed; --dry-run commits nothing");
        return Ok(());
    }
    for (partition, told) in admin.alter_group_offsets(group, &wanted).await.map_err(explain)? {
        match told {
            Ok(()) => step(&partition).map_or(Ok(()), |step| rows.push(step))?,
            Err(error) => failures.add(refused(group, &partition, error)),
        }
    }
    rows.finish()?;
    failures.finish()
}

fn refused(group: &str, (topic, partition): &Partition, error: ClientError) -> anyhow::Error {
    let joined = error.code() == Some(ErrorCode::UnknownMemberId);
    let error = explain(error).context(format!("{topic}[{partition}] was not committed"));
    match joined {
        true => {
            let hint =
                format!("a member joined: `klog groups describe {group} --members` tells who");
            advise(error, hint)
        }
        false => error,
    }
}
