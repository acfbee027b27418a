//! How a record's sender learns what became of it: one shared outcome per batch, and an index into it per record.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use parking_lot::Mutex;

use super::super::error::ProduceError;
use super::super::record::RecordMetadata;
use crate::base::TopicName;

/// Where a batch was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Landed {
    /// Offset of the first record; None if the broker did not tell.
    pub(super) base_offset: Option<i64>,
    /// What the broker stamped all its records with, if it did.
    pub(super) log_append_time: Option<i64>,
}

/// What became of the records of one batch, as it was first filled. A batch that was split ends in ranges.
#[derive(Debug)]
pub(super) struct Outcome {
    topic: TopicName,
    partition: i32,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    ranges: Vec<Range>,
    wakers: Vec<Waker>,
}

/// What became of the records from `first` up to, not including, `end`.
#[derive(Debug)]
struct Range {
    first: u32,
    end: u32,
    result: Result<Landed, ProduceError>,
    at: Instant,
}

impl Outcome {
    pub(super) fn new(topic: TopicName, partition: i32) -> Outcome {
        Outcome { topic, partition, state: Mutex::default() }
    }

    /// Tells those who wait for records `first` to `first + count - 1`.
    pub(super) fn complete(&self, first: u32, count: u32, result: Result<Landed, ProduceError>) {
        let at = Instant::now();
        let wakers = {
            let mut state = self.state.lock();
            state.ranges.push(Range { first, end: first + count, result, at });
            std::mem::take(&mut state.wakers)
        };
        wakers.into_iter().for_each(Waker::wake);
    }
}

/// What will become of one record. May be dropped: the record is delivered all the same.
#[derive(Debug)]
#[must_use = "a record that failed says so only here and in the producer's totals"]
pub struct Delivery {
    outcome: Arc<Outcome>,
    index: u32,
    timestamp: i64,
    /// Our place among the batch's wakers.
    slot: Option<usize>,
}

impl Delivery {
    pub(super) fn new(outcome: Arc<Outcome>, index: u32, timestamp: i64) -> Delivery {
        Delivery { outcome, index, timestamp, slot: None }
    }

    /// What became of it, if that is known by now.
    pub fn now(&self) -> Option<Result<RecordMetadata, ProduceError>> {
        self.find(&self.outcome.state.lock())
    }

    /// The partition that the record went to.
    pub fn partition(&self) -> i32 {
        self.outcome.partition
    }

    /// When it was known what became of it, and why it failed if it did; None before. However late it is asked for, the time is
    /// exact: for those who measure.
    pub fn settled(&self) -> Option<(Instant, Result<(), ProduceError>)> {
        let state = self.outcome.state.lock();
        let range = self.range(&state)?;
        Some((range.at, range.result.as_ref().map(|_| ()).map_err(ProduceError::clone)))
    }

    fn range<'a>(&self, state: &'a State) -> Option<&'a Range> {
        state.ranges.iter().find(|range| (range.first..range.end).contains(&self.index))
    }

    fn find(&self, state: &State) -> Option<Result<RecordMetadata, ProduceError>> {
        let range = self.range(state)?;
        Some(match &range.result {
            Ok(landed) => Ok(RecordMetadata {
                topic: self.outcome.topic.clone(),
                partition: self.outcome.partition,
                offset: landed.base_offset.map(|base| base + i64::from(self.index - range.first)),
                timestamp: landed.log_append_time.unwrap_or(self.timestamp),
            }),
            Err(cause) => Err(cause.clone()),
        })
    }
}

impl Future for Delivery {
    type Output = Result<RecordMetadata, ProduceError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = self.outcome.clone();
        let mut state = outcome.state.lock();
        if let Some(result) = self.find(&state) {
            return Poll::Ready(result);
        }
        let waker = context.waker().clone();
        match self.slot.and_then(|slot| state.wakers.get_mut(slot)) {
            // A split batch empties the list when its first half is done; then the slot may be another's, who is
            // polled once too often and comes back.
            Some(ours) => {
                let other = std::mem::replace(ours, waker);
                if !other.will_wake(context.waker()) {
                    other.wake();
                }
            }
            None => {
                state.wakers.push(waker);
                self.slot = Some(state.wakers.len() - 1);
            }
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_record_of_a_split_batch_learns_its_own_offset() {
        let outcome = Arc::new(Outcome::new(TopicName::new("t").unwrap(), 3));
        let deliveries: Vec<Delivery> =
            (0..4).map(|i| Delivery::new(outcome.clone(), i, 100 + i64::from(i))).collect();
        assert!(deliveries[0].now().is_none());
        let told = outcome.clone();
        tokio::spawn(async move {
            let landed = |base| Ok(Landed { base_offset: Some(base), log_append_time: None });
            told.complete(2, 2, landed(50));
            tokio::task::yield_now().await;
            told.complete(0, 2, landed(10));
        });
        let mut offsets = Vec::new();
        for delivery in deliveries {
            let metadata = delivery.await.unwrap();
            offsets.push((metadata.partition, metadata.offset.unwrap(), metadata.timestamp));
        }
        assert_eq!(offsets, [(3, 10, 100), (3, 11, 101), (3, 50, 102), (3, 51, 103)]);
    }
}
