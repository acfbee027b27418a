//! librdkafka through the `rdkafka` crate: the client that the tests themselves stand on.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Header as KafkaHeader, Headers, Message, OwnedHeaders};
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer, ProducerContext, ThreadedProducer};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{ClientContext, Offset, TopicPartitionList};

use crate::records::{Header, Record};

const DEADLINE: Duration = Duration::from_secs(60);

/// A configuration that knows the broker, to which a test adds what it is about.
pub fn config(address: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", address);
    config
}

pub struct Admin(AdminClient<DefaultClientContext>, tokio::runtime::Runtime);

impl Admin {
    pub fn new(address: &str) -> Admin {
        let client = config(address).create().expect("an admin client can be made");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        Admin(client, runtime.expect("a runtime can be made"))
    }

    pub fn create(&self, topic: &str, partitions: i32, configs: &[(&str, &str)]) {
        let mut wanted = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
        for (key, value) in configs {
            wanted = wanted.set(key, value);
        }
        let done = self.1.block_on(self.0.create_topics([&wanted], &options())).expect("answered");
        assert_eq!(done, [Ok(topic.to_owned())]);
    }

    pub fn delete(&self, topic: &str) {
        let done = self.1.block_on(self.0.delete_topics(&[topic], &options())).expect("answered");
        assert_eq!(done, [Ok(topic.to_owned())]);
    }
}

fn options() -> AdminOptions {
    AdminOptions::new().operation_timeout(Some(Duration::from_secs(10)))
}

/// Ends the test binary with the first record that is not delivered.
pub struct MustDeliver;

impl ClientContext for MustDeliver {}

impl ProducerContext for MustDeliver {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, record)) = result {
            eprintln!("librdkafka could not deliver to partition {}: {error}", record.partition());
            std::process::abort();
        }
    }
}

/// Writes `records`, idempotently, and waits until all are acknowledged.
pub fn produce(address: &str, topic: &str, codec: &str, records: &[Record]) {
    let producer = producer(address, codec);
    records.iter().for_each(|record| send(&producer, topic, record));
    flush(&producer);
}

/// An idempotent producer.
pub fn producer(address: &str, codec: &str) -> ThreadedProducer<MustDeliver> {
    config(address)
        .set("enable.idempotence", "true")
        .set("compression.type", codec)
        .set("message.max.bytes", "1048576")
        .create_with_context(MustDeliver)
        .expect("a producer can be made")
}

/// Queues a record; waits where the queue is full. Timestamp 0 is now.
pub fn send(producer: &ThreadedProducer<MustDeliver>, topic: &str, record: &Record) {
    let mut next = BaseRecord::to(topic).partition(record.partition).timestamp(record.timestamp);
    next.key = record.key.as_ref();
    next.payload = record.value.as_ref();
    if !record.headers.is_empty() {
        next = next.headers(headers(&record.headers));
    }
    loop {
        match producer.send(next) {
            Ok(()) => return,
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), again)) => {
                std::thread::sleep(Duration::from_millis(5));
                next = again;
            }
            Err((error, _)) => panic!("librdkafka refused a record: {error}"),
        }
    }
}

/// Waits until all that was sent is acknowledged.
pub fn flush(producer: &ThreadedProducer<MustDeliver>) {
    producer.flush(DEADLINE).expect("all records are delivered in time");
}

fn headers(headers: &[Header]) -> OwnedHeaders {
    headers.iter().fold(OwnedHeaders::new(), |all, header| {
        all.insert(KafkaHeader { key: &header.key, value: header.value.as_ref() })
    })
}

/// A consumer of all `partitions` of `topic` from the start, without a group.
pub fn consumer(config: &ClientConfig, topic: &str, partitions: i32) -> BaseConsumer {
    let consumer: BaseConsumer = config
        .clone()
        .set("group.id", "unused")
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "earliest")
        .create()
        .expect("a consumer can be made");
    let mut wanted = TopicPartitionList::new();
    for partition in 0..partitions {
        wanted.add_partition_offset(topic, partition, Offset::Beginning).expect("can be added");
    }
    consumer.assign(&wanted).expect("partitions can be assigned");
    consumer
}

/// The next record, or none within `wait`. A lost connection is librdkafka's own business; any other error is the test's.
pub fn next(consumer: &BaseConsumer, wait: Duration) -> Option<Record> {
    let end = Instant::now() + wait;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        match consumer.poll(left)? {
            Ok(message) => return Some(record(&message)),
            Err(KafkaError::MessageConsumption(RDKafkaErrorCode::BrokerTransportFailure)) => {}
            Err(error) => panic!("librdkafka could not consume: {error}"),
        }
    }
}

/// As [`next`], but errors are expected, and passed over.
pub fn next_despite_errors(consumer: &BaseConsumer, wait: Duration) -> Option<Record> {
    consumer.poll(wait)?.ok().map(|message| record(&message))
}

/// Reads `count` records, in order of partition and offset.
pub fn consume(address: &str, topic: &str, partitions: i32, count: usize) -> Vec<Record> {
    let mut settings = config(address);
    settings.set("check.crcs", "true");
    let consumer = consumer(&settings, topic, partitions);
    let end = Instant::now() + DEADLINE;
    let mut records = Vec::new();
    while records.len() < count && Instant::now() < end {
        records.extend(next(&consumer, Duration::from_millis(100)));
    }
    records.sort_by_key(|record| (record.partition, record.offset));
    records
}

/// All committed records up to the end of every partition.
pub fn read_to_end(address: &str, topic: &str, partitions: i32) -> Vec<Record> {
    let mut settings = config(address);
    settings.set("enable.partition.eof", "true").set("isolation.level", "read_committed");
    let consumer = consumer(&settings, topic, partitions);
    let end = Instant::now() + DEADLINE;
    let (mut records, mut ended) = (Vec::new(), BTreeSet::new());
    while ended.len() < partitions as usize {
        assert!(Instant::now() < end, "only {ended:?} of {partitions} partitions end");
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => records.push(record(&message)),
            Some(Err(KafkaError::PartitionEOF(partition))) => drop(ended.insert(partition)),
            Some(Err(error)) => eprintln!("{error}"),
            None => {}
        }
    }
    records
}

fn record(message: &BorrowedMessage<'_>) -> Record {
    let headers = message.headers().map(|headers| {
        let owned = |h: KafkaHeader<'_, &[u8]>| Header {
            key: h.key.to_owned(),
            value: h.value.map(<[u8]>::to_vec),
        };
        headers.iter().map(owned).collect()
    });
    Record {
        partition: message.partition(),
        offset: message.offset(),
        timestamp: message.timestamp().to_millis().unwrap_or(-1),
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().map(<[u8]>::to_vec),
        headers: headers.unwrap_or_default(),
    }
}
