//! Connections that are too many, do not read, or send without end.

use std::time::Duration;

use klog::wire::create_topics::{CreatableTopic, CreateTopicsRequest};
use klog::wire::fetch::{FetchPartition, FetchRequest, FetchTopic, ForgottenTopic};
use klog::wire::metadata::{MetadataRequest, MetadataRequestTopic};

use super::{FIRST, MIB, assert_logged, assert_serves_on, assert_takes_at_most};
use crate::broker::Broker;
use crate::klogs_own::{Own, klog_with};
use crate::raw::{Raw, batch};

fn long() -> bool {
    std::env::var_os("KLOG_LONG").is_some()
}

#[test]
fn silent_connections_leave_descriptors_for_the_log() {
    let broker = Broker::with_descriptors(300);
    let mut early = Raw::connect(broker.address());
    early.make_topic("early");
    let mut silent: Vec<Raw> = (0..1000).map(|_| Raw::connect(broker.address())).collect();
    assert!(silent[999].is_closed(), "the last one of a thousand has no place");
    assert_logged(&broker, &["connection refused", "no more are taken"]);
    assert!(broker.log_lines("connection refused").len() < 500, "one line for each");
    // Every topic needs descriptors of its own.
    for number in 0..20 {
        let name = format!("topic-{number}");
        early.make_topic(&name);
        assert_eq!(early.produce(&name, &batch(&[b"value"])).error_code, 0);
    }
    drop(silent);
    assert_serves_on_soon(&broker);
}

/// Places are free again once the broker has seen that their connections are gone.
fn assert_serves_on_soon(broker: &Broker) {
    let end = std::time::Instant::now() + Duration::from_secs(10);
    while Raw::connect(broker.address()).is_closed_within(Duration::from_millis(100)) {
        assert!(std::time::Instant::now() < end, "no place becomes free");
    }
    assert_serves_on(broker);
}

#[test]
fn ten_thousand_silent_connections_cost_little_and_one_more_is_refused() {
    let count = if long() { 10_000 } else { 1_000 };
    klog::net::raise_limit();
    let most = count.to_string();
    let broker = klog_with(Own::Bounds, &[("max.connections", &most)]);
    let mut working = Raw::connect(broker.address());
    working.make_topic("work");
    let mut silent = Vec::new();
    let taken = broker.memory_for(|| {
        silent.extend((1..count).map(|_| Raw::connect(broker.address())));
        let mut one_more = Raw::connect(broker.address());
        assert!(one_more.is_closed());
        assert_eq!(working.produce("work", &batch(&[b"value"])).error_code, 0);
    });
    assert!(taken <= FIRST + count * (24 << 10), "{} KiB", taken >> 10);
    assert_logged(&broker, &[&format!("there are {count} connections")]);
}

#[test]
fn one_address_gets_so_many_connections_and_no_more() {
    let broker = Broker::with(&[("max.connections.per.ip", "5")]);
    let mut open: Vec<Raw> = (0..5).map(|_| Raw::connect(broker.address())).collect();
    let mut one_more = Raw::connect(broker.address());
    assert!(one_more.is_closed());
    assert_logged(&broker, &["there are 5 connections from this address"]);
    open.truncate(2);
    assert_serves_on_soon(&broker);
}

/// A topic of so many partitions that its metadata takes 15 KB.
fn make_wide_topic(raw: &mut Raw) {
    let topic = CreatableTopic {
        name: "wide".into(),
        num_partitions: 500,
        replication_factor: 1,
        ..Default::default()
    };
    let request =
        CreateTopicsRequest { topics: vec![topic], timeout_ms: 60_000, ..Default::default() };
    let made = raw.call(7, &request).topics.remove(0);
    assert_eq!(made.error_code, 0, "{made:?}");
}

#[test]
fn answers_that_nobody_reads_are_queued_up_to_a_bound_in_bytes_and_given_up_in_time() {
    let broker = klog_with(
        Own::Bounds,
        &[
            ("klog.request.timeout.ms", "2000"),
            ("klog.max.inflight.bytes.per.connection", "1000000"),
            ("klog.max.inflight.requests.per.connection", "2000"),
        ],
    );
    let mut raw = Raw::connect(broker.address());
    make_wide_topic(&mut raw);
    let wide = MetadataRequestTopic { name: Some("wide".into()), ..Default::default() };
    let request = MetadataRequest { topics: Some(vec![wide; 6]), ..Default::default() };
    assert_takes_at_most(FIRST + 8 * MIB, &broker, || {
        // 200 MB of answers.
        for _ in 0..2000 {
            raw.send(12, &request);
        }
        assert_logged(&broker, &["its answer could not be sent", "took less than a MiB within 2s"]);
        assert!(raw.ends(), "the connection is closed after what was sent");
    });
}

#[test]
fn fetched_records_that_nobody_reads_take_no_memory_and_are_given_up_in_time() {
    let broker = klog_with(Own::Bounds, &[("klog.request.timeout.ms", "1500")]);
    let mut raw = Raw::connect(broker.address());
    raw.make_topic("read-me");
    for _ in 0..40 {
        assert_eq!(raw.produce("read-me", &batch(&[&vec![b'x'; 900_000]])).error_code, 0);
    }
    let request = waiting_fetch("read-me", 0, 0);
    assert_takes_at_most(FIRST, &broker, || {
        for _ in 0..50 {
            raw.send(12, &request);
        }
        assert_logged(&broker, &["its answer could not be sent", "took less than a MiB"]);
        assert!(raw.ends());
    });
}

/// With `padding` bytes of partitions to forget that nobody knows.
fn waiting_fetch(topic: &str, max_wait_ms: i32, padding: usize) -> FetchRequest {
    let forgotten = ForgottenTopic { partitions: vec![7; padding / 4], ..Default::default() };
    let partition = FetchPartition { partition_max_bytes: i32::MAX, ..Default::default() };
    let topic =
        FetchTopic { topic: topic.into(), partitions: vec![partition], ..Default::default() };
    FetchRequest {
        replica_id: -1,
        max_wait_ms,
        min_bytes: 1,
        max_bytes: i32::MAX,
        session_epoch: -1,
        topics: vec![topic],
        forgotten_topics_data: vec![forgotten],
        ..Default::default()
    }
}

#[test]
fn what_is_pipelined_without_end_is_read_up_to_a_bound() {
    let broker = klog_with(Own::Bounds, &[]);
    let mut raw = Raw::connect(broker.address());
    raw.make_topic("empty");
    // Small requests: a bound in number. Large ones: one in bytes, 16 MiB, and the one that crosses it.
    for (padding, most) in [(0, FIRST), (MIB, FIRST + 96 * MIB)] {
        assert_takes_at_most(most, &broker, || {
            let mut endless = Raw::connect(broker.address());
            let request = waiting_fetch("empty", 60_000, padding);
            assert!(endless.is_not_read_to_the_end(12, &request, 200_000), "all of it was read");
        });
    }
}

#[test]
fn requests_that_stop_halfway_share_a_budget_and_small_ones_pass() {
    let broker = klog_with(
        Own::Bounds,
        &[
            ("queued.max.request.bytes", "8000000"),
            ("socket.request.max.bytes", "4000000"),
            ("klog.request.timeout.ms", "3000"),
        ],
    );
    let mut working = Raw::connect(broker.address());
    working.make_topic("work");
    assert_takes_at_most(56 * MIB, &broker, || {
        let mut halfway: Vec<Raw> = (0..40).map(|_| Raw::connect(broker.address())).collect();
        std::thread::scope(|scope| {
            for raw in &mut halfway {
                scope.spawn(|| {
                    raw.send_bytes(&4_000_000i32.to_be_bytes());
                    raw.send_bytes(&vec![0; 3_900_000]);
                    assert!(raw.is_closed());
                });
            }
            assert_logged(&broker, &["found no room", "queued.max.request.bytes"]);
            assert_eq!(working.produce("work", &batch(&[b"small"])).error_code, 0);
        });
    });
    let large = vec![b'x'; 900_000];
    assert_eq!(working.produce("work", &batch(&[&large])).error_code, 0, "the room is back");
}
