//! A producer under load that remembers what it was told of each record, and what a consumer finds afterwards.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rand::RngExt;
use rand::rngs::StdRng;
use rdkafka::ClientContext;
use rdkafka::consumer::Consumer;
use rdkafka::message::Message;
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer, ProducerContext, ThreadedProducer};

use crate::history::{Place, Promise};
use crate::librdkafka::{self, Admin};

const DEADLINE: Duration = Duration::from_secs(120);

/// Producers as the campaigns want them, and what each may count on. One request in flight: a plain producer that sends again
/// what was not acked would else change its order.
pub const PLAIN: (&[(&str, &str)], Promise) =
    (&[("acks", "1"), ("max.in.flight.requests.per.connection", "1")], Promise::AtLeastOnce);
pub const IDEMPOTENT: (&[(&str, &str)], Promise) =
    (&[("acks", "all"), ("enable.idempotence", "true")], Promise::Once);

/// A topic to write to, and how.
#[derive(Clone, Debug)]
pub struct Target {
    pub topic: String,
    pub partitions: i32,
    pub configs: Vec<(&'static str, String)>,
    pub codec: &'static str,
}

impl Target {
    /// Small segments that roll by size and by time, any codec, one partition or several.
    pub fn draw(topic: String, flush_each: bool, chance: &mut StdRng) -> Target {
        let mut configs = vec![
            ("segment.bytes", (1 << chance.random_range(20..22)).to_string()),
            ("segment.ms", chance.random_range(200..2000).to_string()),
            ("index.interval.bytes", [0, 512, 4096][chance.random_range(0..3)].to_string()),
        ];
        if flush_each {
            configs.push(("flush.messages", "1".to_owned()));
        }
        let codec = ["none", "gzip", "snappy", "lz4", "zstd"][chance.random_range(0..5)];
        Target { topic, partitions: chance.random_range(1..6), configs, codec }
    }

    pub fn create(&self, address: &str) {
        let configs: Vec<(&str, &str)> =
            self.configs.iter().map(|(key, value)| (*key, value.as_str())).collect();
        Admin::new(address).create(&self.topic, self.partitions, &configs);
    }

    /// The names of its partitions' folders.
    pub fn folders(&self) -> impl Iterator<Item = String> {
        (0..self.partitions).map(|partition| format!("{}-{partition}", self.topic))
    }
}

/// A producer that sends numbered records until told to stop.
pub struct Load {
    stop: Arc<AtomicBool>,
    told: Told,
    sender: thread::JoinHandle<()>,
}

/// What the producer was told of its records.
#[derive(Clone, Default)]
struct Told {
    acked: Arc<Mutex<Vec<(Place, Instant)>>>,
    failed: Arc<AtomicU64>,
}

impl ClientContext for Told {}

impl ProducerContext for Told {
    type DeliveryOpaque = Box<u64>;

    fn delivery(&self, result: &DeliveryResult<'_>, number: Box<u64>) {
        match result {
            Ok(record) => {
                let place = Place {
                    number: *number,
                    partition: record.partition(),
                    // librdkafka's "unknown" is −1001.
                    offset: record.offset().max(-1),
                };
                let now = Instant::now();
                self.acked.lock().expect("nobody panics here").push((place, now));
            }
            Err((error, _)) => {
                eprintln!("record {number} failed: {error}");
                self.failed.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

impl Load {
    pub fn start(address: &str, target: &Target, settings: &[(&str, &str)]) -> Load {
        let mut config = librdkafka::config(address);
        config.set("linger.ms", "2").set("queue.buffering.max.messages", "5000");
        config.set("reconnect.backoff.ms", "10").set("reconnect.backoff.max.ms", "100");
        config.set("retry.backoff.ms", "10").set("compression.type", target.codec);
        for (key, value) in settings {
            config.set(*key, *value);
        }
        let told = Told::default();
        let producer: ThreadedProducer<Told> =
            config.create_with_context(told.clone()).expect("a producer can be made");
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, target) = (Arc::clone(&stop), target.clone());
        let sender = thread::spawn(move || send_until(&stopped, &producer, &target));
        Load { stop, told, sender }
    }

    /// What is acknowledged so far, and when it was.
    pub fn acked(&self) -> Vec<(Place, Instant)> {
        self.told.acked.lock().expect("nobody panics here").clone()
    }

    fn count(&self) -> usize {
        self.told.acked.lock().expect("nobody panics here").len()
    }

    /// Waits until a few hundred more records are acknowledged.
    pub fn wait_for_progress(&self) {
        let (before, end) = (self.count(), Instant::now() + DEADLINE);
        while self.count() < before + 300 {
            assert!(Instant::now() < end, "nothing is acknowledged any more; {before} were");
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Stops sending, waits for all that was sent, and gives what was acknowledged and how many records failed.
    pub fn finish(self) -> (Vec<Place>, u64) {
        self.stop.store(true, Ordering::Relaxed);
        self.sender.join().expect("the sender does not panic");
        let acked = self.told.acked.lock().expect("nobody panics here");
        let mut acked: Vec<Place> = acked.iter().map(|(place, _)| *place).collect();
        acked.sort_by_key(|place| place.number);
        (acked, self.told.failed.load(Ordering::Relaxed))
    }
}

/// Sends about 10,000 records a second, as long as the queue takes them.
fn send_until(stopped: &AtomicBool, producer: &ThreadedProducer<Told>, target: &Target) {
    let mut number = 0;
    while !stopped.load(Ordering::Relaxed) {
        for _ in 0..50 {
            let value = value(number);
            let partition = (number % 7) as i32 % target.partitions;
            let record: BaseRecord<'_, str, [u8], _> =
                BaseRecord::with_opaque_to(&target.topic, Box::new(number)).partition(partition);
            if producer.send(record.payload(&value[..])).is_ok() {
                number += 1;
            }
        }
        thread::sleep(Duration::from_millis(5));
    }
    producer.flush(DEADLINE).expect("all that was sent is answered in time");
}

/// The bytes of a record: its number, and a filling that depends on it.
pub fn value(number: u64) -> Vec<u8> {
    let mut value = format!("{number} ").into_bytes();
    let filling = usize::try_from(number * 37 % 900).expect("small");
    value.extend((0..filling).map(|i| (number as usize + i) as u8));
    value
}

/// The number of the record with these bytes, which must be those that belong to it.
pub fn number_of(bytes: &[u8]) -> u64 {
    let number = bytes.split(|byte| *byte == b' ').next().and_then(|n| std::str::from_utf8(n).ok());
    let number = number.and_then(|n| n.parse().ok()).expect("a value begins with its number");
    assert!(bytes == value(number), "record {number} has other bytes than were sent");
    number
}

/// Every record of the topic, each with the bytes that belong to its number. Offsets are dense from 0 on.
pub fn read_all(address: &str, target: &Target) -> Vec<Place> {
    let Target { topic, partitions, .. } = target;
    let consumer = librdkafka::consumer(&librdkafka::config(address), topic, *partitions);
    let mut wanted = Vec::new();
    for partition in 0..*partitions {
        let told = consumer.fetch_watermarks(topic, partition, DEADLINE);
        let (start, end) = told.expect("the broker tells its ends");
        assert_eq!(start, 0, "partition {partition} of {topic} begins at its beginning");
        wanted.extend((0..end).map(|offset| (partition, offset)));
    }
    let records = librdkafka::consume(address, topic, *partitions, wanted.len());
    let found: Vec<(i32, i64)> = records.iter().map(|r| (r.partition, r.offset)).collect();
    assert!(found == wanted, "{topic}: {} of {} offsets, each once", found.len(), wanted.len());
    let place = |record: &crate::records::Record| Place {
        number: number_of(record.value.as_deref().unwrap_or_default()),
        partition: record.partition,
        offset: record.offset,
    };
    records.iter().map(place).collect()
}
