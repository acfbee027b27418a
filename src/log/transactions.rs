//! Transactions (KIP-98, KIP-890): markers end them, and the last stable offset is where the first one that is open began.

use std::collections::BTreeMap;

use super::Log;
use super::append::Placed;
use super::error::AppendError;
use super::producers::Producer;
use super::replay::Ended;
use crate::base::{LeaderEpoch, Millis, Offset};
use crate::record::control::ControlRecord;
use crate::record::{Batch, BatchProducer};

/// The end of a producer's transaction, as its coordinator says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EndTxn {
    /// Whose transaction it is.
    pub producer_id: i64,
    /// The epoch that the marker bears, and the producer has from then on.
    pub producer_epoch: i16,
    /// The epoch of the coordinator.
    pub coordinator_epoch: i32,
    /// Whether it is committed; else aborted.
    pub commit: bool,
    /// The transactions' version: from 2 on the marker's epoch is newer than the transaction's (KIP-890).
    pub transaction_version: i16,
}

impl EndTxn {
    /// Whether the marker's epoch is newer than its transaction's.
    pub fn bumps_epoch(&self) -> bool {
        self.transaction_version >= 2
    }
}

/// So many transactions are kept apart whose markers may not be on disk.
const PENDING_AT_MOST: usize = 4096;

/// Transactions that are decided by markers that may not be on disk: a power cut would open them again.
#[derive(Debug, Default)]
pub struct Pending {
    /// Where each began, by its marker's offset.
    by_marker: BTreeMap<i64, i64>,
}

impl Pending {
    fn push(&mut self, marker: i64, first_offset: i64) {
        if self.by_marker.len() >= PENDING_AT_MOST {
            // The two oldest become one that takes as long as both.
            let oldest = self.by_marker.pop_first();
            if let (Some((_, first)), Some(mut next)) = (oldest, self.by_marker.first_entry()) {
                let earlier = first.min(*next.get());
                next.insert(earlier);
            }
        }
        self.by_marker.insert(marker, first_offset);
    }

    /// Where the first one began whose marker does not stand below `bound`.
    fn first_from(&self, bound: i64) -> Option<i64> {
        self.by_marker.range(bound..).map(|(_, first)| *first).min()
    }

    /// Forgets those whose markers are on disk.
    pub fn flushed(&mut self, up_to: i64) {
        self.by_marker = self.by_marker.split_off(&up_to);
    }
}

impl Log {
    /// Ends a producer's transaction: appends a marker. One that finds no transaction open is appended too, and its epoch counts.
    ///
    /// # Errors
    /// `Fenced` and `CoordinatorFenced` for old epochs; others as [`Log::append`].
    pub fn append_marker(
        &mut self,
        end: EndTxn,
        epoch: LeaderEpoch,
        now: Millis,
    ) -> Result<Placed, AppendError> {
        self.refuse_offline()?;
        self.producers.check_end(&end)?;
        let EndTxn { producer_id: id, producer_epoch, coordinator_epoch, commit, .. } = end;
        let record = match commit {
            true => ControlRecord::Commit { coordinator_epoch },
            false => ControlRecord::Abort { coordinator_epoch },
        };
        let producer = BatchProducer { id, epoch: producer_epoch, base_sequence: -1 };
        let marker = record.batch(0, 0, now, producer).expect("one small record fits a batch");
        let marker = Batch::new(marker).expect("a batch that was built is one");
        let (placed, timestamp) = self.put(&marker, now, epoch, now)?;
        let began = self.producers.started(id);
        let aborted = self.producers.decide(&Ended {
            producer_id: id,
            producer_epoch,
            coordinator_epoch: Some(coordinator_epoch),
            aborts: !commit,
            offset: placed.base_offset.get(),
            timestamp,
        });
        if let Some(aborted) = aborted {
            self.active().aborted.push(aborted);
        }
        if let Some(began) = began {
            self.pending.push(placed.base_offset.get(), began);
        }
        self.verifications.ended(&end);
        self.assert_invariants();
        Ok(placed)
    }

    /// Below it all transactions are decided: where the first open one began, or the end of the log.
    pub fn last_stable_offset(&self) -> Offset {
        self.stable_below(self.end)
    }

    /// The same, with what lies at or above `bound` counted as not there: a high watermark, or what is on disk. Not below what was
    /// on disk at the last flush.
    pub(super) fn stable_below(&self, bound: Offset) -> Offset {
        let pending = self.pending.first_from(bound.get());
        let first = self.producers.first_open().into_iter().chain(pending).min();
        let first = first.map(|first| Offset::new(first.max(0)));
        first.map_or(bound, |first| first.max(self.start).min(bound))
    }

    /// The open transaction that began first, by the id of its producer.
    pub fn open_transaction(&self) -> Option<(i64, &Producer)> {
        self.producers.open().next()
    }

    /// All open transactions in the order in which they began, by the ids of their producers.
    pub fn open_transactions(&self) -> impl Iterator<Item = (i64, &Producer)> {
        self.producers.open()
    }
}

#[cfg(test)]
#[path = "transactions_tests.rs"]
pub(super) mod tests;
