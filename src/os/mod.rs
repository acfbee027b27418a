//! Rank 1. The outside world behind traits: disk, clock, entropy.
