//! Ends what nobody would end. A power cut may take a marker that was written, and leave the record that says that all were; or
//! take the record that a transaction reaches a partition, and leave what was produced to it. Either would hold up readers of
//! committed records for ever. Where one node is all of the cluster, it knows: it has loaded every transaction.

use std::collections::{BTreeSet, HashMap};
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

/// What its coordinator knows of a producer.
struct Known {
    epoch: i16,
    /// What its open or ending transaction reaches.
    partitions: BTreeSet<Place>,
}

/// Ends the transactions that are open in some partition while their coordinator knows of none there: as it was decided, if that
/// still is known, else by an abort. Blocking; not while transactions may begin.
pub fn heal(node: &Arc<Node>, decided: &HashMap<i64, Decided>) {
    if node.image().brokers().count() != 1 {
        return;
    }
    let known = known(node);
    for partition in node.partitions.online() {
        let place = (ByteString::from(partition.id.topic.as_str()), partition.id.partition.get());
        for open in open_in(&partition) {
            let known = known.get(&open.producer_id);
            if known.is_some_and(|known| known.partitions.contains(&place)) {
                continue;
            }
            let end = decided.get(&open.producer_id);
            let end = end.filter(|end| end.epoch >= open.epoch && end.partitions.contains(&place));
            // Whoever still produces by an older epoch is fenced with it.
            let newest = known.map_or(open.epoch, |known| known.epoch.max(open.epoch));
            let marker = Marker {
                producer_id: open.producer_id,
                producer_epoch: end.map_or(newest, |end| end.epoch),
                coordinator_epoch: coordinator_epoch(&partition, open.producer_id),
                commit: end.is_some_and(|end| end.commit),
                transaction_version: TxnVersion::V0.level(),
            };
            let written = node.write_marker(&place.0, place.1, marker);
            tracing::warn!(partition = %partition.id, producer_id = open.producer_id,
                first_offset = open.first_offset, commit = marker.commit,
                error = written.err().map(|code| code.name()),
                "a transaction was open that no coordinator knows of: ended it");
        }
    }
}

fn known(node: &Node) -> HashMap<i64, Known> {
    let all = node.transactions.all().into_iter();
    let known = all.filter_map(|(_, found)| found.lock().known.clone());
    known
        .map(|it| {
            let goes_on = it.state == TxnState::Ongoing || it.state.is_ending();
            let partitions = if goes_on { it.partitions } else { BTreeSet::new() };
            (it.producer_id, Known { epoch: it.epoch, partitions })
        })
        .collect()
}

fn open_in(partition: &Partition) -> Vec<Open> {
    let log = partition.log();
    let open = log.open_transactions().map(|(producer_id, producer)| Open {
        producer_id,
        epoch: producer.epoch,
        first_offset: producer.transaction_start.unwrap_or(-1),
    });
    open.collect()
}

/// A marker must not seem older than the last one that a coordinator wrote for the producer there.
fn coordinator_epoch(partition: &Partition, producer_id: i64) -> i32 {
    let log = partition.log();
    let mut producers = log.producers();
    let producer = producers.find(|(id, _)| *id == producer_id);
    producer.map_or(0, |(_, producer)| producer.coordinator_epoch.max(0))
}
