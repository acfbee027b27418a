//! The command line as a user meets it: real processes, a real broker on a free port, files and pipes.

#[path = "../support/connection.rs"]
mod connection;
mod consume;
mod consume_group;
mod copy;
mod dump_segment;
mod forensics_page;
mod generated;
mod groups;
#[path = "../support/kafka.rs"]
mod kafka;
#[path = "../support/listening.rs"]
mod listening;
mod lost;
mod main_job;
mod perf_page;
mod perf_test;
#[path = "../support/ports.rs"]
mod ports;
mod produce;
mod repair;
#[path = "../interop/seed.rs"]
mod seed;
mod serve;
mod server;
#[path = "../support/signal.rs"]
mod signal;
mod topics;
mod transactions;
mod usage;
