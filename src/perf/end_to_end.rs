//! From the moment a record was due to the moment a consumer has it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::clock::Clock;
use super::consume::{bytes_of, share_of};
use super::failure::Failure;
use super::meter::Meter;
use super::produce::{self, ProduceLoad};
use super::run::Run;
use super::stamp::Stamp;
use crate::base::TopicName;
use crate::client::{Client, ClientError, ConsumedRecord, Consumer, ConsumerConfig, StartAt};

/// How long a poll waits before somebody looks whether all is read.
const PATIENCE: Duration = Duration::from_millis(20);

/// What producers and consumers are to do together.
#[derive(Clone, Debug)]
pub struct EndToEndLoad {
    /// What is written. Each record gets a header of 25 bytes that says when it was due.
    pub produce: ProduceLoad,
    /// How many partitions the topic has; each consumer reads its share of them, from the end on.
    pub partitions: i32,
    /// How the consumers are configured; a group is not joined.
    pub consumer: ConsumerConfig,
}

/// Starts a producer and a consumer per client.
///
/// # Errors
/// If the topic's ends are not told, a transactional id cannot be taken, or the system has no timer left.
pub async fn end_to_end(
    producers: &[Client],
    consumers: &[Client],
    load: &EndToEndLoad,
) -> Result<Run, Failure> {
    let topic = &load.produce.topic;
    let mut readers = Vec::with_capacity(consumers.len());
    for (number, client) in consumers.iter().enumerate() {
        let own: Vec<i32> = share_of(load.partitions, number, consumers.len()).collect();
        readers.push(at_end(client, load.consumer.clone(), topic, &own).await?);
    }
    let ways = produce::open(producers, &load.produce).await?;
    let patience = consumers.first().map_or(PATIENCE, |client| client.config().api_timeout);
    let mut run = Run::start(load.produce.length.warm_up);
    let (stamp, tally) = (Stamp::new(run.clock()), Arc::<Tally>::default());
    produce::start(&mut run, ways, &load.produce, Some((stamp, &tally)))?;
    for consumer in readers {
        let (clock, meter) = (run.clock(), run.meter());
        run.spawn(Reader { consumer, stamp, tally: tally.clone(), clock, meter, patience }.read());
    }
    Ok(run)
}

/// A consumer that stands at the end of its partitions, and knows it.
async fn at_end(
    client: &Client,
    config: ConsumerConfig,
    topic: &TopicName,
    partitions: &[i32],
) -> Result<Consumer, Failure> {
    let consumer = Consumer::new(client, config);
    let latest = |partition: &i32| (topic.clone(), *partition, StartAt::Latest);
    consumer.assign(&partitions.iter().map(latest).collect::<Vec<_>>());
    let after = client.config().api_timeout;
    let give_up_at = Instant::now() + after;
    while partitions.iter().any(|partition| consumer.position(topic, *partition).is_none()) {
        consumer.poll(PATIENCE).await?;
        if Instant::now() >= give_up_at {
            let what = "finding the end of the topic";
            return Err(ClientError::TimedOut { what, after, last: None }.into());
        }
    }
    Ok(consumer)
}

/// How many records are on their way to the consumers.
#[derive(Default)]
pub(super) struct Tally {
    delivered: AtomicU64,
    seen: AtomicU64,
    producing: AtomicUsize,
}

impl Tally {
    /// Takes out of the account, once, what was delivered and nobody has seen.
    fn missing(&self) -> u64 {
        let delivered = self.delivered.load(Ordering::Acquire);
        delivered.saturating_sub(self.seen.fetch_max(delivered, Ordering::AcqRel))
    }

    /// Whether nothing more is to come.
    fn is_complete(&self) -> bool {
        let delivered = self.delivered.load(Ordering::Acquire);
        self.is_delivered() && self.seen.load(Ordering::Acquire) >= delivered
    }

    /// Whether all producers have ended.
    fn is_delivered(&self) -> bool {
        self.producing.load(Ordering::Acquire) == 0
    }
}

/// A producer whose records are waited for at the other end; until it is dropped.
pub(super) struct Producing(Arc<Tally>);

impl Producing {
    pub(super) fn new(tally: &Arc<Tally>) -> Producing {
        tally.producing.fetch_add(1, Ordering::AcqRel);
        Producing(tally.clone())
    }

    /// More of its records were delivered.
    pub(super) fn delivered(&self, records: u64) {
        self.0.delivered.fetch_add(records, Ordering::AcqRel);
    }
}

impl Drop for Producing {
    fn drop(&mut self) {
        self.0.producing.fetch_sub(1, Ordering::AcqRel);
    }
}

/// One consumer and what it sees.
struct Reader {
    consumer: Consumer,
    stamp: Stamp,
    tally: Arc<Tally>,
    clock: Clock,
    meter: Arc<Meter>,
    /// How long what was delivered may take to arrive.
    patience: Duration,
}

impl Reader {
    /// Reads until all is here that was delivered.
    async fn read(self) -> Result<(), Failure> {
        let mut give_up_at = None;
        while !self.tally.is_complete() {
            let records = self.consumer.poll(PATIENCE).await?;
            let now = Instant::now();
            self.count(&records, now);
            if !records.is_empty() || !self.tally.is_delivered() {
                give_up_at = None;
            } else if now >= *give_up_at.get_or_insert(now + self.patience) {
                let count = self.tally.missing();
                if count > 0 {
                    self.meter.open().failed_with(
                        "never-read",
                        count,
                        Failure::NeverRead { count },
                    );
                }
            }
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    fn count(&self, records: &[ConsumedRecord], now: Instant) {
        let mut seen = 0;
        let mut counts = self.meter.open();
        for record in records {
            if let Some(due) = self.stamp.due(record) {
                counts.done(self.clock, due, now, bytes_of(record));
                seen += 1;
            }
        }
        self.tally.seen.fetch_add(seen, Ordering::AcqRel);
    }
}
