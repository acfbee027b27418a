//! `klog groups list`

use std::collections::BTreeMap;

use klog::client::{GroupDescription, GroupListing, GroupState, GroupType};
use serde::Serialize;

use crate::admin_args::{Common, admin};
use crate::connect::explain;
use crate::output::{Row, Rows, or_dash};

/// Show what groups there are
#[derive(clap::Args, Debug)]
#[command(after_long_help = "Examples:
  klog groups list
  klog groups list --state Empty --format json")]
pub struct Args {
    /// Only those in this state; several are separated by commas
    ///
    /// Empty, Stable, PreparingRebalance and CompletingRebalance (classic), Assigning and Reconciling (consumer), Dead.
    #[arg(long, value_name = "S[,…]", value_delimiter = ',', value_parser = state)]
    state: Vec<GroupState>,
    #[command(flatten)]
    common: Common,
}

fn state(text: &str) -> Result<GroupState, String> {
    text.parse()
}

#[derive(Serialize)]
struct Listed {
    group: String,
    r#type: Option<String>,
    state: Option<String>,
    protocol_type: Option<String>,
    protocol: Option<String>,
    members: Option<usize>,
}

impl Row for Listed {
    const HEADER: &'static [&'static str] =
        &["group", "type", "state", "protocol_type", "protocol", "members"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.group.clone(),
            or_dash(&self.r#type),
            or_dash(&self.state),
            or_dash(&self.protocol_type),
            or_dash(&self.protocol),
            or_dash(&self.members),
        ]
    }
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    let admin = admin(&args.common).await?;
    let listed = admin.list_groups(&args.state, &[]).await.map_err(explain)?;
    let names: Vec<String> = listed
        .iter()
        .filter(|group| group.kind.as_ref().is_none_or(is_described))
        .map(|group| group.group.clone())
        .collect();
    let described: BTreeMap<String, _> = admin.describe_groups(&names).await.into_iter().collect();
    let mut rows = Rows::new(args.common.format);
    for group in listed {
        // None if it is of a type that is not described, or went meanwhile.
        let described = described.get(&group.group).and_then(|told| told.as_ref().ok());
        rows.push(row(group, described))?;
    }
    rows.finish()
}

fn is_described(kind: &GroupType) -> bool {
    matches!(kind, GroupType::Classic | GroupType::Consumer)
}

/// The state as it was listed: it is what was filtered by.
fn row(listed: GroupListing, described: Option<&GroupDescription>) -> Listed {
    let state = listed.state.as_ref().or(described.map(|group| &group.state));
    let kind = listed.kind.as_ref().or(described.map(|group| &group.kind));
    Listed {
        r#type: kind.map(ToString::to_string),
        state: state.map(ToString::to_string),
        protocol_type: Some(listed.protocol_type).filter(|text| !text.is_empty()),
        protocol: described.and_then(|group| group.protocol.clone()),
        members: described.map(|group| group.members.len()),
        group: listed.group,
    }
}
