//! How soon a broker is of use, and what it holds while it has nothing to do.

use std::thread;
use std::time::{Duration, Instant};

use crate::broker::{Broker, Subject};
use crate::figure::{Figure, Of, at_most};
use crate::options::Options;
use crate::raw::Raw;

const TOPIC: &str = "first";
const REST: Duration = Duration::from_secs(5);

pub fn run(options: &Options, subject: &Subject) -> anyhow::Result<Vec<Figure>> {
    let mut broker = Broker::prepare(subject, &options.dir)?;
    let clock = Instant::now();
    broker.launch()?;
    broker.wait_until(|address| Raw::connect(address)?.create_topic(TOPIC, 1, &[]))?;
    first_ack(&mut broker, TOPIC)?;
    let fresh = clock.elapsed();
    thread::sleep(REST);
    let idle = broker.rss_mb()?;
    broker.stop()?;
    let again = timed_start(&mut broker, TOPIC)?;
    let (cpu, peak) = (broker.cpu_seconds()?, broker.peak_mb()?);
    let again = Figure::new("the topic exists: start to first ack, ms", millis(again));
    let idle = Figure::new(format!("RSS {} s after the first ack, MB", REST.as_secs()), idle);
    Ok(vec![
        Figure::new("new data directory: start to first ack, ms", millis(fresh)),
        again.aim(at_most(0.02, Of::Kafka)).aim(at_most(50.0, Of::One)),
        Figure::new("the topic exists: broker CPU to first ack, ms", cpu * 1e3),
        Figure::new("the topic exists: broker peak RSS, MB", peak),
        idle.aim(at_most(0.05, Of::Kafka)).aim(at_most(20.0 * 1.048_576, Of::One)).in_row(11),
    ])
}

/// Starts the broker; returns how long it took until a record for `topic` was acknowledged.
pub fn timed_start(broker: &mut Broker, topic: &str) -> anyhow::Result<Duration> {
    let clock = Instant::now();
    broker.launch()?;
    first_ack(broker, topic)?;
    Ok(clock.elapsed())
}

fn first_ack(broker: &mut Broker, topic: &str) -> anyhow::Result<()> {
    broker.wait_until(|address| Raw::connect(address)?.produce(topic, 0..1))
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
