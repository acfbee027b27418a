//! How often each address may ask for what costs the broker something for good: so many at once, then so many a second.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// With so many addresses, those are forgotten that may ask at will again.
const SWEEP_AT: usize = 1024;

/// A bucket of tokens per address (GCRA): it is told how long to wait, and the wait of one grows with what it asks for.
#[derive(Debug)]
pub struct Pace {
    interval: Duration,
    burst: Duration,
    due: Mutex<HashMap<IpAddr, Instant>>,
}

impl Pace {
    /// `burst` at once, then `per_second`.
    pub fn new(per_second: u32, burst: u32) -> Pace {
        let interval = Duration::from_secs(1) / per_second.max(1);
        Pace { interval, burst: interval * burst.max(1), due: Mutex::default() }
    }

    /// Takes a token for an address; tells how long it is until there is one.
    pub fn wait(&self, address: IpAddr) -> Duration {
        self.wait_at(address, Instant::now())
    }

    fn wait_at(&self, address: IpAddr, now: Instant) -> Duration {
        let mut due = self.due.lock();
        if due.len() >= SWEEP_AT {
            due.retain(|_, due| *due > now);
        }
        let next = due.entry(address).or_insert(now);
        *next = (*next).max(now) + self.interval;
        next.duration_since(now).saturating_sub(self.burst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_each_waits_for_its_turn() {
        let pace = Pace::new(10, 3);
        let (one, other) = ([127, 0, 0, 1].into(), [127, 0, 0, 2].into());
        let start = Instant::now();
        let waits: Vec<u128> = (0..5).map(|_| pace.wait_at(one, start).as_millis()).collect();
        assert_eq!(waits, [0, 0, 0, 100, 200]);
        assert_eq!(pace.wait_at(other, start), Duration::ZERO, "others are not held up");
        assert_eq!(pace.wait_at(one, start + Duration::from_secs(9)), Duration::ZERO);
    }
}
