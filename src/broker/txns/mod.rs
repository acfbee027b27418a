//! The coordinator of transactions: drives the machine of the `txn` room with requests and time, keeps what it decides in
//! `__transaction_state`, writes the markers that end transactions, and takes all of it up again at start.
//!
//! Each transactional id has a lock of its own, never held over an `.await`, nor while a group's is asked for. How a transaction
//! ends is durable, by its topic's rules, before the first marker is written; that it is complete is written after the last.

mod append;
mod end;
mod expire;
mod finish;
mod heal;
mod init;
mod load;
mod markers;
mod store;
mod tell;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bytestring::ByteString;
use parking_lot::{Mutex, RwLock};

use super::coordinator_topic::{CoordinatorTopic, Durable, Loading};
use super::node::Node;
use crate::base::ErrorCode;
use crate::meta::TRANSACTION_VERSION_FEATURE;
use crate::txn::{Place, Producer, Transaction, TxnVersion};

pub use append::Refusal;
pub use expire::{forget_expired, start};
pub use load::load;
pub use markers::Marker;
pub use tell::{Told, Wanted};

/// The longest transactional id that is taken.
const ID_AT_MOST: usize = 32_000;

/// All transactional ids that this node coordinates.
#[derive(Default)]
pub struct Transactions {
    by_id: RwLock<HashMap<ByteString, Arc<Mutex<Coordinated>>>>,
    loading: RwLock<Loading>,
    /// Those whose transactions end, and have markers to be written yet.
    undone: Mutex<HashSet<ByteString>>,
}

impl std::fmt::Debug for Transactions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let count = self.by_id.read().len();
        f.debug_struct("Transactions").field("count", &count).finish_non_exhaustive()
    }
}

/// One transactional id.
#[derive(Default)]
struct Coordinated {
    /// What was written of it last; `None` before the first time.
    known: Option<Transaction>,
    /// From when on the end that was decided may be acted on.
    decided: Durable,
    /// Whether somebody writes its markers.
    finishing: bool,
    /// Whether it was forgotten: who found it before has to look for it again.
    dead: bool,
}

/// In which transaction records or offsets are to be written.
#[derive(Clone, Debug)]
pub struct InTransaction {
    /// The transactional id.
    pub id: ByteString,
    /// Its producer, as it names itself.
    pub producer: Producer,
    /// The client's protocol: by that of KIP-890 what is written to is added to the transaction.
    pub version: TxnVersion,
}

impl Transactions {
    fn find(&self, id: &ByteString) -> Option<Arc<Mutex<Coordinated>>> {
        self.by_id.read().get(id).cloned()
    }

    fn find_or_make(&self, id: &ByteString) -> Arc<Mutex<Coordinated>> {
        if let Some(found) = self.find(id) {
            return found;
        }
        let mut by_id = self.by_id.write();
        // A slice would keep all of its frame.
        by_id.entry(ByteString::from(&**id)).or_default().clone()
    }

    fn all(&self) -> Vec<(ByteString, Arc<Mutex<Coordinated>>)> {
        self.by_id.read().iter().map(|(id, found)| (id.clone(), found.clone())).collect()
    }
}

impl Node {
    /// The version of transactions that the cluster has settled on.
    pub fn transaction_version(&self) -> TxnVersion {
        let level = self.image().features().get(TRANSACTION_VERSION_FEATURE).copied();
        TxnVersion::from_level(level.unwrap_or(0))
    }

    /// Whether this node coordinates transactions of this id, and has loaded it.
    ///
    /// # Errors
    /// INVALID_REQUEST; COORDINATOR_NOT_AVAILABLE before the topic was made, COORDINATOR_LOAD_IN_PROGRESS.
    pub fn check_coordinates_transaction(&self, id: &str) -> Result<(), ErrorCode> {
        if id.is_empty() || id.len() > ID_AT_MOST {
            return Err(ErrorCode::InvalidRequest);
        }
        let home = self.home_of(CoordinatorTopic::Transactions, id);
        self.transactions.loading.read().check(home.ok_or(ErrorCode::CoordinatorNotAvailable)?)
    }

    /// A transaction reaches more partitions. What is answered for it has to wait for [`Durable`].
    ///
    /// # Errors
    /// As [`Transaction::add`]; INVALID_PRODUCER_ID_MAPPING for an id that is not known.
    pub fn add_to_transaction(
        &self,
        transaction: &InTransaction,
        places: &[Place],
    ) -> Result<Durable, ErrorCode> {
        let InTransaction { id, producer, version } = transaction;
        self.check_coordinates_transaction(id)?;
        let found = self.transactions.find(id).ok_or(ErrorCode::InvalidProducerIdMapping)?;
        let mut coordinated = found.lock();
        let known = coordinated.known.as_ref().ok_or(ErrorCode::InvalidProducerIdMapping)?;
        match known.add(*producer, places, *version, self.now().0)? {
            None => Ok(None),
            Some(next) => self.keep_transaction(id, &mut coordinated, next),
        }
    }

    /// Whether a transaction reaches a partition.
    ///
    /// # Errors
    /// As [`Transaction::verify`]; INVALID_PRODUCER_ID_MAPPING for an id that is not known.
    pub fn verify_in_transaction(
        &self,
        transaction: &InTransaction,
        place: &Place,
    ) -> Result<(), ErrorCode> {
        self.check_coordinates_transaction(&transaction.id)?;
        let found = self.transactions.find(&transaction.id);
        let found = found.ok_or(ErrorCode::InvalidProducerIdMapping)?;
        let coordinated = found.lock();
        let known = coordinated.known.as_ref().ok_or(ErrorCode::InvalidProducerIdMapping)?;
        known.verify(transaction.producer, place)
    }
}
