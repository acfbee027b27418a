//! What stands between a transaction's first batch and the log while the coordinator is asked whether the partition belongs to it
//! (KIP-890): a guard that is void once the transaction may have ended, so that a batch that comes late leaves none hanging.
//!
//! As Kafka's `VerificationStateEntry`, but one entry for each epoch of a producer: who claims a newer epoch, and is refused, does
//! not stand in the way of the one that writes.

use std::collections::BTreeMap;

use super::Log;
use super::error::AppendError;
use super::transactions::EndTxn;
use crate::base::Millis;
use crate::record::BatchHeader;

/// So many producers may wait for the coordinator; one more takes the place of the one that has waited longest.
const AWAITED_AT_MOST: usize = 4096;

/// Admits the first batch of a transaction. Void once the transaction may have ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Guard(u64);

/// Whether the coordinator has to be asked about a batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verification {
    /// No: its transaction is open, or it is there already.
    Open,
    /// Yes; then it is appended with this guard.
    Needed(Guard),
}

/// A producer that waits for the coordinator.
#[derive(Clone, Copy, Debug)]
pub struct Awaited {
    guard: Guard,
    /// The lowest sequence that it tried: a higher one must not be written before it, or it never could be.
    lowest_sequence: i32,
    /// Whether the producer's epoch is newer after each transaction, and its sequence starts over.
    bumps_epoch: bool,
    since: i64,
}

impl Awaited {
    /// Whether a batch that begins with `sequence` may be the first one; `nothing_known` if none of its producer's is remembered.
    pub fn admits(&self, sequence: i32, nothing_known: bool) -> bool {
        sequence <= self.lowest_sequence && (sequence == 0 || !self.bumps_epoch || !nothing_known)
    }
}

/// Who waits for the coordinator, by producer id and epoch. In memory only.
#[derive(Debug, Default)]
pub struct Verifications {
    awaited: BTreeMap<(i64, i16), Awaited>,
    guards: u64,
}

impl Verifications {
    fn begin(&mut self, header: &BatchHeader, bumps_epoch: bool, now: Millis) -> Guard {
        let key = (header.producer_id, header.producer_epoch);
        if self.awaited.len() >= AWAITED_AT_MOST && !self.awaited.contains_key(&key) {
            let oldest = self.awaited.iter().min_by_key(|(_, awaited)| awaited.guard);
            if let Some(oldest) = oldest.map(|(key, _)| *key) {
                self.awaited.remove(&oldest);
            }
        }
        let guards = &mut self.guards;
        let awaited = self.awaited.entry(key).or_insert_with(|| {
            *guards += 1;
            let lowest_sequence = header.base_sequence;
            Awaited { guard: Guard(*guards), lowest_sequence, bumps_epoch, since: now.0 }
        });
        awaited.lowest_sequence = awaited.lowest_sequence.min(header.base_sequence);
        awaited.guard
    }

    fn of(&self, header: &BatchHeader) -> Option<&Awaited> {
        self.awaited.get(&(header.producer_id, header.producer_epoch))
    }

    /// A batch of a transaction was appended: what waits in this epoch or an older one needs no guard any more, or is fenced.
    pub fn appended(&mut self, header: &BatchHeader) {
        self.forget(header.producer_id, header.producer_epoch);
    }

    /// A marker was appended: what waited belonged to the transaction that it ended. Where markers bear the epoch of the next
    /// transaction, what waits in that epoch is the next one's; the last epoch has no next one.
    pub fn ended(&mut self, end: &EndTxn) {
        let has_next = end.bumps_epoch() && end.producer_epoch < i16::MAX;
        let up_to = if has_next { end.producer_epoch.saturating_sub(1) } else { i16::MAX };
        self.forget(end.producer_id, up_to);
    }

    fn forget(&mut self, producer_id: i64, up_to: i16) {
        let waits = self.awaited.range((producer_id, i16::MIN)..=(producer_id, up_to));
        let waits: Vec<(i64, i16)> = waits.map(|(key, _)| *key).collect();
        for key in &waits {
            self.awaited.remove(key);
        }
    }

    /// Forgets who has waited since before `limit`.
    pub fn expire(&mut self, limit: i64) {
        self.awaited.retain(|_, awaited| awaited.since >= limit);
    }
}

impl Log {
    /// Asks whether a batch may be appended to a transaction that is open; if not, the coordinator has to say that the partition
    /// belongs to the transaction. `bumps_epoch` tells of a producer whose epoch is newer after each transaction (Produce v12, KIP-890).
    /// Batches of one producer and epoch that wait at the same time share a guard.
    ///
    /// # Errors
    /// `Fenced` if a newer epoch has written; `NotInTransaction` for a transaction without a producer.
    pub fn begin_verification(
        &mut self,
        header: &BatchHeader,
        bumps_epoch: bool,
    ) -> Result<Verification, AppendError> {
        if header.is_transactional() && !header.has_producer_id() {
            return Err(AppendError::NotInTransaction { producer_id: header.producer_id });
        }
        self.producers.check_epoch(header)?;
        let known = self.producers.duplicate(header).is_some();
        if known || self.producers.is_open(header) || !header.is_transactional() {
            return Ok(Verification::Open);
        }
        let now = self.os.clock.now();
        Ok(Verification::Needed(self.verifications.begin(header, bumps_epoch, now)))
    }

    /// Holds a batch that repeats none against its producer's history and transaction.
    ///
    /// # Errors
    /// See [`AppendError`].
    pub(super) fn admit(
        &self,
        header: &BatchHeader,
        guard: Option<Guard>,
    ) -> Result<(), AppendError> {
        let producer_id = header.producer_id;
        if header.is_transactional() && header.is_control() {
            // A marker is not appended so.
            return Err(AppendError::NotInTransaction { producer_id });
        }
        let awaited = self.verifications.of(header);
        if header.is_transactional() && !self.producers.is_open(header) {
            self.producers.check_epoch(header)?;
            match (guard, awaited) {
                (Some(guard), Some(awaited)) if guard == awaited.guard => {}
                (Some(_), _) => return Err(AppendError::GuardVoid { producer_id }),
                (None, _) => return Err(AppendError::NotInTransaction { producer_id }),
            }
        }
        self.producers.check(header, awaited)
    }
}

#[cfg(test)]
#[path = "verification_tests.rs"]
mod tests;
