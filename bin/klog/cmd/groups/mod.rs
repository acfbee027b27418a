//! `klog groups`: what consumer groups there are, how far they have read, and changing that.

mod delete;
mod delete_offsets;
mod describe;
mod done;
mod export;
mod import;
mod lag;
mod line;
mod list;
mod members;
mod offsets;
mod refusal;
mod reset;
mod selection;
mod state;
mod step;

use clap::Subcommand;

use crate::admin_args;
use crate::logging::LogArgs;

/// List, describe, reset and delete consumer groups
#[derive(clap::Args, Debug)]
#[command(
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_long_help = "Examples:
  klog groups describe billing
  klog groups reset billing --topic orders --to -1h --dry-run"
)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    List(list::Args),
    Describe(describe::Args),
    Reset(reset::Args),
    Delete(delete::Args),
    DeleteOffsets(delete_offsets::Args),
    Export(export::Args),
    Import(import::Args),
}

pub fn run(args: Args, log: &LogArgs) -> anyhow::Result<()> {
    admin_args::run(log, dispatch(args.command))
}

async fn dispatch(command: Command) -> anyhow::Result<()> {
    match command {
        Command::List(args) => list::run(args).await,
        Command::Describe(args) => describe::run(args).await,
        Command::Reset(args) => reset::run(args).await,
        Command::Delete(args) => delete::run(args).await,
        Command::DeleteOffsets(args) => delete_offsets::run(args).await,
        Command::Export(args) => export::run(args).await,
        Command::Import(args) => import::run(args).await,
    }
}
