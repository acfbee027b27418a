//! Takes up all transactions from `__transaction_state`, at start.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use bytestring::ByteString;
use parking_lot::Mutex;
use tokio::task::JoinHandle;

use super::Coordinated;
use super::heal::heal;
use crate::base::with_causes;
use crate::broker::coordinator_topic::{
    CoordinatorTopic, DECOMPRESSED_AT_MOST, LoadError, read_all,
};
use crate::broker::node::Node;
use crate::broker::partition::Partition;
use crate::broker::partitions::Slot;
use crate::record::{Batch, records};
use crate::txn::{Place, RecordError, Transaction, TxnVersion, decode};

/// How a transaction was decided to end, and which partitions it reached.
#[derive(Clone, Debug)]
pub struct Decided {
    /// The epoch of its markers.
    pub epoch: i16,
    /// Whether it was committed.
    pub commit: bool,
    /// What it reached.
    pub partitions: BTreeSet<Place>,
    /// When it was decided, in ms.
    pub at: i64,
    /// Whether its markers' epoch is newer than that of its records (KIP-890).
    pub bumps_epoch: bool,
}

/// What is kept in one partition.
#[derive(Default)]
struct Loaded {
    transactions: BTreeMap<ByteString, Transaction>,
    /// The last end that was decided of each producer, by its id.
    decided: HashMap<i64, Decided>,
}

/// Loads all transactional ids, on the blocking pool, once the groups are loaded whose offsets may wait for them, and ends what nobody
/// would end. Until then ids are refused with COORDINATOR_LOAD_IN_PROGRESS, so that no transaction begins meanwhile.
pub fn load(node: &Arc<Node>, groups: JoinHandle<()>) {
    let topic = node.partitions.topic(CoordinatorTopic::Transactions.name());
    let slots: Vec<(i32, Slot)> =
        (0..).zip(topic.iter().flat_map(|topic| topic.slots.iter().cloned())).collect();
    node.transactions.loading.write().begin(slots.iter().map(|(index, _)| *index));
    let node = node.clone();
    tokio::spawn(async move {
        // A panic there was told by who panicked; what is loaded here does not depend on it.
        let _ = groups.await;
        tokio::task::spawn_blocking(move || load_all(&node, slots));
    });
}

fn load_all(node: &Arc<Node>, slots: Vec<(i32, Slot)>) {
    let (mut decided, mut read) = (HashMap::new(), Vec::new());
    for (index, slot) in slots {
        let loaded = match slot {
            Slot::Online(partition) => load_one(&partition),
            Slot::Offline(_) => None,
        };
        read.push((index, loaded.is_some()));
        let loaded = loaded.unwrap_or_default();
        decided.extend(loaded.decided);
        take(node, loaded.transactions);
    }
    // A transaction may be known in a partition that could not be read.
    if read.iter().all(|(_, whole)| *whole) {
        heal(node, &decided);
    }
    let mut loading = node.transactions.loading.write();
    read.into_iter().for_each(|(index, whole)| loading.end(index, whole));
}

fn load_one(partition: &Partition) -> Option<Loaded> {
    let mut loaded = Loaded::default();
    match read_all(partition, |batch| loaded.take(batch)) {
        Ok(()) => Some(loaded),
        Err(error) => {
            tracing::error!(partition = %partition.id, error = %with_causes(&error), "its transactions cannot be loaded, and are not served");
            None
        }
    }
}

fn take(node: &Node, transactions: BTreeMap<ByteString, Transaction>) {
    let mut by_id = node.transactions.by_id.write();
    for (id, known) in transactions {
        if known.state.is_ending() {
            node.transactions.undone.lock().insert(id.clone());
        }
        let coordinated = Coordinated { known: Some(known), ..Coordinated::default() };
        by_id.insert(id, Arc::new(Mutex::new(coordinated)));
    }
}

impl Loaded {
    fn take(&mut self, batch: &Batch) -> Result<(), LoadError<RecordError>> {
        if batch.header().is_control() {
            return Ok(());
        }
        for record in records(batch, DECOMPRESSED_AT_MOST)? {
            let record = record?;
            let Some(key) = record.key else { continue };
            let read = decode(key, record.value)
                .map_err(|source| LoadError::Record { offset: record.offset, source })?;
            match read {
                Some((id, Some(known))) => {
                    self.note_end(&known);
                    self.transactions.insert(id, known);
                }
                Some((id, None)) => drop(self.transactions.remove(&id)),
                None => {}
            }
        }
        Ok(())
    }

    fn note_end(&mut self, known: &Transaction) {
        if known.state.is_ending() {
            let decided = Decided {
                epoch: known.epoch,
                commit: known.state.commits(),
                partitions: known.partitions.clone(),
                at: known.updated_at,
                bumps_epoch: known.client_version >= TxnVersion::V2,
            };
            self.decided.insert(known.producer_id, decided);
        }
    }
}
