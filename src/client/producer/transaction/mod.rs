//! Transactions: records to many partitions, and the offsets that they were made from, all of which count or none (KIP-98).
//!
//! [`TransactionalProducer`] is a producer whose records belong to the transaction that is open. A task of its own asks the
//! coordinator what its machine says is due; the sender asks the machine who writes, and whether it may.

mod driver;
mod error;
mod machine;
#[cfg(test)]
mod machine_tests;
#[cfg(test)]
mod machine_world;
mod refusal;
mod requests;

use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, RwLock, RwLockReadGuard};
use tokio::sync::Notify;
use tokio::time::Instant;

pub use self::error::{AbortCause, ErrorClass, TransactionError};
pub(super) use self::machine::Drops;

use self::machine::{Machine, Protocol};
use super::super::committed::GroupOffsets;
use super::super::config::{Acks, ProducerConfig};
use super::super::connection::Connection;
use super::super::error::{ClientError, ProduceError};
use super::super::handle::Client;
use super::super::record::ProducerRecord;
use super::exchange;
use super::queue::{Batch, Queue};
use super::window::Window;
use super::{Delivery, Producer, Shared, Totals};
use crate::base::ErrorCode;
use crate::wire::produce::ProduceRequest;

/// The member of a group whose offsets a transaction commits: only while it is one, its offsets are taken (KIP-447).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupMetadata {
    /// The group.
    pub group_id: String,
    /// The member's generation; −1 for offsets in nobody's name.
    pub generation: i32,
    /// The member; empty for offsets in nobody's name.
    pub member_id: String,
    /// What a static member calls itself.
    pub instance_id: Option<String>,
}

impl GroupMetadata {
    /// Offsets in nobody's name: taken only while the group has no members.
    pub fn of(group_id: &str) -> GroupMetadata {
        let (group_id, member_id) = (group_id.to_owned(), String::new());
        GroupMetadata { group_id, generation: -1, member_id, instance_id: None }
    }
}

/// What the program, the sender and the driver share.
#[derive(Debug)]
pub(super) struct Transaction {
    id: String,
    machine: Mutex<Machine>,
    /// Whether records are taken. Whoever appends holds it, so that no transaction begins to end in between; taken before `machine`.
    open: RwLock<bool>,
    /// The driver has something to look at.
    news: Notify,
    /// Callers have.
    changed: Notify,
    /// What stood in the way last.
    trouble: Mutex<Option<Arc<ClientError>>>,
}

/// Sends records in transactions. Methods take `&self`; one transaction is open at a time.
///
/// An error says by its [class](TransactionError::class) what to do. Dropped in the middle of a transaction it aborts that in the
/// background, where the runtime lives on; else the coordinator does after `transaction.timeout.ms`.
#[derive(Debug)]
pub struct TransactionalProducer {
    producer: Option<Producer>,
    transaction: Arc<Transaction>,
    /// Whether it only aborts what its owner has left.
    abandoned: bool,
}

impl TransactionalProducer {
    /// Takes the transactional id that the config names. Any other producer that had it is fenced, and its open transaction is
    /// aborted; that is waited for, up to `max.block.ms`.
    ///
    /// # Errors
    /// `BadConfig`; `TimedOut`; `Fatal` if the coordinator refuses.
    pub async fn init(
        client: &Client,
        config: ProducerConfig,
    ) -> Result<TransactionalProducer, TransactionError> {
        let id = config.transactional_id.clone().filter(|id| !id.is_empty());
        let id = id.ok_or(TransactionError::BadConfig("no transactional id is named"))?;
        if !config.idempotent || config.acks != Acks::All {
            return Err(TransactionError::BadConfig("transactions need idempotence and acks=all"));
        }
        let transaction = Arc::new(Transaction {
            machine: Mutex::new(Machine::new(id.clone())),
            id,
            open: RwLock::new(false),
            news: Notify::new(),
            changed: Notify::new(),
            trouble: Mutex::default(),
        });
        let producer = Producer::within(client, config, Some(transaction.clone()));
        let stop = producer.stop.clone();
        tokio::spawn(driver::run(producer.shared.clone(), transaction.clone(), stop));
        let taken =
            TransactionalProducer { producer: Some(producer), transaction, abandoned: false };
        taken.wait("taking the transactional id", Machine::is_settled).await?;
        Ok(taken)
    }

    /// Begins a transaction. Nobody is asked: the coordinator hears of it with the first record or offset.
    ///
    /// # Errors
    /// `OutOfTurn` if one is open; what ended the producer.
    pub fn begin(&self) -> Result<(), TransactionError> {
        let mut open = self.transaction.open.write();
        self.transaction.machine.lock().begin()?;
        *open = true;
        Ok(())
    }

    /// [`Producer::send`], within the open transaction. A record that is not taken, or fails later, makes the transaction one that
    /// can only be aborted.
    ///
    /// # Errors
    /// As [`Producer::send`]; `Transaction` where none is open, or this one can only be aborted.
    pub async fn send(&self, record: ProducerRecord) -> Result<Delivery, ProduceError> {
        let producer = self.producer()?;
        self.transaction.machine.lock().may_send()?;
        let sent = producer.send(record).await;
        if let Err(cause) = &sent {
            self.transaction.on_record_failed(cause);
            producer.shared.news.notify_one();
        }
        sent
    }

    /// Makes it part of the transaction that a group has read so far. [`GroupConsumer::group_metadata`] says who commits.
    ///
    /// # Errors
    /// `Abortable` where the member has lost its partitions to others by now; `TimedOut`, after which they may be part of it or not;
    /// `OutOfTurn`; what ended the producer.
    ///
    /// [`GroupConsumer::group_metadata`]: crate::client::GroupConsumer::group_metadata
    pub async fn send_offsets(
        &self,
        offsets: GroupOffsets,
        group: &GroupMetadata,
    ) -> Result<(), TransactionError> {
        if offsets.is_empty() {
            return self.transaction.machine.lock().may_send();
        }
        let ticket = self.transaction.machine.lock().add_offsets(group.clone(), offsets)?;
        self.transaction.news.notify_one();
        self.wait("taking the offsets", |machine| machine.are_offsets_in(ticket)).await
    }

    /// Sends what is still held back, waits for all of it, and commits: from then on readers see all of the transaction.
    ///
    /// # Errors
    /// `Abortable`: [`Self::abort`] then. `TimedOut`: it may be committed or not; calling it again goes on. `Fenced` and `Fatal`:
    /// nothing more can be done; whether it is committed is open only if an earlier call timed out.
    pub async fn commit(&self) -> Result<(), TransactionError> {
        self.end(true).await
    }

    /// Drops what is not yet sent, and aborts: readers of committed records see nothing of the transaction.
    ///
    /// # Errors
    /// `TimedOut`: calling it again goes on. `OutOfTurn`; what ended the producer.
    pub async fn abort(&self) -> Result<(), TransactionError> {
        self.end(false).await
    }

    async fn end(&self, commit: bool) -> Result<(), TransactionError> {
        {
            let mut open = self.transaction.open.write();
            self.transaction.machine.lock().end(commit)?;
            *open = false;
        }
        if let Some(producer) = &self.producer {
            producer.shared.hurry();
        }
        self.transaction.news.notify_one();
        let what = if commit { "committing" } else { "aborting" };
        self.wait(what, Machine::is_settled).await
    }

    /// Aborts the transaction if one is open, and ends.
    ///
    /// # Errors
    /// What stood in the way of aborting; the coordinator does it after `transaction.timeout.ms`.
    pub async fn close(mut self) -> Result<Totals, TransactionError> {
        let unfinished = self.transaction.machine.lock().is_unfinished();
        let aborted = if unfinished { self.abort().await } else { Ok(()) };
        let totals = match self.producer.take() {
            Some(producer) => producer.close().await,
            None => Totals::default(),
        };
        aborted.map(|()| totals)
    }

    /// What became of the records so far, over all transactions; those that were dropped count as failed.
    pub fn totals(&self) -> Totals {
        self.producer.as_ref().map(Producer::totals).unwrap_or_default()
    }

    /// [`Producer::buffered_bytes`].
    pub fn buffered_bytes(&self) -> usize {
        self.producer.as_ref().map_or(0, Producer::buffered_bytes)
    }

    fn producer(&self) -> Result<&Producer, ProduceError> {
        self.producer.as_ref().ok_or(ProduceError::Closed)
    }

    /// Waits until `is_done`, or for `max.block.ms`.
    async fn wait(
        &self,
        what: &'static str,
        is_done: impl Fn(&Machine) -> Result<bool, TransactionError>,
    ) -> Result<(), TransactionError> {
        let after = self.producer.as_ref().map_or(Duration::ZERO, |p| p.shared.config.max_block);
        let give_up_at = Instant::now() + after;
        loop {
            let changed = self.transaction.changed.notified();
            if is_done(&self.transaction.machine.lock())? {
                return Ok(());
            }
            if tokio::time::timeout_at(give_up_at, changed).await.is_err() {
                let last = self.transaction.trouble.lock().clone();
                return Err(TransactionError::TimedOut { what, after, last });
            }
        }
    }
}

impl Drop for TransactionalProducer {
    fn drop(&mut self) {
        // A runtime that ends drops what is given to it: that must not give it away again.
        if self.abandoned || !self.transaction.machine.lock().is_unfinished() {
            return;
        }
        let Some(producer) = self.producer.take() else { return };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let transaction = self.transaction.clone();
        let left = TransactionalProducer { producer: Some(producer), transaction, abandoned: true };
        runtime.spawn(async move {
            if let Err(cause) = left.abort().await {
                tracing::debug!(%cause, "an abandoned transaction is left to its coordinator");
            }
        });
    }
}

impl Transaction {
    /// Keeps the transaction open for as long as the guard lives.
    ///
    /// # Errors
    /// Why it is not open.
    pub(super) fn hold(&self) -> Result<RwLockReadGuard<'_, bool>, ProduceError> {
        let open = self.open.read();
        if !*open {
            self.machine.lock().may_send()?;
        }
        Ok(open)
    }

    /// Whether a partition's next batch may be sent; its window then knows under whose name.
    pub(super) fn admits(&self, queue: &Queue, window: &mut Window<Batch>) -> bool {
        let key = (queue.topic.clone(), queue.partition);
        let (identity, announces) = self.machine.lock().admit(&key);
        if announces {
            self.news.notify_one();
        }
        identity.is_some_and(|identity| window.enter(identity))
    }

    /// At which version batches go: from 12 on brokers take note of the transaction's partitions. A leader that cannot, where the
    /// cluster says that it does, ends the producer.
    pub(super) fn produce_version(&self, connection: &Connection) -> Option<i16> {
        let protocol = self.machine.lock().protocol();
        let version = match protocol {
            Protocol::Announced => connection.version_up_to::<ProduceRequest>(exchange::NOTED - 1),
            Protocol::Noted => connection.version::<ProduceRequest>(),
        };
        let version = version.ok()?;
        if protocol == Protocol::Noted && version < exchange::NOTED {
            let (what, code) = ("transactions".to_owned(), ErrorCode::UnsupportedVersion);
            let message = Some(format!("{} has Produce up to {version}", connection.address()));
            self.on_record_failed(&ClientError::Refused { what, code, message }.into());
            return None;
        }
        Some(version)
    }

    pub(super) fn drops(&self) -> Drops {
        self.machine.lock().drops()
    }

    /// A record of the transaction will not be written.
    pub(super) fn on_record_failed(&self, cause: &ProduceError) {
        let mut open = self.open.write();
        let mut machine = self.machine.lock();
        machine.on_record_failed(cause);
        *open = machine.is_open();
        drop(machine);
        drop(open);
        self.changed.notify_waiters();
    }

    /// Has the driver look whether something is due.
    pub(super) fn look(&self) {
        self.news.notify_one();
    }

    /// Tells everybody that the machine may have moved.
    fn settle(&self, producer: &Shared) {
        {
            let mut open = self.open.write();
            *open = self.machine.lock().is_open();
        }
        self.changed.notify_waiters();
        producer.news.notify_one();
    }

    fn note(&self, cause: &ClientError) {
        *self.trouble.lock() = Some(Arc::new(cause.clone()));
    }
}
