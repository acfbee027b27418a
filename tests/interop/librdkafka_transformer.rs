//! librdkafka in this process, as a worker that moves records exactly once: see [`crate::transformer`].

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{Message, OwnedMessage};
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use rdkafka::{Offset, TopicPartitionList};

use crate::librdkafka::config;
use crate::transformer::Stage;

const DEADLINE: Duration = Duration::from_secs(30);
const ABORT_EACH: usize = 5;

/// Moves records until told to stop, and then leaves its last transaction as it is, as a crash would.
pub fn transform(address: &str, stage: &Stage, transactional_id: &str, stop: &AtomicBool) {
    let producer: ThreadedProducer<DefaultProducerContext> = config(address)
        .set("transactional.id", transactional_id)
        .set("transaction.timeout.ms", "3000")
        .set("linger.ms", "0")
        .create()
        .expect("a producer can be made");
    producer.init_transactions(DEADLINE).expect("it gets its id");
    let consumer: BaseConsumer = config(address)
        .set("group.id", &stage.group)
        .set("isolation.level", "read_committed")
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "earliest")
        .set("session.timeout.ms", "2000")
        .set("heartbeat.interval.ms", "100")
        .create()
        .expect("a consumer can be made");
    consumer.subscribe(&[&stage.source]).expect("it can subscribe");
    for turn in 1.. {
        let Some(records) = poll(&consumer, stop) else { return };
        producer.begin_transaction().expect("it begins");
        let doomed = turn % ABORT_EACH == 0;
        let next = copy(&producer, stage, &records, doomed);
        producer.flush(DEADLINE).expect("records are written in time");
        if stop.load(Ordering::Relaxed) {
            return;
        }
        if doomed {
            producer.abort_transaction(DEADLINE).expect("it aborts");
            go_back(&consumer, &next);
        } else {
            commit(&producer, &consumer, &next).expect("it commits");
        }
    }
}

/// Up to 100 records, or none if it is to stop.
fn poll(consumer: &BaseConsumer, stop: &AtomicBool) -> Option<Vec<OwnedMessage>> {
    let mut records = Vec::new();
    let mut wait = Instant::now() + Duration::from_millis(100);
    while records.len() < 100 && (records.is_empty() || Instant::now() < wait) {
        if stop.load(Ordering::Relaxed) {
            return None;
        }
        if let Some(record) = consumer.poll(Duration::from_millis(10)) {
            if records.is_empty() {
                wait = Instant::now() + Duration::from_millis(20);
            }
            records.push(record.expect("it reads").detach());
        }
    }
    Some(records)
}

/// Writes each record to the partition after its own; gives what is to be read next.
fn copy(
    producer: &ThreadedProducer<DefaultProducerContext>,
    stage: &Stage,
    records: &[OwnedMessage],
    doomed: bool,
) -> BTreeMap<(String, i32), i64> {
    let mut next = BTreeMap::new();
    for record in records {
        let value = String::from_utf8_lossy(record.payload().unwrap_or_default());
        let value = if doomed { format!("doomed {value}") } else { value.into_owned() };
        let to = (record.partition() + 1) % stage.partitions;
        let copied: BaseRecord<'_, [u8], str> =
            BaseRecord::to(&stage.target).partition(to).payload(&*value);
        let copied = copied.key(record.key().unwrap_or_default());
        producer.send(copied).map_err(|(error, _)| error).expect("the queue has room");
        next.insert((record.topic().to_owned(), record.partition()), record.offset() + 1);
    }
    next
}

fn commit(
    producer: &ThreadedProducer<DefaultProducerContext>,
    consumer: &BaseConsumer,
    next: &BTreeMap<(String, i32), i64>,
) -> Result<(), KafkaError> {
    let mut offsets = TopicPartitionList::new();
    for ((topic, partition), offset) in next {
        offsets.add_partition_offset(topic, *partition, Offset::Offset(*offset))?;
    }
    let group = consumer.group_metadata().expect("it has a group");
    producer.send_offsets_to_transaction(&offsets, &group, DEADLINE)?;
    producer.commit_transaction(DEADLINE)
}

fn go_back(consumer: &BaseConsumer, next: &BTreeMap<(String, i32), i64>) {
    let mut places = TopicPartitionList::new();
    for (topic, partition) in next.keys() {
        places.add_partition(topic, *partition);
    }
    let committed = consumer.committed_offsets(places, DEADLINE).expect("it is told");
    for place in committed.elements() {
        let offset = match place.offset() {
            Offset::Offset(offset) => Offset::Offset(offset),
            _ => Offset::Offset(0),
        };
        consumer.seek(place.topic(), place.partition(), offset, DEADLINE).expect("it goes back");
    }
}
