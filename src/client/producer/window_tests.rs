//! The window against a broker that checks sequences as Kafka's does, over a network that loses things.

use std::collections::VecDeque;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::*;

const IDENTITY: Identity = Identity { id: 7, epoch: 0 };

/// One partition at the broker: what is written, and the last five batches of the producer.
#[derive(Default)]
struct Broker {
    log: Vec<u32>,
    epoch: i16,
    last_five: VecDeque<i32>,
    next: Option<i32>,
}

#[derive(Debug, PartialEq)]
enum Reply {
    Written,
    OutOfSequence,
}

impl Broker {
    fn produce(&mut self, identity: Identity, sequence: i32, records: &[u32]) -> Reply {
        if identity.epoch > self.epoch {
            if sequence != 0 {
                return Reply::OutOfSequence;
            }
            (self.epoch, self.next) = (identity.epoch, Some(0));
            self.last_five.clear();
        }
        if self.last_five.contains(&sequence) {
            return Reply::Written; // a duplicate, known
        }
        if self.next.is_some_and(|next| next != sequence) {
            return Reply::OutOfSequence;
        }
        self.last_five.push_back(sequence);
        if self.last_five.len() > 5 {
            self.last_five.pop_front();
        }
        self.next = Some(sequence.wrapping_add(records.len() as i32) & i32::MAX);
        self.log.extend(records);
        Reply::Written
    }
}

fn window() -> Window<Vec<u32>> {
    let mut window = Window::new(true, 5);
    window.set_identity(IDENTITY);
    window
}

/// A window whose producer the broker knows: one record is written.
fn known() -> Window<Vec<u32>> {
    let mut window = window();
    window.push(vec![0], 1);
    let first = take(&mut window).unwrap();
    window.written(first.0);
    window
}

fn take(window: &mut Window<Vec<u32>>) -> Option<(BatchId, i16, i32)> {
    let (sending, _) = window.take()?;
    let (identity, sequence) = sending.producer.unwrap();
    Some((sending.id, identity.epoch, sequence))
}

#[test]
fn until_the_broker_knows_the_producer_one_batch_flies() {
    let mut window = window();
    window.push(vec![1], 1);
    window.push(vec![2], 1);
    let first = take(&mut window).unwrap();
    assert_eq!(take(&mut window), None);
    window.written(first.0);
    assert_eq!(take(&mut window).map(|s| s.2), Some(1));
}

#[test]
fn sequences_count_records_and_five_batches_fly() {
    let mut window = known();
    for _ in 0..6 {
        window.push(vec![0; 3], 3);
    }
    let sent: Vec<i32> = std::iter::from_fn(|| take(&mut window)).map(|s| s.2).collect();
    assert_eq!(sent, [1, 4, 7, 10, 13]);
}

#[test]
fn a_batch_sent_again_keeps_its_sequence_and_waits_for_those_behind_it() {
    let mut window = known();
    window.push(vec![1], 1);
    window.push(vec![2], 1);
    let first = take(&mut window).unwrap();
    let second = take(&mut window).unwrap();
    window.lost(first.0);
    assert_eq!(take(&mut window), None);
    window.out_of_sequence(second.0);
    assert_eq!(take(&mut window), Some((first.0, 0, 1)));
    assert_eq!(take(&mut window), Some((second.0, 0, 2)));
}

#[test]
fn after_a_batch_that_cannot_be_written_the_epoch_rises() {
    let mut window = known();
    window.push(vec![1], 1);
    window.push(vec![2], 1);
    let first = take(&mut window).unwrap();
    let second = take(&mut window).unwrap();
    assert_eq!(window.failed(first.0), Some(vec![1]));
    window.out_of_sequence(second.0);
    assert_eq!(take(&mut window), Some((second.0, 1, 0)));
}

#[test]
fn a_batch_given_up_that_was_written_after_all_costs_no_epoch() {
    let mut window = known();
    window.push(vec![1], 1);
    window.push(vec![2], 1);
    window.push(vec![3], 1);
    let first = take(&mut window).unwrap();
    let second = take(&mut window).unwrap();
    window.lost(first.0);
    assert_eq!(window.give_up(|b| b == &[1]), [(vec![1], true)]);
    assert_eq!(window.written(second.0), Some(vec![2]));
    assert_eq!(take(&mut window).map(|s| (s.1, s.2)), Some((0, 3)));
}

#[test]
fn what_was_given_up_counts_among_what_a_broker_remembers() {
    let mut window = known();
    (1..7).for_each(|n| window.push(vec![n], 1));
    let sent: Vec<BatchId> = std::iter::from_fn(|| take(&mut window)).map(|s| s.0).collect();
    window.lost(sent[0]);
    for id in &sent[1..3] {
        window.give_up(|batch| batch == &[2] || batch == &[3]);
        window.lost(*id);
    }
    sent[3..].iter().for_each(|id| drop(window.written(*id)));
    assert_eq!(take(&mut window).map(|s| s.2), Some(1));
    // Behind the first there may be four: with one more its broker would not know it again.
    assert_eq!(take(&mut window), None);
}

#[test]
fn a_window_of_transactions_stops_at_a_gap_until_another_epoch_is_entered() {
    let mut window: Window<Vec<u32>> = Window::transactional(5);
    let next = Identity { epoch: 1, ..IDENTITY };
    assert!(window.enter(IDENTITY));
    (0..4).for_each(|n| window.push(vec![n], 1));
    let first = take(&mut window).unwrap();
    window.written(first.0);
    let second = take(&mut window).unwrap();
    let third = take(&mut window).unwrap();
    assert_eq!(window.failed(second.0), Some(vec![1]));
    assert!(window.is_first(third.0));
    window.lost(third.0);
    // What may be written is asked for again; what was never sent is not begun.
    assert_eq!(take(&mut window), Some((third.0, 0, 2)));
    assert_eq!(take(&mut window), None);
    assert!(!window.enter(next), "something is on its way");
    assert_eq!(window.drop_unsent(), [vec![3]]);
    window.refused(third.0);
    assert_eq!(window.drop_unsent(), [] as [Vec<u32>; 0], "it may have been written before");
    assert_eq!(take(&mut window).map(|s| s.2), Some(2));
    assert_eq!(window.failed(third.0), Some(vec![2]));
    window.push(vec![4], 1);
    assert!(window.enter(next));
    assert_eq!(take(&mut window).map(|s| (s.1, s.2)), Some((1, 0)));
}

#[test]
fn without_idempotence_nothing_overtakes() {
    let mut window = Window::new(false, 1);
    window.push(vec![1], 1);
    window.push(vec![2], 1);
    let (sending, _) = window.take().unwrap();
    assert_eq!(sending.producer, None);
    assert!(window.take().is_none());
    window.lost(sending.id);
    assert_eq!(window.take().unwrap().1, &mut vec![1]);
}

#[test]
fn whatever_is_lost_refused_split_or_given_up_nothing_is_doubled_reordered_or_missing() {
    let seed = std::env::var("KLOG_SEED").ok().and_then(|s| s.parse().ok());
    let seed: u64 = seed.unwrap_or_else(|| rand::rng().random());
    println!("KLOG_SEED={seed}");
    for round in 0..300 {
        one_round(&mut StdRng::seed_from_u64(seed.wrapping_add(round)));
    }
}

fn one_round(random: &mut StdRng) {
    let (mut window, mut broker) = (window(), Broker::default());
    let mut on_the_wire: VecDeque<(Sending, Vec<u32>)> = VecDeque::new();
    let mut lost = std::collections::HashSet::new();
    let (mut next_record, mut written, mut uncertain, mut failed) = (0u32, vec![], vec![], vec![]);
    for step in 0..400 {
        let calm = step > 300;
        if !calm && random.random_bool(0.5) {
            let count = random.random_range(1..4);
            window.push((next_record..next_record + count).collect(), count);
            next_record += count;
        }
        while random.random_bool(0.7) {
            let Some((sending, batch)) = window.take() else { break };
            let batch = batch.clone();
            on_the_wire.push_back((sending, batch));
        }
        if !calm && random.random_bool(0.05) {
            // The connection is cut: the broker saw a prefix, no answer came.
            let seen = random.random_range(0..=on_the_wire.len());
            for (at, (sending, batch)) in on_the_wire.drain(..).enumerate() {
                if at < seen {
                    let (identity, sequence) = sending.producer.unwrap();
                    broker.produce(identity, sequence, &batch);
                }
                lost.insert(sending.id);
                window.lost(sending.id);
            }
        }
        if !calm && random.random_bool(0.02) {
            let victim = random.random_range(0..next_record + 1);
            for (batch, _) in window.give_up(|b| b.contains(&victim)) {
                uncertain.extend(batch);
            }
        }
        let Some((sending, batch)) = on_the_wire.pop_front() else { continue };
        let (identity, sequence) = sending.producer.unwrap();
        match random.random_range(0..20) {
            0 if !calm => window.refused(sending.id),
            1 if !calm && batch.len() > 1 && !lost.contains(&sending.id) => {
                let (a, b) = batch.split_at(1);
                window.split(sending.id, vec![(a.to_vec(), 1), (b.to_vec(), b.len() as u32)]);
            }
            2 if !calm => failed.extend(window.failed(sending.id).unwrap_or_default()),
            _ => match broker.produce(identity, sequence, &batch) {
                Reply::Written => written.extend(window.written(sending.id).unwrap_or_default()),
                Reply::OutOfSequence => window.out_of_sequence(sending.id),
            },
        }
    }
    let mut sorted = broker.log.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(sorted, broker.log, "doubled or out of order");
    assert!(window.is_empty(), "stuck: {window:?}");
    assert!(written.iter().all(|r| broker.log.contains(r)), "acknowledged, not there");
    let mut all: Vec<u32> = written.iter().chain(&uncertain).chain(&failed).copied().collect();
    all.sort_unstable();
    assert_eq!(all, (0..next_record).collect::<Vec<_>>(), "each record ends once");
}
