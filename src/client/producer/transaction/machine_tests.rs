//! The machine against a coordinator and partitions that keep Kafka's rules: every single fault at every place, and random ones.

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::machine::Step;
use super::machine_world::{Fate, World, key, timed_out};
use super::*;

/// Two transactions with records, offsets and both ends, with one fault at the `at`th request.
fn with_fault(protocol: Protocol, at: usize, fate: Fate, commits: [bool; 2]) -> World {
    let mut world = World::new(protocol);
    let failed = |world: &mut World| {
        let now = if world.steps == at { fate } else { Fate::Through };
        world.ask(now)
    };
    for _ in 0..3 {
        failed(&mut world); // the id is taken, maybe at the second or third try
    }
    for commit in commits {
        world.begin();
        world.send(0);
        world.send(1);
        world.pump();
        failed(&mut world);
        world.pump();
        world.land(true);
        world.send_offset();
        failed(&mut world);
        failed(&mut world);
        failed(&mut world);
        world.finish(commit, |world| {
            for _ in 0..8 {
                world.pump();
                world.land(true);
                failed(world);
            }
        });
    }
    world.check();
    world
}

const PROTOCOLS: [Protocol; 2] = [Protocol::Announced, Protocol::Noted];
const ENDS: [[bool; 2]; 4] = [[true, true], [true, false], [false, true], [false, false]];

#[test]
fn no_single_fault_breaks_a_transaction() {
    use ErrorCode as E;
    let fates = [
        Fate::LostBefore,
        Fate::LostAfter,
        Fate::Refused(E::NotCoordinator),
        Fate::Refused(E::CoordinatorLoadInProgress),
        Fate::Refused(E::ConcurrentTransactions),
    ];
    let mut places = BTreeMap::new();
    for protocol in PROTOCOLS {
        for commits in ENDS {
            let whole = with_fault(protocol, usize::MAX, Fate::Through, commits);
            assert_eq!(whole.wanted.len(), 2 * commits.iter().filter(|c| **c).count());
            for at in 0..whole.steps {
                for fate in fates {
                    let world = with_fault(protocol, at, fate, commits);
                    assert_eq!(
                        world.wanted, whole.wanted,
                        "{protocol:?} {commits:?} {at} {fate:?}"
                    );
                }
            }
            places.insert((format!("{protocol:?}"), commits), whole.steps);
        }
    }
    // Taking the id; two announcements, the offsets and the end; without announcements the offsets and the end.
    assert_eq!(places[&("Announced".into(), [true, true])], 1 + 2 * 4);
    assert_eq!(places[&("Noted".into(), [true, true])], 1 + 2 * 2);
}

#[test]
fn what_can_only_be_aborted_is_not_committed_and_the_next_one_goes_through() {
    for protocol in PROTOCOLS {
        for at in 1..9 {
            let abortable = Fate::Refused(ErrorCode::TransactionAbortable);
            for commits in [[true, true], [true, false]] {
                let world = with_fault(protocol, at, abortable, commits);
                assert!(world.wanted.len() <= 4);
            }
        }
    }
}

#[test]
fn after_a_lost_record_the_epoch_is_raised() {
    for protocol in PROTOCOLS {
        let mut world = World::new(protocol);
        world.run();
        world.begin();
        world.send(0);
        while world.flying.is_empty() {
            world.pump();
            world.ask(Fate::Through);
        }
        let before = world.cluster.epoch;
        world.land(false);
        let told = world.machine.end(true).unwrap_err();
        assert_eq!(told.class(), ErrorClass::Abortable);
        world.finish(false, |_| {});
        assert_eq!(world.cluster.epoch, before + 1);
        world.begin();
        world.send(0);
        world.finish(true, |_| {});
        world.check();
        assert_eq!(world.wanted.len(), 1);
    }
}

#[test]
fn where_epochs_cannot_be_raised_a_lost_record_ends_the_producer() {
    let mut world = World::new(Protocol::Announced);
    world.abilities.raises_epochs = false;
    world.run();
    world.begin();
    world.machine.on_record_failed(&timed_out());
    let told = world.machine.end(false).unwrap_err();
    assert_eq!(told.class(), ErrorClass::Fatal);
    assert_eq!(world.machine.drops(), Drops::All);
}

#[test]
fn an_upgrade_is_followed_by_the_next_transaction_under_an_epoch_of_its_own() {
    let mut world = World::new(Protocol::Announced);
    world.run();
    world.begin();
    world.send(0);
    world.abilities.protocol = Protocol::Noted;
    let before = world.cluster.epoch;
    world.finish(true, |_| {});
    assert_eq!((world.cluster.epoch, world.machine.protocol()), (before + 1, Protocol::Noted));
    world.cluster.noted = true;
    world.begin();
    world.send(1);
    world.finish(true, |_| {});
    world.check();
    assert_eq!(world.wanted.len(), 2);
}

#[test]
fn whatever_gets_lost_committed_transactions_are_whole_and_aborted_ones_are_not_there() {
    let given = std::env::var("KLOG_SEED").ok().and_then(|seed| seed.parse().ok());
    let first: u64 = given.unwrap_or_else(rand::random);
    let runs = if given.is_some() { 1 } else { 3000 };
    for seed in (0..runs).map(|n| first.wrapping_add(n)) {
        println!("KLOG_SEED={seed}");
        let mut random = StdRng::seed_from_u64(seed);
        let mut world = World::new(PROTOCOLS[random.random_range(0..2)]);
        world.run();
        for _ in 0..random.random_range(1..6) {
            world.begin();
            for _ in 0..random.random_range(0..30) {
                chance(&mut world, &mut random, true);
            }
            let commit = random.random_ratio(2, 3);
            world.finish(commit, |world| {
                for _ in 0..random.random_range(0..30) {
                    chance(world, &mut random, false);
                }
            });
            world.check();
        }
    }
}

/// Anything that may happen next.
fn chance(world: &mut World, random: &mut StdRng, open: bool) {
    use ErrorCode as E;
    match random.random_range(0..10) {
        0..2 if open => world.send(random.random_range(0..3)),
        2 if open => world.send_offset(),
        3 => world.land(random.random_ratio(9, 10)),
        4..6 => world.pump(),
        6 => world.land(true),
        _ => {
            let fate = match random.random_range(0..10) {
                0 => Fate::LostBefore,
                1 => Fate::LostAfter,
                2 => Fate::Refused(E::ConcurrentTransactions),
                3 => Fate::Refused(E::NotCoordinator),
                _ => Fate::Through,
            };
            world.ask(fate);
        }
    }
}

#[test]
fn whoever_is_fenced_commits_nothing_more() {
    let given = std::env::var("KLOG_SEED").ok().and_then(|seed| seed.parse().ok());
    let first: u64 = given.unwrap_or_else(rand::random);
    for seed in (0..500).map(|n| first.wrapping_add(n)) {
        println!("KLOG_SEED={seed}");
        let mut random = StdRng::seed_from_u64(seed);
        let mut world = World::new(PROTOCOLS[random.random_range(0..2)]);
        world.run();
        world.begin();
        world.send(0);
        for _ in 0..random.random_range(0..8) {
            chance(&mut world, &mut random, true);
        }
        // Another takes the id. Batches of the former epoch are refused from now on.
        world.cluster.serve(&Step::Init { current: None });
        let _ = world.machine.end(true);
        for _ in 0..20 {
            world.pump();
            if !world.flying.is_empty() {
                world.flying.remove(0);
                let (topic, partition) = key(0);
                let code = ErrorCode::InvalidProducerEpoch;
                let cause = ProduceError::Refused { topic, partition, code, message: None };
                world.machine.on_record_failed(&cause);
            }
            world.ask(Fate::Through);
        }
        assert_eq!(world.cluster.committed, []);
        let told = world.machine.is_settled();
        assert!(matches!(&told, Err(cause) if cause.class() != ErrorClass::Retriable), "{told:?}");
        // If it was a record that found out, the abort does.
        let _ = world.machine.end(false);
        world.ask(Fate::Through);
        let told = world.machine.is_settled().map_err(|cause| cause.class());
        let nothing_began = !world.machine.is_unfinished() && told == Ok(true);
        assert!(told == Err(ErrorClass::Fatal) || nothing_began, "{told:?}");
    }
}
