//! Time that passes only when the simulated disk works or a test says so, and random bytes from a seed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::rng::Rng;
use crate::base::Millis;
use crate::os::{Clock, Entropy};

/// A clock that stands still unless it is moved. Clones are the same clock.
#[derive(Clone, Debug)]
pub struct SimClock(Arc<AtomicU64>);

impl SimClock {
    /// Begins at `start`.
    pub fn new(start: Millis) -> SimClock {
        SimClock(Arc::new(AtomicU64::new(u64::try_from(start.0).unwrap_or(0) * 1000)))
    }

    /// Lets time pass.
    pub fn advance_us(&self, microseconds: u64) {
        self.0.fetch_add(microseconds, Ordering::Relaxed);
    }
}

impl Clock for SimClock {
    fn now(&self) -> Millis {
        Millis((self.0.load(Ordering::Relaxed) / 1000) as i64)
    }
}

/// Random bytes that follow from a seed.
#[derive(Debug)]
pub struct SimEntropy(Mutex<Rng>);

impl SimEntropy {
    /// Begins at `seed`.
    pub fn new(seed: u64) -> SimEntropy {
        SimEntropy(Mutex::new(Rng::new(seed)))
    }
}

impl Entropy for SimEntropy {
    fn fill(&self, out: &mut [u8]) {
        let mut rng = self.0.lock();
        for chunk in out.chunks_mut(8) {
            let bytes = rng.next_u64().to_le_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
    }
}
