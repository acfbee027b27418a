//! `klog groups delete-offsets`

use klog::base::ErrorCode;
use klog::client::{ClientError, GroupOffsets};

use super::done::Done;
use super::refusal;
use super::selection::{Selected, selected};
use crate::admin_args::{Common, Destroy, admin};
use crate::cluster::Partition;
use crate::connect::explain;
use crate::exit::advise;
use crate::output::{Outcome, count};

/// Forget what a group committed of a topic; no member may read it
#[derive(clap::Args, Debug)]
#[command(after_long_help = "Examples:
  klog groups delete-offsets billing --topic orders --dry-run
  klog groups delete-offsets billing --topic orders:0,2 --topic audit --yes")]
pub struct Args {
    /// The group
    #[arg(value_name = "GROUP", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    group: String,
    /// A topic, or some of its partitions; may be given more than once
    #[arg(long, required = true, value_name = "T[:P,…]", value_parser = selected)]
    topic: Vec<Selected>,
    #[command(flatten)]
    destroy: Destroy,
    #[command(flatten)]
    common: Common,
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    let admin = admin(&args.common).await?;
    let (group, dry_run) = (&args.group, args.destroy.change.dry_run);
    let mut outcome = Outcome::new(dry_run, args.common.format);
    let names = [group.clone()];
    for (_, described) in admin.describe_groups(&names).await {
        if let Err(error) = described {
            return Err(refusal::refused(&admin, group, error).await);
        }
    }
    let mut committed = GroupOffsets::new();
    for (_, told) in admin.list_group_offsets(&names, false).await {
        committed = told.map_err(explain)?;
    }
    for topic in &args.topic {
        if !committed.keys().any(|partition| topic.has(partition)) {
            let topic = &topic.topic;
            let error = anyhow::anyhow!("group {group} has committed nothing of topic {topic}");
            outcome.failed(advise(error, format!("`klog groups describe {group}` shows what")));
        }
    }
    committed.retain(|partition, _| args.topic.iter().any(|topic| topic.has(partition)));
    if committed.is_empty() {
        return outcome.finish();
    }
    if !dry_run {
        let question = format!("forget {} of group {group}?", count(committed.len(), "offset"));
        args.destroy.confirm(&question).await?;
        let partitions: Vec<Partition> = committed.keys().cloned().collect();
        let told = admin.delete_group_offsets(group, &partitions).await.map_err(explain)?;
        for (partition, told) in told {
            if let Err(error) = told {
                committed.remove(&partition);
                outcome.failed(refused(group, &partition, error));
            }
        }
    }
    for ((topic, partition), committed) in &committed {
        let what = format!("{topic}[{partition}] of group {group}: it was at {}", committed.offset);
        let done = Done {
            group,
            topic: Some(topic),
            partition: Some(*partition),
            change: "delete-offsets",
            offset: Some(committed.offset),
        };
        outcome.done(done, format!("forget {what}"), format!("forgot {what}"))?;
    }
    outcome.finish()
}

fn refused(group: &str, (topic, partition): &Partition, error: ClientError) -> anyhow::Error {
    let subscribed = error.code() == Some(ErrorCode::GroupSubscribedToTopic);
    let error = explain(error).context(format!("{topic}[{partition}] was not forgotten"));
    match subscribed {
        true => {
            let hint = format!(
                "stop the members that read {topic} first: `klog groups describe {group} --members`"
            );
            advise(error, hint)
        }
        false => error,
    }
}
