//! `klog produce`: stdin to a topic.

mod args;
mod deliver;
mod input;
mod pace;
mod records;
mod sink;

use std::time::{Duration, Instant};

use anyhow::Context as _;
use bytes::{Buf as _, Bytes};
use klog::client::{ClientConfig, ProducerConfig, Role, Totals, partitioner_by_name};
use memchr::memmem::Finder;

use crate::connect::{self, Properties, explain};
use crate::exit::{Ended, Hint as _, usage};
use crate::logging::{self, LogArgs};
use crate::output::{Progress, count};
use crate::signals::Signals;

pub use args::Args;
use args::Input as Kind;
use deliver::Deliveries;
use input::{Block, Cut, Input};
use pace::Pace;
use records::Shape;
use sink::Sink;

/// How often failures are looked for while nothing comes in.
const LOOK: Duration = Duration::from_millis(200);

/// How long a transaction waits at the end of its input for a signal that came with it.
const GRACE: Duration = Duration::from_millis(20);

pub fn run(args: Args, log: &LogArgs) -> anyhow::Result<()> {
    logging::start(log);
    args.check()?;
    let shown = logging::wants_progress(log);
    klog::client::runtime()?.block_on(produce(args, shown))
}

async fn produce(args: Args, shown: bool) -> anyhow::Result<()> {
    let mut signals = Signals::install()?;
    let (client_config, config) = settings(&args)?;
    let limit = config.max_request_bytes.min(config.buffer_bytes);
    let client = tokio::select! {
        client = connect::connect(client_config) => client?,
        kind = signals.stop() => return Err(Ended::Signal(kind).into()),
    };
    let sink = tokio::select! {
        sink = Sink::open(&client, config) => sink?,
        kind = signals.stop() => return Err(Ended::Signal(kind).into()),
    };
    let cut = match args.input {
        Kind::Raw => Cut::Whole,
        Kind::Lines | Kind::Json => Cut::Delimiter(args.delimiter.clone()),
    };
    let input = Input::start(cut, limit).context("cannot read stdin")?;
    let stopper = input.stopper().context("cannot watch stdin")?;
    let mut asked = signals.clone();
    tokio::spawn(async move {
        asked.stop().await;
        stopper.stop();
    });
    let mut session = Session::new(&args, sink, signals.clone(), shown);
    let taken = session.take(input).await;
    if session.deliveries.is_transaction() {
        return end_transaction(session, taken, &signals).await;
    }
    let ended = taken?;
    let counts = session.finish().await?;
    conclude(&counts, ended, &signals)
}

/// Commits what is whole, and aborts all else.
async fn end_transaction(
    session: Session,
    taken: anyhow::Result<InputEnded>,
    signals: &Signals,
) -> anyhow::Result<()> {
    let failed = session.deliveries.totals().failed > 0;
    let whole = matches!(taken, Ok(InputEnded::Whole)) && !failed;
    // Ctrl-C in a pipeline also ends who writes the input: its end may be seen before the signal.
    let mut asked = signals.clone();
    if whole && tokio::time::timeout(GRACE, asked.stop()).await.is_err() {
        return session.finish().await.map(|_| ());
    }
    let counts = session.give_up().await?;
    let ended = taken?;
    if let Some(error) = counts.first_error {
        return Err(explain(error)).context("nothing is committed: a record was not written");
    }
    anstream::eprintln!("nothing is committed: the transaction is aborted");
    match ended {
        InputEnded::Bad(error) => Err(error),
        InputEnded::Whole | InputEnded::Failed => Ok(signals.check()?),
    }
}

/// What the properties and options say, the latter first.
fn settings(args: &Args) -> anyhow::Result<(ClientConfig, ProducerConfig)> {
    let mut properties = Properties::gather(&args.client)?;
    args.sending.set(&mut properties);
    if let Some(id) = &args.transactional_id {
        properties.set("transactional.id", id);
    }
    if let Some(idempotent) = args.idempotent {
        properties.set("enable.idempotence", idempotent);
    }
    let (client, mut config) =
        properties.configs(Role::Producer, args.client.timeout, ProducerConfig::from_properties)?;
    args.sending.apply(&mut config);
    if let Some(name) = args.partitioner {
        config.partitioner = partitioner_by_name(name.name()).map_err(usage)?;
    }
    if !properties.has("max.block.ms") {
        config.max_block = args.client.timeout;
    }
    Ok((client, config))
}

/// Why no more is taken from stdin.
enum InputEnded {
    /// It has ended, or we were asked to stop.
    Whole,
    /// A record failed.
    Failed,
    /// What stands there is no record.
    Bad(anyhow::Error),
}

/// One run: from texts to records on their way.
struct Session {
    shape: Shape,
    delimiter: Option<(Finder<'static>, usize)>,
    skip_blank: bool,
    pace: Option<Pace>,
    deliveries: Deliveries,
    signals: Signals,
    progress: Progress,
}

impl Session {
    fn new(args: &Args, sink: Sink, signals: Signals, shown: bool) -> Session {
        let delimiter = &args.delimiter;
        let cut = args.input != Kind::Raw;
        Session {
            shape: Shape::new(args),
            delimiter: cut.then(|| (Finder::new(delimiter).into_owned(), delimiter.len())),
            skip_blank: args.input == Kind::Json,
            pace: args.rate.map(|rate| Pace::new(rate, Instant::now())),
            deliveries: Deliveries::new(sink, args.print_offsets.then_some(args.format)),
            signals,
            progress: Progress::for_stdin(shown),
        }
    }

    /// Takes all of the input, as far as it is sound and deliverable.
    async fn take(&mut self, mut input: Input) -> anyhow::Result<InputEnded> {
        loop {
            let block = tokio::select! {
                biased;
                block = input.next() => block,
                printed = self.deliveries.print_next() => {
                    printed?;
                    continue;
                }
                // Records fail while stdin is silent, too.
                () = tokio::time::sleep(LOOK) => {
                    if self.deliveries.totals().failed > 0 {
                        return Ok(InputEnded::Failed);
                    }
                    continue;
                }
            };
            match block {
                None => return Ok(InputEnded::Whole),
                Some(Err(error)) => {
                    let too_long = matches!(error, input::InputError::TooLong { .. });
                    let hint = "-X max.request.size and the topic's max.message.bytes bound a record; -D says what ends one";
                    let error = anyhow::Error::from(error);
                    let error = if too_long { Err::<(), _>(error).hint(hint) } else { Err(error) };
                    return Ok(error.map_or_else(InputEnded::Bad, |()| InputEnded::Whole));
                }
                Some(Ok(block)) => {
                    if let Some(ended) = self.send(&block).await? {
                        return Ok(ended);
                    }
                }
            }
        }
    }

    async fn send(&mut self, block: &Block) -> anyhow::Result<Option<InputEnded>> {
        if self.delimiter.is_none() {
            // All of stdin is one record, also if it is empty.
            return self.send_one(block.bytes.clone(), block.first).await;
        }
        let mut number = block.first;
        let mut rest = block.bytes.clone();
        while let Some(text) = self.next_text(&mut rest) {
            if let Some(ended) = self.send_one(text, number).await? {
                return Ok(Some(ended));
            }
            number += 1;
        }
        self.deliveries.print_done()?;
        let totals = self.deliveries.totals();
        self.progress.advance(block.bytes.len() as u64, totals.delivered);
        Ok((totals.failed > 0).then_some(InputEnded::Failed))
    }

    async fn send_one(&mut self, text: Bytes, number: u64) -> anyhow::Result<Option<InputEnded>> {
        if self.skip_blank && text.trim_ascii().is_empty() {
            return Ok(None);
        }
        let record = match self.shape.record(text) {
            Ok(record) => record,
            Err(error) => return Ok(Some(InputEnded::Bad(bad_line(number, error)))),
        };
        if let Some(pause) = self.pace.as_mut().and_then(|pace| pace.next(Instant::now())) {
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                // What is not yet due counts as not yet read.
                _ = self.signals.stop() => return Ok(Some(InputEnded::Whole)),
            }
        }
        let taken = self.deliveries.send(record).await;
        Ok((!taken).then_some(InputEnded::Failed))
    }

    /// Cuts the next record off, without its delimiter.
    fn next_text(&self, rest: &mut Bytes) -> Option<Bytes> {
        if rest.is_empty() {
            return None;
        }
        let (finder, length) = self.delimiter.as_ref()?;
        let Some(at) = finder.find(rest) else { return Some(std::mem::take(rest)) };
        let text = rest.split_to(at);
        rest.advance(*length);
        Some(text)
    }

    async fn finish(self) -> anyhow::Result<Totals> {
        let counts = self.deliveries.finish().await;
        self.progress.finish();
        counts
    }

    async fn give_up(self) -> anyhow::Result<Totals> {
        let counts = self.deliveries.give_up().await;
        self.progress.finish();
        counts
    }
}

fn bad_line(number: u64, error: records::BadRecord) -> anyhow::Error {
    let hint = match error {
        records::BadRecord::NoSeparator { .. } => "-K splits a line into key and value",
        records::BadRecord::Json(_) => {
            "`klog consume TOPIC --format json` shows the shape; --input lines takes any line"
        }
    };
    let error = anyhow::Error::from(error).context(format!("line {number} is no record"));
    crate::exit::advise(error, hint)
}

/// Turns what became of the records into the command's end.
fn conclude(counts: &Totals, ended: InputEnded, signals: &Signals) -> anyhow::Result<()> {
    if let Some(error) = &counts.first_error {
        let what =
            format!("{} delivered, {} not", count(counts.delivered, "record"), counts.failed);
        return Err(explain(error.clone())).context(what);
    }
    if let InputEnded::Bad(error) = ended {
        if counts.delivered > 0 {
            let before = count(counts.delivered, "record");
            anstream::eprintln!("klog: {before} delivered before");
        }
        return Err(error);
    }
    Ok(signals.check()?)
}
