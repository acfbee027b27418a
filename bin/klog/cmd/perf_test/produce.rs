//! `klog perf-test produce`

use klog::perf::{self, Pace, ProduceLoad};

use super::args::{LengthArgs, OutArgs, RecordArgs, TargetArgs, pace};
use super::report::{carry_out, explained};
use super::watch::open_log;
use super::{clients, topic};
use crate::client_args::ClientArgs;
use crate::connect::Properties;
use crate::signals::Signals;

/// Measure writing: at a fixed rate, or as fast as it goes
#[derive(clap::Args, Debug)]
#[command(after_long_help = "Examples:
  klog perf-test produce --topic load --partitions 6 --duration 30s
  klog perf-test produce --topic load --rate 10000 --duration 1m --warmup 5s --linger 0ms")]
pub struct Args {
    #[command(flatten)]
    target: TargetArgs,

    #[command(flatten)]
    length: LengthArgs,

    /// Send N records a second, whatever becomes of them; max: as fast as it goes
    ///
    /// N is over all producers. With it a record's latency counts from the moment it was due, to its acknowledgement.
    #[arg(long, value_name = "N|max", default_value = "max", value_parser = pace)]
    rate: Pace,

    #[command(flatten)]
    records: RecordArgs,

    #[command(flatten)]
    out: OutArgs,

    #[command(flatten)]
    client: ClientArgs,
}

pub async fn run(args: Args, signals: &mut Signals, shown: bool) -> anyhow::Result<()> {
    let payload = args.records.payload()?;
    let (size, timeout) = (args.target.transaction_size, args.client.timeout);
    let (client, producer) =
        args.records.configs(Properties::gather(&args.client)?, size, timeout)?;
    let clients = clients::connect(&client, args.records.producers, signals).await?;
    let load = ProduceLoad {
        topic: args.target.topic.clone(),
        producer,
        pace: args.rate,
        length: args.length.length(),
        payload,
        transaction_size: size,
    };
    let prepared = async {
        let partitions = topic::ensure(&clients[0], &load.topic, args.target.partitions).await?;
        let log = open_log(args.out.hdr.as_deref(), "klog perf-test produce", load.length.warm_up)?;
        Ok((perf::produce(&clients, &load).await.map_err(explained)?, log, partitions))
    };
    let (run, log, partitions) = clients::until_signal(signals, prepared).await?;
    let target = args.target.describe(&client.bootstrap, partitions);
    let settings = [target, args.records.describe(&load.producer)];
    let test = args.out.test("produce", load.pace, load.length, &settings);
    carry_out(test, run, log, signals, shown).await
}
