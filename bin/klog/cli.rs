//! The commands and how one is chosen: `klog consume …`, or a link named exactly `klog-consume`.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use clap::error::ContextKind;
use clap::{CommandFactory as _, Parser, Subcommand};

use crate::cmd::{
    completions, consume, dump_segment, groups, man, perf_test, produce, serve, topics,
    transactions,
};
use crate::exit::{self, Kind};
use crate::logging::{Color, LogArgs, set_color};

/// A Kafka-compatible log: broker and clients in one binary
///
/// Any Kafka client works against it unmodified, and its data directory is Kafka's own format.
#[derive(Parser, Debug)]
#[command(
    name = "klog",
    bin_name = "klog",
    version,
    propagate_version = false,
    disable_help_subcommand = true,
    max_term_width = 100,
    arg_required_else_help = true,
    after_long_help = "Examples:
  klog serve                              one node on 127.0.0.1:9092, data in ./klog-data
  klog produce events < /var/log/dpkg.log a record per line
  klog consume events -e                  all of it, then stop

A link to klog that is named klog-consume runs `klog consume`; so for every command."
)]
pub struct Cli {
    #[command(flatten)]
    log: LogArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    Serve(serve::Args),
    Produce(produce::Args),
    Consume(consume::Args),
    Topics(topics::Args),
    Groups(groups::Args),
    Transactions(transactions::Args),
    DumpSegment(dump_segment::Args),
    PerfTest(perf_test::Args),
    Completions(completions::Args),
    Man(man::Args),
}

/// Runs what the arguments ask for, the program's name first.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args = with_link_command(args.into_iter().collect());
    // Also the errors about arguments have the colours that the arguments ask for.
    if args.windows(2).any(|w| w[0] == "--color" && w[1] == "never")
        || args.iter().any(|a| a == "--color=never")
    {
        set_color(Color::Never);
    }
    let cli = match Cli::try_parse_from(&args) {
        Ok(cli) => cli,
        Err(error) => return refuse(&error, &args),
    };
    let result = match cli.command {
        Command::Serve(args) => serve::run(args, &cli.log),
        Command::Produce(args) => produce::run(args, &cli.log),
        Command::Consume(args) => consume::run(args, &cli.log),
        Command::Topics(args) => topics::run(args, &cli.log),
        Command::Groups(args) => groups::run(args, &cli.log),
        Command::Transactions(args) => transactions::run(args, &cli.log),
        Command::DumpSegment(args) => dump_segment::run(args, &cli.log),
        Command::PerfTest(args) => perf_test::run(args, &cli.log),
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => man::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => exit::report(&error),
    }
}

/// `klog-consume -e` is `klog consume -e`, if `consume` is a command.
fn with_link_command(mut args: Vec<OsString>) -> Vec<OsString> {
    let link = args.first().map(Path::new).and_then(Path::file_name).and_then(|name| name.to_str());
    let command = link.and_then(|name| name.strip_prefix("klog-")).map(str::to_owned);
    let known = |name: &String| Cli::command().get_subcommands().any(|c| c.get_name() == name);
    if let Some(command) = command.filter(known) {
        args.splice(0..1, [OsString::from("klog"), OsString::from(command)]);
    }
    args
}

/// Prints what clap has to say: help to stdout, errors in the shape of all of klog's errors.
fn refuse(error: &clap::Error, args: &[OsString]) -> ExitCode {
    if !error.use_stderr() {
        return match error.print() {
            Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
                exit::report(&anyhow::Error::from(e).context("cannot write to stdout"))
            }
            _ => ExitCode::SUCCESS,
        };
    }
    let rendered = error.render().to_string();
    if rendered.starts_with("error: ") {
        let mut lines = in_our_words(&rendered);
        if is_of_the_environment(error, args) {
            lines.pop();
            lines.push(
                "hint: the value stands in the environment: KLOG_BOOTSTRAP_SERVERS".to_owned(),
            );
        }
        anstream::eprintln!("{}", exit::styled(&lines));
    } else {
        // No arguments at all: the help.
        let _ = error.print();
    }
    Kind::Usage.into()
}

/// Whether it is about servers that no option names.
fn is_of_the_environment(error: &clap::Error, args: &[OsString]) -> bool {
    let about = error.context().any(|(kind, value)| {
        kind == ContextKind::InvalidArg && value.to_string().contains("--bootstrap-server")
    });
    let typed = |arg: &OsString| {
        let arg = arg.to_string_lossy();
        let short = arg.starts_with('-') && !arg.starts_with("--") && arg.contains('b');
        short || arg.starts_with("--b")
    };
    about && !args.iter().any(typed) && std::env::var_os("KLOG_BOOTSTRAP_SERVERS").is_some()
}

/// clap's `error: …`, `tip: …`, `Usage: …` as `klog: …`, usage, `hint: …`.
fn in_our_words(rendered: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut hints = Vec::new();
    for line in rendered.lines() {
        if let Some(what) = line.strip_prefix("error: ") {
            lines.push(format!("klog: {what}"));
        } else if let Some(tip) = line.trim_start().strip_prefix("tip: ") {
            // Who mistyped an option does not mean it as a value.
            if !tip.starts_with("to pass ") {
                hints.push(format!("hint: {tip}"));
            }
        } else if line.starts_with("For more information") {
            if hints.is_empty() {
                hints.push("hint: --help tells more".to_owned());
            }
        } else if !line.is_empty() {
            lines.push(line.replacen("Usage: ", "usage: ", 1));
        }
    }
    lines.extend(hints);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_declarations_are_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn only_a_link_named_exactly_after_a_command_runs_it() {
        let words = |args: &[&str]| -> Vec<OsString> { args.iter().map(OsString::from).collect() };
        let asked = |args: &[&str]| with_link_command(words(args));
        assert_eq!(asked(&["/usr/bin/klog-consume", "t"]), words(&["klog", "consume", "t"]));
        for other in ["klog", "xklog-consume", "klog-consume2", "klog-", "consume"] {
            assert_eq!(asked(&[other, "t"]), words(&[other, "t"]));
        }
    }

    #[test]
    fn every_option_says_in_one_line_what_it_does() {
        fn check(command: &clap::Command) {
            for arg in command.get_arguments() {
                let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
                assert!(!help.is_empty(), "{} {} has no help", command.get_name(), arg.get_id());
                assert!(
                    help.len() <= 90,
                    "{} {}: {help:?} is long",
                    command.get_name(),
                    arg.get_id()
                );
                assert!(!help.ends_with('.'), "{} {}: {help:?}", command.get_name(), arg.get_id());
            }
            command.get_subcommands().for_each(check);
        }
        let mut cli = Cli::command();
        cli.build();
        check(&cli);
    }

    #[test]
    fn every_command_shows_two_examples() {
        let cli = Cli::command();
        for command in cli.get_subcommands() {
            let help = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
            let examples =
                help.lines().filter(|line| line.trim_start().starts_with("klog ")).count();
            assert!(examples >= 2, "{} has {examples} examples", command.get_name());
        }
    }
}
