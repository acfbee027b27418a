//! `klog groups describe`

use klog::client::{Admin, GroupDescription};

use super::{members, offsets, refusal, state};
use crate::admin_args::{Common, client};
use crate::output::Failures;

/// Show how far groups have read, who is in them, or their state
#[derive(clap::Args, Debug)]
#[command(after_long_help = "A line per partition that is committed or assigned:
  lag     records from what is committed to the end of the log
  lag_ms  how old the first record is that is not committed yet; 0 without lag
  pending whether a transaction that is open may change what is committed

Examples:
  klog groups describe billing
  klog groups describe billing audit --members --format json")]
pub struct Args {
    /// The groups
    #[arg(required = true, value_name = "GROUP", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    groups: Vec<String>,
    /// A line per member, with what it has
    ///
    /// `target` is what a member of a consumer group is to have; `epoch` how far it has followed its group.
    #[arg(long, conflicts_with = "state")]
    members: bool,
    /// A line per group, with its state
    ///
    /// `coordinator` is the node that coordinates it; `epoch` a consumer group's.
    #[arg(long)]
    state: bool,
    #[command(flatten)]
    common: Common,
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    let client = client(&args.common.client).await?;
    let admin = Admin::new(&client);
    let (mut found, mut failures) = (Vec::<GroupDescription>::new(), Failures::default());
    for (group, described) in admin.describe_groups(&args.groups).await {
        match described {
            Ok(described) => found.push(described),
            Err(error) => failures.add(refusal::refused(&admin, &group, error).await),
        }
    }
    let format = args.common.format;
    if args.members {
        members::print(&found, format)?;
    } else if args.state {
        state::print(&found, format)?;
    } else {
        offsets::print(&client, &found, format, &mut failures).await?;
    }
    failures.finish()
}
