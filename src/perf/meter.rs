//! What one part of a load has seen, until it is collected.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use parking_lot::{Mutex, MutexGuard};

use super::clock::Clock;
use super::failure::Failure;

/// Latencies are kept to three digits, as HdrHistogram's users expect.
const DIGITS: u8 = 3;

/// What was seen. What was due in the warm-up is only counted, in `warm_up_records`.
#[derive(Debug)]
pub struct Counts {
    /// Records that count.
    pub records: u64,
    /// Bytes of their keys and values.
    pub bytes: u64,
    /// Records that failed, by kind: a code of Kafka's, or a word for what the client did.
    pub errors: BTreeMap<&'static str, u64>,
    /// Why the first of those failed.
    pub first_error: Option<Failure>,
    /// From due (open loop) or sent (closed loop) to done, in nanoseconds. Empty where there is no such thing.
    pub latencies: Histogram<u64>,
    /// When the last record was done.
    pub last: Option<Instant>,
    /// Records of the warm-up.
    pub warm_up_records: u64,
}

impl Default for Counts {
    fn default() -> Counts {
        // Of all numbers of digits only those over five are refused.
        let latencies = Histogram::new(DIGITS).expect("three digits are allowed");
        Counts {
            records: 0,
            bytes: 0,
            errors: BTreeMap::new(),
            first_error: None,
            latencies,
            last: None,
            warm_up_records: 0,
        }
    }
}

impl Counts {
    /// How many failed.
    pub fn failed(&self) -> u64 {
        self.errors.values().sum()
    }

    /// Adds what another one has seen.
    pub(super) fn add(&mut self, other: Counts) {
        self.records += other.records;
        self.bytes += other.bytes;
        for (kind, count) in other.errors {
            *self.errors.entry(kind).or_default() += count;
        }
        self.first_error = self.first_error.take().or(other.first_error);
        if !other.latencies.is_empty() {
            // It resizes itself: every latency that fits into 64 bits has its place.
            let _ = self.latencies.add(&other.latencies);
        }
        self.last = self.last.max(other.last);
        self.warm_up_records += other.warm_up_records;
    }

    /// One record, due then and done now.
    pub(super) fn done(&mut self, clock: Clock, due: Instant, at: Instant, bytes: usize) {
        if due < clock.measured_from {
            self.warm_up_records += 1;
            return;
        }
        self.records(1, bytes as u64, at);
        self.latency(at.saturating_duration_since(due));
    }

    /// Records of which nobody knows when they were due.
    pub(super) fn records(&mut self, records: u64, bytes: u64, at: Instant) {
        self.records += records;
        self.bytes += bytes;
        self.last = self.last.max(Some(at));
    }

    /// Records that failed, whenever they were due: a warm-up that fails is worth knowing of.
    pub(super) fn failed_with(&mut self, kind: &'static str, count: u64, why: Failure) {
        *self.errors.entry(kind).or_default() += count;
        self.first_error.get_or_insert(why);
    }

    fn latency(&mut self, latency: Duration) {
        // It makes room for every latency below 292 years.
        let _ = self.latencies.record(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX));
    }
}

/// Written by one part of the load, emptied by who collects.
#[derive(Debug, Default)]
pub(super) struct Meter(Mutex<Counts>);

impl Meter {
    pub(super) fn open(&self) -> MutexGuard<'_, Counts> {
        self.0.lock()
    }

    pub(super) fn take(&self) -> Counts {
        let empty = Counts::default();
        std::mem::replace(&mut self.0.lock(), empty)
    }
}
