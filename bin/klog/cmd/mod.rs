//! A module per command: its arguments, and what it does.

pub mod completions;
pub mod consume;
pub mod dump_segment;
pub mod groups;
pub mod man;
pub mod perf_test;
pub mod produce;
pub mod serve;
pub mod topics;
pub mod transactions;
