//! `klog perf-test ceiling`

use std::time::Duration;

use klog::base::TopicName;
use klog::perf::{self, Pace, ProduceLoad, Sink};

use super::args::{LengthArgs, OutArgs, RecordArgs, named};
use super::clients;
use super::report::{carry_out, explained};
use super::watch::open_log;
use crate::client_args::ClientArgs;
use crate::connect::Properties;
use crate::signals::Signals;
use crate::values;

/// Of the connection to itself.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Measure this tool: how fast it writes to a broker that only acknowledges
///
/// What `produce` shows is the broker's doing only where it is well below this. The broker that only acknowledges is part of this
/// process: a thread behind a socket on 127.0.0.1, which reads requests, keeps nothing, and answers.
#[derive(clap::Args, Debug)]
#[command(after_long_help = "Examples:
  klog perf-test ceiling --record-size 100
  klog perf-test ceiling --record-size 1KiB --batch-size 64KiB --producers 2 --duration 5s")]
pub struct Args {
    #[command(flatten)]
    length: LengthArgs,

    #[command(flatten)]
    records: RecordArgs,

    /// Write to so many partitions
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(i32).range(1..))]
    partitions: i32,

    #[command(flatten)]
    out: OutArgs,

    /// Set a producer property, by librdkafka's or Java's name
    #[arg(short = 'X', long = "property", value_name = "KEY=VALUE", value_parser = values::key_value, allow_hyphen_values = true, display_order = 801)]
    properties: Vec<(String, String)>,
}

pub async fn run(args: Args, signals: &mut Signals, shown: bool) -> anyhow::Result<()> {
    let payload = args.records.payload()?;
    let sink = Sink::start(args.partitions)?;
    let client = ClientArgs {
        bootstrap_server: vec![sink.address().to_owned()],
        properties: args.properties,
        command_config: None,
        timeout: TIMEOUT,
    };
    let (client, producer) = args.records.configs(Properties::gather(&client)?, None, TIMEOUT)?;
    let clients = clients::connect(&client, args.records.producers, signals).await?;
    let length = args.length.length();
    let load = ProduceLoad {
        topic: TopicName::new("ceiling")?,
        producer,
        pace: Pace::Closed,
        length,
        payload,
        transaction_size: None,
    };
    let log = open_log(args.out.hdr.as_deref(), "klog perf-test ceiling", length.warm_up)?;
    let run = perf::produce(&clients, &load).await.map_err(explained)?;
    let target = vec![
        named("servers", "none: a thread that only acknowledges"),
        named("partitions", args.partitions),
    ];
    let settings = [target, args.records.describe(&load.producer)];
    let test = args.out.test("ceiling", load.pace, length, &settings);
    carry_out(test, run, log, signals, shown).await
}
