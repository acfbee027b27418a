//! What is known of idempotent producers (KIP-98): their epochs, the last five batches of each, and their open transactions.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::error::AppendError;
use super::replay::Ended;
use super::transactions::EndTxn;
use super::verification::Awaited;
use crate::base::{Offset, ProducerId};
use crate::record::BatchHeader;

/// How many batches are remembered per producer: as many as a client keeps in flight.
const REMEMBERED: usize = 5;

/// A batch that a producer appended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Remembered {
    /// Its last sequence number.
    pub last_sequence: i32,
    /// Its last offset.
    pub last_offset: i64,
    /// Its last offset less its first.
    pub offset_delta: i32,
    /// Its youngest timestamp.
    pub timestamp: i64,
}

impl Remembered {
    fn of(header: &BatchHeader, base_offset: i64, timestamp: i64) -> Remembered {
        Remembered {
            last_sequence: header.last_sequence(),
            last_offset: base_offset + i64::from(header.last_offset_delta),
            offset_delta: header.last_offset_delta,
            timestamp,
        }
    }

    /// Its first sequence number: numbers wrap at `i32::MAX`.
    pub fn first_sequence(&self) -> i32 {
        let first = i64::from(self.last_sequence) - i64::from(self.offset_delta);
        (if first < 0 { first + (1 << 31) } else { first }) as i32
    }

    /// Its first offset.
    pub fn first_offset(&self) -> i64 {
        self.last_offset - i64::from(self.offset_delta)
    }
}

/// One producer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Producer {
    /// Its newest epoch.
    pub epoch: i16,
    /// The last batches of that epoch, oldest first; at most five.
    pub batches: VecDeque<Remembered>,
    /// Its youngest timestamp.
    pub last_timestamp: i64,
    /// The epoch of the transaction coordinator that wrote its last marker; -1 if none did.
    pub coordinator_epoch: i32,
    /// Where its open transaction began, if one is open.
    pub transaction_start: Option<i64>,
}

impl Producer {
    /// Its last sequence number; -1 before its first batch.
    pub fn last_sequence(&self) -> i32 {
        self.batches.back().map_or(-1, |batch| batch.last_sequence)
    }
}

/// All producers of a partition.
#[derive(Clone, Debug, Default)]
pub struct Producers {
    by_id: BTreeMap<i64, Producer>,
    /// The open transactions: where each began, and whose it is.
    open: BTreeSet<(i64, i64)>,
}

impl Producers {
    /// The batch among those that are remembered that this one repeats.
    pub fn duplicate(&self, header: &BatchHeader) -> Option<Remembered> {
        let producer = self.by_id.get(&header.producer_id)?;
        let same = |batch: &&Remembered| {
            batch.first_sequence() == header.base_sequence
                && batch.last_sequence == header.last_sequence()
        };
        let comparable = producer.epoch == header.producer_epoch && header.base_sequence >= 0;
        producer.batches.iter().find(same).filter(|_| comparable).copied()
    }

    /// Whether the producer, in this epoch, has a transaction open.
    pub fn is_open(&self, header: &BatchHeader) -> bool {
        let producer = self.by_id.get(&header.producer_id);
        producer.is_some_and(|producer| {
            producer.epoch == header.producer_epoch && producer.transaction_start.is_some()
        })
    }

    /// Where the producer's open transaction began, in whatever epoch.
    pub fn started(&self, id: i64) -> Option<i64> {
        self.by_id.get(&id)?.transaction_start
    }

    /// Holds a batch's epoch against its producer's.
    ///
    /// # Errors
    /// `Fenced` for an older one.
    pub fn check_epoch(&self, header: &BatchHeader) -> Result<(), AppendError> {
        let Some(id) = ProducerId::from_wire(header.producer_id) else { return Ok(()) };
        let (got, current) = match self.by_id.get(&id.get()) {
            Some(producer) => (header.producer_epoch, producer.epoch),
            None => return Ok(()),
        };
        if got < current { Err(AppendError::Fenced { id, got, current }) } else { Ok(()) }
    }

    /// Holds a batch that repeats none against what its producer wrote before, and against its verification if one is under way
    /// (Kafka's `ProducerAppendInfo.appendDataBatch`). A batch without a sequence comes from a coordinator: clients may not send one.
    ///
    /// # Errors
    /// `Fenced` for an older epoch, `OutOfOrder` for a gap or a repetition that is not remembered, `OutsideTransaction` while a
    /// transaction is open that the batch is no part of.
    pub fn check(
        &self,
        header: &BatchHeader,
        awaited: Option<&Awaited>,
    ) -> Result<(), AppendError> {
        let Some(id) = ProducerId::from_wire(header.producer_id) else { return Ok(()) };
        self.check_epoch(header)?;
        let producer = self.by_id.get(&id.get());
        let got = header.base_sequence;
        if got >= 0 {
            let same_epoch = producer.filter(|known| known.epoch == header.producer_epoch);
            let last = same_epoch.map_or(-1, Producer::last_sequence);
            let nothing_known = producer.is_none_or(|known| known.batches.is_empty());
            let follows = producer.is_none() || got == last.wrapping_add(1).max(0);
            let admitted = awaited.is_none_or(|awaited| awaited.admits(got, nothing_known));
            if !follows || !admitted {
                return Err(AppendError::OutOfOrder { id, got, last });
            }
        }
        let open = producer.is_some_and(|known| known.transaction_start.is_some());
        if open && !header.is_transactional() {
            return Err(AppendError::OutsideTransaction { id });
        }
        Ok(())
    }

    /// Holds a marker against what is known of its producer (Kafka's `ProducerAppendInfo.appendEndTxnMarker`). Since transaction
    /// version 2 (KIP-890) a marker bears a newer epoch than all of its transaction, so that one that comes late ends no other; one
    /// that is written again is let through.
    ///
    /// # Errors
    /// `Fenced` for an older epoch of the producer, `CoordinatorFenced` for one of its coordinator.
    pub fn check_end(&self, end: &EndTxn) -> Result<(), AppendError> {
        let id = ProducerId::from_wire(end.producer_id)
            .ok_or(AppendError::NotInTransaction { producer_id: end.producer_id })?;
        let Some(producer) = self.by_id.get(&id.get()) else { return Ok(()) };
        let (got, current) = (end.producer_epoch, producer.epoch);
        let again = got == current && (producer.transaction_start.is_none() || got == i16::MAX);
        if got < current || (end.bumps_epoch() && got == current && !again) {
            return Err(AppendError::Fenced { id, got, current });
        }
        let (got, current) = (end.coordinator_epoch, producer.coordinator_epoch);
        if got < current {
            return Err(AppendError::CoordinatorFenced { id, got, current });
        }
        Ok(())
    }

    /// Notes a batch of data that stands in the log from `base_offset` on.
    pub fn note(&mut self, header: &BatchHeader, base_offset: i64, timestamp: i64) {
        if header.producer_id < 0 {
            return;
        }
        let producer = self.seen(header.producer_id, header.producer_epoch, timestamp);
        let begins = header.is_transactional() && producer.transaction_start.is_none();
        if begins {
            producer.transaction_start = Some(base_offset);
        }
        if producer.batches.len() == REMEMBERED {
            producer.batches.pop_front();
        }
        producer.batches.push_back(Remembered::of(header, base_offset, timestamp));
        if begins {
            self.open.insert((base_offset, header.producer_id));
        }
    }

    /// Notes a marker. Returns where the transaction began that it ends, if one was open.
    pub fn end(&mut self, ended: &Ended) -> Option<i64> {
        if ended.producer_id < 0 {
            return None;
        }
        let producer = self.seen(ended.producer_id, ended.producer_epoch, ended.timestamp);
        if let Some(epoch) = ended.coordinator_epoch {
            producer.coordinator_epoch = epoch;
        }
        let start = producer.transaction_start.take()?;
        self.open.remove(&(start, ended.producer_id));
        Some(start)
    }

    /// The producer as it is once something of `epoch` was written; a new epoch has no batches yet.
    fn seen(&mut self, id: i64, epoch: i16, timestamp: i64) -> &mut Producer {
        let producer = self.by_id.entry(id).or_insert_with(|| Producer {
            epoch,
            batches: VecDeque::new(),
            last_timestamp: timestamp,
            coordinator_epoch: -1,
            transaction_start: None,
        });
        if producer.epoch != epoch {
            producer.epoch = epoch;
            producer.batches.clear();
        }
        producer.last_timestamp = timestamp;
        producer
    }

    /// Who has a transaction open, in the order in which they began.
    pub fn open(&self) -> impl Iterator<Item = (i64, &Producer)> {
        self.open.iter().filter_map(|(_, id)| Some((*id, self.by_id.get(id)?)))
    }

    /// Where the first open transaction began.
    pub fn first_open(&self) -> Option<i64> {
        self.open.first().map(|(start, _)| *start)
    }

    /// Remembers a batch again that came before the last one that is known of its producer. In order of offset.
    pub fn recall(&mut self, header: &BatchHeader) {
        let Some(producer) = self.by_id.get_mut(&header.producer_id) else { return };
        let Some(last) = producer.batches.back().copied() else { return };
        let known = header.last_offset() >= last.last_offset;
        if header.is_control() || header.producer_epoch != producer.epoch || known {
            return;
        }
        producer.batches.pop_back();
        producer.batches.push_back(Remembered::of(
            header,
            header.base_offset,
            header.max_timestamp,
        ));
        producer.batches.push_back(last);
        if producer.batches.len() > REMEMBERED {
            producer.batches.pop_front();
        }
    }

    /// Of whom one batch is known: Kafka's snapshots hold no more.
    pub fn with_one_batch(&self) -> BTreeSet<i64> {
        let lone = self.by_id.iter().filter(|(_, producer)| producer.batches.len() == 1);
        lone.map(|(id, _)| *id).collect()
    }

    /// Forgets who has been silent since before `limit`.
    pub fn expire(&mut self, limit: i64) {
        self.by_id.retain(|_, producer| {
            producer.transaction_start.is_some() || producer.last_timestamp >= limit
        });
    }

    /// Who wrote, in ascending order of id.
    pub fn iter(&self) -> impl Iterator<Item = (i64, &Producer)> {
        self.by_id.iter().map(|(id, producer)| (*id, producer))
    }

    /// Adds an entry of a snapshot. Batches of the same epoch add up, to at most five; else the later entry holds.
    pub(super) fn restore(&mut self, id: i64, mut producer: Producer) {
        let known = self.by_id.remove(&id);
        if let Some(start) = known.as_ref().and_then(|known| known.transaction_start) {
            self.open.remove(&(start, id));
        }
        if let Some(known) = known.filter(|known| known.epoch == producer.epoch) {
            let mut batches = known.batches;
            batches.extend(producer.batches);
            batches.drain(..batches.len().saturating_sub(REMEMBERED));
            producer.batches = batches;
        }
        if let Some(start) = producer.transaction_start {
            self.open.insert((start, id));
        }
        self.by_id.insert(id, producer);
    }
}

/// The first offset of a batch that a producer repeats, for the answer.
pub fn first_offset(batch: &Remembered) -> Offset {
    Offset::new(batch.first_offset().max(0))
}

#[cfg(test)]
#[path = "producers_tests.rs"]
mod tests;
