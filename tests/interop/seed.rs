//! How much of a campaign runs, and the seed that it can be run again with.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use rand::SeedableRng;
use rand::rngs::StdRng;

/// Chance from a seed that is printed; `KLOG_SEED` sets it.
pub fn chance() -> StdRng {
    let given = std::env::var("KLOG_SEED").ok().map(|text| text.parse().expect("a number"));
    let seed = given.unwrap_or_else(|| RandomState::new().hash_one("seed"));
    println!("KLOG_SEED={seed}");
    StdRng::seed_from_u64(seed)
}

/// Whether full campaigns run (`KLOG_LONG=1`), or a fraction of each.
pub fn is_long() -> bool {
    std::env::var_os("KLOG_LONG").is_some_and(|value| value == "1")
}

/// How often something is done: so often in a full campaign, else so often.
pub fn rounds(long: usize, fraction: usize) -> usize {
    if is_long() { long } else { fraction }
}
