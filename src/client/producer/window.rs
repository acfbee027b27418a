//! The order in which one partition's batches are sent, and their sequences (KIP-98, KIP-360). Pure.
//!
//! A broker takes a producer's batches only in sequence, and knows its last five. So a batch that it refuses as out
//! of order is certainly not written, and one whose answer was lost is sent again with the sequence that it had.
//! Where a batch is given up on, those behind it can never be in sequence again: once nothing is left whose fate is
//! unknown, the epoch is raised and sequences begin at 0. Epochs are per partition: brokers keep them so.
//! In a transaction the epoch is the coordinator's to raise: after a gap nothing is sent until a new one is entered.

use std::collections::VecDeque;

/// How many batches of a producer a broker knows again.
const BROKER_REMEMBERS: usize = 5;

/// Names a batch that is in flight.
pub(super) type BatchId = u64;

/// Under which identity batches are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) id: i64,
    pub(super) epoch: i16,
}

/// A batch that may be sent now.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sending {
    pub(super) id: BatchId,
    /// Who writes it and the sequence of its first record; None without idempotence.
    pub(super) producer: Option<(Identity, i32)>,
}

/// One partition's batches, from accumulator to acknowledgement.
#[derive(Debug)]
pub(super) struct Window<B> {
    idempotent: bool,
    /// Whether epochs come from a coordinator.
    transactional: bool,
    max_in_flight: usize,
    identity: Option<Identity>,
    next_sequence: u64,
    next_id: BatchId,
    /// Sequenced ones first, in the order of their sequences.
    waiting: VecDeque<Entry<B>>,
    in_flight: Vec<Entry<B>>,
    /// The highest sequence given up on, while that leaves a gap.
    gap: Option<u64>,
    /// Whether a batch was written under this id and epoch.
    established: bool,
}

#[derive(Debug)]
struct Entry<B> {
    id: BatchId,
    /// None once it is given up on while in flight.
    batch: Option<B>,
    count: u32,
    /// Counted without end; on the wire modulo 2^31.
    sequence: Option<u64>,
    /// Whether an earlier sending may have been written.
    maybe_written: bool,
    /// How many batches behind it were written since, or may have been.
    behind: usize,
}

impl<B> Window<B> {
    /// Without idempotence and with more than one in flight, a batch that is sent again comes behind those that were sent since.
    pub(super) fn new(idempotent: bool, max_in_flight: usize) -> Window<B> {
        Window {
            idempotent,
            transactional: false,
            max_in_flight: if idempotent { max_in_flight.min(5) } else { max_in_flight },
            identity: None,
            next_sequence: 0,
            next_id: 0,
            waiting: VecDeque::new(),
            in_flight: Vec::new(),
            gap: None,
            established: false,
        }
    }

    /// For transactions: [`Self::enter`] says under which identity.
    pub(super) fn transactional(max_in_flight: usize) -> Window<B> {
        Window { transactional: true, ..Window::new(true, max_in_flight) }
    }

    /// Writes under this identity from now on, the first time from sequence 0 on; false while batches that were sent under
    /// another one are on their way.
    pub(super) fn enter(&mut self, identity: Identity) -> bool {
        if self.identity == Some(identity) {
            return true;
        }
        if !self.in_flight.is_empty() || self.waiting.iter().any(|entry| entry.sequence.is_some()) {
            return false;
        }
        self.identity = Some(identity);
        (self.next_sequence, self.gap, self.established) = (0, None, false);
        true
    }

    /// Adds a batch of `count` records behind all others.
    pub(super) fn push(&mut self, batch: B, count: u32) {
        let id = self.take_id();
        let batch = Some(batch);
        self.waiting.push_back(Entry {
            id,
            batch,
            count,
            sequence: None,
            maybe_written: false,
            behind: 0,
        });
    }

    fn take_id(&mut self) -> BatchId {
        self.next_id += 1;
        self.next_id
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.in_flight.is_empty()
    }

    /// Whether one more batch may fly.
    pub(super) fn has_room(&self) -> bool {
        self.in_flight.len() < self.max_in_flight
    }

    /// A batch in flight, unless it was given up on.
    pub(super) fn in_flight(&self, id: BatchId) -> Option<&B> {
        self.in_flight.iter().find(|entry| entry.id == id)?.batch.as_ref()
    }

    /// Whether a batch cannot be sent until a producer id is given.
    pub(super) fn needs_identity(&self) -> bool {
        self.idempotent && self.identity.is_none() && !self.waiting.is_empty()
    }

    /// Takes a fresh producer id into use.
    pub(super) fn set_identity(&mut self, identity: Identity) {
        if self.identity.is_none() {
            self.identity = Some(identity);
            (self.next_sequence, self.established) = (0, false);
        }
    }

    /// The batches that wait, in order.
    pub(super) fn waiting(&self) -> impl Iterator<Item = &B> {
        self.waiting.iter().filter_map(|entry| entry.batch.as_ref())
    }

    /// The batch that would be sent next.
    pub(super) fn peek(&mut self) -> Option<&B> {
        let at = self.next_at()?;
        self.waiting[at].batch.as_ref()
    }

    /// Moves the next batch into flight; the caller sends it.
    pub(super) fn take(&mut self) -> Option<(Sending, &mut B)> {
        let at = self.next_at()?;
        let mut entry = self.waiting.remove(at)?;
        let producer = self.identity.filter(|_| self.idempotent).map(|identity| {
            let sequence = *entry.sequence.get_or_insert(self.next_sequence);
            self.next_sequence = self.next_sequence.max(sequence + u64::from(entry.count));
            (identity, (sequence & 0x7fff_ffff) as i32)
        });
        let sending = Sending { id: entry.id, producer };
        self.in_flight.push(entry);
        self.assert_invariants();
        let batch = self.in_flight.last_mut().and_then(|entry| entry.batch.as_mut());
        batch.map(|batch| (sending, batch))
    }

    fn next_at(&mut self) -> Option<usize> {
        if self.in_flight.len() >= self.max_in_flight || self.waiting.is_empty() {
            return None;
        }
        if !self.idempotent {
            return Some(0);
        }
        self.close_gap();
        self.identity?;
        let at = match self.gap {
            // Only those whose fate is open: the broker's answer to the old sequence settles it.
            Some(_) => self.waiting.iter().position(|entry| entry.maybe_written)?,
            None => 0,
        };
        let sequence = self.waiting[at].sequence;
        // A broker that does not know a producer takes any sequence as its first: only the first may be on its way.
        if !self.established && !self.in_flight.is_empty() {
            return None;
        }
        if self.would_bury(sequence.unwrap_or(u64::MAX)) {
            return None;
        }
        // A batch that is sent again waits until those behind it have come back.
        let overtaken =
            sequence.is_some_and(|s| self.in_flight.iter().any(|e| e.sequence > Some(s)));
        (!overtaken).then_some(at)
    }

    /// Whether sending `sequence` might put more behind a batch of open fate than the broker remembers: its answer
    /// to that one would then be wrong.
    fn would_bury(&self, sequence: u64) -> bool {
        let resend = self.waiting.iter().filter(|e| e.maybe_written);
        self.in_flight.iter().chain(resend).any(|open| {
            let flying = self.in_flight.iter().filter(|e| e.sequence > open.sequence).count();
            open.sequence < Some(sequence) && open.behind + flying + 2 > BROKER_REMEMBERS
        })
    }

    /// Begins anew under a higher epoch, once that cannot duplicate anything.
    fn close_gap(&mut self) {
        let open = self.waiting.iter().any(|entry| entry.maybe_written);
        if self.transactional || self.gap.is_none() || open || !self.in_flight.is_empty() {
            return;
        }
        (self.gap, self.established) = (None, false);
        self.next_sequence = 0;
        for entry in &mut self.waiting {
            (entry.sequence, entry.behind) = (None, 0);
        }
        self.identity = self.identity.and_then(|identity| {
            let epoch = identity.epoch.checked_add(1)?; // else another id is needed
            Some(Identity { epoch, ..identity })
        });
    }

    fn land(&mut self, id: BatchId) -> Option<Entry<B>> {
        let at = self.in_flight.iter().position(|entry| entry.id == id)?;
        Some(self.in_flight.remove(at))
    }

    /// The batch was written. Gives it back, unless it was given up on.
    pub(super) fn written(&mut self, id: BatchId) -> Option<B> {
        let entry = self.land(id)?;
        self.bury_under(entry.sequence);
        self.established = true;
        if entry.sequence > self.gap {
            self.gap = None; // in sequence, so what was given up on had been written as well
        }
        entry.batch
    }

    /// A batch was written, or we cease to ask whether it was: so much nearer are those before it to being forgotten.
    fn bury_under(&mut self, sequence: Option<u64>) {
        for earlier in self.waiting.iter_mut().chain(&mut self.in_flight) {
            earlier.behind +=
                usize::from(earlier.sequence.is_some() && earlier.sequence < sequence);
        }
    }

    /// No answer came, or one that leaves open whether it was written: it is sent again.
    pub(super) fn lost(&mut self, id: BatchId) {
        self.again(id, |entry| entry.maybe_written = true);
    }

    /// This sending was not written: it is sent again.
    pub(super) fn refused(&mut self, id: BatchId) {
        self.again(id, |_| {});
    }

    /// The broker wants another sequence. If an earlier batch is still on its way that is to be expected; else the
    /// broker has forgotten us, and sequences begin anew.
    pub(super) fn out_of_sequence(&mut self, id: BatchId) {
        let Some(sequence) = self.in_flight.iter().find(|e| e.id == id).map(|e| e.sequence) else {
            return;
        };
        let first = self.is_first(id);
        self.again(id, |entry| entry.maybe_written = false);
        if first && self.idempotent {
            self.gap = self.gap.max(sequence);
        }
    }

    fn again(&mut self, id: BatchId, note: impl FnOnce(&mut Entry<B>)) {
        let Some(mut entry) = self.land(id) else { return };
        note(&mut entry);
        if entry.batch.is_none() {
            self.gap = self.gap.max(entry.sequence);
            if entry.maybe_written {
                self.bury_under(entry.sequence);
            }
            return;
        }
        let behind = |other: &Entry<B>| match (other.sequence, entry.sequence) {
            (Some(other), Some(ours)) => other > ours,
            _ => true,
        };
        let at = self.waiting.iter().position(behind).unwrap_or(self.waiting.len());
        self.waiting.insert(at, entry);
        self.assert_invariants();
    }

    /// The batch will never be written: it is given back, and those behind it need new sequences.
    pub(super) fn failed(&mut self, id: BatchId) -> Option<B> {
        let entry = self.land(id)?;
        if self.idempotent {
            self.gap = self.gap.max(entry.sequence);
        }
        if entry.maybe_written {
            self.bury_under(entry.sequence);
        }
        entry.batch
    }

    /// The batch is replaced by smaller ones of the same records in the same order.
    pub(super) fn split(&mut self, id: BatchId, parts: Vec<(B, u32)>) {
        let Some(whole) = self.land(id) else { return };
        if whole.batch.is_none() {
            self.gap = self.gap.max(whole.sequence);
            return;
        }
        let behind = |other: &Entry<B>| match (other.sequence, whole.sequence) {
            (Some(other), Some(ours)) => other > ours,
            _ => true,
        };
        let at = self.waiting.iter().position(behind).unwrap_or(self.waiting.len());
        let mut sequence = whole.sequence;
        for (offset, (batch, count)) in parts.into_iter().enumerate() {
            let id = self.take_id();
            let batch = Some(batch);
            let entry = Entry { id, batch, count, sequence, maybe_written: false, behind: 0 };
            self.waiting.insert(at + offset, entry);
            sequence = sequence.map(|s| s + u64::from(count));
        }
    }

    /// Whether no batch with a lower sequence is on its way or waits.
    pub(super) fn is_first(&self, id: BatchId) -> bool {
        let Some(sequence) = self.in_flight.iter().find(|e| e.id == id).map(|e| e.sequence) else {
            return false;
        };
        let others = self.in_flight.iter().chain(&self.waiting);
        !others.into_iter().any(|e| e.sequence.is_some() && e.sequence < sequence)
    }

    /// Gives up on what was never sent, and on what cannot be in sequence any more; returns it. What may be written, or can
    /// still be, stays: without it the next transaction would not be in sequence.
    pub(super) fn drop_unsent(&mut self) -> Vec<B> {
        let gap = self.gap.is_some();
        let (mut kept, mut out) = (VecDeque::new(), Vec::new());
        for entry in self.waiting.drain(..) {
            if entry.sequence.is_none() || (gap && !entry.maybe_written) {
                out.extend(entry.batch);
            } else {
                kept.push_back(entry);
            }
        }
        self.waiting = kept;
        out
    }

    /// Gives up on all batches that `expired` names; returns them with whether each was ever sent. One in flight
    /// keeps its place until its answer comes.
    pub(super) fn give_up(&mut self, expired: impl Fn(&B) -> bool) -> Vec<(B, bool)> {
        let mut out = Vec::new();
        for entry in &mut self.in_flight {
            if entry.batch.as_ref().is_some_and(&expired) {
                out.extend(entry.batch.take().map(|batch| (batch, true)));
            }
        }
        let mut at = 0;
        while at < self.waiting.len() {
            if !self.waiting[at].batch.as_ref().is_some_and(&expired) {
                at += 1;
                continue;
            }
            if let Some(entry) = self.waiting.remove(at) {
                self.gap = self.gap.max(entry.sequence);
                if entry.maybe_written {
                    self.bury_under(entry.sequence);
                }
                out.extend(entry.batch.map(|batch| (batch, entry.sequence.is_some())));
            }
        }
        out
    }

    fn assert_invariants(&self) {
        assert!(self.in_flight.len() <= self.max_in_flight);
        assert!(self.waiting.iter().is_sorted_by_key(|e| e.sequence.unwrap_or(u64::MAX)));
    }
}

#[cfg(test)]
#[path = "window_tests.rs"]
mod tests;
