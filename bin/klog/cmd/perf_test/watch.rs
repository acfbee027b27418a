//! A run while it goes on: what the terminal shows each second, and what the HdrHistogram log gets.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use klog::perf::{Failure, Interval, IntervalLog, Run, Summary};

use super::report::millis;
use crate::output::Progress;
use crate::signals::Signals;

/// The HdrHistogram log of a run.
pub type Log = IntervalLog<BufWriter<File>>;

/// What was seen of a run, and what ended it early.
pub struct Seen {
    pub summary: Summary,
    pub failure: Option<Failure>,
}

/// Opens the log before the load begins, lest it is measured for nothing.
///
/// # Errors
/// If the file cannot be written.
pub fn open_log(
    path: Option<&Path>,
    about: &str,
    warm_up: Duration,
) -> anyhow::Result<Option<Log>> {
    let open = |path: &Path| {
        let file = BufWriter::new(File::create(path)?);
        IntervalLog::new(file, SystemTime::now() + warm_up, about)
    };
    let written = |path: &Path| open(path).with_context(|| cannot_write(path));
    path.map(written).transpose()
}

/// Goes with a run until its end. A signal asks it to end early.
///
/// # Errors
/// If the log cannot be written.
pub async fn watch(
    mut run: Run,
    signals: &mut Signals,
    progress: &Progress,
    mut log: Option<Log>,
) -> anyhow::Result<Seen> {
    let mut summary = Summary::default();
    let mut is_stopped = false;
    loop {
        let interval = tokio::select! {
            interval = run.next() => interval,
            _ = signals.stop(), if !is_stopped => {
                is_stopped = true;
                run.stop();
                continue;
            }
        };
        let Some(interval) = interval else { break };
        progress.time_goes(run.elapsed(), || in_short(&interval));
        if let (Some(log), Some(from)) = (&mut log, interval.from) {
            log.write(from, interval.length, &interval.counts.latencies)
                .context("the HdrHistogram log cannot be written")?;
        }
        summary.add(interval);
    }
    progress.finish();
    log.map_or(Ok(()), Log::finish).context("the HdrHistogram log cannot be written")?;
    Ok(Seen { summary, failure: run.outcome().err() })
}

/// A second of the run, for the terminal.
fn in_short(interval: &Interval) -> String {
    let counts = &interval.counts;
    let per_second = |count: u64| count as f64 / interval.length.as_secs_f64();
    if interval.from.is_none() {
        return format!("warm-up: {:.0} records/s", per_second(counts.warm_up_records));
    }
    let mut text = format!(
        "{:.0} records/s, {:.1} MB/s",
        per_second(counts.records),
        per_second(counts.bytes) / 1e6
    );
    if !counts.latencies.is_empty() {
        let at = |quantile| millis(counts.latencies.value_at_quantile(quantile));
        let (p50, p99, max) = (at(0.5), at(0.99), millis(counts.latencies.max()));
        text += &format!(", p50 {p50:.2} ms, p99 {p99:.2} ms, max {max:.2} ms");
    }
    match counts.failed() {
        0 => text,
        failed => format!("{text}, {failed} failed"),
    }
}

fn cannot_write(path: &Path) -> String {
    format!("cannot write {}", path.display())
}
