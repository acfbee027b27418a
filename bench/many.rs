//! Very many partitions on one broker.

use std::path::PathBuf;
use std::time::Instant;

use crate::broker::{Broker, Subject};
use crate::closed::{self, Load, Until};
use crate::figure::{Figure, Of, at_least, at_most};
use crate::options::Options;
use crate::raw::{Raw, batch, check_produced, create_served, produce_frame};
use crate::usage::measure;

/// A controller of Kafka's takes at most 10,000 records for one request.
const PER_TOPIC: i32 = 1000;
const PER_REQUEST: i32 = 50;
const CONNECTIONS: i32 = 8;
const RECORD: usize = 1024;
/// What the rate on very many is compared with.
const FEW: i32 = 10;

/// Where data directories stay until all is measured. For a minute after files are removed, ext4 without a journal does not take their
/// places again, but goes through all of them for each new file: the next broker would make its files ten times slower.
pub fn kept(options: &Options) -> PathBuf {
    options.dir.join("partitions")
}

pub fn run(options: &Options, subject: &Subject) -> anyhow::Result<Vec<Figure>> {
    let few = write(options, subject, FEW)?.records_per_second;
    let mut many = write(options, subject, options.all_partitions)?;
    let broker = &mut many.broker;
    let (rss, peak) = (broker.rss_mb()?, broker.peak_mb()?);
    broker.kill()?;
    let clock = Instant::now();
    broker.launch()?;
    for (topic, partitions) in &topics(options.all_partitions) {
        broker.wait_until(|address| Raw::connect(address)?.ensure_served(topic, *partitions))?;
    }
    let restarted = clock.elapsed().as_secs_f64();
    let restart_cpu = broker.cpu_seconds()?;
    let created = Figure::new("to make them, s", many.made_in);
    let rate = format!("records/s, {} of 1 KiB a batch", options.batch_records);
    let rate = Figure::new(rate, many.records_per_second).aim(at_least(3.0, Of::Kafka));
    let share = many.records_per_second / few;
    let share = Figure::new(format!("records/s over those on {FEW} partitions"), share);
    let restarted = Figure::new("after kill -9: start until all are served, s", restarted);
    // Three times as fast is a third of the time.
    let third = at_most(1.0 / 3.0, Of::Kafka);
    Ok(vec![
        created.aim(third.clone()),
        rate,
        share.aim(at_least(0.7, Of::One)),
        Figure::new("broker CPU s for a million records", many.cpu_seconds_per_million),
        Figure::new("RSS after it, MB", rss).aim(at_most(0.25, Of::Kafka)),
        Figure::new("peak RSS, MB", peak),
        restarted.aim(third),
        Figure::new("after kill -9: broker CPU until all are served, s", restart_cpu),
    ])
}

/// Partitions that were made and written to.
struct Written {
    broker: Broker,
    made_in: f64,
    records_per_second: f64,
    cpu_seconds_per_million: f64,
}

fn write(options: &Options, subject: &Subject, partitions: i32) -> anyhow::Result<Written> {
    let kept = kept(options);
    std::fs::create_dir_all(&kept)?;
    let mut broker = Broker::start(subject, &kept)?;
    broker.keep_data();
    let topics = topics(partitions);
    let clock = Instant::now();
    for (topic, partitions) in &topics {
        create_served(&mut broker, topic, *partitions, &[])?;
    }
    let made_in = clock.elapsed().as_secs_f64();
    let load = load(&topics, options.batch_records)?;
    let per_request = PER_REQUEST.min(partitions) as u64 * options.batch_records as u64;
    let requests = options.records.div_ceil(per_request);
    let (done, used) =
        measure(&broker, || closed::run(broker.address(), &load, Until::Requests(requests)))?;
    let records = (done.requests * per_request) as f64;
    Ok(Written {
        broker,
        made_in,
        records_per_second: done.rate() * per_request as f64,
        cpu_seconds_per_million: used.broker_seconds * 1e6 / records,
    })
}

fn topics(partitions: i32) -> Vec<(String, i32)> {
    let starts = (0..partitions).step_by(PER_TOPIC as usize);
    starts.map(|from| (format!("many-{from}"), (partitions - from).min(PER_TOPIC))).collect()
}

/// Each connection has its share of the partitions, and goes through them request by request.
fn load(topics: &[(String, i32)], records: usize) -> anyhow::Result<Load> {
    let batch = batch(records, RECORD)?;
    let mut frames = vec![Vec::new(); CONNECTIONS as usize];
    let mut connection = 0;
    for (topic, partitions) in topics {
        for from in (0..*partitions).step_by(PER_REQUEST as usize) {
            let to = (from + PER_REQUEST).min(*partitions);
            frames[connection].push(produce_frame(topic, from..to, &batch)?);
            connection = (connection + 1) % frames.len();
        }
    }
    frames.retain(|frames| !frames.is_empty());
    Ok(Load { frames, check: check_produced })
}
