//! `klog perf-test consume`

use std::path::PathBuf;
use std::time::Duration;

use klog::base::TopicName;
use klog::client::{ClientConfig, ConsumerConfig, Isolation, OffsetReset, Role};
use klog::perf::{self, ConsumeLoad, Length};

use super::args::{describe_length, named};
use super::report::{Test, carry_out, explained};
use super::{clients, topic};
use crate::client_args::ClientArgs;
use crate::connect::Properties;
use crate::output::ListFormat;
use crate::signals::Signals;
use crate::values;

/// Records that one poll may give.
pub const POLL_RECORDS: usize = 20_000;

/// Measure reading: as fast as it goes
///
/// Without --records and --duration the topic is read to its end as it is at the start. Records are decompressed and their
/// checksums verified, as a program's are. There are no latencies: nobody knows since when a record could have been read.
#[derive(clap::Args, Debug)]
#[command(after_long_help = "Examples:
  klog perf-test consume --topic load
  klog perf-test consume --topic load --consumers 3 -g readers --duration 30s")]
pub struct Args {
    /// The topic
    #[arg(long, value_name = "NAME", value_parser = values::topic)]
    topic: TopicName,

    /// Stop after so many records
    ///
    /// If there are fewer, more are waited for.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    records: Option<u64>,

    /// Stop after so long
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    duration: Option<Duration>,

    /// Do not count what is read in so long a time at the start
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = values::duration)]
    warmup: Duration,

    /// Use so many consumers, each with connections of its own
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u16).range(1..))]
    consumers: u16,

    /// Read as members of this group, from what it has committed on
    ///
    /// Without it each consumer reads its share of the partitions, from the first record on, and commits nothing.
    #[arg(short, long, value_name = "GROUP", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    group: Option<String>,

    /// How to print
    #[arg(long, value_enum, default_value = "table", display_order = 700)]
    format: ListFormat,

    /// Write a page with charts to a file
    ///
    /// Throughput over time, the settings and this machine. It needs nothing but a browser.
    #[arg(long, value_name = "FILE", display_order = 702)]
    html: Option<PathBuf>,

    #[command(flatten)]
    client: ClientArgs,
}

pub async fn run(args: Args, signals: &mut Signals, shown: bool) -> anyhow::Result<()> {
    let mut properties = Properties::gather(&args.client)?;
    if let Some(group) = &args.group {
        properties.set("group.id", group);
    }
    let (client, consumer) = configs(&properties, &args.client)?;
    let clients = clients::connect(&client, args.consumers, signals).await?;
    let length = Length { warm_up: args.warmup, records: args.records, duration: args.duration };
    let prepared = async {
        let partitions = topic::ensure(&clients[0], &args.topic, None).await?;
        let load = ConsumeLoad { topic: args.topic.clone(), partitions, consumer, length };
        Ok((perf::consume(&clients, &load).await.map_err(explained)?, partitions))
    };
    let (run, partitions) = clients::until_signal(signals, prepared).await?;
    let mut settings = vec![
        named("servers", client.bootstrap.join(", ")),
        named("topic", &args.topic),
        named("partitions", partitions),
        named("consumers", args.consumers),
        named("group", args.group.as_deref().unwrap_or("none")),
    ];
    settings.extend(describe_length(length));
    let (format, html) = (args.format, args.html);
    let test = Test { name: "consume", pace: None, length, format, html, settings };
    carry_out(test, run, None, signals, shown).await
}

/// What the properties say, with the defaults of `klog consume`.
///
/// # Errors
/// A usage error.
pub fn configs(
    properties: &Properties,
    client: &ClientArgs,
) -> anyhow::Result<(ClientConfig, ConsumerConfig)> {
    let (config, mut consumer) =
        properties.configs(Role::Consumer, client.timeout, ConsumerConfig::from_properties)?;
    if !properties.has("isolation.level") {
        consumer.isolation = Isolation::ReadCommitted;
    }
    if !properties.has("auto.offset.reset") {
        consumer.offset_reset = OffsetReset::Earliest;
    }
    if !properties.has("max.poll.records") {
        consumer.max_poll_records = POLL_RECORDS;
    }
    Ok((config, consumer))
}
