//! Connections and requests.

use std::fmt::Result;

use super::sheet::Sheet;
use crate::base::{Counter, Spread};
use crate::broker::counts::{Api, Closing};
use crate::broker::dispatch::SERVED;
use crate::broker::node::Node;

/// One API that was asked for, all shards together.
struct Sum {
    name: &'static str,
    key: i16,
    took: Spread,
    request_bytes: u64,
    response_bytes: u64,
    parked: i64,
}

/// Writes what is known of requests. An API that nobody has asked for has no row.
pub fn write(sheet: &mut Sheet<'_>, node: &Node) -> Result {
    let sums: Vec<Sum> = SERVED
        .iter()
        .map(|served| sum(node, served.api.name, served.api.key))
        .filter(|sum| sum.took.count() > 0 || sum.parked > 0)
        .collect();
    let label = |sum: &Sum| [("api", sum.name)];
    sheet.histograms(
        "klog_request_duration_seconds",
        "From when a request was read to when its answer was there; a fetch waits for records within it",
        sums.iter().map(|sum| (label(sum), sum.took)),
    )?;
    sheet.counters(
        "klog_request_bytes",
        "Bytes of requests that were answered, with their lengths",
        sums.iter().map(|sum| (label(sum), sum.request_bytes)),
    )?;
    sheet.counters(
        "klog_response_bytes",
        "Bytes of answers, with their lengths",
        sums.iter().map(|sum| (label(sum), sum.response_bytes)),
    )?;
    let errors = sums.iter().flat_map(|sum| {
        let counted = node.counts.errors(sum.key);
        counted.map(|(code, count)| ([("api", sum.name), ("error", code.name())], count))
    });
    sheet.counters(
        "klog_request_errors",
        "Error codes in answers, each time that one stands there: a request of many partitions may have many",
        errors,
    )?;
    sheet.gauges(
        "klog_parked_requests",
        "Requests whose answers wait for something: fetches for records, commits and produces for the disk, joins for members",
        sums.iter().map(|sum| (label(sum), sum.parked)),
    )?;
    write_queues(sheet, node)
}

fn sum(node: &Node, name: &'static str, key: i16) -> Sum {
    let mut took = Spread::default();
    node.counts.of(key).for_each(|api| api.took.add_to(&mut took));
    let bytes = |of: fn(&Api) -> &Counter| node.counts.of(key).map(|api| of(api).get()).sum();
    Sum {
        name,
        key,
        took,
        request_bytes: bytes(|api| &api.request_bytes),
        response_bytes: bytes(|api| &api.response_bytes),
        // What one thread parks another answers.
        parked: node.counts.of(key).map(|api| api.parked.get()).sum::<i64>().max(0),
    }
}

fn write_queues(sheet: &mut Sheet<'_>, node: &Node) -> Result {
    let aside = node.aside.load();
    sheet.gauge(
        "klog_aside_running",
        "Long requests that are checked or served on threads of their own",
        aside.running,
    )?;
    sheet.gauge(
        "klog_aside_waiting",
        "Long requests that wait for such a thread",
        aside.waiting,
    )?;
    if let Some(most) = node.requests.most_bytes() {
        let held = most.saturating_sub(node.requests.free_bytes());
        sheet.gauge(
            "klog_queued_request_bytes",
            "Bytes that large requests hold of queued.max.request.bytes",
            held,
        )?;
        sheet.gauge(
            "klog_queued_request_max_bytes",
            "Bytes that large requests may hold (queued.max.request.bytes)",
            most,
        )?;
    }
    let connections = node.limits.load();
    sheet.gauge(
        "klog_connections",
        "Connections of Kafka clients that are open",
        connections.open,
    )?;
    sheet.gauge("klog_connections_max", "Connections that may be open", connections.most)?;
    sheet.counter("klog_connections_opened", "Connections that were taken", connections.opened)?;
    sheet.counter(
        "klog_connections_rejected",
        "Connections that were closed at once: there were too many, in all or from their address",
        connections.rejected,
    )?;
    sheet.counters(
        "klog_connections_closed",
        "Connections that ended, by reason: by_peer, idle, lost, refused (no request that is served), slow, crowded",
        Closing::ALL.map(|(why, name)| ([("reason", name)], node.counts.closings(why))),
    )?;
    sheet.gauge("klog_fetch_sessions", "Fetch sessions that are remembered", node.sessions.count())
}
