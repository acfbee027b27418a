//! `klog topics trim`

use klog::base::TopicName;
use klog::client::{Admin, Isolation, OffsetSpec};

use super::done::Done;
use crate::admin_args::{Common, Destroy, admin};
use crate::cluster::{self, Offsets, partitions_of};
use crate::connect::explain;
use crate::output::{Outcome, count};
use crate::values::{self, TrimTo};

/// Delete the oldest records of a topic
#[derive(clap::Args, Debug)]
#[command(after_long_help = "Examples:
  klog topics trim events --before -7d
  klog topics trim events --before 1000 -p 0 --dry-run")]
pub struct Args {
    /// The topic
    #[arg(value_name = "NAME", value_parser = values::topic)]
    name: TopicName,
    /// The first to stay: OFFSET, TIME, or latest for none
    ///
    /// A time is RFC 3339, @UNIX_MS, or -15m (ago): what is older is deleted, up to the first record that is not.
    #[arg(long, value_name = "WHERE", value_parser = values::trim_to, allow_hyphen_values = true)]
    before: TrimTo,
    /// Only these partitions
    #[arg(short, long, value_name = "N[,…]", value_delimiter = ',', value_parser = clap::value_parser!(i32).range(0..))]
    partition: Vec<i32>,
    #[command(flatten)]
    destroy: Destroy,
    #[command(flatten)]
    common: Common,
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    let admin = admin(&args.common).await?;
    let partitions = partitions_of(&admin, &args.name, &args.partition).await?;
    let at = |at| cluster::offsets(&admin, &partitions, at, Isolation::ReadUncommitted);
    let earliest = at(OffsetSpec::Earliest).await?;
    let latest = at(OffsetSpec::Latest).await?;
    let young = match args.before {
        TrimTo::Time(when) => at(OffsetSpec::At(when.at(values::now()))).await?,
        TrimTo::Latest | TrimTo::Offset(_) => latest.clone(),
    };
    let mut cuts = Vec::new();
    for partition in &partitions {
        let offset = |found: &Offsets| found.get(partition).and_then(|found| found.offset);
        let (first, end) = (offset(&earliest).unwrap_or(0), offset(&latest).unwrap_or(0));
        let before = match args.before {
            TrimTo::Offset(offset) => offset.min(end),
            // No record is that young: all go.
            TrimTo::Time(_) | TrimTo::Latest => offset(&young).unwrap_or(end),
        };
        if before > first {
            cuts.push(Cut { partition: partition.1, first, before });
        }
    }
    trim(&args, &admin, &cuts).await
}

/// What is deleted of one partition: offsets `first` to `before` - 1.
struct Cut {
    partition: i32,
    first: i64,
    before: i64,
}

async fn trim(args: &Args, admin: &Admin, cuts: &[Cut]) -> anyhow::Result<()> {
    let dry_run = args.destroy.change.dry_run;
    let mut outcome = Outcome::new(dry_run, args.common.format);
    let what = |cut: &Cut| format!("{}[{}] up to offset {}", args.name, cut.partition, cut.before);
    if dry_run || cuts.is_empty() {
        for cut in cuts {
            let would = format!("trim {} (first is {})", what(cut), cut.first);
            outcome.done(
                trimmed(&args.name, cut.partition, &cut.before.to_string()),
                would,
                String::new(),
            )?;
        }
        if cuts.is_empty() {
            anstream::eprintln!("nothing lies before");
        }
        return outcome.finish();
    }
    let offsets: i64 = cuts.iter().map(|cut| cut.before - cut.first).sum();
    let name = &args.name;
    let (offsets, over) = (count(offsets, "offset"), count(cuts.len(), "partition"));
    let question = format!("delete {offsets} of {name}, over {over}?");
    args.destroy.confirm(&question).await?;
    let wanted: Vec<_> = cuts.iter().map(|cut| (name.clone(), cut.partition, cut.before)).collect();
    for ((name, partition), cut) in admin.delete_records(&wanted).await.map_err(explain)? {
        match cut {
            Ok(first) => {
                let did = format!("trimmed {name}[{partition}]: its first offset is {first}");
                let first = first.to_string();
                outcome.done(trimmed(&name, partition, &first), String::new(), did)?;
            }
            Err(error) => {
                outcome
                    .failed(explain(error).context(format!("{name}[{partition}] was not trimmed")));
            }
        }
    }
    outcome.finish()
}

fn trimmed<'a>(topic: &'a TopicName, partition: i32, first: &'a str) -> Done<'a> {
    Done { partition: Some(partition), value: Some(first), ..Done::of(topic, "trim") }
}
