//! Rebuilds the groups from `__consumer_offsets`, at start.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use bytestring::ByteString;

use super::{Coordinated, store::OFFSETS_TOPIC};
use crate::base::{ErrorCode, Offset};
use crate::broker::node::Node;
use crate::broker::partition::Partition;
use crate::broker::partitions::Slot;
use crate::group::{
    AnyGroup, CommittedOffsets, ConsumerConfig, ConsumerGroup, Entry, Group, GroupRecord,
};
use crate::log::ReadError;
use crate::record::{Batch, BatchError, ReadRecordsError, records, split_batches};

/// How much of a partition is read at once.
const AT_ONCE: usize = 4 << 20;
/// How far one batch may be decompressed.
const DECOMPRESSED_AT_MOST: usize = 100 << 20;

/// Which partitions are not loaded yet, and which cannot be.
#[derive(Debug, Default)]
pub struct Loading {
    pending: HashSet<i32>,
    failed: HashSet<i32>,
}

impl Loading {
    /// Whether a partition's groups can be served.
    ///
    /// # Errors
    /// COORDINATOR_LOAD_IN_PROGRESS; COORDINATOR_NOT_AVAILABLE if it could not be read.
    pub fn check(&self, partition: i32) -> Result<(), ErrorCode> {
        if self.pending.contains(&partition) {
            return Err(ErrorCode::CoordinatorLoadInProgress);
        }
        match self.failed.contains(&partition) {
            true => Err(ErrorCode::CoordinatorNotAvailable),
            false => Ok(()),
        }
    }
}

/// Why a partition of groups could not be read.
#[derive(Debug, thiserror::Error)]
enum LoadError {
    #[error(transparent)]
    Log(#[from] ReadError),
    #[error("cannot read: {0}")]
    Io(#[from] std::io::Error),
    #[error(transparent)]
    Batch(#[from] BatchError),
    #[error(transparent)]
    Records(#[from] ReadRecordsError),
    #[error("the record at offset {offset}: {source}")]
    Record { offset: i64, source: crate::group::RecordError },
}

/// What a partition of `__consumer_offsets` amounts to.
#[derive(Default)]
struct Loaded {
    groups: BTreeMap<ByteString, GroupRecord>,
    consumers: BTreeMap<ByteString, ConsumerGroup>,
    offsets: BTreeMap<ByteString, CommittedOffsets>,
    unknown: u64,
}

/// Loads all groups, on the blocking pool; until a partition is read, its groups are refused with COORDINATOR_LOAD_IN_PROGRESS.
pub fn load(node: &Arc<Node>) {
    let Some(topic) = node.partitions.topic(OFFSETS_TOPIC) else { return };
    let slots: Vec<(i32, Slot)> = (0..).zip(topic.slots.iter().cloned()).collect();
    node.groups.loading.write().pending = slots.iter().map(|(index, _)| *index).collect();
    let node = node.clone();
    tokio::task::spawn_blocking(move || {
        for (index, slot) in slots {
            let done = match slot {
                Slot::Online(partition) => load_one(&node, &partition),
                Slot::Offline(_) => false,
            };
            let mut loading = node.groups.loading.write();
            loading.pending.remove(&index);
            if !done {
                loading.failed.insert(index);
            }
        }
    });
}

fn load_one(node: &Arc<Node>, partition: &Arc<Partition>) -> bool {
    let loaded = match read(partition, &node.groups.consumers) {
        Ok(loaded) => loaded,
        Err(error) => {
            tracing::error!(partition = %partition.id, %error, "its groups cannot be loaded, and are not served");
            return false;
        }
    };
    if loaded.unknown > 0 {
        tracing::warn!(partition = %partition.id, records = loaded.unknown,
            "records of kinds that this version of klog does not have are left as they are");
    }
    let now = node.group_now();
    let Loaded { groups, consumers, mut offsets, .. } = loaded;
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

fn read(partition: &Partition, config: &ConsumerConfig) -> Result<Loaded, LoadError> {
    let mut loaded = Loaded::default();
    let (mut from, end) = {
        let log = partition.log();
        (log.start(), log.end())
    };
    while from < end {
        let slice = partition.read(|log| log.slice(from, end, AT_ONCE, true))?;
        if slice.bytes == 0 {
            break;
        }
        for stretch in &slice.slices {
            for batch in split_batches(stretch.read()?) {
                let batch = batch?;
                batch.check_crc()?;
                from = from.max(Offset::new(batch.header().last_offset() + 1));
                if !batch.header().is_control() {
                    loaded.take(&batch, config)?;
                }
            }
        }
    }
    Ok(loaded)
}

impl Loaded {
    fn take(&mut self, batch: &Batch, config: &ConsumerConfig) -> Result<(), LoadError> {
        for record in records(batch, DECOMPRESSED_AT_MOST)? {
            let record = record?;
            let Some(key) = record.key else { continue };
            let entry = Entry::decode(key, record.value)
                .map_err(|source| LoadError::Record { offset: record.offset, source })?;
            match entry {
                Entry::Group(id, Some(group)) => drop(self.groups.insert(id, group)),
                Entry::Group(id, None) => drop(self.groups.remove(&id)),
                Entry::Offset(id, place, offset) => {
                    self.offsets.entry(id).or_default().apply(place, offset);
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
}
