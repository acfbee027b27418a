//! Work that keeps a processor busy for long: done a few pieces at a time on threads of their own, so that small requests
//! find a free one whatever large ones ask for. These threads are a little less urgent to the system: where it has no
//! processor left, one that serves small requests takes theirs as soon as there is something to do.

use std::sync::Arc;
use std::thread::available_parallelism;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;

use crate::base::Level;

/// How much less urgent the threads are: a third of the weight, which they feel only where processors are short.
const NICE: i32 = 5;

/// The threads for long work.
#[derive(Debug)]
pub struct Aside {
    turns: Arc<Semaphore>,
    threads: u32,
    /// Only for its blocking pool: nothing else runs there. `None` once it is dropped.
    pool: Option<Runtime>,
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
    /// One thread fewer than there are processors, but one at least. They are started as they are needed.
    pub fn new() -> Aside {
        let processors = available_parallelism().map_or(1, usize::from);
        let threads = u32::try_from(processors - 1).unwrap_or(1).max(1);
        let turns = Arc::new(Semaphore::new(threads as usize));
        let pool = Builder::new_current_thread()
            .max_blocking_threads(threads as usize)
            .thread_name("aside")
            .on_thread_start(|| _ = rustix::process::nice(NICE))
            .build()
            .expect("a runtime without drivers asks nothing of the system");
        Aside { turns, threads, pool: Some(pool), waiting: Level::default() }
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
        match self.pool.as_ref()?.spawn_blocking(run).await {
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

impl Drop for Aside {
    /// Where no blocking is allowed: what has begun goes on without it.
    fn drop(&mut self) {
        if let Some(pool) = self.pool.take() {
            pool.shutdown_background();
        }
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
