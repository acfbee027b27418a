//! `klog dump-segment`: what is in the files of logs, whether it is sound, and saving what is.

mod args;
mod batches;
mod damage;
mod filter;
mod follow;
mod index;
mod overview;
mod print;
mod records;
mod repair;
mod showing;
mod side;
mod sources;
mod stats;
mod verify;

use klog::forensics::Place;
use klog::os::Os;

use showing::Showing;

use crate::exit::Ended;
use crate::logging::{self, LogArgs};
use crate::signals::Signals;

pub use args::Args;

pub fn run(args: Args, log: &LogArgs) -> anyhow::Result<()> {
    logging::start(log);
    args.check()?;
    let log = log.clone();
    let runtime = klog::client::runtime()?;
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
    } else if mode.index {
        index::run(args, log)
    } else if mode.stats {
        stats::run(args, log)
    } else if mode.batches {
        batches::run(args, log)
    } else {
        by_kind(args, log)
    }
}

/// Each path as what it is: files without batches by their kind, data directories by what is in them, all else by its batches.
fn by_kind(args: &Args, log: &LogArgs) -> anyhow::Result<()> {
    let os = Os::real();
    let mut showing = Showing::new(args.lists());
    let mut with_batches = Vec::new();
    for path in &args.paths {
        match sources::place(&*os.disk, path)? {
            Place::File { path, kind } if sources::base_of(&kind).is_none() => {
                side::file(&os, &path, &mut showing)?;
            }
            Place::DataDir { path } | Place::Nothing { path } => {
                overview::run(args, log, &path, showing.damaged())?
            }
            Place::File { .. } | Place::Partition(_) => with_batches.push(path.clone()),
        }
    }
    if with_batches.is_empty() {
        return showing.finish();
    }
    let batches = batches::run(&Args { paths: with_batches, ..args.clone() }, log);
    showing.finish().and(batches)
}
