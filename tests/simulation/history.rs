//! The model: what was appended, what of it was made durable, where the log starts.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use klog::record::Batch;

/// A batch that stands in the log, stamped.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stood {
    pub batch: Batch,
}

impl Stood {
    pub fn new(bytes: Bytes) -> Stood {
        Stood { batch: Batch::new(bytes).expect("a batch") }
    }

    pub fn base(&self) -> i64 {
        self.batch.header().base_offset
    }

    pub fn last(&self) -> i64 {
        self.batch.header().last_offset()
    }
}

/// What is known of one log.
#[derive(Debug, Default)]
pub struct History {
    /// Every batch from the oldest on that may still be there.
    pub stood: Vec<Stood>,
    /// Batches whose append failed since the last start. A write may have reached the disk before it failed.
    pub failed: Vec<Stood>,
    /// All below is durable.
    pub synced: i64,
    /// Where the log starts now.
    pub start: i64,
    /// Where it started by the last checkpoint that is surely on disk.
    pub checkpointed_start: i64,
}

impl History {
    /// The batches that each producer must be known by: the last five of its newest epoch, as (last sequence, last
    /// offset).
    pub fn remembered(&self) -> BTreeMap<i64, (i16, VecDeque<(i32, i64)>)> {
        let mut out: BTreeMap<i64, (i16, VecDeque<(i32, i64)>)> = BTreeMap::new();
        for stood in &self.stood {
            let header = stood.batch.header();
            if header.producer_id < 0 {
                continue;
            }
            let known = out.entry(header.producer_id).or_default();
            if known.0 != header.producer_epoch {
                *known = (header.producer_epoch, VecDeque::new());
            }
            if header.is_control() {
                continue;
            }
            known.1.push_back((header.last_sequence(), stood.last()));
            if known.1.len() > 5 {
                known.1.pop_front();
            }
        }
        out
    }
}
