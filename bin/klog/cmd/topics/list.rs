//! `klog topics list`

use regex::Regex;
use serde::Serialize;

use super::known_id;
use crate::admin_args::{Common, admin};
use crate::connect::explain;
use crate::output::{Row, Rows, or_dash};
use crate::values;

/// List topics
#[derive(clap::Args, Debug)]
#[command(after_long_help = "Examples:
  klog topics list
  klog topics list 'orders-.*' --format json")]
pub struct Args {
    /// Only topics whose whole name matches this regular expression
    #[arg(value_name = "PATTERN", value_parser = values::whole_name)]
    pattern: Option<Regex>,
    /// Also topics that Kafka keeps its own state in
    #[arg(long)]
    internal: bool,
    #[command(flatten)]
    common: Common,
}

#[derive(Serialize)]
struct Listed {
    name: String,
    id: Option<String>,
    partitions: usize,
    replication_factor: usize,
    internal: bool,
}

impl Row for Listed {
    const HEADER: &'static [&'static str] =
        &["name", "id", "partitions", "replication_factor", "internal"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.name.clone(),
            or_dash(&self.id),
            self.partitions.to_string(),
            self.replication_factor.to_string(),
            self.internal.to_string(),
        ]
    }
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    let mut topics = admin(&args.common).await?.list_topics().await.map_err(explain)?;
    topics.retain(|topic| {
        let matches = args.pattern.as_ref().is_none_or(|pattern| pattern.is_match(&topic.name));
        matches && (args.internal || !topic.internal)
    });
    topics.sort_by(|a, b| a.name.cmp(&b.name));
    let mut rows = Rows::new(args.common.format);
    for topic in topics {
        rows.push(Listed {
            name: topic.name.to_string(),
            id: known_id(topic.id),
            partitions: topic.partitions,
            replication_factor: topic.replication_factor,
            internal: topic.internal,
        })?;
    }
    rows.finish()
}
