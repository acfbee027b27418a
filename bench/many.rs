//! Very many partitions on one broker.

use std::time::Instant;

use crate::broker::{Broker, Subject};
use crate::closed::{self, Load, Until};
use crate::options::Options;
use crate::raw::{Raw, batch, check_produced, create_served, produce_frame};
use crate::table::Figure;

/// A controller of Kafka's takes at most 10,000 records for one request.
const PER_TOPIC: i32 = 1000;
const PER_REQUEST: i32 = 50;
const CONNECTIONS: i32 = 8;
const RECORD: usize = 1024;

pub fn run(options: &Options, subject: &Subject) -> anyhow::Result<Vec<Figure>> {
    let mut broker = Broker::start(subject, &options.dir)?;
    let topics = topics(options.all_partitions);
    let clock = Instant::now();
    for (topic, partitions) in &topics {
        create_served(&mut broker, topic, *partitions, &[])?;
    }
    let created = clock.elapsed().as_secs_f64();
    let load = load(&topics, options.batch_records)?;
    let per_request = PER_REQUEST as u64 * options.batch_records as u64;
    let requests = options.records.div_ceil(per_request);
    let written = closed::run(broker.address(), &load, Until::Requests(requests))?;
    let rss = broker.rss_mb()?;
    broker.kill()?;
    let clock = Instant::now();
    broker.launch()?;
    for (topic, partitions) in &topics {
        broker.wait_until(|address| Raw::connect(address)?.ensure_served(topic, *partitions))?;
    }
    let restarted = clock.elapsed().as_secs_f64();
    let name = |what: &str| format!("{} partitions: {what}", options.all_partitions);
    Ok(vec![
        Figure::new(name("to make them, s"), created),
        Figure::new(
            name(&format!("records/s, {} of 1 KiB a batch", options.batch_records)),
            written.rate() * per_request as f64,
        ),
        Figure::new(name("RSS after it, MB"), rss),
        Figure::new(name("after kill -9: start until all are served, s"), restarted),
    ])
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
