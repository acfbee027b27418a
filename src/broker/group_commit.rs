//! Group commit: one flush serves all who wait for one, and the next begins at once for those who came meanwhile.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use tokio::sync::Notify;

use crate::base::Offset;

/// Up to where a log is durable, and who waits for more.
#[derive(Debug)]
pub struct GroupCommit {
    durable: AtomicI64,
    /// The most that anybody has waited for.
    wanted: AtomicI64,
    /// Whether somebody flushes, or is about to.
    running: AtomicBool,
    /// How many flushes have begun.
    begun: AtomicU64,
    /// The last one that is over.
    over: AtomicU64,
    done: Notify,
}

impl GroupCommit {
    /// Of a log of which all below `durable` is on disk.
    pub fn new(durable: Offset) -> GroupCommit {
        GroupCommit {
            durable: AtomicI64::new(durable.get()),
            wanted: AtomicI64::new(durable.get()),
            running: AtomicBool::new(false),
            begun: AtomicU64::new(0),
            over: AtomicU64::new(0),
            done: Notify::new(),
        }
    }

    /// Notes that all below `up_to` is on disk.
    pub fn note(&self, up_to: Offset) {
        self.durable.fetch_max(up_to.get(), Ordering::SeqCst);
    }

    /// Returns once all below `up_to`, which is in the log already, is on disk; `false` if a flush could not bring it there. `begin` is to
    /// have somebody call [`GroupCommit::run`].
    pub async fn wait(&self, up_to: Offset, begin: impl Fn()) -> bool {
        self.wanted.fetch_max(up_to.get(), Ordering::SeqCst);
        // These may have begun before the records were there.
        let earlier = self.begun.load(Ordering::SeqCst);
        loop {
            let mut done = pin!(self.done.notified());
            // From here on no end of a flush is missed.
            done.as_mut().enable();
            let was_tried = self.over.load(Ordering::SeqCst) > earlier;
            if self.durable.load(Ordering::SeqCst) >= up_to.get() {
                return true;
            }
            if was_tried {
                return false;
            }
            if !self.running.swap(true, Ordering::SeqCst) {
                begin();
            }
            done.await;
        }
    }

    /// Flushes for as long as anybody waits for more. Blocking. `flush` makes durable what is in the log, and notes it.
    pub fn run(&self, flush: impl Fn()) {
        loop {
            let before = self.durable.load(Ordering::SeqCst);
            let one = Flush { of: self, number: self.begun.fetch_add(1, Ordering::SeqCst) + 1 };
            flush();
            drop(one);
            let durable = self.durable.load(Ordering::SeqCst);
            // Of a log that was deleted, or whose disk failed, nothing becomes durable any more.
            let is_over = durable == before || self.wanted.load(Ordering::SeqCst) <= durable;
            if is_over || self.running.swap(true, Ordering::SeqCst) {
                return;
            }
        }
    }
}

/// One flush. Whoever waits learns that it is over, also by a panic.
struct Flush<'a> {
    of: &'a GroupCommit,
    number: u64,
}

impl Drop for Flush<'_> {
    fn drop(&mut self) {
        self.of.over.fetch_max(self.number, Ordering::SeqCst);
        self.of.running.store(false, Ordering::SeqCst);
        self.of.done.notify_waiters();
    }
}

#[cfg(test)]
#[path = "group_commit_tests.rs"]
mod tests;
