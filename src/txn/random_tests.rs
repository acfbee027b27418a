//! Random interleavings of producers that begin, add, end, repeat themselves and are replaced, of time-outs and restarts, with
//! what must hold afterwards asserted at each step.

use std::collections::{BTreeMap, BTreeSet};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::*;
use crate::base::ErrorCode;

/// One transactional id, its log, and everybody who thinks to be its producer.
struct World {
    rng: StdRng,
    version: TxnVersion,
    known: Option<Transaction>,
    /// Key and value of the newest record.
    stored: Option<(bytes::Bytes, bytes::Bytes)>,
    now: i64,
    next_id: i64,
    /// Everybody's names, the newest last.
    names: Vec<Producer>,
    /// How each transaction that was decided ends, by the name that its markers bear.
    decided: BTreeMap<(i64, i16), bool>,
    /// Under which names partitions were added, and not ended yet.
    open: BTreeSet<(i64, i16)>,
}

impl World {
    fn new(seed: u64) -> World {
        let mut rng = StdRng::seed_from_u64(seed);
        let version = if rng.random() { TxnVersion::V2 } else { TxnVersion::V1 };
        World {
            rng,
            version,
            known: None,
            stored: None,
            now: 1,
            next_id: 0,
            names: Vec::new(),
            decided: BTreeMap::new(),
            open: BTreeSet::new(),
        }
    }

    fn store(&mut self, mut next: Transaction) {
        // As if the epochs before had been used up: else no run ever comes to their end.
        let is_new = self.known.as_ref().is_none_or(|known| known.epoch != next.epoch);
        let at_rest = next.state == TxnState::Empty;
        if is_new && at_rest && next.epoch == 3 && self.rng.random_ratio(1, 4) {
            next.epoch = Transaction::LAST_EPOCH - 1;
        }
        if let Some(known) = &self.known {
            let goes_on = next.producer_id != known.producer_id || next.epoch >= known.epoch;
            assert!(goes_on, "an epoch went back: {known:?} to {next:?}");
        }
        self.stored = Some(encode(&"id".into(), &next, self.version).unwrap());
        self.known = Some(next);
    }

    fn restart(&mut self) {
        let Some((key, value)) = self.stored.clone() else { return };
        let (_, read) = decode(key, Some(value)).unwrap().unwrap();
        let (read, known) = (read.unwrap(), self.known.clone().unwrap());
        let known = Transaction { last_epoch: -1, ..known };
        assert_eq!(read, known, "a restart finds what was there");
        self.known = Some(read);
    }

    fn spare(&mut self) -> Option<i64> {
        self.next_id += 1;
        Some(self.next_id)
    }

    fn init(&mut self) {
        let goes_on = self.rng.random_ratio(1, 3);
        let current = if goes_on { self.anyone() } else { None };
        let was_newest = current.is_none() || current == self.names.last().copied();
        let ask = InitAsk { timeout_ms: 100, current, spare_id: self.spare() };
        match Transaction::init(self.known.as_ref(), ask, self.version, self.now) {
            Ok(Init::Ready(next)) => {
                self.store(next);
                let known = self.known.as_ref().unwrap();
                let name = Producer { id: known.producer_id, epoch: known.epoch };
                let answered_before = self.names.contains(&name);
                assert!(
                    was_newest || answered_before,
                    "{current:?} was replaced, and got {name:?}"
                );
                if !answered_before {
                    self.names.push(name);
                }
            }
            Ok(Init::Aborts(next)) => self.begin_to_end(next),
            Err(Decline::Code(_)) => {}
            Err(Decline::NeedsProducerId) => panic!("there was one"),
        }
    }

    fn anyone(&mut self) -> Option<Producer> {
        let count = self.names.len();
        let newest = self.rng.random_ratio(2, 3);
        let at =
            if newest { count.checked_sub(1)? } else { self.rng.random_range(0..count.max(1)) };
        self.names.get(at).copied()
    }

    fn add(&mut self) {
        let (Some(name), Some(known)) = (self.anyone(), self.known.clone()) else { return };
        let places = [("t".into(), self.rng.random_range(0..3))];
        match known.add(name, &places, self.version, self.now) {
            Ok(next) => {
                assert_eq!(Some(&name), self.names.last(), "only the newest may add");
                self.open.insert((name.id, name.epoch));
                if let Some(next) = next {
                    self.store(next);
                }
            }
            Err(ErrorCode::ConcurrentTransactions) => assert!(known.state.is_ending()),
            Err(_) => {}
        }
    }

    fn end(&mut self) {
        let (Some(name), Some(known)) = (self.anyone(), self.known.clone()) else { return };
        let (commit, spare_id) = (self.rng.random(), self.spare());
        let ask = EndAsk { producer: name, commit, version: self.version, spare_id };
        match known.end(ask, self.now) {
            Ok(End::Ends(next)) => {
                assert_eq!(Some(&name), self.names.last(), "only the newest may end");
                assert_eq!(next.state.commits(), commit);
                self.begin_to_end(next);
            }
            Ok(End::Done) => {
                assert_eq!(known.state.commits(), commit, "it ended otherwise");
            }
            Err(Decline::Code(_)) => {}
            Err(Decline::NeedsProducerId) => panic!("there was one"),
        }
    }

    fn begin_to_end(&mut self, next: Transaction) {
        let marks = (next.producer_id, next.epoch);
        if self.version >= TxnVersion::V2 && next.epoch < i16::MAX {
            let before = self.decided.insert(marks, next.state.commits());
            assert_eq!(before, None, "two transactions end by one name: {marks:?}");
        }
        for (id, epoch) in std::mem::take(&mut self.open) {
            assert!(id == marks.0 && epoch <= marks.1, "{marks:?} does not end {id} {epoch}");
        }
        self.store(next);
    }

    fn complete(&mut self) {
        let Some(known) = self.known.clone().filter(|known| known.state.is_ending()) else {
            return;
        };
        let next = known.complete(self.now);
        assert_eq!(next.state.commits(), known.state.commits(), "what was decided holds");
        self.store(next);
        let known = self.known.as_ref().unwrap();
        // What the answer to EndTxn told, if anybody is there to hear it.
        let name = Producer { id: known.producer_id, epoch: known.epoch };
        if self.version >= TxnVersion::V2 && known.last_epoch != -1 && !self.names.contains(&name) {
            self.names.push(name);
        }
    }

    fn time_out(&mut self) {
        let Some(known) = self.known.clone().filter(|known| known.is_overdue(self.now)) else {
            return;
        };
        self.begin_to_end(known.fence(self.version, self.now));
    }
}

#[test]
fn whatever_comes_one_producer_is_the_newest_and_each_transaction_ends_one_way() {
    let long = std::env::var_os("KLOG_LONG").is_some();
    for seed in 0..if long { 200_000 } else { 2_000 } {
        let run = std::panic::catch_unwind(|| {
            let mut world = World::new(seed);
            for _ in 0..60 {
                world.now += world.rng.random_range(0..30);
                match world.rng.random_range(0..20) {
                    0..3 => world.init(),
                    3..9 => world.add(),
                    9..13 => world.end(),
                    13..17 => world.complete(),
                    17..19 => world.time_out(),
                    _ => world.restart(),
                }
            }
        });
        if let Err(panic) = run {
            eprintln!("seed {seed}");
            std::panic::resume_unwind(panic);
        }
    }
}
