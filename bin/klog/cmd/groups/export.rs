//! `klog groups export`

use klog::client::Admin;

use super::line::Written;
use super::refusal;
use crate::admin_args::client;
use crate::client_args::ClientArgs;
use crate::connect::explain;
use crate::output::Stdout;

/// Write what a group has committed to stdout, as JSON lines for import
#[derive(clap::Args, Debug)]
#[command(
    after_long_help = "A line per partition: {\"group\",\"topic\",\"partition\",\"offset\",\"leader_epoch\",\"metadata\"}.
Offsets of an open transaction are waited for.

Examples:
  klog groups export billing > billing.jsonl
  klog groups export billing | klog groups import billing-copy"
)]
pub struct Args {
    /// The group
    #[arg(value_name = "GROUP", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    group: String,
    #[command(flatten)]
    client: ClientArgs,
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    let admin = Admin::new(&client(&args.client).await?);
    let names = [args.group];
    for (group, described) in admin.describe_groups(&names).await {
        if let Err(error) = described {
            return Err(refusal::refused(&admin, &group, error).await);
        }
    }
    let mut out = Stdout::new();
    for (group, offsets) in admin.list_group_offsets(&names, true).await {
        for ((topic, partition), committed) in offsets.map_err(explain)? {
            let line = Written {
                group: &group,
                topic: &topic,
                partition,
                offset: committed.offset,
                leader_epoch: committed.leader_epoch,
                metadata: &committed.metadata,
            };
            serde_json::to_writer(out.buffer(), &line)?;
            out.buffer().push(b'\n');
            out.spill()?;
        }
    }
    out.flush()
}
