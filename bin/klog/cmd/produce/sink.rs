//! Where records go: a plain producer, or one whole transaction.

use klog::client::{
    Client, Delivery, ErrorClass, ProduceError, Producer, ProducerConfig, ProducerRecord, Totals,
    TransactionError, TransactionalProducer,
};

use crate::connect::explain;
use crate::exit::advise;

/// A producer of either kind.
pub enum Sink {
    /// Each record counts once it is delivered.
    Plain(Producer),
    /// All count, or none.
    Transaction { id: String, producer: Box<TransactionalProducer> },
}

impl Sink {
    /// As the config says. A transaction is begun.
    ///
    /// # Errors
    /// If the transactional id cannot be taken.
    pub async fn open(client: &Client, config: ProducerConfig) -> anyhow::Result<Sink> {
        let Some(id) = config.transactional_id.clone() else {
            return Ok(Sink::Plain(Producer::new(client, config)));
        };
        let begun = async {
            let producer = TransactionalProducer::init(client, config).await?;
            producer.begin()?;
            Ok(producer)
        };
        let producer = begun.await.map_err(|error: TransactionError| {
            explain(error).context(format!("transactional id {id} cannot be taken"))
        })?;
        Ok(Sink::Transaction { id, producer: Box::new(producer) })
    }

    /// Whether nothing counts before the end.
    pub fn is_transaction(&self) -> bool {
        matches!(self, Sink::Transaction { .. })
    }

    /// Sends one record.
    ///
    /// # Errors
    /// If it is not taken.
    pub async fn send(&self, record: ProducerRecord) -> Result<Delivery, ProduceError> {
        match self {
            Sink::Plain(producer) => producer.send(record).await,
            Sink::Transaction { producer, .. } => producer.send(record).await,
        }
    }

    /// What became of the records so far.
    pub fn totals(&self) -> Totals {
        match self {
            Sink::Plain(producer) => producer.totals(),
            Sink::Transaction { producer, .. } => producer.totals(),
        }
    }

    /// Delivers what is on its way, and commits where there is a transaction.
    ///
    /// # Errors
    /// If it is not committed, or nobody knows.
    pub async fn complete(&self) -> anyhow::Result<()> {
        match self {
            Sink::Plain(producer) => {
                producer.flush().await;
                Ok(())
            }
            Sink::Transaction { id, producer } => match producer.commit().await {
                Ok(()) => Ok(()),
                Err(error) => {
                    if error.class() == ErrorClass::Abortable {
                        self.give_up().await;
                    }
                    Err(not_committed(id, error))
                }
            },
        }
    }

    /// Delivers what is on its way; a transaction is aborted.
    pub async fn give_up(&self) {
        match self {
            Sink::Plain(producer) => producer.flush().await,
            Sink::Transaction { id, producer } => {
                if let Err(error) = producer.abort().await {
                    tracing::warn!("the transaction of {id} is left to its coordinator: {error}");
                }
            }
        }
    }
}

fn not_committed(id: &str, error: TransactionError) -> anyhow::Error {
    if error.class() == ErrorClass::Retriable {
        let error = explain(error).context("nobody knows whether the transaction is committed");
        return advise(error, format!("`klog transactions describe {id}` tells its state"));
    }
    explain(error).context("nothing is committed")
}
