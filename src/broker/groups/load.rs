//! Rebuilds the groups from `__consumer_offsets`, at start.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use bytestring::ByteString;
use tokio::task::JoinHandle;

use super::Coordinated;
use crate::base::with_causes;
use crate::broker::coordinator_topic::{
    CoordinatorTopic, DECOMPRESSED_AT_MOST, LoadError, read_all,
};
use crate::broker::node::Node;
use crate::broker::partition::Partition;
use crate::broker::partitions::Slot;
use crate::group::{
    AnyGroup, CommittedOffsets, ConsumerConfig, ConsumerGroup, Entry, Group, GroupRecord,
    RecordError,
};
use crate::record::control::ControlRecord;
use crate::record::{Batch, records};

/// What a partition of `__consumer_offsets` amounts to.
#[derive(Default)]
struct Loaded {
    groups: BTreeMap<ByteString, GroupRecord>,
    consumers: BTreeMap<ByteString, ConsumerGroup>,
    offsets: BTreeMap<ByteString, CommittedOffsets>,
    /// The groups with offsets that a transaction of this producer may still commit.
    pending: HashMap<i64, HashSet<ByteString>>,
    unknown: u64,
}

/// Loads all groups, on the blocking pool; until a partition is read, its groups are refused with COORDINATOR_LOAD_IN_PROGRESS.
pub fn load(node: &Arc<Node>) -> JoinHandle<()> {
    let topic = node.partitions.topic(CoordinatorTopic::Offsets.name());
    let slots: Vec<(i32, Slot)> =
        (0..).zip(topic.iter().flat_map(|topic| topic.slots.iter().cloned())).collect();
    node.groups.loading.write().begin(slots.iter().map(|(index, _)| *index));
    let node = node.clone();
    tokio::task::spawn_blocking(move || {
        for (index, slot) in slots {
            let done = match slot {
                Slot::Online(partition) => load_one(&node, &partition),
                Slot::Offline(_) => false,
            };
            node.groups.loading.write().end(index, done);
        }
    })
}

fn load_one(node: &Arc<Node>, partition: &Arc<Partition>) -> bool {
    let mut loaded = Loaded::default();
    if let Err(error) = read_all(partition, |batch| loaded.take(batch, &node.groups.consumers)) {
        tracing::error!(partition = %partition.id, error = %with_causes(&error), "its groups cannot be loaded, and are not served");
        return false;
    }
    if loaded.unknown > 0 {
        tracing::warn!(partition = %partition.id, records = loaded.unknown,
            "records of kinds that this version of klog does not have are left as they are");
    }
    let now = node.group_now();
    let Loaded { groups, consumers, mut offsets, pending, .. } = loaded;
    let home = partition.id.partition.get();
    let pending = pending.into_iter().map(|(producer_id, ids)| ((home, producer_id), ids));
    node.groups.pending.lock().extend(pending);
    let mut by_id: Vec<Coordinated> = Vec::new();
    for (id, record) in groups {
        let mut coordinated = Coordinated::new(AnyGroup::Classic(Group::load(
            id.clone(),
            node.groups.config,
            &record,
            now,
        )));
        coordinated.offsets = offsets.remove(&id).unwrap_or_default();
        coordinated.stored = true;
        by_id.push(coordinated);
    }
    for (id, mut group) in consumers.into_iter().filter(|(_, group)| group.epoch() > 0) {
        group.loaded(now);
        let mut coordinated = Coordinated::new(AnyGroup::Consumer(group));
        coordinated.offsets = offsets.remove(&id).unwrap_or_default();
        coordinated.stored = true;
        by_id.push(coordinated);
    }
    for (id, offsets) in offsets.into_iter().filter(|(_, offsets)| !offsets.is_empty()) {
        let group = AnyGroup::Classic(Group::new(id, node.groups.config, now));
        let mut coordinated = Coordinated::new(group);
        coordinated.offsets = offsets;
        by_id.push(coordinated);
    }
    for coordinated in by_id {
        let id = coordinated.group.id().clone();
        let shared = Arc::new(parking_lot::Mutex::new(coordinated));
        node.groups.by_id.write().insert(id, shared.clone());
        // Arms the timer for its members' sessions.
        let _ = node.drive(&shared, |_, _| ());
    }
    true
}

impl Loaded {
    fn take(
        &mut self,
        batch: &Batch,
        config: &ConsumerConfig,
    ) -> Result<(), LoadError<RecordError>> {
        let header = batch.header();
        if header.is_control() {
            let producer_id = header.producer_id;
            for record in records(batch, DECOMPRESSED_AT_MOST)? {
                let record = record?;
                let marker = ControlRecord::parse(record.key.as_ref(), record.value.as_ref());
                self.end(producer_id, marker.ok());
            }
            return Ok(());
        }
        let producer_id = header.is_transactional().then_some(header.producer_id);
        for record in records(batch, DECOMPRESSED_AT_MOST)? {
            let record = record?;
            let Some(key) = record.key else { continue };
            let entry = Entry::decode(key, record.value)
                .map_err(|source| LoadError::Record { offset: record.offset, source })?;
            match entry {
                Entry::Group(id, Some(group)) => drop(self.groups.insert(id, group)),
                Entry::Group(id, None) => drop(self.groups.remove(&id)),
                Entry::Offset(id, place, offset) => {
                    let offsets = self.offsets.entry(id.clone()).or_default();
                    match (offset, producer_id) {
                        (None, _) => offsets.forget(&place),
                        (Some(offset), None) => offsets.set(place, offset, record.offset),
                        (Some(offset), Some(producer_id)) => {
                            offsets.hold(producer_id, place, offset, record.offset);
                            self.pending.entry(producer_id).or_default().insert(id);
                        }
                    }
                }
                Entry::Consumer(id, record) => {
                    let new = || ConsumerGroup::new(id.clone(), config.clone());
                    let group = self.consumers.entry(id.clone()).or_insert_with(new);
                    group.replay(&record);
                }
                Entry::Unknown(_) => self.unknown += 1,
            }
        }
        Ok(())
    }

    fn end(&mut self, producer_id: i64, how: Option<ControlRecord>) {
        let commit = match how {
            Some(ControlRecord::Commit { .. }) => true,
            Some(ControlRecord::Abort { .. }) => false,
            _ => return,
        };
        for id in self.pending.remove(&producer_id).into_iter().flatten() {
            self.offsets.entry(id).or_default().end(producer_id, commit);
        }
    }
}
