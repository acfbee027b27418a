//! A run, added up.

use std::time::Duration;

use hdrhistogram::Histogram;

use super::meter::Counts;
use super::run::Interval;

/// All that was seen.
#[derive(Debug, Default)]
pub struct Summary {
    /// Sums over the run.
    pub counts: Counts,
    /// From the end of the warm-up to the last record that counts.
    pub time: Duration,
    /// By time.
    pub points: Vec<Point>,
}

/// An interval, in short.
#[derive(Clone, Copy, Debug)]
pub struct Point {
    /// When it began, from the end of the warm-up on.
    pub from: Duration,
    /// How long it was.
    pub length: Duration,
    /// Records that were done in it.
    pub records: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Of the latencies, in nanoseconds, the half, 99 in a hundred, and all; None without latencies.
    pub latencies: Option<[u64; 3]>,
}

impl Summary {
    /// Adds the next interval.
    pub fn add(&mut self, interval: Interval) {
        let Interval { from, length, counts, until_last } = interval;
        if let Some(from) = from {
            let latencies = three(&counts.latencies);
            let (records, bytes) = (counts.records, counts.bytes);
            self.points.push(Point { from, length, records, bytes, latencies });
        }
        self.time = self.time.max(until_last.unwrap_or_default());
        self.counts.add(counts);
    }

    /// Records a second; 0 where nothing was seen.
    pub fn records_per_second(&self) -> f64 {
        per_second(self.counts.records, self.time)
    }

    /// Bytes a second; 0 where nothing was seen.
    pub fn bytes_per_second(&self) -> f64 {
        per_second(self.counts.bytes, self.time)
    }
}

impl Point {
    /// Records a second in it.
    pub fn records_per_second(&self) -> f64 {
        per_second(self.records, self.length)
    }
}

fn three(latencies: &Histogram<u64>) -> Option<[u64; 3]> {
    let at = |quantile| latencies.value_at_quantile(quantile);
    (!latencies.is_empty()).then(|| [at(0.5), at(0.99), latencies.max()])
}

fn per_second(count: u64, time: Duration) -> f64 {
    if time.is_zero() { 0.0 } else { count as f64 / time.as_secs_f64() }
}
