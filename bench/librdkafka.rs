//! The work by librdkafka.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use rdkafka::bindings::{
    rd_kafka_consume_batch_queue, rd_kafka_message_destroy, rd_kafka_queue_destroy,
    rd_kafka_queue_get_consumer,
};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{ClientContext, Offset, TopicPartitionList};

use crate::clients::{BATCH, LINGER_MS, Pace, Steady};
use crate::load::Work;

const STALL: Duration = Duration::from_secs(60);

pub fn config(address: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", address).set("socket.nagle.disable", "true");
    config
}

/// Counts what was delivered and what was not.
#[derive(Clone, Default)]
pub struct Count {
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

impl Count {
    /// Waits for the last acknowledgement.
    pub fn settle(&self, producer: &BaseProducer<Count>, count: u64) -> anyhow::Result<()> {
        producer.flush(STALL).context("the last records were not acknowledged in time")?;
        let failed = self.failed.load(Ordering::Relaxed);
        ensure!(failed == 0, "{failed} records were not delivered");
        ensure!(self.delivered.load(Ordering::Relaxed) == count, "some records went missing");
        Ok(())
    }
}

/// Puts a record in the queue, as soon as there is room.
pub fn send(producer: &BaseProducer<Count>, topic: &str, value: &[u8]) -> anyhow::Result<()> {
    let mut record: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(topic).payload(value);
    loop {
        match producer.send(record) {
            Ok(()) => return Ok(()),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), again)) => {
                producer.poll(Duration::from_millis(10));
                record = again;
            }
            Err((error, _)) => return Err(error.into()),
        }
    }
}

pub fn produce(address: &str, work: &Work<'_>) -> anyhow::Result<()> {
    let counted = Count::default();
    let producer: BaseProducer<Count> = config(address)
        .set("acks", "1")
        .set("batch.size", BATCH.to_string())
        .set("linger.ms", LINGER_MS.to_string())
        .set("compression.type", work.codec.name())
        .set("queue.buffering.max.messages", "500000")
        .create_with_context(counted.clone())?;
    for value in work.values() {
        send(&producer, work.topic, value)?;
    }
    counted.settle(&producer, work.count)
}

/// A consumer of these partitions, without a group.
pub fn consumer(
    config: &mut ClientConfig,
    topic: &str,
    partitions: i32,
    from: Offset,
) -> anyhow::Result<BaseConsumer> {
    let consumer: BaseConsumer = config
        .set("group.id", "unused")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        // By default librdkafka pauses fetching for a second once its queue is full: that would measure the pauses. A longer queue
        // would not help: the faster the broker, the more of it is memory that no cache has.
        .set("fetch.queue.backoff.ms", "5")
        .create()?;
    let mut wanted = TopicPartitionList::new();
    for partition in 0..partitions {
        wanted.add_partition_offset(topic, partition, from)?;
    }
    consumer.assign(&wanted)?;
    Ok(consumer)
}

pub fn consume(address: &str, topic: &str, partitions: i32, count: u64) -> anyhow::Result<Steady> {
    let (mut pace, mut last) = (Pace::begin(), Instant::now());
    let consumer = consumer(&mut config(address), topic, partitions, Offset::Beginning)?;
    while pace.seen < count {
        match take(&consumer)? {
            0 if last.elapsed() > STALL => bail!("only {} of {count} records came", pace.seen),
            0 => {}
            some => {
                pace.came(some);
                last = Instant::now();
            }
        }
    }
    Ok(pace.end())
}

/// Takes what librdkafka has ready, and counts it. The crate's own poll makes an event of every record: at 100 B that costs more than
/// all that librdkafka and the broker do.
fn take(consumer: &BaseConsumer) -> anyhow::Result<u64> {
    const MOST: usize = 4096;
    let mut messages = [std::ptr::null_mut(); MOST];
    // SAFETY: the client lives as long as `consumer`; the array has room for MOST messages; each one that was filled in is ours until
    // it is destroyed, once; and so is the queue.
    unsafe {
        let queue = rd_kafka_queue_get_consumer(consumer.client().native_ptr());
        let count = rd_kafka_consume_batch_queue(queue, 100, messages.as_mut_ptr(), MOST);
        rd_kafka_queue_destroy(queue);
        let taken = &messages[..usize::try_from(count).context("librdkafka gave no records")?];
        let failed = taken.iter().find(|message| (***message).err as i32 != 0);
        let failed = failed.map(|message| (**message).err);
        taken.iter().for_each(|message| rd_kafka_message_destroy(*message));
        ensure!(failed.is_none(), "librdkafka: {failed:?}");
        Ok(taken.len() as u64)
    }
}
