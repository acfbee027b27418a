//! Work that keeps a processor busy for long: done a few pieces at a time on threads of their own, so that small requests
//! find a free one whatever large ones ask for.

use std::sync::Arc;
use std::thread::available_parallelism;

use tokio::sync::Semaphore;

use crate::base::Level;

/// The threads for long work.
#[derive(Debug)]
pub struct Aside {
    turns: Arc<Semaphore>,
    threads: u32,
    waiting: Level,
}

/// How much work there is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Load {
    /// That is done.
    pub running: usize,
    /// That waits for its turn.
    pub waiting: i64,
}

impl Aside {
    /// One thread fewer than there are processors, but one at least.
    pub fn new() -> Aside {
        let processors = available_parallelism().map_or(1, usize::from);
        let threads = u32::try_from(processors - 1).unwrap_or(1).max(1);
        let turns = Arc::new(Semaphore::new(threads as usize));
        Aside { turns, threads, waiting: Level::default() }
    }

    /// How much work there is.
    pub fn load(&self) -> Load {
        let running = (self.threads as usize).saturating_sub(self.turns.available_permits());
        Load { running, waiting: self.waiting.get() }
    }

    /// Does `work` when its turn has come. Once begun it is done to its end, even if nobody waits for it any more. `None`
    /// if the broker has stopped.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let turn = {
            let _waits = Waits::new(&self.waiting);
            self.turns.clone().acquire_owned().await.ok()?
        };
        let run = move || {
            let _turn = turn;
            work()
        };
        match tokio::task::spawn_blocking(run).await {
            Ok(done) => Some(done),
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => None,
        }
    }

    /// Lets no more work begin, and waits for what has begun.
    pub async fn stop(&self) {
        let _all = self.turns.acquire_many(self.threads).await;
        self.turns.close();
    }
}

/// Counts as waiting until it is dropped, also where the wait is given up.
struct Waits<'a>(&'a Level);

impl Waits<'_> {
    fn new(level: &Level) -> Waits<'_> {
        level.up();
        Waits(level)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.down();
    }
}
