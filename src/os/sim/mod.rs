//! A simulated machine for tests: a disk in memory that loses, tears and fails as a real one may, a clock that only the
//! disk and the test move, random bytes from a seed. All that happens follows from the seed.
//!
//! What is modelled is the worst that POSIX and disks allow a program that syncs:
//! - A write is in the page cache until the file is synced. A power cut keeps each sector (512 bytes) as of any moment
//!   since, and the file's length as of another; what was not written reads as zeros. So a batch may be torn, a
//!   hole may lie before whole batches, a file may be long and empty, and a cut that was not synced may not have
//!   happened.
//! - A new, renamed or removed name is on disk once its folder was synced; syncing the file does not do it. A power cut
//!   keeps the first few of the changes (a journal's order) or any of them ([`NameOrder`]).
//! - A failed fsync may have written some of the sectors. The rest is lost for good, though it may still be read until
//!   the power goes ([`LostPages`]); a later fsync succeeds.
//! - A failed write may have written a part. A read may return less than was asked for.
//! - [`SimDisk::kill`] ends the process but not the machine: the page cache stays.
//!
//! Not modelled: bits that rot (a test flips them with a write), stale bytes where zeros are promised, sectors that are
//! themselves torn.

mod clock;
mod content;
mod disk;
mod faults;
mod rng;
#[cfg(test)]
mod tests;
mod tree;

use std::sync::Arc;

pub use clock::{SimClock, SimEntropy};
pub use content::LostPages;
pub use disk::SimDisk;
pub use faults::{Faults, Latency};
pub use rng::Rng;
pub use tree::NameOrder;

use super::Os;
use crate::base::Millis;

/// A simulated machine.
#[derive(Clone, Debug)]
pub struct SimOs {
    /// Its disk.
    pub disk: SimDisk,
    /// Its clock.
    pub clock: SimClock,
    seed: u64,
}

impl SimOs {
    /// An empty disk, at `start`.
    pub fn new(seed: u64, start: Millis) -> SimOs {
        let clock = SimClock::new(start);
        SimOs { disk: SimDisk::new(seed, clock.clone()), clock, seed }
    }

    /// What is handed to the code under test.
    pub fn os(&self) -> Os {
        Os {
            disk: Arc::new(self.disk.clone()),
            clock: Arc::new(self.clock.clone()),
            entropy: Arc::new(SimEntropy::new(self.seed)),
        }
    }
}
