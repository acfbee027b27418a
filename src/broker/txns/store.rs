//! How what is decided of a transaction gets into `__transaction_state`.

use bytestring::ByteString;

use super::Coordinated;
use crate::base::{ErrorCode, with_causes};
use crate::broker::coordinator_topic::{CoordinatorTopic, Durable, build};
use crate::broker::node::Node;
use crate::record::BatchOptions;
use crate::txn::{Transaction, encode, tombstone};

impl Node {
    /// Writes what was decided; only then does it count. What is answered for it has to wait for [`Durable`].
    ///
    /// # Errors
    /// COORDINATOR_NOT_AVAILABLE where the disk failed; nothing has changed then.
    pub(super) fn keep_transaction(
        &self,
        id: &ByteString,
        coordinated: &mut Coordinated,
        next: Transaction,
    ) -> Result<Durable, ErrorCode> {
        let durable = self.write_transaction(id, Some(&next))?;
        if next.state.is_ending() {
            coordinated.decided = durable.clone();
            self.transactions.undone.lock().insert(id.clone());
        }
        coordinated.known = Some(next);
        Ok(durable)
    }

    /// Writes what is known of a transactional id, or that it was forgotten.
    pub(super) fn write_transaction(
        &self,
        id: &ByteString,
        transaction: Option<&Transaction>,
    ) -> Result<Durable, ErrorCode> {
        let partition = self.home_partition(CoordinatorTopic::Transactions, id)?;
        let now = self.now();
        let batch = build(BatchOptions::default(), |builder| {
            match transaction {
                Some(transaction) => {
                    let (key, value) = encode(id, transaction, self.transaction_version())?;
                    builder.append(now.0, Some(&key), Some(&value), [])?;
                }
                None => {
                    builder.append(now.0, Some(&tombstone(id)?), None, [])?;
                }
            }
            Ok(true)
        });
        let batch = match batch {
            Ok(Some(batch)) => batch,
            Ok(None) => return Ok(None),
            Err(error) => {
                tracing::error!(transactional_id = %id, error = %with_causes(&error), "the record of a transaction cannot be written");
                return Err(ErrorCode::UnknownServerError);
            }
        };
        let (_, durable) = self.keep(&partition, &batch, now).map_err(|error| {
            tracing::debug!(transactional_id = %id, partition = %partition.id, %error, "the record of a transaction was not written");
            ErrorCode::CoordinatorNotAvailable
        })?;
        Ok(durable)
    }
}
