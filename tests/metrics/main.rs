//! `/metrics` and `/healthz` of a broker in this process, over real sockets.

mod bounds;
#[path = "../support/connection.rs"]
mod connection;
mod http;
mod kafka;
mod load;
mod node;
mod pages;
#[path = "../support/requests.rs"]
mod requests;
mod scrape;
mod strangers;
