//! Input that no client should send: what is no request ends its connection, what is a bad request gets its error, and in
//! either case the broker lives, its memory stays bounded, and everybody else is served on.

mod batches;
mod connections;
mod fetches;
mod frames;
mod groups;
mod producer_ids;
mod topics;

use klog::wire::api_versions::ApiVersionsRequest;

use crate::broker::Broker;
use crate::raw::Raw;

const MIB: usize = 1 << 20;
/// What a broker that was idle needs for the first requests, whatever they are: threads, pages of its own code.
const FIRST: usize = 8 * MIB;

fn assert_serves_on(broker: &Broker) {
    let answer = Raw::connect(broker.address()).call(0, &ApiVersionsRequest::default());
    assert_eq!(answer.error_code, 0);
}

/// Does `work`; asserts that klog needed at most `most` bytes for it and serves on. Kafka's bounds are its own.
fn assert_takes_at_most(most: usize, broker: &Broker, work: impl FnOnce()) {
    let taken = broker.memory_for(work);
    assert!(!broker.is_klog() || taken <= most, "{} KiB, {} are allowed", taken >> 10, most >> 10);
    assert_serves_on(broker);
}

/// Asserts that a line of klog's log says all of `parts`.
fn assert_logged(broker: &Broker, parts: &[&str]) {
    if broker.is_klog() {
        let lines = broker.log_lines(parts[0]);
        let says_all = |line: &String| parts.iter().all(|part| line.contains(part));
        assert!(lines.iter().any(says_all), "no line says {parts:?}: {lines:#?}");
    }
}
