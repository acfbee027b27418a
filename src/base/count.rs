//! Counters that any thread may bump and one may read: no lock, and little for processors to quarrel over.

use std::cell::Cell;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Counts one more.
    pub fn bump(&self) {
        self.add(1);
    }

    /// Counts `count` more.
    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// How many there were.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How many there are now. What one thread adds another may take away.
#[derive(Debug, Default)]
pub struct Level(AtomicI64);

impl Level {
    /// One more.
    pub fn up(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// One fewer.
    pub fn down(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    /// How many there are; of a part of the shards it may be negative.
    pub fn get(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The upper bounds of the buckets of [`Durations`], in microseconds: each about three times the one before.
pub const BUCKETS_US: [u64; 11] =
    [100, 300, 1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000, 10_000_000];

const SLOTS: usize = BUCKETS_US.len() + 1;

/// A histogram of how long something took.
#[derive(Debug, Default)]
pub struct Durations {
    /// The last one is for what is longer than every bound.
    slots: [AtomicU64; SLOTS],
    sum_ns: AtomicU64,
}

/// What [`Durations`] say at one time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Spread {
    /// How many took at most the bound of the same place, and more than the one before; the last: more than all.
    pub slots: [u64; SLOTS],
    /// How long they took together, in ns.
    pub sum_ns: u64,
}

impl Durations {
    /// Counts one that took so long.
    pub fn note(&self, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let slot = BUCKETS_US.iter().position(|bound| us <= *bound).unwrap_or(SLOTS - 1);
        self.slots[slot].fetch_add(1, Ordering::Relaxed);
        let ns = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.sum_ns.fetch_add(ns, Ordering::Relaxed);
    }

    /// Adds what it says to `sum`.
    pub fn add_to(&self, sum: &mut Spread) {
        for (sum, slot) in sum.slots.iter_mut().zip(&self.slots) {
            *sum += slot.load(Ordering::Relaxed);
        }
        sum.sum_ns += self.sum_ns.load(Ordering::Relaxed);
    }

    /// What it says.
    pub fn get(&self) -> Spread {
        let mut spread = Spread::default();
        self.add_to(&mut spread);
        spread
    }
}

impl Spread {
    /// How many there were.
    pub fn count(&self) -> u64 {
        self.slots.iter().sum()
    }
}

/// The most shards that are made: beyond, processors share them.
const SHARDS_AT_MOST: usize = 16;

/// So many copies of `T` that threads seldom meet in one.
#[derive(Debug)]
pub struct Sharded<T>(Box<[Apart<T>]>);

/// On cache lines of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Apart<T>(T);

static THREADS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// The thread's number, given at its first look.
    static THREAD: Cell<usize> = Cell::new(THREADS.fetch_add(1, Ordering::Relaxed));
}

impl<T: Default> Sharded<T> {
    /// One copy for each of `processors`, up to 16.
    pub fn new(processors: usize) -> Sharded<T> {
        let count = processors.clamp(1, SHARDS_AT_MOST).next_power_of_two();
        Sharded((0..count).map(|_| Apart(T::default())).collect())
    }
}

impl<T> Sharded<T> {
    /// The copy that this thread writes to.
    pub fn here(&self) -> &T {
        &self.0[THREAD.get() & (self.0.len() - 1)].0
    }

    /// All copies, for whoever sums them up.
    pub fn all(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|apart| &apart.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_falls_into_the_first_bucket_that_holds_it() {
        let durations = Durations::default();
        for us in [0, 100, 101, 10_000_000, 10_000_001] {
            durations.note(Duration::from_micros(us));
        }
        let spread = durations.get();
        assert_eq!(spread.slots, [2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
        assert_eq!((spread.count(), spread.sum_ns), (5, 20_000_202_000));
    }

    #[test]
    fn what_threads_count_apart_is_summed_up() {
        let counts: Sharded<Counter> = Sharded::new(3);
        assert_eq!(counts.all().count(), 4);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..1000).for_each(|_| counts.here().bump()));
            }
        });
        assert_eq!(counts.all().map(Counter::get).sum::<u64>(), 8000);
    }
}
