//! Rank 2. One partition's log, and the log directories. Blocking.
