//! A coordinator and partitions that keep Kafka's rules, and a machine with its program and its sender, for tests.

use std::collections::BTreeSet;

use super::super::super::committed::CommittedOffset;
use super::machine::{Abilities, Step, Then, Told};
use super::*;
use crate::base::TopicName;
use crate::client::producer::window::Identity;

pub(super) fn key(partition: i32) -> (TopicName, i32) {
    (TopicName::new("t").unwrap(), partition)
}

pub(super) fn timed_out() -> ProduceError {
    let (topic, partition) = key(0);
    ProduceError::TimedOut { topic, partition, after: Duration::ZERO, sent: true, last: None }
}

/// How the way to the coordinator and back goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Fate {
    Through,
    LostBefore,
    LostAfter,
    Refused(ErrorCode),
}

/// The coordinator, the partitions, and what was told to be committed.
#[derive(Debug, Default)]
pub(super) struct Cluster {
    pub(super) epoch: i16,
    pub(super) noted: bool,
    /// What the open transaction reaches.
    pub(super) reached: BTreeSet<i32>,
    pub(super) group_reached: bool,
    pub(super) open: bool,
    /// How the last one ended.
    pub(super) last: Option<bool>,
    /// Of the open transaction: partition and value.
    pub(super) written: Vec<(i32, u32)>,
    pub(super) pending_offset: Option<i64>,
    pub(super) committed: Vec<(i32, u32)>,
    pub(super) committed_offset: Option<i64>,
}

impl Cluster {
    pub(super) fn finish(&mut self, commit: bool) {
        let written = std::mem::take(&mut self.written);
        let offset = self.pending_offset.take();
        if commit {
            self.committed.extend(written);
            self.committed_offset = offset.or(self.committed_offset);
        }
        self.reached.clear();
        (self.open, self.group_reached, self.last) = (false, false, Some(commit));
    }

    pub(super) fn raise(&mut self) -> Option<Identity> {
        self.epoch += 1;
        self.identity()
    }

    pub(super) fn identity(&self) -> Option<Identity> {
        Some(Identity { id: 1, epoch: self.epoch })
    }

    /// A batch at its leader.
    pub(super) fn write(&mut self, who: Identity, partition: i32, value: u32) {
        assert_eq!(who.epoch, self.epoch, "nothing is on its way when the epoch is raised");
        if self.noted {
            self.reached.insert(partition);
            self.open = true;
        }
        assert!(self.reached.contains(&partition), "a partition is announced before it is written");
        self.written.push((partition, value));
    }

    pub(super) fn serve(&mut self, step: &Step) -> (ErrorCode, Option<Identity>) {
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

    pub(super) fn end(&mut self, who: Identity, commit: bool) -> (ErrorCode, Option<Identity>) {
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
pub(super) struct World {
    pub(super) machine: Machine,
    pub(super) cluster: Cluster,
    pub(super) abilities: Abilities,
    /// Taken, not yet sent.
    pub(super) queued: Vec<(i32, u32)>,
    pub(super) flying: Vec<(Identity, i32, u32)>,
    /// What the open transaction is to hold.
    pub(super) taken: Vec<(i32, u32)>,
    pub(super) offset: Option<i64>,
    /// What committed transactions hold.
    pub(super) wanted: Vec<(i32, u32)>,
    pub(super) wanted_offset: Option<i64>,
    pub(super) next_value: u32,
    pub(super) steps: usize,
}

impl World {
    pub(super) fn new(protocol: Protocol) -> World {
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

    pub(super) fn begin(&mut self) {
        self.machine.begin().unwrap();
        self.taken.clear();
        self.offset = None;
    }

    pub(super) fn send(&mut self, partition: i32) {
        if self.machine.may_send().is_ok() {
            self.next_value += 1;
            self.queued.push((partition, self.next_value));
            self.taken.push((partition, self.next_value));
        }
    }

    pub(super) fn send_offset(&mut self) {
        self.next_value += 1;
        let offset = i64::from(self.next_value);
        let offsets = GroupOffsets::from([(key(0), CommittedOffset::at(offset))]);
        if self.machine.add_offsets(GroupMetadata::of("g"), offsets).is_ok() {
            self.offset = Some(offset);
        }
    }

    /// The sender: drops, and sends one batch of the queue if its partition is admitted.
    pub(super) fn pump(&mut self) {
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
    pub(super) fn land(&mut self, arrives: bool) {
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
    pub(super) fn ask(&mut self, fate: Fate) -> bool {
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
    pub(super) fn run(&mut self) {
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
    pub(super) fn finish(&mut self, commit: bool, mut between: impl FnMut(&mut World)) {
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

    pub(super) fn check(&self) {
        let sorted = |list: &[(i32, u32)]| list.iter().copied().collect::<BTreeSet<_>>();
        assert_eq!(sorted(&self.cluster.committed), sorted(&self.wanted));
        assert_eq!(self.cluster.committed.len(), self.wanted.len());
        assert_eq!(self.cluster.committed_offset, self.wanted_offset);
        assert!(!self.cluster.open, "nothing stays open");
    }
}
