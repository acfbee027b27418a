//! `klog::forensics` on what klog's log room wrote: nothing is wrong with a directory that was stopped or killed; what is damaged is
//! found, and repaired with every batch that is whole; and a repair may be killed, or lose its power, at every step.

mod campaign;
mod kill;

use std::path::Path;

use klog::forensics::Finding;
use klog::forensics::verify::{self, verify};
use klog::os::Os;

use crate::compaction::Compacted;
use crate::world::{FOLDER, World};

/// So many seeds in a full campaign, else so many; `KLOG_SEED` replays one.
fn seeds(long: u64, few: u64) -> std::ops::Range<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    match number("KLOG_SEED") {
        Some(seed) => seed..seed + 1,
        None if std::env::var_os("KLOG_LONG").is_some() => 0..long,
        None => 0..few,
    }
}

/// What is wrong in the data directory.
fn wrong(os: &Os) -> Vec<Finding> {
    let options = verify::Options { deep: true, threads: 1, progress: &|_| {} };
    verify(os, Path::new(FOLDER), options).expect("the disk works")
}

/// A log of random batches, transactions, epochs, deletions, and starts; at the end its process is stopped or killed.
fn settled(seed: u64) -> World {
    let mut world = World::new(seed);
    for _ in 0..1 + world.rng.below(3) {
        world.start();
        let steps = 10 + world.rng.below(60);
        world.work_calmly(steps);
        if world.rng.chance(500) {
            assert!(world.close(), "it stops");
        }
        world.kill();
    }
    world
}

#[test]
fn nothing_is_wrong_with_a_directory_that_was_stopped_or_killed() {
    for seed in seeds(2000, 25) {
        let world = settled(seed);
        assert_eq!(wrong(&world.sim.os()), [], "seed {seed}");
    }
}

#[test]
fn nothing_is_wrong_with_a_compacted_log() {
    for seed in seeds(1000, 20) {
        let (sim, _) = Compacted::settled(seed);
        assert_eq!(wrong(&sim.os()), [], "seed {seed}");
    }
}
