//! Transactions under kill -9 and power cuts of the broker: what was committed is there, all of it; what was aborted never is; what
//! nobody was told of is there as a whole or not at all; and readers of committed records are held up by nothing.
//!
//! The seed is printed; `KLOG_SEED` sets it. `KLOG_LONG=1` strikes 50 times in place of 2.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rdkafka::error::{KafkaError, RDKafkaError};
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};

use crate::broker::Broker;
use crate::klogs_own::Own;
use crate::librdkafka::{self, Admin, config};
use crate::loop_disk::LoopDisk;
use crate::power_cut::cut;
use crate::seed::{self, rounds};
use crate::transactions::{SETTINGS, until_stable};

/// Its delivery reports are taken note of by a thread of its own: a commit waits for them.
type Transactional = ThreadedProducer<DefaultProducerContext>;

const PARTITIONS: i32 = 6;
const WORKERS: u64 = 3;
const DEADLINE: Duration = Duration::from_secs(120);
/// How long a call may wait for a broker that is down.
const CALL: Duration = Duration::from_secs(10);
const TOPIC: &str = "t";

/// What a producer knows of a transaction of its own.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Outcome {
    Committed,
    Aborted,
    Unknown,
}

/// A transaction: its name, how many records it has, and what became of it.
type Done = (String, usize, Outcome);

/// Producers that commit and abort until they are stopped.
struct Load {
    stop: Arc<AtomicBool>,
    committed: Arc<AtomicUsize>,
    workers: Vec<thread::JoinHandle<Vec<Done>>>,
}

impl Load {
    fn start(address: &str, chance: &mut StdRng) -> Load {
        let (stop, committed) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let worker = |id: u64| {
            let (stop, committed) = (Arc::clone(&stop), Arc::clone(&committed));
            let (address, chance) = (address.to_owned(), StdRng::seed_from_u64(chance.random()));
            thread::spawn(move || work(&address, id, chance, &stop, &committed))
        };
        let workers = (0..WORKERS).map(worker).collect();
        Load { stop, committed, workers }
    }

    fn wait_for_progress(&self) {
        let (before, end) = (self.committed.load(Ordering::Relaxed), Instant::now() + DEADLINE);
        while self.committed.load(Ordering::Relaxed) < before + 20 {
            assert!(Instant::now() < end, "nothing is committed any more; {before} were");
            thread::sleep(Duration::from_millis(2));
        }
    }

    fn finish(self) -> Vec<Done> {
        self.stop.store(true, Ordering::Relaxed);
        let all = self.workers.into_iter();
        all.flat_map(|worker| worker.join().expect("no worker panics")).collect()
    }
}

fn work(
    address: &str,
    id: u64,
    mut chance: StdRng,
    stop: &AtomicBool,
    committed: &AtomicUsize,
) -> Vec<Done> {
    let (mut done, mut producer) = (Vec::new(), None);
    while !stop.load(Ordering::Relaxed) {
        let Some(ready) = producer.take().or_else(|| begin_as(address, id)) else { continue };
        let (name, count) = (format!("{id}-{}", done.len()), chance.random_range(1..12));
        let outcome = transact(&ready, &name, count, &mut chance);
        if outcome != Ok(Outcome::Unknown) {
            producer = Some(ready);
        }
        let outcome = outcome.unwrap_or(Outcome::Aborted);
        if outcome == Outcome::Committed {
            committed.fetch_add(1, Ordering::Relaxed);
        }
        done.push((name, count, outcome));
    }
    done
}

/// A producer that took over from whoever bore its id before.
fn begin_as(address: &str, id: u64) -> Option<Transactional> {
    let producer: Transactional = config(address)
        .set("transactional.id", format!("worker-{id}"))
        .set("transaction.timeout.ms", "20000")
        .set("reconnect.backoff.ms", "10")
        .set("reconnect.backoff.max.ms", "100")
        .set("linger.ms", "0")
        .create()
        .expect("a producer can be made");
    producer.init_transactions(CALL).is_ok().then_some(producer)
}

/// One transaction. `Err`: it had to be aborted, and was.
fn transact(
    producer: &Transactional,
    name: &str,
    count: usize,
    chance: &mut StdRng,
) -> Result<Outcome, ()> {
    if producer.begin_transaction().is_err() {
        return Ok(Outcome::Unknown);
    }
    for at in 0..count {
        let value = format!("{name} {at}");
        let partition = chance.random_range(0..PARTITIONS);
        let record: BaseRecord<'_, str, str> = BaseRecord::to(TOPIC).partition(partition);
        if producer.send(record.payload(&value)).is_err() {
            return end(|| producer.abort_transaction(CALL)).map_or(Ok(Outcome::Unknown), Err);
        }
    }
    if chance.random_ratio(1, 4) {
        let aborted = end(|| producer.abort_transaction(CALL));
        return Ok(aborted.map_or(Outcome::Unknown, |()| Outcome::Aborted));
    }
    match end_or(|| producer.commit_transaction(CALL)) {
        Ok(()) => Ok(Outcome::Committed),
        Err(error) if error.as_ref().is_some_and(RDKafkaError::txn_requires_abort) => {
            end(|| producer.abort_transaction(CALL)).map_or(Ok(Outcome::Unknown), Err)
        }
        Err(_) => Ok(Outcome::Unknown),
    }
}

/// Calls until it is done; `None` if it never will be.
fn end(call: impl Fn() -> Result<(), KafkaError>) -> Option<()> {
    end_or(call).ok()
}

fn end_or(call: impl Fn() -> Result<(), KafkaError>) -> Result<(), Option<RDKafkaError>> {
    let deadline = Instant::now() + DEADLINE;
    loop {
        match call() {
            Ok(()) => return Ok(()),
            Err(KafkaError::Transaction(error)) if error.is_retriable() => {
                assert!(Instant::now() < deadline, "{error}");
            }
            Err(KafkaError::Transaction(error)) => return Err(Some(error)),
            Err(_) => return Err(None),
        }
    }
}

/// How many records of each transaction a reader of committed records finds, once nothing is open any more.
fn visible(broker: &Broker) -> BTreeMap<String, usize> {
    until_stable(broker, TOPIC, PARTITIONS);
    let mut found = BTreeMap::new();
    for record in librdkafka::read_to_end(broker.address(), TOPIC, PARTITIONS) {
        let value = String::from_utf8(record.value.unwrap_or_default()).expect("text");
        let name = value.split(' ').next().expect("a name").to_owned();
        *found.entry(name).or_default() += 1;
    }
    found
}

/// What is wrong with what is visible.
fn findings(done: &[Done], found: &BTreeMap<String, usize>) -> Vec<String> {
    let judge = |(name, count, outcome): &Done| {
        let seen = found.get(name).copied().unwrap_or(0);
        let right = match outcome {
            Outcome::Committed => seen == *count,
            Outcome::Aborted => seen == 0,
            Outcome::Unknown => seen == 0 || seen == *count,
        };
        (!right).then(|| format!("{name}: {outcome:?}, {count} records, {seen} seen"))
    };
    done.iter().filter_map(judge).collect()
}

fn campaign(broker: &mut Broker, mut strike: impl FnMut(&mut Broker)) {
    Admin::new(broker.address()).create(TOPIC, PARTITIONS, &[("segment.bytes", "1048576")]);
    let mut chance = seed::chance();
    let load = Load::start(broker.address(), &mut chance);
    for _ in 0..rounds(50, 2) {
        load.wait_for_progress();
        thread::sleep(Duration::from_millis(chance.random_range(0..300)));
        strike(broker);
    }
    load.wait_for_progress();
    let done = load.finish();
    let count = |of| done.iter().filter(|(_, _, outcome)| *outcome == of).count();
    let [committed, aborted, unknown] =
        [Outcome::Committed, Outcome::Aborted, Outcome::Unknown].map(count);
    println!("{committed} committed, {aborted} aborted, {unknown} unknown");
    let findings = findings(&done, &visible(broker));
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

#[test]
fn kill_9_of_the_broker_splits_and_loses_no_transaction_and_leaves_none_open() {
    let mut broker = Broker::with(&SETTINGS);
    campaign(&mut broker, |broker| {
        broker.kill();
        broker.restart();
    });
}

#[test]
fn a_power_cut_splits_and_loses_no_transaction_where_all_is_flushed() {
    let Some(disk) = LoopDisk::new() else { return };
    println!("this test is about klog alone: {}", Own::PowerCut);
    let settings = [&SETTINGS[..], &[("log.flush.interval.messages", "1")]].concat();
    let mut broker = Broker::klog(Some(&disk.path().join("data")), &settings);
    campaign(&mut broker, |broker| cut(&disk, broker));
}

/// As klog comes a power cut takes what was not flushed, and so may take parts of a transaction. It must not leave one open: its
/// marker lost, and the record kept that says that all are written.
#[test]
fn a_power_cut_leaves_no_transaction_open_where_nothing_was_flushed() {
    let Some(disk) = LoopDisk::new() else { return };
    println!("this test is about klog alone: {}", Own::PowerCut);
    let mut broker = Broker::klog(Some(&disk.path().join("data")), &SETTINGS);
    Admin::new(broker.address()).create(TOPIC, PARTITIONS, &[]);
    let mut chance = seed::chance();
    let load = Load::start(broker.address(), &mut chance);
    for _ in 0..rounds(50, 2) {
        load.wait_for_progress();
        thread::sleep(Duration::from_millis(chance.random_range(0..1500)));
        cut(&disk, &mut broker);
    }
    load.wait_for_progress();
    let done = load.finish();
    let found = visible(&broker);
    let never =
        |(name, _, outcome): &&Done| *outcome == Outcome::Aborted && found.contains_key(name);
    let shown: Vec<&Done> = done.iter().filter(never).collect();
    assert!(shown.is_empty(), "aborted, and read: {shown:?}");
}

#[test]
fn the_checker_sees_what_is_lost_split_or_shown() {
    let done = |outcome| vec![("a".to_owned(), 3, outcome)];
    let found = |seen: usize| BTreeMap::from([("a".to_owned(), seen)]);
    for (outcome, seen, right) in [
        (Outcome::Committed, 3, true),
        (Outcome::Committed, 2, false),
        (Outcome::Committed, 4, false),
        (Outcome::Aborted, 0, true),
        (Outcome::Aborted, 1, false),
        (Outcome::Unknown, 3, true),
        (Outcome::Unknown, 0, true),
        (Outcome::Unknown, 1, false),
    ] {
        let wrong = findings(&done(outcome), &found(seen));
        assert_eq!(wrong.is_empty(), right, "{outcome:?} {seen}: {wrong:?}");
    }
}
