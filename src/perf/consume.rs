//! Consumers, as fast as they get records.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use super::clock::Clock;
use super::failure::Failure;
use super::meter::Meter;
use super::run::Run;
use super::schedule::Length;
use crate::base::TopicName;
use crate::client::{
    Admin, Client, ConsumedRecord, Consumer, ConsumerConfig, GroupConsumer, OffsetSpec, Polled,
    StartAt, Subscription,
};

/// How long a poll waits before somebody looks whether all is read.
const PATIENCE: Duration = Duration::from_millis(100);

/// What consumers are to do.
#[derive(Clone, Debug)]
pub struct ConsumeLoad {
    /// What is read.
    pub topic: TopicName,
    /// How many partitions it has.
    pub partitions: i32,
    /// How each of them is configured; members where it names a group, else each reads its share of the partitions from the first
    /// record on.
    pub consumer: ConsumerConfig,
    /// How long. Without records and duration up to the end as it is at the start.
    pub length: Length,
}

/// Starts a consumer per client.
///
/// # Errors
/// If the topic's ends are not told, or the group is not to be joined.
pub async fn consume(clients: &[Client], load: &ConsumeLoad) -> Result<Run, Failure> {
    let goal = Arc::new(Goal::of(&clients[0], load).await?);
    let mut readers = Vec::with_capacity(clients.len());
    for (number, client) in clients.iter().enumerate() {
        readers.push(Reader::open(client, load, number, clients.len())?);
    }
    let mut run = Run::start(load.length.warm_up);
    for reader in readers {
        let clock = run.clock();
        let until = load.length.duration.map(|duration| clock.measured_from + duration);
        let worker = Worker {
            reader,
            topic: load.topic.clone(),
            goal: goal.clone(),
            until,
            clock,
            meter: run.meter(),
            stop: run.stopped(),
        };
        run.spawn(worker.read());
    }
    Ok(run)
}

/// The partitions of one of several consumers.
pub(super) fn share_of(partitions: i32, number: usize, among: usize) -> impl Iterator<Item = i32> {
    (0..partitions).skip(number).step_by(among)
}

/// Bytes of a record's key and value.
pub(super) fn bytes_of(record: &ConsumedRecord) -> usize {
    let length = |bytes: &Option<bytes::Bytes>| bytes.as_ref().map_or(0, bytes::Bytes::len);
    length(&record.key) + length(&record.value)
}

/// When all is read.
#[derive(Default)]
struct Goal {
    /// Records that still count; None is without end.
    left: Option<AtomicU64>,
    /// Where partitions end that are not read to their end yet; None where nobody asks.
    ends: Option<Mutex<BTreeMap<i32, i64>>>,
}

impl Goal {
    async fn of(client: &Client, load: &ConsumeLoad) -> Result<Goal, Failure> {
        let left = load.length.records.map(AtomicU64::new);
        if left.is_some() || load.length.duration.is_some() {
            return Ok(Goal { left, ends: None });
        }
        let latest = |partition| (load.topic.clone(), partition, OffsetSpec::Latest);
        let wanted: Vec<_> = (0..load.partitions).map(latest).collect();
        let mut ends = BTreeMap::new();
        let found = Admin::new(client).list_offsets(&wanted, load.consumer.isolation).await?;
        for ((_, partition), end) in found {
            ends.insert(partition, end?.offset.unwrap_or(0));
        }
        // Where nothing was ever written nobody has a position to reach.
        ends.retain(|_, end| *end > 0);
        Ok(Goal { left, ends: Some(Mutex::new(ends)) })
    }

    /// How many of these count.
    fn claim(&self, records: usize) -> usize {
        let Some(left) = &self.left else { return records };
        let records = records as u64;
        let before = left.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| {
            Some(left.saturating_sub(records))
        });
        // What counts of them is not more than there were.
        before.unwrap_or(0).min(records) as usize
    }

    /// Whether nothing is left, now that this consumer has read on.
    fn is_reached(&self, reader: &Consumer, topic: &TopicName) -> bool {
        if self.left.as_ref().is_some_and(|left| left.load(Ordering::Acquire) == 0) {
            return true;
        }
        self.ends.as_ref().is_some_and(|ends| {
            let mut ends = ends.lock();
            ends.retain(|partition, end| {
                reader.position(topic, *partition).is_none_or(|position| position < *end)
            });
            ends.is_empty()
        })
    }
}

enum Reader {
    Alone(Consumer),
    Member(Box<GroupConsumer>),
}

impl Reader {
    fn open(
        client: &Client,
        load: &ConsumeLoad,
        number: usize,
        among: usize,
    ) -> Result<Reader, Failure> {
        let config = load.consumer.clone();
        if config.group.id.is_some() {
            let topics = Subscription::Topics([load.topic.clone()].into());
            return Ok(Reader::Member(Box::new(GroupConsumer::new(client, config, topics)?)));
        }
        let consumer = Consumer::new(client, config);
        let from_first = |partition| (load.topic.clone(), partition, StartAt::Earliest);
        let own: Vec<_> = share_of(load.partitions, number, among).map(from_first).collect();
        consumer.assign(&own);
        Ok(Reader::Alone(consumer))
    }

    async fn poll(&self) -> Result<Vec<ConsumedRecord>, Failure> {
        Ok(match self {
            Reader::Alone(consumer) => consumer.poll(PATIENCE).await?,
            Reader::Member(member) => match member.poll(PATIENCE).await? {
                Polled::Records(records) => records,
                Polled::Assigned(_) | Polled::Revoked(_) | Polled::Lost(_) => Vec::new(),
            },
        })
    }

    fn consumer(&self) -> &Consumer {
        match self {
            Reader::Alone(consumer) => consumer,
            Reader::Member(member) => member.reader(),
        }
    }

    async fn close(self) -> Result<(), Failure> {
        match self {
            Reader::Alone(_) => Ok(()),
            Reader::Member(member) => Ok(member.close().await?),
        }
    }
}

/// One consumer and what it reads.
struct Worker {
    reader: Reader,
    topic: TopicName,
    goal: Arc<Goal>,
    until: Option<Instant>,
    clock: Clock,
    meter: Arc<Meter>,
    stop: CancellationToken,
}

impl Worker {
    async fn read(self) -> Result<(), Failure> {
        let is_late = || self.until.is_some_and(|until| Instant::now() >= until);
        while !self.stop.is_cancelled() && !is_late() {
            let records = self.reader.poll().await?;
            self.count(&records);
            if self.goal.is_reached(self.reader.consumer(), &self.topic) {
                break;
            }
            // What was fetched ahead comes without waiting.
            tokio::task::yield_now().await;
        }
        self.reader.close().await
    }

    fn count(&self, records: &[ConsumedRecord]) {
        let now = Instant::now();
        if records.is_empty() {
            return;
        }
        if now < self.clock.measured_from {
            self.meter.open().warm_up_records += records.len() as u64;
            return;
        }
        let counted = &records[..self.goal.claim(records.len())];
        let bytes: usize = counted.iter().map(bytes_of).sum();
        self.meter.open().records(counted.len() as u64, bytes as u64, now);
    }
}
