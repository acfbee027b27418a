//! A transactional producer's state: which request is due, who may write, when a transaction is over. Pure.
//!
//! Two protocols, by the cluster's `transaction.version`. Up to 1 each partition is announced before its first batch
//! (AddPartitionsToTxn, AddOffsetsToTxn), and the epoch is raised only after a failure (InitProducerId, KIP-360). From 2 on
//! brokers take note by themselves, and every transaction ends with a new epoch (EndTxn, KIP-890).
//!
//! One request is under way at a time. A transaction ends only once nothing of it is on its way any more.

mod answer;
mod step;

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use super::super::super::committed::GroupOffsets;
use super::super::super::consumer::Key;
use super::super::super::error::ProduceError;
use super::super::window::Identity;
use super::GroupMetadata;
use super::error::{AbortCause, TransactionError};
use super::refusal::is_fatal_to_records;
use crate::base::ErrorCode;

pub(in super::super) use step::Drops;
pub(super) use step::{Abilities, Protocol, Step, Then, Told};

#[derive(Clone, Debug)]
enum State {
    /// The transactional id is not yet ours.
    Unready,
    /// Between transactions.
    Ready,
    Open,
    /// `ended`: only the epoch is still to be raised.
    Ending {
        commit: bool,
        ended: bool,
    },
    MustAbort(Arc<AbortCause>),
    Failed(TransactionError),
}

/// Offsets that are to be part of the transaction.
#[derive(Debug)]
struct Offsets {
    ticket: u64,
    group: GroupMetadata,
    offsets: GroupOffsets,
    announced: bool,
}

/// One transactional producer.
#[derive(Debug)]
pub(super) struct Machine {
    id: String,
    state: State,
    identity: Option<Identity>,
    protocol: Protocol,
    /// As the coordinator told last; the next transaction goes by it.
    latest: Abilities,
    /// To be announced.
    wanted: BTreeSet<Key>,
    announced: BTreeSet<Key>,
    offsets: VecDeque<Offsets>,
    last_ticket: u64,
    /// Whether the coordinator may know of this transaction.
    started: bool,
    /// Whether an announcement got no answer.
    in_doubt: bool,
    /// Whether the epoch is to be raised once the transaction is over.
    raise: bool,
}

impl Machine {
    pub(super) fn new(id: String) -> Machine {
        let latest = Abilities { protocol: Protocol::Announced, raises_epochs: false };
        Machine {
            id,
            state: State::Unready,
            identity: None,
            protocol: latest.protocol,
            latest,
            wanted: BTreeSet::new(),
            announced: BTreeSet::new(),
            offsets: VecDeque::new(),
            last_ticket: 0,
            started: false,
            in_doubt: false,
            raise: false,
        }
    }

    /// What the coordinator can do, as its newest connection tells.
    pub(super) fn observe(&mut self, latest: Abilities) {
        self.latest = latest;
    }

    /// Which protocol the transaction goes by that is open or may be opened.
    pub(super) fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Whether records and offsets are taken.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, State::Open)
    }

    /// Whether the program has left a transaction that nobody has begun to end.
    pub(super) fn is_unfinished(&self) -> bool {
        matches!(self.state, State::Open | State::MustAbort(_))
    }

    /// Whether what the program waits for is there: a transactional id of its own, the end of the transaction.
    ///
    /// # Errors
    /// What came in between.
    pub(super) fn is_settled(&self) -> Result<bool, TransactionError> {
        match &self.state {
            State::Ready => Ok(true),
            State::MustAbort(_) | State::Failed(_) => self.fit("go on").map(|()| false),
            State::Unready | State::Open | State::Ending { .. } => Ok(false),
        }
    }

    /// Begins a transaction.
    ///
    /// # Errors
    /// `OutOfTurn`, or what ended the producer.
    pub(super) fn begin(&mut self) -> Result<(), TransactionError> {
        match self.state {
            State::Ready => {
                self.state = State::Open;
                Ok(())
            }
            State::Open => Err(out_of_turn("begin a transaction", "one is open")),
            _ => self.fit("begin a transaction"),
        }
    }

    /// Whether a record may be sent now.
    ///
    /// # Errors
    /// Why not.
    pub(super) fn may_send(&self) -> Result<(), TransactionError> {
        self.fit("send")
    }

    /// `Ok` in an open transaction.
    fn fit(&self, what: &'static str) -> Result<(), TransactionError> {
        match &self.state {
            State::Open => Ok(()),
            State::Unready => Err(out_of_turn(what, "the transactional id is not yet taken")),
            State::Ready => Err(out_of_turn(what, "no transaction is open")),
            State::Ending { commit: true, .. } => {
                Err(out_of_turn(what, "the transaction is being committed"))
            }
            State::Ending { commit: false, .. } => {
                Err(out_of_turn(what, "the transaction is being aborted"))
            }
            State::MustAbort(cause) => Err(TransactionError::Abortable { cause: cause.clone() }),
            State::Failed(cause) => Err(cause.clone()),
        }
    }

    /// Makes offsets part of the transaction. The ticket asks [`Self::are_offsets_in`].
    ///
    /// # Errors
    /// As [`Self::may_send`].
    pub(super) fn add_offsets(
        &mut self,
        group: GroupMetadata,
        offsets: GroupOffsets,
    ) -> Result<u64, TransactionError> {
        self.fit("send offsets")?;
        self.last_ticket += 1;
        let ticket = self.last_ticket;
        self.offsets.push_back(Offsets { ticket, group, offsets, announced: false });
        Ok(ticket)
    }

    /// Whether the group's coordinator has taken them.
    ///
    /// # Errors
    /// What came in between.
    pub(super) fn are_offsets_in(&self, ticket: u64) -> Result<bool, TransactionError> {
        match &self.state {
            State::MustAbort(_) | State::Failed(_) => self.fit("send offsets").map(|()| false),
            _ => Ok(self.offsets.iter().all(|waiting| waiting.ticket != ticket)),
        }
    }

    /// Ends the transaction; called again with the same aim while that is under way, it changes nothing.
    ///
    /// # Errors
    /// A commit of what can only be aborted; `OutOfTurn`; what ended the producer.
    pub(super) fn end(&mut self, commit: bool) -> Result<(), TransactionError> {
        match self.state {
            State::Open | State::MustAbort(_) if !commit => {
                self.wanted.clear();
                self.offsets.clear();
            }
            State::Open => {}
            State::Ending { commit: aim, .. } if aim == commit => return Ok(()),
            _ => return self.fit(if commit { "commit" } else { "abort" }),
        }
        self.state = State::Ending { commit, ended: false };
        Ok(())
    }

    /// Who writes a partition's next batch; `None` if that has to wait. Tells with it whether there is something new to announce.
    pub(super) fn admit(&mut self, key: &Key) -> (Option<Identity>, bool) {
        match self.state {
            State::Open | State::MustAbort(_) | State::Ending { ended: false, .. } => {}
            State::Unready | State::Ready | State::Ending { .. } | State::Failed(_) => {
                return (None, false);
            }
        }
        if self.protocol == Protocol::Noted {
            self.started = true;
            return (self.identity, false);
        }
        if self.announced.contains(key) {
            return (self.identity, false);
        }
        let goes_on = matches!(self.state, State::Open | State::Ending { commit: true, .. });
        (None, goes_on && self.wanted.insert(key.clone()))
    }

    /// Which batches are of no use any more.
    pub(super) fn drops(&self) -> Drops {
        match self.state {
            State::MustAbort(_) | State::Ending { commit: false, .. } => Drops::Unsent,
            State::Failed(_) => Drops::All,
            _ => Drops::None,
        }
    }

    /// A record of the transaction will not be written.
    pub(super) fn on_record_failed(&mut self, cause: &ProduceError) {
        match cause {
            // That is our own doing.
            ProduceError::Aborted { .. } | ProduceError::Transaction(_) | ProduceError::Closed => {}
            cause if cause.code().is_some_and(is_fatal_to_records) => {
                self.fail(AbortCause::Record(cause.clone()));
            }
            cause => self.must_abort(AbortCause::Record(cause.clone()), true),
        }
    }

    /// `gap`: sequences cannot go on under this epoch.
    fn must_abort(&mut self, cause: AbortCause, gap: bool) {
        if matches!(self.state, State::Failed(_) | State::Unready | State::Ready) {
            return;
        }
        if gap && self.protocol == Protocol::Announced {
            if !self.latest.raises_epochs {
                return self.fail(cause);
            }
            self.raise = true;
        }
        if matches!(self.state, State::Open | State::Ending { commit: true, ended: false }) {
            tracing::debug!(transactional_id = self.id, %cause, "the transaction must be aborted");
            self.state = State::MustAbort(Arc::new(cause));
        }
    }

    fn fail(&mut self, cause: AbortCause) {
        if matches!(self.state, State::Failed(_)) {
            return;
        }
        let transactional_id = self.id.clone();
        let code = match &cause {
            AbortCause::Record(cause) => cause.code(),
            AbortCause::Refused(cause) => cause.code(),
        };
        self.state = State::Failed(match code {
            Some(code @ (ErrorCode::ProducerFenced | ErrorCode::InvalidProducerEpoch)) => {
                TransactionError::Fenced { transactional_id, code }
            }
            _ => TransactionError::Fatal { transactional_id, cause: Arc::new(cause) },
        });
    }

    /// The request that is due now; `incomplete` says whether batches of the transaction are on their way.
    pub(super) fn step(&mut self, incomplete: bool) -> Option<Step> {
        let State::Ending { commit, ended } = self.state else {
            return match self.state {
                State::Unready => Some(Step::Init { current: None }),
                State::Open => self.addition(),
                _ => None,
            };
        };
        let current = self.identity;
        if ended {
            return Some(Step::Init { current });
        }
        if commit && let Some(step) = self.addition() {
            return Some(step);
        }
        let who = current.filter(|_| !incomplete)?;
        // An announcement whose answer was lost may have begun a transaction, and one that is late may still begin the next: in time,
        // or of a former epoch.
        self.raise |= self.in_doubt && self.latest.raises_epochs;
        if self.started || self.in_doubt {
            return Some(Step::End { who, commit });
        }
        self.over(); // the coordinator knows of no transaction
        self.raises().then_some(Step::Init { current })
    }

    /// What is to be announced or committed within the transaction.
    fn addition(&mut self) -> Option<Step> {
        let who = self.identity?;
        if !self.wanted.is_empty() {
            let partitions = self.wanted.iter().cloned().collect();
            return Some(Step::AddPartitions { who, partitions });
        }
        let next = self.offsets.front()?;
        let group = next.group.clone();
        if self.protocol == Protocol::Announced && !next.announced {
            return Some(Step::AddOffsets { who, group });
        }
        self.started = true;
        Some(Step::CommitOffsets { who, group, offsets: next.offsets.clone() })
    }

    fn assert_invariants(&self) {
        assert!(self.identity.is_some());
        assert!(!self.raise);
    }
}

fn out_of_turn(what: &'static str, state: &'static str) -> TransactionError {
    TransactionError::OutOfTurn { what, state }
}
