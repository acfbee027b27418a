//! `klog transactions hanging`

use std::time::Duration;

use klog::base::{Millis, TopicName};
use klog::client::{Admin, OpenTransaction};
use serde::Serialize;

use crate::admin_args::{Common, admin};
use crate::cluster::{self, Partition};
use crate::connect::explain;
use crate::output::{ListFormat, Row, Rows, or_dash};
use crate::values;

/// Find transactions that hold up readers and that nobody will end
///
/// They are open in a partition, and their coordinator knows nothing of that: readers of committed records do not get past
/// where they began. On stderr stand the commands that abort them.
#[derive(clap::Args, Debug)]
#[command(after_long_help = "A line per transaction and partition:
  start_offset  where it began: the partition's last stable offset, at most
  idle_ms       how long nothing was written in it

Examples:
  klog transactions hanging
  klog transactions hanging --topic orders --max-timeout 1h --format json")]
pub struct Args {
    /// Look only at partitions of which this broker has a replica, as it sees them
    #[arg(long, value_name = "N")]
    broker: Option<i32>,
    /// Look only at this topic
    #[arg(long, value_name = "T", value_parser = values::topic)]
    topic: Option<TopicName>,
    /// The longest that any transaction may last
    ///
    /// Younger ones are not looked at: they may be under way. The brokers' `transaction.max.timeout.ms` bounds all.
    #[arg(long, value_name = "DURATION", default_value = "15m", value_parser = values::duration)]
    max_timeout: Duration,
    #[command(flatten)]
    common: Common,
}

#[derive(Serialize)]
struct Hanging {
    topic: String,
    partition: i32,
    producer_id: i64,
    producer_epoch: i32,
    coordinator_epoch: Option<i32>,
    start_offset: Option<i64>,
    last_timestamp: i64,
    idle_ms: u64,
    abort: String,
}

impl Row for Hanging {
    const HEADER: &'static [&'static str] = &[
        "topic",
        "partition",
        "producer_id",
        "producer_epoch",
        "coordinator_epoch",
        "start_offset",
        "last_timestamp",
        "idle_ms",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.topic.clone(),
            self.partition.to_string(),
            self.producer_id.to_string(),
            self.producer_epoch.to_string(),
            or_dash(&self.coordinator_epoch),
            or_dash(&self.start_offset),
            self.last_timestamp.to_string(),
            self.idle_ms.to_string(),
        ]
    }
}

fn row(open: &OpenTransaction, now: Millis) -> Hanging {
    let (topic, partition, producer) = (&open.topic, open.partition, &open.producer);
    let id = producer.producer_id;
    Hanging {
        topic: topic.to_string(),
        partition,
        producer_id: id,
        producer_epoch: producer.producer_epoch,
        coordinator_epoch: producer.coordinator_epoch,
        start_offset: producer.transaction_start,
        last_timestamp: producer.last_timestamp,
        idle_ms: u64::try_from(open.idle_for(now).as_millis()).unwrap_or(u64::MAX),
        abort: format!(
            "klog transactions abort --topic {topic} --partition {partition} --producer-id {id}"
        ),
    }
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    let admin = admin(&args.common).await?;
    let partitions = partitions(&admin, args.topic.as_ref(), args.broker).await?;
    let now = values::now();
    let longest = i64::try_from(args.max_timeout.as_millis()).unwrap_or(i64::MAX);
    let idle_since = Millis(now.0.saturating_sub(longest));
    let open = admin.open_transactions(&partitions, args.broker, idle_since).await;
    let hanging = admin.hanging_transactions(open.map_err(explain)?).await.map_err(explain)?;
    let (mut rows, mut commands) = (Rows::new(args.common.format), Vec::new());
    for one in &hanging {
        let row = row(one, now);
        commands.push(row.abort.clone());
        rows.push(row)?;
    }
    rows.finish()?;
    if args.common.format != ListFormat::Json && !commands.is_empty() {
        anstream::eprintln!("to abort what hangs:");
        commands.iter().for_each(|command| anstream::eprintln!("  {command}"));
    }
    Ok(())
}

/// All partitions, or those of one topic, or those of which a broker has a replica.
async fn partitions(
    admin: &Admin,
    topic: Option<&TopicName>,
    broker: Option<i32>,
) -> anyhow::Result<Vec<Partition>> {
    let topics: Vec<TopicName> = match topic {
        Some(topic) => vec![topic.clone()],
        None => {
            let listed = admin.list_topics().await.map_err(explain)?;
            listed.into_iter().map(|topic| topic.name).collect()
        }
    };
    let mut out = Vec::new();
    for described in cluster::describe(admin, &topics).await? {
        let here = |replicas: &[i32]| broker.is_none_or(|broker| replicas.contains(&broker));
        let wanted = described.partitions.iter().filter(|partition| here(&partition.replicas));
        out.extend(wanted.map(|partition| (described.name.clone(), partition.partition)));
    }
    Ok(out)
}
