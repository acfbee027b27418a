//! Groups of the consumer protocol (KIP-848): how long it takes until all members have what they are to have, and commits.
//!
//! The members are no client's but bare heartbeats, one every 100 ms from each, so that what is measured is the coordinator: they give up at
//! once what they are told to.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use bytes::Bytes;
use klog::wire::consumer_group_heartbeat::{ConsumerGroupHeartbeatRequest, TopicPartitions};
use klog::wire::find_coordinator::FindCoordinatorRequest;
use klog::wire::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use klog::wire::{Request, decode_response_header};

use crate::broker::{Broker, Subject};
use crate::closed::{self, Load, Until};
use crate::figure::Figure;
use crate::options::Options;
use crate::raw::{Raw, create_served, frame};

const BEAT: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(120);
/// Partitions of the topic: as many for each member in every group.
const EACH: usize = 4;
const COMMIT: i16 = 9;
/// What makes Kafka rebalance without waiting; klog does not wait.
const SETTINGS: [(&str, &str); 2] =
    [("group.initial.rebalance.delay.ms", "0"), ("group.consumer.assignment.interval.ms", "0")];

pub fn run(options: &Options, subject: &Subject) -> anyhow::Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for count in &options.members {
        let mut broker = Broker::start_with(subject, &options.dir, &SETTINGS)?;
        create_served(&mut broker, "t", i32::try_from(count * EACH)?, &[])?;
        ready(&mut broker, "g")?;
        figures.extend(rebalance(&broker, *count)?);
    }
    let mut broker = Broker::start_with(subject, &options.dir, &SETTINGS)?;
    create_served(&mut broker, "t", 1, &[])?;
    ready(&mut broker, "g")?;
    let load = commits(options.committers)?;
    let before = broker.cpu_seconds()?;
    let done = closed::run(broker.address(), &load, Until::Time(options.time()))?;
    let cpu = broker.cpu_seconds()? - before;
    figures.push(Figure::new("commits/s", done.rate()));
    figures.push(Figure::new("commits, p99 ms", done.latency_ms(990)));
    figures.push(Figure::new("commits, CPU ms for 1000", cpu * 1e6 / done.requests as f64));
    Ok(figures)
}

/// Waits until the coordinator takes requests.
fn ready(broker: &mut Broker, group: &str) -> anyhow::Result<()> {
    broker.wait_until(|address| {
        let mut raw = Raw::connect(address)?;
        let find =
            FindCoordinatorRequest { coordinator_keys: vec![group.into()], ..Default::default() };
        let found = raw.call(4, &find)?;
        let found = found.coordinators.first().context("it names one")?;
        ensure!(found.error_code == 0, "FindCoordinator: error {}", found.error_code);
        let mut probe = Member { raw, id: "probe".into(), ..Member::new(address, 0)? };
        probe.beat("warm-up")?;
        probe.epoch = -1;
        probe.beat("warm-up")
    })
}

/// All members come at once; then one leaves; then one comes.
fn rebalance(broker: &Broker, count: usize) -> anyhow::Result<Vec<Figure>> {
    let before = broker.cpu_seconds()?;
    let mut members = Vec::new();
    for at in 0..count {
        members.push(Member::new(broker.address(), at)?);
    }
    let together = settle(&mut members, count * EACH)?;
    let mut gone = members.pop().context("there is one")?;
    gone.epoch = -1;
    gone.beat("g")?;
    let left = settle(&mut members, count * EACH)?;
    members.push(Member::new(broker.address(), count)?);
    let came = settle(&mut members, count * EACH)?;
    let cpu = broker.cpu_seconds()? - before;
    let name = |what: &str| format!("{count} members: {what}");
    Ok(vec![
        Figure::new(name("all come, ms"), together),
        Figure::new(name("one leaves, ms"), left),
        Figure::new(name("one comes, ms"), came),
        Figure::new(name("CPU of the broker, ms"), cpu * 1e3),
    ])
}

/// Heartbeats until all partitions are owned, evenly, by members of one epoch; tells how many ms that took.
fn settle(members: &mut [Member], partitions: usize) -> anyhow::Result<f64> {
    let begin = Instant::now();
    loop {
        let round = Instant::now();
        for member in members.iter_mut() {
            member.beat("g")?;
        }
        let epoch = members.first().map_or(0, |member| member.epoch);
        let owned: usize = members.iter().map(|member| member.owned_count()).sum();
        let most = partitions.div_ceil(members.len());
        let even =
            members.iter().all(|member| member.epoch == epoch && member.owned_count() <= most);
        if even && owned == partitions {
            return Ok(begin.elapsed().as_secs_f64() * 1e3);
        }
        ensure!(begin.elapsed() < PATIENCE, "the members do not share: {owned} of {partitions}");
        std::thread::sleep(BEAT.saturating_sub(round.elapsed()));
    }
}

struct Member {
    raw: Raw,
    id: String,
    epoch: i32,
    owned: Vec<TopicPartitions>,
}

impl Member {
    fn new(address: &str, at: usize) -> anyhow::Result<Member> {
        let raw = Raw::connect(address)?;
        Ok(Member { raw, id: format!("member-{at}"), epoch: 0, owned: Vec::new() })
    }

    fn owned_count(&self) -> usize {
        self.owned.iter().map(|topic| topic.partitions.len()).sum()
    }

    fn beat(&mut self, group: &str) -> anyhow::Result<()> {
        let joins = self.epoch == 0;
        let request = ConsumerGroupHeartbeatRequest {
            group_id: group.into(),
            member_id: self.id.clone().into(),
            member_epoch: self.epoch,
            rebalance_timeout_ms: if joins { 60_000 } else { -1 },
            subscribed_topic_names: joins.then(|| vec!["t".into()]),
            topic_partitions: Some(self.owned.clone()),
            ..Default::default()
        };
        let answer = self.raw.call(1, &request)?;
        ensure!(answer.error_code == 0, "a heartbeat: {answer:?}");
        self.epoch = answer.member_epoch;
        if let Some(assignment) = answer.assignment {
            self.owned = assignment.topic_partitions;
        }
        Ok(())
    }
}

/// Each connection commits an offset of a group of its own.
fn commits(connections: usize) -> anyhow::Result<Load> {
    let frames = (0..connections).map(|at| {
        let partition = OffsetCommitRequestPartition { committed_offset: 7, ..Default::default() };
        let topic = OffsetCommitRequestTopic {
            name: "t".into(),
            partitions: vec![partition],
            ..Default::default()
        };
        let request = OffsetCommitRequest {
            group_id: format!("committer-{at}").into(),
            topics: vec![topic],
            ..Default::default()
        };
        Ok(vec![frame(COMMIT, &request)?])
    });
    Ok(Load { frames: frames.collect::<anyhow::Result<_>>()?, check: check_committed })
}

fn check_committed(answer: Bytes) -> anyhow::Result<()> {
    let (_, body) = decode_response_header(OffsetCommitRequest::API, COMMIT, answer)?;
    let answer = OffsetCommitRequest::decode_response(COMMIT, body)?;
    let partitions = answer.topics.iter().flat_map(|topic| &topic.partitions);
    for partition in partitions {
        ensure!(partition.error_code == 0, "OffsetCommit: error {}", partition.error_code);
    }
    Ok(())
}
