//! What all lanes share: who is told what became of a batch, and which batches need not wait.

use std::sync::atomic::Ordering;

use super::super::error::ProduceError;
use super::Shared;
use super::delivery::Landed;
use super::queue::Batch;

impl Shared {
    /// Tells a batch's senders what became of it, and gives its bytes back to the buffer.
    pub(super) fn finish(&self, batch: Batch, result: Result<Landed, ProduceError>) {
        if let (Some(transaction), Err(cause)) = (&self.transaction, &result) {
            transaction.on_record_failed(cause);
        }
        {
            let mut totals = self.totals.lock();
            match &result {
                Ok(_) => totals.delivered += u64::from(batch.count),
                Err(cause) => {
                    totals.failed += u64::from(batch.count);
                    totals.first_error.get_or_insert_with(|| cause.clone());
                }
            }
        }
        batch.outcome.complete(batch.first, batch.count, result);
        self.memory.add_permits(batch.reserved);
        let mut unfinished = self.unfinished.lock();
        if let Some(parts) = unfinished.get_mut(&batch.number) {
            *parts -= 1;
            if *parts == 0 {
                unfinished.remove(&batch.number);
            }
        }
        let complete = unfinished.is_empty();
        drop(unfinished);
        if let Some(transaction) = self.transaction.as_ref().filter(|_| complete) {
            transaction.look(); // its end may have waited for this
        }
        self.finished.notify_waiters();
    }

    /// Counts the second half of a split batch as unfinished too.
    pub(super) fn count_split(&self, half: &Batch) {
        *self.unfinished.lock().entry(half.number).or_insert(0) += 1;
    }

    /// Batches up to this number need not linger.
    pub(super) fn all_up_to(&self) -> u64 {
        let hurried = self.waiting_for_room.load(Ordering::Acquire) > 0;
        if hurried || self.closed.load(Ordering::Acquire) {
            return u64::MAX;
        }
        self.flush_up_to.load(Ordering::Acquire)
    }

    /// Makes queues for partitions that topics have gained.
    pub(super) fn grow_topics(&self) {
        let cluster = self.client.cluster();
        for (name, topic) in self.topics.write().iter() {
            if let Some(told) = cluster.topic(name) {
                topic.grow(told.partitions.len(), &self.lanes);
            }
        }
    }
}
