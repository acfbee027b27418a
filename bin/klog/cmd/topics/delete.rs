//! `klog topics delete`

use klog::base::TopicName;
use klog::client::ClientError;

use super::done::Done;
use crate::admin_args::{Common, Destroy, admin};
use crate::connect::explain;
use crate::exit::advise;
use crate::output::Outcome;
use crate::values;

/// Delete topics with all their records
#[derive(clap::Args, Debug)]
#[command(after_long_help = "Examples:
  klog topics delete events
  klog topics delete old-1 old-2 --yes --if-exists")]
pub struct Args {
    /// The topics
    #[arg(required = true, value_name = "NAME", value_parser = values::topic)]
    names: Vec<TopicName>,
    /// Do not fail for topics that do not exist
    #[arg(long)]
    if_exists: bool,
    #[command(flatten)]
    destroy: Destroy,
    #[command(flatten)]
    common: Common,
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    let admin = admin(&args.common).await?;
    let known: Vec<TopicName> =
        admin.list_topics().await.map_err(explain)?.into_iter().map(|topic| topic.name).collect();
    let (there, missing): (Vec<TopicName>, Vec<TopicName>) =
        args.names.into_iter().partition(|name| known.contains(name));
    let mut outcome = Outcome::new(args.destroy.change.dry_run, args.common.format);
    if !args.if_exists {
        for topic in missing {
            let error = anyhow::Error::from(ClientError::UnknownTopic { topic });
            outcome.failed(advise(
                error,
                "`klog topics list` shows what there is; --if-exists passes over others",
            ));
        }
    }
    if there.is_empty() {
        return outcome.finish();
    }
    if args.destroy.change.dry_run {
        for name in there {
            let would = format!("delete topic {name} with all its records");
            outcome.done(Done::of(&name, "delete"), would, String::new())?;
        }
        return outcome.finish();
    }
    let names = there.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    args.destroy.confirm(&format!("delete {names} with all records?")).await?;
    for (name, deleted) in admin.delete_topics(&there).await.map_err(explain)? {
        match deleted {
            Ok(()) => {
                let did = format!("deleted topic {name}");
                outcome.done(Done::of(&name, "delete"), String::new(), did)?;
            }
            Err(error) => {
                outcome.failed(explain(error).context(format!("topic {name} was not deleted")))
            }
        }
    }
    outcome.finish()
}
