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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn a_wait_lasts_as_long_as_it_says_whatever_the_one_before_it_was_for() {
        let patience = Patience::default();
        let (moment, long) = (Duration::from_millis(1), Duration::from_secs(3600));
        let begin = Instant::now();
        let given_up = patience.until(begin + 20 * moment);
        assert!(timeout(moment, given_up).await.is_err());
        // Its timer rings first.
        patience.until(begin + 60 * moment).await;
        assert!(begin.elapsed() >= 60 * moment);
        let given_up = patience.until(begin + long);
        assert!(timeout(moment, given_up).await.is_err());
        let soon = patience.until(Instant::now() + 5 * moment);
        assert!(
            timeout(Duration::from_secs(60), soon).await.is_ok(),
            "it waits for the one before"
        );
    }
}
