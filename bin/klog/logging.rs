//! Logs go to stderr, in a form that both an operator and `grep` can read.

use std::io::IsTerminal as _;

use clap::{ArgAction, Args, ValueEnum};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Options that every command has.
#[derive(Args, Debug, Clone)]
#[command(next_help_heading = "Messages")]
pub struct LogArgs {
    /// Log more to stderr (-vv: still more)
    #[arg(short, long, global = true, action = ArgAction::Count, display_order = 900)]
    pub verbose: u8,
    /// Log only errors, show no progress
    #[arg(short, long, global = true, conflicts_with = "verbose", display_order = 901)]
    pub quiet: bool,
    /// When to use colour
    ///
    /// `auto` colours what goes to a terminal, unless NO_COLOR is set.
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "WHEN",
        default_value = "auto",
        display_order = 902
    )]
    pub color: Color,
}

/// When to use colour.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Whose log it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// A broker's: an operator reads it later, so it has times; events are logged without being asked for.
    Broker,
    /// A command's: its user reads it now; only warnings are logged without being asked for.
    Command,
}

/// Sets colours for all output, and starts the log.
pub fn start(args: &LogArgs, whose: Whose) {
    set_color(args.color);
    let own = match (args.quiet, whose, args.verbose) {
        (true, _, _) => LevelFilter::ERROR,
        (false, Whose::Command, 0) => LevelFilter::WARN,
        (false, Whose::Command, 1) | (false, Whose::Broker, 0) => LevelFilter::INFO,
        (false, Whose::Command, 2) | (false, Whose::Broker, 1) => LevelFilter::DEBUG,
        (false, _, _) => LevelFilter::TRACE,
    };
    let stderr = std::io::stderr();
    let colours = anstream::AutoStream::choice(&stderr) != anstream::ColorChoice::Never;
    let filter = Targets::new().with_default(LevelFilter::WARN.min(own)).with_target("klog", own);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(colours);
    match whose {
        Whose::Broker => tracing_subscriber::registry().with(lines).with(filter).init(),
        Whose::Command => {
            let lines = lines.without_time().with_target(args.verbose > 0);
            tracing_subscriber::registry().with(lines).with(filter).init();
        }
    }
}

/// Makes `--color` hold for everything that anstream prints.
pub fn set_color(color: Color) {
    match color {
        Color::Auto => {}
        Color::Always => anstream::ColorChoice::Always.write_global(),
        Color::Never => anstream::ColorChoice::Never.write_global(),
    }
}

/// Whether progress may be drawn: only on a terminal, and not if asked to be quiet.
pub fn wants_progress(args: &LogArgs) -> bool {
    !args.quiet && std::io::stderr().is_terminal()
}
