//! Groups of the classic protocol, with klog's own members: how long a cooperative rebalance takes from its cause until all partitions
//! have their readers again, and how fast a group reads beside a consumer without one.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::ensure;
use bytes::Bytes;
use klog::base::TopicName;
use klog::client::{
    Assignor, Client, Consumer, ConsumerConfig, GroupConsumer, OffsetReset, Polled, StartAt,
    Subscription,
};
use klog::record::Codec;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::broker::{Broker, Subject};
use crate::clients::Library;
use crate::figure::Figure;
use crate::load::{Work, filling};
use crate::options::Options;
use crate::own;
use crate::raw::create_served;

const BEAT: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(120);
/// Partitions of the topic: as many for each member in every group.
const EACH: usize = 4;
const SETTINGS: [(&str, &str); 1] = [("group.initial.rebalance.delay.ms", "0")];

pub fn run(options: &Options, subject: &Subject) -> anyhow::Result<Vec<Figure>> {
    let runtime = klog::client::runtime()?;
    let mut figures = Vec::new();
    for count in &options.members {
        let mut broker = Broker::start_with(subject, &options.dir, &SETTINGS)?;
        create_served(&mut broker, "t", i32::try_from(count * EACH)?, &[])?;
        figures.extend(runtime.block_on(rebalance(&broker, *count))?);
    }
    for size in &options.sizes {
        figures.extend(read(options, subject, *size, &runtime)?);
    }
    Ok(figures)
}

/// A member at work: how many partitions it has, and the way to end it.
struct Member {
    has: Arc<AtomicUsize>,
    stop: CancellationToken,
    task: JoinHandle<anyhow::Result<()>>,
}

/// All members come at once; then one leaves; then one comes.
async fn rebalance(broker: &Broker, count: usize) -> anyhow::Result<Vec<Figure>> {
    // One member alone, in a group of its own, waits for `__consumer_offsets`.
    let mut first = vec![start(broker, "warm-up").await?];
    settle(&first, count * EACH).await?;
    leave(first.pop()).await?;
    let before = broker.cpu_seconds()?;
    let mut members = Vec::new();
    let begin = Instant::now();
    for _ in 0..count {
        members.push(start(broker, "g").await?);
    }
    settle(&members, count * EACH).await?;
    let together = begin.elapsed();
    let begin = Instant::now();
    leave(members.pop()).await?;
    settle(&members, count * EACH).await?;
    let left = begin.elapsed();
    let begin = Instant::now();
    members.push(start(broker, "g").await?);
    settle(&members, count * EACH).await?;
    let came = begin.elapsed();
    let cpu = broker.cpu_seconds()? - before;
    for member in members {
        leave(Some(member)).await?;
    }
    let name = |what: &str| format!("{count} cooperative members: {what}");
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    Ok(vec![
        Figure::new(name("all come, ms"), ms(together)),
        Figure::new(name("one leaves, ms"), ms(left)),
        Figure::new(name("one comes, ms"), ms(came)),
        Figure::new(name("CPU of the broker, ms"), cpu * 1e3),
    ])
}

async fn start(broker: &Broker, group: &str) -> anyhow::Result<Member> {
    let client = own::connect(broker.address()).await?;
    let mut config = ConsumerConfig { offset_reset: OffsetReset::Earliest, ..Default::default() };
    config.group.id = Some(group.into());
    config.group.heartbeat_interval = BEAT;
    config.group.assignors = vec![Assignor::CooperativeSticky];
    let topics = Subscription::Topics(vec![TopicName::new("t")?]);
    let consumer = GroupConsumer::new(&client, config, topics)?;
    let (has, stop) = (Arc::new(AtomicUsize::new(0)), CancellationToken::new());
    let (count, stopped) = (has.clone(), stop.clone());
    let task = tokio::spawn(async move {
        while !stopped.is_cancelled() {
            let polled = tokio::select! {
                polled = consumer.poll(PATIENCE) => polled?,
                () = stopped.cancelled() => break,
            };
            match polled {
                Polled::Assigned(added) => drop(count.fetch_add(added.len(), Ordering::Relaxed)),
                Polled::Revoked(gone) | Polled::Lost(gone) => {
                    count.fetch_sub(gone.len(), Ordering::Relaxed);
                }
                Polled::Records(_) => {}
            }
        }
        consumer.close().await?;
        client.close();
        Ok(())
    });
    Ok(Member { has, stop, task })
}

async fn leave(member: Option<Member>) -> anyhow::Result<()> {
    let Some(member) = member else { return Ok(()) };
    member.stop.cancel();
    member.task.await?
}

/// Waits until the members have all partitions, as evenly as can be.
async fn settle(members: &[Member], partitions: usize) -> anyhow::Result<()> {
    let begin = Instant::now();
    let most = partitions.div_ceil(members.len());
    loop {
        let has: Vec<usize> = members.iter().map(|m| m.has.load(Ordering::Relaxed)).collect();
        if has.iter().sum::<usize>() == partitions && has.iter().all(|has| *has <= most) {
            return Ok(());
        }
        ensure!(begin.elapsed() < PATIENCE, "the members do not share: {has:?}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// The same records, read by a consumer without a group and by a member of one.
fn read(
    options: &Options,
    subject: &Subject,
    size: usize,
    runtime: &tokio::runtime::Runtime,
) -> anyhow::Result<Vec<Figure>> {
    let mut broker = Broker::start_with(subject, &options.dir, &SETTINGS)?;
    create_served(&mut broker, "t", options.partitions, &[])?;
    let count = (options.mib << 20) / size as u64;
    let values = [Bytes::from(filling(size))];
    let work = Work { topic: "t", count, values: &values, codec: Codec::None };
    Library::Librdkafka.produce(broker.address(), &work)?;
    runtime.block_on(async {
        let client = own::connect(broker.address()).await?;
        // There and back, so that neither is always the first to read.
        let (mut plain, mut grouped) = (0.0, 0.0);
        for (turn, by_group) in [false, true, true, false].into_iter().enumerate() {
            let rate = match by_group {
                true => read_as_member(&client, &format!("g{turn}"), count).await?,
                false => read_alone(&client, options.partitions, count).await?,
            };
            *(if by_group { &mut grouped } else { &mut plain }) += rate / 2.0;
        }
        client.close();
        let name = |what: &str| format!("{what}, {size} B, records/s");
        Ok(vec![
            Figure::new(name("read without a group"), plain),
            Figure::new(name("read by a group"), grouped),
            Figure::new(format!("by a group over without one, {size} B"), grouped / plain),
        ])
    })
}

fn consumer_config() -> ConsumerConfig {
    ConsumerConfig {
        offset_reset: OffsetReset::Earliest,
        max_poll_records: 10_000,
        ..Default::default()
    }
}

async fn read_alone(client: &Client, partitions: i32, count: u64) -> anyhow::Result<f64> {
    let consumer = Consumer::new(client, consumer_config());
    let topic = TopicName::new("t")?;
    let all: Vec<_> = (0..partitions).map(|p| (topic.clone(), p, StartAt::Earliest)).collect();
    consumer.assign(&all);
    let (mut read, mut begun) = (0, None);
    while read < count {
        let records = consumer.poll(PATIENCE).await?;
        ensure!(!records.is_empty(), "only {read} of {count} records came");
        begun.get_or_insert_with(Instant::now);
        read += records.len() as u64;
    }
    Ok(rate(count, begun))
}

async fn read_as_member(client: &Client, group: &str, count: u64) -> anyhow::Result<f64> {
    let mut config = consumer_config();
    config.group.id = Some(group.into());
    let topics = Subscription::Topics(vec![TopicName::new("t")?]);
    let consumer = GroupConsumer::new(client, config, topics)?;
    let (mut read, mut begun) = (0, None);
    while read < count {
        if let Polled::Records(records) = consumer.poll(PATIENCE).await? {
            ensure!(!records.is_empty(), "only {read} of {count} records came");
            begun.get_or_insert_with(Instant::now);
            read += records.len() as u64;
        }
    }
    let rate = rate(count, begun);
    consumer.close().await?;
    Ok(rate)
}

/// From the first records on: who joins first is told above.
fn rate(count: u64, begun: Option<Instant>) -> f64 {
    count as f64 / begun.map_or(f64::NAN, |begun| begun.elapsed().as_secs_f64())
}
