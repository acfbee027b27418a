//! The work: librdkafka writes records as fast as they are taken, and reads them back.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{ClientContext, Offset, TopicPartitionList};

const STALL: Duration = Duration::from_secs(60);

pub fn config(address: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", address);
    config
}

/// Counts what was delivered and what was not.
#[derive(Clone, Default)]
struct Count {
    delivered: Arc<AtomicU64>,
    failed: Arc<AtomicU64>,
}

impl ClientContext for Count {}

impl ProducerContext for Count {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let count = if result.is_ok() { &self.delivered } else { &self.failed };
        count.fetch_add(1, Ordering::Relaxed);
    }
}

/// Writes `count` records of `size` bytes with acks=1 and librdkafka's own batching, and waits for the last ack.
pub fn produce(address: &str, topic: &str, count: u64, size: usize) -> anyhow::Result<()> {
    let counted = Count::default();
    let producer: BaseProducer<Count> = config(address)
        .set("acks", "1")
        .set("linger.ms", "5")
        .set("queue.buffering.max.messages", "500000")
        .create_with_context(counted.clone())?;
    let value = filling(size);
    for _ in 0..count {
        let mut record: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(topic).payload(&value);
        loop {
            match producer.send(record) {
                Ok(()) => break,
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), again)) => {
                    producer.poll(Duration::from_millis(10));
                    record = again;
                }
                Err((error, _)) => return Err(error.into()),
            }
        }
    }
    producer.flush(STALL).context("the last records were not acknowledged in time")?;
    let failed = counted.failed.load(Ordering::Relaxed);
    ensure!(failed == 0, "{failed} records were not delivered");
    ensure!(counted.delivered.load(Ordering::Relaxed) == count, "some records went missing");
    Ok(())
}

/// Reads `count` records from the start of all partitions.
pub fn consume(address: &str, topic: &str, partitions: i32, count: u64) -> anyhow::Result<()> {
    let consumer: BaseConsumer = config(address)
        .set("group.id", "unused")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        // By default librdkafka pauses fetching for a second once its queue is full: that would measure the pauses. A longer queue
        // would not help: the faster the broker, the more of it is memory that no cache has.
        .set("fetch.queue.backoff.ms", "5")
        .create()?;
    let mut wanted = TopicPartitionList::new();
    for partition in 0..partitions {
        wanted.add_partition_offset(topic, partition, Offset::Beginning)?;
    }
    consumer.assign(&wanted)?;
    let (mut seen, mut last) = (0, Instant::now());
    while seen < count {
        match consumer.poll(Duration::from_millis(100)) {
            Some(message) => {
                message?;
                seen += 1;
                if seen % 65_536 == 0 {
                    last = Instant::now();
                }
            }
            None if last.elapsed() > STALL => bail!("only {seen} of {count} records came"),
            None => {}
        }
    }
    Ok(())
}

/// Bytes that do not compress, so that nothing is won by accident.
pub fn filling(size: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut step = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[5]
    };
    (0..size).map(|_| step()).collect()
}

pub fn write_filler(path: &Path, gib: u64) -> anyhow::Result<()> {
    let mut file = std::fs::File::create(path)?;
    let piece = filling(1 << 20);
    for _ in 0..gib * 1024 {
        file.write_all(&piece)?;
    }
    file.sync_all()?;
    Ok(())
}
