//! klog: a Kafka-compatible distributed log, as a library.
//!
//! Each module is a room; a room imports only rooms of a strictly lower rank (ARCHITECTURE.md, and the test
//! `tests/architecture.rs` that holds us to it).

pub mod base;
pub mod broker;
pub mod client;
pub mod config;
pub mod forensics;
pub mod group;
pub mod http;
pub mod log;
pub mod meta;
pub mod net;
pub mod os;
pub mod perf;
pub mod quorum;
pub mod record;
pub mod txn;
pub mod wire;
