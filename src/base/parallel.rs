//! The same work on many things at once.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Calls `work` with each of `items`, on as many threads as are wanted; the results are in the order of the items.
pub fn in_parallel<T: Sync, R: Send>(
    threads: usize,
    items: &[T],
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let (next, work) = (&next, &work);
    let take = move || {
        let mut done = Vec::new();
        while let Some((at, item)) = Some(next.fetch_add(1, Ordering::Relaxed))
            .and_then(|at| items.get(at).map(|item| (at, item)))
        {
            done.push((at, work(item)));
        }
        done
    };
    let threads = threads.clamp(1, items.len().max(1));
    if threads == 1 {
        return take().into_iter().map(|(_, result)| result).collect();
    }
    let mut all: Vec<(usize, R)> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(take)).collect();
        let done = running.into_iter().map(|thread| match thread.join() {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        done.flatten().collect()
    });
    all.sort_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, result)| result).collect()
}

/// How many threads are left for each of so many items.
pub fn threads_each(threads: usize, items: usize) -> usize {
    (threads / items.max(1)).max(1)
}

#[cfg(test)]
mod tests {
    use super::in_parallel;

    #[test]
    fn results_stand_in_the_order_of_the_items_whoever_made_them() {
        let items: Vec<u32> = (0..100).collect();
        for threads in [0, 1, 3, 200] {
            let squares = in_parallel(threads, &items, |item| item * item);
            assert!(squares.iter().enumerate().all(|(at, square)| at * at == *square as usize));
        }
        assert_eq!(in_parallel(4, &[] as &[u32], |item| *item), [0; 0]);
    }
}
