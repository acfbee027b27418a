//! What can stop a load, or be counted by kind while it goes on.

use std::io;

use crate::client::{ClientError, ConsumeError, GroupError, ProduceError, TransactionError};

/// Why a load ended early, or a record failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The cluster or the topic.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A record.
    #[error(transparent)]
    Produce(#[from] ProduceError),
    /// A transaction.
    #[error(transparent)]
    Transaction(#[from] TransactionError),
    /// A partition that is read.
    #[error(transparent)]
    Consume(#[from] ConsumeError),
    /// A consumer group.
    #[error(transparent)]
    Group(#[from] GroupError),
    /// The system, about a timer or a socket.
    #[error(transparent)]
    System(#[from] io::Error),
    /// Records were acknowledged and never came to a consumer.
    #[error("{count} records were acknowledged and never read")]
    NeverRead {
        /// How many.
        count: u64,
    },
    /// A part of the load ended without a word.
    #[error("a part of the load broke off")]
    Broken,
}

/// A short name for counting: a code of Kafka's, or what the client did.
pub(super) fn kind(error: &ProduceError) -> &'static str {
    match error {
        ProduceError::Refused { code, .. } => code.name(),
        ProduceError::TooLarge { .. } => "record-too-large",
        ProduceError::Blocked { .. } => "no-room",
        ProduceError::TimedOut { .. } => "not-acknowledged",
        ProduceError::Client(error) => error.code().map_or("client", |code| code.name()),
        ProduceError::Aborted { .. } => "transaction-aborted",
        ProduceError::Transaction(error) => transaction_kind(error),
        ProduceError::Closed => "closed",
    }
}

/// [`kind`], of all the records of a transaction.
pub(super) fn transaction_kind(error: &TransactionError) -> &'static str {
    error.code().map_or("transaction-failed", |code| code.name())
}
