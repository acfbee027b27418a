//! Rank 2. The coordinator of transactions as a pure state machine (KIP-98, KIP-360, KIP-890): who may produce under a
//! transactional id, which partitions its transaction reaches, and how that ends. Pure: no clock, no log, no socket.
//!
//! A [`Transaction`] is what the newest record of its id in `__transaction_state` says. A request is decided against it and
//! changes nothing: the decision is the next `Transaction`. Whoever drives it writes that ([`encode`]), and only then takes it for
//! the one that counts. So a state is never seen that a restart would not find ([`decode`]).

mod decide;
#[cfg(test)]
mod random_tests;
mod records;
mod state;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use bytestring::ByteString;

pub use decide::{Decline, End, EndAsk, Init, InitAsk, Producer};
pub use records::{RecordError, decode, encode, stored, tombstone};
pub use state::TxnState;

/// A partition that a transaction reaches: topic and index.
pub type Place = (ByteString, i32);

/// Whether the client's protocol is that of KIP-890's second part: partitions are added by producing to them, and each
/// transaction has an epoch of its own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum TxnVersion {
    /// `transaction.version` 0: as since Kafka 0.11.
    V0,
    /// 1: the same to clients; records have tagged fields.
    V1,
    /// 2: KIP-890 part 2.
    V2,
}

impl TxnVersion {
    /// The feature's level.
    pub fn level(self) -> i16 {
        match self {
            TxnVersion::V0 => 0,
            TxnVersion::V1 => 1,
            TxnVersion::V2 => 2,
        }
    }

    /// From the feature's level; a level that is not known yet counts as the newest that is.
    pub fn from_level(level: i16) -> TxnVersion {
        match level {
            ..=0 => TxnVersion::V0,
            1 => TxnVersion::V1,
            2.. => TxnVersion::V2,
        }
    }
}

/// What is known of a transactional id.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Transaction {
    /// The id of its producer.
    pub producer_id: i64,
    /// The id that the producer had before the last change; -1 if none.
    pub previous_producer_id: i64,
    /// The id that the producer gets when the transaction is complete, if its epochs are used up; else -1.
    pub next_producer_id: i64,
    /// The producer's epoch; -1 before the first is given out.
    pub epoch: i16,
    /// The epoch that the producer had before, where it asked for the new one itself; -1 else. Not stored.
    pub last_epoch: i16,
    /// How long a transaction may take, in ms.
    pub timeout_ms: i32,
    /// What it does.
    pub state: TxnState,
    /// The partitions that the transaction reaches; once it is complete none.
    pub partitions: BTreeSet<Place>,
    /// When the transaction began (wall clock), in ms; -1 if none did.
    pub started_at: i64,
    /// When it was changed last, in ms.
    pub updated_at: i64,
    /// The protocol of the client at the last change.
    pub client_version: TxnVersion,
}

impl Transaction {
    /// Epochs above this are not given out, so that there is always one left to fence with.
    pub const LAST_EPOCH: i16 = i16::MAX - 1;

    /// One of whose id nothing is known yet.
    pub fn fresh(producer_id: i64, timeout_ms: i32, now_ms: i64) -> Transaction {
        Transaction {
            producer_id,
            previous_producer_id: -1,
            next_producer_id: -1,
            epoch: -1,
            last_epoch: -1,
            timeout_ms,
            state: TxnState::Empty,
            partitions: BTreeSet::new(),
            started_at: -1,
            updated_at: now_ms,
            client_version: TxnVersion::V0,
        }
    }

    /// Whether its producer's epochs are used up.
    pub fn is_exhausted(&self) -> bool {
        self.epoch >= Self::LAST_EPOCH
    }

    /// Whether it is open for longer than its producer allowed.
    pub fn is_overdue(&self, now_ms: i64) -> bool {
        self.state == TxnState::Ongoing
            && self.started_at.saturating_add(i64::from(self.timeout_ms)) < now_ms
    }

    /// Whether its id may be forgotten: nothing is open, and nothing happened for `expiration_ms`.
    pub fn is_expired(&self, now_ms: i64, expiration_ms: i64) -> bool {
        let at_rest = matches!(
            self.state,
            TxnState::Empty | TxnState::CompleteCommit | TxnState::CompleteAbort
        );
        at_rest && self.updated_at <= now_ms.saturating_sub(expiration_ms)
    }

    fn assert_invariants(&self) {
        assert!(self.producer_id >= 0);
        assert!(self.epoch >= 0);
        assert!(
            self.state == TxnState::Ongoing || self.state.is_ending() || self.partitions.is_empty()
        );
        assert!(self.state == TxnState::Empty || self.started_at >= 0);
        assert!(self.next_producer_id == -1 || self.state.is_ending());
    }
}
