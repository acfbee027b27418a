//! `klog perf-test compare`

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use klog::base::TopicName;
use klog::client::{Admin, Client, NewTopic, Role};
use klog::perf::{Length, Run, Summary};
use serde::Serialize;

use super::args::named;
use super::case::{Case, Measure};
use super::clients;
use super::page;
use super::report::{explained, sound};
use super::watch::watch;
use crate::client_args::ClientArgs;
use crate::connect::{self, Properties, explain};
use crate::output::{ListFormat, Progress, Row, Rows};
use crate::signals::Signals;
use crate::values;

/// Compare two brokers, case by case, in the order A B B A
///
/// So what slowly changes on the machine (its temperature, what else runs) counts for both alike. Each run has a topic of its own, which is
/// deleted after it. The ratio is A's median divided by B's.
#[derive(clap::Args, Debug)]
#[command(after_long_help = "Examples:
  klog perf-test compare --a 127.0.0.1:9092 --b 127.0.0.1:9192 --case produce-1kib --case end-to-end-10k
  klog perf-test compare --a klog:9092 --b kafka:9092 --case consume-1kib --rounds 3 --format json")]
pub struct Args {
    /// The one broker
    #[arg(long, value_name = "HOST:PORT", value_parser = values::server)]
    a: String,

    /// The other one
    #[arg(long, value_name = "HOST:PORT", value_parser = values::server)]
    b: String,

    /// What to compare; may be given more than once
    #[arg(long = "case", value_name = "NAME", value_enum, required = true, value_delimiter = ',')]
    cases: Vec<Case>,

    /// Run A B B A so many times
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,

    /// How long a run goes on that writes
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = values::duration)]
    duration: Duration,

    /// Do not count what is due in so long a time at the start of a run that writes
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = values::duration)]
    warmup: Duration,

    /// How to print
    #[arg(long, value_enum, default_value = "table", display_order = 700)]
    format: ListFormat,

    /// Write a page with charts to a file
    ///
    /// It needs nothing but a browser.
    #[arg(long, value_name = "FILE", display_order = 702)]
    html: Option<PathBuf>,

    /// How long finding a broker or one request may take
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = values::duration, display_order = 803)]
    timeout: Duration,
}

impl Args {
    /// What a page says of it.
    fn describe(&self) -> page::Settings {
        vec![
            named("A", &self.a),
            named("B", &self.b),
            named("rounds of A B B A", self.rounds),
            named("duration of a run that writes", format!("{:?}", self.duration)),
            named("warm-up", format!("{:?}", self.warmup)),
        ]
    }
}

/// What came of one number of a case.
#[derive(Serialize, Debug)]
pub struct Compared {
    pub case: String,
    pub measure: &'static str,
    pub a: Spread,
    pub b: Spread,
    /// A's median divided by B's; null where that is 0.
    pub ratio: Option<f64>,
    /// Whether a ratio above 1 speaks for A.
    pub more_is_better: bool,
}

/// The runs of one side.
#[derive(Serialize, Debug)]
pub struct Spread {
    pub median: f64,
    pub min: f64,
    pub max: f64,
    pub runs: Vec<f64>,
}

pub async fn run(args: Args, signals: &mut Signals, shown: bool) -> anyhow::Result<()> {
    let (a, b) = (Side::named('A', &args.a, &args)?, Side::named('B', &args.b, &args)?);
    let progress = Progress::of_time(shown, None);
    let mut compared: Vec<Compared> = Vec::new();
    let runs = usize::from(args.rounds) * 4;
    for (at, case) in args.cases.iter().enumerate() {
        let (mut of_a, mut of_b) = (Vec::new(), Vec::new());
        for number in 0..runs {
            let is_a = matches!(number % 4, 0 | 3);
            let side = if is_a { &a } else { &b };
            let what = format!("{}, run {} of {runs}, of {}", case.name(), number + 1, side.name);
            progress.time_goes(Duration::ZERO, || what.clone());
            let number = at * runs + number;
            let measured = side.run(*case, number, &args, signals).await.context(what)?;
            if is_a { &mut of_a } else { &mut of_b }.push(measured);
        }
        compared.extend(compare(*case, &of_a, &of_b));
    }
    progress.finish();
    if let Some(path) = &args.html {
        page::write(path, &page::of_comparison(&compared, &args.describe()))?;
    }
    let mut rows = Rows::new(args.format);
    for row in compared {
        rows.push(row)?;
    }
    rows.finish()
}

/// One of the two brokers.
struct Side {
    name: char,
    config: klog::client::ClientConfig,
}

impl Side {
    fn named(name: char, address: &str, args: &Args) -> anyhow::Result<Side> {
        let client = ClientArgs {
            bootstrap_server: vec![address.to_owned()],
            properties: Vec::new(),
            command_config: None,
            timeout: args.timeout,
        };
        let properties = Properties::gather(&client)?;
        let (config, ()) = properties.configs(Role::Admin, args.timeout, |_| Ok(()))?;
        Ok(Side { name, config })
    }

    /// Runs a case once, on a topic of its own.
    async fn run(
        &self,
        case: Case,
        number: usize,
        args: &Args,
        signals: &mut Signals,
    ) -> anyhow::Result<Vec<Measure>> {
        let connected = async {
            let connect = || connect::connect(self.config.clone());
            Ok([connect().await?, connect().await?])
        };
        let clients = clients::until_signal(signals, connected).await?;
        let topic = TopicName::new(&format!("klog-perf-{}-{number}", std::process::id()))?;
        let admin = Admin::new(&clients[0]);
        let partitions = Some(case.partitions());
        let new = NewTopic { partitions, ..NewTopic::new(topic.clone()) };
        for (_, created) in admin.create_topics(&[new], false).await.map_err(explain)? {
            created.map_err(explain)?;
        }
        let measured = measure(case, &clients, &topic, args, signals).await;
        let deleted = admin.delete_topics(std::slice::from_ref(&topic)).await;
        if let Err(error) = deleted {
            tracing::warn!("topic {topic} is left behind: {error}");
        }
        measured
    }
}

async fn measure(
    case: Case,
    clients: &[Client; 2],
    topic: &TopicName,
    args: &Args,
    signals: &mut Signals,
) -> anyhow::Result<Vec<Measure>> {
    if case.reads() {
        finish(case.fill(&clients[0], topic).await.map_err(explained)?, signals).await?;
    }
    let length = Length { warm_up: args.warmup, records: None, duration: Some(args.duration) };
    let run = case.start(clients, topic, length).await.map_err(explained)?;
    Ok(case.measures(&finish(run, signals).await?))
}

/// A run in which nothing fails.
async fn finish(run: Run, signals: &mut Signals) -> anyhow::Result<Summary> {
    let summary = sound(watch(run, signals, &Progress::hidden(), None).await?)?;
    signals.check()?;
    Ok(summary)
}

fn compare(case: Case, a: &[Vec<Measure>], b: &[Vec<Measure>]) -> Vec<Compared> {
    let Some(first) = a.first() else { return Vec::new() };
    let spread = |runs: &[Vec<Measure>], at: usize| {
        Spread::of(runs.iter().filter_map(|run| Some(run.get(at)?.value)).collect())
    };
    let one = |(at, measure): (usize, &Measure)| {
        let (a, b) = (spread(a, at), spread(b, at));
        let ratio = (b.median > 0.0).then(|| a.median / b.median);
        Compared {
            case: case.name(),
            measure: measure.name,
            a,
            b,
            ratio,
            more_is_better: measure.wants_more,
        }
    };
    first.iter().enumerate().map(one).collect()
}

impl Spread {
    fn of(runs: Vec<f64>) -> Spread {
        let mut sorted = runs.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        let median = match (sorted.len() % 2, sorted.get(middle)) {
            (_, None) => 0.0,
            (1, Some(median)) => *median,
            (_, Some(upper)) => (sorted[middle - 1] + upper) / 2.0,
        };
        let end = |at: Option<&f64>| at.copied().unwrap_or_default();
        Spread { median, min: end(sorted.first()), max: end(sorted.last()), runs }
    }
}

impl Row for Compared {
    const HEADER: &'static [&'static str] =
        &["case", "measure", "a", "a_min", "a_max", "b", "b_min", "b_max", "ratio"];
    const NUMBERS: &'static [&'static str] =
        &["a", "a_min", "a_max", "b", "b_min", "b_max", "ratio"];
    const WIDE_ONLY: &'static [&'static str] = &["a_min", "a_max", "b_min", "b_max"];

    fn cells(&self) -> Vec<String> {
        let number = |value: f64| {
            if value >= 1000.0 { format!("{value:.0}") } else { format!("{value:.3}") }
        };
        let (a, b) = (&self.a, &self.b);
        let numbers = [a.median, a.min, a.max, b.median, b.min, b.max].map(number);
        let ratio = self.ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.2}"));
        let names = [self.case.clone(), self.measure.to_owned()];
        names.into_iter().chain(numbers).chain([ratio]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_of_runs_is_between_the_middle_two() {
        let of = |runs: &[f64]| {
            let spread = Spread::of(runs.to_vec());
            (spread.median, spread.min, spread.max)
        };
        assert_eq!(of(&[3.0, 1.0]), (2.0, 1.0, 3.0));
        assert_eq!(of(&[9.0, 1.0, 2.0]), (2.0, 1.0, 9.0));
    }
}
