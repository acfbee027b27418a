//! Rank 1. The outside world, behind traits: disk, clock and randomness are arguments, so that tests can fail a write or
//! step the clock. [`Os::real`] is the machine itself, [`sim::SimOs`] one that crashes on demand. Blocking: callers on async threads hand it to a blocking pool
//! whenever the disk may be waited for.
//!
//! This room never retries and never interprets: an error goes up as it came.

mod disk;
mod lock;
mod real;
pub mod sim;
mod slice;

use std::sync::Arc;

pub use disk::{Disk, DiskFile, Entry, FileSystem, Map, OpenMode, Space};
pub use lock::{FolderLock, LockError};
pub use real::RealDisk;
pub use slice::{Chunk, FileSlice, READ_AHEAD};

use crate::base::Millis;

/// Tells the time.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// Wall-clock time.
    fn now(&self) -> Millis;
}

/// Makes random bytes.
pub trait Entropy: Send + Sync + std::fmt::Debug {
    /// Fills `out`.
    fn fill(&self, out: &mut [u8]);
}

/// Everything that klog takes from the machine besides sockets. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Os {
    /// Files and folders.
    pub disk: Arc<dyn Disk>,
    /// Wall-clock time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
}

impl Os {
    /// The machine itself.
    pub fn real() -> Os {
        Os {
            disk: Arc::new(RealDisk),
            clock: Arc::new(real::SystemClock),
            entropy: Arc::new(real::SystemEntropy),
        }
    }

    /// 16 random bytes that are not all zero, for topic and directory ids.
    pub fn random_id(&self) -> [u8; 16] {
        let mut id = [0; 16];
        while id == [0; 16] {
            self.entropy.fill(&mut id);
        }
        id
    }
}
