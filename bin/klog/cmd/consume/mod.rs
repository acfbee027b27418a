//! `klog consume`: topics to stdout.

mod args;
mod bounds;
mod filter;
mod plan;
mod print;
mod reading;
mod sharing;
mod topics;

use klog::client::{Client, ClientConfig, ConsumerConfig, Role};

use crate::connect::{self, Properties};
use crate::exit::{Ended, usage};
use crate::logging::{self, LogArgs};
use crate::output::RecordFormat;
use crate::record::Plain;
use crate::signals::Signals;

pub use args::Args;
use args::{Commit, IsolationName, Reset};
use filter::Filter;
use print::{Printer, Style};
use reading::Reading;
use sharing::Sharing;

/// Records that one poll may give: what is printed at once.
const POLL_RECORDS: usize = 20_000;

pub fn run(args: Args, log: &LogArgs) -> anyhow::Result<()> {
    logging::start(log);
    klog::client::runtime()?.block_on(consume(args))
}

async fn consume(args: Args) -> anyhow::Result<()> {
    let mut signals = Signals::install()?;
    let (client_config, config) = settings(&args)?;
    // What is mistyped is said before any broker is looked for.
    args.check_topics()?;
    let mut printer = printer(&args)?;
    // Where to start and to stop takes a few requests, which a signal cuts short.
    let mut source = tokio::select! {
        source = Source::start(&args, client_config, config) => source?,
        kind = signals.stop() => return Err(Ended::Signal(kind).into()),
    };
    match &mut source {
        Source::Alone(reading) => {
            let ended = reading.print_all(&mut printer, &mut signals).await;
            printer.finish()?;
            ended?;
        }
        Source::Shared(sharing) => {
            let ended = sharing.print_all(&mut printer, &mut signals).await;
            let left = sharing.leave(&mut printer, ended.is_err()).await;
            ended.and(left)?;
        }
    }
    Ok(signals.check()?)
}

/// Where records come from.
enum Source {
    /// Partitions of our own choice.
    Alone(Reading),
    /// Those that a group gives us.
    Shared(Box<Sharing>),
}

impl Source {
    async fn start(
        args: &Args,
        client: ClientConfig,
        config: ConsumerConfig,
    ) -> anyhow::Result<Source> {
        let client: Client = connect::connect(client).await?;
        Ok(match config.group.id {
            None => Source::Alone(Reading::start(args, &client, config).await?),
            Some(_) => Source::Shared(Box::new(Sharing::start(args, &client, config).await?)),
        })
    }
}

/// What the properties and options say, the latter first.
fn settings(args: &Args) -> anyhow::Result<(ClientConfig, ConsumerConfig)> {
    let mut properties = Properties::gather(&args.client)?;
    if let Some(group) = &args.group {
        properties.set("group.id", group);
    }
    if let Some(id) = &args.static_id {
        properties.set("group.instance.id", id);
    }
    let (client, mut config) =
        properties.configs(Role::Consumer, args.client.timeout, ConsumerConfig::from_properties)?;
    if !properties.has("isolation.level") || args.isolation.is_some() {
        config.isolation = args.isolation.unwrap_or(IsolationName::ReadCommitted).into();
    }
    if !properties.has("auto.offset.reset") || args.reset.is_some() {
        config.offset_reset = args.reset.unwrap_or(Reset::Earliest).into();
    }
    if !properties.has("max.poll.records") {
        config.max_poll_records = POLL_RECORDS;
    }
    if let Some(assignor) = args.assignor {
        config.group.assignors = vec![assignor.into()];
    }
    // What is printed is stored once it is written, and not before.
    config.group.auto_store = false;
    match args.commit {
        Some(Commit::Auto) if config.group.auto_commit.is_none() => {
            return Err(usage("--commit auto contradicts enable.auto.commit=false"));
        }
        None | Some(Commit::Auto) => {}
        Some(Commit::Sync | Commit::Async | Commit::None) => config.group.auto_commit = None,
    }
    args.check_group(config.group.id.is_some())?;
    Ok((client, config))
}

fn printer(args: &Args) -> anyhow::Result<Printer> {
    let null = args.null_marker.clone();
    let style = match (&args.template, args.format) {
        (Some(template), _) => Style::Template(template.clone(), null),
        (None, RecordFormat::Json) if args.key_separator.is_some() => {
            return Err(usage("-K has no place in JSON: the key has a field of its own"));
        }
        (None, RecordFormat::Json) => Style::Json,
        (None, RecordFormat::Table) => Style::Table(Vec::new()),
        (None, RecordFormat::Plain) => Style::Plain(Plain {
            key_separator: args.key_separator.clone(),
            null_marker: null,
            delimiter: args.delimiter.clone(),
        }),
    };
    let filter = Filter {
        key: args.key_regex.clone(),
        value: args.value_regex.clone(),
        headers: args.header_regex.clone(),
    };
    Ok(Printer::new(style, filter, args.max_messages))
}
