//! What Kafka's own topics say: groups, transactional ids, topics.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use bytes::Bytes;
use bytestring::ByteString;

use super::partition::PartitionView;
use crate::base::TopicId;
use crate::forensics::content::DECOMPRESSED_AT_MOST;
use crate::forensics::fates::{Fate, Fates};
use crate::forensics::kind::FileKind;
use crate::forensics::place::Folder;
use crate::forensics::sweep::{Piece, Swept};
use crate::forensics::trail::{Here, Segments, Stop, Trail};
use crate::group::{CommittedOffset, ConsumerRecord, Entry};
use crate::log::StorageError;
use crate::meta::MetadataRecord;
use crate::os::Disk;
use crate::record::Record;

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

/// The topics that the metadata log knows, from its newest snapshot on.
///
/// # Errors
/// As the system says.
pub fn topics(disk: &dyn Disk, folder: &Folder) -> Result<BTreeMap<String, TopicId>, StorageError> {
    let snapshot = folder.files(disk)?.into_iter().filter_map(|file| match file.kind {
        FileKind::MetadataSnapshot { end, epoch } => Some(((end, epoch), file.name)),
        _ => None,
    });
    let mut names: BTreeMap<TopicId, String> = BTreeMap::new();
    let mut note = |record: Record| {
        let Some(value) = record.value else { return };
        match MetadataRecord::decode(value) {
            Ok(MetadataRecord::Topic(topic)) => {
                names.insert(topic.topic_id, topic.name.to_string());
            }
            Ok(MetadataRecord::RemoveTopic(topic)) => drop(names.remove(&topic.topic_id)),
            Ok(_) | Err(_) => {}
        }
    };
    let mut from = 0;
    if let Some(((end, _), name)) = snapshot.max() {
        let path = folder.path.join(name);
        each_record(disk, Segments::One(0, path), &Fates::default(), &mut note)?;
        from = end;
    }
    each_record(disk, Segments::Of(folder.clone()), &Fates::default(), |record| {
        if record.offset >= from {
            note(record);
        }
    })?;
    Ok(names.into_iter().map(|(id, name)| (name, id)).collect())
}

/// Calls `note` with every record that a reader of committed ones would see; what is damaged is left out.
fn each_record(
    disk: &dyn Disk,
    segments: Segments,
    fates: &Fates,
    mut note: impl FnMut(Record),
) -> Result<(), StorageError> {
    let mut trail = Trail::new(disk, segments);
    trail.walk(i64::MIN, i64::MAX, |here, piece| {
        if let Piece::Batch(swept) = piece
            && is_read(swept, fates)
        {
            let read = records(here, swept).map_err(StorageError::at("read", here.path))?;
            read.into_iter().for_each(&mut note);
        }
        Ok::<_, StorageError>(ControlFlow::<Stop>::Continue(()))
    })
}

fn is_read(swept: &Swept, fates: &Fates) -> bool {
    let header = swept.found.header.as_ref();
    let visible = header.is_none_or(|it| !it.is_control() && fates.of(it) == Fate::Visible);
    visible && swept.crc.is_ok()
}

fn records(here: Here<'_>, swept: &Swept) -> std::io::Result<Vec<Record>> {
    let batch = swept.batch(&**here.file)?;
    let Ok(records) = batch.records(DECOMPRESSED_AT_MOST) else { return Ok(Vec::new()) };
    Ok(records.map_while(Result::ok).map(owned).collect())
}

/// A record that keeps no more than its own bytes in memory.
fn owned(record: Record) -> Record {
    let own = |part: Option<Bytes>| part.map(|part| Bytes::copy_from_slice(&part));
    Record { key: own(record.key), value: own(record.value), ..record }
}
