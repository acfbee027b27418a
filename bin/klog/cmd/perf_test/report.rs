//! What a run comes to: a line of a table or of JSON, and how the command ends.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context as _;
use klog::perf::{Failure, Histogram, Length, Pace, Run, Summary};
use serde::Serialize;

use super::page::{self, Settings};
use super::watch::{Log, Seen, watch};
use crate::connect::explain;
use crate::output::{ListFormat, Progress, Row, Rows};
use crate::signals::Signals;

/// Why nobody should take them for the broker's.
const NOT_SERVICE: &str = "closed loop: latency counts from when the producer was given the record, and is mostly the wait in its buffer; it is not a service time (--rate N measures one)";

/// A test's outcome.
#[derive(Serialize, Debug)]
pub struct Report {
    pub test: &'static str,
    pub records: u64,
    pub bytes: u64,
    pub seconds: f64,
    pub records_per_s: f64,
    pub mb_per_s: f64,
    pub errors: u64,
    latency_ms: Latency,
    #[serde(rename = "loop")]
    way: Option<&'static str>,
    pub note: Option<&'static str>,
    pub errors_by_kind: BTreeMap<&'static str, u64>,
}

/// Latencies in ms; null where there is no such thing.
#[derive(Serialize, Debug, Default)]
struct Latency {
    mean: Option<f64>,
    p50: Option<f64>,
    p90: Option<f64>,
    p99: Option<f64>,
    p99_9: Option<f64>,
    p99_99: Option<f64>,
    max: Option<f64>,
}

impl Latency {
    fn of(latencies: &Histogram<u64>) -> Latency {
        if latencies.is_empty() {
            return Latency::default();
        }
        let at = |quantile| Some(rounded(millis(latencies.value_at_quantile(quantile)), 3));
        Latency {
            mean: Some(rounded(latencies.mean() / 1e6, 3)),
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p99_9: at(0.999),
            p99_99: at(0.9999),
            max: Some(rounded(millis(latencies.max()), 3)),
        }
    }
}

impl Report {
    /// Of a finished run. `pace` is that of its producers, if it has such.
    pub fn of(test: &'static str, pace: Option<Pace>, summary: &Summary) -> Report {
        let counts = &summary.counts;
        Report {
            test,
            records: counts.records,
            bytes: counts.bytes,
            seconds: rounded(summary.time.as_secs_f64(), 3),
            records_per_s: rounded(summary.records_per_second(), 1),
            mb_per_s: rounded(summary.bytes_per_second() / 1e6, 3),
            errors: counts.failed(),
            latency_ms: Latency::of(&counts.latencies),
            way: pace.map(|pace| if pace == Pace::Closed { "closed" } else { "open" }),
            note: (pace == Some(Pace::Closed)).then_some(NOT_SERVICE),
            errors_by_kind: counts.errors.clone(),
        }
    }

    fn cells_with(&self, absent: &str) -> Vec<String> {
        let ms = |value: Option<f64>| value.map_or(absent.to_owned(), |ms| format!("{ms:.3}"));
        let it = &self.latency_ms;
        vec![
            self.test.to_owned(),
            self.records.to_string(),
            self.bytes.to_string(),
            format!("{:.3}", self.seconds),
            format!("{:.0}", self.records_per_s),
            format!("{:.1}", self.mb_per_s),
            self.errors.to_string(),
            ms(it.mean),
            ms(it.p50),
            ms(it.p90),
            ms(it.p99),
            ms(it.p99_9),
            ms(it.p99_99),
            ms(it.max),
        ]
    }
}

impl Row for Report {
    const HEADER: &'static [&'static str] = &[
        "test",
        "records",
        "bytes",
        "seconds",
        "records/s",
        "mb/s",
        "errors",
        "mean_ms",
        "p50_ms",
        "p90_ms",
        "p99_ms",
        "p99.9_ms",
        "p99.99_ms",
        "max_ms",
    ];
    // All but the test's name.
    const NUMBERS: &'static [&'static str] = Self::HEADER.split_at(1).1;
    const WIDE_ONLY: &'static [&'static str] = &["bytes", "mean_ms", "p90_ms", "p99.99_ms"];

    fn cells(&self) -> Vec<String> {
        self.cells_with("-")
    }

    fn is_bad(&self) -> bool {
        self.errors > 0
    }
}

/// A test, as it was asked for.
pub struct Test {
    pub name: &'static str,
    /// Of its producers, if it has such.
    pub pace: Option<Pace>,
    pub length: Length,
    pub format: ListFormat,
    /// Where a page of it goes.
    pub html: Option<PathBuf>,
    /// What the page says that it was told.
    pub settings: Settings,
}

/// Goes with a run until its end, prints what came of it, and ends the command as it went.
///
/// # Errors
/// What ended the run early; that records failed; the signal.
pub async fn carry_out(
    test: Test,
    run: Run,
    log: Option<Log>,
    signals: &mut Signals,
    shown: bool,
) -> anyhow::Result<()> {
    let total = test.length.duration.map(|duration| duration + test.length.warm_up);
    let seen = watch(run, signals, &Progress::of_time(shown, total), log).await?;
    let report = Report::of(test.name, test.pace, &seen.summary);
    let note = report.note.filter(|_| test.format != ListFormat::Json);
    if let Some(path) = &test.html {
        page::write(path, &page::of_test(&report, &seen.summary, &test.settings))?;
    }
    let mut rows = Rows::new(test.format);
    rows.push(report)?;
    rows.finish()?;
    if let Some(note) = note {
        anstream::eprintln!("{note}");
    }
    sound(seen)?;
    Ok(signals.check()?)
}

/// What was seen, if nothing failed.
///
/// # Errors
/// What ended the run early, or that records failed.
pub fn sound(seen: Seen) -> anyhow::Result<Summary> {
    let Seen { mut summary, failure } = seen;
    if let Some(failure) = failure {
        return Err(explained(failure)).context("the test ended early");
    }
    let counts = &mut summary.counts;
    let Some(error) = counts.first_error.take() else { return Ok(summary) };
    let kinds = counts.errors.iter().map(|(kind, count)| format!("{count} {kind}"));
    let kinds = kinds.collect::<Vec<_>>().join(", ");
    let failed = counts.failed();
    let all = counts.records + counts.warm_up_records + failed;
    Err(explained(error)).context(format!("{failed} of {all} records failed: {kinds}"))
}

/// With the next thing to try.
pub fn explained(failure: Failure) -> anyhow::Error {
    match failure {
        Failure::Client(error) => explain(error),
        Failure::Produce(error) => explain(error),
        Failure::Transaction(error) => explain(error),
        Failure::Consume(error) => explain(error),
        Failure::Group(error) => explain(klog::client::ConsumeError::from(error)),
        other @ (Failure::System(_) | Failure::NeverRead { .. } | Failure::Broken) => other.into(),
    }
}

/// Nanoseconds as milliseconds.
pub fn millis(nanos: u64) -> f64 {
    nanos as f64 / 1e6
}

fn rounded(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (value * scale).round() / scale
}
