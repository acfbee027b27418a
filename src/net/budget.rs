//! How many bytes of requests a node holds at once (`queued.max.request.bytes`).

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What is not counted of each frame: small requests, up to a batch of 64 KiB and what stands around it, find room even where large
/// ones have taken all there is.
pub(super) const FREE: usize = 68 << 10;

/// The room that all requests of a node share. At the bound, sockets are not read until others gave theirs back; who
/// finds none in time is closed.
#[derive(Debug, Clone)]
pub struct Budget {
    free: Arc<Semaphore>,
    most: Option<usize>,
}

/// A part of the budget, given back when dropped.
#[derive(Debug, Default)]
pub struct Held {
    permit: Option<OwnedSemaphorePermit>,
}

impl Budget {
    /// At most `bytes`; `None`: no bound.
    pub fn new(bytes: Option<usize>) -> Budget {
        let most = bytes.unwrap_or(Semaphore::MAX_PERMITS).min(Semaphore::MAX_PERMITS);
        Budget { free: Arc::new(Semaphore::new(most)), most: bytes }
    }

    /// How many bytes may be held; `None`: no bound.
    pub fn most_bytes(&self) -> Option<usize> {
        self.most
    }

    /// How many bytes nobody holds.
    pub fn free_bytes(&self) -> usize {
        self.free.available_permits()
    }

    /// Waits until `held` covers a frame of which `bytes` are there or about to be.
    pub(super) async fn cover(&self, held: &mut Held, bytes: usize) {
        let missing = bytes.saturating_sub(FREE).saturating_sub(held.bytes());
        let Some(missing) = u32::try_from(missing).ok().filter(|missing| *missing > 0) else {
            return;
        };
        // The semaphore is never closed.
        let Ok(more) = self.free.clone().acquire_many_owned(missing).await else { return };
        match &mut held.permit {
            Some(permit) => permit.merge(more),
            none => *none = Some(more),
        }
    }
}

impl Held {
    /// How many bytes of the budget it is.
    pub fn bytes(&self) -> usize {
        self.permit.as_ref().map_or(0, OwnedSemaphorePermit::num_permits)
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn poll(future: impl Future<Output = ()>) -> Poll<()> {
        pin!(future).poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn a_frame_waits_for_room_that_others_give_back_and_a_small_one_never_does() {
        let budget = Budget::new(Some(1 << 20));
        let (mut first, mut second, mut small) = Default::default();
        assert_eq!(poll(budget.cover(&mut first, FREE + (1 << 20))), Poll::Ready(()));
        assert_eq!((first.bytes(), budget.free_bytes()), (1 << 20, 0));
        assert_eq!(poll(budget.cover(&mut second, FREE + 1)), Poll::Pending);
        assert_eq!(poll(budget.cover(&mut small, FREE)), Poll::Ready(()));
        drop(first);
        assert_eq!(poll(budget.cover(&mut second, FREE + 1)), Poll::Ready(()));
        assert_eq!(poll(budget.cover(&mut second, FREE + 5)), Poll::Ready(()));
        assert_eq!((second.bytes(), small.bytes()), (5, 0));
    }
}
