//! `klog consume`: topics to stdout.

mod args;
mod filter;
mod plan;
mod print;
mod reading;

use klog::client::{ClientConfig, ConsumerConfig, Role};

use crate::connect::{self, Properties};
use crate::exit::{Ended, usage};
use crate::logging::{self, LogArgs};
use crate::output::RecordFormat;
use crate::record::Plain;
use crate::signals::Signals;

pub use args::Args;
use args::{IsolationName, Reset};
use filter::Filter;
use print::{Printer, Style};
use reading::Reading;

/// Records that one poll may give: what is printed at once.
const POLL_RECORDS: usize = 20_000;

pub fn run(args: Args, log: &LogArgs) -> anyhow::Result<()> {
    logging::start(log);
    connect::runtime()?.block_on(consume(args))
}

async fn consume(args: Args) -> anyhow::Result<()> {
    let mut signals = Signals::install()?;
    let (client_config, config) = settings(&args)?;
    // What is mistyped is said before any broker is looked for.
    args.check_topics()?;
    let mut printer = printer(&args)?;
    // Where to start and to stop takes a few requests, which a signal cuts short.
    let mut reading = tokio::select! {
        reading = async {
            let client = connect::connect(client_config).await?;
            Reading::start(&args, &client, config).await
        } => reading?,
        kind = signals.stop() => return Err(Ended::Signal(kind).into()),
    };
    let ended = reading.print_all(&mut printer, &mut signals).await;
    printer.finish()?;
    ended?;
    Ok(signals.check()?)
}

/// What the properties and options say, the latter first.
fn settings(args: &Args) -> anyhow::Result<(ClientConfig, ConsumerConfig)> {
    let properties = Properties::gather(&args.client)?;
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
