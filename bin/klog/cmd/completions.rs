//! `klog completions`: scripts for shells, made from the declared options.

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::output::Stdout;

/// Print the completion script for a shell
#[derive(clap::Args, Debug)]
#[command(after_long_help = "Examples:
  klog completions bash > ~/.local/share/bash-completion/completions/klog
  klog completions fish > ~/.config/fish/completions/klog.fish")]
pub struct Args {
    /// The shell
    shell: Shell,
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "klog", &mut script);
    let mut out = Stdout::new();
    out.buffer().extend_from_slice(&script);
    out.flush()
}
