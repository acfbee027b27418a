//! Sends records: they gather in batches per partition, and one task per producer sends those.
//!
//! [`Producer::send`] returns once the record is in its batch; what becomes of it is the [`Delivery`]'s to tell.
//! Per partition, records are written in the order of their `send`s. With idempotence (the default) each is written
//! once, whatever connections break. A record is failed, never dropped in silence: `delivery.timeout.ms` is the bound.

mod delivery;
mod exchange;
mod lane;
mod queue;
mod sender;
mod shared;
mod split;
mod sticky;
pub(super) mod transaction;
mod window;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use parking_lot::{Mutex, RwLock};
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;

pub use delivery::Delivery;

use self::queue::{Appended, Queue, Terms, record_size};
use self::sticky::Topic;
use self::transaction::{Transaction, TransactionError};
use super::config::ProducerConfig;
use super::error::{ClientError, ProduceError};
use super::handle::Client;
use super::partitioner::{Choice, Routed};
use super::record::ProducerRecord;
use crate::base::TopicName;
use crate::record::HEADER_LEN;

/// Sends records to any topics of one cluster. Methods take `&self`: share it by reference or in an `Arc`.
///
/// Dropping it gives up on what is not yet delivered; [`Producer::close`] delivers first.
#[derive(Debug)]
pub struct Producer {
    shared: Arc<Shared>,
    stop: CancellationToken,
}

impl Drop for Producer {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::Release);
        self.stop.cancel();
    }
}

/// How many records were delivered and failed so far, over all topics.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    /// Acknowledged, or with acks=0 sent.
    pub delivered: u64,
    /// Failed after `send` had taken them.
    pub failed: u64,
    /// Why the first of them failed.
    pub first_error: Option<ProduceError>,
}

/// What appenders and the sender share.
#[derive(Debug)]
struct Shared {
    client: Client,
    config: ProducerConfig,
    /// Bytes of the buffer that are free.
    memory: Semaphore,
    topics: RwLock<BTreeMap<TopicName, Arc<Topic>>>,
    /// Queues with news for the sender.
    inbox: Mutex<Vec<Arc<Queue>>>,
    news: Notify,
    lanes: AtomicUsize,
    next_batch: AtomicU64,
    /// Numbers of batches that were opened and are not done, with how many parts each has.
    unfinished: Mutex<BTreeMap<u64, u32>>,
    finished: Notify,
    /// Batches up to this number are sent without lingering.
    flush_up_to: AtomicU64,
    /// How many callers wait for room: batches are then sent without lingering.
    waiting_for_room: AtomicUsize,
    totals: Mutex<Totals>,
    closed: AtomicBool,
    transaction: Option<Arc<Transaction>>,
}

impl Producer {
    /// A producer that shares the client's view of the cluster. One whose config names a transactional id refuses every record:
    /// that is for [`TransactionalProducer`](super::TransactionalProducer).
    pub fn new(client: &Client, config: ProducerConfig) -> Producer {
        Producer::within(client, config, None)
    }

    fn within(
        client: &Client,
        config: ProducerConfig,
        transaction: Option<Arc<Transaction>>,
    ) -> Producer {
        let shared = Arc::new(Shared {
            client: client.clone(),
            memory: Semaphore::new(config.buffer_bytes.min(Semaphore::MAX_PERMITS)),
            config,
            topics: RwLock::default(),
            inbox: Mutex::default(),
            news: Notify::new(),
            lanes: AtomicUsize::new(0),
            next_batch: AtomicU64::new(1),
            unfinished: Mutex::default(),
            finished: Notify::new(),
            flush_up_to: AtomicU64::new(0),
            waiting_for_room: AtomicUsize::new(0),
            totals: Mutex::default(),
            closed: AtomicBool::new(false),
            transaction,
        });
        let stop = CancellationToken::new();
        tokio::spawn(sender::Sender::new(shared.clone()).run(stop.clone()));
        Producer { shared, stop }
    }

    /// Puts a record in its partition's batch. Waits, up to `max.block.ms`, for the topic's partitions when it is
    /// first seen, and for room in the buffer.
    ///
    /// # Errors
    /// `TooLarge`, `Blocked`, `Closed`, and `Client` where the partition does not exist. The record is then not sent.
    pub async fn send(&self, record: ProducerRecord) -> Result<Delivery, ProduceError> {
        if let Some(sent) = self.try_send(&record) {
            return sent;
        }
        let size = record_size(&record);
        let topic = match self.shared.known_topic(&record.topic) {
            Some(topic) => topic,
            None => self.shared.find_topic(&record.topic).await?,
        };
        let mut grant = Grant { memory: &self.shared.memory, bytes: 0 };
        loop {
            match self.shared.append(&topic, &record, size, &mut grant.bytes)? {
                Appended::In { delivery, .. } => return Ok(delivery),
                Appended::NoRoom { bytes } => {
                    let more = bytes.saturating_sub(grant.bytes);
                    self.shared.wait_for_room(more).await?;
                    grant.bytes += more;
                }
                Appended::WouldOpen => {}
            }
        }
    }

    /// The same as [`Producer::send`], where that needs no waiting; None where it would, and the record is not sent.
    ///
    /// # Errors
    /// As `send`.
    pub fn try_send(&self, record: &ProducerRecord) -> Option<Result<Delivery, ProduceError>> {
        let size = record_size(record);
        if let Err(error) = self.shared.check_size(size) {
            return Some(Err(error));
        }
        let topic = self.shared.known_topic(&record.topic)?;
        match self.shared.append(&topic, record, size, &mut 0) {
            Ok(Appended::In { delivery, .. }) => Some(Ok(delivery)),
            Ok(Appended::NoRoom { .. } | Appended::WouldOpen) => None,
            Err(error) => Some(Err(error)),
        }
    }

    /// Sends all that was appended before this call at once, and waits until each is delivered or has failed: at
    /// most `delivery.timeout.ms`. What failed is in [`Producer::totals`].
    pub async fn flush(&self) {
        let last = self.shared.hurry();
        loop {
            let finished = self.shared.finished.notified();
            let oldest = self.shared.unfinished.lock().first_key_value().map(|(n, _)| *n);
            if oldest.is_none_or(|number| number > last) || self.stop.is_cancelled() {
                return;
            }
            finished.await;
        }
    }

    /// Takes no more records, delivers those it has, and ends.
    pub async fn close(self) -> Totals {
        self.shared.closed.store(true, Ordering::Release);
        self.flush().await;
        self.totals()
    }

    /// What became of the records so far.
    pub fn totals(&self) -> Totals {
        self.shared.totals.lock().clone()
    }

    /// Bytes of the buffer in use; never more than `buffer.memory`.
    pub fn buffered_bytes(&self) -> usize {
        self.shared.config.buffer_bytes.saturating_sub(self.shared.memory.available_permits())
    }
}

impl Shared {
    /// Lets nothing linger that was appended so far; tells up to which batch that is.
    fn hurry(&self) -> u64 {
        let last = self.next_batch.load(Ordering::Acquire);
        self.flush_up_to.fetch_max(last, Ordering::AcqRel);
        self.news.notify_one();
        last
    }

    fn check_size(&self, size: usize) -> Result<(), ProduceError> {
        if self.closed.load(Ordering::Acquire) {
            return Err(ProduceError::Closed);
        }
        if self.config.transactional_id.is_some() && self.transaction.is_none() {
            let what = "a transactional id is for a transactional producer";
            return Err(TransactionError::BadConfig(what).into());
        }
        let bytes = size + HEADER_LEN;
        let max = self.config.max_request_bytes;
        if bytes > max {
            return Err(ProduceError::TooLarge { bytes, max, limit: "max.request.size" });
        }
        let max = self.config.buffer_bytes;
        if bytes > max {
            return Err(ProduceError::TooLarge { bytes, max, limit: "buffer.memory" });
        }
        Ok(())
    }

    fn known_topic(&self, name: &TopicName) -> Option<Arc<Topic>> {
        self.topics.read().get(name).cloned()
    }

    async fn find_topic(&self, name: &TopicName) -> Result<Arc<Topic>, ProduceError> {
        let after = self.config.max_block;
        let found = self.client.topic(name, after).await.map_err(|cause| match cause {
            permanent if !permanent.retriable() => ProduceError::Client(permanent),
            cause => {
                let what = "the topic's partitions were not learnt";
                ProduceError::Blocked { what, after, cause: Some(cause) }
            }
        })?;
        let mut topics = self.topics.write();
        let topic =
            topics.entry(name.clone()).or_insert_with(|| Arc::new(Topic::new(name.clone())));
        topic.grow(found.partitions.len(), &self.lanes);
        Ok(topic.clone())
    }

    /// Chooses the partition and appends.
    fn append(
        &self,
        topic: &Topic,
        record: &ProducerRecord,
        size: usize,
        granted: &mut usize,
    ) -> Result<Appended, ProduceError> {
        // Held until the record is in its batch: a transaction does not begin to end in between.
        let _open = self.transaction.as_ref().map(|transaction| transaction.hold()).transpose()?;
        let timestamp = record.timestamp.unwrap_or_else(now_millis);
        let number = || {
            let mut unfinished = self.unfinished.lock();
            let number = self.next_batch.fetch_add(1, Ordering::AcqRel);
            unfinished.insert(number, 1);
            number
        };
        let terms = Terms { config: &self.config, memory: &self.memory, number: &number };
        let queues = topic.queues();
        let count = queues.len();
        let choice = match record.partition {
            Some(partition) => Choice::Partition(u32::try_from(partition).unwrap_or(u32::MAX)),
            None => {
                let (key, value) = (record.key.as_deref(), record.value.as_deref());
                let routed = Routed { topic: topic.name(), key, value };
                self.config.partitioner.choose(routed, count as u32)
            }
        };
        let queue = match choice {
            Choice::Partition(index) => queues.get(index as usize).ok_or_else(|| {
                let partition = index.try_into().unwrap_or(-1);
                ClientError::UnknownPartition { topic: record.topic.clone(), partition, count }
            })?,
            Choice::Sticky => {
                let sticky = topic.sticky(count);
                let queue = &queues[sticky];
                let appended =
                    queue.append(record, timestamp, size, granted, count == 1, &terms)?;
                match appended {
                    // The batch is full or gone: the next one is another partition's.
                    Appended::WouldOpen => &queues[topic.unstick(&self.client.cluster(), count)],
                    appended => return Ok(self.noted(queue, appended)),
                }
            }
        };
        let appended = queue.append(record, timestamp, size, granted, true, &terms)?;
        Ok(self.noted(queue, appended))
    }

    /// Tells the sender of news.
    fn noted(&self, queue: &Arc<Queue>, appended: Appended) -> Appended {
        if matches!(appended, Appended::In { wake: true, .. }) {
            self.inbox.lock().push(queue.clone());
            self.news.notify_one();
        }
        appended
    }

    /// Waits for `bytes` of the buffer; they are then the caller's.
    async fn wait_for_room(&self, bytes: usize) -> Result<(), ProduceError> {
        let waiting = Waiting::new(&self.waiting_for_room);
        self.news.notify_one();
        let after = self.config.max_block;
        let got = tokio::time::timeout(after, self.memory.acquire_many(bytes as u32)).await;
        drop(waiting);
        match got {
            Ok(Ok(permit)) => {
                permit.forget();
                Ok(())
            }
            Ok(Err(_)) => Err(ProduceError::Closed),
            Err(_) => {
                let what = "there was no room in the buffer";
                Err(ProduceError::Blocked { what, after, cause: None })
            }
        }
    }
}

/// Bytes of the buffer that one `send` holds and has not used; given back, also when it is cancelled.
struct Grant<'a> {
    memory: &'a Semaphore,
    bytes: usize,
}

impl Drop for Grant<'_> {
    fn drop(&mut self) {
        self.memory.add_permits(self.bytes);
    }
}

/// Counts one who waits, until dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Waiting<'a> {
        count.fetch_add(1, Ordering::AcqRel);
        Waiting(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

fn now_millis() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as i64)
}
