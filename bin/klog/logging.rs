//! Logs go to stderr, in a form that both an operator and `grep` can read.

use std::io::IsTerminal as _;

use clap::{ArgAction, Args, ValueEnum};
use klog::broker::{Loggers, ROOT_LOGGER};
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{fmt, reload};

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

/// The parts of a broker that log, as Kafka's tools can name them: with dots.
const ROOMS: [&str; 5] = ["klog.broker", "klog.log", "klog.net", "klog.quorum", "klog.cmd"];

/// Sets colours for all output, and starts the log of a command.
pub fn start(args: &LogArgs) {
    set_color(args.color);
    let own = match (args.quiet, args.verbose) {
        (true, _) => LevelFilter::ERROR,
        (false, 0) => LevelFilter::WARN,
        (false, 1) => LevelFilter::INFO,
        (false, 2) => LevelFilter::DEBUG,
        (false, _) => LevelFilter::TRACE,
    };
    let lines = lines().without_time().with_target(args.verbose > 0);
    tracing_subscriber::registry().with(lines).with(filter(&levels(own))).init();
}

/// Sets colours for all output, and starts the log of a broker: an operator reads it later, so it has times, and events are logged
/// without being asked for. Its levels can be changed while it runs.
pub fn start_broker(args: &LogArgs) -> Loggers {
    set_color(args.color);
    let own = match (args.quiet, args.verbose) {
        (true, _) => LevelFilter::ERROR,
        (false, 0) => LevelFilter::INFO,
        (false, 1) => LevelFilter::DEBUG,
        (false, _) => LevelFilter::TRACE,
    };
    let levels = levels(own);
    let (filter_now, handle) = reload::Layer::new(filter(&levels));
    tracing_subscriber::registry().with(lines()).with(filter_now).init();
    let own = levels.map(|(logger, level)| (logger, Some(level)));
    let inherited = ROOMS.map(|logger| (logger, None));
    Loggers::new(own.into_iter().chain(inherited), move |levels| {
        if let Err(error) = handle.reload(filter(levels)) {
            tracing::error!(%error, "the log's levels stay as they were");
        }
    })
}

/// What others log matters less than what klog does.
fn levels(own: LevelFilter) -> [(&'static str, LevelFilter); 2] {
    [(ROOT_LOGGER, LevelFilter::WARN.min(own)), ("klog", own)]
}

fn filter(levels: &[(&'static str, LevelFilter)]) -> Targets {
    levels.iter().fold(Targets::new(), |filter, (logger, level)| match *logger {
        ROOT_LOGGER => filter.with_default(*level),
        target => filter.with_target(target.replace('.', "::"), *level),
    })
}

fn lines<S: Subscriber + for<'a> LookupSpan<'a>>()
-> fmt::Layer<S, fmt::format::DefaultFields, fmt::format::Format, fn() -> std::io::Stderr> {
    let colours = anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
    let stderr: fn() -> std::io::Stderr = std::io::stderr;
    fmt::layer().with_writer(stderr).with_ansi(colours)
}

/// Makes `--color` hold for everything that anstream prints.
pub fn set_color(color: Color) {
    match color {
        Color::Auto => {}
        Color::Always => anstream::ColorChoice::Always.write_global(),
        Color::Never => anstream::ColorChoice::Never.write_global(),
    }
}

/// Whether nothing is to be said that was not asked for.
pub fn is_quiet(args: &LogArgs) -> bool {
    args.quiet
}

/// Whether progress may be drawn: only on a terminal, and not if asked to be quiet.
pub fn wants_progress(args: &LogArgs) -> bool {
    !args.quiet && std::io::stderr().is_terminal()
}
