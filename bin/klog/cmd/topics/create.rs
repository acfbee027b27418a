//! `klog topics create`

use klog::base::{ErrorCode, TopicName};
use klog::client::NewTopic;

use super::done::Done;
use crate::admin_args::{Change, Common, admin};
use crate::connect::explain;
use crate::exit::advise;
use crate::output::Outcome;
use crate::values;

/// Create topics
#[derive(clap::Args, Debug)]
#[command(after_long_help = "Examples:
  klog topics create events
  klog topics create orders invoices -p 6 -c retention.ms=604800000 --if-not-exists")]
pub struct Args {
    /// The topics
    #[arg(required = true, value_name = "NAME", value_parser = values::topic)]
    names: Vec<TopicName>,
    /// How many partitions [default: what the broker's num.partitions says]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..))]
    partitions: Option<i32>,
    /// On how many brokers each [default: the broker's default.replication.factor]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(i16).range(1..))]
    replication_factor: Option<i16>,
    /// Set a topic config; may be given more than once
    #[arg(short, long = "config", value_name = "KEY=VALUE", value_parser = values::key_value)]
    configs: Vec<(String, String)>,
    /// Leave topics alone that exist already
    #[arg(long)]
    if_not_exists: bool,
    #[command(flatten)]
    change: Change,
    #[command(flatten)]
    common: Common,
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    let admin = admin(&args.common).await?;
    let topic = |name: &TopicName| NewTopic {
        name: name.clone(),
        partitions: args.partitions,
        assignments: Vec::new(),
        replication_factor: args.replication_factor,
        configs: args.configs.clone(),
    };
    let topics: Vec<NewTopic> = args.names.iter().map(topic).collect();
    let dry_run = args.change.dry_run;
    let mut outcome = Outcome::new(dry_run, args.common.format);
    for (name, created) in admin.create_topics(&topics, dry_run).await.map_err(explain)? {
        match created {
            Ok(_) => {
                let (would, did) =
                    (format!("create topic {name}"), format!("created topic {name}"));
                outcome.done(Done::of(&name, "create"), would, did)?;
            }
            Err(error) if error.code() == Some(ErrorCode::TopicAlreadyExists) => {
                if !args.if_not_exists {
                    let error = anyhow::anyhow!("topic {name} exists already");
                    outcome.failed(advise(error, "--if-not-exists leaves such topics alone"));
                }
            }
            Err(error) => {
                outcome.failed(explain(error).context(format!("topic {name} was not created")));
            }
        }
    }
    outcome.finish()
}
