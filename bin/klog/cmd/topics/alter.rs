//! `klog topics alter`

use anyhow::Context as _;
use klog::base::TopicName;
use klog::client::{Admin, ConfigChange, ConfigOp, ConfigResource};

use super::done::Done;
use super::missing;
use crate::admin_args::{Change, Common, admin};
use crate::connect::explain;
use crate::exit::{Hint as _, usage};
use crate::output::Outcome;
use crate::values;

/// Change a topic's configs, or add partitions
#[derive(clap::Args, Debug)]
#[command(after_long_help = "Examples:
  klog topics alter events -c retention.ms=86400000 --unset segment.bytes
  klog topics alter events --partitions 12")]
pub struct Args {
    /// The topic
    #[arg(value_name = "NAME", value_parser = values::topic)]
    name: TopicName,
    /// Set a topic config; may be given more than once
    #[arg(short, long = "config", value_name = "KEY=VALUE", value_parser = values::key_value)]
    configs: Vec<(String, String)>,
    /// Go back to the default of a topic config; may be given more than once
    #[arg(long, value_name = "KEY")]
    unset: Vec<String>,
    /// Have so many partitions from now on; there is no way back
    ///
    /// Keyed records may go to another partition than before.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..))]
    partitions: Option<i32>,
    #[command(flatten)]
    change: Change,
    #[command(flatten)]
    common: Common,
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    let set = |(key, value): &(String, String)| (key.clone(), Some(value.clone()));
    let unset = |key: &String| (key.clone(), None);
    let changes: Vec<(String, Option<String>)> =
        args.configs.iter().map(set).chain(args.unset.iter().map(unset)).collect();
    if changes.is_empty() && args.partitions.is_none() {
        return Err(usage("nothing to change")).hint("-c KEY=VALUE, --unset KEY or --partitions N");
    }
    let (name, dry_run) = (&args.name, args.change.dry_run);
    let admin = admin(&args.common).await?;
    let mut outcome = Outcome::new(dry_run, args.common.format);
    if !changes.is_empty() {
        alter_configs(&admin, name, &changes, dry_run).await?;
        for (key, value) in &changes {
            let (change, what) = match value {
                Some(value) => ("set", format!("set {key}={value}")),
                None => ("unset", format!("unset {key}")),
            };
            let done = Done { key: Some(key), value: value.as_deref(), ..Done::of(name, change) };
            outcome.done(done, format!("{what} of {name}"), what)?;
        }
    }
    if let Some(count) = args.partitions {
        let wanted = [(name.clone(), count)];
        for (_, added) in admin.create_partitions(&wanted, dry_run).await.map_err(explain)? {
            let failed = || format!("{name} was not given {count} partitions");
            added.map_err(|e| missing(name, e)).with_context(failed)?;
        }
        let number = count.to_string();
        outcome.done(
            Done { value: Some(&number), ..Done::of(name, "partitions") },
            format!("give {name} {count} partitions"),
            format!("{name} has {count} partitions"),
        )?;
    }
    outcome.finish()
}

async fn alter_configs(
    admin: &Admin,
    name: &TopicName,
    changes: &[(String, Option<String>)],
    dry_run: bool,
) -> anyhow::Result<()> {
    let change = |(key, value): &(String, Option<String>)| ConfigChange {
        name: key.clone(),
        op: if value.is_some() { ConfigOp::Set } else { ConfigOp::Delete },
        value: value.clone(),
    };
    let topic = ConfigResource::Topic(name.to_string());
    let wanted = [(topic, changes.iter().map(change).collect())];
    for (_, altered) in admin.alter_configs(&wanted, dry_run).await.map_err(explain)? {
        let failed = || format!("the configs of {name} were not changed");
        altered.map_err(|e| missing(name, e)).with_context(failed)?;
    }
    Ok(())
}
