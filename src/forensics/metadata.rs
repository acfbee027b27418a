//! What the metadata log of a data directory says of topics, by the broker's own reader.

use std::collections::BTreeMap;
use std::path::Path;

use super::fates::Fates;
use super::kind::FileKind;
use super::place::Folder;
use super::reading::each_record;
use super::trail::Segments;
use crate::base::{PartitionIndex, TopicId, TopicPartition};
use crate::log::StorageError;
use crate::meta::{Image, MetadataRecord};
use crate::os::Disk;
use crate::record::Record;

/// The folder of the metadata log in a data directory.
pub const METADATA_FOLDER: &str = "__cluster_metadata-0";

/// The cluster's metadata, as far as it can be read.
#[derive(Debug, Default)]
pub struct Metadata {
    /// What there is at the end of the log.
    pub image: Image,
    /// Whether all of the log and of its newest snapshot was read.
    pub is_whole: bool,
    /// The newest topic of each name, deleted ones too.
    newest: BTreeMap<String, TopicId>,
}

impl Metadata {
    /// Reads the metadata log in `folder`, from its newest snapshot on. What makes no sense behind something damaged is stepped over.
    ///
    /// # Errors
    /// As the system says.
    pub fn read(disk: &dyn Disk, folder: &Path) -> Result<Metadata, StorageError> {
        let folder = Folder::at(folder);
        let snapshots = folder.files(disk)?.into_iter().filter_map(|file| match file.kind {
            FileKind::MetadataSnapshot { end, epoch } => Some(((end, epoch), file.name)),
            _ => None,
        });
        let mut read = Metadata { is_whole: true, ..Metadata::default() };
        let (mut from, fates) = (0, Fates::default());
        if let Some(((end, _), name)) = snapshots.max() {
            let snapshot = Segments::One(0, folder.path.join(name));
            read.is_whole &= each_record(disk, snapshot, &fates, |record| read.note(record))?;
            from = end;
        }
        let log = Segments::Of(folder);
        read.is_whole &= each_record(disk, log, &fates, |record| {
            if record.offset >= from {
                read.note(record);
            }
        })?;
        Ok(read)
    }

    fn note(&mut self, record: Record) {
        let decoded = record.value.map(MetadataRecord::decode);
        // A record of a newer Kafka says nothing of what is asked for here.
        let Some(Ok(record)) = decoded else { return };
        if let MetadataRecord::Topic(topic) = &record {
            self.newest.insert(topic.name.to_string(), topic.topic_id);
        }
        let _ = self.image.replay(&record);
    }

    /// The id of a topic; of one that is deleted if there is no other of its name.
    pub fn topic_id(&self, name: &str) -> Option<TopicId> {
        let there = self.image.topic(name).map(|topic| topic.id);
        there.or_else(|| self.newest.get(name).copied())
    }

    /// The partitions that a node is to have in its log directory of this id.
    pub fn assigned(&self, node: i32, directory: TopicId) -> impl Iterator<Item = TopicPartition> {
        self.image.topics().flat_map(move |topic| {
            let here = topic.partitions.iter().filter(move |partition| {
                let directories = partition.replicas.iter().zip(&partition.directories);
                directories.into_iter().any(|(id, at)| (*id, *at) == (node, directory))
            });
            here.filter_map(|partition| {
                let number = PartitionIndex::from_wire(partition.partition_id)?;
                Some(TopicPartition { topic: topic.name.clone(), partition: number })
            })
        })
    }
}
