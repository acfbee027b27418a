//! The coordinator's assignors and the client's, held against Kafka's own classes on random groups.

mod client;
mod coordinator;
mod kafka;
