//! `klog groups delete`

use klog::client::{Admin, GroupListing, GroupState};

use super::done::Done;
use super::refusal;
use crate::admin_args::{Common, Destroy, admin};
use crate::connect::explain;
use crate::exit::advise;
use crate::output::Outcome;

/// Delete groups with all that they committed; they must have no members
#[derive(clap::Args, Debug)]
#[command(after_long_help = "Examples:
  klog groups delete billing --dry-run
  klog groups delete old-1 old-2 --yes")]
pub struct Args {
    /// The groups
    #[arg(required = true, value_name = "GROUP", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    groups: Vec<String>,
    #[command(flatten)]
    destroy: Destroy,
    #[command(flatten)]
    common: Common,
}

fn deleted(group: &str) -> Done<'_> {
    Done { group, topic: None, partition: None, change: "delete", offset: None }
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    let admin = admin(&args.common).await?;
    let dry_run = args.destroy.change.dry_run;
    let mut outcome = Outcome::new(dry_run, args.common.format);
    let listed = admin.list_groups(&[], &[]).await.map_err(explain)?;
    let mut idle = Vec::new();
    for group in &args.groups {
        match may_go(&admin, group, &listed).await {
            Ok(()) if idle.contains(group) => {}
            Ok(()) => idle.push(group.clone()),
            Err(error) => outcome.failed(error),
        }
    }
    if idle.is_empty() {
        return outcome.finish();
    }
    if dry_run {
        for group in &idle {
            let would = format!("delete group {group} with all that it committed");
            outcome.done(deleted(group), would, String::new())?;
        }
        return outcome.finish();
    }
    args.destroy.confirm(&format!("delete {} with all offsets?", idle.join(", "))).await?;
    for (group, told) in admin.delete_groups(&idle).await {
        match told {
            Ok(()) => {
                outcome.done(deleted(&group), String::new(), format!("deleted group {group}"))?;
            }
            Err(error) => {
                let error = explain(error).context(format!("group {group} was not deleted"));
                outcome.failed(error);
            }
        }
    }
    outcome.finish()
}

/// Whether there is such a group, and nobody in it.
async fn may_go(admin: &Admin, group: &str, listed: &[GroupListing]) -> anyhow::Result<()> {
    let Some(found) = listed.iter().find(|one| one.group == group) else {
        return Err(refusal::missing(group));
    };
    match &found.state {
        None | Some(GroupState::Empty | GroupState::Dead) => return Ok(()),
        Some(_) => {}
    }
    for (_, described) in admin.describe_groups(&[group.to_owned()]).await {
        if let Ok(described) = described {
            return refusal::must_be_idle(&described);
        }
    }
    Err(advise(anyhow::anyhow!("group {group} is in use"), "stop its members first"))
}
