//! `klog perf-test`: what a cluster takes and how long it takes, measured so that a stall shows.

mod args;
mod case;
mod ceiling;
mod clients;
mod compare;
mod consume;
mod end_to_end;
mod page;
mod produce;
mod report;
mod topic;
mod watch;

use clap::Subcommand;

use crate::logging::{self, LogArgs};
use crate::signals::Signals;

/// Measure throughput and latency of a cluster, klog's or any other Kafka's
///
/// With --rate the loop is open: each record is due at its time, and its latency counts from then on, whatever held it up. So a broker
/// that stalls for a second shows in every record that was due in that second. Without it the loop is closed: each producer
/// goes as fast as it is let, which shows throughput, and latencies that are mostly the wait in the producer's own buffer.
///
/// MB are 10⁶ bytes, of keys and values. Ctrl-C ends a run early and prints what was seen. Where a record failed the exit code
/// is 1.
#[derive(clap::Args, Debug)]
#[command(
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_long_help = "Examples:
  klog perf-test produce --topic load --partitions 6 --duration 30s
  klog perf-test end-to-end --topic load --rate 10000 --duration 1m --warmup 5s --hdr load.hlog"
)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    Produce(produce::Args),
    Consume(consume::Args),
    EndToEnd(end_to_end::Args),
    Ceiling(ceiling::Args),
    Compare(compare::Args),
}

pub fn run(args: Args, log: &LogArgs) -> anyhow::Result<()> {
    logging::start(log);
    let shown = logging::wants_progress(log);
    klog::client::runtime()?.block_on(async {
        let mut signals = Signals::install()?;
        match args.command {
            Command::Produce(args) => produce::run(args, &mut signals, shown).await,
            Command::Consume(args) => consume::run(args, &mut signals, shown).await,
            Command::EndToEnd(args) => end_to_end::run(args, &mut signals, shown).await,
            Command::Ceiling(args) => ceiling::run(args, &mut signals, shown).await,
            Command::Compare(args) => compare::run(args, &mut signals, shown).await,
        }
    })
}
