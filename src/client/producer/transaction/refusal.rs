//! What a refusal of each of a transaction's requests means, as Kafka's own producer takes it. Pure.

use crate::base::ErrorCode;

/// The requests that a transaction is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Api {
    /// InitProducerId.
    Init,
    /// AddPartitionsToTxn.
    AddPartitions,
    /// AddOffsetsToTxn.
    AddOffsets,
    /// TxnOffsetCommit.
    CommitOffsets,
    /// EndTxn.
    End,
}

/// What is to be done about a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Meaning {
    /// Ask again.
    Again,
    /// Ask again whoever is the coordinator now.
    FindAgain,
    /// Abort the transaction.
    Abort,
    /// Give the producer up.
    Fatal,
}

/// What a code means in the answer to a request.
pub(super) fn meaning(api: Api, code: ErrorCode) -> Meaning {
    use ErrorCode as E;
    match (api, code) {
        (_, E::NotCoordinator | E::CoordinatorNotAvailable)
        | (Api::CommitOffsets, E::RequestTimedOut) => Meaning::FindAgain,
        (_, code) if code.is_retriable() => Meaning::Again,
        (Api::Init, _) => Meaning::Fatal,
        (_, E::TransactionAbortable) => Meaning::Abort,
        (Api::AddPartitions | Api::AddOffsets | Api::End, E::UnknownProducerId) => Meaning::Abort,
        (Api::AddOffsets | Api::CommitOffsets, E::GroupAuthorizationFailed) => Meaning::Abort,
        // Another member has the partitions by now: KIP-447.
        (Api::CommitOffsets, E::FencedInstanceId | E::UnknownMemberId | E::IllegalGeneration) => {
            Meaning::Abort
        }
        (
            Api::AddPartitions,
            E::InvalidProducerEpoch
            | E::ProducerFenced
            | E::TransactionalIdAuthorizationFailed
            | E::InvalidTxnState
            | E::InvalidProducerIdMapping,
        ) => Meaning::Fatal,
        // What is left is about one partition.
        (Api::AddPartitions, _) => Meaning::Abort,
        (Api::AddOffsets | Api::CommitOffsets | Api::End, _) => Meaning::Fatal,
    }
}

/// What the codes of one answer mean together: the gravest. `None` if nothing went wrong.
pub(super) fn gravest(
    api: Api,
    codes: impl IntoIterator<Item = ErrorCode>,
) -> Option<(Meaning, ErrorCode)> {
    // OPERATION_NOT_ATTEMPTED stands for another partition's error.
    let rank = |code: ErrorCode| (code != ErrorCode::OperationNotAttempted, meaning(api, code));
    let wrong = codes.into_iter().filter(|code| !code.is_none());
    wrong.max_by_key(|code| rank(*code)).map(|code| (meaning(api, code), code))
}

/// Whether a record that is refused so ends its producer, not only its transaction.
pub(super) fn is_fatal_to_records(code: ErrorCode) -> bool {
    use ErrorCode as E;
    matches!(
        code,
        E::ClusterAuthorizationFailed
            | E::TransactionalIdAuthorizationFailed
            | E::ProducerFenced
            | E::UnsupportedVersion
            | E::InvalidProducerIdMapping
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const APIS: [Api; 5] =
        [Api::Init, Api::AddPartitions, Api::AddOffsets, Api::CommitOffsets, Api::End];

    /// The codes that mean this, of those that a coordinator sends.
    fn codes(api: Api, wanted: Meaning) -> Vec<ErrorCode> {
        use ErrorCode as E;
        let sent = [
            E::UnknownTopicOrPartition,
            E::RequestTimedOut,
            E::CoordinatorLoadInProgress,
            E::CoordinatorNotAvailable,
            E::NotCoordinator,
            E::ConcurrentTransactions,
            E::IllegalGeneration,
            E::UnknownMemberId,
            E::FencedInstanceId,
            E::TopicAuthorizationFailed,
            E::GroupAuthorizationFailed,
            E::TransactionalIdAuthorizationFailed,
            E::InvalidProducerEpoch,
            E::ProducerFenced,
            E::InvalidTxnState,
            E::InvalidProducerIdMapping,
            E::UnknownProducerId,
            E::TransactionAbortable,
            E::UnknownServerError,
        ];
        sent.into_iter().filter(|code| meaning(api, *code) == wanted).collect()
    }

    #[test]
    fn each_code_means_what_it_means_to_kafkas_producer() {
        use ErrorCode as E;
        for api in APIS {
            let moved = codes(api, Meaning::FindAgain);
            assert!(moved.ends_with(&[E::CoordinatorNotAvailable, E::NotCoordinator]), "{api:?}");
            let again = codes(api, Meaning::Again);
            assert!(again.contains(&E::ConcurrentTransactions), "{api:?}");
            assert!(codes(api, Meaning::Fatal).contains(&E::ProducerFenced), "{api:?}");
        }
        assert_eq!(codes(Api::Init, Meaning::Abort), []);
        assert_eq!(
            codes(Api::AddPartitions, Meaning::Fatal),
            [
                E::TransactionalIdAuthorizationFailed,
                E::InvalidProducerEpoch,
                E::ProducerFenced,
                E::InvalidTxnState,
                E::InvalidProducerIdMapping
            ]
        );
        assert_eq!(
            codes(Api::AddOffsets, Meaning::Abort),
            [E::GroupAuthorizationFailed, E::UnknownProducerId, E::TransactionAbortable]
        );
        assert_eq!(
            codes(Api::CommitOffsets, Meaning::Abort),
            [
                E::IllegalGeneration,
                E::UnknownMemberId,
                E::FencedInstanceId,
                E::GroupAuthorizationFailed,
                E::TransactionAbortable
            ]
        );
        assert_eq!(
            codes(Api::End, Meaning::Abort),
            [E::UnknownProducerId, E::TransactionAbortable]
        );
    }

    #[test]
    fn the_gravest_code_counts_and_not_the_one_that_stands_for_it() {
        use ErrorCode as E;
        let of = |codes: &[ErrorCode]| gravest(Api::AddPartitions, codes.iter().copied());
        assert_eq!(of(&[E::None, E::None]), None);
        assert_eq!(
            of(&[E::OperationNotAttempted, E::TopicAuthorizationFailed, E::OperationNotAttempted]),
            Some((Meaning::Abort, E::TopicAuthorizationFailed))
        );
        assert_eq!(
            of(&[E::ConcurrentTransactions, E::ProducerFenced]),
            Some((Meaning::Fatal, E::ProducerFenced))
        );
        assert_eq!(
            of(&[E::UnknownTopicOrPartition, E::OperationNotAttempted]),
            Some((Meaning::Again, E::UnknownTopicOrPartition))
        );
    }
}
