//! What compaction has to know of transactions (Kafka's `CleanedTransactionMetadata`): whose records were aborted, and of which markers
//! all records are gone, so that they may follow them once consumers have had `delete.retention.ms` to read them.

use std::collections::{HashMap, HashSet};

use crate::log::aborted::{Aborted, AbortedEntry};
use crate::log::producers::Producers;
use crate::log::replay::Ended;
use crate::record::{Batch, BatchHeader};

/// The aborted transactions that reach into what is compacted, by producer, each in order.
#[derive(Debug, Default)]
pub struct AbortedBatches {
    by_producer: HashMap<i64, Vec<Aborted>>,
}

impl AbortedBatches {
    /// All of them, in order of their markers.
    pub fn new(entries: impl Iterator<Item = AbortedEntry>) -> AbortedBatches {
        let mut by_producer: HashMap<i64, Vec<Aborted>> = HashMap::new();
        for AbortedEntry { aborted, .. } in entries {
            by_producer.entry(aborted.producer_id).or_default().push(aborted);
        }
        AbortedBatches { by_producer }
    }

    /// Whether a batch belongs to one: its records never counted.
    pub fn hold(&self, header: &BatchHeader) -> bool {
        let Some(all) = self.by_producer.get(&header.producer_id) else { return false };
        let at = all.partition_point(|aborted| aborted.last_offset < header.base_offset);
        let reaches = all.get(at).is_some_and(|aborted| aborted.first_offset <= header.base_offset);
        reaches && header.is_transactional() && !header.is_control()
    }
}

/// What is carried from batch to batch, through all groups.
#[derive(Debug, Default)]
pub struct Carried {
    /// Who wrote in a transaction since its last marker.
    wrote: HashSet<i64>,
    /// The states of producers after what was kept of this group.
    producers: Producers,
    /// The transactions of this group that count as aborted yet.
    entries: Vec<AbortedEntry>,
}

impl Carried {
    /// A group begins, with producers as a snapshot tells of them, or as they are after what was kept before.
    pub fn begin_group(&mut self, known: Option<Producers>) {
        self.producers = known.unwrap_or_else(|| std::mem::take(&mut self.producers));
        self.entries.clear();
    }

    /// Notes a batch of data that was read.
    pub fn read(&mut self, header: &BatchHeader) {
        if header.is_transactional() {
            self.wrote.insert(header.producer_id);
        }
    }

    /// Notes a marker that was read. Returns whether it is of no use: no batch of its transaction is left, nor does a snapshot say
    /// that the transaction is open, which would keep it open for ever.
    pub fn is_useless(&mut self, header: &BatchHeader) -> bool {
        !self.wrote.remove(&header.producer_id)
            && self.producers.started(header.producer_id).is_none()
    }

    /// Notes a batch that is kept.
    pub fn kept(&mut self, batch: &Batch) {
        let header = batch.header();
        if !header.is_control() {
            self.producers.note(header, header.base_offset, header.max_timestamp);
        } else if let Ok(Some(ended)) = Ended::read(batch) {
            self.entries.extend(self.producers.decide(&ended));
        }
    }

    /// The group's aborted transactions, in order.
    pub fn entries(&self) -> &[AbortedEntry] {
        &self.entries
    }
}
