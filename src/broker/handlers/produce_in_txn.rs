//! What Produce does with a transaction's batches: the first one in a partition is appended once the transaction reaches it. Up to v11
//! the producer has seen to that by AddPartitionsToTxn; from v12 on all of the request's partitions are added here (KIP-890).

use std::cell::Cell;

use crate::base::ErrorCode;
use crate::broker::txns::{InTransaction, Refusal};
use crate::txn::{Place, Producer, TxnVersion};

/// Whether the partitions of a request were added to its transaction, and what came of that: once for all batches of a producer.
#[derive(Debug, Default)]
pub struct Admitted(Cell<Option<(Producer, Result<(), ErrorCode>)>>);

impl Admitted {
    /// What came of it; `add` is called the first time. What one producer may do says nothing of another one in the request.
    pub fn or_add(
        &self,
        producer: Producer,
        add: impl FnOnce() -> Result<(), ErrorCode>,
    ) -> Result<(), ErrorCode> {
        let before = self.0.get().filter(|(whose, _)| *whose == producer);
        let done = before.map_or_else(add, |(_, done)| done);
        self.0.set(Some((producer, done)));
        done
    }
}

/// The version of the producer's protocol.
pub fn transaction_version(version: i16) -> TxnVersion {
    if version >= 12 { TxnVersion::V2 } else { TxnVersion::V0 }
}

/// The partitions to be asked about: from v12 on all of the request's, so that one record of the coordinator's is enough.
pub fn asked_about(
    transaction: &InTransaction,
    place: Place,
    others: impl Iterator<Item = Place>,
) -> Vec<Place> {
    let mut places = vec![place];
    if transaction.version >= TxnVersion::V2 {
        places.extend(others);
    }
    places
}

/// What a producer of this version understands. Codes of the coordinator's that it would not try again become one that it does.
pub fn told(refusal: &Refusal, version: i16) -> ErrorCode {
    let Refusal::Coordinator(code) = refusal else { return refusal.code() };
    match code {
        ErrorCode::ProducerFenced => ErrorCode::InvalidProducerEpoch,
        ErrorCode::TransactionAbortable if version < 11 => ErrorCode::InvalidTxnState,
        ErrorCode::ConcurrentTransactions if version >= 12 => ErrorCode::ConcurrentTransactions,
        ErrorCode::ConcurrentTransactions
        | ErrorCode::CoordinatorLoadInProgress
        | ErrorCode::CoordinatorNotAvailable
        | ErrorCode::NotCoordinator => ErrorCode::NotEnoughReplicas,
        code => *code,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_coordinator_says_is_told_as_each_version_knows_it() {
        let told = |code, version| told(&Refusal::Coordinator(code), version);
        use ErrorCode::*;
        assert_eq!(told(TransactionAbortable, 10), InvalidTxnState);
        assert_eq!(told(TransactionAbortable, 11), TransactionAbortable);
        assert_eq!(told(ProducerFenced, 12), InvalidProducerEpoch);
        assert_eq!(told(InvalidProducerIdMapping, 9), InvalidProducerIdMapping);
        assert_eq!(told(ConcurrentTransactions, 11), NotEnoughReplicas);
        assert_eq!(told(ConcurrentTransactions, 12), ConcurrentTransactions);
    }
}
