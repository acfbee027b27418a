//! Group commit: one flush serves all who wait for one, and the next begins at once for those who came meanwhile.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

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
    /// Whether a flush has failed, which is final.
    failed: AtomicBool,
    done: Notify,
}

impl GroupCommit {
    /// Of a log of which all below `durable` is on disk.
    pub fn new(durable: Offset) -> GroupCommit {
        GroupCommit {
            durable: AtomicI64::new(durable.get()),
            wanted: AtomicI64::new(durable.get()),
            running: AtomicBool::new(false),
            failed: AtomicBool::new(false),
            done: Notify::new(),
        }
    }

    /// Notes that all below `up_to` is on disk.
    pub fn note(&self, up_to: Offset) {
        self.durable.fetch_max(up_to.get(), Ordering::SeqCst);
    }

    /// Returns once all below `up_to`, which is in the log already, is on disk; `false` if it never will be. `begin` is to have somebody
    /// call [`GroupCommit::run`].
    pub async fn wait(&self, up_to: Offset, begin: impl Fn()) -> bool {
        let is_durable = || self.durable.load(Ordering::SeqCst) >= up_to.get();
        self.wanted.fetch_max(up_to.get(), Ordering::SeqCst);
        // The first flush that ends may have begun before the records were there; the next one has not.
        for _ in 0..2 {
            let mut done = pin!(self.done.notified());
            // From here on no end of a flush is missed.
            done.as_mut().enable();
            if is_durable() || self.failed.load(Ordering::SeqCst) {
                break;
            }
            if !self.running.swap(true, Ordering::SeqCst) {
                begin();
            }
            done.await;
        }
        is_durable()
    }

    /// Flushes for as long as anybody waits for more. Blocking. `flush` makes durable what is in the log, notes it, and tells whether it could.
    pub fn run(&self, flush: impl Fn() -> bool) {
        let _ended = EndedByPanic(self);
        loop {
            let before = self.durable.load(Ordering::SeqCst);
            if !flush() {
                self.failed.store(true, Ordering::SeqCst);
            }
            // Of a log that was deleted nothing becomes durable any more.
            let moves = self.durable.load(Ordering::SeqCst) > before;
            let again = moves && self.is_wanted();
            if !again {
                self.running.store(false, Ordering::SeqCst);
            }
            self.done.notify_waiters();
            // Who came after the first look and before the store has left it to this thread.
            let is_over =
                || !moves || !self.is_wanted() || self.running.swap(true, Ordering::SeqCst);
            if !again && is_over() {
                return;
            }
        }
    }

    fn is_wanted(&self) -> bool {
        let wanted = self.wanted.load(Ordering::SeqCst);
        wanted > self.durable.load(Ordering::SeqCst) && !self.failed.load(Ordering::SeqCst)
    }
}

/// Whoever waits for a flush that panicked asks for another one.
struct EndedByPanic<'a>(&'a GroupCommit);

impl Drop for EndedByPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.running.store(false, Ordering::SeqCst);
            self.0.done.notify_waiters();
        }
    }
}

#[cfg(test)]
#[path = "group_commit_tests.rs"]
mod tests;
