//! The clients of the soak. Each repeats one thing as long as `go` says, panics at the first error, and tells how often it did it.

use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use klog::wire::metadata::MetadataRequest;

use crate::librdkafka::{self, Admin};
use crate::load::{number_of, value};
use crate::raw::Raw;
use crate::records::Record;

/// How long a record may be under way: the machine may be busy with other tests.
const PATIENCE: Duration = Duration::from_secs(60);
const PARTITIONS: i32 = 3;

type Go<'a> = &'a dyn Fn() -> bool;

/// One idempotent producer, 500 records a second.
pub fn produce(address: &str, topic: &str, go: Go<'_>) -> u64 {
    let producer = librdkafka::producer(address, "none");
    let mut number = 0;
    while go() {
        for _ in 0..10 {
            let partition = (number % 3) as i32;
            librdkafka::send(&producer, topic, &numbered(number, partition));
            number += 1;
        }
        thread::sleep(Duration::from_millis(20));
    }
    librdkafka::flush(&producer);
    number
}

fn numbered(number: u64, partition: i32) -> Record {
    let value = value(number);
    Record { partition, value: Some(value), ..Record::default() }
}

/// One consumer that reads along: offsets ascend, bytes are those of their number.
pub fn consume(address: &str, topic: &str, go: Go<'_>) -> u64 {
    let consumer = librdkafka::consumer(&librdkafka::config(address), topic, PARTITIONS);
    let mut newest = [-1; PARTITIONS as usize];
    let mut count = 0;
    while go() {
        let Some(record) = librdkafka::next(&consumer, Duration::from_millis(100)) else {
            continue;
        };
        let newest = &mut newest[record.partition as usize];
        assert!(record.offset > *newest, "offset {} after {newest}", record.offset);
        *newest = record.offset;
        number_of(record.value.as_deref().unwrap_or_default());
        count += 1;
    }
    assert!(count > 0, "not one record was read");
    count
}

/// Idempotent producers, each with an id of its own, for a few records.
pub fn come_and_go_producing(address: &str, topic: &str, go: Go<'_>) -> u64 {
    let codecs = ["none", "gzip", "snappy", "lz4", "zstd"];
    let mut count = 0;
    while go() {
        let records: Vec<Record> = (0..30).map(|n| numbered(n, (n % 3) as i32)).collect();
        librdkafka::produce(address, topic, codecs[count as usize % codecs.len()], &records);
        count += 1;
    }
    count
}

/// Consumers, each for a few records.
pub fn come_and_go_consuming(address: &str, topic: &str, go: Go<'_>) -> u64 {
    let mut count = 0;
    while go() {
        let consumer = librdkafka::consumer(&librdkafka::config(address), topic, PARTITIONS);
        for _ in 0..10 {
            librdkafka::next(&consumer, PATIENCE).expect("there are records to read");
        }
        count += 1;
    }
    count
}

/// Topics, some of them under a name that was there before; what is written to one is read from it, then it is deleted.
pub fn make_and_delete_topics(address: &str, go: Go<'_>) -> u64 {
    let admin = Admin::new(address);
    let mut count = 0;
    while go() {
        let topic = format!("topic-{}", count % 4);
        let flush = if count % 2 == 0 { "1" } else { "1000000" };
        let configs =
            [("segment.ms", "1"), ("file.delete.delay.ms", "1000"), ("flush.messages", flush)];
        admin.create(&topic, PARTITIONS, &configs);
        let records: Vec<Record> = (0..200).map(|n| numbered(n, (n % 3) as i32)).collect();
        librdkafka::produce(address, &topic, "none", &records);
        let read = librdkafka::consume(address, &topic, PARTITIONS, records.len());
        assert_eq!(read.len(), records.len(), "records of {topic}");
        admin.delete(&topic);
        count += 1;
    }
    count
}

/// Connections: some ask for something, some leave without a word, some in the middle of a request.
pub fn connect_and_leave(address: &str, go: Go<'_>) -> u64 {
    let mut count = 0;
    while go() {
        let request = MetadataRequest { topics: Some(Vec::new()), ..Default::default() };
        let answer = Raw::connect(address).call(12, &request);
        assert_eq!(answer.brokers.len(), 1, "a node");
        drop(TcpStream::connect(address).expect("the broker accepts connections"));
        Raw::connect(address).send_bytes(&100i32.to_be_bytes());
        count += 3;
        thread::sleep(Duration::from_millis(20));
    }
    count
}
