//! `klog perf-test end-to-end`

use std::time::Duration;

use klog::client::Role;
use klog::perf::{self, EndToEndLoad, Length, Pace, ProduceLoad};

use super::args::{OutArgs, RecordArgs, TargetArgs, named, rate};
use super::report::{carry_out, explained};
use super::watch::open_log;
use super::{clients, consume, topic};
use crate::client_args::ClientArgs;
use crate::connect::Properties;
use crate::signals::Signals;
use crate::values;

/// Measure the way from when a record is due to when a consumer has it
///
/// Producers and consumers are in this one process, so one clock tells both ends. A header of each record says when it was due (25
/// bytes, which are not counted). Linger is 0 unless --linger says otherwise.
#[derive(clap::Args, Debug)]
#[command(after_long_help = "Examples:
  klog perf-test end-to-end --topic load --partitions 1 --rate 10000 --duration 1m
  klog perf-test end-to-end --topic load --rate 1000 --duration 30s --warmup 5s --hdr load.hlog")]
pub struct Args {
    #[command(flatten)]
    target: TargetArgs,

    /// Send N records a second over all producers, whatever becomes of them
    #[arg(long, value_name = "N", value_parser = rate)]
    rate: u64,

    /// Stop after so long
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    duration: Duration,

    /// Do not count what is due in so long a time at the start
    ///
    /// It comes on top of --duration.
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = values::duration)]
    warmup: Duration,

    #[command(flatten)]
    records: RecordArgs,

    /// Use so many consumers, each with connections of its own and its share of the partitions
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u16).range(1..))]
    consumers: u16,

    #[command(flatten)]
    out: OutArgs,

    #[command(flatten)]
    client: ClientArgs,
}

pub async fn run(args: Args, signals: &mut Signals, shown: bool) -> anyhow::Result<()> {
    let payload = args.records.payload()?;
    let mut properties = Properties::gather(&args.client)?;
    let of_consumers = properties.of_role(Role::Consumer);
    properties.set_default("linger.ms", 0);
    let of_producers = properties.of_role(Role::Producer);
    let size = args.target.transaction_size;
    let (client, producer) = args.records.configs(of_producers, size, args.client.timeout)?;
    let producers = clients::connect(&client, args.records.producers, signals).await?;
    let (client, consumer) = consume::configs(&of_consumers, &args.client)?;
    let consumers = clients::connect(&client, args.consumers, signals).await?;
    let length = Length { warm_up: args.warmup, records: None, duration: Some(args.duration) };
    let produce = ProduceLoad {
        topic: args.target.topic.clone(),
        producer,
        pace: Pace::Open(args.rate),
        length,
        payload,
        transaction_size: size,
    };
    let prepared = async {
        let partitions =
            topic::ensure(&producers[0], &produce.topic, args.target.partitions).await?;
        let log = open_log(args.out.hdr.as_deref(), "klog perf-test end-to-end", length.warm_up)?;
        let load = EndToEndLoad { produce: produce.clone(), partitions, consumer };
        let run = perf::end_to_end(&producers, &consumers, &load).await.map_err(explained)?;
        Ok((run, log, partitions))
    };
    let (run, log, partitions) = clients::until_signal(signals, prepared).await?;
    let target = args.target.describe(&client.bootstrap, partitions);
    let consumers = vec![named("consumers", args.consumers)];
    let settings = [target, args.records.describe(&produce.producer), consumers];
    let test = args.out.test("end-to-end", produce.pace, length, &settings);
    carry_out(test, run, log, signals, shown).await
}
