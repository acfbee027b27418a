//! What becomes of a request. Nothing is changed here: the decision is the next [`Transaction`], to be written first.

use super::{Place, Transaction, TxnState, TxnVersion};
use crate::base::ErrorCode;

/// A producer as it names itself: id and epoch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Producer {
    /// Its id.
    pub id: i64,
    /// Its epoch.
    pub epoch: i16,
}

/// Why there is no decision.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decline {
    /// To be answered.
    Code(ErrorCode),
    /// Ask again, with a producer id that nobody ever had.
    NeedsProducerId,
}

impl From<ErrorCode> for Decline {
    fn from(code: ErrorCode) -> Decline {
        Decline::Code(code)
    }
}

/// An InitProducerId.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InitAsk {
    /// How long its transactions may take, in ms.
    pub timeout_ms: i32,
    /// Who the asker is already (KIP-360), if it goes on after an error.
    pub current: Option<Producer>,
    /// A producer id that nobody ever had, if one was asked for.
    pub spare_id: Option<i64>,
}

/// What becomes of an InitProducerId.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Init {
    /// The producer has the id and epoch that stand here.
    Ready(Transaction),
    /// A transaction was open, and is aborted first; the asker is to come again (CONCURRENT_TRANSACTIONS).
    Aborts(Transaction),
}

/// An EndTxn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EndAsk {
    /// Who ends it.
    pub producer: Producer,
    /// Whether to commit.
    pub commit: bool,
    /// The client's protocol.
    pub version: TxnVersion,
    /// A producer id that nobody ever had, if one was asked for.
    pub spare_id: Option<i64>,
}

/// What becomes of an EndTxn.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum End {
    /// It was so already: the producer asks again, and goes on with the id and epoch that stand there.
    Done,
    /// Markers are to be written, then [`Transaction::complete`].
    Ends(Transaction),
}

impl Transaction {
    /// A producer begins, or begins anew: it gets an epoch that fences whoever had the one before.
    ///
    /// `known`: what is known of the transactional id.
    ///
    /// # Errors
    /// CONCURRENT_TRANSACTIONS while a transaction ends; PRODUCER_FENCED if the asker is not who it thinks (KIP-360).
    pub fn init(
        known: Option<&Transaction>,
        ask: InitAsk,
        cluster: TxnVersion,
        now_ms: i64,
    ) -> Result<Init, Decline> {
        let Some(known) = known else {
            let id = ask.spare_id.ok_or(Decline::NeedsProducerId)?;
            let fresh = Transaction::fresh(id, ask.timeout_ms, now_ms);
            return Ok(Init::Ready(fresh.next_epoch(ask, now_ms)?));
        };
        // The last one may be a retry of who never heard that its epochs were used up.
        let is_known = ask.current.is_none_or(|current| {
            current.id == known.producer_id
                || (current.id == known.previous_producer_id
                    && current.epoch >= Transaction::LAST_EPOCH)
        });
        if !is_known {
            return Err(ErrorCode::ProducerFenced.into());
        }
        match known.state {
            TxnState::PrepareCommit | TxnState::PrepareAbort => {
                Err(ErrorCode::ConcurrentTransactions.into())
            }
            TxnState::Ongoing => Ok(Init::Aborts(known.fence(cluster, now_ms))),
            TxnState::Empty | TxnState::CompleteCommit | TxnState::CompleteAbort => {
                let current = ask.current.map(|current| current.epoch);
                let rotates = known.is_exhausted() && current.is_none_or(|it| it == known.epoch);
                if rotates {
                    let id = ask.spare_id.ok_or(Decline::NeedsProducerId)?;
                    return Ok(Init::Ready(known.with_new_id(id, ask, now_ms)));
                }
                Ok(Init::Ready(known.next_epoch(ask, now_ms)?))
            }
        }
    }

    fn next_epoch(&self, ask: InitAsk, now_ms: i64) -> Result<Transaction, Decline> {
        let (epoch, last_epoch) = match ask.current {
            // A retry of a call that was answered: who comes without an epoch sets the last one to -1.
            Some(current)
                if self.epoch != -1
                    && current.epoch != self.epoch
                    && current.epoch == self.last_epoch =>
            {
                (self.epoch, self.last_epoch)
            }
            Some(current) if self.epoch != -1 && current.epoch != self.epoch => {
                return Err(ErrorCode::ProducerFenced.into());
            }
            Some(_) => (self.epoch + 1, self.epoch),
            None => (self.epoch + 1, -1),
        };
        Ok(self.emptied(self.producer_id, epoch, last_epoch, ask.timeout_ms, now_ms))
    }

    fn with_new_id(&self, id: i64, ask: InitAsk, now_ms: i64) -> Transaction {
        let last_epoch = if ask.current.is_some() { self.epoch } else { -1 };
        self.emptied(id, 0, last_epoch, ask.timeout_ms, now_ms)
    }

    fn emptied(&self, id: i64, epoch: i16, last: i16, timeout_ms: i32, now_ms: i64) -> Transaction {
        let fresh = self.epoch == -1;
        let next = Transaction {
            previous_producer_id: if fresh { -1 } else { self.producer_id },
            epoch,
            last_epoch: last,
            client_version: self.client_version,
            ..Transaction::fresh(id, timeout_ms, now_ms)
        };
        next.assert_invariants();
        next
    }

    /// Aborts the open transaction on the coordinator's behalf: because its time is up, or another producer comes. The
    /// epoch that fences is never given to anybody.
    pub fn fence(&self, cluster: TxnVersion, now_ms: i64) -> Transaction {
        assert!(self.state == TxnState::Ongoing);
        let fenced =
            Transaction { epoch: self.epoch.saturating_add(1), last_epoch: -1, ..self.clone() };
        fenced.ending(TxnState::PrepareAbort, cluster, -1, now_ms)
    }

    /// The transaction reaches more partitions, and begins if none is open. `None`: it reaches them already.
    ///
    /// # Errors
    /// INVALID_PRODUCER_ID_MAPPING, PRODUCER_FENCED; CONCURRENT_TRANSACTIONS while the last one ends.
    pub fn add(
        &self,
        producer: Producer,
        places: &[Place],
        version: TxnVersion,
        now_ms: i64,
    ) -> Result<Option<Transaction>, ErrorCode> {
        self.check_producer(producer)?;
        if self.state.is_ending() {
            return Err(ErrorCode::ConcurrentTransactions);
        }
        let is_open = self.state == TxnState::Ongoing;
        if is_open && places.iter().all(|place| self.partitions.contains(place)) {
            return Ok(None);
        }
        let mut next = Transaction {
            state: TxnState::Ongoing,
            previous_producer_id: self.producer_id,
            started_at: if is_open { self.started_at } else { now_ms },
            updated_at: now_ms,
            client_version: version,
            ..self.clone()
        };
        next.partitions.extend(places.iter().cloned());
        next.assert_invariants();
        Ok(Some(next))
    }

    /// Whether the open transaction reaches a partition: what a leader asks before a transaction's first batch is appended.
    ///
    /// # Errors
    /// As [`Transaction::add`]; TRANSACTION_ABORTABLE if it does not.
    pub fn verify(&self, producer: Producer, place: &Place) -> Result<(), ErrorCode> {
        self.check_producer(producer)?;
        if self.state.is_ending() {
            return Err(ErrorCode::ConcurrentTransactions);
        }
        match self.partitions.contains(place) {
            true => Ok(()),
            false => Err(ErrorCode::TransactionAbortable),
        }
    }

    fn check_producer(&self, producer: Producer) -> Result<(), ErrorCode> {
        if self.producer_id != producer.id {
            return Err(ErrorCode::InvalidProducerIdMapping);
        }
        if self.epoch != producer.epoch { Err(ErrorCode::ProducerFenced) } else { Ok(()) }
    }

    /// The producer ends its transaction.
    ///
    /// # Errors
    /// INVALID_PRODUCER_ID_MAPPING, PRODUCER_FENCED; CONCURRENT_TRANSACTIONS while it ends already; INVALID_TXN_STATE.
    pub fn end(&self, ask: EndAsk, now_ms: i64) -> Result<End, Decline> {
        match ask.version {
            TxnVersion::V0 | TxnVersion::V1 => self.end_by_state(ask, now_ms),
            TxnVersion::V2 => self.end_by_epoch(ask, now_ms),
        }
    }

    fn end_by_state(&self, ask: EndAsk, now_ms: i64) -> Result<End, Decline> {
        self.check_producer(ask.producer)?;
        match (self.state, ask.commit) {
            (TxnState::Ongoing, commit) => {
                Ok(End::Ends(self.ending(prepared(commit), ask.version, -1, now_ms)))
            }
            (TxnState::CompleteCommit, true) | (TxnState::CompleteAbort, false) => Ok(End::Done),
            (TxnState::PrepareCommit, true) | (TxnState::PrepareAbort, false) => {
                Err(ErrorCode::ConcurrentTransactions.into())
            }
            _ => Err(ErrorCode::InvalidTxnState.into()),
        }
    }

    /// With an epoch per transaction, a retry is told by its epoch: that of the transaction before (KIP-890).
    fn end_by_epoch(&self, ask: EndAsk, now_ms: i64) -> Result<End, Decline> {
        let Producer { id, epoch } = ask.producer;
        let rotated =
            self.previous_producer_id == id && epoch == Self::LAST_EPOCH && self.epoch == 0;
        let again = self.epoch == epoch.saturating_add(1) && self.producer_id == id || rotated;
        if self.producer_id != id && !rotated {
            return Err(ErrorCode::InvalidProducerIdMapping.into());
        }
        let is_current = match self.state {
            TxnState::Empty | TxnState::Ongoing => epoch == self.epoch,
            TxnState::PrepareCommit | TxnState::PrepareAbort => again,
            TxnState::CompleteCommit | TxnState::CompleteAbort => again || epoch == self.epoch,
        };
        if !is_current {
            return Err(ErrorCode::ProducerFenced.into());
        }
        match (self.state, ask.commit, again) {
            (TxnState::Ongoing, _, _)
            // Nothing was produced: the abort gives the producer its next epoch all the same.
            | (TxnState::Empty, false, _)
            | (TxnState::CompleteCommit | TxnState::CompleteAbort, false, false) => {
                let next_id = match (self.is_exhausted(), ask.spare_id) {
                    (false, _) => -1,
                    (true, spare) => spare.ok_or(Decline::NeedsProducerId)?,
                };
                Ok(End::Ends(self.ending(prepared(ask.commit), ask.version, next_id, now_ms)))
            }
            (TxnState::CompleteCommit, true, true) | (TxnState::CompleteAbort, false, true) => {
                Ok(End::Done)
            }
            (TxnState::PrepareCommit, true, _) | (TxnState::PrepareAbort, false, _) => {
                Err(ErrorCode::ConcurrentTransactions.into())
            }
            _ => Err(ErrorCode::InvalidTxnState.into()),
        }
    }

    fn ending(&self, to: TxnState, version: TxnVersion, next_id: i64, now_ms: i64) -> Transaction {
        let bumps = version >= TxnVersion::V2;
        let next = Transaction {
            state: to,
            previous_producer_id: self.producer_id,
            next_producer_id: next_id,
            epoch: if bumps { self.epoch.saturating_add(1) } else { self.epoch },
            last_epoch: if bumps { self.epoch } else { self.last_epoch },
            started_at: if self.state == TxnState::Ongoing { self.started_at } else { now_ms },
            updated_at: now_ms,
            client_version: version,
            ..self.clone()
        };
        next.assert_invariants();
        next
    }

    /// All markers are written.
    pub fn complete(&self, now_ms: i64) -> Transaction {
        assert!(self.state.is_ending());
        let commits = self.state.commits();
        let rotates = self.client_version >= TxnVersion::V2 && self.next_producer_id != -1;
        let next = Transaction {
            state: if commits { TxnState::CompleteCommit } else { TxnState::CompleteAbort },
            producer_id: if rotates { self.next_producer_id } else { self.producer_id },
            previous_producer_id: self.producer_id,
            next_producer_id: -1,
            epoch: if rotates { 0 } else { self.epoch },
            partitions: Default::default(),
            updated_at: now_ms,
            ..self.clone()
        };
        next.assert_invariants();
        next
    }
}

fn prepared(commit: bool) -> TxnState {
    if commit { TxnState::PrepareCommit } else { TxnState::PrepareAbort }
}
