//! Rank 4. The shell around the machines: connections, handlers, partitions.
