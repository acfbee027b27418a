//! `klog dump-segment`: what is in the files of logs, whether it is sound, and saving what is.

mod args;
mod batches;
mod damage;
mod filter;
mod follow;
mod print;
mod records;
mod repair;
mod sources;
mod verify;

use crate::connect;
use crate::exit::Ended;
use crate::logging::{self, LogArgs};
use crate::signals::Signals;

pub use args::Args;

pub fn run(args: Args, log: &LogArgs) -> anyhow::Result<()> {
    logging::start(log);
    args.check()?;
    let log = log.clone();
    let runtime = connect::runtime()?;
    let ended = runtime.block_on(async {
        let mut signals = Signals::install()?;
        let mut work = tokio::task::spawn_blocking(move || dump(&args, &log));
        tokio::select! {
            done = &mut work => done?,
            // What it is at may be left at any moment.
            kind = signals.stop() => Err(Ended::Signal(kind).into()),
        }
    });
    runtime.shutdown_background();
    ended
}

fn dump(args: &Args, log: &LogArgs) -> anyhow::Result<()> {
    let mode = &args.mode;
    if mode.verify {
        verify::run(args, log)
    } else if mode.repair {
        repair::run(args, log)
    } else if mode.records {
        records::run(args, log)
    } else {
        batches::run(args, log)
    }
}
