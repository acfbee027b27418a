//! Transactions in the workload: after each recovery the open ones, the last stable offset and the aborted ones are what a walk over
//! the batches that survived says.

use std::collections::BTreeMap;

use klog::base::{Millis, Offset};
use klog::log::{Aborted, AppendError, EndTxn, Log, Placed, ReadError, Verification};
use klog::os::Clock as _;
use klog::record::control::ControlRecord;
use klog::record::{BatchProducer, records};

use crate::batches::{self, Produced};
use crate::history::Stood;
use crate::world::World;

/// A transactional producer, as it knows itself.
#[derive(Clone, Copy, Debug)]
pub struct Transactional {
    id: i64,
    epoch: i16,
    next_sequence: i32,
    is_open: bool,
}

/// A transaction as its batches tell of it: where each begins and ends, in order.
#[derive(Clone, Default, Debug)]
pub struct Transaction {
    batches: Vec<(i64, i64)>,
}

impl Transaction {
    /// Whether it may be told to begin at `told`: where it did; or where that lies below the start of the log, at a later batch, as that may
    /// have been the first one left when the log was last recovered. No later than at the first one that is left now.
    fn may_begin_at(&self, told: i64, start: i64) -> bool {
        let began = self.batches[0].0;
        let not_after_left = self.first_left(start).is_none_or(|first| told <= first);
        let is_a_batch = self.batches.iter().any(|(base, _)| *base == told);
        told == began || (began < start && is_a_batch && not_after_left)
    }

    fn first_left(&self, start: i64) -> Option<i64> {
        self.batches.iter().find(|(_, last)| *last >= start).map(|(base, _)| *base)
    }
}

/// What batches say of transactions: each producer's open one, and those that were aborted, by marker and producer.
#[derive(Clone, Default, Debug)]
pub struct Decided {
    open: BTreeMap<i64, Transaction>,
    aborted: BTreeMap<(i64, i64), Transaction>,
}

impl Decided {
    pub fn by<'a>(stood: impl IntoIterator<Item = &'a Stood>) -> Decided {
        let mut out = Decided::default();
        for stood in stood {
            let (batch, header) = (&stood.batch, stood.batch.header());
            let producer_id = header.producer_id;
            if !header.is_transactional() {
                continue;
            }
            if !header.is_control() {
                out.open.entry(producer_id).or_default().batches.push((stood.base(), stood.last()));
                continue;
            }
            let record = records(batch, 1 << 10).expect("readable").next().expect("one");
            let record = record.expect("a record");
            let control = ControlRecord::parse(record.key.as_ref(), record.value.as_ref());
            let ended = out.open.remove(&producer_id);
            let aborts = matches!(control, Ok(ControlRecord::Abort { .. }));
            if let Some(transaction) = ended.filter(|_| aborts) {
                out.aborted.insert((header.base_offset, producer_id), transaction);
            }
        }
        out
    }
}

/// Fetches all from `from` on as a broker does that reads committed records: what has to be checked first is.
pub fn aborted_from(log: &mut Log, from: i64) -> Result<Vec<Aborted>, ReadError> {
    loop {
        let slice = log.slice(Offset::new(from), log.end(), usize::MAX, true);
        match slice.and_then(|slice| log.aborted(Offset::new(from), &slice)) {
            Err(ReadError::Unchecked(check)) => log.checked(check.run()?)?,
            found => return found,
        }
    }
}

impl World {
    /// A producer writes in its transaction, or the coordinator ends it.
    pub fn work_in_a_transaction(&mut self) {
        if self.transactional.len() < 3 {
            let id = 200 + self.transactional.len() as i64;
            let new = Transactional { id, epoch: 0, next_sequence: 0, is_open: false };
            self.transactional.push(new);
        }
        let at = self.rng.below(self.transactional.len());
        let ends = if self.transactional[at].is_open { 300 } else { 50 };
        if self.rng.chance(ends) { self.end_transaction(at) } else { self.write_in(at) }
    }

    fn write_in(&mut self, at: usize) {
        let Transactional { id, epoch, next_sequence: base_sequence, is_open } =
            self.transactional[at];
        let producer = BatchProducer { id, epoch, base_sequence };
        let now = self.sim.clock.now();
        let produced = batches::transactional(&mut self.rng, producer, now);
        let Some(running) = self.running.as_mut() else { return };
        let (log, leader_epoch) = (&mut running.log, self.epoch);
        let Produced { batch, checked } = &produced;
        let verification = log.begin_verification(batch.header(), false).expect("not fenced");
        assert_eq!(verification == Verification::Open, is_open, "producer {id}");
        let end = log.end();
        let appended = match verification {
            Verification::Open => log.append(batch, checked, leader_epoch, now),
            Verification::Needed(guard) => {
                log.append_verified(batch, checked, leader_epoch, now, guard)
            }
        };
        let stood = Stood::new(produced.at(end, leader_epoch));
        if self.note_appended(stood, appended) {
            let producer = &mut self.transactional[at];
            producer.next_sequence += produced.batch.header().record_count;
            producer.is_open = true;
        }
    }

    fn end_transaction(&mut self, at: usize) {
        let Transactional { id, epoch, .. } = self.transactional[at];
        let (bumps, commit) = (self.rng.chance(500), self.rng.chance(400));
        let producer_epoch = epoch + i16::from(bumps);
        let now = self.sim.clock.now();
        let Some(running) = self.running.as_mut() else { return };
        let end = EndTxn {
            producer_id: id,
            producer_epoch,
            coordinator_epoch: 1,
            commit,
            transaction_version: if bumps { 2 } else { 1 },
        };
        let record = match commit {
            true => ControlRecord::Commit { coordinator_epoch: 1 },
            false => ControlRecord::Abort { coordinator_epoch: 1 },
        };
        let producer = BatchProducer { id, epoch: producer_epoch, base_sequence: -1 };
        let offset = running.log.end().get();
        let marker = record.batch(offset, self.epoch.get(), now, producer).expect("it fits");
        let appended = running.log.append_marker(end, self.epoch, now);
        if self.note_appended(Stood::new(marker), appended) {
            self.counts.commits += u64::from(commit);
            self.counts.aborts += u64::from(!commit);
            let producer = &mut self.transactional[at];
            producer.is_open = false;
            if bumps {
                (producer.epoch, producer.next_sequence) = (producer_epoch, 0);
            }
        }
    }

    /// Notes what became of an append. Returns whether it stands in the log.
    fn note_appended(&mut self, stood: Stood, appended: Result<Placed, AppendError>) -> bool {
        let offline = self.running.as_ref().is_some_and(|running| running.log.is_offline());
        match appended {
            Ok(placed) => {
                assert_eq!(placed.base_offset.get(), stood.base());
                self.history.stood.push(stood);
                self.counts.appended += 1;
                true
            }
            Err(AppendError::Storage(_)) => {
                self.history.failed.push(stood);
                self.counts.failed_appends += 1;
                if offline {
                    self.fail();
                }
                false
            }
            Err(AppendError::Offline { .. }) if offline => false,
            Err(AppendError::TooLarge { .. }) => false,
            Err(error) => panic!("refused: {error}"),
        }
    }

    /// Holds what a running log says of transactions to its batches. One of which no batch is left may be forgotten.
    pub fn check_transactions(&mut self) {
        let Some(running) = self.running.as_mut() else { return };
        let log = &mut running.log;
        let start = log.start().get();
        let decided = Decided::by(&self.history.stood);
        let told: BTreeMap<i64, i64> = log
            .open_transactions()
            .map(|(id, producer)| (id, producer.transaction_start.expect("it is open")))
            .collect();
        for (id, began) in &told {
            let transaction = decided.open.get(id);
            let transaction =
                transaction.unwrap_or_else(|| panic!("{id} has none open: {decided:?}"));
            assert!(transaction.may_begin_at(*began, start), "{id} at {began}: {transaction:?}");
        }
        for (id, transaction) in &decided.open {
            let is_left = transaction.first_left(start).is_some();
            assert!(told.contains_key(id) || !is_left, "{id} is forgotten: {transaction:?}");
        }
        let first = told.values().min().map(|first| (*first).max(start));
        assert_eq!(log.last_stable_offset().get(), first.unwrap_or(log.end().get()));
        self.counts.open += told.len() as u64;
        let from = start + self.rng.below((log.end().get() - start) as usize + 1) as i64;
        for (from, found) in running.early.drain(..).collect::<Vec<_>>() {
            assert_aborted(from, &found, &decided, start);
        }
        let found = match aborted_from(&mut running.log, from) {
            Ok(found) => found,
            // The power may have gone; and once an fsync has failed, what was not durable may be gone from the page cache too.
            Err(ReadError::Storage(_)) => return,
            Err(_) if running.log.is_offline() => return,
            Err(error) => panic!("{error:?}"),
        };
        assert_aborted(from, &found, &decided, start);
        self.counts.aborted_seen += found.len() as u64;
    }

    /// Producers go on from what the log knows of them.
    pub fn resume_transactions(&mut self) {
        let Some(running) = self.running.as_ref() else { return };
        for producer in &mut self.transactional {
            let known = running.log.producers().find(|(id, _)| *id == producer.id);
            match known {
                Some((_, known)) => {
                    producer.epoch = known.epoch;
                    producer.next_sequence = known.last_sequence() + 1;
                    producer.is_open = known.transaction_start.is_some();
                }
                None => {
                    producer.epoch += 1;
                    (producer.next_sequence, producer.is_open) = (0, false);
                }
            }
        }
    }
}

/// Each aborted transaction that ends at or above `from` is told once, and no other.
fn assert_aborted(from: i64, found: &[Aborted], decided: &Decided, start: i64) {
    let told: BTreeMap<(i64, i64), i64> =
        found.iter().map(|it| ((it.last_offset, it.producer_id), it.first_offset)).collect();
    assert_eq!(told.len(), found.len(), "one is told twice: {found:?}");
    for (key, began) in &told {
        let transaction = decided.aborted.get(key).filter(|_| key.0 >= from);
        let transaction =
            transaction.unwrap_or_else(|| panic!("from {from}: {key:?} was not aborted"));
        assert!(transaction.may_begin_at(*began, start), "{key:?} at {began}: {transaction:?}");
    }
    for (key, transaction) in decided.aborted.range((from, i64::MIN)..) {
        let is_left = transaction.first_left(start).is_some();
        assert!(
            told.contains_key(key) || !is_left,
            "from {from}, start {start}: {key:?} is missing in {found:?}: {transaction:?}"
        );
    }
}

/// What a fetch is told at once after a start, before all is checked.
pub fn early(log: &mut Log, now: Millis) -> Result<Vec<(i64, Vec<Aborted>)>, ReadError> {
    let (start, end) = (log.start().get(), log.end().get());
    let from = start + (now.0 % (end - start + 1)).max(0);
    let found = aborted_from(log, from)?;
    Ok(vec![(from, found)])
}
