//! `/metrics` and `/healthz` of a broker in this process, over real sockets.

mod bounds;
#[path = "../support/connection.rs"]
mod connection;
mod http;
mod kafka;
mod load;
mod node;
mod pages;
mod scrape;
mod strangers;
