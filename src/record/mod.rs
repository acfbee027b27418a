//! Rank 1. Record batches: read, built, validated, stamped; compression. Pure.
