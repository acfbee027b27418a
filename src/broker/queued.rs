//! What a connection's requests hold until their answers have left, in bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

use crate::os::Chunk;

/// A connection's queue. At the bound the socket is not read any more until answers have left: so it holds at most the
/// bound, one request and the answers that become larger than their requests were.
#[derive(Debug)]
pub struct Queued {
    most: usize,
    bytes: AtomicUsize,
    less: Notify,
}

/// A request's or an answer's part of the queue, given back when dropped.
#[derive(Debug)]
pub struct Share {
    queued: Arc<Queued>,
    bytes: usize,
}

impl Queued {
    /// A queue that is full with `most` bytes.
    pub fn new(most: usize) -> Arc<Queued> {
        Arc::new(Queued { most, bytes: AtomicUsize::new(0), less: Notify::new() })
    }

    /// Waits until the queue is not full. One waits at a time.
    pub async fn room(&self) {
        while self.bytes.load(Ordering::Acquire) >= self.most {
            self.less.notified().await;
        }
    }

    /// Counts `bytes`.
    pub fn take(self: &Arc<Queued>, bytes: usize) -> Share {
        self.bytes.fetch_add(bytes, Ordering::AcqRel);
        Share { queued: self.clone(), bytes }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.queued.bytes.fetch_sub(self.bytes, Ordering::AcqRel);
        self.queued.less.notify_one();
    }
}

/// What an answer takes in memory; stretches of files stay where they are.
pub fn weight(chunks: &[Chunk]) -> usize {
    let bytes = |chunk: &Chunk| match chunk {
        Chunk::Bytes(bytes) => bytes.len(),
        Chunk::File(_) => 0,
    };
    chunks.iter().map(|chunk| size_of::<Chunk>() + bytes(chunk)).sum()
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn has_room(queued: &Queued) -> bool {
        let room = pin!(queued.room());
        room.poll(&mut Context::from_waker(Waker::noop())) == Poll::Ready(())
    }

    #[test]
    fn a_full_queue_has_no_room_until_something_has_left() {
        let queued = Queued::new(100);
        let first = queued.take(60);
        assert!(has_room(&queued));
        let second = queued.take(60);
        assert!(!has_room(&queued));
        drop(first);
        assert!(has_room(&queued));
        drop(second);
        assert_eq!(queued.bytes.load(Ordering::Acquire), 0);
    }
}
