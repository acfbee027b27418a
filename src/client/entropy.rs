//! Jitter and random choices. Nothing here guards a secret, so a failing system source is no error.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

/// A random number.
pub(super) fn random_u32() -> u32 {
    let mut bytes = [0; 4];
    match getrandom::fill(&mut bytes) {
        Ok(()) => u32::from_ne_bytes(bytes),
        Err(_) => RandomState::new().build_hasher().finish() as u32,
    }
}

/// `base` doubled `failures` times, at most `max`, give or take a fifth, so that clients do not come back in step.
pub(super) fn backoff(base: Duration, max: Duration, failures: u32) -> Duration {
    let doubled = base.saturating_mul(1u32.checked_shl(failures.min(30)).unwrap_or(1));
    let factor = 0.8 + 0.4 * f64::from(random_u32()) / f64::from(u32::MAX);
    doubled.min(max).mul_f64(factor).min(max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_doubles_up_to_its_bound_with_jitter_of_a_fifth() {
        let (base, max) = (Duration::from_millis(100), Duration::from_secs(1));
        for (failures, low, high) in [(0, 80, 120), (1, 160, 240), (3, 640, 960), (40, 800, 1000)] {
            for _ in 0..100 {
                let got = backoff(base, max, failures).as_millis();
                assert!((low..=high).contains(&got), "{failures}: {got}");
            }
        }
    }
}
