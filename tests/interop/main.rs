//! Real Kafka clients against a real `klog serve`, each test with a broker and a data directory of its own.
//!
//! `KLOG_TEST_BROKER=kafka` runs the same tests against Apache Kafka 4.3.1, which shows that they ask nothing but Kafka's own
//! behaviour; `klogs_own` says which do not. `tests/peers/get` fetches the clients; one that is missing fails its tests.

mod broker;
mod dump;
mod dump_agree;
#[path = "../support/excuses.rs"]
mod excuses;
#[path = "../support/harm.rs"]
mod harm;
mod history;
mod klogs_own;
mod librdkafka;
mod librdkafka_transactor;
mod librdkafka_transformer;
#[path = "../support/listening.rs"]
mod listening;
mod load;
mod loop_disk;
mod members;
mod mixed_group;
mod offsets;
mod peers;
#[path = "../support/ports.rs"]
mod ports;
mod process;
mod raw;
mod records;
mod seed;
#[path = "../support/signal.rs"]
mod signal;
mod transactions;
mod transactor;
mod transformer;
mod txn_history;
mod txn_load;
mod vitals;

mod bad_input;
mod clients;
mod compaction;
mod crash;
mod damage;
mod disks;
mod dump_segment;
mod dump_stored;
mod fetching;
mod files;
mod forensics;
mod groups;
mod groups_848;
mod groups_cli;
mod groups_kill;
mod groups_mixed;
mod kafka_admin;
mod kafka_tools;
mod kcat;
mod neighbours;
mod perf;
mod power_cut;
mod proxy;
mod readme;
mod soak;
mod soak_clients;
mod streams;
mod takeover;
mod topics;
mod txn_chain;
mod txn_clients;
mod txn_crash;
mod txn_loops;
mod txn_raw;
mod txn_tools;
