//! kill -9 under load: what was acknowledged is there, once, in order, with its bytes.
//!
//! The seed is printed; `KLOG_SEED` sets it. `KLOG_LONG=1` kills 200 times in place of 10.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rdkafka::ClientContext;
use rdkafka::consumer::Consumer;
use rdkafka::message::Message;
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer, ProducerContext, ThreadedProducer};

use crate::broker::Broker;
use crate::history::{Finding, Place, check};
use crate::librdkafka::{self, Admin};

const PARTITIONS: i32 = 4;
const DEADLINE: Duration = Duration::from_secs(60);

#[test]
fn kill_9_loses_no_acked_record_makes_no_duplicate_and_keeps_order() {
    let kills = if std::env::var_os("KLOG_LONG").is_some() { 200 } else { 10 };
    let mut chance = StdRng::seed_from_u64(seed());
    let mut broker = Broker::start();
    Admin::new(broker.address()).create("t", PARTITIONS, &[("segment.bytes", "1048576")]);
    let load = Load::start(broker.address(), &[("enable.idempotence", "true")]);
    for _ in 0..kills {
        load.wait_for_progress();
        thread::sleep(Duration::from_millis(chance.random_range(0..300)));
        broker.kill();
        broker.restart();
    }
    load.wait_for_progress();
    let (acked, failed) = load.finish();
    assert_eq!(failed, 0, "an idempotent producer outlives a restart without an error");
    let found = read_all(broker.address());
    println!("{kills} kills, {} records acked, {} found", acked.len(), found.len());
    assert_none(&check(&acked, &found));
}

/// The negative control: with acks=0 a record counts as delivered once it is sent, so a kill must lose some, and the checker see it.
#[test]
fn kill_9_loses_records_with_acks_0_and_the_checker_sees_it() {
    let mut broker = Broker::start();
    Admin::new(broker.address()).create("t", PARTITIONS, &[]);
    let load = Load::start(broker.address(), &[("acks", "0")]);
    load.wait_for_progress();
    broker.freeze();
    load.wait_for_progress();
    broker.kill();
    broker.restart();
    let (acked, _) = load.finish();
    let findings = check(&acked, &read_all(broker.address()));
    assert!(
        findings.iter().any(|f| matches!(f, Finding::Lost(_))),
        "no loss among {}",
        acked.len()
    );
}

fn assert_none(findings: &[Finding]) {
    let first: Vec<String> = findings.iter().take(10).map(|f| format!("{f:?}")).collect();
    assert!(findings.is_empty(), "{} findings, first\n{}", findings.len(), first.join("\n"));
}

fn seed() -> u64 {
    let given = std::env::var("KLOG_SEED").ok().map(|text| text.parse().expect("a number"));
    let seed = given.unwrap_or_else(|| RandomState::new().hash_one("seed"));
    println!("KLOG_SEED={seed}");
    seed
}

/// A producer that sends numbered records until told to stop.
struct Load {
    stop: Arc<AtomicBool>,
    told: Told,
    sender: thread::JoinHandle<()>,
}

/// What the producer was told of its records.
#[derive(Clone, Default)]
struct Told {
    acked: Arc<Mutex<Vec<Place>>>,
    failed: Arc<AtomicU64>,
}

impl ClientContext for Told {}

impl ProducerContext for Told {
    type DeliveryOpaque = Box<u64>;

    fn delivery(&self, result: &DeliveryResult<'_>, number: Box<u64>) {
        match result {
            Ok(record) => self.acked.lock().expect("nobody panics here").push(Place {
                number: *number,
                partition: record.partition(),
                // librdkafka's "unknown" is −1001.
                offset: record.offset().max(-1),
            }),
            Err((error, _)) => {
                eprintln!("record {number} failed: {error}");
                self.failed.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

impl Load {
    fn start(address: &str, settings: &[(&str, &str)]) -> Load {
        let mut config = librdkafka::config(address);
        config.set("linger.ms", "2").set("queue.buffering.max.messages", "5000");
        config.set("reconnect.backoff.ms", "10").set("reconnect.backoff.max.ms", "100");
        config.set("retry.backoff.ms", "10");
        for (key, value) in settings {
            config.set(*key, *value);
        }
        let told = Told::default();
        let producer: ThreadedProducer<Told> =
            config.create_with_context(told.clone()).expect("a producer can be made");
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let sender = thread::spawn(move || send_until(&stopped, &producer));
        Load { stop, told, sender }
    }

    fn acked(&self) -> usize {
        self.told.acked.lock().expect("nobody panics here").len()
    }

    /// Waits until a few hundred more records are acknowledged.
    fn wait_for_progress(&self) {
        let (before, end) = (self.acked(), Instant::now() + DEADLINE);
        while self.acked() < before + 300 {
            assert!(Instant::now() < end, "nothing is acknowledged any more; {before} were");
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Stops sending, waits for all that was sent, and gives what was acknowledged and how many records failed.
    fn finish(self) -> (Vec<Place>, u64) {
        self.stop.store(true, Ordering::Relaxed);
        self.sender.join().expect("the sender does not panic");
        let mut acked = self.told.acked.lock().expect("nobody panics here").clone();
        acked.sort_by_key(|place| place.number);
        (acked, self.told.failed.load(Ordering::Relaxed))
    }
}

/// Sends about 10,000 records a second, as long as the queue takes them.
fn send_until(stopped: &AtomicBool, producer: &ThreadedProducer<Told>) {
    let mut number = 0;
    while !stopped.load(Ordering::Relaxed) {
        for _ in 0..50 {
            let value = value(number);
            let partition = (number % 7) as i32 % PARTITIONS;
            let record: BaseRecord<'_, str, [u8], _> =
                BaseRecord::with_opaque_to("t", Box::new(number)).partition(partition);
            if producer.send(record.payload(&value[..])).is_ok() {
                number += 1;
            }
        }
        thread::sleep(Duration::from_millis(5));
    }
    producer.flush(DEADLINE).expect("all that was sent is answered in time");
}

/// The bytes of a record: its number, and a filling that depends on it.
fn value(number: u64) -> Vec<u8> {
    let mut value = format!("{number} ").into_bytes();
    let filling = usize::try_from(number * 37 % 900).expect("small");
    value.extend((0..filling).map(|i| (number as usize + i) as u8));
    value
}

/// Every record of the topic, each with the bytes that belong to its number.
fn read_all(address: &str) -> Vec<Place> {
    let consumer = librdkafka::consumer(&librdkafka::config(address), "t", PARTITIONS);
    let end = |p| consumer.fetch_watermarks("t", p, DEADLINE).expect("the broker tells its ends").1;
    let count: i64 = (0..PARTITIONS).map(end).sum();
    let records = librdkafka::consume(address, "t", PARTITIONS, count as usize);
    assert_eq!(records.len() as i64, count, "records up to the ends of all partitions");
    let place = |record: &crate::records::Record| {
        let bytes = record.value.as_deref().unwrap_or_default();
        let number =
            bytes.split(|byte| *byte == b' ').next().and_then(|n| std::str::from_utf8(n).ok());
        let number = number.and_then(|n| n.parse().ok()).expect("a value begins with its number");
        assert!(bytes == value(number), "record {number} has other bytes than were sent");
        Place { number, partition: record.partition, offset: record.offset }
    };
    records.iter().map(place).collect()
}
