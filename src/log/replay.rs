//! Transactions as the batches tell of them: producers' states and aborted transactions, from a snapshot on.

use super::Log;
use super::aborted::{Aborted, AbortedEntry};
use super::error::{ReadError, StorageError};
use super::files::{offset_of, path_in};
use super::producers::Producers;
use super::scan::{Found, Scan};
use super::segment::Segment;
use super::snapshot;
use crate::record::control::ControlRecord;
use crate::record::{Batch, BatchError, records};

/// A marker as it stands in the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ended {
    /// Whose transaction it ends.
    pub producer_id: i64,
    /// The epoch that it bears.
    pub producer_epoch: i16,
    /// The epoch of the coordinator; `None` where compaction has taken out the record that told.
    pub coordinator_epoch: Option<i32>,
    /// Whether it aborts the transaction.
    pub aborts: bool,
    /// Where it stands.
    pub offset: i64,
    /// Its timestamp.
    pub timestamp: i64,
}

impl Ended {
    /// What a control batch ends; `None` if it is no transaction's marker.
    ///
    /// # Errors
    /// `Crc` and its like where it is not what was written.
    pub fn read(batch: &Batch) -> Result<Option<Ended>, BatchError> {
        let header = batch.header();
        batch.check_crc()?;
        let ended = |coordinator_epoch, aborts| Ended {
            producer_id: header.producer_id,
            producer_epoch: header.producer_epoch,
            coordinator_epoch,
            aborts,
            offset: header.base_offset,
            timestamp: header.max_timestamp,
        };
        if !header.has_producer_id() || !header.is_control() {
            return Ok(None);
        }
        if header.record_count == 0 {
            // Compaction took the record out, once nothing of its transaction was left.
            return Ok(Some(ended(None, false)));
        }
        let mut all = records(batch, MARKER_BYTES_AT_MOST).ok();
        let record = all.as_mut().and_then(|all| all.next()?.ok());
        let told =
            record.and_then(|it| ControlRecord::parse(it.key.as_ref(), it.value.as_ref()).ok());
        Ok(match told {
            Some(ControlRecord::Abort { coordinator_epoch }) => {
                Some(ended(Some(coordinator_epoch), true))
            }
            Some(ControlRecord::Commit { coordinator_epoch }) => {
                Some(ended(Some(coordinator_epoch), false))
            }
            _ => None,
        })
    }
}

/// A marker's record takes less, also compressed.
const MARKER_BYTES_AT_MOST: usize = 4096;

impl Producers {
    /// Notes a marker, and tells of the transaction that it aborts.
    pub fn decide(&mut self, ended: &Ended) -> Option<AbortedEntry> {
        let first_offset = self.end(ended).filter(|_| ended.aborts)?;
        let (last_offset, producer_id) = (ended.offset, ended.producer_id);
        let stable = self.first_open().unwrap_or(last_offset + 1);
        Some(AbortedEntry::new(Aborted { first_offset, last_offset, producer_id }, stable))
    }

    /// Notes the batch that a walk has come to; control batches are read, and tell of the transactions that they abort.
    ///
    /// # Errors
    /// `Damaged` for a marker that is not what was written; `Storage` as the system says.
    pub fn replay(
        &mut self,
        scan: &mut Scan<'_>,
        found: &Found,
    ) -> Result<Option<AbortedEntry>, ReadError> {
        let Some(header) = &found.header else { return Ok(None) };
        if !header.is_control() {
            self.note(header, header.base_offset, header.max_timestamp);
            return Ok(None);
        }
        let ended = if header.has_producer_id() { scan.marker(found)? } else { None };
        Ok(ended.and_then(|ended| self.decide(&ended)))
    }
}

impl Log {
    /// Calls `visit` with every batch that ends in `from..to`.
    ///
    /// # Errors
    /// `Damaged` and `Storage` as they are met, and what `visit` says, with the segment where it happened.
    pub(super) fn each_batch<'a>(
        &'a self,
        from: i64,
        to: i64,
        mut visit: impl FnMut(&mut Scan<'a>, &Found) -> Result<(), ReadError>,
    ) -> Result<(), (&'a Segment, ReadError)> {
        let first = self.segments.partition_point(|segment| segment.base <= from).saturating_sub(1);
        let within = self.segments[first..].iter().take_while(|segment| segment.base < to);
        for segment in within {
            let at = |error: ReadError| (segment, error);
            let start = match segment.find(&self.files, self.disk(), from) {
                Err(ReadError::Astray { .. }) => segment.find_slowly(&self.files, from),
                found => found,
            };
            let Some(start) = start.map_err(at)? else { continue };
            let scan = segment.scan(&self.files, start.position);
            let mut scan = scan.map_err(|error| at(error.into()))?;
            while let Some(found) = scan.next().map_err(at)? {
                if found.last_offset >= to {
                    break;
                }
                visit(&mut scan, &found).map_err(at)?;
            }
        }
        Ok(())
    }

    /// The producers as they were where a segment begins: from the newest snapshot between the first segment and there, and the batches
    /// behind it.
    ///
    /// # Errors
    /// `Damaged` and `Storage` as they are met.
    pub(super) fn producers_at(&self, base: i64) -> Result<Producers, ReadError> {
        let first = self.segments[0].base;
        let (mut from, mut producers) = (first, Producers::default());
        let offsets = self.snapshots()?;
        for offset in offsets.into_iter().rev().filter(|offset| (first..=base).contains(offset)) {
            let path = path_in(&self.folder, offset, ".snapshot");
            if let Some(known) = snapshot::read(self.disk(), &path)? {
                (from, producers) = (offset, known);
                break;
            }
        }
        self.each_batch(from, base, |scan, found| producers.replay(scan, found).map(drop))
            .map_err(|(_, error)| error)?;
        Ok(producers)
    }

    /// Writes the snapshots of producers at the beginnings of segments that have none, as rolls write them.
    ///
    /// # Errors
    /// `Damaged` and `Storage` as they are met.
    pub fn complete_snapshots(&self) -> Result<(), ReadError> {
        let there = self.snapshots()?;
        for segment in self.segments.iter().skip(1) {
            if !there.contains(&segment.base) {
                let producers = self.producers_at(segment.base)?;
                let path = path_in(&self.folder, segment.base, ".snapshot");
                snapshot::write(self.disk(), &path, &producers)?;
            }
        }
        Ok(())
    }

    /// The offsets of the producer snapshots that are there, ascending.
    ///
    /// # Errors
    /// As the system says.
    pub(super) fn snapshots(&self) -> Result<Vec<i64>, StorageError> {
        let entries =
            self.disk().list(&self.folder).map_err(StorageError::at("list", &self.folder))?;
        let mut offsets: Vec<i64> =
            entries.iter().filter_map(|entry| offset_of(&entry.name, ".snapshot")).collect();
        offsets.sort_unstable();
        Ok(offsets)
    }
}
