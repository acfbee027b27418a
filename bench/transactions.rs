//! Transactions: how many a second, how soon what is committed is read, and what they cost beside plain records. Through our client, as
//! librdkafka takes 100 ms for a commit, whatever the broker does.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use bytes::Bytes;
use klog::base::TopicName;
use klog::client::{
    Admin, Client, Consumer, ConsumerConfig, Isolation, OffsetSpec, Producer, ProducerConfig,
    ProducerRecord, StartAt, TransactionalProducer,
};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::broker::{Broker, Subject};
use crate::figure::Figure;
use crate::load::filling;
use crate::options::Options;
use crate::own;
use crate::raw::create_served;

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

/// A runtime with our client, connected.
fn connected(broker: &Broker) -> anyhow::Result<(Runtime, Client)> {
    let runtime = klog::client::runtime()?;
    let client = runtime.block_on(own::connect(broker.address()))?;
    Ok((runtime, client))
}

async fn transactor(client: &Client, id: &str) -> anyhow::Result<TransactionalProducer> {
    let linger = Duration::ZERO;
    let id = Some(id.into());
    let config = ProducerConfig { transactional_id: id, linger, ..ProducerConfig::default() };
    Ok(TransactionalProducer::init(client, config).await?)
}

/// Transactions a second, of so many records, of so many producers that each commit one after the other.
fn committed(
    broker: &Broker,
    topic: &str,
    time: Duration,
    [producers, records]: [usize; 2],
) -> anyhow::Result<f64> {
    let (runtime, client) = connected(broker)?;
    let topic = TopicName::new(topic)?;
    runtime.block_on(async {
        let mut begun = Vec::new();
        for at in 0..producers {
            begun.push(transactor(&client, &format!("committer-{at}")).await?);
        }
        let clock = Instant::now();
        let mut running = JoinSet::new();
        for producer in begun {
            let topic = topic.clone();
            running.spawn(async move {
                let value = Bytes::from(filling(100));
                let mut count = 0_u64;
                while clock.elapsed() < time {
                    producer.begin()?;
                    for _ in 0..records {
                        let record = ProducerRecord::new(topic.clone(), value.clone());
                        drop(producer.send(record).await?);
                    }
                    producer.commit().await?;
                    count += 1;
                }
                anyhow::Ok(count)
            });
        }
        let counts = running.join_all().await.into_iter();
        let count = counts.sum::<anyhow::Result<u64>>()?;
        Ok(count as f64 / clock.elapsed().as_secs_f64())
    })
}

/// The time from when a record was due to a reader of committed records, in ms: the median, and what one in a hundred takes longer than.
fn end_to_end(broker: &Broker, time: Duration, interval: Duration) -> anyhow::Result<[f64; 2]> {
    let (runtime, client) = connected(broker)?;
    let topic = TopicName::new("timed")?;
    let mut found = runtime.block_on(async {
        let begin = Instant::now();
        // Known before the first record is sent, and what others have sent is none of this.
        let wanted = [(topic.clone(), 0, OffsetSpec::Latest)];
        let ends = Admin::new(&client).list_offsets(&wanted, Isolation::ReadCommitted).await?;
        let from = ends.into_iter().next().context("a partition")?.1?.offset.context("an end")?;
        let over = CancellationToken::new();
        let reader =
            tokio::spawn(arrivals(client.clone(), (topic.clone(), from), begin, over.clone()));
        let producer = transactor(&client, "timed").await?;
        let sent = send_paced(&producer, &topic, begin, (time, interval)).await?;
        over.cancel();
        let found = reader.await??;
        ensure!(found.len() as u64 >= sent, "some committed records were not read");
        anyhow::Ok(found)
    })?;
    found.sort_by(f64::total_cmp);
    let at = |part: usize| found[(found.len() * part / 100).min(found.len() - 1)];
    Ok([at(50), at(99)])
}

/// Sends records at a steady pace, each bearing when it was due, in transactions that are committed after `interval`. A commit that takes
/// long holds up those that are due meanwhile, and it shows in their times.
async fn send_paced(
    producer: &TransactionalProducer,
    topic: &TopicName,
    begin: Instant,
    (time, interval): (Duration, Duration),
) -> anyhow::Result<u64> {
    let start = begin.elapsed();
    let (mut sent, mut commit_at) = (0, start + interval);
    producer.begin()?;
    loop {
        let due = start + Duration::from_nanos(sent * 1_000_000_000 / PACE);
        if due >= start + time {
            break;
        }
        tokio::time::sleep_until((begin + due.min(commit_at)).into()).await;
        if begin.elapsed() >= commit_at {
            producer.commit().await?;
            producer.begin()?;
            commit_at = begin.elapsed() + interval;
        }
        if begin.elapsed() >= due {
            let value = u64::try_from(due.as_nanos())?.to_be_bytes();
            let record = ProducerRecord::new(topic.clone(), Bytes::copy_from_slice(&value));
            drop(producer.send(record).await?);
            sent += 1;
        }
    }
    producer.commit().await?;
    Ok(sent)
}

/// How long each record took, in ms, until all are over and none came for a second.
async fn arrivals(
    client: Client,
    (topic, from): (TopicName, i64),
    begin: Instant,
    over: CancellationToken,
) -> anyhow::Result<Vec<f64>> {
    let isolation = Isolation::ReadCommitted;
    let consumer = Consumer::new(&client, ConsumerConfig { isolation, ..Default::default() });
    consumer.assign(&[(topic, 0, StartAt::Offset(from))]);
    let mut found = Vec::new();
    loop {
        let records = consumer.poll(Duration::from_secs(1)).await?;
        if records.is_empty() && over.is_cancelled() {
            return Ok(found);
        }
        let now = begin.elapsed();
        for record in records {
            let due = record.value.as_deref().and_then(|value| value.try_into().ok());
            let due = Duration::from_nanos(u64::from_be_bytes(due.context("eight bytes")?));
            found.push(now.saturating_sub(due).as_secs_f64() * 1e3);
        }
    }
}

/// The same records with acks=all: plain, idempotent, and in transactions of 100 ms. Each way is gone twice, there and back again, so
/// that whatever changes meanwhile touches all alike.
fn cost(options: &Options, broker: &Broker) -> anyhow::Result<Vec<Figure>> {
    let (runtime, client) = connected(broker)?;
    let count = (options.mib << 20) / SIZE as u64;
    let mb = (count * SIZE as u64) as f64 / 1e6;
    let ways = [Way::Plain, Way::Idempotent, Way::Transactions];
    let mut seconds = [0.0; 3];
    for way in ways.into_iter().chain(ways.into_iter().rev()) {
        let clock = Instant::now();
        runtime.block_on(bulk(&client, way, count))?;
        seconds[way as usize] += clock.elapsed().as_secs_f64();
    }
    let [plain, idempotent, transactions] = seconds.map(|seconds| 2.0 * mb / seconds);
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

/// How records are written.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    Plain,
    Idempotent,
    Transactions,
}

/// Writes records as fast as they are taken.
async fn bulk(client: &Client, way: Way, count: u64) -> anyhow::Result<()> {
    let topic = TopicName::new(match way {
        Way::Plain => "plain",
        Way::Idempotent => "idempotent",
        Way::Transactions => "transactional",
    })?;
    let value = Bytes::from(filling(SIZE));
    let record = || ProducerRecord::new(topic.clone(), value.clone());
    if way == Way::Transactions {
        let producer = transactor(client, "bulk").await?;
        producer.begin()?;
        let mut begun = Instant::now();
        for at in 0..count {
            drop(producer.send(record()).await?);
            if at % 64 == 0 && begun.elapsed() >= Duration::from_millis(100) {
                producer.commit().await?;
                producer.begin()?;
                begun = Instant::now();
            }
        }
        return Ok(producer.commit().await?);
    }
    let idempotent = way == Way::Idempotent;
    let config = ProducerConfig { idempotent, linger: Duration::ZERO, ..ProducerConfig::default() };
    let producer = Producer::new(client, config);
    for _ in 0..count {
        drop(producer.send(record()).await?);
    }
    let totals = producer.close().await;
    ensure!(totals.failed == 0, "{:?}", totals.first_error);
    Ok(())
}
