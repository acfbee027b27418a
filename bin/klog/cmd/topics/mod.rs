//! `klog topics`: what topics there are, and changing them.

mod alter;
mod configs;
mod create;
mod delete;
mod describe;
mod list;
mod offsets;
mod outcome;
mod trim;

use std::io::IsTerminal as _;

use anyhow::Context as _;
use clap::Subcommand;
use klog::base::{ErrorCode, TopicId, TopicName};
use klog::client::{Admin, ClientError, Role};

use crate::client_args::ClientArgs;
use crate::connect::{self, Properties, explain};
use crate::exit::{Ended, Hint as _, usage};
use crate::logging::{self, LogArgs};
use crate::output::ListFormat;
use crate::signals::Signals;

/// List, create, describe, change and delete topics
#[derive(clap::Args, Debug)]
#[command(
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_long_help = "Examples:
  klog topics create events -p 6 -c retention.ms=86400000
  klog topics list"
)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    List(list::Args),
    Create(create::Args),
    Describe(describe::Args),
    Configs(configs::Args),
    Alter(alter::Args),
    Offsets(offsets::Args),
    Trim(trim::Args),
    Delete(delete::Args),
}

/// What every subcommand takes.
#[derive(clap::Args, Debug, Clone)]
pub struct Common {
    /// How to print
    #[arg(long, value_enum, default_value = "table", display_order = 700)]
    pub format: ListFormat,
    #[command(flatten)]
    pub client: ClientArgs,
}

/// What every subcommand that changes something takes too.
#[derive(clap::Args, Debug, Clone)]
pub struct Change {
    /// Say what would be done, and do nothing
    #[arg(long, display_order = 600)]
    pub dry_run: bool,
}

/// What every subcommand that destroys takes too.
#[derive(clap::Args, Debug, Clone)]
pub struct Destroy {
    #[command(flatten)]
    pub change: Change,
    /// Do not ask
    ///
    /// Needed where stdin or stderr is no terminal.
    #[arg(short, long, display_order = 601)]
    pub yes: bool,
}

pub fn run(args: Args, log: &LogArgs) -> anyhow::Result<()> {
    logging::start(log);
    connect::runtime()?.block_on(async {
        let mut signals = Signals::install()?;
        tokio::select! {
            done = dispatch(args.command) => done,
            kind = signals.stop() => Err(Ended::Signal(kind).into()),
        }
    })
}

async fn dispatch(command: Command) -> anyhow::Result<()> {
    match command {
        Command::List(args) => list::run(args).await,
        Command::Create(args) => create::run(args).await,
        Command::Describe(args) => describe::run(args).await,
        Command::Configs(args) => configs::run(args).await,
        Command::Alter(args) => alter::run(args).await,
        Command::Offsets(args) => offsets::run(args).await,
        Command::Trim(args) => trim::run(args).await,
        Command::Delete(args) => delete::run(args).await,
    }
}

/// Finds the cluster.
async fn admin(common: &Common) -> anyhow::Result<Admin> {
    let properties = Properties::gather(&common.client)?;
    let (config, ()) = properties.configs(Role::Admin, common.client.timeout, |_| Ok(()))?;
    let client = connect::connect(config).await?;
    Ok(Admin::new(&client))
}

impl Destroy {
    /// Asks on a terminal; without one --yes must have been given.
    async fn confirm(&self, question: &str) -> anyhow::Result<()> {
        if self.yes {
            return Ok(());
        }
        if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
            return Err(usage(format!("nobody can be asked: {question}")))
                .hint("--yes does it without asking, --dry-run shows what it would do");
        }
        anstream::eprint!("{question} [y/N] ");
        let answer = read_answer().await.context("cannot read the answer")?;
        match answer.trim() {
            "y" | "Y" | "yes" => Ok(()),
            _ => Err(anyhow::anyhow!("nothing was done")),
        }
    }
}

/// A line of stdin. A thread of its own waits for it, which nobody waits for: Ctrl-C ends the command also here.
async fn read_answer() -> std::io::Result<String> {
    let (tell, told) = tokio::sync::oneshot::channel();
    std::thread::Builder::new().name("answer".into()).spawn(move || {
        let mut answer = String::new();
        let _ = tell.send(std::io::stdin().read_line(&mut answer).map(|_| answer));
    })?;
    told.await.unwrap_or_else(|_| Ok(String::new()))
}

/// An absent value is a dash.
fn or_dash<T: ToString>(value: &Option<T>) -> String {
    value.as_ref().map_or("-".to_owned(), T::to_string)
}

/// A topic's id, unless the broker does not tell.
fn known_id(id: TopicId) -> Option<String> {
    (!id.is_zero()).then(|| id.to_string())
}

/// What a broker refused about one topic; that it is missing is told with the hint of all missing topics.
fn missing(topic: &TopicName, error: ClientError) -> anyhow::Error {
    match error.code() {
        Some(ErrorCode::UnknownTopicOrPartition) => {
            explain(ClientError::UnknownTopic { topic: topic.clone() })
        }
        _ => explain(error),
    }
}
