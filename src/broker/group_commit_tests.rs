//! Who waits for what, and how many flushes that takes.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use super::GroupCommit;
use crate::base::Offset;

/// A log whose flushes are made by hand.
#[derive(Default)]
struct ByHand {
    begun: AtomicUsize,
}

type Waits<'a> = Pin<Box<dyn Future<Output = bool> + 'a>>;

impl ByHand {
    fn wait<'a>(&'a self, commit: &'a GroupCommit, up_to: i64) -> Waits<'a> {
        let begin = || {
            self.begun.fetch_add(1, Ordering::SeqCst);
        };
        let mut wait: Waits<'a> = Box::pin(commit.wait(Offset::new(up_to), begin));
        assert_eq!(poll(&mut wait), Poll::Pending);
        wait
    }

    fn begun(&self) -> usize {
        self.begun.load(Ordering::SeqCst)
    }
}

fn poll(wait: &mut Waits<'_>) -> Poll<bool> {
    pin!(wait).poll(&mut Context::from_waker(Waker::noop()))
}

fn commit() -> GroupCommit {
    GroupCommit::new(Offset::ZERO)
}

#[test]
fn one_flush_serves_all_who_wait() {
    let (commit, log) = (commit(), ByHand::default());
    let mut waits = [1, 2, 3].map(|up_to| log.wait(&commit, up_to));
    assert_eq!(log.begun(), 1, "it is asked for once");
    commit.run(|| commit.note(Offset::new(3)));
    assert!(waits.iter_mut().all(|wait| poll(wait) == Poll::Ready(true)));
}

#[test]
fn who_comes_during_a_flush_is_served_by_the_next_one_of_the_same_thread() {
    let (commit, log) = (commit(), ByHand::default());
    let mut first = log.wait(&commit, 1);
    let (second, flushes) = (std::cell::RefCell::new(None), std::cell::Cell::new(0));
    commit.run(|| {
        flushes.set(flushes.get() + 1);
        if flushes.get() == 1 {
            *second.borrow_mut() = Some(log.wait(&commit, 2));
        }
        commit.note(Offset::new(flushes.get()));
    });
    assert_eq!((flushes.get(), log.begun()), (2, 1));
    assert_eq!(poll(&mut first), Poll::Ready(true));
    assert_eq!(poll(second.borrow_mut().as_mut().expect("it waits")), Poll::Ready(true));
}

#[test]
fn what_is_durable_already_is_not_waited_for() {
    let commit = GroupCommit::new(Offset::new(7));
    let mut wait: Waits<'_> = Box::pin(commit.wait(Offset::new(7), || panic!("nothing is to do")));
    assert_eq!(poll(&mut wait), Poll::Ready(true));
}

#[test]
fn what_a_flush_does_not_bring_to_disk_is_not_waited_for_any_longer() {
    let (commit, log) = (commit(), ByHand::default());
    let mut waits = [1, 2].map(|up_to| log.wait(&commit, up_to));
    commit.run(|| commit.note(Offset::new(1)));
    let [first, second] = waits.each_mut().map(poll);
    assert_eq!((first, second, log.begun()), (Poll::Ready(true), Poll::Ready(false), 1));
}

#[test]
fn a_flush_that_began_before_the_records_were_there_says_nothing_of_them() {
    let (commit, log) = (commit(), ByHand::default());
    let _first = log.wait(&commit, 1);
    let second = std::cell::RefCell::new(None);
    // It brings nothing to disk, so that no other one follows by itself.
    commit.run(|| *second.borrow_mut() = Some(log.wait(&commit, 2)));
    let mut second = second.take().expect("it waits");
    assert_eq!((poll(&mut second), log.begun()), (Poll::Pending, 2));
    // Woken for nothing, by the end of a flush that it has seen already.
    commit.done.notify_waiters();
    assert_eq!(poll(&mut second), Poll::Pending);
    commit.run(|| commit.note(Offset::new(2)));
    assert_eq!(poll(&mut second), Poll::Ready(true));
}

#[test]
fn who_waits_for_a_flush_that_panics_learns_of_it_and_the_next_one_is_asked_for() {
    let (commit, log) = (commit(), ByHand::default());
    let mut wait = log.wait(&commit, 1);
    let panics = || commit.run(|| panic!("on purpose"));
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(panics)).is_err());
    assert_eq!(poll(&mut wait), Poll::Ready(false));
    let _next = log.wait(&commit, 1);
    assert_eq!(log.begun(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_who_append_and_wait_at_once_are_all_served() {
    const TASKS: usize = 32;
    const EACH: usize = 500;
    struct Log {
        end: AtomicI64,
        flushes: AtomicUsize,
        commit: GroupCommit,
    }
    let log =
        Arc::new(Log { end: AtomicI64::new(0), flushes: AtomicUsize::new(0), commit: commit() });
    let flush = |log: &Log| {
        log.flushes.fetch_add(1, Ordering::SeqCst);
        let end = log.end.load(Ordering::SeqCst);
        std::thread::yield_now();
        log.commit.note(Offset::new(end));
    };
    let tasks: Vec<_> = (0..TASKS)
        .map(|_| {
            let log = log.clone();
            tokio::spawn(async move {
                for _ in 0..EACH {
                    let up_to = log.end.fetch_add(1, Ordering::SeqCst) + 1;
                    let begin = || {
                        let log = log.clone();
                        tokio::task::spawn_blocking(move || log.commit.run(|| flush(&log)));
                    };
                    assert!(log.commit.wait(Offset::new(up_to), begin).await);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("nobody waits for ever, or in vain");
    }
    let flushes = log.flushes.load(Ordering::SeqCst);
    assert!(flushes < TASKS * EACH, "{flushes} flushes are shared");
}
