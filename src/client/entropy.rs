//! Jitter and random choices. Nothing here guards a secret, so a failing system source is no error.

use std::hash::{BuildHasher, Hasher, RandomState};

/// A random number.
pub(super) fn random_u32() -> u32 {
    let mut bytes = [0; 4];
    match getrandom::fill(&mut bytes) {
        Ok(()) => u32::from_ne_bytes(bytes),
        Err(_) => RandomState::new().build_hasher().finish() as u32,
    }
}
