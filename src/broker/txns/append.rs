//! Appending records that belong to a transaction: the first batch of each only once its coordinator has agreed (KIP-890).

use std::sync::Arc;

use super::InTransaction;
use crate::base::{ErrorCode, Millis};
use crate::broker::node::{Appended, Node};
use crate::broker::partition::Partition;
use crate::log::{AppendError, Verification};
use crate::record::{Batch, Checked};
use crate::txn::{Place, TxnVersion};

/// Why a batch of a transaction was not appended.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Its coordinator says no.
    #[error("the transaction's coordinator answered {}", .0.name())]
    Coordinator(ErrorCode),
    /// The log says no.
    #[error(transparent)]
    Append(#[from] AppendError),
}

impl Refusal {
    /// The code, as it was met.
    pub fn code(&self) -> ErrorCode {
        match self {
            Refusal::Coordinator(code) => *code,
            Refusal::Append(error) => error.code(),
        }
    }
}

impl From<Refusal> for ErrorCode {
    fn from(refusal: Refusal) -> ErrorCode {
        match refusal {
            // What a log of the coordinator's own says is not the client's to mend.
            Refusal::Append(AppendError::Storage(_) | AppendError::Offline { .. }) => {
                ErrorCode::CoordinatorNotAvailable
            }
            other => other.code(),
        }
    }
}

impl Node {
    /// Appends a batch of a transaction; asks `admit` first if the transaction is not known here yet.
    ///
    /// # Errors
    /// See [`Refusal`]; nothing was appended then.
    pub fn append_in_transaction(
        &self,
        partition: &Arc<Partition>,
        batch: &Batch,
        checked: &Checked,
        now: Millis,
        bumps_epoch: bool,
        admit: impl FnOnce() -> Result<(), ErrorCode>,
    ) -> Result<Appended, Refusal> {
        let verification = partition.log().begin_verification(batch.header(), bumps_epoch)?;
        let guard = match verification {
            Verification::Open => None,
            Verification::Needed(guard) => {
                admit().map_err(Refusal::Coordinator)?;
                Some(guard)
            }
        };
        Ok(self.append_guarded(partition, batch, checked, now, guard)?)
    }

    /// Has partitions added to a transaction, or asks whether they are in it. That is not waited for: until the transaction's end is
    /// decided, and durable, nothing of it counts.
    ///
    /// # Errors
    /// As [`Node::add_to_transaction`] and [`Node::verify_in_transaction`].
    pub fn admit_to_transaction(
        &self,
        transaction: &InTransaction,
        places: &[Place],
    ) -> Result<(), ErrorCode> {
        if transaction.version >= TxnVersion::V2 {
            return self.add_to_transaction(transaction, places).map(drop);
        }
        if !self.config.transaction_verification {
            return Ok(());
        }
        places.iter().try_for_each(|place| self.verify_in_transaction(transaction, place))
    }
}
