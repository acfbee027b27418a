//! A timer for waits that seldom last to their end.

use std::pin::Pin;

use parking_lot::Mutex;
use tokio::time::{Instant, Sleep, sleep_until};

/// One timer for all waits of a consumer. A timer that is set to an earlier time than all others wakes the thread that waits for them, by a
/// system call; so this one stays where the wait before had set it, and is only set anew once it has rung.
#[derive(Debug, Default)]
pub(super) struct Patience {
    timer: Mutex<Option<Pin<Box<Sleep>>>>,
}

impl Patience {
    /// Waits until `at`. Safe to cancel; of two waits at once, one has a timer of its own.
    pub(super) async fn until(&self, at: Instant) {
        let timer = self.timer.lock().take().filter(|timer| timer.deadline() <= at);
        let mut lent =
            Lent { owner: self, timer: timer.or_else(|| Some(Box::pin(sleep_until(at)))) };
        while let Some(timer) = &mut lent.timer {
            timer.as_mut().await;
            if Instant::now() >= at {
                return;
            }
            timer.as_mut().reset(at);
        }
    }
}

/// The timer while it is waited for; given back at the end.
struct Lent<'a> {
    owner: &'a Patience,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        *self.owner.timer.lock() = self.timer.take();
    }
}
