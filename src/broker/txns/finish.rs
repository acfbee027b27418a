//! Writes the markers of a transaction whose end is decided, and then that it is complete.

use std::sync::Arc;

use bytestring::ByteString;

use super::markers::Marker;
use crate::base::{ErrorCode, Offset};
use crate::broker::coordinator_topic::{CoordinatorTopic, Durable};
use crate::broker::node::Node;
use crate::broker::partition::Partition;
use crate::txn::Transaction;

/// The markers of a transaction that reaches more partitions than this are written where others do not wait for it.
const MANY: usize = 32;

impl Node {
    /// Writes what is to be written yet of a transaction that ends. Goes on if who asked does not wait. Returns whether the
    /// transaction is complete: not if a partition is offline, or somebody is at it already.
    pub(super) async fn finish_transaction(self: &Arc<Node>, id: &ByteString) -> bool {
        let Some((ending, decided)) = self.begin_to_finish(id) else { return false };
        let (node, id) = (self.clone(), id.clone());
        let task = tokio::spawn(async move {
            let written = match Node::until_durable(decided).await {
                Ok(()) => node.write_all_markers(&id, &ending).await,
                Err(code) => Err(code),
            };
            let done = node.complete_transaction(&id, &ending, written.is_ok());
            if let Err(code) = written.and(done) {
                tracing::debug!(transactional_id = %id, code = code.name(), "a transaction is not complete yet");
            }
            done.is_ok() && written.is_ok()
        });
        task.await.unwrap_or(false)
    }

    fn begin_to_finish(&self, id: &ByteString) -> Option<(Transaction, Durable)> {
        let found = self.transactions.find(id)?;
        let mut coordinated = found.lock();
        let ending = coordinated.known.clone().filter(|known| known.state.is_ending())?;
        if std::mem::replace(&mut coordinated.finishing, true) {
            return None;
        }
        Some((ending, coordinated.decided.clone()))
    }

    fn complete_transaction(
        &self,
        id: &ByteString,
        ending: &Transaction,
        written: bool,
    ) -> Result<(), ErrorCode> {
        let Some(found) = self.transactions.find(id) else { return Ok(()) };
        let mut coordinated = found.lock();
        coordinated.finishing = false;
        if !written || coordinated.known.as_ref() != Some(ending) {
            return Ok(());
        }
        self.keep_transaction(id, &mut coordinated, ending.complete(self.now().0))?;
        coordinated.decided = None;
        self.transactions.undone.lock().remove(id);
        Ok(())
    }

    /// Writes a transaction's marker into each partition that it reaches, and waits until they are durable where their topics
    /// ask for that. What was written before is written again, which changes nothing.
    async fn write_all_markers(
        self: &Arc<Node>,
        id: &ByteString,
        ending: &Transaction,
    ) -> Result<(), ErrorCode> {
        let waits = if ending.partitions.len() <= MANY {
            self.write_markers(id, ending)
        } else {
            let (node, id, ending) = (self.clone(), id.clone(), ending.clone());
            let write = move || node.write_markers(&id, &ending);
            let written = tokio::task::spawn_blocking(write).await;
            written.unwrap_or(Err(ErrorCode::UnknownServerError))
        }?;
        for (partition, up_to) in waits {
            partition.durable(up_to).await.map_err(|_| ErrorCode::KafkaStorageError)?;
        }
        Ok(())
    }

    fn write_markers(
        &self,
        id: &ByteString,
        ending: &Transaction,
    ) -> Result<Vec<(Arc<Partition>, Offset)>, ErrorCode> {
        let home = self.home_partition(CoordinatorTopic::Transactions, id)?;
        let marker = Marker {
            producer_id: ending.producer_id,
            producer_epoch: ending.epoch,
            coordinator_epoch: home.leader_epoch.get(),
            commit: ending.state.commits(),
            transaction_version: ending.client_version.level(),
        };
        let (mut waits, mut failed) = (Vec::new(), None);
        for (topic, partition) in &ending.partitions {
            match self.write_marker(topic, *partition, marker) {
                Ok(durable) => waits.extend(durable),
                // Its topic was deleted.
                Err(ErrorCode::UnknownTopicOrPartition) => {}
                // Whoever is in office now has ended it there.
                Err(
                    code @ (ErrorCode::InvalidProducerEpoch
                    | ErrorCode::TransactionCoordinatorFenced),
                ) => {
                    tracing::warn!(transactional_id = %id, topic = %topic, partition, code = code.name(), "a newer marker stands where one was to be written");
                }
                Err(code) => failed = Some(code),
            }
        }
        failed.map_or(Ok(waits), Err)
    }
}

/// Tries again what could not be finished.
pub async fn finish_undone(node: &Arc<Node>) {
    let undone: Vec<ByteString> = node.transactions.undone.lock().iter().cloned().collect();
    for id in undone {
        node.finish_transaction(&id).await;
    }
}
