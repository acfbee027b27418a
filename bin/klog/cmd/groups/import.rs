//! `klog groups import`

use klog::client::GroupOffsets;

use super::line;
use super::step::{self, Ends};
use crate::admin_args::{Change, Common, admin};
use crate::cluster::Partition;

/// Commit for a group what export wrote, from stdin; it must have no members
#[derive(clap::Args, Debug)]
#[command(
    after_long_help = "A line of stdin is {\"topic\",\"partition\",\"offset\"}, and \"leader_epoch\" and \"metadata\" if there are any; other
fields are ignored, so one group's offsets can be given to another. Nothing is committed before all is read and found good.
What it prints is what `klog groups reset` prints.

Examples:
  klog groups import billing < billing.jsonl
  klog groups export billing | klog groups import billing-copy --dry-run"
)]
pub struct Args {
    /// The group
    #[arg(value_name = "GROUP", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    group: String,
    #[command(flatten)]
    change: Change,
    #[command(flatten)]
    common: Common,
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    let wanted = read_stdin().await?;
    if wanted.is_empty() {
        anyhow::bail!("stdin has no offsets");
    }
    let admin = admin(&args.common).await?;
    let before = step::idle_offsets(&admin, &args.group).await?;
    let partitions: Vec<Partition> = wanted.keys().cloned().collect();
    let ends = Ends::find(&admin, &partitions).await?;
    let how = (args.change.dry_run, args.common.format);
    step::commit(&admin, &args.group, &ends, &before, wanted, how).await
}

/// In a thread of its own, which nobody waits for: Ctrl-C ends the command also here.
async fn read_stdin() -> anyhow::Result<GroupOffsets> {
    let (tell, told) = tokio::sync::oneshot::channel();
    std::thread::Builder::new().name("stdin".into()).spawn(move || {
        let _ = tell.send(line::read_all(std::io::stdin().lock()));
    })?;
    told.await?
}
