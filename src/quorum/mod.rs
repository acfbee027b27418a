//! Rank 3. The metadata store.
