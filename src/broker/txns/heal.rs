//! Ends what nobody would end. A power cut may take a marker that was written, and leave the record that says that all were; or
//! take the record that a transaction reaches a partition, and leave what was produced to it. Either would hold up readers of
//! committed records for ever. Where one node is all of the cluster, it knows: it has loaded every transaction.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use bytestring::ByteString;

use super::load::Decided;
use super::markers::Marker;
use crate::base::{Millis, Offset, with_causes};
use crate::broker::coordinator_topic::{LoadError, read_between};
use crate::broker::node::Node;
use crate::broker::partition::Partition;
use crate::txn::{Place, RecordError, TxnState, TxnVersion};

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
    raise_epochs(node);
    let known = known(node);
    for partition in node.partitions.online() {
        let place = (ByteString::from(partition.id.topic.as_str()), partition.id.partition.get());
        for open in open_in(&partition) {
            let known = known.get(&open.producer_id);
            if known.is_some_and(|known| known.partitions.contains(&place)) {
                continue;
            }
            let end = decided.get(&open.producer_id);
            let end = end.filter(|end| end.partitions.contains(&place));
            let end = end.filter(|end| ended_by(&partition, &open, end));
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

/// Whether a decision is about a transaction that is open: its marker was lost. It may be about the one before, with the marker in
/// place: a log loses an end only, so nothing can stand behind a marker that was lost.
fn ended_by(partition: &Partition, open: &Open, end: &Decided) -> bool {
    match end.epoch.cmp(&open.epoch) {
        Ordering::Less => false,
        Ordering::Greater => true,
        Ordering::Equal if end.bumps_epoch => false,
        Ordering::Equal => match has_marker_since(partition, open, end.at) {
            Ok(has) => !has,
            Err(error) => {
                tracing::error!(partition = %partition.id, error = %with_causes(&error), "cannot tell how a transaction ended: it is aborted");
                false
            }
        },
    }
}

/// Whether a marker of the producer, written at `since` or later, stands before its open transaction.
fn has_marker_since(
    partition: &Partition,
    open: &Open,
    since: i64,
) -> Result<bool, LoadError<RecordError>> {
    let first = partition.read(|log| log.offset_for_timestamp(Millis(since)))?;
    let Some(first) = first.filter(|first| first.offset.get() < open.first_offset) else {
        return Ok(false);
    };
    let mut found = false;
    read_between(partition, first.offset, Offset::new(open.first_offset), |batch| {
        let header = batch.header();
        let is_marker = header.is_control() && header.producer_id == open.producer_id;
        found |= is_marker && header.max_timestamp >= since;
        Ok(())
    })?;
    Ok(found)
}

/// No epoch is given out twice, whatever records of the coordinator a power cut took.
fn raise_epochs(node: &Node) {
    let mut newest: HashMap<i64, i16> = HashMap::new();
    for partition in node.partitions.online() {
        for (producer_id, producer) in partition.log().producers() {
            let epoch = newest.entry(producer_id).or_default();
            *epoch = producer.epoch.max(*epoch);
        }
    }
    for (id, found) in node.transactions.all() {
        let mut coordinated = found.lock();
        let Some(known) = &coordinated.known else { continue };
        let newest = newest.get(&known.producer_id).copied().unwrap_or(0);
        if newest <= known.epoch {
            continue;
        }
        let next = known.overtaken(newest, node.now().0);
        tracing::warn!(transactional_id = %id, producer_id = known.producer_id, known = known.epoch, newest,
            "records of a transactional id were lost: it goes on with the newest epoch that a log has");
        node.transactions.undone.lock().remove(&id);
        if let Err(code) = node.keep_transaction(&id, &mut coordinated, next) {
            tracing::error!(transactional_id = %id, code = code.name(), "its newest epoch could not be written");
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
