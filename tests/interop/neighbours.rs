//! Whatever some clients send, others are served as before: the p99 of small produces stays within twice what it is
//! without the attack. Without `KLOG_LONG=1` it measures for a moment only, and allows 15 ms for noise.
//!
//! Whoever attacks or is measured would have a machine of his own. On this one the attackers take what the others leave, and
//! those that are measured go before all: what is left of the difference is the broker's.

use std::io::Write;
use std::net::TcpStream;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use klog::record::{BatchOptions, Codec};
use klog::wire::fetch::{FetchPartition, FetchRequest, FetchTopic};
use klog::wire::metadata::MetadataRequest;
use klog::wire::produce::ProduceRequest;

use crate::broker::Broker;
use crate::klogs_own::{Own, klog_with};
use crate::raw::{PRODUCE, Raw, batch, batch_of, produce_request};

const LOAD: &str = "load";
const PREY: &str = "prey";
const CONNECTIONS: usize = 8;
/// So often an attack may look too good, on a machine with other work.
const TRIES: usize = 4;

fn long() -> bool {
    std::env::var_os("KLOG_LONG").is_some()
}

fn measured() -> Duration {
    Duration::from_millis(if long() { 10_000 } else { 1_200 })
}

fn noise() -> Duration {
    Duration::from_millis(if long() { 0 } else { 15 })
}

/// How long small produces with acks=1 take while nothing else is asked of them: the 99th percentile.
fn p99(address: &str) -> Duration {
    let end = Instant::now() + measured();
    let work = || {
        if long() {
            scheduled(["-f", "1"]);
        }
        let mut raw = Raw::connect(address);
        let request = produce_request(LOAD, 1, &batch(&[&[b'x'; 100]]));
        let mut took = Vec::new();
        // However slow the machine is, a 99th percentile needs its hundreds.
        while Instant::now() < end || took.len() < 400 / CONNECTIONS {
            let begin = Instant::now();
            let answer = raw.call(PRODUCE, &request);
            took.push(begin.elapsed());
            assert_eq!(answer.responses[0].partition_responses[0].error_code, 0);
            // A load, not a flood: what it needs itself must not be what is measured.
            thread::sleep(Duration::from_millis(1));
        }
        took
    };
    let mut took: Vec<Duration> = thread::scope(|scope| {
        let all: Vec<_> = (0..CONNECTIONS).map(|_| scope.spawn(work)).collect();
        all.into_iter().flat_map(|one| one.join().expect("it is served")).collect()
    });
    took.sort();
    took[took.len() * 99 / 100]
}

/// Attacks from several threads while `work` lasts.
fn under<T>(threads: usize, attack: &(dyn Fn(&Alive) + Sync), work: impl FnOnce() -> T) -> T {
    let alive = Alive(AtomicBool::new(true));
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                match long() {
                    true => scheduled(["-i", "0"]),
                    false => _ = rustix::process::nice(19),
                }
                while alive.is() {
                    attack(&alive);
                }
            });
        }
        thread::sleep(Duration::from_millis(200));
        let result = work();
        alive.0.store(false, Ordering::Release);
        result
    })
}

/// Gives this thread another policy.
fn scheduled([policy, priority]: [&str; 2]) {
    let thread = rustix::thread::gettid().as_raw_nonzero().to_string();
    let set = Command::new("chrt").args([policy, "-p", priority, &thread]).output();
    assert!(
        set.is_ok_and(|set| set.status.success()),
        "this needs the right to schedule (CAP_SYS_NICE)"
    );
}

struct Alive(AtomicBool);

impl Alive {
    fn is(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Measures alone and under attack, in turns, until the attack once did no harm.
fn assert_harmless(broker: &Broker, what: &str, threads: usize, attack: &(dyn Fn(&Alive) + Sync)) {
    let mut seen = Vec::new();
    for _ in 0..TRIES {
        let alone = p99(broker.address());
        let attacked = under(threads, attack, || p99(broker.address()));
        seen.push(format!("{attacked:?} instead of {alone:?}"));
        if attacked <= 2 * alone + noise() {
            println!("{what}: p99 {}", seen.join(", "));
            return;
        }
    }
    panic!("{what}: p99 {}", seen.join(", "));
}

fn started() -> Broker {
    let broker = klog_with(Own::Bounds, &[("klog.request.timeout.ms", "2000")]);
    let mut raw = Raw::connect(broker.address());
    raw.make_topic(LOAD);
    raw.make_topic(PREY);
    broker
}

#[test]
fn frames_that_come_slowly_hold_nobody_up() {
    let broker = started();
    assert_harmless(&broker, "slow frames", 2, &|alive| {
        let mut all: Vec<Raw> = (0..50).map(|_| Raw::connect(broker.address())).collect();
        all.iter_mut().for_each(|raw| raw.send_bytes(&(100i32 << 20).to_be_bytes()));
        while alive.is() {
            all.iter_mut().for_each(|raw| raw.send_bytes(&[0]));
            thread::sleep(Duration::from_millis(10));
        }
    });
}

#[test]
fn garbage_holds_nobody_up() {
    let broker = started();
    assert_harmless(&broker, "garbage", 2, &|_| {
        let mut raw = Raw::connect(broker.address());
        raw.send_bytes(b"GET / HTTP/1.1\r\n\r\n");
        raw.ends();
    });
    // A sound frame around what is no request: lengths that lie.
    assert_harmless(&broker, "bombs of lists", 2, &|_| {
        let mut raw = Raw::connect(broker.address());
        raw.send_body::<MetadataRequest>(1, &[0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0]);
        raw.send_body::<MetadataRequest>(1, &[&[0, 3, 0, 0][..], &[0; 500_000]].concat());
        raw.ends();
    });
}

#[test]
fn endless_pipelining_gets_its_share_only() {
    let broker = started();
    assert_harmless(&broker, "pipelining", 2, &|alive| {
        let mut raw = Raw::connect(broker.address());
        let request = MetadataRequest { topics: None, ..Default::default() };
        while alive.is() {
            for _ in 0..100 {
                raw.send(12, &request);
            }
            (0..100).for_each(|_| drop(raw.frame()));
        }
    });
}

fn fetch(partitions: i32, max_wait_ms: i32, min_bytes: i32) -> FetchRequest {
    let one = |partition| FetchPartition {
        partition,
        partition_max_bytes: i32::MAX,
        ..Default::default()
    };
    let partitions = (0..partitions).map(one).collect();
    let topic = FetchTopic { topic: PREY.into(), partitions, ..Default::default() };
    FetchRequest {
        replica_id: -1,
        max_wait_ms,
        min_bytes,
        max_bytes: i32::MAX,
        session_epoch: -1,
        topics: vec![topic],
        ..Default::default()
    }
}

#[test]
fn fetches_that_nobody_reads_hold_nobody_up() {
    let broker = started();
    let mut raw = Raw::connect(broker.address());
    for _ in 0..40 {
        assert_eq!(raw.produce(PREY, &batch(&[&vec![b'x'; 900_000]])).error_code, 0);
    }
    let request = fetch(1, 0, 0);
    assert_harmless(&broker, "fetches that nobody reads", 2, &|alive| {
        let mut all: Vec<Raw> = (0..20).map(|_| Raw::connect(broker.address())).collect();
        for raw in &mut all {
            (0..50).for_each(|_| _ = raw.send(12, &request));
        }
        let end = Instant::now() + Duration::from_secs(1);
        while alive.is() && Instant::now() < end {
            thread::sleep(Duration::from_millis(20));
        }
    });
}

#[test]
fn fetches_of_ten_thousand_partitions_hold_nobody_up() {
    let broker = started();
    let (request, waiting) = (fetch(10_000, 0, 0), fetch(1, 60_000, i32::MAX));
    assert_harmless(&broker, "fetches of 10,000 partitions", 2, &|alive| {
        let mut raw = Raw::connect(broker.address());
        // Some wait beside them.
        let mut beside: Vec<Raw> = (0..20).map(|_| Raw::connect(broker.address())).collect();
        beside.iter_mut().for_each(|raw| _ = raw.send(12, &waiting));
        while alive.is() {
            raw.send(12, &request);
            raw.frame();
        }
    });
}

/// Kept in memory as it is sent: a bomb is made once.
fn produce_bytes(records: &[u8]) -> Vec<u8> {
    use klog::wire::{Encoder, Request, encode_request_header};
    let mut out = Encoder::with_capacity(records.len() + 256);
    encode_request_header(ProduceRequest::API, PRODUCE, 1, None, &mut out).expect("a header");
    produce_request(PREY, 1, records).encode(PRODUCE, &mut out).expect("it can be written");
    let body = out.into_bytes().expect("no holes");
    [&(body.len() as i32).to_be_bytes(), &body[..]].concat()
}

#[test]
fn decompression_bombs_hold_nobody_up() {
    let broker = started();
    for codec in [Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
        // Just within max.message.bytes; Snappy does not become more than 20 times as much.
        let mib = if codec == Codec::Snappy { 18 } else { 120 };
        let options = BatchOptions { codec, ..BatchOptions::default() };
        let bomb = produce_bytes(&batch_of(&[&vec![0; mib << 20]], options));
        // And one that is small enough to be checked where others wait for it.
        let small = produce_bytes(&batch_of(&[&vec![0; 100 << 10]], options));
        for (what, bytes) in [("bombs", &bomb), ("small bombs", &small)] {
            assert_harmless(&broker, &format!("{codec} {what}"), 2, &|alive| {
                let mut stream = TcpStream::connect(broker.address()).expect("it listens");
                let timeout = Some(Duration::from_secs(1));
                stream.set_write_timeout(timeout).expect("a deadline can be set");
                let mut reader = stream.try_clone().expect("it can be read");
                thread::scope(|scope| {
                    scope.spawn(move || std::io::copy(&mut reader, &mut std::io::sink()));
                    while alive.is() && stream.write_all(bytes).is_ok() {}
                    stream.shutdown(std::net::Shutdown::Both).ok();
                });
            });
        }
    }
}

#[test]
fn connections_that_come_and_go_hold_nobody_up() {
    let broker = started();
    assert_harmless(&broker, "connections", 2, &|_| {
        drop((0..50).map(|_| Raw::connect(broker.address())).collect::<Vec<_>>());
    });
}
