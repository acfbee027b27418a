//! `--rate`: at most so many records a second.

use std::time::{Duration, Instant};

/// Pauses shorter than this are not worth a timer: they are made up for by the next.
const SHORTEST: Duration = Duration::from_millis(1);

/// Whoever was held up longer than this does not catch up.
const FORGIVEN: Duration = Duration::from_millis(100);

/// Says when the next record may go. Knows no clock: it is told the time.
pub struct Pace {
    per_second: u64,
    started: Instant,
    sent: u64,
}

impl Pace {
    /// Starts counting at `now`; `per_second` is at least 1.
    pub fn new(per_second: u64, now: Instant) -> Pace {
        Pace { per_second, started: now, sent: 0 }
    }

    /// Counts one more record: how long it has to wait.
    pub fn next(&mut self, now: Instant) -> Option<Duration> {
        let due = self.started + self.span();
        if now > due + FORGIVEN {
            self.started = now;
            self.sent = 0;
        }
        self.sent += 1;
        Some(due.saturating_duration_since(now)).filter(|pause| *pause > SHORTEST)
    }

    /// How long the records sent so far should have taken.
    fn span(&self) -> Duration {
        let whole = self.sent / self.per_second;
        let part = u128::from(self.sent % self.per_second);
        let nanos = part * 1_000_000_000 / u128::from(self.per_second);
        Duration::from_secs(whole) + Duration::from_nanos(nanos as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How long `records` take, for a sender that takes no time itself.
    fn run(pace: &mut Pace, records: u32, now: &mut Instant) -> Duration {
        let began = *now;
        for _ in 0..records {
            *now += pace.next(*now).unwrap_or_default();
        }
        *now - began
    }

    #[test]
    fn records_are_spread_over_the_second_and_a_pause_is_not_made_up_for() {
        let mut now = Instant::now();
        let mut pace = Pace::new(1000, now);
        let took = run(&mut pace, 2001, &mut now);
        assert!(took >= Duration::from_millis(1998) && took <= Duration::from_secs(2), "{took:?}");

        now += Duration::from_secs(60);
        let took = run(&mut pace, 501, &mut now);
        assert!(took >= Duration::from_millis(498), "{took:?}");
    }

    #[test]
    fn high_rates_need_no_timer_per_record() {
        let mut now = Instant::now();
        let mut pace = Pace::new(1_000_000, now);
        let pauses = (0..10_000).filter(|_| {
            let pause = pace.next(now);
            now += pause.unwrap_or_default();
            pause.is_some()
        });
        assert!(pauses.count() <= 10);
    }
}
