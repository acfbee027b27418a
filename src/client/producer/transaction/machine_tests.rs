//! The machine against a coordinator and partitions that keep Kafka's rules: every single fault at every place, and random ones.

use std::collections::{BTreeMap, BTreeSet};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::super::super::committed::CommittedOffset;
use super::machine::{Abilities, Step, Then, Told};
use super::*;
use crate::base::TopicName;
use crate::client::producer::window::Identity;

fn key(partition: i32) -> (TopicName, i32) {
    (TopicName::new("t").unwrap(), partition)
}

fn timed_out() -> ProduceError {
    let (topic, partition) = key(0);
    ProduceError::TimedOut { topic, partition, after: Duration::ZERO, sent: true, last: None }
}

/// How the way to the coordinator and back goes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Through,
    LostBefore,
    LostAfter,
    Refused(ErrorCode),
}

/// The coordinator, the partitions, and what was told to be committed.
#[derive(Debug, Default)]
struct Cluster {
    epoch: i16,
    noted: bool,
    /// What the open transaction reaches.
    reached: BTreeSet<i32>,
    group_reached: bool,
    open: bool,
    /// How the last one ended.
    last: Option<bool>,
    /// Of the open transaction: partition and value.
    written: Vec<(i32, u32)>,
    pending_offset: Option<i64>,
    committed: Vec<(i32, u32)>,
    committed_offset: Option<i64>,
}

impl Cluster {
    fn finish(&mut self, commit: bool) {
        let written = std::mem::take(&mut self.written);
        let offset = self.pending_offset.take();
        if commit {
            self.committed.extend(written);
            self.committed_offset = offset.or(self.committed_offset);
        }
        self.reached.clear();
        (self.open, self.group_reached, self.last) = (false, false, Some(commit));
    }

    fn raise(&mut self) -> Option<Identity> {
        self.epoch += 1;
        self.identity()
    }

    fn identity(&self) -> Option<Identity> {
        Some(Identity { id: 1, epoch: self.epoch })
    }

    /// A batch at its leader.
    fn write(&mut self, who: Identity, partition: i32, value: u32) {
        assert_eq!(who.epoch, self.epoch, "nothing is on its way when the epoch is raised");
        if self.noted {
            self.reached.insert(partition);
            self.open = true;
        }
        assert!(self.reached.contains(&partition), "a partition is announced before it is written");
        self.written.push((partition, value));
    }

    fn serve(&mut self, step: &Step) -> (ErrorCode, Option<Identity>) {
        let fenced = (ErrorCode::ProducerFenced, None);
        match step {
            Step::Init { current: None } => {
                self.finish(false);
                (ErrorCode::None, self.raise())
            }
            // The same again, its answer was lost.
            Step::Init { current: Some(who) } if who.epoch == self.epoch - 1 && !self.open => {
                (ErrorCode::None, self.identity())
            }
            // Kafka's coordinator fences a producer that asks so in the middle of a transaction.
            Step::Init { current: Some(who) } if who.epoch == self.epoch && !self.open => {
                (ErrorCode::None, self.raise())
            }
            Step::AddPartitions { who, partitions } if who.epoch == self.epoch => {
                assert!(!self.noted, "brokers take note by themselves");
                self.open = true;
                self.reached.extend(partitions.iter().map(|(_, partition)| partition));
                (ErrorCode::None, None)
            }
            Step::AddOffsets { who, .. } if who.epoch == self.epoch => {
                assert!(!self.noted, "brokers take note by themselves");
                (self.open, self.group_reached) = (true, true);
                (ErrorCode::None, None)
            }
            Step::CommitOffsets { who, offsets, .. } if who.epoch == self.epoch => {
                assert!(self.noted || self.group_reached);
                self.open = true;
                self.pending_offset = offsets.values().next().map(|committed| committed.offset);
                (ErrorCode::None, None)
            }
            Step::End { who, commit } => self.end(*who, *commit),
            _ => fenced,
        }
    }

    fn end(&mut self, who: Identity, commit: bool) -> (ErrorCode, Option<Identity>) {
        let told = |cluster: &Cluster| cluster.identity().filter(|_| cluster.noted);
        let again = !self.open && self.last == Some(commit);
        if self.noted && who.epoch == self.epoch - 1 && again {
            return (ErrorCode::None, told(self));
        }
        if who.epoch != self.epoch {
            return (ErrorCode::ProducerFenced, None);
        }
        match (self.open, self.noted) {
            (true, _) => self.finish(commit),
            (false, false) if again => {}
            (false, true) if !commit => self.finish(false),
            _ => return (ErrorCode::InvalidTxnState, None),
        }
        if self.noted {
            self.raise();
        }
        (ErrorCode::None, told(self))
    }
}

/// A machine with its program, its sender and its cluster.
struct World {
    machine: Machine,
    cluster: Cluster,
    abilities: Abilities,
    /// Taken, not yet sent.
    queued: Vec<(i32, u32)>,
    flying: Vec<(Identity, i32, u32)>,
    /// What the open transaction is to hold.
    taken: Vec<(i32, u32)>,
    offset: Option<i64>,
    /// What committed transactions hold.
    wanted: Vec<(i32, u32)>,
    wanted_offset: Option<i64>,
    next_value: u32,
    steps: usize,
}

impl World {
    fn new(protocol: Protocol) -> World {
        let noted = protocol == Protocol::Noted;
        World {
            machine: Machine::new("id".into()),
            cluster: Cluster { noted, ..Cluster::default() },
            abilities: Abilities { protocol, raises_epochs: true },
            queued: Vec::new(),
            flying: Vec::new(),
            taken: Vec::new(),
            offset: None,
            wanted: Vec::new(),
            wanted_offset: None,
            next_value: 0,
            steps: 0,
        }
    }

    fn begin(&mut self) {
        self.machine.begin().unwrap();
        self.taken.clear();
        self.offset = None;
    }

    fn send(&mut self, partition: i32) {
        if self.machine.may_send().is_ok() {
            self.next_value += 1;
            self.queued.push((partition, self.next_value));
            self.taken.push((partition, self.next_value));
        }
    }

    fn send_offset(&mut self) {
        self.next_value += 1;
        let offset = i64::from(self.next_value);
        let offsets = GroupOffsets::from([(key(0), CommittedOffset::at(offset))]);
        if self.machine.add_offsets(GroupMetadata::of("g"), offsets).is_ok() {
            self.offset = Some(offset);
        }
    }

    /// The sender: drops, and sends one batch of the queue if its partition is admitted.
    fn pump(&mut self) {
        match self.machine.drops() {
            Drops::None => {}
            Drops::Unsent => self.queued.clear(),
            Drops::All => {
                self.queued.clear();
                self.flying.clear();
            }
        }
        let admitted = |machine: &mut Machine, batch: &(i32, u32)| machine.admit(&key(batch.0)).0;
        let found = self
            .queued
            .iter()
            .enumerate()
            .find_map(|(at, batch)| Some((at, admitted(&mut self.machine, batch)?)));
        if let Some((at, who)) = found {
            let (partition, value) = self.queued.remove(at);
            self.flying.push((who, partition, value));
        }
    }

    /// The oldest batch on its way arrives, or is given up.
    fn land(&mut self, arrives: bool) {
        if self.flying.is_empty() {
            return;
        }
        let (who, partition, value) = self.flying.remove(0);
        match arrives {
            true => self.cluster.write(who, partition, value),
            false => self.machine.on_record_failed(&timed_out()),
        }
    }

    /// The driver's next request; false if nothing is due.
    fn ask(&mut self, fate: Fate) -> bool {
        let incomplete = !(self.queued.is_empty() && self.flying.is_empty());
        let Some(step) = self.machine.step(incomplete) else { return false };
        self.machine.observe(self.abilities);
        if let Step::End { .. } = step {
            assert!(!incomplete, "a transaction ends once nothing of it is on its way");
        }
        self.steps += 1;
        // That something can only be aborted, nobody says of taking an id or of an abort.
        let abortable = fate == Fate::Refused(ErrorCode::TransactionAbortable);
        let ends = matches!(step, Step::Init { .. } | Step::End { commit: false, .. });
        let told = match if abortable && ends { Fate::Through } else { fate } {
            Fate::LostBefore => Told::Lost,
            Fate::Refused(code) => Told::Answer { codes: vec![code], identity: None },
            Fate::Through | Fate::LostAfter => {
                let (code, identity) = self.cluster.serve(&step);
                match fate {
                    Fate::LostAfter => Told::Lost,
                    _ => Told::Answer { codes: vec![code], identity },
                }
            }
        };
        let lost = matches!(told, Told::Lost);
        let then = self.machine.on_answer(&step, told);
        assert!(!lost || then == Then::FindAgain);
        true
    }

    /// Lets everything go its way until nothing moves.
    fn run(&mut self) {
        for _ in 0..1000 {
            self.pump();
            self.land(true);
            if !self.ask(Fate::Through) && self.queued.is_empty() && self.flying.is_empty() {
                return;
            }
        }
        panic!("it does not come to rest: {:?}", self.machine);
    }

    /// Ends the transaction, aborting what cannot be committed; counts what is to be there.
    fn finish(&mut self, commit: bool, mut between: impl FnMut(&mut World)) {
        let mut commits = commit && self.machine.end(true).is_ok();
        if !commits {
            self.machine.end(false).unwrap();
        }
        between(self);
        self.run();
        if self.machine.is_settled().is_err() {
            assert!(commits, "an abort goes through");
            commits = false;
            self.machine.end(false).unwrap();
            self.run();
        }
        assert!(matches!(self.machine.is_settled(), Ok(true)), "{:?}", self.machine);
        if commits {
            self.wanted.append(&mut self.taken);
            self.wanted_offset = self.offset.or(self.wanted_offset);
        }
    }

    fn check(&self) {
        let sorted = |list: &[(i32, u32)]| list.iter().copied().collect::<BTreeSet<_>>();
        assert_eq!(sorted(&self.cluster.committed), sorted(&self.wanted));
        assert_eq!(self.cluster.committed.len(), self.wanted.len());
        assert_eq!(self.cluster.committed_offset, self.wanted_offset);
        assert!(!self.cluster.open, "nothing stays open");
    }
}

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
