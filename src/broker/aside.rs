//! Work that keeps a processor busy for long: done a few pieces at a time on threads of their own, so that small requests
//! find a free one whatever large ones ask for.

use std::sync::Arc;
use std::thread::available_parallelism;

use tokio::sync::Semaphore;

/// The threads for long work.
#[derive(Debug)]
pub struct Aside {
    turns: Arc<Semaphore>,
    threads: u32,
}

impl Aside {
    /// One thread fewer than there are processors, but one at least.
    pub fn new() -> Aside {
        let processors = available_parallelism().map_or(1, usize::from);
        let threads = u32::try_from(processors - 1).unwrap_or(1).max(1);
        Aside { turns: Arc::new(Semaphore::new(threads as usize)), threads }
    }

    /// Does `work` when its turn has come. Once begun it is done to its end, even if nobody waits for it any more. `None`
    /// if the broker has stopped.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let turn = self.turns.clone().acquire_owned().await.ok()?;
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
