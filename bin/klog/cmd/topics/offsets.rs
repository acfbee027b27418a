//! `klog topics offsets`

use klog::base::TopicName;
use klog::client::{Isolation, OffsetSpec};
use serde::Serialize;

use crate::admin_args::{Common, admin};
use crate::cluster::{self, partitions_of};
use crate::output::{Row, Rows, or_dash};
use crate::values::{self, From};

/// Show a topic's offsets at its ends or at a time
#[derive(clap::Args, Debug)]
#[command(after_long_help = "Examples:
  klog topics offsets events
  klog topics offsets events --at -15m --format json")]
pub struct Args {
    /// The topic
    #[arg(value_name = "NAME", value_parser = values::topic)]
    name: TopicName,
    /// Where: earliest, latest, TIME
    ///
    /// A time is RFC 3339, @UNIX_MS, or -15m (ago): the first record that is not older.
    #[arg(long, value_name = "WHERE", default_value = "latest", value_parser = at, allow_hyphen_values = true)]
    at: From,
    #[command(flatten)]
    common: Common,
}

fn at(text: &str) -> Result<From, String> {
    match values::from(text) {
        Ok(From::Stored | From::Offset(_) | From::Last(_)) | Err(_) => Err(
            "give earliest, latest, or a time: 2026-01-31T18:00:00Z, @1769882400000, -15m (ago)"
                .to_owned(),
        ),
        found => found,
    }
}

#[derive(Serialize)]
struct Found {
    topic: String,
    partition: i32,
    offset: Option<i64>,
    timestamp: Option<i64>,
    leader_epoch: Option<i32>,
}

impl Row for Found {
    const HEADER: &'static [&'static str] =
        &["topic", "partition", "offset", "timestamp", "leader_epoch"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.topic.clone(),
            self.partition.to_string(),
            or_dash(&self.offset),
            or_dash(&self.timestamp),
            or_dash(&self.leader_epoch),
        ]
    }
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    let admin = admin(&args.common).await?;
    let partitions = partitions_of(&admin, &args.name, &[]).await?;
    let at = match args.at {
        From::Earliest => OffsetSpec::Earliest,
        From::Time(when) => OffsetSpec::At(when.at(values::now())),
        // The parser lets no other through.
        From::Latest | From::Stored | From::Offset(_) | From::Last(_) => OffsetSpec::Latest,
    };
    let found = cluster::offsets(&admin, &partitions, at, Isolation::ReadUncommitted).await?;
    let mut rows = Rows::new(args.common.format);
    for ((topic, partition), at) in found {
        let (topic, leader_epoch) = (topic.to_string(), at.leader_epoch);
        rows.push(Found {
            topic,
            partition,
            offset: at.offset,
            timestamp: at.timestamp,
            leader_epoch,
        })?;
    }
    rows.finish()
}
