//! When the records of an open loop are due, and how many there are.

use std::time::Duration;

const NANOS: u128 = 1_000_000_000;

/// How long a load goes on; the warm-up comes before and is no part of it.
#[derive(Clone, Copy, Debug)]
pub struct Length {
    /// What happens in it is not counted.
    pub warm_up: Duration,
    /// So many records.
    pub records: Option<u64>,
    /// So long.
    pub duration: Option<Duration>,
}

/// Records at even distances. The first is due at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schedule {
    per_second: u64,
    /// The first record that is not sent.
    end: u64,
}

impl Schedule {
    /// `per_second` is at least 1.
    pub(super) fn new(per_second: u64, length: Length) -> Schedule {
        let warm = records_before(per_second, length.warm_up);
        let by_count = length.records.map(|records| warm.saturating_add(records));
        let by_time = length
            .duration
            .map(|duration| records_before(per_second, length.warm_up.saturating_add(duration)));
        let end = by_count.into_iter().chain(by_time).min().unwrap_or(u64::MAX);
        Schedule { per_second, end }
    }

    /// When record `number` is due, from the start on; None behind the last one.
    pub(super) fn due(self, number: u64) -> Option<Duration> {
        let whole = number / self.per_second;
        let part = u128::from(number % self.per_second) * NANOS / u128::from(self.per_second);
        let due = Duration::from_secs(whole) + Duration::from_nanos(part as u64);
        (number < self.end).then_some(due)
    }
}

/// How many records are due before `at`.
fn records_before(per_second: u64, at: Duration) -> u64 {
    let exact = at.as_nanos().saturating_mul(u128::from(per_second));
    u64::try_from(exact.div_ceil(NANOS)).unwrap_or(u64::MAX)
}

/// What one of several producers sends in a closed loop; `None` is without end.
pub(super) fn share(records: Option<u64>, of: usize, among: usize) -> Option<u64> {
    let (of, among) = (of as u64, among as u64);
    records.map(|records| records / among + u64::from(of < records % among))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn length(warm_up: u64, records: Option<u64>, duration: Option<u64>) -> Length {
        let millis = Duration::from_millis;
        Length { warm_up: millis(warm_up), records, duration: duration.map(millis) }
    }

    #[test]
    fn records_are_due_at_even_distances_that_add_up_to_the_rate() {
        let schedule = Schedule::new(3000, length(0, None, None));
        let due = |number| schedule.due(number).expect("it has no end");
        assert_eq!(due(0), Duration::ZERO);
        assert_eq!(due(3), Duration::from_millis(1));
        assert_eq!(due(3000 * 86_400), Duration::from_secs(86_400));
        let gaps = (0..3000).map(|number| due(number + 1) - due(number));
        assert!(gaps.into_iter().all(|gap| (333_333..=333_334).contains(&gap.as_nanos())));
    }

    #[test]
    fn the_warm_up_comes_on_top() {
        let last = |schedule: Schedule| (0..).find(|number| schedule.due(*number).is_none());
        assert_eq!(last(Schedule::new(1000, length(0, Some(7), None))), Some(7));
        assert_eq!(last(Schedule::new(1000, length(500, Some(7), None))), Some(507));
        assert_eq!(last(Schedule::new(1000, length(500, None, Some(2000)))), Some(2500));
        assert_eq!(last(Schedule::new(1000, length(0, Some(7), Some(2000)))), Some(7));
        assert_eq!(last(Schedule::new(3, length(0, None, Some(1)))), Some(1));
    }

    #[test]
    fn producers_share_all_records_and_no_more() {
        let shares: Vec<_> = (0..3).map(|of| share(Some(8), of, 3).expect("an end")).collect();
        assert_eq!(shares, [3, 3, 2]);
        assert_eq!(share(None, 0, 3), None);
    }
}
