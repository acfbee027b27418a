//! What can go wrong with a transaction, sorted by what the program is to do about it.

use std::sync::Arc;
use std::time::Duration;

use super::super::super::error::{ClientError, ProduceError};
use crate::base::ErrorCode;

/// Why a transaction, or a step of it, came to nothing. [`Self::class`] says what to do.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TransactionError {
    /// The call took as long as `max.block.ms` says. The same call goes on where it was.
    #[error("{what} was not done within {after:?}")]
    TimedOut {
        /// What was being done.
        what: &'static str,
        /// The bound.
        after: Duration,
        /// What stood in the way last.
        #[source]
        last: Option<Arc<ClientError>>,
    },
    /// The transaction can only be aborted: something that belongs to it is not written, or the group has moved on.
    #[error("the transaction can only be aborted")]
    Abortable {
        /// The first thing that went wrong.
        #[source]
        cause: Arc<AbortCause>,
    },
    /// Another producer has taken the transactional id, or the coordinator has aborted the transaction after its
    /// `transaction.timeout.ms`: brokers do not tell which.
    #[error(
        "transactional id {transactional_id} is another producer's now, or its transaction ran out of time: {code}"
    )]
    Fenced {
        /// The transactional id.
        transactional_id: String,
        /// PRODUCER_FENCED or INVALID_PRODUCER_EPOCH.
        code: ErrorCode,
    },
    /// The coordinator refused for good, or cannot do what is needed.
    #[error("transactional id {transactional_id} is of no use to this producer")]
    Fatal {
        /// The transactional id.
        transactional_id: String,
        /// What was refused.
        #[source]
        cause: Arc<AbortCause>,
    },
    /// The call does not fit to where the producer is: a bug of the program.
    #[error("cannot {what}: {state}")]
    OutOfTurn {
        /// What was to be done.
        what: &'static str,
        /// Where the producer is.
        state: &'static str,
    },
    /// The config contradicts transactions.
    #[error("{0}")]
    BadConfig(&'static str),
}

/// What went wrong first.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AbortCause {
    /// A record was not delivered.
    #[error(transparent)]
    Record(ProduceError),
    /// A request of the transaction was refused.
    #[error(transparent)]
    Refused(ClientError),
}

/// What a program is to do about a [`TransactionError`] (the classes of KIP-1050).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorClass {
    /// The same call may succeed when it is made again.
    Retriable,
    /// `abort`, and begin anew: the producer lives.
    Abortable,
    /// Close this producer. A new one with the same transactional id may go on, after what was read is read again.
    Fatal,
    /// Change the program or its config.
    Misuse,
}

impl TransactionError {
    /// What to do about it.
    pub fn class(&self) -> ErrorClass {
        match self {
            TransactionError::TimedOut { .. } => ErrorClass::Retriable,
            TransactionError::Abortable { .. } => ErrorClass::Abortable,
            TransactionError::Fenced { .. } | TransactionError::Fatal { .. } => ErrorClass::Fatal,
            TransactionError::OutOfTurn { .. } | TransactionError::BadConfig(_) => {
                ErrorClass::Misuse
            }
        }
    }

    /// The broker's code, where a broker refused.
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            TransactionError::Fenced { code, .. } => Some(*code),
            TransactionError::Abortable { cause } | TransactionError::Fatal { cause, .. } => {
                match &**cause {
                    AbortCause::Record(cause) => cause.code(),
                    AbortCause::Refused(cause) => cause.code(),
                }
            }
            TransactionError::TimedOut { last, .. } => last.as_ref().and_then(|last| last.code()),
            TransactionError::OutOfTurn { .. } | TransactionError::BadConfig(_) => None,
        }
    }
}
