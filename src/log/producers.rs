//! What is known of idempotent producers (KIP-98): their epochs, and the last five batches of each.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::error::AppendError;
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

/// What a batch is to its producer's history.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sequence {
    /// The next one, or one without a producer id.
    New,
    /// One that was appended already.
    Duplicate(Remembered),
}

/// All producers of a partition.
#[derive(Debug, Default)]
pub struct Producers {
    by_id: BTreeMap<i64, Producer>,
}

impl Producers {
    /// Holds a batch against what its producer wrote before.
    ///
    /// # Errors
    /// `Fenced` for an older epoch, `OutOfOrder` for a gap or a repetition that is not remembered.
    pub fn check(&self, header: &BatchHeader) -> Result<Sequence, AppendError> {
        let Some(id) = ProducerId::from_wire(header.producer_id) else { return Ok(Sequence::New) };
        let Some(producer) = self.by_id.get(&id.get()) else { return Ok(Sequence::New) };
        let (got, epoch) = (header.base_sequence, header.producer_epoch);
        if epoch < producer.epoch {
            return Err(AppendError::Fenced { id, got: epoch, current: producer.epoch });
        }
        if epoch > producer.epoch {
            let fresh = got == 0;
            return if fresh {
                Ok(Sequence::New)
            } else {
                Err(AppendError::OutOfOrder { id, got, last: -1 })
            };
        }
        let same = |batch: &&Remembered| {
            batch.first_sequence() == got && batch.last_sequence == header.last_sequence()
        };
        if let Some(batch) = producer.batches.iter().find(same) {
            return Ok(Sequence::Duplicate(*batch));
        }
        let last = producer.last_sequence();
        let next = last == -1 || got == last.wrapping_add(1).max(0);
        if next { Ok(Sequence::New) } else { Err(AppendError::OutOfOrder { id, got, last }) }
    }

    /// Notes a batch that stands in the log from `base_offset` on.
    pub fn note(&mut self, header: &BatchHeader, base_offset: i64, timestamp: i64) {
        if header.producer_id < 0 {
            return;
        }
        let fresh = || Producer {
            epoch: header.producer_epoch,
            batches: VecDeque::new(),
            last_timestamp: timestamp,
            coordinator_epoch: -1,
            transaction_start: None,
        };
        let producer = self.by_id.entry(header.producer_id).or_insert_with(fresh);
        if producer.epoch != header.producer_epoch {
            producer.epoch = header.producer_epoch;
            producer.batches.clear();
        }
        producer.last_timestamp = timestamp;
        if header.is_control() {
            // The marker that ends a transaction; it has no sequence number.
            producer.transaction_start = None;
            return;
        }
        if header.is_transactional() {
            producer.transaction_start.get_or_insert(base_offset);
        }
        if producer.batches.len() == REMEMBERED {
            producer.batches.pop_front();
        }
        producer.batches.push_back(Remembered::of(header, base_offset, timestamp));
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
        if let Some(known) = self.by_id.remove(&id).filter(|known| known.epoch == producer.epoch) {
            let mut batches = known.batches;
            batches.extend(producer.batches);
            batches.drain(..batches.len().saturating_sub(REMEMBERED));
            producer.batches = batches;
        }
        self.by_id.insert(id, producer);
    }
}

/// The first offset of a batch that a producer repeats, for the answer.
pub fn first_offset(batch: &Remembered) -> Offset {
    Offset::new(batch.first_offset().max(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(epoch: i16, first_sequence: i32, count: i32) -> BatchHeader {
        let mut bytes = [0; crate::record::HEADER_LEN];
        bytes[8..12].copy_from_slice(&49i32.to_be_bytes());
        bytes[16] = 2;
        let mut header = BatchHeader::parse(&bytes).unwrap();
        header.producer_id = 7;
        header.producer_epoch = epoch;
        header.base_sequence = first_sequence;
        header.record_count = count;
        header.last_offset_delta = count - 1;
        header
    }

    #[test]
    fn the_last_five_batches_are_known_again_with_their_offsets() {
        let mut producers = Producers::default();
        for at in 0..7 {
            producers.note(&batch(0, at * 10, 10), i64::from(at) * 10, 0);
        }
        for at in 2..7 {
            let found = producers.check(&batch(0, at * 10, 10)).unwrap();
            let Sequence::Duplicate(known) = found else { panic!("{found:?}") };
            assert_eq!(known.first_offset(), i64::from(at) * 10);
        }
        assert!(matches!(
            producers.check(&batch(0, 10, 10)),
            Err(AppendError::OutOfOrder { last: 69, .. })
        ));
        assert_eq!(producers.check(&batch(0, 70, 1)).unwrap(), Sequence::New);
    }

    #[test]
    fn sequence_numbers_wrap_after_the_largest() {
        let mut producers = Producers::default();
        producers.note(&batch(0, i32::MAX - 1, 2), 0, 0);
        assert_eq!(producers.check(&batch(0, 0, 3)).unwrap(), Sequence::New);
        producers.note(&batch(0, i32::MAX, 1), 2, 0);
        let mut across = Producers::default();
        across.note(&batch(0, i32::MAX, 3), 0, 0);
        assert!(matches!(across.check(&batch(0, i32::MAX, 3)).unwrap(), Sequence::Duplicate(_)));
        assert_eq!(across.check(&batch(0, 2, 1)).unwrap(), Sequence::New);
    }

    #[test]
    fn an_older_epoch_is_fenced_and_a_newer_one_starts_at_zero() {
        let mut producers = Producers::default();
        producers.note(&batch(3, 0, 1), 0, 0);
        assert!(matches!(
            producers.check(&batch(2, 1, 1)),
            Err(AppendError::Fenced { current: 3, .. })
        ));
        assert!(matches!(
            producers.check(&batch(4, 1, 1)),
            Err(AppendError::OutOfOrder { last: -1, .. })
        ));
        assert_eq!(producers.check(&batch(4, 0, 1)).unwrap(), Sequence::New);
    }

    #[test]
    fn a_transaction_is_open_from_its_first_batch_to_its_marker() {
        let of = |header: BatchHeader, control: bool| {
            let attributes = header.attributes.with_transactional(true).with_control(control);
            BatchHeader { attributes, ..header }
        };
        let mut producers = Producers::default();
        producers.note(&of(batch(0, 0, 2), false), 10, 0);
        producers.note(&of(batch(0, 2, 1), false), 12, 0);
        let start = |producers: &Producers| producers.by_id[&7].transaction_start;
        assert_eq!(start(&producers), Some(10));
        // Since KIP-890 the marker bears the next epoch.
        producers.note(&of(batch(1, -1, 1), true), 13, 0);
        assert_eq!(start(&producers), None);
        assert_eq!(producers.check(&batch(1, 0, 1)).unwrap(), Sequence::New);
        assert!(matches!(producers.check(&batch(0, 3, 1)), Err(AppendError::Fenced { .. })));
    }

    #[test]
    fn an_unknown_producer_may_begin_anywhere() {
        assert_eq!(Producers::default().check(&batch(0, 55, 1)).unwrap(), Sequence::New);
    }
}
