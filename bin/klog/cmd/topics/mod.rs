//! `klog topics`: what topics there are, and changing them.

mod alter;
mod configs;
mod create;
mod delete;
mod describe;
mod done;
mod list;
mod offsets;
mod trim;

use clap::Subcommand;
use klog::base::{ErrorCode, TopicId, TopicName};
use klog::client::ClientError;

use crate::admin_args;
use crate::connect::explain;
use crate::logging::LogArgs;

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

pub fn run(args: Args, log: &LogArgs) -> anyhow::Result<()> {
    admin_args::run(log, dispatch(args.command))
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
