//! Turns: how long one connection is served before others are.

use std::future::{Future, poll_fn};
use std::mem::take;
use std::pin::pin;
use std::time::{Duration, Instant};

/// A connection that was served longer without having had to wait lets others go first. A few small requests take as long:
/// less, and giving way costs as much as what is served.
const TURN: Duration = Duration::from_micros(50);

/// How long a connection has been served without waiting for anything. What is in its buffer or its socket already needs no
/// waiting for: without turns, a flood of requests would be served in one go, and those of others behind it.
#[derive(Debug)]
pub struct Turn {
    began: Instant,
    has_waited: bool,
}

impl Turn {
    /// Begins one.
    pub fn begin(now: Instant) -> Turn {
        Turn { began: now, has_waited: false }
    }

    /// Does `work`. Where that has to wait, others are served meanwhile, and a new turn begins behind it.
    pub async fn wait_for<F: Future>(&mut self, work: F) -> F::Output {
        let mut work = pin!(work);
        poll_fn(|context| {
            let poll = work.as_mut().poll(context);
            self.has_waited |= poll.is_pending();
            poll
        })
        .await
    }

    /// Gives way to others if the turn is over.
    pub async fn go_on(&mut self, now: Instant) {
        if take(&mut self.has_waited) {
            self.began = now;
        } else if now.duration_since(self.began) > TURN {
            tokio::task::yield_now().await;
            self.began = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    fn gives_way(turn: &mut Turn, now: Instant) -> bool {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            tokio::select! { biased; () = turn.go_on(now) => false, () = async {} => true }
        })
    }

    #[test]
    fn who_never_waits_gives_way_once_the_turn_is_over() {
        let start = Instant::now();
        let mut turn = Turn::begin(start);
        assert!(!gives_way(&mut turn, start + TURN));
        assert!(gives_way(&mut turn, start + TURN + Duration::from_nanos(1)));
    }

    #[tokio::test]
    async fn who_has_waited_begins_a_new_turn() {
        let start = Instant::now();
        let mut turn = Turn::begin(start);
        turn.wait_for(async {}).await;
        let late = start + 10 * TURN;
        tokio::select! { biased; () = turn.wait_for(pending()) => {}, () = async {} => {} }
        tokio::task::spawn_blocking(move || {
            assert!(!gives_way(&mut turn, late), "it waited");
            assert!(!gives_way(&mut turn, late + TURN), "its turn began behind the wait");
            assert!(gives_way(&mut turn, late + 2 * TURN));
        })
        .await
        .unwrap();
    }
}
