//! Ends what nobody would end. A power cut may take a marker that was written, and leave the record that says that all were; or
//! take the record that a transaction reaches a partition, and leave what was produced to it. Either would hold up readers of
//! committed records for ever. Where one node is all of the cluster, it knows: it has loaded every transaction.

use std::collections::HashMap;
use std::sync::Arc;

use bytestring::ByteString;

use super::load::Decided;
use super::markers::Marker;
use crate::broker::node::Node;
use crate::broker::partition::Partition;
use crate::txn::{Place, TxnState, TxnVersion};

/// A transaction that is open in a partition.
struct Open {
    producer_id: i64,
    epoch: i16,
    first_offset: i64,
}

/// Ends the transactions that are open in some partition while their coordinator knows of none there: as it was decided, if that
/// still is known, else by an abort. Blocking.
pub fn heal(node: &Arc<Node>, decided: &HashMap<i64, Decided>) {
    let alone = node.image().brokers().count() == 1;
    if !alone || !node.transactions.loading.read().is_whole() {
        return;
    }
    let epochs = known_epochs(node);
    for partition in node.partitions.online() {
        let place = (ByteString::from(partition.id.topic.as_str()), partition.id.partition.get());
        for open in open_in(&partition) {
            if is_known(node, &open, &place) {
                continue;
            }
            let decided = decided.get(&open.producer_id);
            let decided =
                decided.filter(|end| end.epoch >= open.epoch && end.partitions.contains(&place));
            let commit = decided.is_some_and(|end| end.commit);
            // Whoever still produces by the old epoch is fenced with it.
            let epoch = epochs.get(&open.producer_id).copied().unwrap_or(open.epoch);
            let marker = Marker {
                producer_id: open.producer_id,
                producer_epoch: decided.map_or(epoch.max(open.epoch), |end| end.epoch),
                coordinator_epoch: partition_epoch(node, &partition),
                commit,
                transaction_version: TxnVersion::V0.level(),
            };
            let written = node.write_marker(&place.0, place.1, marker);
            tracing::warn!(partition = %partition.id, producer_id = open.producer_id, first_offset = open.first_offset, commit,
                error = written.err().map(|code| code.name()),
                "a transaction was open that its coordinator does not know of: ended it");
        }
    }
}

/// The newest epoch of each producer that has a transactional id.
fn known_epochs(node: &Node) -> HashMap<i64, i16> {
    let all = node.transactions.all().into_iter();
    let known = all.filter_map(|(_, found)| found.lock().known.clone());
    known.map(|known| (known.producer_id, known.epoch)).collect()
}

fn open_in(partition: &Partition) -> Vec<Open> {
    let log = partition.log();
    let open = log.producers().filter_map(|(producer_id, producer)| {
        let first_offset = producer.transaction_start?;
        Some(Open { producer_id, epoch: producer.epoch, first_offset })
    });
    open.collect()
}

/// Whether a transaction that goes on, or whose end is being written, reaches the partition.
fn is_known(node: &Node, open: &Open, place: &Place) -> bool {
    node.transactions.all().into_iter().any(|(_, found)| {
        let coordinated = found.lock();
        coordinated.known.as_ref().is_some_and(|known| {
            let goes_on = known.state == TxnState::Ongoing || known.state.is_ending();
            goes_on && known.producer_id == open.producer_id && known.partitions.contains(place)
        })
    })
}

/// A marker must not seem older than the last one that a coordinator wrote there.
fn partition_epoch(_node: &Node, partition: &Partition) -> i32 {
    let log = partition.log();
    log.producers().map(|(_, producer)| producer.coordinator_epoch).max().unwrap_or(0).max(0)
}
