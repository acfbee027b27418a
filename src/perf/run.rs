//! A load under way.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::clock::Clock;
use super::failure::Failure;
use super::meter::{Counts, Meter};

/// How often is told what happened.
const SECOND: Duration = Duration::from_secs(1);

/// A load that runs until its end, or until it is stopped. Dropping it breaks it off.
pub struct Run {
    clock: Clock,
    meters: Vec<Arc<Meter>>,
    parts: JoinSet<Result<(), Failure>>,
    stop: CancellationToken,
    told_until: Instant,
    next: Instant,
    failure: Option<Failure>,
    is_over: bool,
}

/// What happened in a stretch of time, as a rule a second.
#[derive(Debug)]
pub struct Interval {
    /// From the end of the warm-up on; None within the warm-up.
    pub from: Option<Duration>,
    /// How long it was.
    pub length: Duration,
    /// What was seen in it.
    pub counts: Counts,
    /// From the end of the warm-up to the last record that counts.
    pub until_last: Option<Duration>,
}

impl Run {
    /// Its time begins now.
    pub(super) fn start(warm_up: Duration) -> Run {
        let clock = Clock::start(warm_up);
        // The warm-up ends where an interval does.
        let first = Duration::from_nanos(u64::from(warm_up.subsec_nanos()));
        let first = if first.is_zero() { SECOND } else { first };
        Run {
            clock,
            meters: Vec::new(),
            parts: JoinSet::new(),
            stop: CancellationToken::new(),
            told_until: clock.started,
            next: clock.started + first,
            failure: None,
            is_over: false,
        }
    }

    pub(super) fn clock(&self) -> Clock {
        self.clock
    }

    /// What one more part of the load writes to.
    pub(super) fn meter(&mut self) -> Arc<Meter> {
        let meter = Arc::<Meter>::default();
        self.meters.push(meter.clone());
        meter
    }

    /// Cancelled once the load is to end.
    pub(super) fn stopped(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Runs one part of the load.
    pub(super) fn spawn(
        &mut self,
        part: impl Future<Output = Result<(), Failure>> + Send + 'static,
    ) {
        self.parts.spawn(part);
    }

    /// Sends nothing more; what is on its way is waited for.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// How long ago it began.
    pub fn elapsed(&self) -> Duration {
        self.clock.started.elapsed()
    }

    /// What happened since the last call, once a second; None after the end. Safe to cancel.
    pub async fn next(&mut self) -> Option<Interval> {
        loop {
            if self.parts.is_empty() {
                return (!std::mem::replace(&mut self.is_over, true)).then(|| self.take());
            }
            tokio::select! {
                biased;
                () = tokio::time::sleep_until(self.next.into()) => return Some(self.take()),
                Some(ended) = self.parts.join_next() => {
                    let ended = ended.unwrap_or(Err(Failure::Broken));
                    if let Err(failure) = ended {
                        // The others would go on for nothing.
                        self.stop.cancel();
                        self.failure.get_or_insert(failure);
                    }
                }
            }
        }
    }

    /// What ended it early.
    ///
    /// # Errors
    /// The first that a part of it met.
    pub fn outcome(self) -> Result<(), Failure> {
        self.failure.map_or(Ok(()), Err)
    }

    fn take(&mut self) -> Interval {
        let (began, now) = (self.told_until, Instant::now());
        self.told_until = now;
        while self.next <= now {
            self.next += SECOND;
        }
        let mut counts = Counts::default();
        self.meters.iter().for_each(|meter| counts.add(meter.take()));
        let measured_from = self.clock.measured_from;
        let until_last = counts.last.map(|at| at.saturating_duration_since(measured_from));
        // Ticks come a little late: what began within a tenth of a second of the warm-up's end counts as after it.
        let from = (began + SECOND / 10 >= measured_from)
            .then(|| began.saturating_duration_since(measured_from));
        Interval { from, length: now - began, counts, until_last }
    }
}
