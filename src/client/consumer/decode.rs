//! From what a fetch brought to records: checked, decompressed, filtered, and with exact positions. Pure.

use std::collections::{HashSet, VecDeque};

use bytes::Bytes;

use super::super::config::{ConsumerConfig, Isolation};
use super::super::error::ConsumeError;
use super::super::record::{ConsumedRecord, Header};
use super::session::Key;
use crate::record::{
    Batch, BatchHeader, Batches, RecordIter, TimestampType, check_crc, records, split_fetched,
};

/// What one fetch brought of one partition, and how far it is read.
#[derive(Debug)]
pub(super) struct Chunk {
    batches: Batches,
    /// (first offset, producer id) of aborted transactions, by first offset.
    aborted: VecDeque<(i64, i64)>,
    aborting: HashSet<i64>,
    reading: Option<Reading>,
    pub(super) bytes: usize,
}

/// The batch that is being read.
#[derive(Debug)]
struct Reading {
    records: RecordIter,
    next_offset: i64,
    leader_epoch: Option<i32>,
    timestamp_type: TimestampType,
}

impl Chunk {
    pub(super) fn new(bytes: Bytes, mut aborted: Vec<(i64, i64)>) -> Chunk {
        aborted.sort_unstable();
        Chunk {
            bytes: bytes.len(),
            batches: split_fetched(bytes),
            aborted: aborted.into(),
            aborting: HashSet::new(),
            reading: None,
        }
    }

    /// Moves up to `most` records at or after `position` into `out`, and the position with them: past gaps, control
    /// batches and aborted records too. True at the chunk's end.
    ///
    /// # Errors
    /// `Corrupt`; the position stands at the damaged batch or record.
    pub(super) fn read(
        &mut self,
        key: &Key,
        position: &mut i64,
        most: usize,
        config: &ConsumerConfig,
        out: &mut Vec<ConsumedRecord>,
    ) -> Result<bool, ConsumeError> {
        let full = out.len().saturating_add(most);
        loop {
            if self.read_batch(key, position, full, out)? {
                return Ok(false);
            }
            match self.batches.next() {
                None => return Ok(true),
                Some(Err(cause)) => return Err(corrupt(key, *position, cause.to_string())),
                Some(Ok(batch)) => self.begin(key, position, config, &batch)?,
            }
        }
    }

    /// Reads on in the current batch; true if `out` is full before its end.
    fn read_batch(
        &mut self,
        key: &Key,
        position: &mut i64,
        full: usize,
        out: &mut Vec<ConsumedRecord>,
    ) -> Result<bool, ConsumeError> {
        let Some(reading) = &mut self.reading else { return Ok(false) };
        while out.len() < full {
            let Some(next) = reading.records.next() else {
                *position = (*position).max(reading.next_offset);
                self.reading = None;
                return Ok(false);
            };
            let record = next.map_err(|cause| corrupt(key, *position, cause.to_string()))?;
            if record.offset < *position {
                continue; // the fetch began within the batch
            }
            *position = record.offset + 1;
            let header = |h: crate::record::Header| Header { key: h.key, value: h.value };
            out.push(ConsumedRecord {
                topic: key.0.clone(),
                partition: key.1,
                offset: record.offset,
                timestamp: Some(record.timestamp).filter(|t| *t != -1),
                timestamp_type: reading.timestamp_type,
                leader_epoch: reading.leader_epoch,
                key: record.key,
                value: record.value,
                headers: record.headers.into_iter().map(header).collect(),
            });
        }
        Ok(true)
    }

    /// Opens a batch for reading, or passes over it.
    fn begin(
        &mut self,
        key: &Key,
        position: &mut i64,
        config: &ConsumerConfig,
        batch: &Batch,
    ) -> Result<(), ConsumeError> {
        let header = *batch.header();
        let next_offset = header.last_offset().saturating_add(1);
        let committed = config.isolation == Isolation::ReadCommitted;
        let passed = next_offset <= *position;
        // A marker ends its transaction also where the position is beyond it.
        if passed && !(committed && header.is_control()) {
            return Ok(());
        }
        if config.check_crcs {
            check_crc(batch.bytes())
                .map_err(|e| corrupt(key, header.base_offset, e.to_string()))?;
        }
        let aborted = committed && self.is_aborted(&header, batch);
        if header.is_control() || aborted {
            *position = next_offset.max(*position);
            return Ok(());
        }
        let records = records(batch, config.max_decompressed_bytes)
            .map_err(|e| corrupt(key, header.base_offset, e.to_string()))?;
        let leader_epoch = Some(header.partition_leader_epoch).filter(|e| *e >= 0);
        let timestamp_type = header.timestamp_type();
        self.reading = Some(Reading { records, next_offset, leader_epoch, timestamp_type });
        Ok(())
    }

    /// Whether the batch belongs to a transaction that was aborted later. Transactions that begin up to its end are taken from the
    /// list first, whatever batch it is: else a marker would end one that is not yet taken, and its producer's next one with it.
    fn is_aborted(&mut self, header: &BatchHeader, batch: &Batch) -> bool {
        while let Some((first, producer)) = self.aborted.front().copied() {
            if first > header.last_offset() {
                break;
            }
            self.aborting.insert(producer);
            self.aborted.pop_front();
        }
        if header.is_control() {
            if Self::is_abort(batch) {
                self.aborting.remove(&header.producer_id);
            }
            return false;
        }
        header.is_transactional() && self.aborting.contains(&header.producer_id)
    }

    fn is_abort(batch: &Batch) -> bool {
        let first = records(batch, 1 << 20).ok().and_then(|mut all| all.next()?.ok());
        let key = first.and_then(|record| record.key);
        // A control record's key: version, then type; 0 is an abort marker.
        key.is_some_and(|key| key.get(2..4) == Some(&[0, 0]))
    }
}

fn corrupt(key: &Key, offset: i64, detail: String) -> ConsumeError {
    ConsumeError::Corrupt { topic: key.0.clone(), partition: key.1, offset, detail }
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
