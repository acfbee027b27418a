//! Transactions: how many a second, how soon what is committed is read, and what they cost beside plain records, through librdkafka.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{Message, Offset, TopicPartitionList};

use crate::broker::{Broker, Subject};
use crate::load::{self, Plan, config, filling};
use crate::options::Options;
use crate::raw::create_served;
use crate::table::Figure;

/// Its delivery reports are taken note of by a thread of its own: a commit waits for them.
type Transactional = ThreadedProducer<DefaultProducerContext>;

const PATIENCE: Duration = Duration::from_secs(60);
/// One node has no more replicas; klog asks for no more by itself.
const SETTINGS: [(&str, &str); 2] =
    [("transaction.state.log.replication.factor", "1"), ("transaction.state.log.min.isr", "1")];
/// Bytes of a record.
const SIZE: usize = 1024;
/// Records a second whose way to a reader is timed.
const PACE: u64 = 1000;

pub fn run(options: &Options, subject: &Subject) -> anyhow::Result<Vec<Figure>> {
    let mut broker = Broker::start_with(subject, &options.dir, &SETTINGS)?;
    for topic in ["warm-up", "many", "timed", "plain", "idempotent", "transactional"] {
        create_served(&mut broker, topic, 1, &[])?;
    }
    committed(&broker, "warm-up", options.time() / 5, [1, 100])?;
    let mut figures = Vec::new();
    for producers in &options.transactors {
        for records in [1, 100] {
            let cpu = broker.cpu_seconds()?;
            let rate = committed(&broker, "many", options.time(), [*producers, records])?;
            let cpu = broker.cpu_seconds()? - cpu;
            let name = |what| format!("{producers} producers, {records} records each, {what}");
            figures.push(Figure::new(name("transactions/s"), rate));
            let done = rate * options.time().as_secs_f64();
            figures.push(Figure::new(name("broker CPU ms for 1000"), cpu * 1e6 / done));
        }
    }
    for interval_ms in [10, 100] {
        let [p50, p99] = end_to_end(&broker, options.time(), Duration::from_millis(interval_ms))?;
        let name = |what| format!("committed every {interval_ms} ms, end to end, {what} ms");
        figures.push(Figure::new(name("p50"), p50));
        figures.push(Figure::new(name("p99"), p99));
    }
    figures.extend(cost(options, &broker)?);
    Ok(figures)
}

fn transactional(address: &str, id: &str) -> anyhow::Result<Transactional> {
    let producer: Transactional = config(address)
        .set("transactional.id", id)
        .set("linger.ms", "0")
        .set("queue.buffering.max.messages", "500000")
        .create()?;
    producer.init_transactions(PATIENCE)?;
    Ok(producer)
}

/// Transactions a second, of so many records, of so many producers that each commit one after the other.
fn committed(
    broker: &Broker,
    topic: &str,
    time: Duration,
    [producers, records]: [usize; 2],
) -> anyhow::Result<f64> {
    let begun: Vec<Transactional> = (0..producers)
        .map(|at| transactional(broker.address(), &format!("committer-{at}")))
        .collect::<anyhow::Result<_>>()?;
    let clock = Instant::now();
    let commit = |producer: Transactional| {
        let value = filling(100);
        let mut count = 0_u64;
        while clock.elapsed() < time {
            producer.begin_transaction()?;
            for _ in 0..records {
                let record: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(topic).payload(&value);
                producer.send(record).map_err(|(error, _)| error)?;
            }
            producer.commit_transaction(PATIENCE)?;
            count += 1;
        }
        anyhow::Ok(count)
    };
    let count = thread::scope(|scope| {
        let running: Vec<_> =
            begun.into_iter().map(|producer| scope.spawn(|| commit(producer))).collect();
        let counts = running.into_iter().map(|one| one.join().expect("no panic"));
        counts.sum::<anyhow::Result<u64>>()
    })?;
    Ok(count as f64 / clock.elapsed().as_secs_f64())
}

/// The time from `send` to a reader of committed records, in ms: the median, and what one in a hundred takes longer than.
fn end_to_end(broker: &Broker, time: Duration, interval: Duration) -> anyhow::Result<[f64; 2]> {
    let producer = transactional(broker.address(), "timed")?;
    // Known before the first record is sent: where a reader begins that asks for the end is found out later.
    let (_, from) = producer.client().fetch_watermarks("timed", 0, PATIENCE)?;
    let (begin, over) = (Instant::now(), AtomicBool::new(false));
    let mut found = thread::scope(|scope| {
        let reader = scope.spawn(|| arrivals(broker.address(), from, begin, &over));
        let sent = send_paced(&producer, begin, time, interval);
        over.store(true, Ordering::Release);
        let found = reader.join().expect("no panic")?;
        ensure!(found.len() as u64 >= sent?, "some committed records were not read");
        anyhow::Ok(found)
    })?;
    found.sort_by(f64::total_cmp);
    let at = |part: usize| found[(found.len() * part / 100).min(found.len() - 1)];
    Ok([at(50), at(99)])
}

/// Sends records at a steady pace, each bearing when it was due, in transactions that are committed after `interval`.
fn send_paced(
    producer: &Transactional,
    begin: Instant,
    time: Duration,
    interval: Duration,
) -> anyhow::Result<u64> {
    let (mut sent, mut commit_at) = (0, interval);
    producer.begin_transaction()?;
    loop {
        let due = Duration::from_nanos(sent * 1_000_000_000 / PACE);
        if due >= time {
            break;
        }
        while begin.elapsed() < due {
            let left = due.saturating_sub(begin.elapsed());
            thread::sleep(left.min(commit_at.saturating_sub(begin.elapsed())));
            if begin.elapsed() >= commit_at {
                break;
            }
        }
        if begin.elapsed() >= commit_at {
            producer.commit_transaction(PATIENCE)?;
            producer.begin_transaction()?;
            commit_at = begin.elapsed() + interval;
            continue;
        }
        let value = u64::try_from(due.as_nanos())?.to_be_bytes();
        let record: BaseRecord<'_, [u8], [u8]> = BaseRecord::to("timed").payload(&value);
        producer.send(record).map_err(|(error, _)| error)?;
        sent += 1;
    }
    producer.commit_transaction(PATIENCE)?;
    Ok(sent)
}

/// How long each record took, in ms, until all are over and none came for a second.
fn arrivals(
    address: &str,
    from: i64,
    begin: Instant,
    over: &AtomicBool,
) -> anyhow::Result<Vec<f64>> {
    let consumer: BaseConsumer = config(address)
        .set("group.id", "unused")
        .set("enable.auto.commit", "false")
        .set("isolation.level", "read_committed")
        .set("fetch.wait.max.ms", "100")
        .create()?;
    let mut wanted = TopicPartitionList::new();
    wanted.add_partition_offset("timed", 0, Offset::Offset(from))?;
    consumer.assign(&wanted)?;
    let mut found = Vec::new();
    loop {
        let message = consumer.poll(Duration::from_secs(1)).transpose()?;
        let Some(message) = message else {
            if over.load(Ordering::Acquire) {
                return Ok(found);
            }
            continue;
        };
        let due = message.payload().and_then(|value| value.try_into().ok());
        let due = Duration::from_nanos(u64::from_be_bytes(due.context("eight bytes")?));
        found.push(begin.elapsed().saturating_sub(due).as_secs_f64() * 1e3);
    }
}

/// The same records with acks=all: plain, idempotent, and in transactions of 100 ms.
fn cost(options: &Options, broker: &Broker) -> anyhow::Result<Vec<Figure>> {
    let count = (options.mib << 20) / SIZE as u64;
    let mb = (count * SIZE as u64) as f64 / 1e6;
    let mut plan = Plan { count, size: SIZE, acks: "all", idempotent: false };
    let timed = |topic: &str, plan: Plan| {
        let clock = Instant::now();
        load::produce_as(broker.address(), topic, plan)?;
        anyhow::Ok(mb / clock.elapsed().as_secs_f64())
    };
    let plain = timed("plain", plan)?;
    plan.idempotent = true;
    let idempotent = timed("idempotent", plan)?;
    let clock = Instant::now();
    in_transactions(broker.address(), count)?;
    let transactions = mb / clock.elapsed().as_secs_f64();
    let name = |what: &str| format!("acks=all, {SIZE} B, {what}, MB/s");
    Ok(vec![
        Figure::new(name("plain"), plain),
        Figure::new(name("idempotent"), idempotent),
        Figure::new(name("transactions of 100 ms"), transactions),
        Figure::new("idempotence takes of plain, %", (1.0 - idempotent / plain) * 100.0),
        Figure::new(
            "transactions take of idempotent, %",
            (1.0 - transactions / idempotent) * 100.0,
        ),
    ])
}

fn in_transactions(address: &str, count: u64) -> anyhow::Result<()> {
    let producer: Transactional = config(address)
        .set("transactional.id", "bulk")
        .set("linger.ms", "5")
        .set("queue.buffering.max.messages", "500000")
        .create()?;
    producer.init_transactions(PATIENCE)?;
    let value = filling(SIZE);
    let mut begun = Instant::now();
    producer.begin_transaction()?;
    for at in 0..count {
        let mut record: BaseRecord<'_, [u8], [u8]> =
            BaseRecord::to("transactional").payload(&value);
        // Its queue may be full.
        while let Err((error, again)) = producer.send(record) {
            ensure!(error.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull), "{error}");
            thread::sleep(Duration::from_millis(1));
            record = again;
        }
        if at % 64 == 0 && begun.elapsed() >= Duration::from_millis(100) {
            producer.commit_transaction(PATIENCE)?;
            producer.begin_transaction()?;
            begun = Instant::now();
        }
    }
    producer.commit_transaction(PATIENCE)?;
    Ok(())
}
