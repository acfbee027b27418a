//! `klog topics describe`

use std::collections::BTreeMap;

use klog::base::TopicName;
use klog::client::{Admin, PartitionDescription, TopicDescription};
use serde::Serialize;

use super::known_id;
use crate::admin_args::{Common, admin};
use crate::cluster::{self, Offsets, Partition};
use crate::connect::explain;
use crate::output::{Row, Rows, or_dash};
use crate::values;

/// Show where a topic's partitions are and what they hold
#[derive(clap::Args, Debug)]
#[command(after_long_help = "Examples:
  klog topics describe events
  klog topics describe --under-replicated")]
pub struct Args {
    /// The topics [default: all but Kafka's own]
    #[arg(value_name = "NAME", value_parser = values::topic)]
    names: Vec<TopicName>,
    /// Only partitions with fewer in-sync replicas than replicas
    #[arg(long)]
    under_replicated: bool,
    #[command(flatten)]
    common: Common,
}

#[derive(Serialize)]
struct Described {
    topic: String,
    topic_id: Option<String>,
    partition: i32,
    leader: Option<i32>,
    leader_epoch: Option<i32>,
    replicas: Vec<i32>,
    isr: Vec<i32>,
    offline: Vec<i32>,
    earliest: Option<i64>,
    latest: Option<i64>,
    size_bytes: Option<i64>,
}

impl Row for Described {
    const HEADER: &'static [&'static str] = &[
        "topic",
        "topic_id",
        "partition",
        "leader",
        "leader_epoch",
        "replicas",
        "isr",
        "offline",
        "earliest",
        "latest",
        "size_bytes",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.topic.clone(),
            or_dash(&self.topic_id),
            self.partition.to_string(),
            or_dash(&self.leader),
            or_dash(&self.leader_epoch),
            ids(&self.replicas),
            ids(&self.isr),
            ids(&self.offline),
            or_dash(&self.earliest),
            or_dash(&self.latest),
            or_dash(&self.size_bytes),
        ]
    }
}

fn ids(ids: &[i32]) -> String {
    let texts: Vec<String> = ids.iter().map(ToString::to_string).collect();
    if texts.is_empty() { "-".to_owned() } else { texts.join(",") }
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    let admin = admin(&args.common).await?;
    let names = if args.names.is_empty() {
        let mut all = admin.list_topics().await.map_err(explain)?;
        all.retain(|topic| !topic.internal);
        all.into_iter().map(|topic| topic.name).collect()
    } else {
        args.names
    };
    let mut topics = cluster::describe(&admin, &names).await?;
    topics.sort_by(|a, b| a.name.cmp(&b.name));
    let ends = Ends::find(&admin, &topics).await?;
    let mut rows = Rows::new(args.common.format);
    for topic in &topics {
        for partition in &topic.partitions {
            if !args.under_replicated || partition.isr.len() < partition.replicas.len() {
                rows.push(ends.row(topic, partition))?;
            }
        }
    }
    rows.finish()
}

/// What partitions hold.
struct Ends {
    earliest: Offsets,
    latest: Offsets,
    sizes: BTreeMap<Partition, i64>,
}

impl Ends {
    async fn find(admin: &Admin, topics: &[TopicDescription]) -> anyhow::Result<Ends> {
        // A partition without a leader, or whose leader's disk failed, tells nothing, and must not hide the others or keep them waiting.
        let led: Vec<(TopicName, i32)> = topics
            .iter()
            .flat_map(|t| t.partitions.iter().map(|p| (t.name.clone(), p)))
            .filter(|(_, p)| p.leader.is_some_and(|leader| !p.offline.contains(&leader)))
            .map(|(name, p)| (name, p.partition))
            .collect();
        let (earliest, latest) = cluster::ends_that_tell(admin, &led).await?;
        Ok(Ends { earliest, latest, sizes: sizes(admin).await? })
    }

    fn row(&self, topic: &TopicDescription, partition: &PartitionDescription) -> Described {
        let key = (topic.name.clone(), partition.partition);
        let offset = |found: &Offsets| found.get(&key).and_then(|found| found.offset);
        Described {
            topic: topic.name.to_string(),
            topic_id: known_id(topic.id),
            partition: partition.partition,
            leader: partition.leader,
            leader_epoch: partition.leader_epoch,
            replicas: partition.replicas.clone(),
            isr: partition.isr.clone(),
            offline: partition.offline.clone(),
            earliest: offset(&self.earliest),
            latest: offset(&self.latest),
            size_bytes: self.sizes.get(&key).copied(),
        }
    }
}

/// The largest copy of each partition, over all brokers and directories.
async fn sizes(admin: &Admin) -> anyhow::Result<BTreeMap<Partition, i64>> {
    let mut sizes = BTreeMap::new();
    for found in
        admin.describe_log_dirs().await.map_err(explain)?.iter().flat_map(|dir| &dir.partitions)
    {
        // Names that are none are no topic's that could be asked for.
        if let Ok(topic) = TopicName::new(&found.topic) {
            let size: &mut i64 = sizes.entry((topic, found.partition)).or_default();
            *size = found.size_bytes.max(*size);
        }
    }
    Ok(sizes)
}
