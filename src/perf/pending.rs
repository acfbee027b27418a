//! Records on their way, each with when it was due.

use std::collections::VecDeque;
use std::time::Instant;

use super::clock::Clock;
use super::failure::kind;
use super::meter::{Counts, Meter};
use crate::client::Delivery;

/// Per partition in the order of sending, which is that of their ends: one that is held up hides none of another partition's.
#[derive(Default)]
pub(super) struct Pending {
    by_partition: Vec<VecDeque<Sent>>,
}

struct Sent {
    delivery: Delivery,
    due: Instant,
    bytes: usize,
}

impl Pending {
    pub(super) fn push(&mut self, delivery: Delivery, due: Instant, bytes: usize) {
        let at = usize::try_from(delivery.partition()).unwrap_or(0);
        if at >= self.by_partition.len() {
            self.by_partition.resize_with(at + 1, VecDeque::new);
        }
        self.by_partition[at].push_back(Sent { delivery, due, bytes });
    }

    /// Takes out what is settled, and says of each that was delivered when it was due, when it was done, and its bytes.
    fn settle(
        &mut self,
        counts: &mut Counts,
        mut done: impl FnMut(&mut Counts, Instant, Instant, usize),
    ) {
        for queue in &mut self.by_partition {
            while let Some(first) = queue.front()
                && let Some((at, result)) = first.delivery.settled()
            {
                match result {
                    Ok(()) => done(counts, first.due, at, first.bytes),
                    Err(error) => counts.failed_with(kind(&error), 1, error.into()),
                }
                queue.pop_front();
            }
        }
    }

    /// Counts what was delivered or has failed by now.
    pub(super) fn count(&mut self, meter: &Meter, clock: Clock) {
        self.settle(&mut meter.open(), |counts, due, at, bytes| counts.done(clock, due, at, bytes));
    }

    /// Counts only what has failed; tells how many were delivered.
    pub(super) fn count_failures(&mut self, meter: &Meter) -> u64 {
        let mut delivered = 0;
        self.settle(&mut meter.open(), |_, _, _, _| delivered += 1);
        delivered
    }
}
