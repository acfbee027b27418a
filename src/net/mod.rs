//! Rank 2. Frames, listener, sending file slices.
