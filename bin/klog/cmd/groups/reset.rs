//! `klog groups reset`

use std::collections::BTreeSet;

use klog::client::{Admin, CommittedOffset, GroupOffsets, Isolation, OffsetSpec};

use super::selection::{Selected, selected};
use super::step::{self, Ends};
use crate::admin_args::{Change, Common, admin};
use crate::cluster::{self, Partition, partitions_of};
use crate::values::{self, ResetTo};

/// Set what a group reads next; it must have no members
#[derive(clap::Args, Debug)]
#[command(
    after_long_help = "A line per partition, in JSON {\"group\",\"topic\",\"partition\",\"from\",\"to\",\"lag\",\"dry_run\"}:
  from  what was committed before; null if nothing was
  to    what is committed now: the next offset to be read
  lag   records from there to the end

What lies outside of the log becomes its start or end, with a warning. A group that does not exist is made.

Examples:
  klog groups reset billing --topic orders --to -1h --dry-run
  klog groups reset billing --all-topics --to latest"
)]
pub struct Args {
    /// The group
    #[arg(value_name = "GROUP", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    group: String,
    #[command(flatten)]
    which: Which,
    /// Where to: earliest, latest, OFFSET, TIME, +N, -N
    ///
    /// A time is RFC 3339, @UNIX_MS, or -15m (ago): the first record that is not older, the end if there is none. +N and -N
    /// count from what is committed, over as many offsets.
    #[arg(long, value_name = "WHERE", value_parser = values::reset_to, allow_hyphen_values = true)]
    to: ResetTo,
    #[command(flatten)]
    change: Change,
    #[command(flatten)]
    common: Common,
}

#[derive(clap::Args, Debug)]
#[group(required = true, multiple = false)]
struct Which {
    /// A topic, or some of its partitions; may be given more than once
    #[arg(long, value_name = "T[:P,…]", value_parser = selected)]
    topic: Vec<Selected>,
    /// All partitions that the group has committed
    #[arg(long)]
    all_topics: bool,
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    let admin = admin(&args.common).await?;
    let before = step::idle_offsets(&admin, &args.group).await?;
    let partitions = partitions(&admin, &args, &before).await?;
    if partitions.is_empty() {
        anyhow::bail!("group {} has committed nothing", args.group);
    }
    let ends = Ends::find(&admin, &partitions).await?;
    let wanted = targets(&admin, &args, &ends, &before, &partitions).await?;
    let how = (args.change.dry_run, args.common.format);
    step::commit(&admin, &args.group, &ends, &before, wanted, how).await
}

async fn partitions(
    admin: &Admin,
    args: &Args,
    before: &GroupOffsets,
) -> anyhow::Result<Vec<Partition>> {
    if args.which.all_topics {
        // Offsets of topics that are gone lead nowhere.
        return cluster::that_exist(admin, before.keys().cloned().collect()).await;
    }
    let mut partitions = BTreeSet::new();
    for topic in &args.which.topic {
        partitions.extend(partitions_of(admin, &topic.topic, &topic.partitions).await?);
    }
    Ok(partitions.into_iter().collect())
}

/// Where each partition is to go, within its log or not.
async fn targets(
    admin: &Admin,
    args: &Args,
    ends: &Ends,
    before: &GroupOffsets,
    partitions: &[Partition],
) -> anyhow::Result<GroupOffsets> {
    let found = match args.to {
        ResetTo::Time(when) => {
            let at = OffsetSpec::At(when.at(values::now()));
            cluster::offsets(admin, partitions, at, Isolation::ReadUncommitted).await?
        }
        _ => cluster::Offsets::new(),
    };
    let target = |partition: &Partition| -> anyhow::Result<i64> {
        let (first, end) = ends.of(partition);
        Ok(match args.to {
            ResetTo::Earliest => first,
            ResetTo::Latest => end,
            ResetTo::Offset(offset) => offset,
            ResetTo::By(count) => {
                let committed = before.get(partition).map(|committed| committed.offset);
                let (topic, number) = partition;
                let none =
                    || anyhow::anyhow!("nothing is committed of {topic}[{number}] to count from");
                committed.ok_or_else(none)?.saturating_add(count)
            }
            // No record is that young.
            ResetTo::Time(_) => found.get(partition).and_then(|found| found.offset).unwrap_or(end),
        })
    };
    let wanted = |partition: &Partition| -> anyhow::Result<(Partition, CommittedOffset)> {
        Ok((partition.clone(), CommittedOffset::at(target(partition)?)))
    };
    partitions.iter().map(wanted).collect()
}
