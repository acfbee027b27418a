//! `klog transactions`: which transactions there are, and ending those that nobody ends.

mod abort;
mod describe;
mod done;
mod hanging;
mod list;

use clap::Subcommand;

use crate::admin_args;
use crate::logging::LogArgs;

/// List, describe and abort transactions, and find those that hang
#[derive(clap::Args, Debug)]
#[command(
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_long_help = "Examples:
  klog transactions list --state Ongoing
  klog transactions hanging --topic orders"
)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    List(list::Args),
    Describe(describe::Args),
    Hanging(hanging::Args),
    Abort(abort::Args),
}

pub fn run(args: Args, log: &LogArgs) -> anyhow::Result<()> {
    admin_args::run(log, dispatch(args.command))
}

async fn dispatch(command: Command) -> anyhow::Result<()> {
    match command {
        Command::List(args) => list::run(args).await,
        Command::Describe(args) => describe::run(args).await,
        Command::Hanging(args) => hanging::run(args).await,
        Command::Abort(args) => abort::run(args).await,
    }
}
