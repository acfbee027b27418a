//! Drives a log over a simulated disk through crashes, faults and restarts, and holds what it recovers to a model of what
//! was appended and what was made durable. `src/os/sim/` says what a crash may do.
//!
//! `KLOG_LONG=1` runs thousands of seeds; `KLOG_SEED=n` replays one, `KLOG_SEEDS=n` sets how many.

mod batches;
mod check;
mod compaction;
mod damage;
#[path = "../support/excuses.rs"]
mod excuses;
mod forensics;
#[path = "../support/harm.rs"]
mod harm;
mod history;
mod transactions;
mod workload;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};

use world::World;

#[test]
fn recovery_keeps_what_was_synced_and_invents_nothing_over_any_crash() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seeds = match number("KLOG_SEED") {
        Some(seed) => seed..seed + 1,
        None if std::env::var_os("KLOG_LONG").is_some() => 0..number("KLOG_SEEDS").unwrap_or(6000),
        None => 0..number("KLOG_SEEDS").unwrap_or(150),
    };
    let begun = std::time::Instant::now();
    let mut counts = world::Counts::default();
    for seed in seeds.clone() {
        let run = || {
            let mut world = World::new(seed);
            world.live();
            world.counts
        };
        match catch_unwind(AssertUnwindSafe(run)) {
            Ok(done) => counts.add(&done),
            Err(panic) => {
                eprintln!("seed {seed} failed; replay it with KLOG_SEED={seed}");
                std::panic::resume_unwind(panic);
            }
        }
    }
    eprintln!(
        "{} seeds in {:.1} s: {counts:?}",
        seeds.end - seeds.start,
        begun.elapsed().as_secs_f64()
    );
    if seeds.end - seeds.start >= 100 {
        counts.assert_all_happened();
    }
}
