//! What Kafka's own topics say: groups and transactional ids.

use std::collections::{BTreeMap, BTreeSet};

use bytestring::ByteString;

use super::partition::PartitionView;
use crate::forensics::reading::each_record;
use crate::forensics::trail::Segments;
use crate::group::{CommittedOffset, ConsumerRecord, Entry};
use crate::log::StorageError;
use crate::os::Disk;

/// An offset that a group has committed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct GroupOffset {
    /// The group.
    pub group: ByteString,
    /// The topic.
    pub topic: ByteString,
    /// Its partition.
    pub partition: i32,
}

/// All groups of a data directory.
#[derive(Clone, Debug, Default)]
pub struct Groups {
    /// Groups that have a record of their own, and whether of the consumer protocol (KIP-848).
    pub known: BTreeMap<ByteString, bool>,
    /// What they have committed.
    pub committed: BTreeMap<GroupOffset, CommittedOffset>,
}

impl Groups {
    /// The names of all groups.
    pub fn names(&self) -> BTreeSet<&ByteString> {
        self.known.keys().chain(self.committed.keys().map(|at| &at.group)).collect()
    }

    fn note(&mut self, entry: Entry) {
        match entry {
            Entry::Group(group, Some(_)) => drop(self.known.insert(group, false)),
            Entry::Consumer(group, ConsumerRecord::Group(Some(_))) => {
                self.known.insert(group, true);
            }
            Entry::Group(group, None) | Entry::Consumer(group, ConsumerRecord::Group(None)) => {
                self.known.remove(&group);
            }
            Entry::Offset(group, (topic, partition), offset) => {
                let at = GroupOffset { group, topic, partition };
                match offset {
                    Some(offset) => drop(self.committed.insert(at, offset)),
                    None => drop(self.committed.remove(&at)),
                }
            }
            Entry::Consumer(..) | Entry::Unknown(_) => {}
        }
    }
}

/// A transactional id, as its last record has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Transactional {
    /// The id.
    pub id: ByteString,
    /// What its transaction does, by Kafka's name.
    pub state: &'static str,
}

/// Reads a partition of `__consumer_offsets`.
///
/// # Errors
/// As the system says.
pub fn groups(
    disk: &dyn Disk,
    view: &PartitionView,
    groups: &mut Groups,
) -> Result<(), StorageError> {
    each_record(disk, Segments::Of(view.folder.clone()), &view.fates, |record| {
        let Some(key) = record.key else { return };
        // What is not understood tells nothing; --records shows it.
        if let Ok(entry) = Entry::decode(key, record.value) {
            groups.note(entry);
        }
    })
    .map(drop)
}

/// Reads a partition of `__transaction_state`.
///
/// # Errors
/// As the system says.
pub fn transactions(
    disk: &dyn Disk,
    view: &PartitionView,
    transactions: &mut BTreeMap<i64, Transactional>,
) -> Result<(), StorageError> {
    let mut last = BTreeMap::new();
    each_record(disk, Segments::Of(view.folder.clone()), &view.fates, |record| {
        let Some(key) = record.key else { return };
        if let Ok(Some((id, known))) = crate::txn::decode(key, record.value) {
            match known {
                Some(known) => drop(last.insert(id, known)),
                None => drop(last.remove(&id)),
            }
        }
    })?;
    transactions.extend(
        last.into_iter().map(|(id, known)| {
            (known.producer_id, Transactional { id, state: known.state.name() })
        }),
    );
    Ok(())
}
