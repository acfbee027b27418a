//! `klog man`: manual pages, made from the declared options.

use clap::CommandFactory as _;

use crate::cli::Cli;
use crate::exit::{Hint as _, usage};
use crate::output::Stdout;

/// Print a manual page, in roff
#[derive(clap::Args, Debug)]
#[command(after_long_help = "Examples:
  klog man | man -l -
  klog man topics > klog-topics.1")]
pub struct Args {
    /// The command; without it the page of klog itself
    #[arg(value_name = "COMMAND")]
    command: Option<String>,
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    let mut cli = Cli::command();
    cli.build();
    let page = match &args.command {
        None => cli,
        Some(name) => find(&cli, name)?,
    };
    let mut out = Stdout::new();
    clap_mangen::Man::new(page).render(out.buffer())?;
    out.flush()
}

fn find(cli: &clap::Command, name: &str) -> anyhow::Result<clap::Command> {
    let known: Vec<&str> = cli.get_subcommands().map(clap::Command::get_name).collect();
    let found = cli.find_subcommand(name.strip_prefix("klog-").unwrap_or(name));
    // The page is of a program of its own, as the links are named.
    let page = |command: &clap::Command| {
        let named = format!("klog-{}", command.get_name());
        command.clone().name(named.clone()).display_name(named).version(env!("CARGO_PKG_VERSION"))
    };
    found
        .map(page)
        .ok_or_else(|| usage(format!("there is no command {name}")))
        .hint(format!("commands are {}", known.join(", ")))
}
