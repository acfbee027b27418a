//! Where a producer's records go: each on its own, or so many at a time in a transaction.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::{Interval, MissedTickBehavior};

use super::clock::Clock;
use super::end_to_end::Producing;
use super::failure::{Failure, kind, transaction_kind};
use super::meter::Meter;
use super::pending::Pending;
use crate::client::{
    Client, ErrorClass, ProduceError, Producer, ProducerConfig, ProducerRecord, TransactionError,
    TransactionalProducer,
};

/// How often is looked for what was delivered. When it was is known exactly, whenever one looks.
pub(super) const LOOK: Duration = Duration::from_millis(10);

/// A producer, and the account of its records.
pub(super) struct Outlet {
    way: Way,
    account: Account,
    look: Interval,
}

/// How records go.
pub(super) enum Way {
    Plain { producer: Producer, pending: Pending },
    Transactions { producer: Box<TransactionalProducer>, size: u64, open: Vec<(Instant, usize)> },
}

impl Way {
    /// Takes a transactional id where records go in transactions.
    ///
    /// # Errors
    /// If it cannot be taken.
    pub(super) async fn open(
        client: &Client,
        config: ProducerConfig,
        transaction_size: Option<u64>,
    ) -> Result<Way, Failure> {
        Ok(match transaction_size {
            None => {
                let producer = Producer::new(client, config);
                Way::Plain { producer, pending: Pending::default() }
            }
            Some(size) => {
                let producer = Box::new(TransactionalProducer::init(client, config).await?);
                Way::Transactions { producer, size, open: Vec::new() }
            }
        })
    }
}

/// Where it is written what became of records.
pub(super) struct Account {
    pub(super) meter: Arc<Meter>,
    pub(super) clock: Clock,
    /// Set where a record counts once it is read: deliveries are only added up.
    pub(super) onward: Option<Producing>,
}

impl Account {
    fn delivered(&self, records: &[(Instant, usize)], at: Instant) {
        match &self.onward {
            Some(onward) => onward.delivered(records.len() as u64),
            None => {
                let mut counts = self.meter.open();
                records.iter().for_each(|(due, bytes)| counts.done(self.clock, *due, at, *bytes));
            }
        }
    }

    fn failed(&self, kind: &'static str, count: u64, why: impl Into<Failure>) {
        self.meter.open().failed_with(kind, count, why.into());
    }

    fn look(&self, pending: &mut Pending) {
        match &self.onward {
            Some(onward) => onward.delivered(pending.count_failures(&self.meter)),
            None => pending.count(&self.meter, self.clock),
        }
    }
}

impl Outlet {
    pub(super) fn new(way: Way, account: Account) -> Outlet {
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Outlet { way, account, look }
    }

    /// Sends one record; waits for room. One that fails is counted.
    ///
    /// # Errors
    /// Where all others would fail as it did.
    pub(super) async fn send(
        &mut self,
        record: ProducerRecord,
        due: Instant,
    ) -> Result<(), Failure> {
        let bytes = record.value.as_ref().map_or(0, |value| value.len());
        match &mut self.way {
            Way::Plain { producer, pending } => {
                let sent = match producer.try_send(&record) {
                    Some(sent) => sent,
                    None => {
                        let sending = producer.send(record);
                        looking(sending, &mut self.look, &self.account, pending).await
                    }
                };
                match sent {
                    Ok(delivery) => pending.push(delivery, due, bytes),
                    Err(error) if is_lasting(&error) => return Err(error.into()),
                    Err(error) => self.account.failed(kind(&error), 1, error),
                }
                Ok(())
            }
            Way::Transactions { producer, size, open } => {
                if open.is_empty() {
                    producer.begin()?;
                }
                open.push((due, bytes));
                match producer.send(record).await {
                    Ok(_) if (open.len() as u64) < *size => Ok(()),
                    Ok(_) => self.end_transaction().await,
                    Err(error) if is_lasting(&error) => Err(error.into()),
                    // Ending it says why, and counts all of its records.
                    Err(_) => self.end_transaction().await,
                }
            }
        }
    }

    /// Counts what is known by now.
    pub(super) fn look(&mut self) {
        if let Way::Plain { pending, .. } = &mut self.way {
            self.account.look(pending);
        }
    }

    /// Delivers what is on its way.
    ///
    /// # Errors
    /// Where a transaction cannot be ended.
    pub(super) async fn finish(mut self) -> Result<(), Failure> {
        if let Way::Plain { producer, pending } = &mut self.way {
            looking(producer.flush(), &mut self.look, &self.account, pending).await;
            self.account.look(pending);
            return Ok(());
        }
        self.end_transaction().await
    }

    /// Commits; what cannot be committed is aborted, and all of it has failed.
    async fn end_transaction(&mut self) -> Result<(), Failure> {
        let Way::Transactions { producer, open, .. } = &mut self.way else { return Ok(()) };
        if open.is_empty() {
            return Ok(());
        }
        let records = std::mem::take(open);
        let error: TransactionError = match producer.commit().await {
            Ok(()) => {
                self.account.delivered(&records, Instant::now());
                return Ok(());
            }
            Err(error) => error,
        };
        let class = error.class();
        self.account.failed(transaction_kind(&error), records.len() as u64, error.clone());
        match class {
            ErrorClass::Abortable => Ok(producer.abort().await?),
            _ => Err(error.into()),
        }
    }
}

/// Waits for what a producer does, and counts meanwhile what is known by then.
async fn looking<T>(
    work: impl Future<Output = T>,
    look: &mut Interval,
    account: &Account,
    pending: &mut Pending,
) -> T {
    let mut work = pin!(work);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return done,
            _ = look.tick() => account.look(pending),
        }
    }
}

/// Whether the next record would fail as this one did.
fn is_lasting(error: &ProduceError) -> bool {
    match error {
        ProduceError::TooLarge { .. } | ProduceError::Closed => true,
        ProduceError::Client(error) => !error.retriable(),
        _ => false,
    }
}
